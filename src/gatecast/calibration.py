"""Calibration: quantiles corrected by what happened on the validation tail.

Split conformal prediction (Vovk et al. 2005; Romano et al. 2019 for quantiles). Errors are measured in output units, so
that calm and wild series share them. A head with quantiles of its own keeps its shape and is stretched; a point head
gets the quantiles of its errors, step by step where there are enough of them. The median is never moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Calibration"]

ENOUGH_PER_STEP = 40


@dataclass(frozen=True)
class Calibration:
    """How raw quantiles become calibrated ones.

    Args:
        quantiles: the Q levels given out; 0.5 alone for a head with one output whose errors nobody measured.
        stretch_Q: factor on the distance from the median; used for heads with quantiles.
        offset_HCQ: added to a point forecast; used for heads with one output.
    """

    quantiles: tuple[float, ...]
    stretch_Q: np.ndarray | None = None
    offset_HCQ: np.ndarray | None = None

    @property
    def middle(self) -> int:
        """Position of the level nearest to the median."""
        return _middle(self.quantiles)

    def apply(self, output_BHCQ: np.ndarray) -> np.ndarray:
        """Outputs (B, H, C, Q or 1) -> (B, H, C, Q), never crossing."""
        if self.offset_HCQ is not None:
            return output_BHCQ + self.offset_HCQ
        if self.stretch_Q is None:
            return output_BHCQ
        middle_BHC1 = output_BHCQ[..., [_middle(self.quantiles)]]
        stretched = middle_BHC1 + self.stretch_Q.astype(output_BHCQ.dtype) * (output_BHCQ - middle_BHC1)
        return np.sort(stretched, axis=-1)

    @classmethod
    def fit(cls, quantiles: tuple[float, ...], output_MHCQ: np.ndarray, truth_MHC: np.ndarray) -> Calibration:
        """From outputs (M, H, C, Q or 1) and scaled truths (M, H, C; NaN = unknown) of the validation windows."""
        if not np.isfinite(truth_MHC).any():
            return cls(quantiles if output_MHCQ.shape[-1] == len(quantiles) else (0.5,))
        if output_MHCQ.shape[-1] == 1:
            return cls(quantiles, offset_HCQ=_offsets(quantiles, truth_MHC - output_MHCQ[..., 0]))
        middle_MHC = output_MHCQ[..., _middle(quantiles)]
        # windows that overlap tell the same story: one horizon of steps counts as one window
        trust = Trust.of(max(len(truth_MHC) / truth_MHC.shape[1], 1))
        stretch = [
            trust.applied(_stretch(level, output_MHCQ[..., q] - middle_MHC, truth_MHC - middle_MHC))
            for q, level in enumerate(quantiles)
        ]
        return cls(quantiles, stretch_Q=np.array(stretch))


@dataclass(frozen=True)
class Trust:
    """How far a measured stretch is believed: a few windows may widen the quantiles, but hardly narrow them."""

    widen: float
    narrow: float

    @classmethod
    def of(cls, windows: float) -> Trust:
        """Trust in the number of independent windows."""
        return cls(1.0, windows / (windows + 50))

    def applied(self, stretch: float) -> float:
        """The stretch to use."""
        return float(stretch ** (self.widen if stretch > 1 else self.narrow))


def _middle(quantiles: tuple[float, ...]) -> int:
    return min(range(len(quantiles)), key=lambda q: abs(quantiles[q] - 0.5))


def _stretch(level: float, width_MHC: np.ndarray, error_MHC: np.ndarray) -> float:
    """The factor at which a share ``level`` of the truths lies below the quantile; 1 for the middle one."""
    known = np.isfinite(error_MHC) & (np.abs(width_MHC) > 1e-12)
    if not known.any():
        return 1.0
    ratio = error_MHC[known] / width_MHC[known]
    inside = level if level > 0.5 else 1 - level
    # the correction for a finite sample: (n + 1) / n more than the level asks for
    corrected = min(inside * (1 + 1 / len(ratio)), 1.0)
    return float(np.clip(np.quantile(ratio, corrected), 0.2, 5.0))


def _offsets(quantiles: tuple[float, ...], error_MHC: np.ndarray) -> np.ndarray:
    """(H, C, Q) quantiles of the errors, per step where there are enough, else over all steps; 0 for the middle."""
    horizon, targets = error_MHC.shape[1:]
    per_step = np.isfinite(error_MHC).sum(axis=0).min() >= ENOUGH_PER_STEP
    pooled = (
        error_MHC
        if per_step
        else np.broadcast_to(error_MHC.reshape(-1, 1, targets), (error_MHC.shape[0] * horizon, horizon, targets))
    )
    offset_QHC = np.nanquantile(pooled, quantiles, axis=0)
    offset_HCQ: np.ndarray = np.moveaxis(offset_QHC, 0, -1)
    offset_HCQ[..., _middle(quantiles)] = 0
    return np.sort(offset_HCQ, axis=-1).astype(np.float32)
