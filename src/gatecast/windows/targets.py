"""The targets of a panel row by row, transformed where they are read; what is missing repeats the value before it.

A panel without missing values is read where it lies: nothing that is as long as the panel is made.
"""

from __future__ import annotations

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import all_above, all_observed, row_ranges, series_groups, windows_at
from gatecast.windows.scaling import Scaling

__all__ = ["TargetRows"]


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

    def windows(self, begin_B: np.ndarray, steps: int) -> np.ndarray:
        """(B, steps, C) as many rows from each row ``begin_B`` on, all inside the buffer."""
        return self.scaling.apply(windows_at(self.raw_RC, begin_B, steps))

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
