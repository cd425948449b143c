"""``gatecast forecast``: from a table to a forecast, with an honest score first."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gatecast.cli.building import (
    data_facts,
    forecaster,
    read_future,
    read_panel,
    require_counts,
    require_future,
    settings,
)
from gatecast.cli.files import PLOT_KINDS, TABLE_KINDS, require_writable, to_future, write_results
from gatecast.cli.options import (
    DataOptions,
    Future,
    Json,
    ModelOptions,
    NetworkOptions,
    Origins,
    Output,
    Plot,
    Save,
    TrainingOptions,
)
from gatecast.cli.printing import Screen
from gatecast.cli.sections import forecast_facts, model_facts, show_forecast, show_model
from gatecast.errors import WindowError

if TYPE_CHECKING:
    from gatecast.assessment import Assessment
    from gatecast.data.panel import Panel
    from gatecast.forecaster import Forecaster

__all__ = ["forecast"]


def forecast(
    file: Path | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    model: ModelOptions = ModelOptions(),
    future: Future = (),
    origins: Origins = None,
    output: Output = None,
    save: Save = None,
    plot: Plot = None,
    json: Json = False,
    network: Annotated[NetworkOptions, Parameter(show=False)] = NetworkOptions(),
    training: Annotated[TrainingOptions, Parameter(show=False)] = TrainingOptions(),
) -> int:
    """Train, score on held-back data beside the naive forecasts, train on everything, forecast.

    Args:
        file: The table: CSV, Parquet or JSON lines.
        future: Table of future covariates, or NAME=VALUE for each.
        origins: Held-back forecasts that the score is taken from.
        output: Write all forecasts to .csv, .parquet or .jsonl.
        save: Write the trained model.
        plot: Write a fan chart to .png, .pdf or .svg.
        json: Print one JSON object.
    """
    require_writable(output, TABLE_KINDS, "--output")
    require_writable(save, (), "--save")
    require_writable(plot, PLOT_KINDS, "--plot")
    require_counts(origins=origins)
    arguments, known = settings(model, network, training), to_future(future)
    screen = Screen(json)
    panel = read_panel(file, data)
    screen.wrapped(panel.describe())
    forecasting, note = forecaster(panel, model.horizon, arguments)
    screen.labelled("horizon", note)
    ahead = require_future(panel, forecasting.horizon, read_future(panel, known, data))
    assessment, seconds = _train(screen, forecasting, panel, origins)
    if assessment is not None:
        screen.scores(assessment.scores)
    screen.line()
    made = forecasting.predict(panel, future=ahead)
    show_forecast(screen, made, output)
    write_results(screen, made, output, plot)
    if save is not None:
        forecasting.save(save)
        screen.note(f"written: {save}")
    screen.result = {
        "command": "forecast",
        "data": data_facts(panel),
        "model": model_facts(forecasting, seconds),
        "assessment": None if assessment is None else assessment.scores.to_dict(),
        "verdict": None if assessment is None else assessment.scores.verdict,
        "forecast": forecast_facts(made) if json else [],
    }
    screen.close()
    return 130 if forecasting.record_["interrupted"] else 0


def _train(screen: Screen, model: Forecaster, panel: Panel, origins: int | None) -> tuple[Assessment | None, float]:
    """Score on held-back origins, then train on everything; seconds of both."""
    from gatecast.assessment import hold_out, origins_that_fit

    started = time.monotonic()
    assessment, reason, limit = None, "", model.time_limit
    if limit is not None:
        model.time_limit = limit * 2 / 3  # the rest is for the training on everything
    try:
        assessment = hold_out(model, panel, origins=origins or origins_that_fit(panel, model.horizon))
    except WindowError as error:
        if origins is not None:
            raise
        reason = str(error)
    model.time_limit = limit
    if assessment is None:
        model.fit(panel)
    elif not model.record_["interrupted"]:
        left = None if limit is None else max(limit - (time.monotonic() - started), limit / 10)
        model.refit_on(panel, left)
    seconds = time.monotonic() - started
    show_model(screen, model, seconds)
    if reason:
        held = "Nothing could be held back, so nothing was checked: trust this forecast as little as a guess. "
        screen.wrapped(f"{held}({reason})", "yellow")
    return assessment, seconds
