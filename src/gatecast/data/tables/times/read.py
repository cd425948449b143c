"""Read a column of times: dates and periods in any usual spelling, with or without a time zone, or whole steps.

column -> missing cells -> the plain ISO form, if all cells have it (quick)
-> families of spellings -> readings -> the one that is regular, or a question
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from gatecast.data.labels import Spelling, write_times
from gatecast.data.tables.times.cells import fields, normal
from gatecast.data.tables.times.choice import Reading, choose
from gatecast.data.tables.times.texts import FAMILIES, Family, spelled
from gatecast.data.tables.times.whole import read_whole
from gatecast.data.tables.times.zones import zone_of_offsets, zone_with_changes
from gatecast.errors import PanelError, Part, Setting

__all__ = ["Times", "Wish", "look_like_dates", "looks_like_dates", "read_times"]

_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FORMS = {
    r"$": "%Y-%m-%d",
    r" [0-9]{2}:[0-9]{2}:[0-9]{2}$": "%Y-%m-%d %H:%M:%S",
    r" [0-9]{2}:[0-9]{2}$": "%Y-%m-%d %H:%M",
    r"T[0-9]{2}:[0-9]{2}:[0-9]{2}$": "%Y-%m-%dT%H:%M:%S",
    r"T[0-9]{2}:[0-9]{2}$": "%Y-%m-%dT%H:%M",
    r"[ T][0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,9}$": "%Y-%m-%dT%H:%M:%S%.f",
    r"[ T][0-9]{2}:[0-9]{2}:[0-9]{2}Z$": "%Y-%m-%dT%H:%M:%SZ",
}


@dataclass(frozen=True)
class Wish:
    """What the user says of times.

    Args:
        day_first: whether 01/02/2019 is 1 February.
        year_first: whether 19-02-01 is 1 February 2019.
        timezone: zone of times that name none.
        na: cells that stand for nothing.
    """

    day_first: bool | None = None
    year_first: bool | None = None
    timezone: str | None = None
    na: tuple[str, ...] = ()


@dataclass(frozen=True)
class Times:
    """The times of a table's rows.

    Args:
        values_R: (R,) int64, or datetime64[us] with NaT for what could not be read; UTC instants if there is a zone.
        zone: name of the time zone or its offset, or None.
        wrong_R: (R,) rows that hold something that is no time.
        missing_R: (R,) rows that hold nothing.
        spellings: how the table writes them, where they are no dates.
        notes: what was not obvious in reading them.
    """

    values_R: np.ndarray
    zone: str | None
    wrong_R: np.ndarray
    missing_R: np.ndarray
    spellings: tuple[Spelling, ...] = ()
    notes: list[Part] = field(default_factory=list)


def read_times(column: pl.Series, wish: Wish = Wish()) -> Times:
    """Read a column of dates, date-times, whole numbers or text.

    Raises:
        PanelError: the column may be read in several ways, or holds nothing like times.
    """
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        missing = column.is_null() | text.is_in(["", *wish.na]).fill_null(True)
        return _quick(text, missing) or _slow(text.set(missing, None), missing, wish)
    missing = column.is_null()
    if column.dtype.is_numeric():
        numbers = column if column.dtype.is_integer() else column.cast(pl.Float64).fill_nan(None)
        return _slow(numbers, numbers.is_null(), wish)
    if column.dtype not in (pl.Date, pl.Datetime):
        raise PanelError(f"column {column.name!r} holds {column.dtype}, which is no time.")
    zone = getattr(column.dtype, "time_zone", None)
    spellings = (Spelling(column.name, "date"),) if column.dtype == pl.Date else ()
    times = column.cast(pl.Datetime("us", zone))
    times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else times
    return _made(times, missing, None, spellings, zone=zone)


def _made(
    times: pl.Series,
    missing: pl.Series,
    offset: pl.Series | None,
    spellings: tuple[Spelling, ...] = (),
    notes: Sequence[Part] = (),
    zone: str | None = None,
) -> Times:
    """``times`` are UTC instants of a ``zone``, or wall times with their ``offset`` or with none."""
    wrong = (times.is_null() & ~missing).to_numpy()
    gone = missing.to_numpy()
    if times.dtype == pl.Int64:
        return Times(times.fill_null(0).to_numpy(), None, wrong, gone, spellings, list(notes))
    if offset is not None:
        instants = times - offset.cast(pl.Duration("us"))
        zone, notes = _zone_of(times, instants, offset, notes)
        times = instants
    return Times(np.asarray(times.to_numpy(), "datetime64[us]"), zone, wrong, gone, spellings, list(notes))


def _zone_of(
    times: pl.Series, instants: pl.Series, offset: pl.Series, notes: Sequence[Part]
) -> tuple[str, Sequence[Part]]:
    """The zone of one offset, or one whose clock changes explain several; else UTC."""
    alone = zone_of_offsets(offset)
    if alone is not None:
        return alone, notes
    both = pl.DataFrame({"w": times, "i": instants}).drop_nulls().unique()
    zone = zone_with_changes(both["w"].to_numpy(), both["i"].to_numpy())
    if zone is None:
        return "UTC", notes
    told = f"the offsets are those of {zone} with its clock changes ("
    return zone, [*notes, (told, Setting("timezone", zone, of="read"), ")")]


def _quick(text: pl.Series, missing: pl.Series) -> Times | None:
    """Cells that all have one plain form of ISO 8601, which one look at some of them tells."""
    sample = text.head(200).drop_nulls()
    sample = sample.filter(sample != "")
    if not len(sample) or not sample.str.contains(_ISO).all():
        return None
    for end, form in _FORMS.items():
        if not sample.str.contains(_ISO + end).all():
            continue
        exact = form.replace("T", " ") if " " in sample[0] else form
        times = text.str.to_datetime(exact, time_unit="us", strict=False)
        if times.null_count() == missing.sum() and (times.dt.year() >= 1000).all():
            zone = times.dtype.time_zone if isinstance(times.dtype, pl.Datetime) else None
            plain = times.dt.replace_time_zone(None)
            return _made(plain, missing, None, zone="UTC" if form.endswith("Z") else zone)
    return None


def _slow(cells: pl.Series, missing: pl.Series, wish: Wish) -> Times:
    """Each different cell is read once: in a panel the same dates stand in every series."""
    unique = cells.drop_nulls().unique(maintain_order=True)
    if not len(unique):
        return _made(pl.Series([None] * len(cells), dtype=pl.Datetime("us")), missing, None)
    reading, notes = _read_unique(unique, cells.name, wish)
    spelling = _kept(reading, unique, cells.name)
    times = cells.replace_strict(unique, reading.times, default=None, return_dtype=reading.times.dtype)
    offset = reading.offset
    if offset is not None:
        known = reading.times.set(offset.is_null(), None)
        times = cells.replace_strict(unique, known, default=None, return_dtype=reading.times.dtype)
        offset = cells.replace_strict(unique, offset, default=None, return_dtype=pl.Int64)
    return _made(times, missing, offset, spelling, notes)


def _kept(reading: Reading, unique: pl.Series, name: str) -> tuple[Spelling, ...]:
    """The spelling, if writing what was read gives every cell as it was."""
    if not reading.spelling or reading.times.dtype == pl.Int64:
        return ()
    known = reading.times.is_not_null()
    given, times = unique.filter(known), reading.times.filter(known).to_numpy()
    for text in dict.fromkeys((reading.spelling, reading.spelling.replace("{V}", "{v}"))):  # Week 5 beside Week 10
        spelling = Spelling(name, text, unique.dtype != pl.String)
        same = write_times(spelling, times) == (given.cast(pl.Int64, strict=False) if spelling.whole else given)
        if same.fill_null(False).all():
            return (spelling,)
    return ()


def _read_unique(unique: pl.Series, name: str, wish: Wish) -> tuple[Reading, list[Part]]:
    numbers = unique.cast(pl.Float64, strict=False) if unique.dtype == pl.String else unique
    if numbers.null_count() < len(unique) / 2:
        return _read_numbers(unique, numbers, name)
    reading = _read_texts(unique, name, wish)
    return reading, [_note(reading, unique, name)] if reading.told and reading.read else []


def _read_numbers(unique: pl.Series, numbers: pl.Series, name: str) -> tuple[Reading, list[Part]]:
    """Numbers, also in text: what is none stays null."""
    if unique.dtype == pl.String:
        whole = unique.cast(pl.Int64, strict=False)
        numbers = whole if whole.null_count() == numbers.null_count() else numbers
    known = numbers.drop_nulls()
    reading, _ = choose(read_whole(known, name), unique, name)
    times = numbers.replace_strict(known, reading.times, default=None, return_dtype=reading.times.dtype)
    made = replace(reading, times=times)
    return made, [_note(made, unique, name)] if made.told and made.read else []


def _note(reading: Reading, unique: pl.Series, name: str) -> Part:
    at = int(reading.times.is_not_null().arg_max() or 0)
    shown = str(reading.times[at]).removesuffix(" 00:00:00")
    remedy: tuple[Part, ...] = (" (", reading.setting, ")") if reading.setting is not None else ()
    return (f"column {name!r}: {unique[at]!r} is read as {shown}, {reading.words}", remedy)


# ---------------------------------------------------------------- text


def _read_texts(unique: pl.Series, name: str, wish: Wish) -> Reading:
    """Read by the families that find cells; the one that finds most chooses its reading first."""
    text = normal(unique)
    found = sorted(_found(text), key=lambda one: -one[1])
    if not found:
        return Reading(pl.Series([None] * len(unique), dtype=pl.Datetime("us")))
    family, _, parts = found[0]
    made = _chosen(family, parts, unique, name, wish)
    for other, _, rest in found[1:]:
        if made.read == len(unique):
            break
        made = _together(made, _chosen(other, rest, unique, name, wish))
    return made


def _found(text: pl.Series) -> Iterator[tuple[Family, int, pl.DataFrame]]:
    """Families with the cells that they find; a sample says which to try on all of them."""
    sample = text.head(500)
    left = len(text)
    for family in FAMILIES:
        if len(text) > len(sample) and not sample.str.contains(f"^(?:{family.pattern})$").any() and left < len(text):
            continue
        parts = fields(text, family.pattern)
        count = int(parts.select(~pl.all_horizontal(pl.all().is_null()))[:, 0].sum())
        if count:
            left -= count
            yield family, count, parts
        if left <= 0:
            return


def _chosen(family: Family, parts: pl.DataFrame, unique: pl.Series, name: str, wish: Wish) -> Reading:
    readings = list(family.readings(parts, name, wish))
    hit = parts.select(~pl.all_horizontal(pl.all().is_null()))[:, 0]
    cells = unique.filter(hit)
    shorter = [replace(one, times=one.times.filter(hit)) for one in readings]
    short, several = choose(shorter, cells, name)
    reading = readings[[one.words for one in shorter].index(short.words)]
    told = bool(family.told) or (reading.told and several)
    first = int(reading.times.is_not_null().arg_max() or 0)
    spelling = spelled(unique[first], family, reading) if reading.read else ""
    return replace(reading, spelling=spelling, told=told)


def _together(first: Reading, second: Reading) -> Reading:
    """Cells that the first does not read by the second; two spellings are no spelling."""
    times = first.times.zip_with(first.times.is_not_null(), second.times)
    if not second.read or times.null_count() == first.times.null_count():
        return first
    offset = first.offset
    if second.offset is not None:
        offset = second.offset if offset is None else offset.zip_with(offset.is_not_null(), second.offset)
    return replace(first, times=times, offset=offset, spelling="")


def looks_like_dates(text: pl.Series) -> bool:
    """Whether most of a text column reads as dates or periods (plain numbers do not count)."""
    sample = text.drop_nulls().head(200).str.strip_chars()
    sample = sample.filter(sample != "").unique(maintain_order=True)
    if not len(sample) or sample.cast(pl.Float64, strict=False).null_count() < len(sample) / 2:
        return False
    if sample.str.contains(_ISO).all():
        return True
    return bool(_in_a_family(sample).mean() > 0.5)  # type: ignore[operator]


def look_like_dates(text: pl.Series) -> pl.Series:
    """(R,) whether each cell, looked at alone, reads as a date or period; a plain number does not."""
    bare = text.str.strip_chars()
    number = bare.cast(pl.Float64, strict=False).is_not_null()
    return ~number & (bare.str.contains(_ISO) | _in_a_family(bare))


def _in_a_family(text: pl.Series) -> pl.Series:
    patterns = "|".join(f"(?:{_unnamed(family.pattern)})" for family in FAMILIES)
    return normal(text).str.contains(f"^(?:{patterns})$")


def _unnamed(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)
