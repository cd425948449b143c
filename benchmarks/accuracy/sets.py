"""The sets: their groups, files, horizons and seasons, and where the data lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.speed.contestant import ROOT

__all__ = [
    "ETTH1",
    "HORIZONS",
    "MAIN",
    "REFERENCE",
    "SETS",
    "DataError",
    "Group",
    "Request",
    "data_folder",
    "require_folder",
]

HORIZONS = (96, 192, 336, 720)


class DataError(ValueError):
    """The data are not there, or are not what they should be."""


@dataclass(frozen=True)
class Group:
    """A part of a set that one model is trained on.

    Args:
        name: what tables call it.
        file: its files are FILE_train.parquet and FILE_test.parquet; "" = other files.
        horizon: steps to forecast.
        season: m of MASE and of the naive forecasts, as the competition defines it.
        static: file with a category of every series, its column "category"; "" = there is none.
    """

    name: str
    file: str = ""
    horizon: int = 1
    season: int = 1
    static: str = ""


SETS: dict[str, tuple[Group, ...]] = {
    "reference": tuple(map(Group, ("airline", "ridership", "noisy-sine", "sin-to-cos", "sine"))),
    "m4-hourly": (Group("hourly", "m4_hourly", 48, 24),),
    "m4-weekly": (Group("weekly", "m4_weekly", 13, 1),),
    "m3": (
        Group("yearly", "m3_yearly", 6, 1, "m3_static.parquet"),
        Group("quarterly", "m3_quarterly", 8, 4, "m3_static.parquet"),
        Group("monthly", "m3_monthly", 18, 12, "m3_static.parquet"),
        Group("other", "m3_other", 8, 1, "m3_static.parquet"),
    ),
    "etth1": (Group("etth1", "", 96, 24),),
}
REFERENCE, ETTH1 = "reference", "etth1"
MAIN = {"m4-hourly": "owa", "m4-weekly": "owa", "m3": "smape", "etth1": "mse", "reference": "rmse"}  # what is compared


@dataclass(frozen=True)
class Request:
    """One measurement of Gatecast and the naive forecasts.

    Args:
        name: a key of ``SETS``.
        folder: where the data lie.
        groups: names of the groups; () = all.
        seeds: number of seeds, 0 .. seeds - 1.
        inner: score inside the training part; the test part stays closed.
        horizon: another horizon, for etth1.
        settings: further arguments of the Forecaster.
        threads: of each fit.
    """

    name: str
    folder: Path
    groups: tuple[str, ...] = ()
    seeds: int = 3
    inner: bool = False
    horizon: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    threads: int = 2

    @property
    def parts(self) -> tuple[Group, ...]:
        """The groups to measure.

        >>> [g.name for g in Request("m3", Path(), ("other",)).parts], Request("etth1", Path(), horizon=720).parts
        (['other'], (Group(name='etth1', file='', horizon=720, season=24),))
        """
        chosen = tuple(g for g in SETS[self.name] if not self.groups or g.name in self.groups)
        if self.horizon is None:
            return chosen
        return tuple(replace(g, horizon=self.horizon) for g in chosen)

    def require_data(self) -> None:
        """Raise DataError, naming all files that are not there; the test files are not needed inside."""
        require_folder(self.folder)
        missing = [name for name in self._files() if not (self.folder / name).exists()]
        if missing:
            raise DataError(f"{', '.join(missing)} not found in {self.folder}; set GATECAST_DATA to another folder.")

    def _files(self) -> Sequence[str]:
        if self.name == ETTH1:
            return ("etth1.parquet",)
        if self.name == REFERENCE:  # the other systems' data are in the library
            return ("ridership.tgz",) if any(g.name == "ridership" for g in self.parts) else ()
        kinds = ("train",) if self.inner else ("train", "test")
        series = [f"{group.file}_{kind}.parquet" for group in self.parts for kind in kinds]
        return series + sorted({group.static for group in self.parts if group.static})


def require_folder(folder: Path) -> None:
    """Raise DataError where there is no such folder."""
    if not folder.is_dir():
        raise DataError(f"no data at {folder}; set GATECAST_DATA to the folder that holds them.")


def data_folder() -> Path:
    """GATECAST_DATA, or else ../shared/data beside this project."""
    return Path(os.environ.get("GATECAST_DATA", ROOT.parent / "shared" / "data")).expanduser()
