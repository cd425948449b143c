"""``/v1/series``: what the models follow, with newest forecast, errors and drift; and a stream of what is observed."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse

from gatecast.errors import CovariateError
from gatecast.serving.models.catalogue import NAME
from gatecast.serving.models.coming import coming_rows
from gatecast.serving.models.drift import drift_of
from gatecast.serving.models.forecasting import Ahead
from gatecast.serving.models.served import Served
from gatecast.serving.problems import Problem, documented
from gatecast.serving.routes.answers import forecast_facts_of, json_response
from gatecast.serving.routes.service import Service, Serving
from gatecast.serving.routes.shapes import SeriesAnswer, SeriesList
from gatecast.serving.store.observed_rows import Scored

__all__ = ["router"]

router = APIRouter(tags=["series"])
ERRORS = documented(401, 403, 404, 422, 429, 500, 503, 504)
ModelQuery = Annotated[str, Query(pattern=rf"^{NAME}$", max_length=64, description="Name of a model.")]


@router.get("/v1/series", responses={200: {"model": SeriesList}, **ERRORS})
async def all_series(
    service: Serving,
    model: Annotated[str | None, Query(pattern=rf"^{NAME}$", max_length=64, description="Of this model alone.")] = None,
    begin: Annotated[int, Query(ge=0, le=10**9, description="Where the page begins.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Series of a page.")] = 100,
) -> Response:
    """Series that the models follow, by model and in the order in which they came."""
    names = [row.name for row in service.desk.catalogue.rows()] if model is None else [model]
    found, total = list[dict[str, Any]](), 0
    for name in names:
        served = await service.desk.served(name)
        part = range(max(begin - total, 0), min(len(served.live), begin + limit - total))
        if part:
            found += await service.desk.change(partial(_shorts, served, part))
        total += len(served.live)
    following = begin + limit if begin + limit < total else None
    return json_response({"series": found, "total": total, "next": following})


def _shorts(served: Served, part: range) -> list[dict[str, Any]]:
    return [_short(served, n) for n in part]


def _short(served: Served, n: int) -> dict[str, Any]:
    memory, live = served.live._memory, served.live
    observed = int(memory.observed[n])
    last = live.fitted.frequency.advance(memory.starts[n], max(observed, 0))
    return {
        "model": served.name,
        "series": memory.ids[n],
        "steps": observed + 1,
        "last": _label(served, last),
        "cold": observed + 1 < live.least_history,
    }


def _label(served: Served, time: Any) -> str | int:
    frequency = served.fitted.frequency
    return int(time) if frequency.unit == "step" else served.live._labels.text(time) or frequency.label(time)


@router.get("/v1/series/{series:path}", responses={200: {"model": SeriesAnswer}, **ERRORS})
async def one_series(
    service: Serving,
    series: Annotated[str, Path(max_length=1000, description="The id of a series.", examples=["Passengers"])],
    model: ModelQuery,
    tail: Annotated[int, Query(ge=1, le=10_000, description="Newest steps and scores that are wanted.")] = 100,
) -> Response:
    """A series: its newest values, their forecasts and anomaly scores, the forecast of what comes, and drift."""
    served = await service.desk.served(model)
    if series not in served.live._memory.places:
        raise Problem(
            404,
            "The model does not follow this series.",
            where="series",
            remedy="GET /v1/series lists those that are followed.",
        )
    made, waits = await _forecast(service, served, series)
    facts = await service.desk.change(lambda: _history(served, series, tail))
    scores = await asyncio.to_thread(service.store.rows.scores, model, series, tail * len(served.fitted.schema.targets))
    told = [_told(served, one) for one in scores]
    return json_response(
        {
            "model": model,
            "series": series,
            **facts,
            "forecast": made,
            "waits": waits,
            "scores": told,
            "drift": {
                target: drift_of([one for one in scores if one.target == target])
                for target in served.fitted.schema.targets
            },
        }
    )


async def _forecast(service: Service, served: Served, series: str) -> tuple[list[dict[str, Any]], str | None]:
    """The forecast of a series, or why there is none: its covariates are not known yet."""
    try:
        pieces = await service.desk.forecast(Ahead(served, None, (series,)))
    except CovariateError as error:
        return [], str(error)
    return forecast_facts_of(pieces, served.fitted.horizon, range(len(served.fitted.levels)))["forecast"], None


def _told(served: Served, scored: Scored) -> dict[str, Any]:
    """A score with its time as the data write it."""
    steps = served.fitted.frequency.unit == "step"
    time = np.int64(scored.time) if steps else np.datetime64(scored.time)
    held = {name: value for name, value in vars(scored).items() if name not in ("place", "series")}
    return {**held, "time": _label(served, time)}


def _history(served: Served, series: str, tail: int) -> dict[str, Any]:
    memory, targets = served.live._memory, served.fitted.schema.targets
    n = memory.places[series]
    observed, dropped = int(memory.observed[n]), int(memory.dropped[n])
    steps = np.arange(max(observed + 1 - tail, dropped), observed + 1)
    values_TV = memory.read(np.full(len(steps), n), steps)
    times = [_label(served, time) for time in served.fitted.frequency.advance(memory.starts[n], steps)]
    history = [{"target": target, "time": times, "value": values_TV[:, c].tolist()} for c, target in enumerate(targets)]
    short = _short(served, n)
    coming = coming_rows(served.live._panel(np.array([n])), served.fitted.horizon)
    return {"steps": short["steps"], "cold": short["cold"], "history": history, "coming": coming}


@router.get("/v1/events", responses={200: {"content": {"text/event-stream": {}}}, **ERRORS})
async def observed_events(service: Serving, model: ModelQuery) -> StreamingResponse:
    """What a model observes, as server-sent events called "observed": series, time, target, value, forecast, ..."""
    await _there(service, model)
    topic = f"model {model}"
    queue = service.hub.listen(topic)
    return StreamingResponse(
        service.hub.stream(topic, queue, [{"event": "listening", "model": model}]),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


async def _there(service: Service, model: str) -> None:
    service.desk.catalogue.row(model)
