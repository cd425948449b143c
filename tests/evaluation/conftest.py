"""Simulated series whose best forecast and true quantiles are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gatecast.evaluation.facts import Facts
from gatecast.evaluation.scales import mase_scale
from gatecast.evaluation.scores import Scores
from gatecast.statistical.naive import baseline_forecasts

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
NORMAL = np.array([-1.959964, -1.281552, 0.0, 1.281552, 1.959964])

Simulate = Callable[..., Scores]


def series_of(kind: str, rng: np.random.Generator, steps: int) -> tuple[np.ndarray, Callable[[int, int], Any]]:
    """Values (T,), and from (origin, horizon) to the best forecast and its standard error."""
    noise, t = rng.normal(size=steps), np.arange(steps)
    if kind == "random walk":
        walk = np.cumsum(noise)
        return walk, lambda o, h: (np.full(h, walk[o]), np.sqrt(np.arange(1, h + 1)))
    if kind == "autoregressive":
        y = noise.copy()
        for i in range(1, steps):
            y[i] += 0.5 * y[i - 1]
        return y, lambda o, h: (y[o] * 0.5 ** np.arange(1, h + 1), np.sqrt((1 - 0.25 ** np.arange(1, h + 1)) / 0.75))
    level = {
        "noise": np.full(steps, 10.0),
        "trend": 2.0 * t,
        "season": 3 * np.sin(2 * np.pi * t / 12) + 0.1 * t,
    }[kind]
    return level + noise, lambda o, h: (level[o + 1 : o + h + 1], np.ones(h))


def scores_of(
    kind: str,
    seed: int = 0,
    *,
    series: int = 1,
    origins: int = 60,
    horizon: int = 1,
    stride: int = 1,
    change: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    shift: float = 0.0,
    spread: float = 1.0,
    **facts: Any,
) -> Scores:
    """Score the best forecast of simulated series as the LSTM's.

    Args:
        kind: "noise", "random walk", "autoregressive", "trend" or "season".
        seed: of the simulation.
        series, origins, horizon, stride: how much there is, on 150 steps of training each.
        change: from the best forecast and the last values, both (B, H), to the LSTM's forecast.
        shift: added to the series from the first forecast on, and to no forecast.
        spread: factor on the width of the intervals.
        facts: further facts.
    """
    rng, train, season = np.random.default_rng(seed), 150, 12 if kind == "season" else 1
    length = train + horizon + (origins - 1) * stride
    made = [series_of(kind, rng, length) for _ in range(series)]
    series_B, origin_B = np.repeat(np.arange(series), origins), np.tile(np.arange(origins), series)
    step_B = train - 1 + stride * origin_B
    best = [made[n][1](int(o), horizon) for n, o in zip(series_B, step_B, strict=True)]
    forecast, error = (np.stack([b[i] for b in best]).astype(float) for i in (0, 1))
    values = np.concatenate([y for y, _ in made])[:, None]
    first_N, row_B = np.arange(series) * length, series_B * length + step_B
    last = values[row_B]
    values = values + shift * (np.arange(len(values)) % length >= train)[:, None]
    if change is not None:
        forecast = change(forecast, np.repeat(last, horizon, axis=1))
    recent = [slice(first + train - max(3 * season, 2 * (length - train)), first + train) for first in first_N]
    mean_N, spread_N = (np.array([f(values[max(r.start, 0) : r.stop]) for r in recent]) for f in (np.mean, np.std))
    return Scores(
        values[row_B[:, None] + 1 + np.arange(horizon)],
        {
            "lstm": forecast[..., None],
            **baseline_forecasts(values, first_N[series_B], row_B, horizon, season),
        },
        mase_scale_BC=mase_scale(values, first_N, np.full(series, train), season)[series_B],
        quantiles=QUANTILES,
        quantile_forecasts={"lstm": (forecast[..., None] + spread * error[..., None] * NORMAL)[:, :, None]},
        season=season,
        origins=origins,
        series=series,
        series_B=series_B,
        origin_B=origin_B,
        stride=stride,
        facts=Facts(mean_BC=mean_N[series_B, None], spread_BC=spread_N[series_B, None], season=season, **facts),
    )


@pytest.fixture(scope="session")
def simulate() -> Simulate:
    """Makes the scores of a simulation, see ``scores_of``."""
    return scores_of
