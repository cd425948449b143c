"""``/v1/models``: what is there, and how a model gets in and out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Response, UploadFile

from gatecast.serving.models.catalogue import NAME
from gatecast.serving.models.served import Served
from gatecast.serving.problems import documented
from gatecast.serving.routes.answers import json_response
from gatecast.serving.routes.bodies import upload_bytes
from gatecast.serving.routes.service import Service, Serving
from gatecast.serving.routes.shapes import ModelAnswer, ModelList
from gatecast.serving.store.model_rows import ModelRow

__all__ = ["Named", "router"]

router = APIRouter(tags=["models"])
Named = Annotated[str, Path(pattern=rf"^{NAME}$", max_length=64, description="Name of a model.", examples=["airline"])]
ERRORS = documented(401, 403, 429, 500)


def _facts(row: ModelRow, served: Served | None) -> dict[str, Any]:
    about = {name: value for name, value in row.about.items() if name != "source"}
    levels = about["settings"]["quantiles"] if served is None else list(served.fitted.levels)
    return {
        "name": row.name,
        "created": row.created,
        "digest": row.digest,
        "horizon": about["horizon"],
        "targets": about["targets"],
        "levels": levels,
        "series": 0 if served is None else len(served.live),
        "about": about,
    }


async def _of(service: Service, name: str) -> dict[str, Any]:
    served = await service.desk.served(name)
    return _facts(service.desk.catalogue.row(name), served)


@router.get("/v1/models", responses={200: {"model": ModelList}, **ERRORS})
async def models(service: Serving) -> Response:
    """All models of the store."""
    catalogue = service.desk.catalogue
    return json_response({"models": [_facts(row, catalogue.loaded(row.name)) for row in catalogue.rows()]})


@router.get("/v1/models/{name}", responses={200: {"model": ModelAnswer}, **documented(404, 422, 503, 504), **ERRORS})
async def model(service: Serving, name: Named) -> Response:
    """One model: what ``gatecast info`` says of its file."""
    return json_response(await _of(service, name))


@router.post(
    "/v1/models",
    status_code=201,
    responses={201: {"model": ModelAnswer}, **documented(400, 408, 409, 413, 415, 422, 503, 504), **ERRORS},
)
async def add_model(
    service: Serving,
    file: UploadFile,
    name: Annotated[str, Form(pattern=rf"^{NAME}$", max_length=64, examples=["airline"])],
) -> Response:
    """Put a model file (of ``gatecast fit --save``, or of a live model) into the store, in place of one of this name.

    What is kept of the series that a model of this name follows goes over to the new one.
    """
    content = await upload_bytes(file, service.limits)
    await service.desk.change(lambda: service.desk.catalogue.put(name, content))
    return json_response(await _of(service, name), 201)


@router.delete("/v1/models/{name}", status_code=204, responses={**documented(404, 422, 503, 504), **ERRORS})
async def remove_model(service: Serving, name: Named) -> Response:
    """Drop a model with the rows that it follows."""
    await service.desk.change(lambda: service.desk.catalogue.remove(name))
    return Response(status_code=204)
