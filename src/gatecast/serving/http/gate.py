"""The gate: who asks, from where, how often, and how much. Nothing of a body is read before it is open."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatecast.serving.http.rates import Rates
from gatecast.serving.http.tokens import ALL, Token, Tokens, scope_of
from gatecast.serving.limits import Limits
from gatecast.serving.problems import Problem, busy, response

__all__ = ["Gate"]

UPLOADS = re.compile(r"/v1/(models|jobs|look|evaluate)(/.*)?")
LOOPBACK = re.compile(rb"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?", re.IGNORECASE)
FORM = 64 * 1024  # bytes of a form besides its file
ANYBODY = Token("", ALL)


class Gate:
    """ASGI: tokens, origins, rates, sizes and times of bodies.

    Args:
        app: what lies behind it.
        tokens: none = everybody on this machine.
        limits: of bodies and rates.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, limits: Limits) -> None:
        self._app, self._tokens, self._limits = app, tokens, limits
        self._rates = Rates(limits.rate)
        self._held = 0  # bytes of bodies that are being worked on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            headers = _headers(scope["headers"])
            self._require_own_page(headers)
            token = self._token(scope, headers)
            scope["token"], scope["token_name"] = token, token.name
            most = self._most(scope, headers)
        except Problem as problem:
            problem.headers = {**(problem.headers or {}), "Connection": "close"}
            await response(problem, scope.get("request_id", ""))(scope, receive, send)
            return
        body = _Bounded(receive, most, self._limits.body_seconds, self._take)
        try:
            await self._app(scope, body, send)
        finally:
            self._held -= body.size

    def _take(self, size: int) -> None:
        """Hold so many more bytes. Raises Problem where all bodies together are too large."""
        self._held += size
        if self._held > self._limits.in_flight:
            raise busy(
                f"The bodies of all requests together have more than {self._limits.in_flight:,} bytes.",
                2,
                where="body",
                limit=self._limits.in_flight,
                headers={"Connection": "close"},
            )

    def _require_own_page(self, headers: dict[bytes, bytes]) -> None:
        """A page of somewhere else may not use a browser on this machine to ask."""
        host, origin = headers.get(b"host", b""), headers.get(b"origin")
        if not len(self._tokens) and not LOOPBACK.fullmatch(host):
            raise Problem(
                403,
                "This service answers to localhost alone.",
                where="header Host",
                remedy="Ask http://127.0.0.1, or start it with --token-file.",
            )
        foreign = origin is not None and origin.split(b"://")[-1] != host
        if foreign or headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site"):
            raise Problem(
                403,
                "Pages of other servers may not ask here.",
                where="header Origin",
                remedy="Ask from a program, or from the page of this service.",
            )

    def _token(self, scope: Scope, headers: dict[bytes, bytes]) -> Token:
        """Who asks. Raises Problem for nobody, for what is not allowed, and for too often."""
        needed = scope_of(scope["method"], scope["path"])
        if not len(self._tokens) or needed is None:
            return ANYBODY
        kind, _, given = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        token = self._tokens.holder(given.strip()) if kind.lower() == "bearer" else None
        if token is None:
            raise Problem(
                401,
                "The token is missing, or is not known.",
                where="header Authorization",
                remedy="Send: Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )
        scope["token_name"] = token.name
        if needed not in token.scopes:
            raise Problem(
                403,
                f"This needs a token with the scope {needed}.",
                where="header Authorization",
                remedy=f"Use a token with {needed}.",
            )
        wait = self._rates.wait(token.name)
        if wait:
            raise Problem(
                429,
                f"This token has asked more than {self._limits.rate:,} times a second.",
                where="token",
                limit=self._limits.rate,
                remedy="Ask less often, or with more rows at a time.",
                headers={"Retry-After": str(max(1, round(wait)))},
            )
        return token

    def _most(self, scope: Scope, headers: dict[bytes, bytes]) -> int:
        """Bytes that the body may have. Raises Problem for one that says that it has more, or is compressed."""
        most = self._limits.upload + FORM if UPLOADS.fullmatch(scope["path"]) else self._limits.body
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Problem(
                415,
                "Compressed bodies are not read.",
                where="header Content-Encoding",
                remedy="Send the body as it is.",
            )
        told = headers.get(b"content-length", b"0")
        if told.isdigit() and int(told[:20]) > most:
            raise _too_large(most)
        return most


class _Bounded:
    """A body that is neither too large nor too slow."""

    def __init__(self, receive: Receive, most: int, seconds: int, take: Callable[[int], None]) -> None:
        self._receive, self._most, self._seconds, self._take = receive, most, seconds, take
        self._until = time.monotonic() + seconds
        self.size, self._whole = 0, False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(max(self._until - time.monotonic(), 0.0)):
                message = await self._receive()
        except TimeoutError:
            raise Problem(
                408,
                f"The body took more than {self._seconds} s to arrive.",
                where="body",
                limit=self._seconds,
                remedy="Send it faster, or in parts.",
                headers={"Connection": "close"},
            ) from None
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self.size += size
            self._whole = not message.get("more_body", False)
            self._take(size)
            if self.size > self._most:
                raise _too_large(self._most)
        return message


def _too_large(most: int) -> Problem:
    return Problem(
        413,
        f"The body has more than {most:,} bytes.",
        where="body",
        limit=most,
        remedy="Send fewer rows at a time, or raise the limit with --limit.",
        headers={"Connection": "close"},
    )


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; the first of several."""
    found: dict[bytes, bytes] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found
