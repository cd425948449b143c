"""Intervals around naive forecasts, from the errors that they made one step ahead.

The widths are those of Hyndman & Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), section 5.5: the
standard deviation of the one-step errors times a factor that grows with the steps ahead. Student's t stands in for the
normal distribution, with as many degrees of freedom as there are errors but one, so that a short history gives wide
intervals.

Shapes: B windows, H steps, C targets, Q quantile levels, R rows of the flat buffer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gatecast.evaluation.student import t_quantile
from gatecast.statistical.naive import BASELINES

__all__ = ["naive_quantiles"]

Floats = NDArray[np.float64]
FEWEST_ERRORS = 2


def naive_quantiles(
    name: str,
    target_RC: np.ndarray,
    first_B: np.ndarray,
    origin_B: np.ndarray,
    horizon: int,
    season: int,
    quantiles: Sequence[float],
    category_R: np.ndarray | None = None,
) -> Floats:
    """Quantiles (B, H, C, Q) of a naive forecast; all are the point where fewer than two errors are known.

    Args:
        name: of ``BASELINES``.
        target_RC: what was observed; nan = missing.
        first_B: first row of each window's series.
        origin_B: last row that may be used.
        horizon: H.
        season: seasonal period, 1 for none.
        quantiles: levels, ascending.
        category_R: labels of the rows, for "same_category".
    """
    point_BHC = BASELINES[name](target_RC, first_B, origin_B, horizon, season, category_R=category_R)
    spread_BC, errors_BC = _spread(name, target_RC, first_B, origin_B, season, category_R)
    growth_BH = _growth(name, origin_B - first_B + 1, horizon, season)
    t_BCQ = _student(errors_BC, quantiles)
    offset_BHCQ = growth_BH[:, :, None, None] * (spread_BC[..., None] * t_BCQ)[:, None]
    return np.asarray(point_BHC[..., None] + offset_BHCQ)


def _spread(
    name: str,
    target_RC: np.ndarray,
    first_B: np.ndarray,
    origin_B: np.ndarray,
    season: int,
    category_R: np.ndarray | None,
) -> tuple[Floats, NDArray[np.int64]]:
    """Root mean square (B, C) of the errors one step ahead, and how many there are."""
    columns = target_RC.shape[1]
    spread_BC, count_BC = np.zeros((len(first_B), columns)), np.zeros((len(first_B), columns), np.int64)
    for b, (first, origin) in enumerate(zip(first_B, origin_B, strict=True)):
        error_TC = _errors(name, target_RC, int(first), int(origin), season, category_R)
        known_TC = np.isfinite(error_TC)
        count_BC[b] = known_TC.sum(axis=0)
        total_C = np.where(known_TC, error_TC**2, 0.0).sum(axis=0)
        spread_BC[b] = np.sqrt(total_C / np.maximum(count_BC[b], 1))
    return np.where(count_BC >= FEWEST_ERRORS, spread_BC, 0.0), count_BC


def _errors(
    name: str, target_RC: np.ndarray, first: int, origin: int, season: int, category_R: np.ndarray | None
) -> Floats:
    """(T, C) errors one step ahead inside one history, from the first row on that the method itself needs."""
    begin = first + (season if name == "seasonal_naive" else 1)  # a season without history only repeats the last value
    row_T = np.arange(begin, origin + 1)
    if not len(row_T):
        return np.zeros((0, target_RC.shape[1]))
    forecast_T1C = BASELINES[name](target_RC, np.full(len(row_T), first), row_T - 1, 1, season, category_R=category_R)
    return np.asarray(target_RC[row_T] - forecast_T1C[:, 0])


def _growth(name: str, length_B: np.ndarray, horizon: int, season: int) -> Floats:
    """Factors (B, H) by which the standard deviation grows with the steps ahead."""
    step_H = np.arange(1, horizon + 1, dtype=np.float64)
    length_B1 = np.maximum(length_B, 2)[:, None].astype(np.float64)
    if name == "naive":
        growth_H = np.sqrt(step_H)
    elif name == "seasonal_naive":
        growth_H = np.sqrt((step_H - 1) // season + 1)
    elif name == "drift":
        return np.asarray(np.sqrt(step_H * (1 + step_H / (length_B1 - 1))))
    elif name == "mean":
        return np.asarray(np.sqrt(1 + 1 / length_B1) * np.ones_like(step_H))
    else:  # the last value of a category is as old for every step of it
        growth_H = np.ones(horizon)
    return np.broadcast_to(growth_H, (len(length_B), horizon))


def _student(count_BC: NDArray[np.int64], quantiles: Sequence[float]) -> Floats:
    """(B, C, Q) quantiles of Student's t, 0 where there are too few errors."""
    t_BCQ = np.zeros((*count_BC.shape, len(quantiles)))
    for count in np.unique(count_BC[count_BC >= FEWEST_ERRORS]):
        t_BCQ[count_BC == count] = [_t(level, int(count) - 1) for level in quantiles]
    return t_BCQ


def _t(level: float, freedom: int) -> float:
    if level == 0.5:
        return 0.0
    return t_quantile(level, freedom) if level > 0.5 else -t_quantile(1 - level, freedom)
