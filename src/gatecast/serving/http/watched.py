"""The outermost layer: every request gets an id, a line in the log, its place in the counts, and at worst a problem."""

from __future__ import annotations

import itertools
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatecast.serving.http.counts import Counts
from gatecast.serving.http.logs import LOG
from gatecast.serving.problems import Problem, response

__all__ = ["Watched"]

START, NUMBER = secrets.token_hex(4), itertools.count()  # of ids: this process, and its requests
GIVEN = re.compile(rb"[\w.-]{1,64}")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Watched:
    """ASGI: ids, logs, counts, and headers that no answer goes without."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        request_id = scope["request_id"] = _id_of(scope)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode()), *HEADERS]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Problem as problem:
            await response(problem, request_id)(scope, receive, sending)
        except Exception:
            LOG.exception("a request failed", extra={"facts": {"request": request_id}})
            if not status:
                failed = Problem(500, "Something went wrong here; the log says where.")
                await response(failed, request_id)(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - began, request_id)

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "") or "other"
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._counts.requests.labels(route, method, str(status)).inc()
        self._counts.seconds.labels(route).observe(seconds)
        facts = {
            "request": request_id,
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "token": scope.get("token_name", ""),
        }
        LOG.info("request", extra={"facts": facts})


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _id_of(scope: Scope) -> str:
    """The id that the client or a proxy gives, if it is a plain word; else a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if GIVEN.fullmatch(given) else f"{START}{next(NUMBER):08x}"
