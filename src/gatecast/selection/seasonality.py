"""Seasonal periods: those that the calendar suggests, else the one that the data show."""

from __future__ import annotations

import numpy as np

from gatecast.data.panel import Panel

__all__ = ["autocorrelation", "seasonal_periods"]

SERIES_LOOKED_AT = 100
LONGEST_PERIOD = 400
WEEKS = {24: 168, 48: 336}  # what repeats every 24 or 48 steps is a day, most likely, and a week may repeat too


def seasonal_periods(panel: Panel, most: int = 3) -> tuple[int, ...]:
    """At most ``most`` periods to try, in steps: the calendar's; where it has none, the peak of the autocorrelation.

    A period counts only where half of the series (by length) hold at least two seasons of it.
    """
    limit = min(int(np.median(panel.length)) // 2, LONGEST_PERIOD)
    found = [m for m in panel.frequency.seasonal_periods if 1 < m <= limit]
    if not panel.frequency.seasonal_periods and (peak := _peak(panel, limit)) is not None:
        found = [peak] + [week for week in (WEEKS.get(peak),) if week is not None and week <= limit]
    return tuple(found[:most])


def _peak(panel: Panel, limit: int) -> int | None:
    """The period with the highest mean autocorrelation of the differenced series; None where none stands out."""
    longest = np.argsort(-panel.length, kind="stable")[:SERIES_LOOKED_AT]
    total, used = np.zeros(limit + 1), 0
    for n in longest:
        for target_T in panel.series(int(n)).T:
            step_T = np.diff(target_T[np.isfinite(target_T)].astype(np.float64))
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
    if mean[best] <= 0.2:
        return None
    # a multiple of a period peaks as well: take the shortest that is nearly as good
    best = int(next(p for p in peaks if mean[p] > 0.9 * mean[best]))
    return best if mean[best] > 0.2 else None


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
