"""Naive2: the M4 competition's benchmark, to which OWA compares.

Source: Makridakis, Spiliotis & Assimakopoulos (2020) and the competition's reference code in R. A series that passes
a 90 % test of its autocorrelation at lag m is divided by the factors of a classical multiplicative decomposition, its
last adjusted value is repeated, and the factors are put back. Any other series is repeated as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatecast.statistical.naive import checked, naive

__all__ = ["naive2"]

Floats = NDArray[np.float64]

_Z_90_PERCENT = 1.645


def naive2(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int = 1,
    *,
    category_R: ArrayLike | None = None,
) -> Floats:
    """Forecast with M4's Naive2; the signature is that of every baseline.

    A history with missing values, for which the method is not defined, is repeated like one without a season.
    Histories of equal length are worked on together.

    Returns:
        (B, H, C) float64.
    """
    x_RC, first, origin = checked(values_RC, first_B, origin_B, horizon, season)
    forecast_BHC = naive(values_RC, first_B, origin_B, horizon)
    length_B = origin - first + 1
    for length in np.unique(length_B[length_B >= max(3 * season, 3)]):
        # R's acf() ends at lag 10 log10(n); the reference code then answers "not seasonal".
        if season == 1 or season > int(10 * np.log10(length)):
            continue
        group = np.flatnonzero(length_B == length)
        history_GCT = np.ascontiguousarray(np.moveaxis(x_RC[first[group][:, None] + np.arange(length)], 1, -1))
        adjusted_GCH = _seasonal_forecast(history_GCT, horizon, season)
        use = np.isfinite(adjusted_GCH).all(axis=-1) & _is_seasonal(history_GCT, season)
        forecast_BHC[group] = np.where(use[:, None, :], np.moveaxis(adjusted_GCH, -1, 1), forecast_BHC[group])
    return forecast_BHC


def _is_seasonal(x: Floats, m: int) -> NDArray[np.bool_]:
    """M4's test on histories (..., T): |r_m| > 1.645 sqrt((1 + 2 sum_(i<m) r_i^2) / T)."""
    length = x.shape[-1]
    deviation = x - x.mean(axis=-1, keepdims=True)
    variance = (deviation**2).sum(axis=-1)
    products = [(deviation[..., lag:] * deviation[..., :-lag]).sum(axis=-1) for lag in range(1, m + 1)]
    flat = ~(variance > 0)  # constant, or with missing values: no autocorrelation
    r = np.stack(products, axis=-1) / np.where(flat, 1.0, variance)[..., None]
    limit = _Z_90_PERCENT * np.sqrt((1 + 2 * (r[..., :-1] ** 2).sum(axis=-1)) / length)
    return np.asarray(~flat & (np.abs(r[..., -1]) > limit))


def _seasonal_forecast(x: Floats, horizon: int, m: int) -> Floats:
    """Repeat the last adjusted value of histories (..., T), with the season put back: (..., H)."""
    length = x.shape[-1]
    with np.errstate(
        divide="ignore", invalid="ignore", over="ignore"
    ):  # a zero trend or factor: the caller asks isfinite
        factors = _seasonal_factors(x, m)
        level = x[..., -1:] / factors[..., [(length - 1) % m]]
        return np.asarray(level * factors[..., (length + np.arange(horizon)) % m])


def _seasonal_factors(x: Floats, m: int) -> Floats:
    """Mean ratio to a centred moving average at each of the m positions, scaled to mean 1: (..., m)."""
    length, half = x.shape[-1], m // 2
    taps = np.r_[0.5, np.ones(m - 1), 0.5] / m if m % 2 == 0 else np.ones(m) / m
    inner = length - len(taps) + 1
    trend = np.zeros((*x.shape[:-1], inner))
    for offset, tap in enumerate(taps):
        trend += tap * x[..., offset : offset + inner]
    ratio = x[..., half : half + inner] / trend
    # Position i holds the ratios of t = i, i + m, ...; at least 3 seasons make sure that none is empty.
    factors = np.stack([ratio[..., (i - half) % m :: m].mean(axis=-1) for i in range(m)], axis=-1)
    return np.asarray(factors / factors.mean(axis=-1, keepdims=True))
