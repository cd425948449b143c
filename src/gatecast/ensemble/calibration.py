"""Calibration: quantiles corrected by what happened on held-out origins.

Split conformal prediction (Vovk et al. 2005; for quantiles Romano et al. 2019), made cautious. Errors are measured in
output units, so that calm and wild series share them. A head with quantiles of its own keeps its shape, and both its
sides are stretched by one factor per level; a point head gets the quantiles of its errors. The median is never moved.

How far a measured stretch is believed depends on how many independent spans of time it was seen in, not on how many
series or overlapping windows: series of one panel meet the same weather, holidays and crises. What is not believed is
filled up with what a training on so many windows needs on average (see ``expected_stretch``).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from gatecast.data.quantiles import middle
from gatecast.planning.blend_defaults import CalibrationDefaults
from gatecast.planning.defaults import DEFAULTS

__all__ = ["Calibration", "Evidence"]


@dataclass(frozen=True)
class Evidence:
    """What a calibration rests on.

    Args:
        spans: spans of one horizon, one after the other, that the held-out origins cover; 0 = none.
        windows: windows of one horizon, without overlap, that the networks were trained on, all series together.
        numbers: of the rules.
    """

    spans: float
    windows: float
    numbers: CalibrationDefaults = DEFAULTS.calibration

    @property
    def weight(self) -> float:
        """Weight of what was measured, 0..1."""
        return self.spans / (self.spans + self.numbers.half)

    @property
    def expected_stretch(self) -> float:
        """The stretch that a training on so few windows needs on average: what it fitted was partly noise."""
        return 1 + self.numbers.optimism / max(self.windows, self.numbers.fewest)

    def tail(self, level: float) -> float:
        """Quantile of Student's t over that of the normal distribution: few errors do not show how wild they can be.

        Expansion for many degrees of freedom: Abramowitz and Stegun 1964, 26.7.5.
        """
        if level == 0.5:
            return 1.0
        z, dof = NormalDist().inv_cdf(level), max(self.windows, self.numbers.fewest)
        return 1 + (z**2 + 1) / (4 * dof) + (5 * z**4 + 16 * z**2 + 3) / (96 * dof**2)


@dataclass(frozen=True)
class Calibration:
    """How raw quantiles become calibrated ones.

    Args:
        quantiles: the Q levels given out; 0.5 alone for a head with one output whose errors nobody measured.
        stretch_HQ: factor on the distance from the median; used for heads with quantiles.
        offset_HCQ: added to a point forecast; used for heads with one output.
    """

    quantiles: tuple[float, ...]
    stretch_HQ: np.ndarray | None = None
    offset_HCQ: np.ndarray | None = None

    @property
    def middle(self) -> int:
        """Position of the level nearest to the median."""
        return middle(self.quantiles)

    def apply(self, output_BHCQ: np.ndarray) -> np.ndarray:
        """Outputs (B, H, C, Q or 1) -> (B, H, C, Q), never crossing."""
        if self.offset_HCQ is not None:
            return output_BHCQ + self.offset_HCQ
        if self.stretch_HQ is None:
            return output_BHCQ
        middle_BHC = output_BHCQ[..., middle(self.quantiles)].copy()
        stretch_H1Q = self.stretch_HQ[:, None].astype(output_BHCQ.dtype)
        result_BHCQ, ordered, below = np.empty_like(output_BHCQ), True, None
        for q in range(output_BHCQ.shape[-1]):  # level by level: numpy is slow along an axis of a few levels
            level_BHC = output_BHCQ[..., q] - middle_BHC
            level_BHC *= stretch_H1Q[..., q]
            level_BHC += middle_BHC
            result_BHCQ[..., q] = level_BHC
            ordered = ordered and (below is None or bool((below <= level_BHC).all()))
            below = level_BHC
        return result_BHCQ if ordered else np.sort(result_BHCQ, axis=-1)

    @classmethod
    def fit(
        cls,
        quantiles: tuple[float, ...],
        output_MHCQ: np.ndarray,
        truth_MHC: np.ndarray,
        evidence: Evidence,
        *,
        point: bool = False,
    ) -> Calibration:
        """From outputs (M, H, C, Q or 1) and scaled truths (M, H, C; NaN = unknown) of held-out windows.

        ``point`` says that the head gives one forecast and no quantiles of its own. Without any known truth a head with
        quantiles gets what is to be expected, a point head its forecast alone.
        """
        known = bool(np.isfinite(truth_MHC).any())
        if point:
            offset = _offsets(quantiles, truth_MHC - output_MHCQ[..., 0], evidence) if known else None
            return cls(quantiles if known else (0.5,), offset_HCQ=offset)
        horizon = truth_MHC.shape[1]
        stretch_HQ = np.ones((horizon, len(quantiles)))
        for q, level in enumerate(quantiles):
            if q == middle(quantiles):
                continue
            weight = evidence.weight if known else 0.0
            measured = _quantile(*_ratios(quantiles, q, output_MHCQ, truth_MHC), evidence.numbers) if known else 1.0
            expected = evidence.expected_stretch ** (1 - weight)
            stretch_HQ[:, q] = measured**weight * expected * evidence.tail(level)
        return cls(quantiles, stretch_HQ=stretch_HQ)


def _ratios(
    quantiles: tuple[float, ...], q: int, output_MHCQ: np.ndarray, truth_MHC: np.ndarray
) -> tuple[np.ndarray, float]:
    """(M, H, C) error over the quantile's distance from the median, and the share of them that should be below 1.

    A level with a counterpart beyond the median is measured on both sides together: what came out above one time comes
    out below the next, and half the noise is left. NaN where the truth is not known or there is no distance.
    """
    at = middle(quantiles)
    error_MHC = truth_MHC - output_MHCQ[..., at]
    width_MHC = output_MHCQ[..., q] - output_MHCQ[..., at]
    other = [p for p in range(len(quantiles)) if abs(quantiles[p] + quantiles[q] - 1) < 1e-9]
    inside = max(quantiles[q], 1 - quantiles[q])
    if other:
        across_MHC = output_MHCQ[..., other[0]] - output_MHCQ[..., at]
        width_MHC = np.where(error_MHC * width_MHC >= 0, width_MHC, across_MHC)
        inside = 2 * inside - 1
    usable = np.isfinite(error_MHC) & (np.abs(width_MHC) > 1e-12)
    return np.where(usable, error_MHC / np.where(usable, width_MHC, 1), np.nan), inside


def _quantile(ratio: np.ndarray, inside: float, numbers: CalibrationDefaults) -> float:
    """The ratio below which a share lies, with the correction for a finite sample: (n + 1) / n more; 1 for none."""
    known = ratio[np.isfinite(ratio)]
    if not len(known):
        return 1.0
    stretch = np.quantile(known, min(inside * (1 + 1 / len(known)), 1.0))
    return float(np.clip(stretch, 1 / numbers.most, numbers.most))


def _offsets(quantiles: tuple[float, ...], error_MHC: np.ndarray, evidence: Evidence) -> np.ndarray:
    """(H, C, Q) quantiles of the errors, per step where there are enough, else over all steps; 0 for the middle."""
    horizon, targets = error_MHC.shape[1:]
    per_step = np.isfinite(error_MHC).sum(axis=0).min() >= evidence.numbers.per_step
    pooled = (
        error_MHC
        if per_step
        else np.broadcast_to(error_MHC.reshape(-1, 1, targets), (error_MHC.shape[0] * horizon, horizon, targets))
    )
    offset_HCQ: np.ndarray = np.moveaxis(np.nanquantile(pooled, quantiles, axis=0), 0, -1)
    offset_HCQ = offset_HCQ * np.array([evidence.tail(level) for level in quantiles])
    offset_HCQ[..., middle(quantiles)] = 0
    return np.sort(offset_HCQ, axis=-1).astype(np.float32)
