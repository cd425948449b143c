"""``gatecast backtest``: what the forecasts would have been, beside the naive ones and the statistical rivals."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from gatecast.cli.building import forecaster, read_panel, require_counts, settings
from gatecast.cli.files import PAGE_KINDS, PLOT_KINDS, require_writable
from gatecast.cli.models.groups import require_no
from gatecast.cli.models.sources import NO_CHART, backtest_shards
from gatecast.cli.options import (
    OUTPUT,
    Checkpoint,
    DataOptions,
    FailUnless,
    Json,
    MemoryLimit,
    ModelOptions,
    NetworkOptions,
    Plot,
    RunningOptions,
    TrainingOptions,
    Whole,
    option_group,
)
from gatecast.cli.printing import Screen
from gatecast.cli.results.verdicts import Typed, exit_code, show_scores, verdict_facts
from gatecast.cli.sections import show_panel
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.data.panel import Panel
    from gatecast.forecaster import Forecaster

__all__ = ["BacktestOptions", "backtest"]

ORIGINS = 8


@option_group("Backtest", 3)
@dataclass(frozen=True)
class BacktestOptions:
    """Which origins, how training is repeated, and against whom.

    Args:
        origins: Rolling origins per series; 8 by default, or as many as leave half of a typical series for training.
        stride: Steps between two origins; the horizon, or fewer where that would take too much.
        refit: Train again at every K-th origin; 0 = once, before the first one.
        window: Train on everything before a fold, or on as many steps as before the first.
        warm: Go on from the weights of the fold before.
        adaptive: Let the intervals follow what was observed on the way.
        rivals: Statistical methods beside it: auto (about a minute), none, or names such as auto_ets,auto_arima.
        season: Seasonal period of MASE and of seasonal naive, where the one found is not meant.
    """

    origins: Whole | None = None
    stride: Whole | None = None
    refit: Whole = 0
    window: Literal["expanding", "sliding"] = "expanding"
    warm: Annotated[bool, Parameter(negative="")] = False
    adaptive: Annotated[bool, Parameter(negative="")] = False
    rivals: str = "auto"
    season: Whole | None = None


def backtest(
    file: str | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    settings_: Annotated[ModelOptions, Parameter(name="*")] = ModelOptions(),
    rolling: BacktestOptions = BacktestOptions(),
    report: Annotated[Path | None, Parameter(group=OUTPUT)] = None,
    checkpoint: Checkpoint = None,
    plot: Plot = None,
    memory_limit: MemoryLimit = None,
    fail_unless: FailUnless = None,
    json: Json = False,
    network: Annotated[NetworkOptions, Parameter(show=False)] = NetworkOptions(),
    training: Annotated[TrainingOptions, Parameter(show=False)] = TrainingOptions(),
    running: RunningOptions = RunningOptions(),
) -> int:
    """Forecast from rolling origins, training before them, and score beside the naive forecasts and the rivals.

    Args:
        file: The table: CSV, Parquet, JSON, XLSX, ODS or the address of a database; - for what comes through a pipe.
        report: Write all of it as one HTML page that needs no network.
        checkpoint: Keep what is finished in this folder; the same command goes on there after it was ended.
        plot: Write the forecasts and the truth to .png, .pdf or .svg.
        memory_limit: Train on a sample of the series of Parquet files, which takes so much memory, such as 2GB, and
            score all of them a shard at a time; without rivals.
        fail_unless: Exit with 3 unless the verdict is better, or at least undecided.
        json: Print one JSON object.
    """
    _check(rolling, report, plot)
    arguments = settings(settings_, network, training, running)
    screen = Screen(json)
    if memory_limit is not None:
        require_no(NO_CHART, plot=plot, report=report)
        return backtest_shards(screen, file, data, arguments, rolling, checkpoint, memory_limit, fail_unless)
    panel = read_panel(file, data)
    show_panel(screen, panel)
    model, note = forecaster(panel, arguments)
    screen.labelled("horizon", note)

    started = time.monotonic()
    made = _run(model, panel, rolling, checkpoint)
    seconds, written = time.monotonic() - started, _write(made, report, plot)
    typed = Typed(file, (data, settings_, network, training), rolling)
    onward = typed.after_backtest(made.scores.outcome, model.horizon, _more(made, panel))
    _show(screen, made, seconds, onward)
    screen.files(written)
    from gatecast.workflow import data_facts, model_facts

    screen.result = {
        "command": "backtest",
        "data": data_facts(panel),
        "model": model_facts(made.model, sum(record.seconds for record in made.folds)),
        "seconds": round(seconds, 3),
        "backtest": made.facts(),
        "evaluation": made.scores.to_dict(),
        "verdict": verdict_facts(made.scores, onward),
        "files": written,
    }
    interrupted = made.interrupted or made.model.record_["interrupted"]
    return screen.finish(exit_code(interrupted, made.scores.outcome, fail_unless))


def _run(model: Forecaster, panel: Panel, rolling: BacktestOptions, checkpoint: Path | None) -> Backtest:
    from gatecast.backtesting.backtest import backtest as run
    from gatecast.backtesting.folds import origins_within_half

    return run(
        model,
        panel,
        origins=rolling.origins or origins_within_half(panel, model.horizon, ORIGINS),
        stride=rolling.stride,
        refit=rolling.refit or False,
        window=rolling.window,
        warm=rolling.warm,
        adaptive=rolling.adaptive,
        season=rolling.season,
        rivals=_rivals(rolling.rivals),
        checkpoint=checkpoint,
    )


def _more(made: Backtest, panel: Panel) -> int | None:
    """Twice the origins, where they leave half of a typical series for training."""
    from gatecast.backtesting.folds import origins_within_half

    most = origins_within_half(panel, made.model.horizon, 4 * ORIGINS)
    wanted = min(2 * made.origins, most)
    return wanted if wanted > made.origins and not made.interrupted else None


def _check(rolling: BacktestOptions, report: Path | None, plot: Path | None) -> None:
    """Everything that can be refused before the work begins."""
    require_writable(plot, PLOT_KINDS, "--plot")
    require_writable(report, PAGE_KINDS, "--report")
    require_counts(origins=rolling.origins, stride=rolling.stride, season=rolling.season)
    if rolling.refit < 0:
        raise ConfigError(f"--refit must be 0 or a number of origins; got {rolling.refit}.")
    _rivals(rolling.rivals)
    if report is not None:
        from gatecast.report.library import require_report_library

        require_report_library()


def _rivals(text: str) -> tuple[str, ...] | Literal["auto"]:
    """Names of rivals, "auto", or nothing."""
    from gatecast.statistical.rivals import require_rivals

    if text == "auto":
        return "auto"
    names = () if text == "none" else tuple(name.strip() for name in text.split(",") if name.strip())
    require_rivals(names)
    return names


def _show(screen: Screen, made: Backtest, seconds: float, onward: str) -> None:
    folds, unit = made.folds, made.evaluation.panel.frequency.plural(made.stride)
    screen.labelled("chosen", folds[-1].chosen)
    often = "once" if len(folds) == 1 else f"{len(folds)} times"
    screen.labelled("origins", f"{made.origins:,}, {made.stride:,} {unit} apart; trained {often}")
    screen.labelled("took", f"{seconds:.1f} s, {sum(record.seconds for record in folds):.1f} s of them LSTM")
    screen.line()
    show_scores(screen, made.scores, onward)
    for note in made.notes:
        screen.note(note)


def _write(made: Any, report: Path | None, plot: Path | None) -> list[Path]:
    if report is not None:
        from gatecast.report import write_report

        write_report(made, report)
    if plot is not None:
        from gatecast.forecasts.plots import backtest_chart

        backtest_chart(made.evaluation, path=plot)
    return [path for path in (report, plot) if path is not None]
