"""Rows of a panel's series in its flat buffer: ranges, groups, and what is observed in them.

Long panels are looked through in groups of series, so that what is needed on the way stays small.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gatecast.data.panel import Panel

__all__ = [
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
