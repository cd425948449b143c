"""As a process of its own: start-up, exit codes, closed pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gatecast
from gatecast.cli.files import save_forecast
from gatecast.forecaster import load

PYTHON = [sys.executable, "-m", "gatecast"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(gatecast.__file__).parents[1])}


def call(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PYTHON, *words], capture_output=True, text=True, check=False, cwd=cwd, env=ENVIRONMENT)


@pytest.mark.parametrize("words", [["--help"], ["forecast", "--help"], ["fit", "--help"]])
def test_help_needs_no_heavy_library(words: list[str]) -> None:
    code = (
        "import sys; from gatecast.cli.main import main; code = main(sys.argv[1:]);"
        "heavy = {'torch', 'numpy', 'polars', 'pandas', 'matplotlib', 'pooch'} & set(sys.modules);"
        "sys.exit(f'{heavy} was loaded' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: gatecast" in done.stdout


def test_a_mistake_is_one_line_on_stderr(tmp_path: Path) -> None:
    done = call("forecast", "absent.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: absent.csv does not exist.")
    assert done.stderr.count("\n") == 1


def test_json_goes_to_stdout_alone(tmp_path: Path) -> None:
    words = ["--horizon", "3", "--members", "1", "--hidden-size", "2", "--max-epochs", "1", "--scaling", "difference"]
    words += ["--json", "--plot", "p.png"]
    done = call("forecast", "--example", "airline", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["command"] == "forecast"
    assert done.stderr == "written: p.png\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.png"]


SHORT = ["--horizon", "3", "--members", "1", "--hidden-size", "2", "--max-epochs", "1", "--scaling", "difference"]
CONSOLES = {
    "Windows": ({"PYTHONIOENCODING": "cp1252"}, "cp1252"),
    "no locale": ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "ascii"),
}


def bare(console: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """In an environment that has neither HOME nor a locale."""
    kept = {name: ENVIRONMENT[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in ENVIRONMENT}
    command = [word.encode() for word in (*PYTHON, *words)]
    return subprocess.run(command, capture_output=True, check=False, cwd=cwd, env=kept | CONSOLES[console][0])


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    """Series whose names hardly a console shows."""
    path = tmp_path / "t.csv"
    days = np.datetime64("2024-01-01") + np.arange(56)
    rows = [f"{name},{day},{n % 9 + 1}" for name in ("Łódź ☕", "Kraków") for n, day in enumerate(days)]
    path.write_text("town,day,größe\n" + "\n".join(rows) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("console", CONSOLES)
def test_a_character_that_the_console_lacks_is_replaced(console: str, towns: Path) -> None:
    done = bare(console, "forecast", towns.name, *SHORT, cwd=towns.parent)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(CONSOLES[console][1])
    assert ("series ??d? ?" if console != "Windows" else "series ?ód? ?") in text
    assert ("2 series · 56 days" if console == "Windows" else "2 series . 56 days") in text


@pytest.mark.parametrize("console", CONSOLES)
def test_json_is_whole_on_any_console(console: str, towns: Path) -> None:
    done = bare(console, "forecast", towns.name, *SHORT, "--json", cwd=towns.parent)
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout.decode(CONSOLES[console][1]))
    assert found["data"]["targets"] == ["größe"]


@pytest.mark.parametrize("console", CONSOLES)
@pytest.mark.parametrize("words", [["forecast", "--help"], ["fit", "Łódź ☕"]])
def test_help_and_errors_are_shown_on_any_console(console: str, words: list[str], tmp_path: Path) -> None:
    done = bare(console, *words, cwd=tmp_path)
    assert b"Traceback" not in done.stderr
    assert done.returncode == (0 if words[-1] == "--help" else 2)
    (done.stdout or done.stderr).decode(CONSOLES[console][1])


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text there")
@pytest.mark.parametrize("kind", [".csv", ".jsonl", ".parquet"])
def test_files_whose_names_are_no_text_are_written(kind: str, fitted: Path, tmp_path: Path) -> None:
    """As every name beyond ASCII is where there is no locale."""
    path = tmp_path / os.fsdecode(b"\xff" + kind.encode())
    save_forecast(load(fitted).predict(fitted.with_name("sales.csv")), path, "sales")
    assert path.stat().st_size > 100


HOMELESS = """
import os, pwd
assert "HOME" not in os.environ
def unknown(*_):
    raise KeyError("no such user")
pwd.getpwuid = unknown
import gatecast as gc
for name in gc.__all__:
    getattr(gc, name)
model = gc.Forecaster(3, members=1, candidates=1, lookback=8, training={"max_epochs": 1}, progress=False)
model.fit(gc.load_example("airline")).predict().plot(path="p.png")
for data in (None, "~/nowhere.tgz"):
    try:
        gc.load_example("ridership", data=data)
    except gc.GatecastError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other ways home")
def test_the_package_works_without_a_home(tmp_path: Path) -> None:
    kept = {name: ENVIRONMENT[name] for name in ("PATH", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, "-c", HOMELESS], capture_output=True, text=True, check=False, cwd=tmp_path, env=kept
    )
    assert done.returncode == 0, done.stderr
    download, given = done.stdout.splitlines()
    assert "no home folder to keep" in download
    assert "set HOME, or pass --data FILE" in download
    assert "give the whole path" in given
    assert (tmp_path / "p.png").is_file()


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen([*PYTHON, "fit", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
