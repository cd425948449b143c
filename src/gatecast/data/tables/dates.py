"""Read the times of a table: dates of any usual writing, with or without a time zone, or whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.frequency_names import DAY
from gatecast.data.tables.infer import infer_frequency
from gatecast.errors import PanelError, Setting

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Times", "looks_like_dates", "read_times"]

_YEAR_NAMES = ("year", "yr", "years", "date", "jahr")
_CLOCKS = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_WORDS = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d %b %y", "%d-%b-%Y", "%d-%b-%y", "%d-%B-%Y")
_MONTH_WORDS = ("%d %b %Y", "%d %B %Y", "%d %b-%Y", "%d %b-%y", "%d %b %y")
_OFFSET = r"\s*(Z|z|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True)
class Times:
    """The times of a table's rows.

    Args:
        values_R: (R,) int64, or datetime64[us] with NaT for what could not be read; UTC instants if there is a zone.
        zone: name of the time zone, or None.
        wrong_R: (R,) rows that hold something that is no time.
        missing_R: (R,) rows that hold nothing.
    """

    values_R: np.ndarray
    zone: str | None
    wrong_R: np.ndarray
    missing_R: np.ndarray


def read_times(column: pl.Series, day_first: bool | None = None) -> Times:
    """Read a column of dates, date-times, whole numbers or text.

    Args:
        column: a polars column.
        day_first: what 01/02/2019 is; by default the data decide.

    Raises:
        PanelError: 01/02/2019 may be read in both ways.
    """
    import polars as pl

    zone = None
    missing = column.is_null().to_numpy()
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        missing = (column.is_null() | (text == "").fill_null(True)).to_numpy()
        times, zone = _read_text(text.set(pl.Series(missing), None), column.name, day_first)
    elif column.dtype.is_numeric():
        times = _read_numbers(column)
    elif column.dtype in (pl.Date, pl.Datetime):
        zone = getattr(column.dtype, "time_zone", None)
        times = column.cast(pl.Datetime("us", zone))
    else:
        raise PanelError(f"column {column.name!r} holds {column.dtype}, which is no time.")
    wrong = times.is_null().to_numpy() & ~missing
    if times.dtype == pl.Int64:
        return Times(times.fill_null(0).to_numpy(), None, wrong, missing)
    if zone:
        times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return Times(np.asarray(times.to_numpy(), "datetime64[us]"), zone, wrong, missing)


def looks_like_dates(text: pl.Series) -> bool:
    """Whether most of a text column reads as dates (plain numbers do not count)."""
    import polars as pl

    sample = text.drop_nulls().head(200).str.strip_chars()
    if not len(sample) or sample.cast(pl.Float64, strict=False).null_count() < len(sample) / 2:
        return False
    return any(_read_unique(sample, "", order)[0].null_count() < len(sample) / 2 for order in (True, False))


def _read_numbers(column: pl.Series) -> pl.Series:
    """Whole numbers are steps, or years or dates such as 20190131 where they can be nothing else."""
    import polars as pl

    numbers = column.cast(pl.Float64)
    whole = column.cast(pl.Int64, strict=False).set((numbers != numbers.floor()).fill_null(True), None)
    return _steps_or_dates(whole, column.name)


def _steps_or_dates(whole: pl.Series, name: str) -> pl.Series:
    if not len(whole.drop_nulls()):
        return whole
    if name.lower() in _YEAR_NAMES and whole.is_between(1000, 2999).fill_null(True).all():
        return (whole.cast(str) + "-01-01").str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
    if whole.is_between(18000101, 22001231).fill_null(True).all():
        dates = (whole.cast(str)).str.to_datetime("%Y%m%d", time_unit="us", strict=False)
        if dates.null_count() == whole.null_count():
            return dates
    return whole


def _read_text(text: pl.Series, name: str, day_first: bool | None) -> tuple[pl.Series, str | None]:
    """Each different text is read once: in a panel the same dates stand in every series."""
    import polars as pl

    unique = text.drop_nulls().unique(maintain_order=True)
    whole = unique.cast(pl.Int64, strict=False)
    if len(whole) and whole.null_count() < len(whole) / 2:
        return _steps_or_dates(text.cast(pl.Int64, strict=False), name), None
    read, zone = _read_unique(unique, name, day_first)
    return text.replace_strict(unique, read, default=None, return_dtype=read.dtype), zone


def _read_unique(text: pl.Series, name: str, day_first: bool | None) -> tuple[pl.Series, str | None]:
    import polars as pl

    frame = pl.DataFrame({"text": _complete(text)})
    parts = frame.select(
        pl.col("text").str.extract_groups(
            r"^(?<a>\d{1,4})(?<sep>[-/.])(?<b>\d{1,2})[-/.](?<c>\d{1,4})[T ,]*(?<rest>.*)$"
        )
    ).unnest("text")
    parts = parts.with_columns(pl.col("a", "b", "c").cast(pl.Int64), text=frame["text"])
    order = _order(parts, name, day_first)
    clock = pl.col("rest").str.replace(_OFFSET, "").str.to_uppercase()
    clock = clock.str.replace(r"^$", "00").str.replace(r"^(\d{1,2})( [AP]M)?$", "${1}:00${2}")
    iso = parts.select(pl.format("{}-{}-{} {}", *order, clock).alias("iso"))["iso"]
    read = _first_that_fits(iso, [f"%Y-%m-%d {form}" for form in _CLOCKS])
    read = read.zip_with(read.is_not_null(), _read_words(frame["text"]))
    offset = parts["rest"].str.extract(_OFFSET)
    if offset.null_count() == len(offset):
        return read, None
    return (read - _as_duration(offset)).dt.replace_time_zone("UTC"), "UTC"


def _complete(text: pl.Series) -> pl.Series:
    """Write "2019-03", "03/2019" and "2019Q1" as full dates."""
    text = text.str.replace(r"^(\d{4})[-/.](\d{1,2})$", "${1}-${2}-01")
    text = text.str.replace(r"^(\d{1,2})[-/.](\d{4})$", "${2}-${1}-01").str.replace(r"^(\d{4})$", "${1}-01-01")
    for quarter, month in enumerate((1, 4, 7, 10), 1):
        text = text.str.replace(rf"^(\d{{4}})[- ]?[Qq]{quarter}$", f"${{1}}-{month:02}-01")
    return text


def _order(parts: pl.DataFrame, name: str, day_first: bool | None) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Which of the three fields are year, month and day."""
    import polars as pl

    a, b, c = pl.col("a"), pl.col("b"), pl.col("c")
    year_last = parts.filter((a < 32) & (c.cast(str).str.len_chars() > 0) & (b < 32))
    if day_first is None and len(year_last):
        day_first = _decide(year_last, name)
    middle, left = (b, a) if day_first else (a, b)
    century = pl.when(c >= 100).then(0).when(c < 70).then(2000).otherwise(1900)
    iso = a >= 32
    return (
        pl.when(iso).then(a).otherwise(c + century),
        pl.when(iso).then(b).otherwise(middle),
        pl.when(iso).then(c).otherwise(left),
    )


