"""Protocols of others: KServe's health and time-series forecasts, MLflow's scoring, Prometheus' metrics."""

from __future__ import annotations

import asyncio
import datetime
import secrets
import time
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gatecast.data.frequency import Frequency
from gatecast.serving.models.served import Served
from gatecast.serving.problems import Problem, busy, documented, of_validation
from gatecast.serving.routes.answers import forecast_facts_of, json_response, levels_asked, steps_asked
from gatecast.serving.routes.bodies import body_of, json_or_arrow
from gatecast.serving.routes.forecasts import forecast_of
from gatecast.serving.routes.service import Service, Serving
from gatecast.serving.routes.shapes import ForecastRequest, Ready
from gatecast.serving.store.job_rows import QUEUED, RUNNING

__all__ = ["InvocationAnswer", "InvocationRequest", "KServeAnswer", "KServeRequest", "router"]

router = APIRouter()
ERRORS = documented(400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503, 504)
Number = Annotated[float, Field(allow_inf_nan=False)]
FREQUENCIES = {
    "second": "s",
    "S": "s",
    "minute": "min",
    "T": "min",
    "hour": "h",
    "H": "h",
    "day": "D",
    "D": "D",
    "week": "W",
    "W": "W",
    "month": "MS",
    "M": "MS",
    "quarter": "QS",
    "Q": "QS",
    "year": "YS",
    "Y": "YS",
}
FrequencyName = Literal[
    "second", "S", "minute", "T", "hour", "H", "day", "D", "week", "W", "month", "M", "quarter", "Q", "year", "Y"
]


class KServeInput(BaseModel):
    """A series, as KServe's forecast protocol has it."""

    type: Literal["univariate_time_series", "multivariate_time_series"]
    name: str = Field(max_length=1000, examples=["Passengers"])
    series: list[Number] | list[list[Number]] = Field(min_length=1, examples=[[461, 390, 432]])
    frequency: FrequencyName = Field(examples=["month"])
    start_timestamp: str | None = Field(default=None, max_length=40, description="ISO 8601.", examples=["1960-10-01"])


class KServeOptions(BaseModel):
    """Horizon and quantiles."""

    horizon: int = Field(ge=1, le=100_000, examples=[2])
    quantiles: list[Annotated[float, Field(gt=0, lt=1)]] | None = Field(
        default=None, max_length=99, examples=[[0.1, 0.9]]
    )


class KServeRequest(BaseModel):
    """A request of KServe's ``/v1/timeseries/forecast``."""

    model: str = Field(max_length=64, examples=["airline"])
    inputs: list[KServeInput] = Field(min_length=1, max_length=10_000)
    options: KServeOptions
    metadata: dict[str, Any] | None = None


class KServeForecast(BaseModel):
    """The forecast of one input; ``mean_forecast`` is the median, the point forecast of the model."""

    type: str
    name: str
    mean_forecast: list[Any]
    frequency: str
    start_timestamp: str
    quantiles: dict[str, list[Any]] | None


class KServeOutput(BaseModel):
    """All forecasts."""

    type: str
    id: str
    status: str
    content: list[KServeForecast]
    error: dict[str, Any] | None


class KServeAnswer(BaseModel):
    """An answer of KServe's ``/v1/timeseries/forecast``."""

    id: str
    created_at: int
    status: str
    error: dict[str, Any] | None
    model: str
    outputs: list[KServeOutput]
    usage: dict[str, Any] | None


@router.get("/v2/health/live", tags=["health"], responses={200: {"model": Ready}})
async def live() -> Response:
    """The process answers."""
    return json_response({"live": True})


@router.get("/v2/health/ready", tags=["health"], responses={200: {"model": Ready}, **documented(503)})
async def ready(service: Serving) -> Response:
    """The models and the store can be used."""
    if not service.ready:
        raise busy("The service begins, or is about to end.", 2)
    return json_response({"ready": True})


