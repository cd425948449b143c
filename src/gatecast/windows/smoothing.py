"""Exponential smoothing of every series at every step, by one recursion over time for all series at once.

    e_t = u_t - level_(t-1) - season_(t-m)        what the smoothing did not expect
    level_t  = level_(t-1)  + alpha e_t
    season_t = season_(t-m) + gamma (1 - alpha) e_t

Additive, without a trend (Winters 1960, in the error-correction form of Hyndman et al. 2008); of logarithms it is
multiplicative. Row t holds what is known at t and nothing later, so a forecast from t reads level_t and the newest
season of each place: level_t + season_(t+h-m). As in Smyl's ES-RNN (2020) the network is given what is left.
"""

from __future__ import annotations

import math
import mmap
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.rows import ROWS_AT_ONCE, row_ranges, series_groups
from gatecast.nn.kernels import load
from gatecast.nn.threads import kernel_threads

if TYPE_CHECKING:
    from gatecast.windows.targets import TargetRows

__all__ = ["Smoothed", "SmoothedAsRead"]

LARGE_BYTES = 4 << 20
VALUES_PER_THREAD = 50_000  # some 0.5 ms
FEW_READS = 16  # as many are taken for a look at some series; who reads on wants all of them


@dataclass(frozen=True)
class Smoothed:
    """Level and season at every row of a buffer.

    Args:
        level_RC: level known at each row.
        season_RC: season of each row's own place in the cycle, known from that row on (in a series' first season from
            the end of that season on).
    """

    level_RC: np.ndarray
    season_RC: np.ndarray


