"""What is measured: series, horizons and origins, all inside the training parts.

──────────── fitted once ────────────┤ H ├┤ H ├┤ H ├  forecast from each of the last origins
│ test part: stays closed
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gatecast as gc

__all__ = ["SETS", "Task", "tasks"]


@dataclass(frozen=True)
class Task:
    """One fit with its origins.

    Args:
        set: the set that it counts in.
        name: of the data.
        panel: all that may be seen, the scored steps at its end.
        horizon: steps H.
        season: m of the scale and of the naive forecasts.
        origins: how many horizons at the end are scored, each from the end of what lies before.
    """

    set: str
    name: str
    panel: gc.Panel
    horizon: int
    season: int
    origins: int

    @property
    def history(self) -> gc.Panel:
        """What the fit sees."""
        return self.panel.slice(0, self.panel.length - self.origins * self.horizon)


def _singles(folder: Path) -> Iterator[Task]:
    import polars as pl

    table = pl.read_parquet(folder / "singles.parquet")
    for part in table.partition_by("unique_id", maintain_order=True):
        horizon, season = int(part["horizon"][0]), int(part["seasonality"][0])
        time = "step" if part["ds"].null_count() else "ds"
        seen = part.head(len(part) - horizon).select("unique_id", time, "y")
        origins = 2 if len(seen) - 2 * horizon >= 12 else 1
        if len(seen) - origins * horizon >= 8:
            panel = gc.read(seen, series="unique_id", time=time, target="y")
            yield Task("singles", str(part["unique_id"][0]), panel, horizon, season, origins)


def _panel(file: str, horizon: int, season: int, origins: int, folder: Path) -> Iterator[Task]:
    panel = gc.read(folder / f"{file}_train.parquet").drop_short((origins + 2) * horizon + 2)
    yield Task(file.replace("_", " "), file, panel, horizon, season, origins)


def _transformers(file: str, folder: Path) -> Iterator[Task]:
    import polars as pl

    table = pl.read_parquet(folder / f"{file}.parquet").head(8_640 + 2_880)  # the third year is the test part
    yield Task(file, file, gc.read(table, time="date", wide=True), 96, 24, 10)


def _tourism(folder: Path) -> Iterator[Task]:
    import polars as pl

    table = pl.read_parquet(folder / "australian_tourism.parquet").drop("region")
    panel = gc.read(table, static=["state", "purpose"])
    yield Task("tourism", "tourism", panel.slice(0, panel.length - 8), 8, 4, 3)


def _m5(folder: Path) -> Iterator[Task]:
    import polars as pl

    table = pl.read_parquet(folder / "m5_small.parquet")
    panel = gc.read(table, future=table.columns[3:])
    yield Task("m5 small", "m5_small", panel.slice(0, panel.length - 3 * 28), 28, 7, 3)


def _airline(folder: Path) -> Iterator[Task]:
    yield Task("airline", "airline", gc.load_example("airline").slice(0, 100), 12, 12, 3)


def _ridership(folder: Path) -> Iterator[Task]:
    panel = gc.load_example("ridership", data=folder / "ridership.tgz").between("2016-01", "2018-12")
    yield Task("ridership", "ridership", panel, 14, 7, 10)


SETS: dict[str, Callable[[Path], Iterator[Task]]] = {
    "singles": _singles,
    "m3 yearly": partial(_panel, "m3_yearly", 6, 1, 1),
    "m3 quarterly": partial(_panel, "m3_quarterly", 8, 4, 1),
    "m3 monthly": partial(_panel, "m3_monthly", 18, 12, 1),
    "m3 other": partial(_panel, "m3_other", 8, 1, 1),
    "m4 weekly": partial(_panel, "m4_weekly", 13, 1, 3),
    "m4 hourly": partial(_panel, "m4_hourly", 48, 24, 2),
    "etth1": partial(_transformers, "etth1"),
    "etth2": partial(_transformers, "etth2"),
    "tourism": _tourism,
    "m5 small": _m5,
    "airline": _airline,
    "ridership": _ridership,
}


def tasks(names: list[str], folder: Path) -> Iterator[Task]:
    """The tasks of some sets, one after the other; each is read when it is asked for."""
    for name in names:
        yield from SETS[name](folder)


def settings_of(pairs: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Arguments of the Forecaster from settings and numbers of the default procedure."""
    from gatecast.planning.defaults import DEFAULTS

    return {**pairs, "defaults": DEFAULTS.changed(defaults)}
