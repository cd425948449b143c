"""``gatecast update``: train a saved model further with newer rows."""

# ruff: noqa: B008, D417 -- the group of options is a frozen dataclass, which holds the docs of its fields

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gatecast.cli.building import read_panel
from gatecast.cli.files import require_writable
from gatecast.cli.models.groups import one_model
from gatecast.cli.options import MODEL, DataOptions, Json, Save
from gatecast.cli.printing import Screen
from gatecast.cli.results.verdicts import table_words
from gatecast.cli.sections import show_panel
from gatecast.errors import ConfigError

__all__ = ["update"]


def update(
    model: Path,
    file: str | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    time_limit: Annotated[float | None, Parameter(group=MODEL)] = None,
    save: Save = None,
    json: Json = False,
) -> int:
    """Train a saved model further with newer rows, and keep that only if it forecasts the newest ones better.

    Args:
        model: A file that gatecast fit or forecast --save wrote.
        file: Its history and what came after the training.
        time_limit: Seconds that the trainings may take together, roughly.
        save: File for the model trained further, where that is better; may be MODEL itself.
        json: Print one JSON object.
    """
    if time_limit is not None and not time_limit > 0:
        raise ConfigError(f"--time-limit must be above 0 seconds; got {time_limit}.")
    require_writable(save, (), "--save")
    from gatecast.backtesting.newer.update import update as updated
    from gatecast.workflow import data_facts

    fitted = one_model(model, "update")
    screen = Screen(json)
    panel = read_panel(file, data, fitted)
    show_panel(screen, panel)
    made = updated(fitted, panel, time_limit=time_limit)
    written = [save] if made.better and save is not None else []
    for path in written:
        made.model.save(path)
    screen.line()
    screen.wrapped(str(made), "green" if made.better else "bright_black")
    onward = _onward(made.better, model, table_words(file, data.example), save)
    screen.onward(onward)
    screen.files(written)
    screen.result = {
        "command": "update",
        "model": str(model),
        "data": data_facts(panel),
        "update": made.to_dict(),
        "next": onward,
        "files": written,
    }
    return screen.finish()


def _onward(better: bool, model: Path, table: list[str], save: Path | None) -> str:
    """Keep what is better; forecast with what there is."""
    if better and save is None:
        return shlex.join(["gatecast", "update", str(model), *table, "--save", str(model)])
    return shlex.join(["gatecast", "predict", str(save if better and save is not None else model), *table])
