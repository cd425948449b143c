"""Quantile levels."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["middle"]


def middle(levels: Sequence[float]) -> int:
    """Position of the level nearest to the median, the first of two that are as near: the point forecast.

    >>> middle((0.1, 0.5, 0.9)), middle((0.2, 0.4, 0.7, 0.9)), middle((0.9,))
    (1, 1, 0)
    """
    return min(range(len(levels)), key=lambda q: abs(levels[q] - 0.5))
