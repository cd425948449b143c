"""Shapes of requests and answers, as OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gatecast.serving.jobs.requests import STRICT, Cell, Name, RowsOrColumns
from gatecast.serving.models.histories import count_of

__all__ = [
    "EvaluateAnswer",
    "ForecastAnswer",
    "ForecastRequest",
    "JobAnswer",
    "JobList",
    "JobLog",
    "LookAnswer",
    "ModelAnswer",
    "ModelList",
    "ObserveAnswer",
    "ObserveRequest",
    "Ready",
    "SeriesAnswer",
    "SeriesList",
]

ModelName = Annotated[str, Field(max_length=64, description="Name of a model.", examples=["airline"])]
SeriesName = Annotated[str, Field(max_length=1000)]
Numbers = list[float | None]
COLUMNS: Any = {"Month": ["1960-10-01", "1960-11-01", "1960-12-01"], "Passengers": [461, 390, 432]}
ROWS: Any = [{"Month": "1961-01-01", "Passengers": 450}]


class ForecastRequest(BaseModel):
    """A forecast: of a history that comes along, or of series that the model follows."""

    model_config = ConfigDict(
        **STRICT,
        json_schema_extra={
            "examples": [
                {"model": "airline", "history": COLUMNS},
                {"model": "airline", "series": ["Passengers"], "horizon": 6, "quantiles": [0.1, 0.5, 0.9]},
            ]
        },
    )

    model: ModelName
    history: RowsOrColumns | None = Field(
        default=None, description="Rows ([{column: cell}]) or columns ({column: [cells]}) of one or many series."
    )
    series: SeriesName | Annotated[list[SeriesName], Field(min_length=1)] | None = Field(
        default=None, description="Series that the model follows; without it and a history all of them."
    )
    horizon: int | None = Field(default=None, ge=1, le=100_000, description="Steps, at most those of the model.")
    quantiles: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1, max_length=99)] | None = Field(
        default=None, description="Of the levels that the model was trained for; all of them if left out."
    )
    future: RowsOrColumns | dict[Name, Cell] | None = Field(
        default=None, description="Future covariates: rows, columns, or constants by name."
    )

    @model_validator(mode="after")
    def _one_source(self) -> ForecastRequest:
        if self.history is not None and self.series is not None:
            raise ValueError("give a history or series, and not both")
        return self

    @property
    def rows(self) -> int:
        """Rows of history and future."""
        parts: list[Any] = [part for part in (self.history, self.future) if part is not None]
        return sum(map(count_of, parts))


class SeriesForecast(BaseModel):
    """The forecast of one series and target."""

    series: Any = Field(description="The id as the table has it.", examples=["Passengers"])
    target: str = Field(examples=["Passengers"])
    time: list[str | int] = Field(examples=[["1961-01", "1961-02"]])
    forecast: Numbers = Field(description="The median.", examples=[[446.1, 420.8]])
    quantiles: dict[str, Numbers] = Field(examples=[{"0.1": [426.0, 401.2], "0.9": [467.3, 454.1]}])


class ForecastAnswer(BaseModel):
    """Forecasts, as ``gatecast predict --json`` has them."""

    model: str = Field(examples=["airline"])
    horizon: int = Field(examples=[2])
    forecast: list[SeriesForecast]
    guarded: list[str] = Field(description="Series whose trained networks were set aside.")
    bounded: list[str] = Field(description="Series with forecasts that were moved into the range of the data.")
    cold: list[str] = Field(description="Series that the model has seen too little of: naive forecasts.")


class ObserveRequest(BaseModel):
    """New rows."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [{"model": "airline", "rows": ROWS}]})

    model: ModelName
    rows: RowsOrColumns = Field(description="Rows or columns, of one or many series.")
    revise: bool = Field(default=False, description="Rows that contradict what is known replace it.")


class ObserveAnswer(BaseModel):
    """What became of each row: as ``gatecast watch`` prints it. The rows are stored."""

    model: str = Field(examples=["airline"])
    counts: dict[str, int] = Field(description="Rows by what became of them.", examples=[{"new": 1}])
    rows: list[dict[str, Any]] = Field(
        examples=[
            [
                {
                    "Month": "1961-01-01",
                    "row": "new",
                    "cold": False,
                    "Passengers": 450.0,
                    "Passengers_forecast": 446.1,
                    "Passengers_error": 3.9,
                    "Passengers_inside_80": True,
                    "Passengers_inside_95": True,
                    "Passengers_anomaly": None,
                    "Passengers_alarm": None,
                }
            ]
        ]
    )


class ModelAnswer(BaseModel):
    """A model, as ``gatecast info --json`` says it."""

    name: str = Field(examples=["airline"])
    created: float = Field(description="Seconds since 1970.")
    digest: str = Field(description="SHA-256 of its file.")
    horizon: int
    targets: list[str]
    levels: list[float] = Field(description="Quantile levels.")
    series: int = Field(description="Series that it follows.")
    about: dict[str, Any] = Field(description="Plan, blend, columns, frequency, and what it was trained on.")


