"""As a process of its own: start-up, exit codes, closed pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gatecast

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


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen([*PYTHON, "fit", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
