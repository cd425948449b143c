"""What the tests of the command line share: a runner, small tables, settings that train in a blink."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gatecast.cli.main import main

TINY = ["--members", "1", "--scaling", "difference+standard", "--hidden-size", "2", "--max-epochs", "1"]
TINY += ["--steps-per-epoch", "1", "--quantiles", "0.1,0.5,0.9"]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is no JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def widest(self) -> int:
        """Of all lines but the command to run next: that has to be copied, and is as long as the path in it."""
        return max((len(line) for line in self.out.splitlines() if not line.startswith("next ")), default=0)


Run = Callable[..., Result]
# What every JSON object begins with.
HEAD = {"schema", "gatecast", "command", "exit_code", "error"}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in this process, in a folder of its own."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def runner(*words: object) -> Result:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return runner


def table(rows: int = 40, start: str = "2020-01", step: int = 0) -> str:
    """A CSV of months with a season."""
    months = np.datetime64(start) + np.arange(rows)
    values = 100 + np.arange(rows) + 10 * np.sin(np.arange(rows) * np.pi / 6) + step
    return "month,sales\n" + "".join(f"{m}-01,{v:.2f}\n" for m, v in zip(months, values, strict=True))


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """A table that has nothing wrong."""
    path = tmp_path / "sales.csv"
    path.write_text(table())
    return path


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file, trained on ``sales`` in a blink."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "sales.csv").write_text(table())
    save = folder / "sales.gatecast"
    assert main(["fit", str(folder / "sales.csv"), "--horizon", "3", "--save", str(save), *TINY]) == 0
    return save


@pytest.fixture
def tiny() -> list[str]:
    return list(TINY)


@pytest.fixture
def make_table() -> Callable[..., str]:
    return table
