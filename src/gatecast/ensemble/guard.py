"""What keeps a blend plausible: a trained network that leaves the pretrained gate far behind is pulled back to it.

A network learns from one set of data, and now and then it goes astray in a series that is unlike the others, or too
short: a logarithm that grows without end, a season that is none. The gate has seen more kinds of series than any data
set holds, and its intervals are calibrated. Where the median of a network is more than ``FAR`` times as far from the
gate's as the gate's 95 % interval reaches, at any step, the gate's median takes its place in this series. The network's
interval moves along and keeps its width, ``WIDEST`` times the gate's at most: that the two disagree so much says that
the future is less certain than the gate believes.

Where there are covariates that change with time nothing is pulled back, for the gate reads none: it cannot tell a
holiday from an error.

On spans inside the training parts of M3 this moves 0.3 % of the networks' forecasts, on 38 single series of 30 to 3,000
steps 4.8 %; errors fall by 0.1 to 0.5 % and by 1.6 %, the worst ones most. On M4 weekly it moves 5.6 %: of the truths
there the gate's 95 % intervals hold 63 %, those that keep the network's width 98 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from gatecast.data.quantiles import middle

__all__ = ["FAR", "WIDEST", "Pull", "pull"]

FAR, WIDEST = 2.0, 10.0
_SCORE_95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Pull:
    """What brings the forecasts of an expert back to those of a guard.

    Args:
        astray_BC: the forecasts that are implausible beside the guard's; all others stay.
        own_BHC: medians of the expert.
        guard_BHC: medians of the guard.
        factor_BHC: what distances from the median are multiplied by, 1 at most.
    """

    astray_BC: np.ndarray
    own_BHC: np.ndarray
    guard_BHC: np.ndarray
    factor_BHC: np.ndarray

    def quantiles(self, values_BHCQ: np.ndarray) -> np.ndarray:
        """The expert's quantiles (B, H, C, Q), pulled back."""
        return self._moved(values_BHCQ, -1)

    def paths(self, values_BSHC: np.ndarray) -> np.ndarray:
        """The expert's sample paths (B, S, H, C), pulled back."""
        return self._moved(values_BSHC, 1)

    def _moved(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Values with one axis more than the medians, at ``axis``."""
        own, guard, factor = (np.expand_dims(part, axis) for part in (self.own_BHC, self.guard_BHC, self.factor_BHC))
        astray = np.expand_dims(self.astray_BC[:, None], axis)
        return np.where(astray, guard + factor * (values - own), values).astype(values.dtype)


def pull(values_BHCQ: np.ndarray, guard_BHCQ: np.ndarray, levels: tuple[float, ...]) -> Pull | None:
    """What brings forecasts back to a guard; None where none of them is implausible.

    None is where the guard says nothing (nan), or has no quantile but the median.

    Args:
        values_BHCQ: forecasts, nan = says nothing.
        guard_BHCQ: those of the guard.
        levels: of both.
    """
    place = middle(levels)
    if not levels[0] < levels[place] < levels[-1]:
        return None
    own_BHC, median_BHC = values_BHCQ[..., place], guard_BHCQ[..., place]
    reach_BHC = _reach(guard_BHCQ, levels)
    astray_BC: np.ndarray = (np.abs(own_BHC - median_BHC) > FAR * reach_BHC).any(axis=1)
    if not astray_BC.any():
        return None
    own_reach_BHC = _reach(values_BHCQ, levels)
    wide_BHC = own_reach_BHC > WIDEST * reach_BHC
    factor_BHC = np.where(wide_BHC, WIDEST * reach_BHC / np.where(wide_BHC, own_reach_BHC, 1), 1)
    return Pull(astray_BC, own_BHC, median_BHC, factor_BHC)


def _reach(values_BHCQ: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """(B, H, C) how far the wider half of the 95 % interval reaches from the median."""
    median_BHC = values_BHCQ[..., middle(levels)]
    low_BHC, high_BHC = (values_BHCQ[..., q] - median_BHC for q in (0, -1))
    return np.maximum(high_BHC * _wider(levels[-1]), -low_BHC * _wider(1 - levels[0]))


def _wider(level: float) -> float:
    """From the distance of a quantile to that of the 97.5 % one, as in a normal distribution."""
    return _SCORE_95 / NormalDist().inv_cdf(level)
