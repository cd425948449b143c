"""The daily boardings of the Chicago Transit Authority: from the archive to a clean table, then to a panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.examples.archive import read_archive, read_member
from gatecast.data.examples.download import fetch_once, sha256_of
from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.errors import DatasetError, listed

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DAY_TYPES", "RIDERSHIP_SHA256", "RIDERSHIP_URL", "ridership"]

RIDERSHIP_URL = "https://github.com/ageron/data/raw/main/ridership.tgz"
RIDERSHIP_SHA256 = "0ff99f3dddd886ddea161b68f25f90b56b0468f5c91949b75376fb494516c794"

# A Saturday, U Sunday or holiday, W weekday.
DAY_TYPES = ("A", "U", "W")

_ARCHIVE = "ridership.tgz"
_COLUMNS = {
    "service_date": "date",
    "day_type": "day_type",
    "bus": "bus",
    "rail_boardings": "rail",
    "total_rides": "total",
}
# Whole numbers below it are exact in float32.
_FLOAT32_EXACT = 2**24


def ridership(
    data: Path | str | None = None,
    *,
    url: str = RIDERSHIP_URL,
    sha256: str | None = RIDERSHIP_SHA256,
    folder: Path | None = None,
    download: bool = True,
) -> Panel:
    """Daily boardings of buses and trains in Chicago, 2001-01-01 to 2021-11-30: 7,639 days, in riders.

    Targets "bus" and "rail"; the future covariate "day_type" (A Saturday, U Sunday or holiday, W weekday) is one-hot.
    The archive is read in memory; the only file ever written is the downloaded copy in ``folder``.

    Args:
        data: a local copy of the archive; nothing is downloaded then.
        url: where it comes from: http, https or file.
        sha256: checksum of the archive; None takes any local archive of the same form, such as a newer one.
        folder: where the downloaded copy is kept; the user's cache folder by default.
        download: False takes the copy in ``folder`` and leaves the network alone.

    Returns:
        One series "CTA": values_RV (7639, 5) float32, the columns bus, rail, and day_type's A, U and W.

    Raises:
        DatasetError: the archive cannot be had, is another one, damaged or hostile, or its table is not as expected.

    Source: Chicago Data Portal, "CTA - Ridership - Daily Boarding Totals", as archived at github.com/ageron/data.
    """
    if data is None:
        if sha256 is None:
            raise DatasetError("a download is used only with its checksum; give sha256, or a local archive as data.")
        data = fetch_once(_ARCHIVE, url, sha256, folder, download=download)
    try:
        path = Path(data).expanduser()
    except RuntimeError as error:
        raise DatasetError(f"there is no home folder for {str(data)!r}: give the whole path.") from error
    packed = read_archive(path)
    found = sha256_of(packed)
    if sha256 is not None and found != sha256:
        raise DatasetError(
            f"{str(path)!r} is no copy of {_ARCHIVE}: its checksum differs (sha256 {found}, not {sha256}). "
            f"Get it from {url}."
        )
    return _to_panel(_clean(read_member(packed, ".csv", str(path))))


def _clean(csv: bytes) -> pl.DataFrame:
    """The columns date, day_type, bus and rail, one row for every day, in order."""
    import polars as pl

    try:
        text = pl.read_csv(csv, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DatasetError(
            f"the table in the ridership archive cannot be read: {str(error).splitlines()[0]}"
        ) from error
    missing = [name for name in _COLUMNS if name not in text.columns]
    if missing:
        raise DatasetError(
            f"the table in the ridership archive lacks {listed(missing)}; it has {listed(text.columns, 8)}."
        )
    table = _typed(text.select(list(_COLUMNS)).rename(_COLUMNS)).unique().sort("date").drop("total")
    _check_days(table["date"])
    return table


def _typed(text: pl.DataFrame) -> pl.DataFrame:
    """Dates and whole numbers; raises for every text that is none."""
    import polars as pl

    table = text.with_columns(
        pl.col("date").str.to_date("%m/%d/%Y", strict=False),
        pl.col("day_type").replace_strict(DAY_TYPES, DAY_TYPES, default=None),
        pl.col("bus", "rail", "total").cast(pl.Int64, strict=False),
    )
    faults = [
        f"{name} {value!r} (row {row + 1:,})"
        for name in table.columns
        for row, value in zip(table[name].is_null().arg_true(), text[name].filter(table[name].is_null()), strict=True)
    ]
    if faults:
        raise DatasetError(f"the table in the ridership archive has values that cannot be used: {listed(faults)}.")
    return table


def _check_days(date: pl.Series) -> None:
    """Raise for an empty table, and for days that are missing or come twice."""
    if not len(date):
        raise DatasetError("the table in the ridership archive has no rows.")
    steps = np.diff(date.to_numpy().astype("datetime64[D]").astype(np.int64))
    faults = [
        f"{date[row + 1]} {'comes twice' if steps[row] == 0 else 'follows ' + str(date[row])}"
        for row in np.flatnonzero(steps != 1).tolist()
    ]
    if faults:
        raise DatasetError(f"the table in the ridership archive is not one row per day: {listed(faults)}.")


def _to_panel(table: pl.DataFrame) -> Panel:
    day_type = Column("day_type", DAY_TYPES)
    riders_RC = table.select("bus", "rail").to_numpy()
    dtype = np.float32 if np.abs(riders_RC).max() < _FLOAT32_EXACT else np.float64
    return Panel(
        values_RV=np.hstack([riders_RC, day_type.encode(table["day_type"].to_numpy())]).astype(dtype),
        first=np.zeros(1, np.int64),
        length=np.array([len(table)], np.int64),
        ids=("CTA",),
        starts=table["date"][:1].to_numpy().astype("datetime64[us]"),
        frequency=Frequency.from_text("D"),
        schema=Schema(targets=("bus", "rail"), future=(day_type,)),
        static_NS=np.zeros((1, 0), np.float32),
        names=("unique_id", "date"),
    )
