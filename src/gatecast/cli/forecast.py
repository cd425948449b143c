"""``gatecast forecast``: from a table to a forecast, with an honest score first."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gatecast.cli.building import forecaster, read_future, read_panel, require_counts, settings
from gatecast.cli.files import (
    PAGE_KINDS,
    destination,
    require_pictures,
    require_room,
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
    file: str | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    model: ModelOptions = ModelOptions(),
    future: Future = (),
    origins: Origins = None,
    use: Annotated[str, Parameter(group=MODEL)] = "gatecast",
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
        file: The table: CSV, Parquet, JSON, XLSX, ODS or the address of a database; - for what comes through a pipe.
        future: Table of future covariates, or NAME=VALUE for each.
        origins: Held-out forecasts that the score is taken from.
        use: What forecasts: gatecast, the best, blend (its mean with rivals), or a name such as auto_ets or drift.
        explain: Measure on held-out data what each covariate contributes.
        output: Write all forecasts to .csv, .parquet, .jsonl or .xlsx, or append them to DATABASE#TABLE.
        save: Write the trained model.
        plot: Write a fan chart to .png, .pdf or .svg.
        report: Write the forecast as one HTML page to send, which needs no network.
        open_: Open that page in the browser.
        checkpoint: Keep where the trainings stand in this folder; the same command goes on there after it was ended.
        fail_unless: Exit with 3 unless the verdict is better, or at least undecided.
        json: Print one JSON object.
    """
    place = destination(output)
    require_writable(save, (), "--save")
    require_pictures(plot, picture)
    require_writable(report, PAGE_KINDS, "--report")
    if open_ and report is None:
        raise ConfigError("--open opens the page of --report: give --report forecast.html too.")
    _require_use(use, save)
    require_counts(origins=origins)
    arguments, known = settings(model, network, training, running), to_future(future)
    screen, panel = Screen(json), read_panel(file, data)
    show_panel(screen, panel)
    forecasting, note = forecaster(panel, arguments)
    require_room(place, len(panel) * forecasting.horizon)
    screen.labelled("horizon", note)

    from gatecast.workflow import forecast_with

    ahead = read_future(panel, known, data)
    made = forecast_with(
        forecasting, panel, future=ahead, origins=origins, explain=explain, checkpoint=checkpoint, use=use
    )  # fmt: skip
    written = [*write_results(made.forecast, place, plot, picture, save), *_kept(made, save, report)]
    onward = _onward(made, Typed(file, (data, model, network, training)), save)
    _show(screen, made, onward, output, explain, picture.chart)
    screen.files(written)
    if report is not None and open_:
        show_page(screen, report)
    if json:
        facts = made.to_dict()
        verdict = {**facts["verdict"], "next": onward}
        screen.result = {"command": "forecast", **facts, "verdict": verdict, "files": written}
    return screen.finish(exit_code(made.model.record_["interrupted"], made.outcome, fail_unless))


def _require_use(use: str, save: Path | None) -> None:
    """What forecasts is known, and is what would be saved."""
    from gatecast.backtesting.use import MODEL as OWN
    from gatecast.backtesting.use import require_use

    require_use(use)
    if use != OWN and save is not None:
        raise ConfigError(f"--save keeps the trained model, which --use {use} does not forecast with: leave one out.")


def _kept(made: ForecastResult, save: Path | None, report: Path | None) -> list[Path]:
    """Model and page, as files."""
    if save is not None:
        made.model.save(save)
    if report is not None:
        made.report(report, command_line())
    return [path for path in (save, report) if path is not None]


def _onward(made: ForecastResult, typed: Typed, save: Path | None) -> str:
    """The command to run next."""
    if made.scores is not None:
        return typed.after_forecast(made.outcome, made.model.horizon, save)
    return typed.after_too_little(made.model.horizon, (int(made.panel.length.max()) - 2) // 2)


def _show(screen: Screen, made: ForecastResult, onward: str, output: str | None, explain: bool, chart: bool) -> None:
    show_model(screen, made.model, made.seconds)
    if made.problem is not None:
        held = "Nothing could be held out, so nothing was checked: trust this forecast as little as a guess. "
        screen.wrapped(f"{held}({worded(made.problem)})", "yellow")
        screen.onward(onward)
    if made.scores is not None:
        show_scores(screen, made.scores, onward)
    if not made.used.is_model:
        screen.labelled("used", ": ".join(part for part in (made.used.title, made.used.reason) if part))
    if explain:
        show_importance(screen, made.importance)
    screen.line()
    show_forecast(screen, made.forecast, output)
    if chart:
        show_chart(screen, made.forecast)
