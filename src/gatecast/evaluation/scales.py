"""Scales of MASE and RMSSE: the error of the seasonal naive forecast inside the training part of a series."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatecast.errors import InputError

__all__ = ["mase_scale", "rmsse_scale"]

Floats = NDArray[np.float64]


def mase_scale(values_RC: ArrayLike, first: ArrayLike, length: ArrayLike, m: int) -> Floats:
    """Mean of ``|x_t - x_(t-m)|`` over the training part of each series (Hyndman & Koehler 2006).

    Args:
        values_RC: (R, C) flat buffer, all series below each other; NaN = missing, pairs with one are left out.
        first: (N,) first training row of each series. Ranges may overlap, so one per origin works as well.
        length: (N,) number of training rows of each.
        m: seasonality in steps, 1 for none.

    Returns:
        (N, C); nan where no pair is m steps apart, 0 where the series repeats itself (MASE is undefined then).

    Raises:
        InputError: m is below 1, or a range leaves the buffer.

    >>> mase_scale([[1.0], [3.0], [2.0], [7.0], [7.0]], first=[0, 3], length=[3, 2], m=1).tolist()
    [[1.5], [0.0]]
    """
    return _mean_difference(values_RC, first, length, m, power=1)


def rmsse_scale(values_RC: ArrayLike, first: ArrayLike, length: ArrayLike, m: int) -> Floats:
    """Root of the mean of ``(x_t - x_(t-m))^2``; the rest is as in ``mase_scale`` (Makridakis et al. 2022, M5)."""
    return np.asarray(np.sqrt(_mean_difference(values_RC, first, length, m, power=2)))


def _mean_difference(values_RC: ArrayLike, first: ArrayLike, length: ArrayLike, m: int, power: int) -> Floats:
    x_RC = np.asarray(values_RC)
    start_N = np.asarray(first, dtype=np.int64)
    stop_N = start_N + np.asarray(length, dtype=np.int64)
    if m < 1:
        raise InputError(f"the seasonality m is {m}; it must be at least 1.")
    if len(start_N) and (start_N.min() < 0 or stop_N.max() > len(x_RC)):
        raise InputError(f"a training range ends at row {stop_N.max():,}; the buffer has {len(x_RC):,} rows.")
    # Row r of the differences belongs to the pair (r, r + m), so a series of T rows has its first T - m of them.
    difference_RC = np.zeros((len(x_RC) + 1, x_RC.shape[1]))
    if len(x_RC) > m:
        difference_RC[: len(x_RC) - m] = np.abs(x_RC[m:].astype(np.float64) - x_RC[:-m]) ** power
    known_RC = ~np.isnan(difference_RC)
    total = _range_sums(np.where(known_RC, difference_RC, 0.0), start_N, stop_N - m)
    pairs = _range_sums(known_RC.astype(np.float64), start_N, stop_N - m)
    mean = np.full(total.shape, np.nan)
    np.divide(total, pairs, out=mean, where=pairs > 0)
    return mean


def _range_sums(values_RC: Floats, start_N: NDArray[np.int64], stop_N: NDArray[np.int64]) -> Floats:
    """Sum the rows start..stop-1 of each range, (N, C); each range on its own, so one cannot blur another's digits."""
    bounds = np.stack([start_N, np.maximum(stop_N, start_N)], axis=1).ravel()
    if not len(bounds):
        return np.zeros((0, values_RC.shape[1]))
    sums = np.add.reduceat(values_RC, bounds, axis=0)[::2]
    sums[stop_N <= start_N] = 0.0  # reduceat gives an empty range its first row
    return np.asarray(sums)
