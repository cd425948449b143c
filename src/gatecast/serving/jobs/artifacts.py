"""Files that a job leaves for download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gatecast.forecaster import Forecaster
from gatecast.forecasts.writing import write_forecast

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.forecasts.forecast import Forecast
    from gatecast.workflow import ForecastResult

__all__ = ["MEDIA_TYPES", "Artifact", "of_backtest", "of_forecast", "of_model"]

MEDIA_TYPES = {
    "forecast.csv": "text/csv; charset=utf-8",
    "forecast.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "forecast.parquet": "application/vnd.apache.parquet",
    "forecast.png": "image/png",
    "report.html": "text/html; charset=utf-8",
    "model.gatecast": "application/octet-stream",
}


@dataclass(frozen=True)
class Artifact:
    """A file by its name for a client."""

    name: str
    path: Path

    @property
    def media_type(self) -> str:
        """What it holds."""
        return MEDIA_TYPES[self.name]


def of_forecast(made: ForecastResult, folder: Path, command: str) -> list[Artifact]:
    """Table, picture, page and model of a forecast."""
    return _written(
        folder,
        {
            "forecast.csv": lambda path: _table(made.forecast, path),
            "forecast.parquet": lambda path: _table(made.forecast, path),
            "forecast.xlsx": lambda path: _table(made.forecast, path) if find_spec("xlsxwriter") else None,
            "forecast.png": lambda path: _picture(made.forecast, path),
            "report.html": lambda path: made.report(path, command),
            "model.gatecast": made.model.save,
        },
    )


def of_model(model: Forecaster, folder: Path) -> list[Artifact]:
    """The file of a model."""
    return _written(folder, {"model.gatecast": model.save})


def of_backtest(made: Backtest, folder: Path) -> list[Artifact]:
    """The report page, where plotly is there to draw it."""
    return _written(folder, {"report.html": made.report}) if find_spec("plotly") else []


def _written(folder: Path, writers: dict[str, Callable[[Path], object]]) -> list[Artifact]:
    found = list[Artifact]()
    for name, write in writers.items():
        path = folder / name
        write(path)
        if path.exists():
            found.append(Artifact(name, path))
    return found


def _table(forecast: Forecast, path: Path) -> None:
    with path.open("wb") as file:
        write_forecast(forecast, file, path.suffix)


def _picture(forecast: Forecast, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    forecast.plot(path=path)
