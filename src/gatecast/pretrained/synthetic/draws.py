"""Draws of one parameter per series, as a column that broadcasts over the steps.

Shapes: B series, T steps, 1 = one number for a whole series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Flags",
    "Floats",
    "Seasons",
    "chance",
    "choice",
    "drifts",
    "hourly",
    "log_normal",
    "log_uniform",
    "normal",
    "uniform",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Seasons = tuple[int, ...]
"""Periods in steps, each at least 2."""


def chance(rng: np.random.Generator, count: int, probability: float) -> Flags:
    """(B, 1), true with this probability."""
    return rng.random((count, 1)) < probability


def choice(rng: np.random.Generator, count: int, weights: tuple[float, ...]) -> NDArray[np.int64]:
    """(B, 1) positions in the weights, each as likely as its weight; they sum to 1."""
    return np.searchsorted(np.cumsum(weights[:-1]), rng.random((count, 1)), side="right")


def uniform(rng: np.random.Generator, count: int, low: float, high: float) -> Floats:
    """(B, 1) in [low, high)."""
    return rng.uniform(low, high, (count, 1))


def log_uniform(rng: np.random.Generator, count: int, low: float, high: float) -> Floats:
    """(B, 1) in [low, high); every factor of ten is as likely as any other."""
    return np.asarray(np.exp(rng.uniform(np.log(low), np.log(high), (count, 1))))


def normal(rng: np.random.Generator, count: int, deviation: float = 1.0) -> Floats:
    """(B, 1) around 0."""
    return rng.normal(0.0, deviation, (count, 1))


def log_normal(rng: np.random.Generator, count: int, median: float, deviation: float) -> Floats:
    """(B, 1) above 0; the deviation is that of the logarithm."""
    return median * np.exp(rng.normal(0.0, deviation, (count, 1)))


def drifts(rng: np.random.Generator, count: int, steps: int, share: float = 0.67) -> Floats:
    """(B, 1) mean changes per step, in standard deviations of one step's noise; four fifths rise.

    A short series tends to be of long steps (years), and over k steps a drift adds up to k, noise to the root of k.

    Args:
        rng: draws.
        count: series, B.
        steps: T.
        share: of the series that have a drift.
    """
    size_B1 = np.abs(normal(rng, count, 0.35)) * log_normal(rng, count, 1.0, 0.8)
    size_B1 *= min(max((100.0 / steps) ** 0.5, 0.4), 2.0) * chance(rng, count, share)
    return np.where(chance(rng, count, 0.8), size_B1, -size_B1)


def hourly(seasons: Seasons) -> bool:
    """Whether the shortest cycle is a day of hours or half hours: from one to the next a level moves less.

    >>> hourly((24, 168)), hourly((12,)), hourly(())
    (True, False, False)
    """
    return 24 <= min(seasons, default=1) <= 48
