"""Quantile levels."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["central_pairs", "middle"]


def middle(levels: Sequence[float]) -> int:
    """Position of the level nearest to the median, the first of two that are as near: the point forecast.

    >>> middle((0.1, 0.5, 0.9)), middle((0.2, 0.4, 0.7, 0.9)), middle((0.9,))
    (1, 1, 0)
    """
    return min(range(len(levels)), key=lambda q: abs(levels[q] - 0.5))


def central_pairs(levels: Sequence[float]) -> list[tuple[int, int]]:
    """Positions of the two levels that bound each central interval, the widest first; levels ascend.

    >>> central_pairs((0.025, 0.1, 0.5, 0.9, 0.975)), central_pairs((0.1, 0.5, 0.8))
    ([(0, 4), (1, 3)], [])
    """
    mirrored = [(q, len(levels) - 1 - q) for q in range(len(levels) // 2)]
    return [(low, high) for low, high in mirrored if abs(levels[low] + levels[high] - 1) < 1e-9]
