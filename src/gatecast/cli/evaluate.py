"""``gatecast evaluate``: the score on held-out data, beside the naive forecasts."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gatecast.cli.building import forecaster, read_panel, require_counts, settings
from gatecast.cli.files import PLOT_KINDS, require_writable
from gatecast.cli.models.groups import evaluate_groups, is_of_groups, require_no
from gatecast.cli.models.sources import NO_CHART, evaluate_shards
from gatecast.cli.options import (
    MODEL,
    DataOptions,
    FailUnless,
    Json,
    MemoryLimit,
    ModelOptions,
    NetworkOptions,
    Origins,
    Plot,
    RunningOptions,
    TrainingOptions,
    Whole,
)
from gatecast.cli.printing import Screen
from gatecast.cli.results.verdicts import Typed, exit_code, show_scores, verdict_facts
from gatecast.cli.sections import show_chosen, show_model, show_panel

if TYPE_CHECKING:
    from gatecast.backtesting.result import Evaluation
    from gatecast.data.panel import Panel
    from gatecast.forecaster import Forecaster

__all__ = ["evaluate"]


def evaluate(
    file: str | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    settings_: Annotated[ModelOptions, Parameter(name="*")] = ModelOptions(),
    origins: Origins = None,
    stride: Annotated[Whole | None, Parameter(group=MODEL)] = None,
    model: Annotated[Path | None, Parameter(group=MODEL)] = None,
    plot: Plot = None,
    memory_limit: MemoryLimit = None,
    fail_unless: FailUnless = None,
    json: Json = False,
    network: Annotated[NetworkOptions, Parameter(show=False)] = NetworkOptions(),
    training: Annotated[TrainingOptions, Parameter(show=False)] = TrainingOptions(),
    running: RunningOptions = RunningOptions(),
) -> int:
    """Train on the earlier part of a table and score on the later, beside the naive forecasts.

    Args:
        file: The table: CSV, Parquet, JSON, XLSX, ODS or the address of a database; - for what comes through a pipe.
        origins: Held-out forecasts per series; as many as fit, up to 3.
        stride: Steps between two origins; the horizon by default.
        model: Score this saved model instead of training one, on what came after its training.
        plot: Write the held-out forecasts and the truth to .png, .pdf or .svg.
        memory_limit: Train on a sample of the series of Parquet files, which takes so much memory, such as 2GB, and
            score all of them a shard at a time.
        fail_unless: Exit with 3 unless the verdict is better, or at least undecided.
        json: Print one JSON object.
    """
    require_writable(plot, PLOT_KINDS, "--plot")
    require_counts(origins=origins, stride=stride)
    arguments = settings(settings_, network, training, running)
    screen = Screen(json)
    if memory_limit is not None:
        require_no(NO_CHART, plot=plot)
        return evaluate_shards(screen, file, data, arguments, model, origins, stride, memory_limit, fail_unless)
    if model is not None and is_of_groups(model):
        require_no("is for one model, and this file holds one for each group", plot=plot)
        return evaluate_groups(screen, model, file, data, origins, stride, fail_unless)
    typed = Typed(file, (data, settings_, network, training))
    if model is None:
        made, fitted, seconds, panel = _trained(screen, file, data, arguments, origins, stride)
        onward = typed.after_evaluation(made.scores.outcome, fitted.horizon)
        left_out = ""
    else:
        made, fitted, panel, left_out = _of_a_file(screen, model, file, data, origins, stride)
        seconds = 0.0
        onward = replace(typed, roles=_roles(fitted)).after_check(made.scores.outcome, model, fitted.horizon)
    _write(made, plot)
    show_scores(screen, made.scores, onward)
    written = [] if plot is None else [plot]
    screen.files(written)
    from gatecast.workflow import data_facts, model_facts

    screen.result = {
        "command": "evaluate",
        "data": data_facts(panel),
        "model": model_facts(fitted, seconds),
        "evaluation": made.to_dict(),
        "verdict": verdict_facts(made.scores, onward),
        "left_out": left_out or None,
        "files": written,
    }
    interrupted = model is None and fitted.record_["interrupted"]
    return screen.finish(exit_code(interrupted, made.scores.outcome, fail_unless))


def _trained(
    screen: Screen, file: str | None, data: DataOptions, arguments: Any, origins: int | None, stride: int | None
) -> tuple[Evaluation, Forecaster, float, Panel]:
    """Train on the earlier part and score on the later."""
    panel = read_panel(file, data)
    show_panel(screen, panel)
    fresh, note = forecaster(panel, arguments)
    screen.labelled("horizon", note)
    from gatecast.backtesting.assess import evaluate as scored
    from gatecast.backtesting.assess import origins_that_fit

    started = time.monotonic()
    made = scored(fresh, panel, origins=origins or origins_that_fit(panel, fresh.horizon), stride=stride)
    seconds = time.monotonic() - started
    show_model(screen, fresh, seconds)
    return made, fresh, seconds, panel


def _of_a_file(
    screen: Screen, path: Path, file: str | None, data: DataOptions, origins: int | None, stride: int | None
) -> tuple[Evaluation, Forecaster, Panel, str]:
    """Score a saved model on what came after its training."""
    from gatecast.backtesting.assess import evaluate as scored
    from gatecast.backtesting.newer.unseen import unseen_part
    from gatecast.forecaster import load

    model = load(path)
    panel = read_panel(file, data, model)
    show_panel(screen, panel)
    show_chosen(screen, model, "model")
    later = unseen_part(model, panel, origins, stride)
    screen.labelled("scored", later.words)
    screen.labelled("left out", later.left_out, 10)
    screen.line()
    return scored(model, later.panel, origins=later.origins, stride=stride), model, panel, later.left_out


def _roles(model: Forecaster) -> dict[str, Any]:
    """The columns of a model as options, where they are not the usual ones."""
    from gatecast.data.tables.intake import KEY_JOIN

    fitted, schema = model.fitted_, model.fitted_.schema
    series = fitted.names[0]
    keys = {"series": tuple(series.split(KEY_JOIN)) if series != "unique_id" else None}
    names = {role: tuple(column.name for column in getattr(schema, role)) or None for role in ("past", "static")}
    future = tuple(column.name for column in schema.future) or None
    return {**keys, "target": schema.targets, **names, "future_columns": future}


def _write(made: Evaluation, plot: Path | None) -> None:
    if plot is not None:
        from gatecast.forecasts.plots import backtest_chart

        backtest_chart(made, path=plot)
