"""``/v1/look`` and ``/v1/evaluate``: what an uploaded table holds, and how a model does on it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response, UploadFile

from gatecast.serving.jobs.process import FailedError, Order
from gatecast.serving.jobs.requests import ReadOptions
from gatecast.serving.models.catalogue import NAME
from gatecast.serving.problems import Problem, documented
from gatecast.serving.routes.answers import json_response
from gatecast.serving.routes.bodies import given_as_json, uploaded
from gatecast.serving.routes.service import Service, Serving
from gatecast.serving.routes.shapes import EvaluateAnswer, LookAnswer

__all__ = ["router"]

router = APIRouter(tags=["tables"])
ERRORS = documented(400, 401, 403, 408, 413, 415, 422, 429, 500, 503, 504)
Read = Annotated[
    str,
    Form(max_length=100_000, description="How it is read: ReadOptions as JSON.", examples=['{"target": ["units"]}']),
]


@router.post("/v1/look", responses={200: {"model": LookAnswer}, **ERRORS})
async def look(
    service: Serving,
    file: UploadFile,
    read: Read = "{}",
    horizon: Annotated[
        int | None, Form(ge=1, le=100_000, description="Steps of which the rows to come are told.")
    ] = None,
) -> Response:
    """What is read of a table: columns and roles, series, dates, frequency, and what is wrong, with its rows.

    A table that cannot be read gets an answer too: ``problem`` says why, and which options may help.
    """
    options = given_as_json(read, ReadOptions, "read")
    async with uploaded(file, service.limits) as (folder, name, shown):
        asked = {"read": options.model_dump(), "horizon": horizon}
        return json_response(await _read(service, "look", folder, name, shown, asked))


@router.post("/v1/evaluate", responses={200: {"model": EvaluateAnswer}, **documented(404), **ERRORS})
async def evaluate(
    service: Serving,
    file: UploadFile,
    model: Annotated[str, Form(pattern=rf"^{NAME}$", max_length=64)],
    read: Read = "{}",
    origins: Annotated[int, Form(ge=1, le=1000, description="Rolling origins per series.")] = 1,
    stride: Annotated[int | None, Form(ge=1, le=100_000, description="Steps between two of them.")] = None,
    season: Annotated[int | None, Form(ge=1, le=100_000)] = None,
) -> Response:
    """Score a model, as it is, on a table that it has not seen, beside the naive forecasts."""
    service.desk.catalogue.row(model)
    options = given_as_json(read, ReadOptions, "read")
    content = await asyncio.to_thread(service.store.models.content, model)
    asked = {"read": options.model_dump(), "origins": origins, "stride": stride, "season": season}
    async with uploaded(file, service.limits) as (folder, name, shown):
        await asyncio.to_thread((folder / "model").write_bytes, content or b"")
        return json_response(await _read(service, "evaluate", folder, name, shown, asked))


async def _read(
    service: Service, kind: str, folder: Path, name: str, shown: str, asked: dict[str, Any]
) -> dict[str, Any]:
    """What the reading process says. Raises Problem where it comes to nothing."""
    limits = service.limits
    order = Order(kind, folder, name, shown, asked, limits.unpacked, limits.table_rows)
    try:
        made = await service.tables.run(lambda: service.reader.run(order, limits.seconds, lambda *_: None))
    except FailedError as failed:
        found = failed.problem
        raise Problem(
            found["status"],
            found["detail"],
            where="file",
            remedy=found.get("remedy", ""),
            remedies=found.get("remedies", []),
        ) from None
    result: dict[str, Any] = made["result"]
    return result
