"""Files that a command reads and writes: checked before the work begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.errors import ConfigError, did_you_mean, listed

if TYPE_CHECKING:
    from gatecast.forecasts.forecast import Forecast

__all__ = ["PIPE", "PLOT_KINDS", "TABLE_KINDS", "require_writable", "save_forecast", "to_future", "write_results"]

PIPE = "stdin:"  # a dash would be taken for an option
TABLE_KINDS = (".csv", ".parquet", ".jsonl", ".xlsx")
PLOT_KINDS = (".png", ".pdf", ".svg")


def require_writable(path: Path | None, kinds: Sequence[str] = (), option: str = "--output") -> None:
    """Raise ConfigError unless a file of one of these kinds can be written there."""
    if path is None:
        return
    folder = path.parent
    if path.suffix.lower() == ".xlsx" and find_spec("xlsxwriter") is None:
        raise ConfigError(
            f"{option} {path.name} is a spreadsheet, which needs xlsxwriter: pip install 'gatecast[excel]'."
        )
    if kinds and path.suffix.lower() not in kinds:
        hint = did_you_mean(path.suffix.lower(), kinds)
        raise ConfigError(f"{option} {path.name} has an unknown kind{hint}. It ends in {listed(kinds)}.")
    if not folder.is_dir():
        raise ConfigError(f"{option} {path}: the folder {str(folder)!r} does not exist. Make it first.")
    if path.is_dir():
        raise ConfigError(f"{option} {path} is a folder; give the name of a file.")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigError(f"{option} {path}: no permission to write there.")


def to_future(items: Sequence[str]) -> Any:
    """The future covariates that were given: None, a path, or constants by name.

    >>> to_future(["day_type=W", "price=9.5"])
    {'day_type': 'W', 'price': '9.5'}
    """
    if not items:
        return None
    if len(items) == 1 and ("=" not in items[0] or Path(items[0]).is_file()):
        return Path(items[0])
    wrong = [repr(item) for item in items if not item.partition("=")[0] or "=" not in item]
    if wrong:
        raise ConfigError(f"--future {listed(wrong)} is not understood: give one file, or NAME=VALUE for each.")
    names = [item.partition("=")[0] for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"--future gives {listed(twice)} twice.")
    return {name: item.partition("=")[2] for name, item in zip(names, items, strict=True)}


def write_results(forecast: Forecast, output: Path | None, plot: Path | None) -> list[Path]:
    """Write the table and the picture that were asked for: before anything is printed, for the reader may leave."""
    if output is not None:
        save_forecast(forecast, output)
    if plot is not None:
        forecast.plot(path=plot)
    return [path for path in (output, plot) if path is not None]


def save_forecast(forecast: Forecast, path: Path) -> None:
    """Write a forecast as a long table; dates without a time of day stay plain dates in text."""
    import polars as pl

    frame: pl.DataFrame = forecast.to_frame("polars")
    time = forecast.axes.names[1]
    dtype = frame.schema.get(time, pl.String())  # the table may write its times in several columns
    kind = path.suffix.lower()
    if kind == ".parquet" or (kind == ".xlsx" and getattr(dtype, "time_zone", None) is None):
        pass  # which have dates
    elif isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        days = (frame[time].dt.truncate("1d") == frame[time]).all()
        frame = frame.with_columns(pl.col(time).dt.strftime("%Y-%m-%d" if days else "%Y-%m-%d %H:%M:%S"))
    elif isinstance(dtype, pl.Datetime):
        frame = frame.with_columns(pl.col(time).dt.strftime("%Y-%m-%dT%H:%M:%S%:z"))
    writers: dict[str, Callable[..., object]] = {".parquet": frame.write_parquet, ".jsonl": frame.write_ndjson}
    writers[".xlsx"] = lambda file: frame.write_excel(file, autofit=True)
    with path.open("wb") as file:  # polars takes no name that is no Unicode text
        writers.get(kind, frame.write_csv)(file)
