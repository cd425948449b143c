"""Server-sent events: what happens, to all who listen. Whoever reads too slowly misses some, and holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from pydantic_core import to_json

from gatecast.serving.problems import busy

__all__ = ["Hub", "sent"]

HELD = 256  # events that wait for one listener
ALIVE = 15.0  # seconds between two signs of life


class Hub:
    """Topics with their listeners. ``publish`` may be called by any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[str, set[asyncio.Queue[dict[str, Any] | None]]] = {}

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the loop that listeners run on."""
        self._loop = loop

    @property
    def count(self) -> int:
        """Number of listeners."""
        return sum(map(len, self._listeners.values()))

    def publish(self, topic: str, event: dict[str, Any]) -> None:
        """Tell all listeners of a topic."""
        if self._loop is not None and topic in self._listeners and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, topic, event)

    def _spread(self, topic: str, event: dict[str, Any] | None) -> None:
        for listener in self._listeners.get(topic, ()):
            if listener.full():
                listener.get_nowait()
            listener.put_nowait(event)

    def close(self) -> None:
        """End all streams."""
        for topic in list(self._listeners):
            self._spread(topic, None)

    def listen(self, topic: str) -> asyncio.Queue[dict[str, Any] | None]:
        """A queue of what happens from now on. Raises Problem where too many listen."""
        if self.count >= self._most:
            raise busy(
                f"{self._most} streams are open.", 5, where="streams", limit=self._most, remedy="Close one of them."
            )
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(HELD)
        self._listeners.setdefault(topic, set()).add(queue)
        return queue

    def leave(self, topic: str, queue: asyncio.Queue[dict[str, Any] | None]) -> None:
        """Listen no longer."""
        self._listeners.get(topic, set()).discard(queue)
        if not self._listeners.get(topic):
            self._listeners.pop(topic, None)

    async def stream(
        self, topic: str, queue: asyncio.Queue[dict[str, Any] | None], first: list[dict[str, Any]]
    ) -> AsyncIterator[bytes]:
        """Events as bytes: those of ``first``, then what happens, until one is called "ended"."""
        try:
            for event in first:
                yield sent(event)
                if event["event"] == "ended":
                    return
            while True:
                try:
                    found = await asyncio.wait_for(queue.get(), ALIVE)
                except TimeoutError:
                    yield b": alive\n\n"
                    continue
                if found is None:
                    return
                yield sent(found)
                if found["event"] == "ended":
                    return
        finally:
            self.leave(topic, queue)


def sent(event: dict[str, Any]) -> bytes:
    r"""An event as it is sent.

    >>> sent({"event": "ended", "state": "done"})
    b'event: ended\ndata: {"state":"done"}\n\n'
    """
    data = {name: value for name, value in event.items() if name != "event"}
    return b"event: " + event["event"].encode() + b"\ndata: " + to_json(data, inf_nan_mode="null") + b"\n\n"
