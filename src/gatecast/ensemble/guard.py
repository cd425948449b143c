"""What keeps a blend plausible: a trained network that leaves the pretrained gate far behind is set aside.

A network learns from one set of data, and now and then it goes astray in a series that is unlike the others, or too
short: a logarithm that grows without end, a season that is none. The gate has seen more kinds of series than any data
set holds, and its intervals are calibrated. Where the median of a network is more than ``FAR`` times as far from the
gate's as the gate's 95 % interval reaches, at any step, the gate forecasts this series in its place.

Where there are covariates that change with time nobody is set aside, for the gate reads none: it cannot tell a holiday
from an error.

On spans inside the training parts of M3 this sets 0.3 % of the networks' forecasts aside, on 38 single series of 30 to
3,000 steps 4.8 %; errors fall by 0.1 to 0.5 % and by 1.6 %, the worst ones most.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from gatecast.data.quantiles import middle

__all__ = ["astray", "guarded"]

FAR = 2.0
_SCORE_95 = NormalDist().inv_cdf(0.975)


def astray(values_BHCQ: np.ndarray, guard_BHCQ: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """(B, C) whether the medians of some forecasts are implausible beside those of a guard.

    Nothing is where the guard says nothing (nan), or has no quantile but the median.

    Args:
        values_BHCQ: forecasts, nan = says nothing.
        guard_BHCQ: those of the guard.
        levels: of both.
    """
    place = middle(levels)
    median_BHC = guard_BHCQ[..., place]
    low_BHC, high_BHC = (guard_BHCQ[..., q] - median_BHC for q in (0, -1))
    if not levels[0] < levels[place] < levels[-1]:
        return np.zeros((values_BHCQ.shape[0], values_BHCQ.shape[2]), np.bool_)
    reach_BHC = FAR * np.maximum(high_BHC * _wider(levels[-1]), -low_BHC * _wider(1 - levels[0]))
    far: np.ndarray = (np.abs(values_BHCQ[..., place] - median_BHC) > reach_BHC).any(axis=1)
    return far


def guarded(
    values: Sequence[np.ndarray], guard: int | None, aside_BEC: np.ndarray, targets_axis: int
) -> list[np.ndarray]:
    """The arrays (B, ..., C, ...) of E experts, with the guard's in place of those that are set aside.

    Args:
        values: of each expert, all of one shape.
        guard: place of the guard; None = there is none.
        aside_BEC: which are set aside.
        targets_axis: the axis C of the arrays.
    """
    if guard is None:
        return list(values)
    others = tuple(axis for axis in range(1, values[0].ndim) if axis != targets_axis)
    asides = (np.expand_dims(aside_BEC[:, e], others) for e in range(len(values)))
    return [
        np.where(aside, values[guard].astype(array.dtype), array) if aside.any() else array
        for aside, array in zip(asides, values, strict=True)
    ]


def _wider(level: float) -> float:
    """From the distance of a quantile to that of the 97.5 % one, as in a normal distribution."""
    return _SCORE_95 / NormalDist().inv_cdf(level)
