"""A forecast as rows of a database, each with the model, the origin and the time of its making."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frames import time_column
from gatecast.data.tables.databases.address import Address
from gatecast.errors import ConfigError, listed
from gatecast.forecasts.writing import key_columns, times_as_text

if TYPE_CHECKING:
    import polars as pl

    from gatecast.forecasts.forecast import Forecast

__all__ = ["append_forecast"]

_ADDED = ("model", "origin", "created")


def append_forecast(forecast: Forecast, address: Address, model: str) -> None:
    """Append the long table; what the same model forecast for these series at these origins before is replaced.

    Args:
        forecast: what to write.
        address: with a table, which is made where there is none.
        model: its name.

    Raises:
        ConfigError: a column of the forecast is called as one of those that are added.
        PanelError: the database refused it; nothing was written.
    """
    from gatecast.data.tables.databases.appending import append_rows

    frame = forecast.to_frame("polars")
    if taken := [repr(name) for name in _ADDED if name in frame.columns]:
        raise ConfigError(f"{address} cannot take the forecast: {listed(taken)} is a column of the data. Rename it.")
    created = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    series = frame.columns[: key_columns(forecast)[0]]
    frame = frame.select(_constant(frame, model, created, forecast)).hstack(frame)
    if address.engine == "sqlite":  # which has no dates
        frame = times_as_text(frame)
    append_rows(address, frame, ("model", "origin", *series))


def _constant(frame: pl.DataFrame, model: str, created: datetime.datetime, forecast: Forecast) -> list[Any]:
    import polars as pl

    return [
        pl.lit(model).alias("model"),
        pl.Series("origin", _origins(forecast)),
        pl.lit(created).alias("created"),
    ]


def _origins(forecast: Forecast) -> Any:
    """(N H,) the time of the last value that each row follows, as the data write times."""
    axes = forecast.axes
    origins_R = np.repeat(axes.origins, axes.horizon)
    written = axes.labels.columns(axes.names, {axes.names[1]: origins_R}, time_column(axes.frequency, origins_R))
    if len(written) == 1:
        return next(iter(written.values()))
    return [axes.time_label(origin) for origin in origins_R]
