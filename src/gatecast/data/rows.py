"""The targets of a panel row by row, transformed where they are read; what is missing repeats the value before it.

A panel without missing values is read where it lies: nothing that is as long as the panel is made. Long panels are
looked through in groups of series, so that what is needed on the way stays small.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.scaling import Scaling

__all__ = [
    "TargetRows",
    "all_above",
    "all_observed",
    "last_observed",
    "row_ranges",
    "rows_of",
    "series_groups",
    "windows_at",
]

ROWS_AT_ONCE = 1 << 20


def row_ranges(first: np.ndarray, length: np.ndarray) -> np.ndarray:
    """All rows of ranges, one after the other.

    >>> row_ranges(np.array([10, 50]), np.array([3, 2]))
    array([10, 11, 12, 50, 51])
    """
    ends = np.cumsum(length)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(first - (ends - length), length)


def series_groups(length: np.ndarray) -> Iterator[slice]:
    """Positions of neighbouring series with about a million rows together, one series at least."""
    ends = np.cumsum(length)
    at, count = 0, len(length)
    while at < count:
        before = int(ends[at - 1]) if at else 0
        stop = max(int(np.searchsorted(ends, before + ROWS_AT_ONCE, side="right")), at + 1)
        yield slice(at, stop)
        at = stop


def rows_of(values_RV: np.ndarray, first: np.ndarray, length: np.ndarray) -> np.ndarray:
    """(R', V) a copy of the rows of ranges, one after the other."""
    if len(length) and (length == length[0]).all():
        return windows_at(values_RV, first, int(length[0])).reshape(-1, values_RV.shape[1])
    taken_RV: np.ndarray = values_RV[row_ranges(first, length)]
    return taken_RV


def last_observed(target_RC: np.ndarray, first: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """(N, C) last row of each range first .. stop - 1 whose target was observed; -1 where there is none."""
    seen_NC = np.isfinite(target_RC[stop - 1])
    last_NC = np.where(seen_NC, stop[:, None] - 1, -1)
    open_M = np.flatnonzero(~seen_NC.all(axis=1))  # ranges that end with an observed value need no further look
    for group in series_groups((stop - first)[open_M]):
        chosen = open_M[group]
        length = (stop - first)[chosen]
        rows = row_ranges(first[chosen], length)
        found_RC = np.where(np.isfinite(target_RC[rows]), rows[:, None], -1)
        last_NC[chosen] = np.maximum.reduceat(found_RC, np.cumsum(length) - length, axis=0)
    return last_NC


def _span(panel: Panel, group: slice) -> np.ndarray:
    """(R', C) the targets from the first to the last row of a group, with the rows between its series."""
    return panel.target_RC[int(panel.first[group].min()) : int(panel.stop[group].max())]


def _inside(panel: Panel, group: slice) -> np.ndarray:
    """(R', C) the targets of a group's series, one after the other."""
    return rows_of(panel.target_RC, panel.first[group], panel.length[group])


def _short(panel: Panel, group: slice) -> bool:
    """The span of a group is not much longer than its series: a look at all of it is the quickest."""
    rows = int(panel.stop[group].max()) - int(panel.first[group].min())
    return rows <= 2 * int(panel.length[group].sum())


def all_observed(panel: Panel) -> bool:
    """Whether no target is missing in any series."""
    for group in series_groups(panel.length):
        if _short(panel, group) and np.isfinite(_span(panel, group)).all():
            continue
        if not np.isfinite(_inside(panel, group)).all():
            return False
    return True


def all_above(panel: Panel, floor: float) -> bool:
    """Whether no target of any series is ``floor`` or below; missing ones do not count."""
    for group in series_groups(panel.length):
        if _short(panel, group) and not (_span(panel, group) <= floor).any():
            continue
        if (_inside(panel, group) <= floor).any():
            return False
    return True


def windows_at(values_RV: np.ndarray, begin_B: np.ndarray, steps: int) -> np.ndarray:
    """``steps`` rows from each row ``begin_B`` on, all inside the buffer: (R, V) -> (B, steps, V), a copy."""
    rows, width = values_RV.shape
    row_stride, column_stride = values_RV.strides
    every = np.lib.stride_tricks.as_strided(
        values_RV, (max(rows - steps + 1, 0), steps, width), (row_stride, row_stride, column_stride), writeable=False
    )
    taken_BTV: np.ndarray = every[begin_B]
    return taken_BTV


class TargetRows:
    """Transformed targets; ``rows[index]`` reads the rows asked for, (...,) -> (..., C).

    Args:
        panel: rows outside its series may lie in the future: callers ask for rows inside, and where values are missing
            the others are missing too.
        scaling: how values are transformed.

    Raises:
        ConfigError: the scaling takes logarithms and a value is not positive.
    """

    def __init__(self, panel: Panel, scaling: Scaling) -> None:
        self.scaling = scaling
        if scaling.log:
            scaling.require_positive(all_above(panel, 0.0))
        self.complete = all_observed(panel)
        self.raw_RC = panel.target_RC
        self.seen_RC: np.ndarray | None = None
        self.begun = panel.first
        if not self.complete:
            self.raw_RC, self.seen_RC, self.begun = _filled(panel)
        self.shape = self.raw_RC.shape
        self.dtype = self.raw_RC.dtype

    def __len__(self) -> int:
        """Rows R of the buffer."""
        return len(self.raw_RC)

    def __getitem__(self, rows: np.ndarray | slice) -> np.ndarray:
        return self.scaling.apply(self.raw_RC[rows])

    def seen(self, rows: np.ndarray) -> np.ndarray:
        """(..., C) whether the rows were observed."""
        if self.seen_RC is None:
            return np.broadcast_to(np.True_, (*rows.shape, self.shape[1]))
        return self.seen_RC[rows]


def _filled(panel: Panel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets (R, C) that repeat the last observed one, which of them were observed, and where each series begins.

    Before the first observed value there is NaN; (N,) its row is where the series begins, its end where there is none.
    """
    filled_RC = np.full(panel.target_RC.shape, np.nan, panel.values_RV.dtype)
    seen_RC = np.zeros(panel.target_RC.shape, bool)
    begun = np.empty(len(panel), np.int64)
    for group in series_groups(panel.length):
        length, rows = panel.length[group], row_ranges(panel.first[group], panel.length[group])
        begin = np.cumsum(length) - length
        raw_MC = panel.target_RC[rows]
        seen_MC = np.isfinite(raw_MC)
        place_M = np.arange(len(rows))
        last_MC = np.maximum.accumulate(np.where(seen_MC, place_M[:, None], -1), axis=0)
        known_MC = last_MC >= np.repeat(begin, length)[:, None]
        filled_MC = np.take_along_axis(raw_MC, np.maximum(last_MC, 0), axis=0)
        filled_RC[rows] = np.where(known_MC, filled_MC, np.nan)
        seen_RC[rows] = seen_MC
        first_M = np.where(seen_MC.any(axis=1), place_M, len(rows))
        offset = np.minimum(np.minimum.reduceat(first_M, begin) - begin, length)
        begun[group] = panel.first[group] + offset
    return filled_RC, seen_RC, begun
