"""From forecasts to figures: every one beside the best naive forecast of the same task."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import gatecast as gc
from benchmarks.suite.tasks import Task
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
    first_B = panel.first[series_B]
    truth_BHC = panel.target_RC[origin_B[:, None] + np.arange(1, horizon + 1)].astype(np.float64)
    scale_BC = np.stack([_scale(panel, n, o, season) for n, o in zip(series_B, origin_B, strict=True)])
    given = (panel.target_RC, first_B, origin_B, horizon)
    naive_errors = {name: np.abs(one(*given, season) - truth_BHC) for name, one in NAIVE.items()}
    scaled = {name: _mean(error_BHC / scale_BC[:, None]) for name, error_BHC in naive_errors.items()}
    best = min(scaled, key=lambda name: scaled[name])
    over_BHCQ = truth_BHC[..., None] - values_BHCQ
    levels = np.array(LEVELS)
    pinball_BHCQ = 2 * np.maximum(levels * over_BHCQ, (levels - 1) * over_BHCQ)
    low_BHC, high_BHC = values_BHCQ[..., 0], values_BHCQ[..., -1]
    outside_BHC = np.maximum(low_BHC - truth_BHC, 0) + np.maximum(truth_BHC - high_BHC, 0)
    interval_BHC = (high_BHC - low_BHC + 2 / 0.05 * outside_BHC) / scale_BC[:, None]
    return Score(
        _mean(np.abs(over_BHCQ[..., MIDDLE]) / scale_BC[:, None]) / scaled[best],
        float(np.nansum(pinball_BHCQ[..., DECILES].mean(-1)) / np.nansum(naive_errors[best])),
        _mean(interval_BHC),
        _held(truth_BHC, values_BHCQ[..., 1], values_BHCQ[..., -2]),
        _held(truth_BHC, low_BHC, high_BHC),
        int(np.isfinite(truth_BHC).sum()),
        seconds,
        best,
    )


def _origins(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Series and rows (B,) of all origins."""
    back_O = task.horizon * np.arange(task.origins, 0, -1)
    series_B = np.repeat(np.arange(len(task.panel)), task.origins)
    origin_B = (task.panel.stop[:, None] - 1 - back_O).ravel()
    return series_B, origin_B


def _scale(panel: gc.Panel, series: int, origin: int, season: int) -> np.ndarray:
    """(C,) mean seasonal naive error of what lies before an origin; nan where that never changed."""
    values_TC = panel.target_RC[panel.first[series] : origin + 1].astype(np.float64)
    lag = season if len(values_TC) > season else 1
    scale_C = np.nanmean(np.abs(values_TC[lag:] - values_TC[:-lag]), axis=0)
    return np.where(scale_C > 0, scale_C, np.nan)


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values))


def _held(truth_BHC: np.ndarray, low_BHC: np.ndarray, high_BHC: np.ndarray) -> float:
    known_BHC = np.isfinite(truth_BHC)
    return float(((truth_BHC >= low_BHC) & (truth_BHC <= high_BHC))[known_BHC].mean())
