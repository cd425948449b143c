"""``gatecast check``: is a saved model still what it was?"""

# ruff: noqa: B008, D417 -- the group of options is a frozen dataclass, which holds the docs of its fields

from __future__ import annotations

import shlex
from pathlib import Path

from gatecast.cli.building import read_panel
from gatecast.cli.models.groups import one_model
from gatecast.cli.options import DataOptions, Json
from gatecast.cli.printing import Screen
from gatecast.cli.results.verdicts import FAILED, table_words
from gatecast.cli.sections import show_panel

__all__ = ["check"]

COLOURS = {"fine": "green", "off": "yellow", "unknown": "bright_black"}


def check(
    model: Path,
    file: str | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    json: Json = False,
) -> int:
    """Say how old a saved model is, and whether errors, coverage or drift speak against it; exit with 3 if so.

    Args:
        model: A file that gatecast fit or forecast --save wrote.
        file: Its history and what came after the training.
        json: Print one JSON object.
    """
    from gatecast.backtesting.newer.check import check as found_by
    from gatecast.workflow import data_facts

    fitted = one_model(model, "check")
    screen = Screen(json)
    panel = read_panel(file, data, fitted)
    show_panel(screen, panel)
    made = found_by(fitted, panel)
    screen.line()
    for finding in made.findings:
        screen.labelled(finding.name, f"{finding.verdict} · {finding.words}", 10, COLOURS[finding.verdict])
    screen.labelled("left out", made.left_out, 10)
    onward = _onward(made.verdict, model, table_words(file, data.example))
    screen.onward(onward)
    screen.result = {
        "command": "check",
        "model": str(model),
        "data": data_facts(panel),
        "check": made.to_dict(),
        "evaluation": None if made.evaluation is None else made.evaluation.to_dict(),
        "next": onward,
    }
    return screen.finish(FAILED if made.verdict == "off" else 0)


def _onward(verdict: str, model: Path, table: list[str]) -> str:
    """Train further where something is off, forecast where not."""
    if verdict == "off":
        return shlex.join(["gatecast", "update", str(model), *table, "--save", str(model)])
    return shlex.join(["gatecast", "predict", str(model), *table])
