"""The base of a forecast: what the network is asked to improve, by index arithmetic on the flat buffer.

last        t ──▶ every step           the last value
seasonal    t+h-m ──▶ t+h              the value one season (m steps) before the target, or more seasons if h > m
category    the usual value at t of the category that the target's step will have (known in advance)
smooth      level at t and the newest season of t+h's place in the cycle, see ``smoothing``
"""

from __future__ import annotations

import numpy as np

from gatecast.data.rows import TargetRows
from gatecast.data.scaling import Scaling
from gatecast.data.smoothing import Smoothed

__all__ = ["base_at", "category_table", "median_of"]

Rows = np.ndarray | TargetRows
MOST_SELECTED = 31  # the steps of the selection grow with the square of their number


def base_at(
    u_RC: Rows,
    first_B1: np.ndarray,
    origin_BK: np.ndarray,
    horizon: int,
    scaling: Scaling,
    usual_RGC: np.ndarray,
    category_R: np.ndarray,
    smooth: Smoothed | None = None,
) -> np.ndarray:
    """Base of the ``horizon`` steps after each origin row: (B, K) -> (B, K, H, C). Reads rows <= origin only.

    ``u_RC`` has no NaN (filled forward). Where there is no earlier season the last value stands in.
    """
    last_BK1C = u_RC[origin_BK][:, :, None]
    steps_H = np.arange(1, horizon + 1)
    if scaling.base == "seasonal":
        back_H = scaling.season * -(-steps_H // scaling.season)
        row_BKH = origin_BK[:, :, None] + steps_H - back_H
        return _median_of_seasons(u_RC, first_B1[:, :, None], row_BKH, origin_BK[:, :, None], scaling)
    if scaling.base == "smooth":
        assert smooth is not None
        return _level_and_season(smooth, first_B1[:, :, None], origin_BK[:, :, None], steps_H, scaling.season)
    shape = (*origin_BK.shape, horizon, u_RC.shape[1])
    if scaling.base == "category":
        target_BKH = np.minimum(origin_BK[:, :, None] + steps_H, len(category_R) - 1)
        usual_BKHC = usual_RGC[origin_BK[:, :, None], category_R[target_BKH]]
        return np.where(np.isnan(usual_BKHC), last_BK1C, usual_BKHC)
    return np.broadcast_to(last_BK1C, shape)


def _level_and_season(
    smooth: Smoothed, first_B11: np.ndarray, origin_BK1: np.ndarray, steps_H: np.ndarray, season: int
) -> np.ndarray:
    """Level at the origin plus the newest season of each step's place; in the first season the level alone."""
    level_BK1C = smooth.level_RC[origin_BK1]
    if season == 1:
        return np.broadcast_to(level_BK1C, (*origin_BK1.shape[:2], len(steps_H), level_BK1C.shape[-1]))
    row_BKH = origin_BK1 + steps_H - season * -(-steps_H // season)
    whole_BK1 = origin_BK1 - first_B11 >= season - 1
    season_BKHC = smooth.season_RC[np.maximum(row_BKH, first_B11)]
    return level_BK1C + np.where(whole_BK1[..., None], season_BKHC, 0)


def _median_of_seasons(
    u_RC: Rows, first_B11: np.ndarray, row_BKH: np.ndarray, origin_BK1: np.ndarray, scaling: Scaling
) -> np.ndarray:
    """Median over ``depth`` seasons of the value in the same place; missing seasons repeat the nearest one."""
    row_BKH = np.where(row_BKH >= first_B11, row_BKH, origin_BK1)
    values = [u_RC[row_BKH]]
    for _ in range(scaling.depth - 1):
        earlier_BKH = row_BKH - scaling.season
        row_BKH = np.where(earlier_BKH >= first_B11, earlier_BKH, row_BKH)
        values.append(u_RC[row_BKH])
    return median_of(values)


def median_of(values: list[np.ndarray]) -> np.ndarray:
    """Median, place by place, of a few arrays of one shape; the numbers of ``np.median``, many times as fast.

    Of any n // 2 + 2 of n values neither the smallest nor the largest can be in the middle. So these two are left out
    and the next one is taken in, until one is left, or the two whose mean it is. NaN goes through.
    """
    if len(values) > MOST_SELECTED:
        return np.asarray(np.median(np.stack(values), axis=0))
    most = len(values) // 2 + 2
    kept, later = values[:most], values[most:]
    while len(kept) > 2:
        kept = [*_without_extremes(kept), *later[:1]]
        later = later[1:]
    return kept[0] if len(kept) == 1 else np.asarray((kept[0] + kept[1]) / 2)


def _without_extremes(values: list[np.ndarray]) -> list[np.ndarray]:
    """All but the smallest and the largest of each place."""
    low, high = np.minimum(values[0], values[-1]), np.maximum(values[0], values[-1])
    inner = []
    for value in values[1:-1]:
        not_low, low = np.maximum(low, value), np.minimum(low, value)
        inner.append(np.minimum(not_low, high))
        high = np.maximum(not_low, high)
    return inner


def category_table(
    u_RC: Rows, first: np.ndarray, length: np.ndarray, category_R: np.ndarray, groups: int, depth: int
) -> np.ndarray:
    """(R, G, C): at each row, the median of the last ``depth`` values of each category in that series; NaN before any.

    A median, so that one odd day (a storm, a strike) does not become tomorrow's base.
    """
    table_RGC = np.full((len(u_RC), groups, u_RC.shape[1]), np.nan, u_RC.dtype)
    for n in range(len(first)):
        rows = slice(int(first[n]), int(first[n] + length[n]))
        for group in range(groups):
            table_RGC[rows, group] = _running_median(u_RC[rows], category_R[rows] == group, depth)
    return table_RGC


def _running_median(u_TC: np.ndarray, chosen_T: np.ndarray, depth: int) -> np.ndarray:
    """(T, C) median of the last ``depth`` chosen values up to each step; NaN before the first."""
    result_TC = np.full_like(u_TC, np.nan)
    chosen_MC = u_TC[chosen_T]
    if not len(chosen_MC):
        return result_TC
    padded_MC = np.concatenate([np.repeat(chosen_MC[:1], depth - 1, axis=0), chosen_MC])
    median_MC = np.median(np.lib.stride_tricks.sliding_window_view(padded_MC, depth, axis=0), axis=-1)
    seen_T = np.cumsum(chosen_T)
    result_TC[seen_T > 0] = median_MC[seen_T[seen_T > 0] - 1]
    return result_TC
