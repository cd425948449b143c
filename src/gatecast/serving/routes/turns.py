"""Slow work of requests on other threads: a few at a time, so that what is quick never waits for a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gatecast.serving.problems import busy

__all__ = ["Turns"]

Made = TypeVar("Made")


class Turns:
    """Work of one kind.

    Args:
        at_once: how much of it runs at a time.
        most: how much may wait; more is refused.
        what: it is, for the one who is refused.
    """

    def __init__(self, at_once: int, most: int, what: str) -> None:
        self._free, self._most, self._what = asyncio.Semaphore(at_once), most, what
        self._waiting = 0

    async def run(self, work: Callable[[], Made]) -> Made:
        """The outcome of the work, when it was its turn. Raises Problem where too much waits."""
        if self._waiting >= self._most:
            raise busy(f"{self._most:,} {self._what} wait already.", 5, where="queue", limit=self._most)
        self._waiting += 1
        try:
            async with self._free:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