def _decide(parts: pl.DataFrame, name: str) -> bool:
    """Whether the day stands first: by dots, by a field over 12, or by the reading that makes the times regular."""
    if (parts["sep"] == ".").all():
        return True
    first_over, second_over = bool((parts["a"] > 12).any()), bool((parts["b"] > 12).any())
    if first_over or second_over:
        return first_over
    regular = [_regular(parts, day, month) for day, month in (("a", "b"), ("b", "a"))]
    if regular[0] == regular[1] and len(parts) > 1:
        example = parts["text"][0]
        raise PanelError(
            f"dates such as {example!r} in column {name!r} may have the day or the month first. Pass ",
            Setting("day_first", True, of="read"),
            " or ",
            Setting("day_first", False, of="read"),
            ".",
        )
    return regular[0]


def _regular(parts: pl.DataFrame, day: str, month: str) -> bool:
    import polars as pl

    times = np.unique(
        parts.select(pl.datetime(pl.col("c"), pl.col(month), pl.col(day)).alias("time"))["time"].to_numpy()
    )
    if len(times) < 2:
        return False
    ones = np.array([0]), np.array([len(times)])
    frequency = infer_frequency(times.astype("datetime64[us]"), *ones)
    index, on_grid = frequency.position(times[:1].astype("datetime64[us]"), times.astype("datetime64[us]"))
    return bool(on_grid.all() and (np.diff(index) == 1).all())


def _first_that_fits(text: pl.Series, formats: list[str]) -> pl.Series:
    """Each text by the first format that reads it."""
    import polars as pl

    column = pl.col(text.name)
    forms = [column.str.to_datetime(form, time_unit="us", strict=False) for form in formats]
    return text.to_frame().select(pl.coalesce(forms))[text.name]


def _read_words(text: pl.Series) -> pl.Series:
    """Dates with the month in words: "3 Jan 2019", "Jan 3, 2019", "Jan 2019", "Jan-19"."""
    import polars as pl

    plain = text.str.replace_all(",", " ").str.replace_all(r"\s+", " ")
    column = pl.col(text.name)
    days = [column.str.to_date(form, strict=False) for form in _WORDS]
    months = [("1 " + column).str.to_date(form, strict=False) for form in _MONTH_WORDS]
    # a four-digit year must not read "Jan-19" as the year 19
    forms = [pl.when(form.dt.year().is_between(1000, 2999)).then(form) for form in days + months]
    return plain.to_frame().select(pl.coalesce(forms).cast(pl.Datetime("us")))[text.name]


def _as_duration(offset: pl.Series) -> pl.Series:
    """("+02:00", "Z", null) as durations."""
    import polars as pl

    digits = offset.str.replace_all(r"[:+Zz-]", "")
    hours = digits.str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = offset.str.starts_with("-").fill_null(False).cast(pl.Int64) * -2 + 1
    return (sign * (hours * (DAY // 24) + minutes * (DAY // 1440))).cast(pl.Duration("us"))
