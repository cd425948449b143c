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

__all__ = ["Smoothed", "SmoothedAsRead", "Start"]

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


@dataclass(frozen=True)
class Start:
    """Where the smoothings of N series go on, whose earlier rows are not there any more.

    Args:
        steps: (N,) steps before the first row of each; 0 = the series begins with it.
        level_NMC: level at its first M rows, M steps of a season; what is 0 steps along is not read.
        season_NMC: season of these rows.
    """

    steps: np.ndarray
    level_NMC: np.ndarray
    season_NMC: np.ndarray


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
        start: where they go on; None = all of them begin. A series that goes on has M rows at least.
    """

    def __init__(
        self, u_RC: np.ndarray | TargetRows, first: np.ndarray, length: np.ndarray, season: int, alpha: float,
        gamma: float, start: Start | None = None,
    ) -> None:  # fmt: skip
        self._u_RC, self._first, self._length = u_RC, first, length
        self._season, self._alpha, self._gamma = season, alpha, gamma
        self._result = Smoothed(_unwritten(u_RC.shape, u_RC.dtype), _unwritten(u_RC.shape, u_RC.dtype))
        self._before = np.zeros(len(first), np.int64) if start is None else start.steps
        self._start = start
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
        first, length, before = self._first[series], self._length[series], self._before[series]
        if self._start is not None:
            self._go_on(self._start, series[before > 0])
        if (kernels := load()) is not None and self._u_RC.dtype in (np.float32, np.float64):
            self._fill_by_kernels(kernels, first, length, before)
        else:
            self._fill_by_numpy(first, length, before)

    def _go_on(self, start: Start, series: np.ndarray) -> None:
        """Write the first rows of series that go on."""
        row_NM = self._first[series, None] + np.arange(self._season)
        self._result.level_RC[row_NM] = start.level_NMC[series]
        self._result.season_RC[row_NM] = start.season_NMC[series]

    def _fill_by_kernels(
        self, kernels: ModuleType, first: np.ndarray, length: np.ndarray, before: np.ndarray
    ) -> None:  # fmt: skip
        for group in series_groups(length):  # so that the copies stay small
            chosen, steps = first[group].astype(np.int64), length[group].astype(np.int64)
            u_PC = np.ascontiguousarray(np.nan_to_num(self._u_RC[row_ranges(chosen, steps)], copy=False))
            skipped = before[group].astype(np.int64)
            arrays = (u_PC, chosen, steps, skipped, self._result.level_RC, self._result.season_RC)
            kernels.smoothed_levels(
                tuple(array.ctypes.data for array in arrays), u_PC.dtype == np.float64,
                (len(steps), u_PC.shape[1], self._season), (self._alpha, self._gamma),
                max(1, min(kernel_threads(), u_PC.size // VALUES_PER_THREAD)),
            )  # fmt: skip

    def _fill_by_numpy(self, first: np.ndarray, length: np.ndarray, before: np.ndarray) -> None:
        """The same, one step of all series at a time."""
        order = np.argsort(-length, kind="stable")
        for group in series_groups(length[order]):  # so that the copies stay small
            chosen = order[group]
            row_P, offset_T = _step_by_step(first[chosen], length[chosen])
            u_PC = np.nan_to_num(self._u_RC[row_P], copy=False)
            made = Smoothed(self._result.level_RC[row_P], self._result.season_RC[row_P])
            _smooth(u_PC, offset_T, before[chosen], (self._season, self._alpha, self._gamma), made)
            self._result.level_RC[row_P] = made.level_RC
            if self._season > 1:
                self._result.season_RC[row_P] = made.season_RC


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
    u_PC: np.ndarray, offset_T: np.ndarray, before: np.ndarray, gains: tuple[int, float, float], made: Smoothed
) -> None:
    """Level and season (P, C) of values sorted by step; the first rows of series that go on are there already."""
    season, alpha, gamma = gains
    level_PC, season_PC = made.level_RC, made.season_RC
    offsets = offset_T.tolist()
    _begin(u_PC, offsets, season, before, made)
    for t in range(season, len(offsets) - 1):
        now, active = slice(offsets[t], offsets[t + 1]), offsets[t + 1] - offsets[t]
        step_A1 = t + before[:active, None]
        before_AC = level_PC[offsets[t - 1] : offsets[t - 1] + active]
        error_AC = u_PC[now] - before_AC
        if season > 1:
            last_AC = season_PC[offsets[t - season] : offsets[t - season] + active]
            error_AC -= last_AC
            gain_A1 = np.maximum(gamma, 1 / (step_A1 // season + 1)) * (1 - alpha)
            np.multiply(error_AC, gain_A1.astype(u_PC.dtype), out=season_PC[now])
            season_PC[now] += last_AC
        error_AC *= np.maximum(alpha, 1 / (step_A1 + 2)).astype(u_PC.dtype)
        np.add(before_AC, error_AC, out=level_PC[now])


def _begin(u_PC: np.ndarray, offsets: list[int], season: int, before: np.ndarray, made: Smoothed) -> None:
    """The first season: the level is the mean so far; at its end all its seasons are known."""
    steps = min(season, len(offsets) - 1)
    sum_NC = np.zeros((offsets[1], u_PC.shape[1]))  # float64: equal values have their own value as mean
    for t in range(steps):
        now, active = slice(offsets[t], offsets[t + 1]), offsets[t + 1] - offsets[t]
        sum_NC[:active] += u_PC[now]
        begins_A1 = before[:active, None] == 0
        np.divide(sum_NC[:active], t + 1, out=made.level_RC[now], casting="same_kind", where=begins_A1)
    if 1 < season == steps:
        whole_AC = made.level_RC[offsets[season - 1] : offsets[season]]
        begins_A1 = before[: len(whole_AC), None] == 0
        for begin in offsets[:season]:
            rows = slice(begin, begin + len(whole_AC))
            np.subtract(u_PC[rows], whole_AC, out=made.season_RC[rows], where=begins_A1)
