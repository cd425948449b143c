"""What a job is asked to do: the shapes of its request, checked before it is put into the queue."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gatecast.errors import InputError, did_you_mean
from gatecast.planning.settings import Settings

__all__ = ["KINDS", "Cell", "JobRequest", "ReadOptions", "RowsOrColumns"]

KINDS = ("forecast", "fit", "backtest", "tune", "update")
LARGEST = 2**63 - 1
Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Cell = Annotated[bool | Whole | float | Annotated[str, Field(max_length=1000)] | None, Field(union_mode="smart")]
Name = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Name], Field(max_length=200)]
Row = dict[Name, Cell]
RowsOrColumns = list[Row] | dict[Name, list[Cell]]
STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


class ReadOptions(BaseModel):
    """How a table is read: the arguments of ``gatecast.read``. What is left out is found in the table."""

    model_config = STRICT

    series: Names = Field(default=[], description="Columns that name the series.", examples=[["store"]])
    time: Names = Field(default=[], description="Columns of the time.", examples=[["day"]])
    target: Names = Field(default=[], description="Columns to forecast.", examples=[["units"]])
    past: Names = Field(default=[], description="Covariates known until the origin only.")
    future: Names = Field(default=[], description="Covariates known over the horizon too.")
    static: Names = Field(default=[], description="Covariates that are constant in each series.")
    frequency: Name | None = Field(default=None, description='Such as "D", "h", "15min", "MS", "W".')
    gaps: Literal["error", "missing", "zero"] = Field(default="error", description="What absent times become.")
    resample: Literal["mean", "sum", "median", "min", "max", "first", "last"] | None = None
    wide: bool | None = Field(default=None, description="Whether each column of numbers is a series.")
    day_first: bool | None = None
    year_first: bool | None = None
    timezone: Name | None = None
    decimal: Literal[".", ","] | None = None
    na: Names = Field(default=[], description="Cells that stand for a missing value.")
    skip: int = Field(default=0, ge=0, le=10_000, description="Rows to leave out at the beginning of a file.")
    header: int | None = Field(default=None, ge=0, le=10_000, description="Row with the names of the columns.")

    def arguments(self) -> dict[str, Any]:
        """As arguments of ``read``, without where the table lies in its file."""
        held = self.model_dump(exclude={"skip", "header"})
        return {name: value or None if name in ("series", "time", "target") else value for name, value in held.items()}


class JobRequest(BaseModel):
    """A job: what is done with an uploaded table, or with what a query finds."""

    model_config = STRICT

    kind: Literal["forecast", "fit", "backtest", "tune", "update"] = Field(
        description="forecast: score on held-out data, train on everything, forecast. fit: train. backtest: rolling "
        "origins. tune: search for settings. update: train a model of the store further on newer data, and "
        "keep that where it is better.",
        examples=["forecast"],
    )
    read: ReadOptions = Field(default_factory=ReadOptions)
    database: Name | None = Field(
        default=None,
        description="In place of a file: a database that the service was started with, by its name.",
        examples=["shop"],
    )
    query: Annotated[str, Field(min_length=1, max_length=100_000)] | None = Field(
        default=None,
        description="One SELECT, which that database answers read-only.",
        examples=["select day, store, units from sales where day >= '2024-01-01'"],
    )
    horizon: int | None = Field(default=None, ge=1, le=100_000, description="Steps to forecast; by default one season.")
    settings: dict[Name, Any] = Field(
        default={},
        description="Settings of the Forecaster, such as preset, seed, candidates, time_limit, quantiles.",
        examples=[{"preset": "instant"}],
    )
    future: RowsOrColumns | dict[Name, Cell] | None = Field(
        default=None, description="Future covariates: rows, columns, or constants by name."
    )
    model: str | None = Field(default=None, max_length=64, description="Model of the store, for update.")
    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Keep the trained model in the store under this name; it follows the series of the table.",
    )
    origins: int | None = Field(default=None, ge=1, le=1000, description="Held-out origins.")
    stride: int | None = Field(default=None, ge=1, le=100_000, description="Steps between two of them.")
    refit: int = Field(default=0, ge=0, le=1000, description="backtest: train anew at every K-th origin; 0 = once.")
    window: Literal["expanding", "sliding"] = "expanding"
    rivals: list[Annotated[str, Field(max_length=40)]] = Field(default=[], max_length=20, description="backtest.")
    trials: int | None = Field(default=None, ge=1, le=1000, description="tune: most trials.")
    seconds: int | None = Field(
        default=None, ge=1, le=86_400, description="tune: of the whole search; 120 if left out."
    )
    explain: bool = Field(default=False, description="forecast: what each covariate contributes.")

    @field_validator("settings")
    @classmethod
    def _known_settings(cls, given: dict[str, Any]) -> dict[str, Any]:
        known = [one.name for one in fields(Settings) if one.name not in ("horizon", "progress")]
        for name in given:
            if name not in known:
                raise ValueError(f"there is no setting {name!r}{did_you_mean(name, known)}")
        return given

    @model_validator(mode="after")
    def _goes_together(self) -> JobRequest:
        if (self.kind == "update") != (self.model is not None):
            raise ValueError("an update names the model, and no other job does")
        if (self.database is None) != (self.query is None):
            raise ValueError("a query goes with the name of a database")
        if self.query is not None and (self.read.skip or self.read.header is not None):
            raise ValueError("read.skip and read.header go with a file, not with a query")
        try:
            from gatecast.forecaster import Forecaster

            Forecaster(self.horizon or 1, **self.forecaster_settings())
        except (InputError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(f"settings: {error}"[:500]) from None
        return self

    def forecaster_settings(self) -> dict[str, Any]:
        """The settings as arguments of a Forecaster, with pairs of JSON as tuples."""
        held = dict(self.settings)
        for name in ("quantiles", "bounds"):
            if isinstance(held.get(name), list):
                held[name] = tuple(held[name])
        return held
