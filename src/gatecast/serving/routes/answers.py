"""Answers from what the models give."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from fastapi import Response
from pydantic_core import to_json

from gatecast.data.frequency import Frequency
from gatecast.data.labels import Labels
from gatecast.data.quantiles import middle
from gatecast.forecasts.forecast import Forecast
from gatecast.serving.problems import Problem

__all__ = ["forecast_facts_of", "json_response", "levels_asked", "steps_asked"]


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Plain data as JSON; nan is null."""
    return Response(to_json(value, inf_nan_mode="null"), status, headers, "application/json")


def steps_asked(horizon: int | None, most: int) -> int:
    """Steps that are asked for. Raises Problem for more than the model was trained for."""
    if horizon is not None and horizon > most:
        raise Problem(
            422,
            f"The model forecasts {most:,} steps; {horizon:,} were asked for.",
            where="horizon",
            limit=most,
            remedy="Ask for fewer, or fit a model with a longer horizon.",
        )
    return horizon or most


def levels_asked(quantiles: Sequence[float] | None, known: Sequence[float]) -> list[int]:
    """Positions of the levels that are asked for. Raises Problem for those that the model does not give."""
    if quantiles is None:
        return list(range(len(known)))
    found = [next((q for q, level in enumerate(known) if abs(level - asked) < 1e-9), -1) for asked in quantiles]
    if -1 in found:
        levels = ", ".join(f"{level:g}" for level in known)
        raise Problem(
            422,
            f"The quantile {quantiles[found.index(-1)]:g} was not trained; there are {levels}.",
            where="quantiles",
            remedy=f"Ask for some of {levels}.",
        )
    return found


def forecast_facts_of(pieces: Sequence[Forecast], horizon: int, levels: Sequence[int]) -> dict[str, Any]:
    """Forecasts as ``workflow.forecast_facts`` has them, cut to the steps and levels that are asked for."""
    facts: dict[str, Any] = {
        "horizon": horizon,
        "forecast": [one for made in pieces for one in _series(made, horizon, levels)],
    }
    for what in ("guarded", "bounded", "cold"):
        facts[what] = [name for made in pieces for name in getattr(made, what)]
    return facts


def _series(made: Forecast, horizon: int, levels: Sequence[int]) -> list[dict[str, Any]]:
    held = dict(made.axes.labels.values)
    times = _times(made, horizon)
    point = middle(made.quantiles)
    names = [f"{made.quantiles[q]:g}" for q in levels]
    found = []
    for n, name in enumerate(made.ids):
        for c, target in enumerate(made.targets):
            values_QH = made.values_NHCQ[n, :horizon, c].T.tolist()
            found.append(
                {
                    "series": held.get(name, name),
                    "target": target,
                    "time": times[n],
                    "forecast": values_QH[point],
                    "quantiles": {text: values_QH[q] for text, q in zip(names, levels, strict=True)},
                }
            )
    return found


def _times(made: Forecast, horizon: int) -> list[tuple[str | int, ...]]:
    """Labels (N, H) of the steps."""
    origins_N, labels = np.asarray(made.origins), made.axes.labels
    written = Labels(labels.times, offset=labels.offset)
    return [_labels(made.frequency, written, origin, horizon) for origin in origins_N.astype(np.int64).tolist()]


@lru_cache(maxsize=4096)
def _labels(frequency: Frequency, labels: Labels, origin: int, horizon: int) -> tuple[str | int, ...]:
    """Labels (H,) of the steps after a time; most series of a service end at the same one."""
    steps_H = np.arange(1, horizon + 1)
    if frequency.unit == "step":
        return tuple(frequency.advance(np.asarray(origin), steps_H).tolist())
    times_H = frequency.advance(np.asarray(np.datetime64(origin, "us")), steps_H)
    return tuple(labels.text(time) or frequency.label(time) for time in times_H)
