"""Seasonal periods: those that the calendar suggests, else the one that the data show."""

from __future__ import annotations

import numpy as np

from gatecast.data.panel import Panel
from gatecast.planning.defaults import DEFAULTS, Defaults, SeasonDefaults
from gatecast.planning.periodogram import stands_out

__all__ = ["autocorrelation", "seasonal_periods"]


def seasonal_periods(panel: Panel, defaults: Defaults = DEFAULTS) -> tuple[int, ...]:
    """The periods to try, in steps: the calendar's; where it has none, the peak of the autocorrelation.

    A period counts only where half of the series (by length) hold at least two seasons of it.
    """
    season = defaults.season
    limit = min(int(np.median(panel.length)) // season.seasons, season.longest)
    found = [m for m in panel.frequency.seasonal_periods if 1 < m <= limit]
    if not panel.frequency.seasonal_periods and (peak := _peak(panel, limit, season)) is not None:
        found = [peak] + [week for week in (dict(season.weeks).get(peak),) if week is not None and week <= limit]
    return tuple(found)


def _peak(panel: Panel, limit: int, season: SeasonDefaults) -> int | None:
    """The period with the highest mean autocorrelation of the differenced series; None where none stands out."""
    longest = np.argsort(-panel.length, kind="stable")[: season.series]
    targets = [target_T for n in longest for target_T in panel.target_RC[panel.rows(int(n))].T]
    observed = [target_T[np.isfinite(target_T)].astype(np.float64) for target_T in targets]
    total, used = np.zeros(limit + 1), 0
    for target_T in observed:
        step_T = np.diff(target_T)
        if len(step_T) > limit and step_T.std() > 0:
            total += autocorrelation(step_T, limit)
            used += 1
    if not used or limit < 3:
        return None
    mean = total / used
    peaks = np.flatnonzero((mean[2:-1] > mean[1:-2]) & (mean[2:-1] >= mean[3:])) + 2
    if not len(peaks):
        return None
    best = int(peaks[np.argmax(mean[peaks])])
    if mean[best] <= season.peak:
        return None
    # a multiple of a period peaks as well: take the shortest that is nearly as good
    best = int(next(p for p in peaks if mean[p] > season.nearly * mean[best]))
    return best if mean[best] > season.peak and stands_out(observed, best) else None


def autocorrelation(values_T: np.ndarray, lags: int) -> np.ndarray:
    """(lags + 1,) autocorrelations at lag 0, 1, ... through the Fourier transform.

    >>> autocorrelation(np.array([1.0, -1.0] * 50), 2).round(2)
    array([ 1.  , -0.99,  0.98])
    """
    centred_T = values_T - values_T.mean()
    size = 1 << int(2 * len(centred_T) - 1).bit_length()
    power = np.abs(np.fft.rfft(centred_T, size)) ** 2
    covariance: np.ndarray = np.fft.irfft(power, size)[: lags + 1]
    return covariance / covariance[0]
