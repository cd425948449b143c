"""``gatecast predict`` and ``gatecast watch``: forecast new data with a saved model, or follow them row by row."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gatecast.cli.building import read_future, read_panel
from gatecast.cli.files import PIPE, TABLE_KINDS, require_pictures, require_writable, to_future, write_results
from gatecast.cli.options import DATA, OUTPUT, DataOptions, Future, Json, Output, PictureOptions, Plot
from gatecast.cli.printing import Screen, complain
from gatecast.cli.sections import show_chart, show_forecast, show_panel
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.live.live import Live

__all__ = ["predict", "watch"]


def predict(
    model: Path,
    file: Path | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    future: Future = (),
    output: Output = None,
    plot: Plot = None,
    picture: PictureOptions = PictureOptions(),
    json: Json = False,
) -> int:
    """Forecast what follows a table with a saved model.

    Args:
        model: A file that gatecast fit or forecast --save wrote.
        file: The history to continue, of known or new series.
        future: Table of future covariates, or NAME=VALUE for each.
        output: Write all forecasts to .csv, .parquet, .jsonl or .xlsx.
        plot: Write a fan chart to .png, .pdf or .svg.
        json: Print one JSON object.
    """
    require_writable(output, TABLE_KINDS, "--output")
    require_pictures(plot, picture)
    known = to_future(future)
    from gatecast.forecaster import load

    fitted = load(model)
    screen = Screen(json)
    panel = read_panel(file, data, fitted)
    show_panel(screen, panel)
    screen.line()
    made = fitted.predict(panel, future=read_future(panel, known, data))
    written = write_results(made, output, plot, picture)
    show_forecast(screen, made, output)
    if picture.chart:
        show_chart(screen, made)
    screen.files(written)
    from gatecast.workflow import data_facts, forecast_facts

    screen.result = {
        "command": "predict",
        "model": str(model),
        "data": data_facts(panel),
        "forecast": forecast_facts(made) if json else [],
        "guarded": list(made.guarded),
        "bounded": list(made.bounded),
        "late": list(made.late),
        "files": written,
    }
    return screen.finish()


def watch(
    model: Path,
    rows: Path,
    /,
    *,
    history: Annotated[Path | None, Parameter(group=DATA)] = None,
    revise: Annotated[bool, Parameter(group=DATA, negative="")] = False,
    state: Annotated[Path | None, Parameter(group=OUTPUT)] = None,
) -> int:
    """Follow rows as they come: a line of JSON out for each, with its forecast, error and anomaly score.

    Args:
        model: A file that gatecast fit or forecast --save wrote.
        rows: JSON lines, or CSV with a header; - is what comes through a pipe.
        history: The history to begin with, where there is no state yet.
        revise: Rows that contradict what is known replace it.
        state: Keep the state in this file, and go on from it. A row is printed once the state that knows it is saved.
    """
    require_writable(state, (), "--state")
    live = _followed(model, history, state)
    from gatecast.live.watching import Watch

    watching = Watch(live, sys.stdout, complain, state, revise=revise)
    try:
        if str(rows) == PIPE:
            broken = watching.run(sys.stdin)
        else:
            with open(rows, encoding="utf-8-sig", errors="replace") as lines:
                broken = watching.run(lines)
    except KeyboardInterrupt:
        return 130
    return 1 if broken else 0


def _followed(model: Path, history: Path | None, state: Path | None) -> Live:
    """The live model to go on with: that of the state, else one that begins."""
    from gatecast.forecaster import load
    from gatecast.live.files import load_live
    from gatecast.storage.files import document_in

    if state is not None and state.exists():
        live = load_live(state)
        if document_in(state) != document_in(model):
            raise ConfigError(f"the state in {state} is that of another model than {model}. Give another --state.")
        return live
    fitted = load(model)
    return fitted.live(None if history is None else read_panel(history, DataOptions(), fitted))
