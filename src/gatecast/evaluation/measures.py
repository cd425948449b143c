"""Sums of terms: what the scores over all points, of a step, of a window or of a group of windows are made from.

    terms (B, H)  --sum over H-->  (B,)  --sum over a group's windows-->  a group's score
                  --sum over B-->  (H,)                                   a step's score

The terms themselves are large and are let go at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatecast.evaluation.metrics import (
    Metric,
    Terms,
    coverage,
    mae,
    mase,
    mse,
    msis,
    pinball,
    rmse,
    rmsse,
    smape,
    width,
    wql,
)

__all__ = ["Measure", "central_levels", "interval_measures", "level_key", "pair_of", "point_measures"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Measure:
    """One metric of one method on one target column.

    Args:
        metric: the metric.
        over_windows: whether the score is the mean of the windows' scores, else that of all points together.
        overall: the score over everything.
        total_B: (B,) sum of the terms of each window.
        weight_B: (B,) sum of their weights.
        total_H: (H,) sum of the terms of each step ahead.
        weight_H: (H,) sum of their weights.
    """

    metric: Metric
    over_windows: bool
    overall: float
    total_B: Floats
    weight_B: Floats
    total_H: Floats
    weight_H: Floats

    @property
    def per_window(self) -> Floats:
        """(B,) score of each window."""
        return self.metric.ratio(self.total_B, self.weight_B)

    @property
    def per_step(self) -> Floats:
        """(H,) score of each step ahead, over all points."""
        return self.metric.ratio(self.total_H, self.weight_H)

    def grouped(self, group_B: Rows, groups: int) -> Floats:
        """(G,) score of each group of windows, numbered 0..G-1."""
        if not self.over_windows:
            total, weight = (np.bincount(group_B, x, groups) for x in (self.total_B, self.weight_B))
            return self.metric.ratio(total, weight)
        defined = self.weight_B > 0
        total = np.bincount(group_B[defined], self.per_window[defined], groups)
        count = np.bincount(group_B[defined], minlength=groups)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def point_measures(y_BH: Floats, f_BH: Floats, scale_B: Floats, rmsse_scale_B: Floats | None) -> dict[str, Measure]:
    """Measure a point forecast (B, H): mse, rmse, mae over points; mase, smape, rmsse over windows."""
    squared = mse.terms(y_BH, f_BH)
    found = {"mse": _summed(mse, squared), "rmse": _summed(rmse, squared)}
    found["mae"] = _summed(mae, mae.terms(y_BH, f_BH))
    found["mase"] = _summed(mase, mase.terms(y_BH, f_BH, scale_B), over_windows=True)
    found["smape"] = _summed(smape, smape.terms(y_BH, f_BH), over_windows=True)
    if rmsse_scale_B is not None:
        found["rmsse"] = _summed(rmsse, rmsse.terms(y_BH, f_BH, rmsse_scale_B), over_windows=True)
    return found


def interval_measures(y_BH: Floats, f_BHQ: Floats, quantiles: Sequence[float], scale_B: Floats) -> dict[str, Measure]:
    """Measure quantile forecasts (B, H, Q): pinball and wql, and per level coverage, width, and msis over windows."""
    loss = pinball.terms(y_BH, f_BHQ, quantiles)
    weighted = Terms(2.0 * loss.values, np.where(loss.defined, np.abs(y_BH), 0.0), loss.defined)
    found = {"pinball": _summed(pinball, loss), "wql": _summed(wql, weighted)}
    for level in central_levels(quantiles):
        low, high = (f_BHQ[..., q] for q in pair_of(quantiles, level))
        key = level_key(level)
        found[f"coverage_{key}"] = _summed(coverage, coverage.terms(y_BH, low, high))
        found[f"width_{key}"] = _summed(width, width.terms(y_BH, low, high))
        found[f"msis_{key}"] = _summed(msis, msis.terms(y_BH, low, high, level, scale_B), over_windows=True)
    return found


def central_levels(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Nominal coverage of the intervals that symmetric pairs of quantiles give, narrowest first.

    >>> central_levels((0.025, 0.1, 0.5, 0.9, 0.975))
    (0.8, 0.95)
    """
    known = {round(float(q), 9) for q in quantiles}
    return tuple(sorted(round(1 - 2 * q, 9) for q in known if q < 0.5 and round(1 - q, 9) in known))


def pair_of(quantiles: Sequence[float], level: float) -> tuple[int, int]:
    """Positions of the two quantiles that bound the central interval of a level; ValueError where there are none."""
    known = [round(float(q), 9) for q in quantiles]
    return known.index(round((1 - level) / 2, 9)), known.index(round((1 + level) / 2, 9))


def level_key(level: float) -> str:
    """How a level is written inside the name of a score.

    >>> level_key(0.8), level_key(0.995)
    ('80', '99.5')
    """
    return f"{100 * level:g}"


def _summed(metric: Metric, terms: Terms, over_windows: bool = False) -> Measure:
    total_B, weight_B = terms.values.sum(axis=-1), terms.weight.sum(axis=-1)
    if over_windows:
        defined = weight_B > 0
        scores = metric.ratio(total_B, weight_B)[defined]
        overall = float(scores.mean()) if len(scores) else float("nan")
    else:
        overall = float(metric.ratio(terms.values.sum(), terms.weight.sum()))
    return Measure(metric, over_windows, overall, total_B, weight_B, terms.values.sum(axis=0), terms.weight.sum(axis=0))
