"""Whether a period is there: Fisher's test on the periodogram, so that luck makes no season of noise.

Fisher (1929), "Tests of significance in harmonic analysis", asks whether the largest ordinate of a periodogram is
larger than those of white noise would be. Series are not white, so an ordinate is compared with those beside it, whose
mean is what a smooth spectrum of any colour has there. A period has to stand out at one harmonic at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

__all__ = ["stands_out"]

LEVEL = 0.02


def stands_out(series: Sequence[np.ndarray], period: int, level: float = LEVEL) -> bool:
    """Whether series have this period in common.

    Args:
        series: values (T,) of each, all finite; those of fewer than two periods play no part.
        period: steps, at least 2.
        level: chance to find one in noise, whatever the period.
    """
    usable = [values_T for values_T in series if len(values_T) >= 2 * period and np.ptp(values_T) > 0]
    if not usable:
        return False
    power_S2H = np.stack([_ordinates(values_T, period) for values_T in usable])
    own_H, beside_H = power_S2H.mean(0)
    ratio_H = np.divide(own_H, beside_H, out=np.zeros_like(own_H), where=beside_H > 0)
    steps = float(np.median([len(values_T) for values_T in usable]))
    beside = 2 * _reach(int(steps) // period) * len(usable)
    return bool((ratio_H > _largest_of_noise(len(usable), beside, 2 * level / steps)).any())


def _ordinates(values_T: np.ndarray, period: int) -> np.ndarray:
    """(2, H) the ordinates of a period and its harmonics, and the mean of those beside each; 1 on average in all."""
    first = len(values_T) // period  # whole periods: the harmonics are ordinates then, and nothing of them is beside
    rest_T = _without_line(values_T[len(values_T) - first * period :])
    power_K = np.abs(np.fft.rfft(rest_T)) ** 2
    power_K /= max(float(power_K.mean()), np.finfo(np.float64).tiny)
    places, reach = range(first, len(power_K), first), _reach(first)
    beside = [np.concatenate([power_K[max(k - reach, 1) : k], power_K[k + 1 : k + reach + 1]]).mean() for k in places]
    return np.stack([power_K[first::first], beside])


def _reach(first: int) -> int:
    """Ordinates on each side that one is compared with, from the first harmonic's place."""
    return max(2, first // 2)


def _without_line(values_T: np.ndarray) -> np.ndarray:
    step_T = np.arange(len(values_T)) - (len(values_T) - 1) / 2
    slope = float(step_T @ values_T) / float(step_T @ step_T)
    rest_T: np.ndarray = values_T - values_T.mean() - slope * step_T
    return rest_T


def _largest_of_noise(count: int, beside: int, chance: float) -> float:
    """What a mean of so many ordinates over one of ``beside`` others exceeds with this chance in noise.

    Ordinates are exponential numbers. The quantile of their mean (Wilson & Hilferty 1931) is stretched as that of
    F(2, 2 m) is beside the exponential's.
    """
    score = NormalDist().inv_cdf(1 - chance)
    known = (1 - 1 / (9 * count) + score / (3 * count**0.5)) ** 3
    wider = beside * (chance ** (-1 / beside) - 1) / -np.log(chance)
    return float(known * wider)