class ModelList(BaseModel):
    """All models."""

    models: list[ModelAnswer]


class SeriesShort(BaseModel):
    """A series that a model follows."""

    model: str
    series: str
    steps: int = Field(description="Steps from its first one to the last with a value.")
    last: str | int = Field(description="Time of that one.")
    cold: bool = Field(description="The model has seen too little of it yet.")


class SeriesList(BaseModel):
    """Series that models follow."""

    series: list[SeriesShort]
    total: int
    next: int | None = Field(description="Where the next page begins; null = this was the last one.")


class Drift(BaseModel):
    """How the newest errors compare with what the model said of itself."""

    rows: int = Field(description="Newest rows that were scored.")
    inside_80: float | None = Field(description="Share of them inside the interval of 80 %.")
    inside_95: float | None = Field(description="Share of them inside the interval of 95 %.")
    error: float | None = Field(description="Mean absolute error one step ahead.")
    p_value: float | None = Field(
        description="Of errors that are what they were, by the test of ``live.drift`` on these rows; null for fewer "
        "than 10 of them."
    )
    direction: str = Field(description='"larger" or "smaller" than the model expects, where they drift; else "".')
    drifting: bool = Field(description="The p-value is at most 0.01.")


class TargetHistory(BaseModel):
    """The newest values of a target."""

    target: str
    time: list[str | int]
    value: Numbers


class Coming(BaseModel):
    """Rows that come next, to be filled in and sent as future covariates, or as observed."""

    keys: list[str] = Field(description="The columns that name series and time.")
    columns: list[dict[str, Any]] = Field(description="Future covariates: name, categories.")
    rows: list[dict[str, Any]] = Field(description="None where there would be very many.")
    filled: list[tuple[int, str]] = Field(
        description="Row and covariate where nothing is known: the last known value stands there."
    )


class SeriesAnswer(BaseModel):
    """A series that a model follows."""

    model: str
    series: str
    steps: int
    cold: bool
    history: list[TargetHistory]
    forecast: list[SeriesForecast] = Field(description="Empty where future covariates are not known yet.")
    waits: str | None = Field(description="Why there is no forecast yet.")
    coming: Coming
    scores: list[dict[str, Any]] = Field(
        description="Newest rows: time, target, value, forecast, inside_80, inside_95, anomaly."
    )
    drift: dict[str, Drift] = Field(description="By target.")


class LookAnswer(BaseModel):
    """What is read of a table."""

    model_config = ConfigDict(extra="allow")

    file: str
    rows: int
    columns: list[dict[str, Any]] = Field(description="name, holds, role, missing, different, examples")
    read: str | None
    notes: list[str] = Field(description="What was not obvious.")
    odd: list[str] = Field(description="What a reader may want to look at.")
    problem: dict[str, Any] | None = Field(description="Why it cannot be read: kind, message, remedies.")
    head: dict[str, list[str | None]] = Field(description="The first rows, by column.")
    data: dict[str, Any] | None = Field(description="As ``data`` of gatecast --json.")
    horizon: int | None = Field(description="The horizon that is chosen where none is given.")
    series: list[dict[str, Any]] = Field(description="The first 500: series, rows, begin, end, missing.")
    future_needed: list[dict[str, Any]] = Field(description="Covariates that are needed ahead: name, categories.")
    coming: Coming | None = Field(description="The rows to come.")
    command: str
    python: str


class Artifact(BaseModel):
    """A file of a job."""

    name: str = Field(examples=["forecast.csv"])
    media_type: str
    bytes: int
    href: str = Field(examples=["/v1/jobs/job-5d0f/artifacts/forecast.csv"])


class JobAnswer(BaseModel):
    """A job."""

    id: str = Field(examples=["job-5d0f4a3c21"])
    kind: str = Field(examples=["forecast"])
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    request: dict[str, Any]
    owner: str = Field(description="Name of the token.")
    attempts: int = Field(description="How often it was begun; more than once after the service was ended.")
    progress: dict[str, Any] = Field(description="stage, done, of, figures")
    problem: dict[str, Any] | None
    result: dict[str, Any] | None = Field(description="As gatecast --json; null until it is done, and in lists.")
    artifacts: list[Artifact]
    created: float
    started: float | None
    ended: float | None


class JobList(BaseModel):
    """The newest jobs, without their results."""

    jobs: list[JobAnswer]


class JobLog(BaseModel):
    """What happened with a job."""

    lines: list[dict[str, Any]] = Field(description="at, event (queued, started, stage, paused, resumed, ended), ...")


class EvaluateAnswer(BaseModel):
    """Scores of a model on data that it has not seen, as ``gatecast evaluate --model`` has them."""

    data: dict[str, Any]
    evaluation: dict[str, Any]
    verdict: dict[str, Any]


class Ready(BaseModel):
    """Whether the service can answer."""

    live: bool | None = None
    ready: bool | None = None
