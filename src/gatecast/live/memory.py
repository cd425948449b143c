"""What is kept of each series: neighbouring rows in one buffer, addressed by their step.

    slot of a series   | forgotten | first ... kept rows ... | free |
    step                            dropped ... steps - 1

A step counts from the first row that the series ever had. Rows are forgotten by moving ``first``; a full slot is
shifted down, or moved to the end of the buffer with twice the room, so that a row costs the same however long its
series has become.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.rows import row_ranges

__all__ = ["Memory"]

LEAST_ROOM = 16  # rows of a new slot


class Memory:
    """Rows of N series.

    Args:
        frequency: their step.
        width: columns V of a row.
        static: columns S of the static covariates.

    Attributes (N entries each): ``ids``; ``starts``, time of step 0; ``dropped``, steps forgotten; ``length``, rows
    kept; ``observed``, the last step with a target (-1: none yet); ``static_NS``.
    """

    def __init__(self, frequency: Frequency, width: int, static: int) -> None:
        self.frequency = frequency
        self.ids: list[str] = []
        self.places: dict[str, int] = {}
        times = np.int64 if frequency.unit == "step" else "datetime64[us]"
        self.starts = np.empty(0, times)
        self.dropped, self.length, self.observed = (np.empty(0, np.int64) for _ in range(3))
        self.static_NS = np.empty((0, static))
        self._values_RV = np.empty((0, width))
        self._slot, self._size, self._first = (np.empty(0, np.int64) for _ in range(3))
        self._used = 0  # rows of the buffer that belong to slots

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def steps(self) -> np.ndarray:
        """(N,) steps that each series has had, forgotten ones too."""
        return self.dropped + self.length

    @property
    def nbytes(self) -> int:
        """Bytes of the buffer."""
        return int(self._values_RV.nbytes)

    # ---------------------------------------------------------------- series

    def add(self, ids: Sequence[str], starts: np.ndarray, static_NS: np.ndarray, dropped: np.ndarray | int = 0) -> None:
        """New series without rows."""
        count = len(ids)
        self.places |= {name: len(self) + n for n, name in enumerate(ids)}
        self.ids += ids
        self.starts = np.concatenate([self.starts, np.asarray(starts, self.starts.dtype)])
        self.static_NS = np.concatenate([self.static_NS, static_NS])
        self.dropped = np.concatenate([self.dropped, np.broadcast_to(np.asarray(dropped, np.int64), count)])
        self.observed = np.concatenate([self.observed, np.full(count, -1)])
        nothing = np.zeros(count, np.int64)
        self.length, self._slot, self._size, self._first = (
            np.concatenate([old, nothing]) for old in (self.length, self._slot, self._size, self._first)
        )

    # ---------------------------------------------------------------- rows

    def rows(self, series_R: np.ndarray, step_R: np.ndarray) -> np.ndarray:
        """(R,) rows of the buffer that hold these steps, which are kept."""
        return np.asarray(self._first[series_R] + step_R - self.dropped[series_R])

    def read(self, series_R: np.ndarray, step_R: np.ndarray) -> np.ndarray:
        """(R, V) values at these steps; nan where a step is not kept."""
        kept_R = (step_R >= self.dropped[series_R]) & (step_R < self.steps[series_R])
        values_RV = np.full((len(step_R), self._values_RV.shape[1]), np.nan)
        values_RV[kept_R] = self._values_RV[self.rows(series_R[kept_R], step_R[kept_R])]
        return values_RV

    def write(self, series_R: np.ndarray, step_R: np.ndarray, values_RV: np.ndarray) -> None:
        """Set the values of steps that are kept, or follow; steps in between are missing."""
        needed_N = self.steps
        np.maximum.at(needed_N, series_R, step_R + 1)
        self._lengthen(needed_N - self.dropped)
        self._values_RV[self.rows(series_R, step_R)] = values_RV

    def saw(self, series_R: np.ndarray, step_R: np.ndarray) -> None:
        """Note that targets were observed at these steps."""
        np.maximum.at(self.observed, series_R, step_R)

    def drop(self, series: int, count: int) -> None:
        """Forget the first rows of a series."""
        self._first[series] += count
        self.dropped[series] += count
        self.length[series] -= count

    def gathered(self, series_M: np.ndarray, begin_M: np.ndarray, end_M: np.ndarray) -> np.ndarray:
        """(R, V) a copy of the steps ``begin`` to ``end`` (exclusive) of some series, one after the other.

        Steps that are not kept are nan.
        """
        count_M = np.maximum(end_M - begin_M, 0)
        series_R = np.repeat(series_M, count_M)
        step_R = row_ranges(begin_M, count_M)
        inside = (step_R >= self.dropped[series_R]) & (step_R < self.steps[series_R])
        if inside.all():
            copied_RV: np.ndarray = self._values_RV[self.rows(series_R, step_R)]
            return copied_RV
        return self.read(series_R, step_R)

    # ---------------------------------------------------------------- room

    def tighten(self) -> None:
        """Give back what slots have room for beyond half of their rows again."""
        self._size = self.length + np.maximum(self.length // 2, LEAST_ROOM)
        slot, used = np.cumsum(self._size) - self._size, int(self._size.sum())
        values_RV = np.empty((used, self._values_RV.shape[1]))
        values_RV[row_ranges(slot, self.length)] = self._values_RV[row_ranges(self._first, self.length)]
        self._values_RV, self._slot, self._first, self._used = values_RV, slot, slot.copy(), used

    def _lengthen(self, length_N: np.ndarray) -> None:
        """Room for as many rows of each series; new ones are missing."""
        fresh = np.flatnonzero((self._size == 0) & (length_N > 0))
        if len(fresh):
            self._settle(fresh, length_N[fresh] + LEAST_ROOM)
        offset_N = self._first - self._slot
        for n in np.flatnonzero(offset_N + length_N > self._size).tolist():
            self._make_room(n, int(length_N[n]))
        longer = np.flatnonzero(length_N > self.length)
        begin_M = self._first[longer] + self.length[longer]
        self._values_RV[row_ranges(begin_M, length_N[longer] - self.length[longer])] = np.nan
        self.length[longer] = length_N[longer]

    def _settle(self, series_M: np.ndarray, size_M: np.ndarray) -> None:
        """First slots of new series, at the end of the buffer."""
        total = int(size_M.sum())
        if self._used + total > len(self._values_RV):
            self._grow(total)
        self._slot[series_M] = self._first[series_M] = self._used + np.cumsum(size_M) - size_M
        self._size[series_M] = size_M
        self._used += total

    def _make_room(self, n: int, length: int) -> None:
        """Shift the rows of a series down in its slot, where half of it is free then; else give it a larger one."""
        first, kept = int(self._first[n]), int(self.length[n])
        held_RV = self._values_RV[first : first + kept].copy()
        if 2 * length > self._size[n]:
            size = max(2 * length, LEAST_ROOM)
            if self._used + size > len(self._values_RV):
                self._grow(size)
            self._slot[n], self._size[n] = self._used, size
            self._used += size
        self._first[n] = self._slot[n]
        self._values_RV[self._first[n] : self._first[n] + kept] = held_RV

    def _grow(self, more: int) -> None:
        """A buffer with room for ``more`` rows after the slots in use, which are put side by side."""
        slot = np.cumsum(self._size) - self._size
        first = slot + self._first - self._slot
        used = int(self._size.sum())
        values_RV = np.empty((used + used // 2 + more, self._values_RV.shape[1]))
        values_RV[row_ranges(first, self.length)] = self._values_RV[row_ranges(self._first, self.length)]
        self._values_RV, self._slot, self._first, self._used = values_RV, slot, first, used
