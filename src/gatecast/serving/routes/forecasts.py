"""``/v1/forecast`` and ``/v1/observe``."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from gatecast.serving.limits import Limits
from gatecast.serving.models.desk import Desk
from gatecast.serving.models.forecasting import Ahead
from gatecast.serving.models.histories import Histories, columns_of, count_of
from gatecast.serving.models.observing import Rows
from gatecast.serving.models.served import Served
from gatecast.serving.problems import Problem, documented
from gatecast.serving.routes.answers import forecast_facts_of, json_response, levels_asked, steps_asked
from gatecast.serving.routes.arrow import frame_of, stream_of
from gatecast.serving.routes.bodies import ARROW, body_of, json_or_arrow, media_type
from gatecast.serving.routes.service import Service, Serving
from gatecast.serving.routes.shapes import ForecastAnswer, ForecastRequest, ObserveAnswer, ObserveRequest

__all__ = ["answer_forecast", "forecast_of", "router"]

router = APIRouter(tags=["forecasts"])
MANY = 5_000  # rows; a history with more is read by another thread
ERRORS = documented(400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503, 504)


@router.post(
    "/v1/forecast",
    responses={200: {"model": ForecastAnswer, "content": {ARROW: {}}}, **ERRORS},
    openapi_extra=json_or_arrow(ForecastRequest, ARROW),
)
async def forecast(
    request: Request,
    service: Serving,
    model: Annotated[str | None, Query(max_length=64, description="The model, for a body of Arrow.")] = None,
    accept: Annotated[str, Header(max_length=500)] = "",
) -> Response:
    """Forecast a history that comes along, or series that a model follows.

    Requests that come together are forecast in one pass. With a body of Arrow (a stream of long rows) the model is in
    the query; the answer is Arrow where ``Accept`` asks for it.
    """
    return await answer_forecast(request, service, model, accept)


async def answer_forecast(request: Request, service: Service, model: str | None, accept: str) -> Response:
    """The answer of ``/v1/forecast``."""
    asked = await _asked(request, model, service.limits)
    pieces, steps, levels = await forecast_of(service, asked)
    if ARROW in accept:
        return Response(await asyncio.to_thread(stream_of, pieces, steps, levels), media_type=ARROW)
    return json_response({"model": asked.model, **forecast_facts_of(pieces, steps, levels)})


async def _asked(request: Request, model: str | None, limits: Limits) -> ForecastRequest:
    if media_type(request) != ARROW:
        return await body_of(request, ForecastRequest)
    if model is None:
        raise Problem(
            422,
            "With a body of Arrow the model is named in the query.",
            where="query model",
            remedy="POST /v1/forecast?model=NAME",
        )
    columns = await asyncio.to_thread(frame_of, await request.body(), limits)
    return ForecastRequest.model_construct(
        model=model, history=columns, series=None, horizon=None, quantiles=None, future=None
    )


async def forecast_of(service: Service, asked: ForecastRequest) -> tuple[Any, int, list[int]]:
    """Forecasts in pieces, with the steps and the levels that are asked for. Raises Problem for what passes a limit."""
    limits = service.limits
    if asked.rows > limits.rows:
        raise Problem(
            413,
            f"The request has {asked.rows:,} rows.",
            where="history",
            limit=limits.rows,
            remedy="Send the last steps of each series alone, or fewer series at a time.",
        )
    served = await service.desk.served(asked.model)
    steps, levels = (
        steps_asked(asked.horizon, served.fitted.horizon),
        levels_asked(asked.quantiles, served.fitted.levels),
    )
    ids = (asked.series,) if isinstance(asked.series, str) else None if asked.series is None else tuple(asked.series)
    history: Any = asked.history
    if history is not None and count_of(history) > MANY:
        history = await service.histories.run(partial(_panel, served, history))
    count = len(history) if hasattr(history, "ids") else len(ids or ())
    if count > limits.series:
        raise Problem(
            413,
            f"The request has {count:,} series.",
            where="history",
            limit=limits.series,
            remedy="Ask for fewer series at a time.",
        )
    pieces = await service.desk.forecast(Ahead(served, history, ids, asked.future))
    return pieces, steps, levels


def _panel(served: Served, history: Any) -> Any:
    return Histories(served.fitted).panel(history)


@router.post(
    "/v1/observe",
    responses={200: {"model": ObserveAnswer}, **documented(409), **ERRORS},
    openapi_extra=json_or_arrow(ObserveRequest),
)
async def observe(
    request: Request,
    service: Serving,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Rows with a key are taken once: the same request again gets the same answer.",
        ),
    ] = None,
) -> Response:
    """Take new rows in; say of each what was forecast for it and how odd it is.

    An answer means that the rows are stored: they outlast the end of the process, however it comes.
    """
    asked = await body_of(request, ObserveRequest)
    if not count_of(asked.rows):
        raise Problem(422, "There are no rows.", where="rows", remedy="Send one at least.")
    if count_of(asked.rows) > service.limits.rows:
        raise Problem(
            413,
            f"The request has {count_of(asked.rows):,} rows.",
            where="rows",
            limit=service.limits.rows,
            remedy="Send fewer at a time.",
        )
    digest = hashlib.sha256(await request.body()).hexdigest()
    rows = _records(asked.rows)
    if idempotency_key is None:
        answer = await _observed(service.desk, asked, rows, None, digest)
    else:
        answer = await _once(service, asked, rows, idempotency_key, digest)
    return Response(answer, media_type="application/json")


def _records(rows: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(rows, dict):
        return tuple(rows)
    columns = columns_of(rows)
    if len({len(column) for column in columns.values()}) > 1:
        raise Problem(
            422,
            "The columns have different numbers of rows.",
            where="rows",
            remedy="Give each of them one cell per row.",
        )
    return tuple(dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))


async def _observed(
    desk: Desk, asked: ObserveRequest, rows: tuple[dict[str, Any], ...], key: str | None, digest: str
) -> str:
    served = await desk.served(asked.model)
    return await desk.observe(Rows(served, rows, asked.revise, key, digest))


async def _once(
    service: Service, asked: ObserveRequest, rows: tuple[dict[str, Any], ...], key: str, digest: str
) -> str:
    """The answer that this key got before, or gets now. Those that come while the first one is at work wait for it."""
    under_way = service.under_way
    held = under_way.get((asked.model, key))
    if held is None:
        held = under_way[asked.model, key] = asyncio.ensure_future(_first(service, asked, rows, key, digest))
        held.add_done_callback(lambda _: under_way.pop((asked.model, key), None))
    answer, known = await asyncio.shield(held)
    if known != digest:
        raise Problem(
            409,
            "This key came with other rows before.",
            where="header Idempotency-Key",
            remedy="Use a new key for new rows.",
        )
    return answer


async def _first(
    service: Service, asked: ObserveRequest, rows: tuple[dict[str, Any], ...], key: str, digest: str
) -> tuple[str, str]:
    """The answer, and the digest of the request that got it."""
    known = await asyncio.to_thread(service.store.rows.known, asked.model, key)
    if known is not None:
        return known[1], known[0]
    return await _observed(service.desk, asked, rows, key, digest), digest
