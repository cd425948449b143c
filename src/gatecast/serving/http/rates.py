"""Requests a second of each token: a bucket that fills at the rate, and holds ten seconds of it."""

from __future__ import annotations

import time

__all__ = ["Rates"]

BURST = 10.0  # seconds


class Rates:
    """Buckets by name.

    Args:
        rate: requests a second, on average.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._held: dict[str, tuple[float, float]] = {}

    def wait(self, name: str, now: float | None = None) -> float:
        """Seconds to wait before the next request; 0 = this one is taken.

        >>> rates = Rates(1)
        >>> [rates.wait("shop", now=0.0) for _ in range(11)][-2:], rates.wait("shop", now=1.0)
        ([0.0, 1.0], 0.0)
        """
        now = time.monotonic() if now is None else now
        most = BURST * self._rate
        held, before = self._held.get(name, (most, now))
        held = min(most, held + (now - before) * self._rate)
        if held < 1:
            self._held[name] = held, now
            return (1 - held) / self._rate
        self._held[name] = held - 1, now
        return 0.0
