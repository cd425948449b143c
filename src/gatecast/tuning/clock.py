"""Time and Ctrl-C: how long a search may take, so that there is time left to find out what it was worth."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

__all__ = ["Clock", "Stops"]

LEAST = 1.0  # second; a training with less is no training
MOST_RESERVED = 0.5  # of the limit: what the search has found is worth little, but a search that found nothing is too


@dataclass
class Clock:
    """A limit, counted from now on.

    Args:
        limit: seconds; None = none.
    """

    limit: float | None
    started: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the limit; infinity where there is none."""
        return math.inf if self.limit is None else max(self.limit - self.spent, 0.0)

    def before(self, reserve: float) -> float:
        """Seconds left if that many are kept back for what comes after; not more than half of the limit are."""
        return math.inf if self.limit is None else self.left - min(reserve, self.limit * MOST_RESERVED)

    def share(self, part: float) -> float | None:
        """A part of what is left, as the time limit of a Forecaster."""
        return None if self.limit is None else max(self.left * part, LEAST)


@dataclass
class Stops:
    """Counts Ctrl-C: the first one ends what is being done, the second one everything."""

    count: int = 0

    def note(self) -> None:
        """Take one in. Raises KeyboardInterrupt at the second one."""
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