@router.get("/ping", tags=["health"], responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def ping() -> Response:
    """MLflow's health check."""
    return Response("\n", media_type="text/plain")


@router.post(
    "/v1/timeseries/forecast",
    tags=["standards"],
    responses={200: {"model": KServeAnswer}, **ERRORS},
    openapi_extra=json_or_arrow(KServeRequest),
)
async def kserve_forecast(request: Request, service: Serving) -> Response:
    """KServe's forecast protocol, for models with dates or whole steps and without covariates."""
    asked = await body_of(request, KServeRequest)
    served = await service.desk.served(asked.model)
    steps = steps_asked(asked.options.horizon, served.fitted.horizon)
    _require_names(asked)
    levels = levels_asked(asked.options.quantiles, served.fitted.levels) if asked.options.quantiles else []
    history = await asyncio.to_thread(_columns, asked, served)
    pieces, _, _ = await forecast_of(
        service,
        ForecastRequest.model_construct(
            model=asked.model, history=history, series=None, horizon=None, quantiles=None, future=None
        ),
    )
    content = [one for piece in pieces for one in _content(piece, asked, steps, levels)]
    output = {
        "type": "time_series_forecast",
        "id": f"output-{secrets.token_hex(6)}",
        "status": "completed",
        "content": content,
        "error": None,
    }
    return json_response(
        {
            "id": f"forecast-{secrets.token_hex(8)}",
            "created_at": int(time.time()),
            "status": "completed",
            "error": None,
            "model": asked.model,
            "outputs": [output],
            "usage": None,
        }
    )


def _require_names(asked: KServeRequest) -> None:
    if len({one.name for one in asked.inputs}) < len(asked.inputs):
        raise Problem(
            422, "Two inputs have the same name.", where="inputs", remedy="Give each of them a name of its own."
        )


def _columns(asked: KServeRequest, served: Served) -> dict[str, list[Any]]:
    """The inputs as the columns that the model knows."""
    fitted = served.fitted
    targets = fitted.schema.targets
    columns: dict[str, list[Any]] = {name: [] for name in (*fitted.names, *targets)}
    for place, one in enumerate(asked.inputs):
        where = f"inputs.{place}"
        rows = one.series if isinstance(one.series[0], list) else [[value] for value in one.series]
        if any(len(row) != len(targets) for row in rows if isinstance(row, list)):
            raise Problem(
                422,
                f"The model has {len(targets)} targets; a row of the series has not.",
                where=f"{where}.series",
                remedy=f"Give {', '.join(targets)[:200]} of each step.",
            )
        columns[fitted.names[0]] += [one.name] * len(rows)
        columns[fitted.names[1]] += _times(one, fitted.frequency, len(rows), where)
        for c, target in enumerate(targets):
            columns[target] += [row[c] for row in rows if isinstance(row, list)]
    return columns


def _times(one: KServeInput, frequency: Frequency, count: int, where: str) -> list[Any]:
    if frequency.unit == "step":
        return list(range(1, count + 1))
    if Frequency.of(FREQUENCIES[one.frequency]).unit != frequency.unit:
        raise Problem(
            422,
            f"The model has steps of one {frequency.name}; the input has {one.frequency}.",
            where=f"{where}.frequency",
            remedy="Ask a model of this frequency.",
        )
    if one.start_timestamp is None:
        raise Problem(
            422,
            "The model needs to know when the series begins.",
            where=f"{where}.start_timestamp",
            remedy="Give the time of its first step.",
        )
    try:
        start = datetime.datetime.fromisoformat(one.start_timestamp).replace(tzinfo=None)
        times = frequency.advance(np.asarray(start, "datetime64[us]"), np.arange(count))
    except (ValueError, OverflowError):
        raise Problem(
            422,
            "This is no time of ISO 8601.",
            where=f"{where}.start_timestamp",
            remedy="Write it as 2024-01-31 or 2024-01-31T12:00:00.",
        ) from None
    return [str(time) for time in times.astype("datetime64[s]")]


def _content(made: Any, asked: KServeRequest, steps: int, levels: list[int]) -> list[dict[str, Any]]:
    by_name = {one.name: one for one in asked.inputs}
    single = len(made.targets) == 1
    found = []
    for n, name in enumerate(made.ids):
        one = by_name.get(name, asked.inputs[0])
        begin = made.times[n, 0]
        start = int(begin) if made.frequency.unit == "step" else begin.astype("datetime64[s]")

        def shaped(values_HC: Any) -> list[Any]:
            return (values_HC[:, 0] if single else values_HC).tolist()

        quantiles = {f"{made.quantiles[q]:g}": shaped(made.values_NHCQ[n, :steps, :, q]) for q in levels}
        found.append(
            {
                "type": one.type,
                "name": one.name,
                "mean_forecast": shaped(made.values[n, :steps]),
                "frequency": one.frequency,
                "start_timestamp": str(start),
                "quantiles": quantiles or None,
            }
        )
    return found


class InvocationRequest(BaseModel):
    """A request of MLflow's scoring protocol: one of the two, with the rows of the history."""

    model_config = ConfigDict(extra="forbid")

    dataframe_records: list[dict[str, Any]] | None = Field(default=None, examples=[[{"Month": "1960-12-01", "y": 432}]])
    dataframe_split: dict[Literal["columns", "index", "data"], list[Any]] | None = None
    params: dict[str, Any] | None = Field(
        default=None, description="model, horizon, quantiles", examples=[{"model": "airline"}]
    )


class InvocationAnswer(BaseModel):
    """An answer of MLflow's scoring protocol: long rows of the forecast."""

    predictions: list[dict[str, Any]]


@router.post(
    "/invocations",
    tags=["standards"],
    responses={200: {"model": InvocationAnswer}, **ERRORS},
    openapi_extra=json_or_arrow(InvocationRequest),
)
async def invocations(request: Request, service: Serving) -> Response:
    """MLflow's scoring protocol: rows of a history in, rows of its forecast out."""
    asked = await body_of(request, InvocationRequest)
    params = asked.params or {}
    name = params.get("model") or _only_model(service)
    wanted = _as_forecast(
        {
            "model": name,
            "history": _records(asked),
            **{key: params[key] for key in ("horizon", "quantiles") if params.get(key) is not None},
        }
    )
    pieces, steps, levels = await forecast_of(service, wanted)
    rows = [
        {
            "series": one["series"],
            "target": one["target"],
            "time": when,
            "forecast": one["forecast"][h],
            **{f"q{level}": values[h] for level, values in one["quantiles"].items()},
        }
        for one in forecast_facts_of(pieces, steps, levels)["forecast"]
        for h, when in enumerate(one["time"])
    ]
    return json_response({"predictions": rows})


def _as_forecast(held: dict[str, Any]) -> ForecastRequest:
    try:
        return ForecastRequest.model_validate(held)
    except ValidationError as error:
        raise of_validation(error) from None


def _only_model(service: Service) -> str:
    rows = service.desk.catalogue.rows()
    if len(rows) != 1:
        raise Problem(422, f"There are {len(rows)} models.", where="params.model", remedy="Name one in params.model.")
    return rows[0].name


def _records(asked: InvocationRequest) -> list[dict[str, Any]]:
    split = asked.dataframe_split
    if (asked.dataframe_records is None) == (split is None):
        raise Problem(422, "Give dataframe_records or dataframe_split.", where="body", remedy="Give one of the two.")
    if split is None:
        return asked.dataframe_records or []
    columns, data = split.get("columns", []), split.get("data", [])
    if not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        raise Problem(
            422,
            "A row of data has another number of cells than there are columns.",
            where="dataframe_split",
            remedy="Give each row a cell per column.",
        )
    return [dict(zip(map(str, columns), row, strict=True)) for row in data]


@router.get(
    "/metrics",
    tags=["health"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **documented(401, 403, 429, 500)},
)
async def metrics(service: Serving) -> Response:
    """Counts for Prometheus."""
    counts, desk = service.counts, service.desk
    sizes, desk.sizes = desk.sizes, []
    for size in sizes:
        counts.passes.observe(size)
    counts.waiting.set(desk.waiting)
    counts.models.set(len(desk.catalogue.rows()))
    counts.streams.set(service.hub.count)
    for state in (QUEUED, RUNNING):
        counts.jobs.labels(state).set(await asyncio.to_thread(service.store.jobs.count, state))
    return Response(counts.text(), media_type="text/plain; version=0.0.4")
