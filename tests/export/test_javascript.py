"""An exported graph in onnxruntime-web under Node.js: the how-to line by line, and a model that counts microseconds.

GATECAST_NODE names a folder with node_modules; without it npm installs there what the how-to says.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import gatecast as gc
from gatecast.cli.main import main
from gatecast.training.config import TrainingConfig

pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
pytestmark = pytest.mark.slow  # a download, unless GATECAST_NODE is set; three processes; WebAssembly that is compiled

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCRIPT = DOCS / "javascript" / "forecast.mjs"
PAGE = (DOCS / "howto-onnx.md").read_text(encoding="utf-8")
BLOCK = re.search(r"```console\n((?:\$ .*\n)*\$ node .*\n)```", PAGE)
LINES = [line.removeprefix("$ ") for line in BLOCK[1].splitlines()] if BLOCK else []
INSTALL = next((line for line in LINES if line.startswith("npm ")), "")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder ``node_modules`` with onnxruntime-web."""
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    if given := os.environ.get("GATECAST_NODE"):
        return Path(given).resolve() / "node_modules"
    if shutil.which("npm") is None:
        pytest.skip("there is no npm, and GATECAST_NODE names no folder with node_modules")
    folder = tmp_path_factory.mktemp("node")
    try:
        done = subprocess.run(INSTALL.split(), cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{INSTALL!r} takes more than two minutes")
    if done.returncode:
        pytest.skip(f"{INSTALL!r} failed: {done.stderr.strip().splitlines()[-1:]}")
    return folder / "node_modules"


@pytest.fixture
def folder(modules: Path, tmp_path: Path) -> Path:
    """A folder with the script, and the modules that it imports."""
    shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "node_modules").symlink_to(modules)
    return tmp_path


def node(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "forecast.mjs", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def difference(printed: str) -> float:
    return float(printed.split("largest difference from expected.csv: ")[1].split(maxsplit=1)[0])


def test_the_lines_of_the_how_to_run(folder: Path) -> None:
    assert [line.split()[0] for line in LINES] == ["gatecast"] * 3 + ["npm", "node"]
    gc.load_example("airline").to_frame().write_csv(folder / "airline.csv")
    shell = f'gatecast() {{ "{sys.executable}" -m gatecast "$@"; }}\nset -e\n'
    script = shell + "\n".join(line for line in LINES if line != INSTALL)
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert difference(done.stdout) <= 1e-5

    changed = re.sub(r"\n(.*),432\.0\n", r"\n\1,433.0\n", (folder / "airline.csv").read_text())
    (folder / "airline.csv").write_text(changed)
    off = node(folder, "airline.onnx", "airline.json", "airline.csv", "expected.csv")
    assert off.returncode == 1, "a value of the history was changed: another forecast"
    assert difference(off.stdout) > 1e-5


def test_the_code_on_the_page_is_that_of_the_file() -> None:
    shown = re.search(r"```js\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert shown[1].strip() in SCRIPT.read_text(encoding="utf-8")


def test_a_time_in_microseconds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hours = np.datetime64("2024-03-01T00", "us") + np.arange(400) * np.timedelta64(1, "h")
    values = 50 + 20 * np.sin(np.arange(400) * np.pi / 12) + np.random.default_rng(3).normal(0, 2, 400)
    pl.DataFrame({"at": hours, "load": values}).write_csv(folder / "load.csv")
    training = TrainingConfig(max_epochs=2, steps_per_epoch=3)
    model = gc.Forecaster(6, scaling="difference+standard", lookback=24, members=1, training=training, progress=False)
    model.fit(gc.read(folder / "load.csv")).save(folder / "load.gatecast")
    assert main(["export", str(folder / "load.gatecast"), str(folder / "load.onnx"), "--bounds", "none", "--json"]) == 0
    told = capsys.readouterr().out
    assert "microseconds since 1970" in told
    (folder / "load.json").write_text(told.strip().splitlines()[-1])
    model.predict().to_frame().write_csv(folder / "expected.csv")
    done = node(folder, "load.onnx", "load.json", "load.csv", "expected.csv")
    assert done.returncode == 0, done.stderr[-500:]
    assert difference(done.stdout) <= 1e-5
    short = folder / "short.csv"
    short.write_text("".join((folder / "load.csv").read_text().splitlines(keepends=True)[:9]))
    refused = node(folder, "load.onnx", "load.json", "short.csv").stderr
    assert re.search(r"the graph reads \d+ steps; there are 8", refused)
