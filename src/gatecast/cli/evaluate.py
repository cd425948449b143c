"""``gatecast evaluate``: the score on held-out data, beside the naive forecasts."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from gatecast.cli.building import forecaster, read_panel, require_counts, settings
from gatecast.cli.files import PLOT_KINDS, require_writable
from gatecast.cli.options import (
    MODEL,
    DataOptions,
    Json,
    ModelOptions,
    NetworkOptions,
    Origins,
    Plot,
    TrainingOptions,
    Whole,
)
from gatecast.cli.printing import Screen
from gatecast.cli.sections import show_chosen, show_model, show_panel

__all__ = ["evaluate"]


def evaluate(
    file: Path | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    settings_: Annotated[ModelOptions, Parameter(name="*")] = ModelOptions(),
    origins: Origins = None,
    stride: Annotated[Whole | None, Parameter(group=MODEL)] = None,
    model: Annotated[Path | None, Parameter(group=MODEL)] = None,
    plot: Plot = None,
    json: Json = False,
    network: Annotated[NetworkOptions, Parameter(show=False)] = NetworkOptions(),
    training: Annotated[TrainingOptions, Parameter(show=False)] = TrainingOptions(),
) -> int:
    """Train on the earlier part of a table and score on the later, beside the naive forecasts.

    Args:
        file: The table: CSV, Parquet, JSON, XLSX or ODS; - for what comes through a pipe.
        origins: Held-out forecasts per series; as many as fit, up to 3.
        stride: Steps between two origins; the horizon by default.
        model: Score this saved model instead of training one.
        plot: Write the held-out forecasts and the truth to .png, .pdf or .svg.
        json: Print one JSON object.
    """
    require_writable(plot, PLOT_KINDS, "--plot")
    require_counts(origins=origins, stride=stride)
    arguments = settings(settings_, network, training)
    screen = Screen(json)
    if model is not None:
        loaded = _loaded(model)
        panel = read_panel(file, data, loaded)
        show_panel(screen, panel)
        return _score(screen, loaded, panel, origins, stride, plot, trained=False)
    panel = read_panel(file, data)
    show_panel(screen, panel)
    fresh, note = forecaster(panel, arguments)
    screen.labelled("horizon", note)
    return _score(screen, fresh, panel, origins, stride, plot, trained=True)


def _loaded(path: Path) -> Any:
    from gatecast.forecaster import load

    return load(path)


def _score(
    screen: Screen, model: Any, panel: Any, origins: int | None, stride: int | None, plot: Path | None, *, trained: bool
) -> int:
    """Train if need be, score, print."""
    from gatecast.backtesting.assess import evaluate as scored
    from gatecast.backtesting.assess import origins_that_fit
    from gatecast.workflow import data_facts, model_facts

    count = origins or origins_that_fit(panel, model.horizon)
    started = time.monotonic()
    made = scored(model, panel, origins=count, stride=stride)
    seconds = time.monotonic() - started if trained else 0.0
    if trained:
        show_model(screen, model, seconds)
    else:
        show_chosen(screen, model, "model")
        screen.line()
    screen.scores(made.scores)
    if plot is not None:
        from gatecast.forecasts.plots import backtest_chart

        backtest_chart(made, path=plot)
        screen.note(f"written: {plot}")
    screen.result = {
        "command": "evaluate",
        "data": data_facts(panel),
        "model": model_facts(model, seconds),
        "evaluation": made.to_dict(),
        "verdict": made.scores.verdict,
    }
    screen.close()
    return 130 if trained and model.record_["interrupted"] else 0
