"""A forecast as a file: the long table as CSV, Parquet, lines of JSON, or a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from gatecast.forecasts.forecast import Forecast

__all__ = ["key_columns", "times_as_text", "write_forecast", "written_frame"]


def written_frame(forecast: Forecast, kind: str) -> pl.DataFrame:
    """The long table as a kind of file holds it; dates without a time of day stay plain dates in text.

    Args:
        forecast: what to write.
        kind: ".csv", ".parquet", ".jsonl" or ".xlsx".
    """
    import polars as pl

    frame: pl.DataFrame = forecast.to_frame("polars")
    time = forecast.axes.names[1]
    dtype = frame.schema.get(time, pl.String())  # the table may write its times in several columns
    if kind == ".parquet" or (kind == ".xlsx" and getattr(dtype, "time_zone", None) is None):
        return frame  # which have dates
    return times_as_text(frame, time)


def times_as_text(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """A frame whose times, or those of the columns named, are text: those of whole days without a time of day."""
    import polars as pl

    for name in names or frame.columns:
        dtype = frame.schema.get(name)
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
            days = (frame[name].dt.truncate("1d") == frame[name]).all()
            frame = frame.with_columns(pl.col(name).dt.strftime("%Y-%m-%d" if days else "%Y-%m-%d %H:%M:%S"))
        elif isinstance(dtype, pl.Datetime):
            frame = frame.with_columns(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%:z"))
    return frame


def key_columns(forecast: Forecast) -> tuple[int, int]:
    """How many of the first columns of the long table name the series, and how many after them the time."""
    labels = forecast.axes.labels
    return max(len(labels.keys), 1), max(len(labels.times), 1)


def write_forecast(forecast: Forecast, file: IO[bytes], kind: str) -> None:
    """Write the long table to an open file, in a kind as ``written_frame`` takes it."""
    frame = written_frame(forecast, kind)
    writers: dict[str, Callable[..., object]] = {".parquet": frame.write_parquet, ".jsonl": frame.write_ndjson}
    writers[".xlsx"] = lambda to: _write_excel(frame, to)
    writers.get(kind, frame.write_csv)(file)


def _write_excel(frame: pl.DataFrame, file: IO[bytes]) -> None:
    """Names of series are text, whatever they look like: no links, no formulas."""
    from xlsxwriter import Workbook

    as_text = {"strings_to_urls": False, "strings_to_formulas": False, "nan_inf_to_errors": True}
    with Workbook(file, as_text) as book:
        frame.write_excel(book, "forecast", autofit=True)
