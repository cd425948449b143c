"""What a worker does to score one shard: sums come back, from which the scores over all shards follow exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.backtesting.assess import evaluate, score_forecasts
from gatecast.backtesting.rolling import forecast_fold
from gatecast.data.scan.source import frame_of
from gatecast.data.tables.future import observed_part
from gatecast.evaluation.streamed import sums_of
from gatecast.forecaster import Forecaster
from gatecast.groups.grouped import GroupedForecaster
from gatecast.scale.models import Model
from gatecast.scale.parts import Problem, worked
from gatecast.scale.tasks import model_of, panel_for, shard_of
from gatecast.storage.container import write_atomically
from gatecast.windows.index import last_origins

if TYPE_CHECKING:
    import polars as pl

    from gatecast.data.panel import Panel
    from gatecast.evaluation.scores import Scores

__all__ = ["backtest_shard", "score_shard"]


def score_shard(told: Mapping[str, Any]) -> dict[str, Any]:
    """Score the last origins of all series of a shard.

    Args:
        told: shard, files and reading of the source, the model as a path, origins, stride and season.

    Returns:
        Sums, from which the scores over all shards follow, and the problems.
    """
    model, how = model_of(told["model"]), {key: told[key] for key in ("origins", "stride", "season")}

    def scored(panel: Panel) -> Sequence[Scores]:
        if isinstance(model, GroupedForecaster):
            return [made.scores for made in evaluate(model, panel, **how).groups.values()]
        return [evaluate(model, panel, **how).scores]

    return _sums(told, model, scored)


def backtest_shard(told: Mapping[str, Any]) -> dict[str, Any]:
    """Score rolling origins of all series of a shard, each fold with the model that was trained before it.

    Args:
        told: as for ``score_shard``, with ``models`` and ``folds`` ([begin, end] of their origins) instead of a model,
            and ``kept``, a folder for the answer.
    """
    kept = Path(told["kept"]) / f"{told['shard']['number']:06d}.json"
    if kept.exists():
        answer: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return answer
    models = [model for path in told["models"] if isinstance(model := model_of(path), Forecaster)]
    last, origins, stride = models[-1], told["origins"], told["stride"]

    def scored(frame: Panel) -> Sequence[Scores]:
        panel = observed_part(frame)
        origin_NO = last_origins(panel, last.horizon, origins, stride)
        parts = [
            forecast_fold(model, panel, origin_NO[:, begin:end])
            for model, (begin, end) in zip(models, told["folds"], strict=True)
        ]
        forecast_BHCQ = np.concatenate(parts, axis=1).reshape(-1, *parts[0].shape[2:])
        series_B = np.repeat(np.arange(len(panel)), origins)
        where = panel, series_B, origin_NO.ravel(), forecast_BHCQ
        return [score_forecasts(last, *where, told["season"], origins).scores]

    answer = _sums(told, last, scored)
    write_atomically(kept, json.dumps(answer).encode())
    return answer


def _sums(told: Mapping[str, Any], model: Model, scored: Callable[[Panel], Sequence[Scores]]) -> dict[str, Any]:
    """What a shard adds to the scores, and the series that cannot be scored."""
    shard, keys = shard_of(told), told["reading"]["series"]
    least = model.horizon + (told["origins"] - 1) * told["stride"] + 2

    def score(frame: pl.DataFrame) -> tuple[list[dict[str, Any]], list[Problem]]:
        panel = panel_for(frame, model, told)
        long_enough = panel.drop_short(least)
        kept = set(long_enough.ids)
        short = [(name, "short", f"fewer than {least} steps") for name in panel.ids if name not in kept]
        return [sums_of(one) for one in scored(long_enough)] if kept else [], short

    sums, problems = list[dict[str, Any]](), list[Problem]()
    for made in worked(frame_of(shard, told["files"], keys), keys, score):
        if isinstance(made, list):
            problems += made
        else:
            sums += made[0]
            problems += made[1]
    return {"shard": shard.number, "series": shard.series, "sums": sums, "problems": problems}
