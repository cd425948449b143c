"""Times that lie in several columns: a date and a clock, or year, month, day and hour each in its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from gatecast.data.frequency_names import HOUR, MINUTE
from gatecast.data.labels import Spelling, write_times
from gatecast.data.tables.times import words
from gatecast.data.tables.times.cells import CLOCK, fields, moment, normal, time_of_day
from gatecast.data.tables.times.choice import regularity
from gatecast.data.tables.times.read import Times, Wish, read_times
from gatecast.data.tables.times.texts import iso_weeks
from gatecast.errors import PanelError, Part, listed

__all__ = ["clock_in", "is_clock", "part_of", "parts_in", "read_together"]

_RANGES = {
    "year": (1000, 2999),
    "half": (1, 2),
    "quarter": (1, 4),
    "month": (1, 12),
    "week": (1, 53),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 59),
}
# Parts that make a time together: each chain begins with the year.
_CHAINS = (
    ("year", "month", "day", "hour", "minute", "second"),
    ("year", "quarter"),
    ("year", "half"),
    ("year", "week"),
)


def part_of(column: pl.Series) -> str | None:
    """Which part of a time a column holds, by its name and its cells; None for none."""
    plain = words.plain_name(column.name)
    for part, names in words.PART_NAMES.items():
        if plain in names:
            return part if _fits(column, part) else None
    return None


def _fits(column: pl.Series, part: str) -> bool:
    sample = column.drop_nulls().head(1000)
    if not len(sample) or sample.dtype.is_temporal():
        return False
    low, high = _RANGES[part]
    return bool(_numbers(sample, part).is_between(low, high).fill_null(False).all())


def _numbers(column: pl.Series, part: str) -> pl.Series:
    """The whole numbers of a part; months also in words, quarters also as Q1."""
    if column.dtype != pl.String:
        return column.cast(pl.Int64, strict=False)
    text = normal(column)
    text = text.str.strip_chars("@") if part == "month" else text
    if part in ("quarter", "half", "week", "month"):
        text = text.str.replace(r"^(?:q|h|s|w|m|kw)\.? ?([0-9]{1,2})$", "$1")
    return text.str.strip_suffix(".0").cast(pl.Int64, strict=False)


def parts_in(columns: Sequence[pl.Series]) -> tuple[str, ...]:
    """The columns that hold year, month, day, hour ... of one time, the longest chain; () without year and one more."""
    held = {part: column.name for column in reversed(columns) if (part := part_of(column))}
    best: tuple[str, ...] = ()
    for chain in _CHAINS:
        found: list[str] = []
        for part in chain:
            if part not in held:
                break
            found.append(held[part])
        best = tuple(found) if len(found) > max(1, len(best)) else best
    return best


def is_clock(column: pl.Series) -> bool:
    """Whether a column holds times of day and no dates."""
    if column.dtype == pl.Time:
        return True
    if column.dtype != pl.String:
        return False
    sample = column.drop_nulls().head(200).str.strip_chars()
    numbers = bool(sample.str.contains(r"^[0-9]{1,2}\.[0-9]{2}$").all())  # 12.30 is a price as well
    dates = bool(sample.str.contains(r"^[0-9]{1,2}\.[0-9]{2}\.[0-9]{2}$").any())  # as 09.07.30 is a date
    return (
        bool(len(sample))
        and not (numbers and not words.called_like_a_time(column.name))
        and not (dates and words.plain_name(column.name) not in words.CLOCK_NAMES)
        and bool(sample.str.contains(r"^[0-9]{1,2}[:.h][0-9]{2}").all())
        and _clock(sample).null_count() == 0
    )


def clock_in(columns: Sequence[pl.Series]) -> str | None:
    """The column that holds the time of day: texts such as 13:00, or whole hours in a column called so."""
    clocks = [column.name for column in columns if is_clock(column)]
    hours = [column.name for column in columns if part_of(column) == "hour"]
    return next(iter([*clocks, *hours]), None)


def _clock(column: pl.Series) -> pl.Series:
    """Microseconds since midnight of times of day; null for what is none."""
    if column.dtype == pl.Time:
        return column.cast(pl.Duration("us")).cast(pl.Int64)
    if column.dtype != pl.String or part_of(column) == "hour":
        hours = _numbers(column, "hour")
        return (hours - int((hours.max() or 0) == 24)) * HOUR
    unique = column.drop_nulls().unique(maintain_order=True)
    parts = fields("t" + normal(unique), CLOCK)
    read = time_of_day(parts).set(parts["H"].is_null(), None)
    return column.replace_strict(unique, read, default=None, return_dtype=pl.Int64)


def read_together(columns: Sequence[pl.Series], wish: Wish) -> Times:
    """Read the columns of one time: a date and a clock, or the parts of a date.

    Raises:
        PanelError: they are neither.
    """
    parts = {part_of(column): column for column in columns}
    if "year" in parts and None not in parts and len(parts) == len(columns):
        return _from_parts({str(part): column for part, column in parts.items()})
    dated, clocks = columns[0], columns[1:]
    if len(clocks) == 1 and (is_clock(clocks[0]) or part_of(clocks[0]) == "hour"):
        return _with_clock(_dates(dated, clocks[0], wish), dated, clocks[0])
    names = listed([repr(column.name) for column in columns])
    raise PanelError(f"columns {names} make no time together: give a date and a clock, or year, month, day and so on.")


def _dates(dated: pl.Series, clock: pl.Series, wish: Wish) -> Times:
    """The dates; where two readings of them fit, the one that is regular together with the clock."""
    try:
        return read_times(dated, wish)
    except PanelError as error:
        if not any(remedy["setting"] == "day_first" for remedy in error.remedies):
            raise
        ways = [read_times(dated, replace(wish, day_first=way)) for way in (True, False)]
        marks = [regularity(pl.Series(_with_clock(way, dated, clock).values_R)) for way in ways]
        if marks[0] == marks[1] or max(marks) < 1:
            raise
        return ways[int(marks[1] > marks[0])]


def _with_clock(times: Times, dated: pl.Series, clock: pl.Series) -> Times:
    passed = _clock(clock)
    if times.values_R.dtype.kind != "M":
        raise PanelError(f"column {dated.name!r} holds steps and {clock.name!r} times of day; a date is needed.")
    values_R = times.values_R + passed.fill_null(0).to_numpy().astype("timedelta64[us]")
    wrong_R = times.wrong_R | (passed.is_null() & clock.is_not_null()).to_numpy()
    missing_R = times.missing_R | clock.is_null().to_numpy()
    note = f"columns {dated.name!r} and {clock.name!r} together are the time"
    days = () if times.zone or wrong_R.any() or missing_R.any() else _spellings(times, dated, clock, values_R)
    return replace(
        times, values_R=values_R, wrong_R=wrong_R, missing_R=missing_R, spellings=days, notes=[*times.notes, note]
    )


def _spellings(times: Times, dated: pl.Series, clock: pl.Series, values_R: np.ndarray) -> tuple[Spelling, ...]:
    """How date and clock are written, if writing gives the same cells."""
    cell, hour = str(dated[0]), str(clock[0])
    whole = clock.dtype != pl.String
    forms = (
        ["{L}" if whole and clock.max() == 24 else "{K}"] if part_of(clock) == "hour" else ["{H}:{M}:{S}", "{H}:{M}"]
    )
    first = times.spellings or [
        Spelling(dated.name, text) for text in _date_forms(cell) if _same(Spelling(dated.name, text), dated, values_R)
    ]
    second = [
        Spelling(clock.name, text, whole) for text in forms if _same(Spelling(clock.name, text, whole), clock, values_R)
    ]
    return (first[0], second[0]) if first and second and hour else ()


def _date_forms(cell: str) -> list[str]:
    sep = next((sign for sign in cell if not sign.isdigit()), "-")
    orders = ("{Y}-{m}-{d}", "{d}-{m}-{Y}", "{m}-{d}-{Y}", "{e}-{n}-{Y}", "{n}-{e}-{Y}", "{Y}-{n}-{e}", "{d}-{m}-{y}")
    return ["date", *(order.replace("-", sep) for order in orders)]


def _same(spelling: Spelling, column: pl.Series, values_R: np.ndarray) -> bool:
    if spelling.text == "date" and column.dtype != pl.Date:
        return False
    if spelling.text != "date" and column.dtype in (pl.Date, pl.Datetime, pl.Time):
        return False
    written = write_times(spelling, values_R)
    return bool((written == column.cast(written.dtype, strict=False)).fill_null(False).all())


def _from_parts(parts: dict[str, pl.Series]) -> Times:
    frame = pl.DataFrame({part: _numbers(column, part) for part, column in parts.items()})
    given = pl.DataFrame({part: column.is_not_null() for part, column in parts.items()})
    missing_R = (~given.select(pl.all_horizontal(pl.all()))[:, 0]).to_numpy()
    times = _moments(frame)
    ending = "hour" in parts and (frame["hour"].max() or 0) == 24
    times = times - pl.Series([HOUR if ending else 0]).cast(pl.Duration("us"))
    wrong_R = times.is_null().to_numpy() & ~missing_R
    values_R = times.to_numpy().astype("datetime64[us]")
    names = listed([repr(column.name) for column in parts.values()], 9)
    notes: list[Part] = [f"columns {names} together are the time"]
    spellings = () if wrong_R.any() or missing_R.any() else _part_spellings(parts, values_R, ending)
    return Times(values_R, None, wrong_R, missing_R, spellings, notes)


def _moments(frame: pl.DataFrame) -> pl.Series:
    held = frame.columns
    year, one, none = pl.col("year"), pl.lit(1), pl.lit(0)
    if "week" in held:
        return iso_weeks(frame, year, pl.col("week"))
    month = pl.col("month") if "month" in held else one
    month = pl.col("quarter") * 3 - 2 if "quarter" in held else pl.col("half") * 6 - 5 if "half" in held else month
    date = moment(year, month, pl.col("day") if "day" in held else one)
    clock = [pl.col(part) if part in held else none for part in ("hour", "minute", "second")]
    passed = clock[0] * HOUR + clock[1] * MINUTE + clock[2] * (MINUTE // 60)
    return frame.select((date + passed.cast(pl.Duration("us"))).alias("t"))["t"]


def _part_spellings(parts: dict[str, pl.Series], values_R: np.ndarray, ending: bool) -> tuple[Spelling, ...]:
    """One spelling for each column; none where one of them cannot be written as it came."""
    marks = {
        "year": ("{G}" if "week" in parts else "{Y}",),
        "half": ("{h}",),
        "quarter": ("{q}", "Q{q}"),
        "month": ("{n}", "{m}"),
    }
    marks |= {"week": ("{v}", "{V}"), "day": ("{e}", "{d}"), "hour": ("{L}",) if ending else ("{K}", "{H}")}
    marks |= {"minute": ("{I}", "{M}"), "second": ("{X}", "{S}")}
    made = []
    for part, column in parts.items():
        whole = column.dtype != pl.String
        fitting = (Spelling(column.name, text, whole) for text in marks[part])
        found = next(
            (one for one in fitting if (not one.whole or "Q" not in one.text) and _same(one, column, values_R)), None
        )
        if found is None:
            return ()
        made.append(found)
    return tuple(made)