class SmoothedAsRead:
    """Level and season of all series of a flat buffer, of each from when a window of it is first read.

    A look at some series of a large panel then costs what these cost, in time and in memory. Several threads may read.

    The first season gives a start: its mean is the level, the distances from it are the seasons. The gains begin at
    1 / (seasons seen + 1), so that early seasons are averaged, and fall to ``alpha`` and ``gamma``.

    Args:
        u_RC: (R, C) values, filled forward; NaN (before a target's first value) counts as 0. Rows outside of the series
            are not read.
        first: (N,) first row of each series.
        length: (N,) its steps.
        season: m; 1 = a level alone.
        alpha: gain of the level, 0 to 1.
        gamma: gain of the season, 0 to 1.
    """

    def __init__(
        self, u_RC: np.ndarray | TargetRows, first: np.ndarray, length: np.ndarray, season: int, alpha: float,
        gamma: float,
    ) -> None:  # fmt: skip
        self._u_RC, self._first, self._length = u_RC, first, length
        self._season, self._alpha, self._gamma = season, alpha, gamma
        self._result = Smoothed(_unwritten(u_RC.shape, u_RC.dtype), _unwritten(u_RC.shape, u_RC.dtype))
        self._open_N = np.ones(len(first), bool)
        self._looks_left = FEW_READS if int(length.sum()) > ROWS_AT_ONCE else 0
        self._lock = Lock()

    def of(self, series_B: np.ndarray) -> Smoothed:
        """The buffers, which hold these series at least."""
        if self._open_N[series_B].any():
            with self._lock:
                if len(missing := np.unique(series_B[self._open_N[series_B]])):
                    wanted = missing if self._looks_left else np.flatnonzero(self._open_N)
                    self._looks_left = max(self._looks_left - 1, 0)
                    self._fill(wanted)
                    self._open_N[wanted] = False
        return self._result

    def _fill(self, series: np.ndarray) -> None:
        """Write the rows of some series."""
        first, length = self._first[series], self._length[series]
        if (kernels := load()) is not None and self._u_RC.dtype in (np.float32, np.float64):
            self._fill_by_kernels(kernels, first, length)
        else:
            self._fill_by_numpy(first, length)

    def _fill_by_kernels(self, kernels: ModuleType, first: np.ndarray, length: np.ndarray) -> None:
        for group in series_groups(length):  # so that the copies stay small
            chosen, steps = first[group].astype(np.int64), length[group].astype(np.int64)
            u_PC = np.ascontiguousarray(np.nan_to_num(self._u_RC[row_ranges(chosen, steps)], copy=False))
            arrays = (u_PC, chosen, steps, self._result.level_RC, self._result.season_RC)
            kernels.smoothed_levels(
                tuple(array.ctypes.data for array in arrays), u_PC.dtype == np.float64,
                (len(steps), u_PC.shape[1], self._season), (self._alpha, self._gamma),
                max(1, min(kernel_threads(), u_PC.size // VALUES_PER_THREAD)),
            )  # fmt: skip

    def _fill_by_numpy(self, first: np.ndarray, length: np.ndarray) -> None:
        """The same, one step of all series at a time."""
        order = np.argsort(-length, kind="stable")
        for group in series_groups(length[order]):  # so that the copies stay small
            chosen = order[group]
            row_P, offset_T = _step_by_step(first[chosen], length[chosen])
            u_PC = np.nan_to_num(self._u_RC[row_P], copy=False)
            level_PC, season_PC = _smooth(u_PC, offset_T, self._season, self._alpha, self._gamma)
            self._result.level_RC[row_P] = level_PC
            if self._season > 1:
                self._result.season_RC[row_P] = season_PC


def _unwritten(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Zeros that take memory where they are written alone: a large buffer of numpy's takes the huge page around it."""
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE_BYTES or not hasattr(mmap, "MADV_NOHUGEPAGE"):
        return np.zeros(shape, dtype)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without huge pages
        pages.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(pages, dtype).reshape(shape)


def _step_by_step(first: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of series, the longest first, sorted by step: all first steps, all second ones, ...; and where each begins.

    Those that have a step t stand at its beginning, in the same order as at every step before.

    >>> _step_by_step(np.array([10, 50]), np.array([3, 2]))
    (array([10, 50, 11, 51, 12]), array([0, 2, 4, 5]))
    """
    active_T = np.searchsorted(-length, -np.arange(int(length[0])), side="left")
    offset_T = np.concatenate([[0], np.cumsum(active_T)])
    place_P = np.arange(offset_T[-1])
    place_P -= np.repeat(offset_T[:-1], active_T)
    row_P = first[place_P]
    row_P += np.repeat(np.arange(len(active_T)), active_T)
    return row_P, offset_T


def _smooth(
    u_PC: np.ndarray, offset_T: np.ndarray, season: int, alpha: float, gamma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Level and season (P, C) of values sorted by step."""
    level_PC, season_PC = np.empty_like(u_PC), np.zeros_like(u_PC)
    offsets = offset_T.tolist()
    _begin(u_PC, offsets, season, level_PC, season_PC)
    for t in range(season, len(offsets) - 1):
        now, active = slice(offsets[t], offsets[t + 1]), offsets[t + 1] - offsets[t]
        before_AC = level_PC[offsets[t - 1] : offsets[t - 1] + active]
        error_AC = u_PC[now] - before_AC
        if season > 1:
            last_AC = season_PC[offsets[t - season] : offsets[t - season] + active]
            error_AC -= last_AC
            gain = max(gamma, 1 / (t // season + 1)) * (1 - alpha)
            np.multiply(error_AC, gain, out=season_PC[now])
            season_PC[now] += last_AC
        error_AC *= max(alpha, 1 / (t + 2))
        np.add(before_AC, error_AC, out=level_PC[now])
    return level_PC, season_PC


def _begin(u_PC: np.ndarray, offsets: list[int], season: int, level_PC: np.ndarray, season_PC: np.ndarray) -> None:
    """The first season: the level is the mean so far; at its end all its seasons are known."""
    steps = min(season, len(offsets) - 1)
    sum_NC = np.zeros((offsets[1], u_PC.shape[1]))  # float64: equal values have their own value as mean
    for t in range(steps):
        now, active = slice(offsets[t], offsets[t + 1]), offsets[t + 1] - offsets[t]
        sum_NC[:active] += u_PC[now]
        np.divide(sum_NC[:active], t + 1, out=level_PC[now], casting="same_kind")
    if 1 < season == steps:
        whole_AC = level_PC[offsets[season - 1] : offsets[season]]
        for begin in offsets[:season]:
            np.subtract(u_PC[begin : begin + len(whole_AC)], whole_AC, out=season_PC[begin : begin + len(whole_AC)])
