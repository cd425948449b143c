"""What the jobs do. Each takes its request, the folder that holds its files, and a listener; it gives plain data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatecast.backtesting.assess import evaluate
from gatecast.backtesting.backtest import backtest
from gatecast.backtesting.newer.update import update
from gatecast.data.panel import Panel
from gatecast.forecaster import Forecaster, load
from gatecast.planning.horizon import default_horizon
from gatecast.planning.typed import typed_settings
from gatecast.progress import Listener
from gatecast.serving.jobs.artifacts import Artifact, of_backtest, of_forecast, of_model
from gatecast.serving.jobs.drawn import held_out_facts, observed_facts
from gatecast.serving.jobs.requests import JobRequest, ReadOptions
from gatecast.serving.jobs.tables import Upload, as_command, as_python, as_python_update, look
from gatecast.serving.models.histories import future_of
from gatecast.workflow import data_facts, forecast_with, model_facts

__all__ = ["TASKS", "Context", "Made"]

SEARCH_SECONDS = 120.0


@dataclass(frozen=True)
class Context:
    """Where a job works.

    Args:
        folder: its own; "model" in it is the file of the model that the request names.
        upload: the table.
        listener: hears how far it is.
    """

    folder: Path
    upload: Upload
    listener: Listener

    @property
    def checkpoint(self) -> Path:
        """Where it keeps how far it is."""
        return self.folder / "checkpoint"


@dataclass
class Made:
    """What came of a job: plain data, files to download, and the model to keep."""

    result: dict[str, Any]
    artifacts: list[Artifact] = field(default_factory=list)
    live: Path | None = None


def _forecaster(request: JobRequest, panel: Panel, context: Context) -> Forecaster:
    horizon = default_horizon(panel) if request.horizon is None else request.horizon
    return Forecaster(horizon, progress=context.listener, **request.forecaster_settings())


def _words(request: JobRequest, context: Context, verb: str, horizon: int) -> dict[str, str]:
    """The job as a command, and in Python."""
    asked = [] if request.query is None else ["--query", request.query]
    shown, settings = context.upload.shown, request.forecaster_settings()
    return {
        "command": as_command(verb, shown, request.read, *asked, "--horizon", str(horizon), *typed_settings(settings)),
        "python": as_python(shown, request.read, horizon, query=request.query, **settings),
    }


def _forecast(request: JobRequest, context: Context) -> Made:
    panel = context.upload.panel(request.read)
    model = _forecaster(request, panel, context)
    words = _words(request, context, "forecast", model.horizon)
    made = forecast_with(
        model,
        panel,
        future=future_of(request.future),
        origins=request.origins,
        explain=request.explain,
        checkpoint=context.checkpoint,
    )
    seen = {"observed": observed_facts(panel), "held_out": held_out_facts(made)}
    result = {**made.to_dict(), **seen, **words}
    artifacts = of_forecast(made, context.folder, words["command"])
    return Made(result, artifacts, _live(made.model, context, request))


def _fit(request: JobRequest, context: Context) -> Made:
    panel = context.upload.panel(request.read)
    model = _forecaster(request, panel, context)
    started = time.monotonic()
    model.fit(panel, checkpoint=context.checkpoint)
    return _trained(model, panel, time.monotonic() - started, request, context)


def _update(request: JobRequest, context: Context) -> Made:
    model = load(context.folder / "model")
    model.progress = context.listener
    panel = model.panel_of(context.upload.table(request.read))
    started = time.monotonic()
    made = update(model, panel, checkpoint=context.checkpoint)
    facts = {
        "data": data_facts(panel),
        "model": model_facts(made.model, time.monotonic() - started),
        "update": made.to_dict(),
        **_words_of_update(request, context),
    }
    if not made.better:  # the model of the store stays as it is
        return Made(facts)
    return Made(facts, of_model(made.model, context.folder), _live(made.model, context, request))


def _words_of_update(request: JobRequest, context: Context) -> dict[str, str]:
    """The update as a command, and in Python."""
    file, shown = f"{request.model}.gatecast", context.upload.shown
    asked = [] if request.query is None else ["--query", request.query]
    return {
        "command": as_command("update", file, request.read, *asked, "--save", file, table=shown),
        "python": as_python_update(file, shown, request.read, query=request.query),
    }


def _trained(model: Forecaster, panel: Panel, seconds: float, request: JobRequest, context: Context) -> Made:
    facts = {"data": data_facts(panel), "model": model_facts(model, seconds), "history": model.history_}
    words = _words(request, context, "fit", model.horizon)
    return Made({**facts, **words}, of_model(model, context.folder), _live(model, context, request))


def _backtest(request: JobRequest, context: Context) -> Made:
    panel = context.upload.panel(request.read)
    model = _forecaster(request, panel, context)
    from gatecast.backtesting.folds import origins_within_half

    made = backtest(
        model,
        panel,
        origins=request.origins or origins_within_half(panel, model.horizon, 8),
        stride=request.stride,
        refit=request.refit or False,
        window=request.window,
        rivals=request.rivals,
        checkpoint=context.checkpoint,
        progress=context.listener,
    )
    scores = made.scores.to_dict()
    facts = {"data": data_facts(panel), "backtest": made.facts(), "evaluation": scores, "verdict": scores["verdict"]}
    words = _words(request, context, "backtest", model.horizon)
    return Made({**facts, **words}, of_backtest(made, context.folder))


def _tune(request: JobRequest, context: Context) -> Made:
    from gatecast.tuning.tune import tune

    panel = context.upload.panel(request.read)
    model = _forecaster(request, panel, context)
    made = tune(
        model,
        panel,
        trials=request.trials,
        time_limit=float(request.seconds or SEARCH_SECONDS),
        origins=request.origins or 3,
        stride=request.stride,
        checkpoint=context.folder / "tuning",
        seed=model.seed,
        progress=context.listener,
    )
    found = made.to_dict()
    facts = {"data": data_facts(panel), "model": model_facts(made.model, made.seconds), "tuning": found}
    words = _words(request, context, "tune", model.horizon)
    return Made(
        {**facts, "verdict": found["verdict"], **words},
        of_model(made.model, context.folder),
        _live(made.model, context, request),
    )


def _live(model: Forecaster, context: Context, request: JobRequest) -> Path | None:
    """The live model that is to be kept, as a file; None where the job keeps none."""
    if request.name is None and request.model is None:
        return None
    path = context.folder / "live"
    model.live().save(path)
    return path


def _look(request: dict[str, Any], context: Context) -> Made:
    return Made(look(context.upload, ReadOptions.model_validate(request["read"]), request["horizon"]))


def _evaluate(request: dict[str, Any], context: Context) -> Made:
    model = load(context.folder / "model")
    model.progress = context.listener
    options = ReadOptions.model_validate(request["read"])
    panel = model.panel_of(context.upload.table(options))
    made = evaluate(model, panel, origins=request["origins"], stride=request["stride"], season=request["season"])
    scores = made.to_dict()
    return Made({"data": data_facts(panel), "evaluation": scores, "verdict": scores["verdict"]})


def _job(run: Callable[[JobRequest, Context], Made]) -> Callable[[dict[str, Any], Context], Made]:
    return lambda request, context: run(JobRequest.model_validate(request), context)


TASKS: dict[str, Callable[[dict[str, Any], Context], Made]] = {
    "forecast": _job(_forecast),
    "fit": _job(_fit),
    "update": _job(_update),
    "backtest": _job(_backtest),
    "tune": _job(_tune),
    "look": _look,
    "evaluate": _evaluate,
}
