"""The naive forecasts of the sets, in this process: they cost next to nothing."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.accuracy.scores import NAIVE2, Outcome, figures
from benchmarks.accuracy.sets import Group
from benchmarks.accuracy.spans import ETTH1_ROWS, etth1
from gatecast.data.panel import Panel
from gatecast.evaluation.scales import mase_scale
from gatecast.statistical.naive import naive, seasonal_naive
from gatecast.statistical.naive2 import naive2

__all__ = ["etth1_naive", "naive_forecasts", "scale"]

NAIVE = {"naive": naive, "seasonal_naive": seasonal_naive, NAIVE2: naive2}


def naive_forecasts(group: Group, panel: Panel, truth_NH: np.ndarray) -> dict[str, Outcome]:
    """All three after the end of every training series."""
    scale_N, where = scale(group, panel), (panel.target_RC, panel.first, panel.stop - 1, group.horizon, group.season)
    rows = {}
    for name, forecast in NAIVE.items():
        started = time.perf_counter()
        values_NH = forecast(*where)[:, :, 0]
        seconds = time.perf_counter() - started
        found, points = figures(truth_NH, values_NH, scale_N)
        rows[name] = Outcome(found, seconds, points=points)
    return rows


def scale(group: Group, panel: Panel) -> np.ndarray:
    """(N,) MASE's scale of each training series."""
    return mase_scale(panel.target_RC, panel.first, panel.length, group.season)[:, 0]


def etth1_naive(group: Group, folder: Path, inner: bool) -> dict[str, Outcome]:
    """The last value and the last day, from every origin."""
    panel, (begin, end) = etth1(folder, inner), ETTH1_ROWS[inner]
    origin_W = np.arange(begin - 1, end - group.horizon)
    origin_B = (panel.first[:, None] + origin_W).ravel()
    first_B = np.repeat(panel.first, len(origin_W))
    truth_BH = panel.target_RC[origin_B[:, None] + np.arange(1, group.horizon + 1), 0]
    rows = {}
    for name, forecast in (("naive", naive), ("seasonal_naive", seasonal_naive)):
        started = time.perf_counter()
        error_BH = forecast(panel.target_RC, first_B, origin_B, group.horizon, group.season)[:, :, 0] - truth_BH
        mse = float(np.mean(error_BH**2))
        found = {"mse": mse, "rmse": mse**0.5, "mae": float(np.abs(error_BH).mean())}
        rows[name] = Outcome(found, time.perf_counter() - started)
    return rows
