"""From forecasts to figures: every one beside the best naive forecast of the same task."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import gatecast as gc
from benchmarks.suite.tasks import Task
from gatecast.evaluation.metrics import coverage, mase, msis, wql
from gatecast.evaluation.scales import mase_scale
from gatecast.statistical.naive import drift, naive, seasonal_naive

__all__ = ["LEVELS", "Score", "run", "scored"]

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
MIDDLE, DECILES = 5, slice(1, 10)
NAIVE = {"repeat last": naive, "seasonal naive": seasonal_naive, "drift": drift}


@dataclass(frozen=True)
class Score:
    """Figures of one task.

    Args:
        mase: mean absolute error over that of the best naive forecast, each scaled per series as in MASE.
        wql: weighted quantile loss over the deciles, over the weighted absolute error of that naive forecast.
        msis: scaled interval score at 95 %.
        held_80: share of truths inside the 80 % interval.
        held_95: the same at 95 %.
        points: truths.
        seconds: fit and forecasts.
        naive: which naive forecast was best.
    """

    mase: float
    wql: float
    msis: float
    held_80: float
    held_95: float
    points: int
    seconds: float
    naive: str


def run(task: Task, settings: Mapping[str, Any]) -> Score:
    """Fit once, forecast from every origin."""
    begun = time.perf_counter()
    model = gc.Forecaster(task.horizon, quantiles=LEVELS, progress=False, **settings).fit(task.history)
    series_B, origin_B = _origins(task)
    values_BHCQ = model.forecast_from(task.panel, series_B, origin_B)
    return scored(task, series_B, origin_B, values_BHCQ, time.perf_counter() - begun)


def scored(task: Task, series_B: np.ndarray, origin_B: np.ndarray, values_BHCQ: np.ndarray, seconds: float) -> Score:
    """The figures of forecasts (B, H, C, Q) at ``LEVELS``."""
    panel, horizon, season = task.panel, task.horizon, task.season
    first_B, values_BHQ = panel.first[series_B], _apart(values_BHCQ)
    truth_BH = _apart(panel.target_RC[origin_B[:, None] + np.arange(1, horizon + 1)].astype(np.float64))
    scale_B = mase_scale(panel.target_RC, first_B, origin_B + 1 - first_B, season).ravel()
    given = (panel.target_RC, first_B, origin_B, horizon, season)
    simple = {name: _apart(forecast(*given)) for name, forecast in NAIVE.items()}
    errors = {name: mase.over_series(truth_BH, forecast_BH, scale_B) for name, forecast_BH in simple.items()}
    best = min(errors, key=lambda name: errors[name])
    deciles = np.array(LEVELS[DECILES])
    simple_BHQ = np.repeat(simple[best][..., None], len(deciles), axis=-1)
    low_BH, high_BH = values_BHQ[..., 0], values_BHQ[..., -1]
    return Score(
        mase.over_series(truth_BH, values_BHQ[..., MIDDLE], scale_B) / errors[best],
        wql(truth_BH, values_BHQ[..., DECILES], deciles) / wql(truth_BH, simple_BHQ, deciles),
        msis.over_series(truth_BH, low_BH, high_BH, 0.95, scale_B),
        coverage(truth_BH, values_BHQ[..., 1], values_BHQ[..., -2]),
        coverage(truth_BH, low_BH, high_BH),
        int(np.isfinite(truth_BH).sum()),
        seconds,
        best,
    )


def _apart(values: np.ndarray) -> np.ndarray:
    """(B, H, C, ...) as (B C, H, ...): every target by itself."""
    targets_first = np.moveaxis(values, 2, 1)
    return targets_first.reshape(-1, *targets_first.shape[2:])


def _origins(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Series and rows (B,) of all origins."""
    back_O = task.horizon * np.arange(task.origins, 0, -1)
    series_B = np.repeat(np.arange(len(task.panel)), task.origins)
    origin_B = (task.panel.stop[:, None] - 1 - back_O).ravel()
    return series_B, origin_B
