"""How many windows stand for all of them where a training looks at some."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Samples"]


@dataclass(frozen=True)
class Samples:
    """Numbers of windows, evenly spaced over all.

    Args:
        start: Windows of the regression that a training begins with; more would only cost time.
        validation: Windows that an epoch is validated on.
    """

    start: int = 4096
    validation: int = 2048
