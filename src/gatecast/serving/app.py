"""The service as an ASGI application: its layers, its endpoints, and their description."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from gatecast import __version__
from gatecast.errors import GatecastError
from gatecast.serving.http.direct import Direct
from gatecast.serving.http.gate import Gate
from gatecast.serving.http.logs import LOG
from gatecast.serving.http.tokens import scope_of
from gatecast.serving.http.watched import Watched
from gatecast.serving.jobs.requests import JobRequest, ReadOptions
from gatecast.serving.problems import Problem, ProblemBody, busy, of_error, of_validation, response
from gatecast.serving.routes import forecasts, jobs, models, page, series, standards, tables
from gatecast.serving.routes.service import Service
from gatecast.serving.routes.shapes import ForecastRequest, ObserveRequest

__all__ = ["application", "described"]

BODIES: tuple[type[BaseModel], ...] = (
    ForecastRequest,
    ObserveRequest,
    JobRequest,
    ReadOptions,
    standards.KServeRequest,
    standards.InvocationRequest,
    ProblemBody,
)
WRONG_METHOD = 405
ABOUT = """Forecasts of time series: of a history that comes along, or of series that a model follows row by row.

Errors are problem+json (RFC 9457): what is wrong, where, the limit, and what helps. Tokens are sent as
`Authorization: Bearer TOKEN`; each has scopes: read, write, train."""


def application(service: Service) -> Watched:
    """The application of a service. It starts with its lifespan, and ends the service with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.hub.bind(asyncio.get_running_loop())
        await asyncio.to_thread(service.start)
        yield
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="Gatecast",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.service = service
    for part in (forecasts, series, models, jobs, tables, standards, page):
        app.include_router(part.router)
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _unfitting)
    app.add_exception_handler(GatecastError, _refused)
    app.add_exception_handler(SQLAlchemyError, _away)
    app.add_exception_handler(Exception, _failed)
    app.openapi = lambda: described(app, service)  # type: ignore[method-assign]
    return Watched(Gate(Direct(app, service), service.tokens, service.limits), service.counts)


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == WRONG_METHOD:
            headers["Allow"] = _allowed(request.app.openapi(), request.scope["path"])
        error = Problem(
            error.status_code,
            f"{error.detail}.",
            where="path",
            headers=headers,
            remedy="The endpoints are listed in /openapi.json.",
        )
    return response(error, request.scope.get("request_id", ""))


def _allowed(description: dict[str, Any], path: str) -> str:
    """The methods of a path, those of all of its endpoints."""
    found = set[str]()
    for template, operations in description["paths"].items():
        pattern = re.sub(r"\\\{(\w+)\\\}", lambda name: ".+" if name[1] == "series" else "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            found |= {method.upper() for method in operations}
    return ", ".join(sorted(found)) or "GET"


async def _unfitting(request: Request, error: Exception) -> Response:
    return response(of_validation(error), request.scope.get("request_id", ""))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatecastError)
    return response(of_error(error), request.scope.get("request_id", ""))


async def _away(request: Request, error: Exception) -> Response:
    LOG.error("the store cannot be used", extra={"facts": {"error": type(error).__name__}})
    problem = busy("The store cannot be used now.", 2, where="store")
    return response(problem, request.scope.get("request_id", ""))


async def _failed(request: Request, _: Exception) -> Response:
    problem = Problem(500, "Something went wrong here; the log says where.")
    return response(problem, request.scope.get("request_id", ""))


def described(app: FastAPI, service: Service) -> dict[str, Any]:
    """The OpenAPI description, with the shapes of bodies that the endpoints read themselves, and the scopes."""
    if app.openapi_schema:
        return app.openapi_schema
    held = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    schemas = held["components"]["schemas"]
    pairs = [(one, "validation") for one in BODIES]
    _, found = models_json_schema(pairs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    schemas |= found["$defs"]
    schemas["Problem"] = schemas.pop("ProblemBody")
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    if len(service.tokens):
        held["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in held["paths"].items():
        for method, operation in operations.items():
            needed = scope_of(method.upper(), path)
            operation["x-scope"] = needed
            if needed is not None and len(service.tokens):
                operation["security"] = [{"token": []}]
    app.openapi_schema = held
    return held
