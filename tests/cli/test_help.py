"""Help: the same by two ways, with examples that are valid."""

from __future__ import annotations

import shlex

import pytest

import gatecast
from gatecast.cli.main import EXAMPLES, app

from .conftest import Run


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_help_ends_in_three_examples(run: Run, name: str) -> None:
    shown = run("help", name)
    assert (shown.code, shown.out) == (0, run(name, "--help").out)
    assert len(EXAMPLES[name]) == 3
    assert shown.widest <= 80
    assert [line.strip() for line in shown.out.split("Examples:")[1].splitlines() if line.strip()] == [*EXAMPLES[name]]


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_is_understood(line: str) -> None:
    program, *words = shlex.split(line.partition(" > ")[0].rsplit("|", maxsplit=1)[-1])
    assert program == "gatecast"
    command, bound, _ = app.parse_args([w if w != "-" else "stdin:" for w in words], exit_on_error=False)
    assert callable(command)
    assert bound.arguments is not None


def test_help_and_version(run: Run) -> None:
    assert run("help").out == run("--help").out
    assert run("-V").out.strip() == f"gatecast {gatecast.__version__}" == run("--version").out.strip()
