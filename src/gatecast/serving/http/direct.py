"""A short way to the endpoint that is asked most: past the router, which takes as long as the forecast of a request.

The endpoint stays in the application as well, which describes it; both ways lead to the same function.
"""

from __future__ import annotations

from types import SimpleNamespace

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gatecast.errors import GatecastError
from gatecast.serving.problems import Problem, of_error, response
from gatecast.serving.routes.forecasts import answer_forecast
from gatecast.serving.routes.service import Service

__all__ = ["Direct"]

PATH = "/v1/forecast"
ROUTE = SimpleNamespace(path=PATH)


class Direct:
    """ASGI: ``POST /v1/forecast`` at once, everything else to the application."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = ROUTE
        request = Request(scope, receive)
        try:
            answer = await answer_forecast(
                request, self._service, request.query_params.get("model"), request.headers.get("accept", "")
            )
        except Problem as problem:
            answer = response(problem, scope["request_id"])
        except GatecastError as error:
            answer = response(of_error(error), scope["request_id"])
        await answer(scope, receive, send)
