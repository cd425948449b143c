"""How many windows stand for all of them where a training looks at some."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Samples"]


@dataclass(frozen=True)
class Samples:
    """Numbers of windows, evenly spaced over all.

    Args:
        start: Windows of a regression that a training begins with, or that ranks candidates; more only cost time.
        check: Windows that regressions, epochs, candidates and intervals are checked on.
    """

    start: int = 3000
    check: int = 2048
