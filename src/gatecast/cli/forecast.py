"""``gatecast forecast``: from a table to a forecast, with an honest score first."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    Checkpoint,
    DataOptions,
    FailUnless,
    Future,
    Json,
    ModelOptions,
    NetworkOptions,
    Origins,
    Output,
    PictureOptions,
    Plot,
    RunningOptions,
    Save,
    TrainingOptions,
)
from gatecast.cli.printing import Screen, command_line, worded
from gatecast.cli.results.verdicts import Typed, exit_code, show_scores
from gatecast.cli.sections import show_chart, show_forecast, show_importance, show_model, show_panel
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.workflow import ForecastResult

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
    checkpoint: Checkpoint = None,
    fail_unless: FailUnless = None,
    json: Json = False,
    network: Annotated[NetworkOptions, Parameter(show=False)] = NetworkOptions(),
    training: Annotated[TrainingOptions, Parameter(show=False)] = TrainingOptions(),
    running: RunningOptions = RunningOptions(),
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
        checkpoint: Keep where the trainings stand in this folder; the same command goes on there after it was ended.
        fail_unless: Exit with 3 unless the verdict is better, or at least undecided.
        json: Print one JSON object.
    """
    require_writable(output, TABLE_KINDS, "--output")
    require_writable(save, (), "--save")
    require_pictures(plot, picture)
    require_writable(report, PAGE_KINDS, "--report")
    if open_ and report is None:
        raise ConfigError("--open opens the page of --report: give --report forecast.html too.")
    require_counts(origins=origins)
    arguments, known = settings(model, network, training, running), to_future(future)
    screen, panel = Screen(json), read_panel(file, data)
    show_panel(screen, panel)
    forecasting, note = forecaster(panel, arguments)
    screen.labelled("horizon", note)

    from gatecast.workflow import forecast_with

    ahead = read_future(panel, known, data)
    made = forecast_with(
        forecasting, panel, future=ahead, origins=origins, explain=explain, checkpoint=checkpoint
    )  # fmt: skip
    written = write_results(made.forecast, output, plot, picture)
    if save is not None:
        made.model.save(save)
        written.append(save)
    if report is not None:
        made.report(report, command_line())
        written.append(report)
    onward = _onward(made, Typed(file, (data, model, network, training)), save)
    _show(screen, made, onward, output, explain)
    if picture.chart:
        show_chart(screen, made.forecast)
    screen.files(written)
    if report is not None and open_:
        show_page(screen, report)
    if json:
        facts = made.to_dict()
        verdict = {**facts["verdict"], "next": onward}
        screen.result = {"command": "forecast", **facts, "verdict": verdict, "files": written}
    return screen.finish(exit_code(made.model.record_["interrupted"], made.outcome, fail_unless))


def _onward(made: ForecastResult, typed: Typed, save: Path | None) -> str:
    """The command to run next."""
    if made.scores is not None:
        return typed.after_forecast(made.outcome, made.model.horizon, save)
    return typed.after_too_little(made.model.horizon, (int(made.panel.length.max()) - 2) // 2)


def _show(screen: Screen, made: ForecastResult, onward: str, output: Path | None, explain: bool) -> None:
    show_model(screen, made.model, made.seconds)
    if made.problem is not None:
        held = "Nothing could be held out, so nothing was checked: trust this forecast as little as a guess. "
        screen.wrapped(f"{held}({worded(made.problem)})", "yellow")
        screen.onward(onward)
    if made.scores is not None:
        show_scores(screen, made.scores, onward)
    if explain:
        show_importance(screen, made.importance)
    screen.line()
    show_forecast(screen, made.forecast, output)
