"""Connections whose request heads are neither too slow nor too large: the server below leaves both without an end."""

from __future__ import annotations

import asyncio

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gatecast.serving.problems import MEDIA_TYPE, Problem

__all__ = ["protocol"]

MOST = 64 * 1024  # bytes of a head
DETAILS = {True: "The head of the request is too large.", False: "This is no request of HTTP."}


class _Heads(HttpToolsProtocol):
    """A connection that is closed where the head of a request does not come to its end."""

    seconds = 30.0
    _timer: asyncio.TimerHandle | None = None
    _bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        self._end()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._timer is not None:
            self._bytes += len(data)
            if self._bytes > MOST + len(data):  # of which this piece may be a body's
                self.send_400_response("")
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong as every other answer does, and close."""
        problem = Problem(400, DETAILS[not msg], where="head", remedy="Send HTTP/1.1.", limit=None if msg else MOST)
        body = to_json(problem.body())
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _begin(self) -> None:
        self._end()
        self._bytes = 0
        self._timer = self.loop.call_later(self.seconds, self._late)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        self.transport.close()


def protocol(seconds: float) -> type[HttpToolsProtocol]:
    """The protocol of connections whose heads may take so many seconds."""
    return type("Heads", (_Heads,), {"seconds": seconds})
