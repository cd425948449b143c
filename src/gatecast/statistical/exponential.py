"""Exponential smoothing for many origins at once: an average of many smoothings, weighted by their past errors.

    values of a series |-- window of the origin --| origin + 1 .. origin + H
                        errors so far -> weights    weighted forecasts

No smoothing is fitted. A fixed grid of them (`smoothing_grid`) runs over each series once, with the season and without
one, in the data's own unit and, where all values are positive, in logarithms. At each origin an expert's weight is
exp(-15 score). The score is its mean absolute error up to there, relative to that of the best expert, and drawn to 1
where the errors are few. Weights that fall exponentially with the loss are those of Vovk (1990) and of Littlestone &
Warmuth (1994); see Cesa-Bianchi & Lugosi (2006).

Long histories are cut into windows, each shared by many origins: with K = max(12 seasons, 240) steps an origin's window
starts at a multiple of K after the first observation and holds K to 2 K steps (all steps in a history below 2 K). So an
origin's window depends on that origin alone, and the cost does not grow with the length of the history.

The compiled kernels do all of it in one pass over each window (``kernels/exponential.h``); numpy serves without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatecast.nn.kernels import load
from gatecast.nn.threads import kernel_threads
from gatecast.statistical.naive import checked
from gatecast.statistical.smoothing_grid import TRENDS, Grid, errors_so_far, forecasts_at, grid_of

__all__ = ["exponential_smoothing", "window_step"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_SHARPNESS = 15.0  # how fast weights fall with the score
_ALIKE_ORIGINS = 10  # so many origins whose errors are those of the best expert are added, so that few cannot decide
_HOPELESS = 1e3  # an expert with so many times the best one's errors has weight 0 after few errors
_LAGS = 6  # so many steps ahead are judged
_SEASONS_KEPT, _STEPS_KEPT = 24, 240  # K, the steps of an origin's past that always count
_STEPS_PER_THREAD = 1000  # some 0.5 ms
_CELLS = 2**15  # steps x series of a chunk: small enough for the cache, some 60 MB for a season's grid


def exponential_smoothing(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int = 1,
    *,
    category_R: ArrayLike | None = None,
) -> Floats:
    """Average exponential smoothings of level and season with damped trends, weighted by their past errors.

    A missing value counts as the last one before it. Without two full seasons up to the origin there is no season; a
    single observation is repeated. Each target is a series of its own. `category_R` is not used.

    Args:
        values_RC: (R, C) flat buffer of all series; NaN = missing; magnitudes below 1e290.
        first_B: (B,) first row of the series of each origin.
        origin_B: (B,) last row that may be used; in any order, also repeated.
        horizon: H, steps to forecast.
        season: m, steps of a season; 1 for none.
        category_R: accepted as by all baselines.

    Returns:
        (B, H, C); nan only where the history of an origin has no observation.

    Raises:
        InputError: an origin lies outside its series, or shapes, horizon or season are impossible.

    >>> values = [[10.0], [20.0]] * 8
    >>> exponential_smoothing(values, first_B=[0], origin_B=[15], horizon=3, season=2).ravel().round(1).tolist()
    [10.0, 20.0, 10.0]
    """
    x_RC = np.asarray(values_RC)
    x_RC = x_RC if x_RC.dtype.kind == "f" else x_RC.astype(np.float64)
    # Without columns the check copies nothing.
    _, first, origin = checked(x_RC[:, :0] if x_RC.ndim == 2 else x_RC, first_B, origin_B, horizon, season)
    kernels = load()
    if kernels is None:
        return _by_numpy(x_RC, first, origin, horizon, season)
    return _by_kernels(kernels, x_RC, first, origin, horizon, season)


def window_step(season: int) -> int:
    """Steps K between two starts of windows, counted from the first observation.

    >>> window_step(12), window_step(1)
    (288, 240)
    """
    return max(_SEASONS_KEPT * season, _STEPS_KEPT)


def _by_kernels(
    kernels: ModuleType, x_RC: NDArray[np.generic], first: Rows, origin: Rows, horizon: int, season: int
) -> Floats:
    """All of it compiled; the buffer is read where it lies."""
    if x_RC.dtype not in (np.float64, np.float32) or not x_RC.dtype.isnative:
        x_RC = x_RC.astype(np.float64)
    first, origin = np.ascontiguousarray(first), np.ascontiguousarray(origin)
    columns = x_RC.shape[1]
    result = np.empty((len(origin), horizon, columns))
    steps = int((origin - first + 1).sum()) * columns
    threads = max(1, min(kernel_threads(), steps // _STEPS_PER_THREAD))
    data = (x_RC.ctypes.data, first.ctypes.data, origin.ctypes.data, result.ctypes.data)
    sizes = (len(origin), columns, horizon, season)
    kernels.exponential_smoothing(data, x_RC.strides, x_RC.dtype == np.float64, sizes, tuple(_lags(horizon)), threads)
    return result


def _by_numpy(x_RC: NDArray[np.generic], first: Rows, origin: Rows, horizon: int, season: int) -> Floats:
    """The same without the kernels: what they are compared with."""
    known_RC = x_RC[: int(origin.max(initial=-1)) + 1]
    columns = x_RC.shape[1]
    history = _History(known_RC)
    column_P = np.tile(np.arange(columns), len(origin))
    origin_P = np.repeat(origin, columns)
    begin_P = history.first_observed(np.repeat(first, columns), column_P)
    asked = np.flatnonzero(begin_P <= origin_P)
    wanted, same = _windows(column_P[asked], begin_P[asked], origin_P[asked], season)
    forecast = np.full((len(wanted.origin_Q) + 1, horizon), np.nan)  # the last one is for histories without a value
    for part in _chunks(wanted):
        forecast[part] = _chunk_forecast(history, wanted.take(part), horizon)
    which_P = np.full(len(origin_P), len(forecast) - 1)
    which_P[asked] = same
    return np.ascontiguousarray(forecast[which_P].reshape(len(origin), columns, horizon).transpose(0, 2, 1))


# ---------------------------------------------------------------- which rows are read


class _History:
    """The buffer with its gaps; rows and columns come in equal arrays."""

    def __init__(self, x_RC: NDArray[np.generic]) -> None:
        self.x_RC = x_RC
        missing_CR = np.isnan(x_RC.T)
        # Places column * R + row with a value, ascending; None where nothing is missing, to save the table.
        self.observed = np.flatnonzero(~missing_CR) if missing_CR.any() else None

    def first_observed(self, row: Rows, column: Rows) -> Rows:
        """The first row from ``row`` on that holds a value; one past the end if there is none."""
        if self.observed is None:
            return row
        rows = len(self.x_RC)
        at = np.searchsorted(self.observed, column * rows + row)
        place = np.append(self.observed, self.x_RC.size)[at]
        return np.minimum(place - column * rows, rows)

    def last_observed(self, row: Rows, column: Rows) -> Rows:
        """The last row up to ``row`` that holds a value; there must be one."""
        if self.observed is None:
            return row
        rows = len(self.x_RC)
        return np.asarray(self.observed[np.searchsorted(self.observed, column * rows + row, side="right") - 1] % rows)

    def filled(self, start_S: Rows, steps_S: Rows, column_S: Rows) -> Floats:
        """Values (T, S) of windows, the last one carried over gaps and past the end of a shorter window."""
        step_T1 = np.arange(int(steps_S.max()))[:, None]
        row_TS = start_S + np.minimum(step_T1, steps_S - 1)
        if self.observed is not None:
            row_TS = self.last_observed(row_TS, np.broadcast_to(column_S, row_TS.shape))
        return np.asarray(self.x_RC[row_TS, column_S], dtype=np.float64)


@dataclass(frozen=True)
class _Windows:
    """Different origins with their windows, those of one run side by side. A run = same column, start, season, warm."""

    run_Q: Rows
    column_Q: Rows
    start_Q: Rows
    origin_Q: Rows
    season_Q: Rows
    warm_Q: Rows

    def take(self, part: Rows) -> _Windows:
        return _Windows(
            self.run_Q[part],
            self.column_Q[part],
            self.start_Q[part],
            self.origin_Q[part],
            self.season_Q[part],
            self.warm_Q[part],
        )


def _windows(column_P: Rows, begin_P: Rows, origin_P: Rows, season: int) -> tuple[_Windows, Rows]:
    """Choose the window of each origin. Returns the different ones, and for each (P,) which of them it is."""
    keep = window_step(season)
    start_P = begin_P + keep * np.maximum(0, (origin_P - begin_P) // keep - 1)
    steps_P = origin_P - start_P + 1
    season_P = np.where(steps_P < 2 * season, 1, season)
    warm_P = np.minimum(season_P + 2, steps_P // 2)
    keys = (season_P, warm_P, column_P, start_P, origin_P)
    order = np.lexsort(keys[::-1])
    sorted_keys = np.stack(keys)[:, order]
    changed = np.diff(sorted_keys, axis=1, prepend=-1) != 0
    new, new_run = changed.any(axis=0), changed[:-1].any(axis=0)
    same = np.empty(len(order), dtype=np.int64)
    same[order] = np.cumsum(new) - 1
    season_Q, warm_Q, column_Q, start_Q, origin_Q = sorted_keys[:, new]
    run_Q = (np.cumsum(new_run) - 1)[new]
    return _Windows(run_Q, column_Q, start_Q, origin_Q, season_Q, warm_Q), same


def _chunks(windows: _Windows) -> Iterator[Rows]:
    """Split into parts with whole runs of one season and warm-up and of like lengths, each of at most _CELLS cells."""
    if not len(windows.run_Q):
        return
    last_N = np.flatnonzero(np.diff(windows.run_Q, append=-1))  # the last origin of each run
    steps_N = (windows.origin_Q - windows.start_Q)[last_N] + 1
    kind_N = np.stack([windows.season_Q[last_N], windows.warm_Q[last_N]])
    order = np.lexsort((-steps_N, *kind_N[::-1]))
    ends = np.append(np.flatnonzero((np.diff(kind_N[:, order]) != 0).any(axis=0)) + 1, len(order))
    chunk_N = np.empty(len(order), dtype=np.int64)
    begin, chunks = 0, 0
    for end in ends:
        while begin < end:
            stop = min(int(end), begin + max(1, _CELLS // int(steps_N[order[begin]])))
            chunk_N[order[begin:stop]] = chunks
            begin, chunks = stop, chunks + 1
    chunk_Q = chunk_N[windows.run_Q]
    by_chunk = np.argsort(chunk_Q, kind="stable")
    yield from np.split(by_chunk, np.flatnonzero(np.diff(chunk_Q[by_chunk])) + 1)


# ---------------------------------------------------------------- forecasts of a chunk


def _chunk_forecast(history: _History, windows: _Windows, horizon: int) -> Floats:
    """Forecast (P, H) from all origins of a chunk."""
    season, warm = int(windows.season_Q[0]), int(windows.warm_Q[0])
    step_P = windows.origin_Q - windows.start_Q
    last_S = np.flatnonzero(np.diff(windows.run_Q, append=-1))
    series_P = np.repeat(np.arange(len(last_S)), np.diff(last_S, prepend=-1))
    y_TS = history.filled(windows.start_Q[last_S], step_P[last_S] + 1, windows.column_Q[last_S])
    positive_P = np.logical_and.accumulate(y_TS > 0, axis=0)[step_P, series_P]
    units = (False, True) if positive_P.any() else (False,)
    grids = [grid_of(y_TS, m, logs=logs) for m in sorted({season, 1}, reverse=True) for logs in units]
    weight_GP = _weights(grids, y_TS, step_P, series_P, positive_P, warm, _lags(horizon))
    result = np.empty((len(step_P), horizon))
    block = max(1, 2 * _CELLS // horizon)
    for begin in range(0, len(step_P), block):
        at = slice(begin, begin + block)
        result[at] = _mixture(grids, weight_GP[:, at], step_P[at], series_P[at], horizon)
    return result


def _lags(horizon: int) -> list[int]:
    """Up to six steps ahead, spread over the horizon.

    >>> _lags(18), _lags(3)
    ([1, 4, 8, 11, 15, 18], [1, 2, 3])
    """
    return [int(h) for h in np.unique(np.linspace(1, horizon, min(horizon, _LAGS)).round())]


def _weights(
    grids: list[Grid],
    y_TS: Floats,
    step_P: Rows,
    series_P: Rows,
    positive_P: NDArray[np.bool_],
    warm: int,
    lags: list[int],
) -> Floats:
    """Weights (G, P) of all experts at each origin, from the errors known there; they add up to 1."""
    usable_GP = np.concatenate([np.tile(positive_P | (grid.unit_S is None), (grid.experts, 1)) for grid in grids])
    score_GP = np.empty((len(usable_GP), len(step_P)))
    totals = (total_DTS for grid in grids for total_DTS in errors_so_far(grid, y_TS, lags, warm))
    for e, total_DTS in enumerate(totals):
        score_GP[len(TRENDS) * e : len(TRENDS) * (e + 1)] = total_DTS[:, step_P, series_P]
    best_P = score_GP.min(axis=0, where=usable_GP, initial=np.inf)
    # own / best, as far as origins / (origins + alike) of them can tell; the same for all that never erred
    with np.errstate(over="ignore"):
        score_GP /= np.where(best_P > 0, best_P, np.finfo(np.float64).tiny)
    np.minimum(score_GP, _HOPELESS, out=score_GP)
    # the steps of one origin's horizon err together: they tell as much as one of them
    origins_P = np.maximum(step_P + 1 - warm - np.array(lags)[:, None], 0).mean(axis=0)
    score_GP *= origins_P / (origins_P + _ALIKE_ORIGINS)
    score_GP[~usable_GP] = np.inf
    weight_GP = np.exp(-_SHARPNESS * score_GP)
    weight_GP /= np.add.accumulate(weight_GP, axis=0)[-1]
    return weight_GP


def _mixture(grids: list[Grid], weight_GP: Floats, step_P: Rows, series_P: Rows, horizon: int) -> Floats:
    """Average the experts; around the first of them, so that what all agree on comes out unrounded."""
    forecasts = (f_PH for grid in grids for f_PH in forecasts_at(grid, step_P, series_P, horizon))
    anchor_PH = next(forecasts)
    apart_PH = np.zeros_like(anchor_PH)
    for weight_P, f_PH in zip(weight_GP[1:], forecasts, strict=True):
        apart_PH += weight_P[:, None] * (f_PH - anchor_PH)
    return anchor_PH + apart_PH
