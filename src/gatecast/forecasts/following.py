"""Widths of intervals that follow what is observed: adaptive conformal intervals, the one step that all of them take.

Each quantile keeps its distance from the median times a factor. The factor grows while truths fall beyond the quantile
more often than its level allows, and shrinks otherwise. Source: Gibbs and Candès 2021, here with multiplicative steps
on the width instead of steps on the level, which stays finite when every truth lies outside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gatecast.data.quantiles import middle

__all__ = ["NARROWEST", "WIDEST", "Floats", "beyond", "followed", "widened"]

NARROWEST, WIDEST = 0.2, 5.0

Floats = NDArray[np.floating]


def beyond(truth: Floats, values_Q: Floats, levels: Sequence[float]) -> Floats:
    """(..., Q) 1 where a truth (...) lies beyond a quantile (..., Q), on its side of the median; NaN = missing.

    >>> beyond(np.array([9.0]), np.array([[0.0, 2.0, 5.0]]), (0.1, 0.5, 0.9)).tolist()
    [[0.0, 0.0, 1.0]]
    """
    level_Q, truth_1 = np.asarray(levels), truth[..., None]
    lies = np.where(level_Q > 0.5, truth_1 > values_Q, truth_1 < values_Q)
    return np.where(np.isfinite(truth_1), lies, np.nan)


def followed(factor: Floats, share: Floats, levels: Sequence[float], rate: float) -> Floats:
    """The factors (..., Q) after a share (..., Q) of truths lay beyond each quantile; NaN = none was known.

    Args:
        factor: as they were.
        share: 0 to 1.
        levels: the Q levels.
        rate: how fast their logarithm follows.
    """
    level_Q = np.asarray(levels)
    allowed_Q = np.minimum(level_Q, 1 - level_Q)
    moved = factor * np.exp(rate * (np.where(np.isnan(share), allowed_Q, share) - allowed_Q))
    result: Floats = np.clip(moved, NARROWEST, WIDEST)
    return result


def widened(values_Q: Floats, factor: Floats, levels: Sequence[float]) -> Floats:
    """Quantiles (..., Q) with every distance from the median times its factor (..., Q), in order again."""
    median_1 = values_Q[..., [middle(levels)]]
    result: Floats = np.sort(median_1 + factor.astype(values_Q.dtype) * (values_Q - median_1), axis=-1)
    return result
