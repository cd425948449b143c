"""``gatecast forecast``: from a table to a forecast, with an honest score first."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gatecast.cli.building import forecaster, read_future, read_panel, require_counts, settings
from gatecast.cli.files import (
    PAGE_KINDS,
    TABLE_KINDS,
    require_pictures,
    require_writable,
    show_page,
    to_future,
    write_results,
)
from gatecast.cli.options import (
    MODEL,
    OUTPUT,
    DataOptions,
    Future,
    Json,
    ModelOptions,
    NetworkOptions,
    Origins,
    Output,
    PictureOptions,
    Plot,
    Save,
    TrainingOptions,
)
from gatecast.cli.printing import Screen, command_line, worded
from gatecast.cli.sections import show_chart, show_forecast, show_importance, show_model, show_panel
from gatecast.errors import ConfigError

__all__ = ["forecast"]


def forecast(
    file: Path | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    model: ModelOptions = ModelOptions(),
    future: Future = (),
    origins: Origins = None,
    explain: Annotated[bool, Parameter(group=MODEL, negative="")] = False,
    output: Output = None,
    save: Save = None,
    plot: Plot = None,
    picture: PictureOptions = PictureOptions(),
    report: Annotated[Path | None, Parameter(group=OUTPUT)] = None,
    open_: Annotated[bool, Parameter(name="open", group=OUTPUT, negative="")] = False,
    json: Json = False,
    network: Annotated[NetworkOptions, Parameter(show=False)] = NetworkOptions(),
    training: Annotated[TrainingOptions, Parameter(show=False)] = TrainingOptions(),
) -> int:
    """Train, score on held-out data beside the naive forecasts, train on everything, forecast.

    Args:
        file: The table: CSV, Parquet, JSON, XLSX or ODS; - for what comes through a pipe.
        future: Table of future covariates, or NAME=VALUE for each.
        origins: Held-out forecasts that the score is taken from.
        explain: Measure on held-out data what each covariate contributes.
        output: Write all forecasts to .csv, .parquet, .jsonl or .xlsx.
        save: Write the trained model.
        plot: Write a fan chart to .png, .pdf or .svg.
        report: Write the forecast as one HTML page to send, which needs no network.
        open_: Open that page in the browser.
        json: Print one JSON object.
    """
    require_writable(output, TABLE_KINDS, "--output")
    require_writable(save, (), "--save")
    require_pictures(plot, picture)
    require_writable(report, PAGE_KINDS, "--report")
    if open_ and report is None:
        raise ConfigError("--open opens the page of --report: give --report forecast.html too.")
    require_counts(origins=origins)
    arguments, known = settings(model, network, training), to_future(future)
    screen = Screen(json)
    panel = read_panel(file, data)
    show_panel(screen, panel)
    forecasting, note = forecaster(panel, arguments)
    screen.labelled("horizon", note)

    from gatecast.workflow import forecast_with

    made = forecast_with(forecasting, panel, future=read_future(panel, known, data), origins=origins, explain=explain)
    show_model(screen, made.model, made.seconds)
    if made.problem is not None:
        held = "Nothing could be held out, so nothing was checked: trust this forecast as little as a guess. "
        screen.wrapped(f"{held}({worded(made.problem)})", "yellow")
    if made.scores is not None:
        screen.scores(made.scores)
    if explain:
        show_importance(screen, made.importance)
    screen.line()
    show_forecast(screen, made.forecast, output)
    if picture.chart:
        show_chart(screen, made.forecast)
    write_results(screen, made.forecast, output, plot, picture)
    if save is not None:
        made.model.save(save)
        screen.note(f"written: {save}")
    if report is not None:
        made.report(report, command_line())
        screen.note(f"written: {report}")
        if open_:
            show_page(screen, report)
    screen.result = {"command": "forecast", **(made.to_dict() if json else {})}
    screen.close()
    return 130 if made.model.record_["interrupted"] else 0
