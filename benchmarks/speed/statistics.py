"""Turns, medians and ratios."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

__all__ = ["geometric_mean", "interleaved", "middle", "ratio"]

T = TypeVar("T")
PAUSE = 0.1  # seconds between two turns: idle threads of one contestant stop spinning before the next one is timed


def interleaved(
    contestants: Mapping[str, Callable[[], T]], repeats: int, *, pause: float = PAUSE
) -> dict[str, list[T]]:
    """Let contestants take turns: each once per round, and each round begins with the next one.

    >>> interleaved({"a": lambda: 1, "b": lambda: 2}, 2, pause=0)
    {'a': [1, 1], 'b': [2, 2]}
    """
    results: dict[str, list[T]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(repeats):
        start = turn % max(len(names), 1)
        for name in names[start:] + names[:start]:
            time.sleep(pause)
            results[name].append(contestants[name]())
    return results


def middle(values: Sequence[float | None]) -> float | None:
    """The median of what is known; None where nothing is.

    >>> middle([3.0, None, 1.0]), middle([None])
    (2.0, None)
    """
    known = [value for value in values if value is not None]
    return median(known) if known else None


def ratio(theirs: float | None, ours: float | None) -> float | None:
    """How many times faster (or smaller) ours is; None where it cannot be said.

    >>> ratio(6.0, 2.0), ratio(None, 2.0), ratio(1.0, 0.0)
    (3.0, None, None)
    """
    if theirs is None or ours is None or not ours > 0:
        return None
    return theirs / ours


def geometric_mean(values: Sequence[float | None]) -> float | None:
    """The geometric mean; None where a value is missing, for a mean over fewer would look better or worse than it is.

    >>> geometric_mean([2.0, 8.0]), geometric_mean([2.0, None]), geometric_mean([])
    (4.0, None, None)
    """
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return math.exp(sum(map(math.log, known)) / len(known))
