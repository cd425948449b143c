"""Times in text: each family of spellings is one pattern, with the readings that it allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from gatecast.data.frequency_names import DAY
from gatecast.data.tables.times import words
from gatecast.data.tables.times.cells import CLOCK, full_year, moment, offset_of, time_of_day
from gatecast.data.tables.times.choice import Reading
from gatecast.errors import Setting

if TYPE_CHECKING:
    from gatecast.data.tables.times.read import Wish

__all__ = ["FAMILIES", "Family", "iso_weeks", "spelled"]

_YEAR = r"(?P<y>[0-9]{4})"
_ANY_YEAR = r"(?P<y>[0-9]{4}|[0-9]{2})"
_GAP = r"[ ._/,':-]*"


@dataclass(frozen=True)
class Family:
    """Spellings that one pattern finds.

    Args:
        pattern: for cells as ``cells.normal`` makes them.
        readings: the ways to read its groups; its arguments are the groups, the column's name and what the user says.
        told: what these are called where it is said how a column was read; "" says nothing.
    """

    pattern: str
    readings: Callable[[pl.DataFrame, str, Wish], Iterator[Reading]]
    told: str = ""


def _date(parts: pl.DataFrame, year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Series:
    return parts.select(moment(year, month, day).alias("t"))["t"]


def _with_clock(parts: pl.DataFrame, date: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Dates with their time of day, and the offsets, if the cells have any."""
    clock = time_of_day(parts)
    moved = (date + clock.cast(pl.Duration("us"))).alias("t")
    zone = parts["zone"]
    if zone.null_count() == len(zone) or _is_span(zone):
        return moved, None
    return moved, offset_of(zone)


def _is_span(zone: pl.Series) -> bool:
    """00:00-01:00, 01:00-02:00: what looks like an offset is the end of the hour, for it differs in every row."""
    return zone.n_unique() > 6 or bool((zone.str.extract(r"^[+-]([0-9]{2})").cast(pl.Int64) > 14).any())


# ---------------------------------------------------------------- dates of three numbers

MONTHS = 12
_ORDERS = {"ymd": "the year first", "dmy": "the day first", "mdy": "the month first", "ydm": "the year, then the day"}


def _numbers(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    whole = {key: pl.col(key).cast(pl.Int64) for key in "abc"}
    four = parts.select(pl.col("a").str.len_chars().max().alias("a"), pl.col("c").str.len_chars().max().alias("c"))
    year_first, year_last = (four["a"][0] or 0) > 2, (four["c"][0] or 0) > 2
    dotted = bool((parts["sep"] == ".").fill_null(True).all())
    day_second = bool(parts.select((whole["b"].max() > MONTHS) & (whole["c"].max() <= MONTHS))[0, 0])
    for order in _orders(year_first, year_last, day_second, wish):
        place = dict(zip(order, "abc", strict=True))
        date = _date(parts, full_year(place["y"]), whole[place["m"]], whole[place["d"]])
        times, offset = _with_clock(parts, date)
        rank = {"ydm": 2, "dmy": 0 if dotted else 1}.get(order, 1)
        setting = (
            Setting("year_first", True, of="read")
            if order[0] == "y"
            else Setting("day_first", order == "dmy", of="read")
        )
        yield Reading(times, _ORDERS[order], rank, setting=setting, offset=offset, told=not year_first and not dotted)


def _orders(year_first: bool, year_last: bool, day_second: bool, wish: Wish) -> tuple[str, ...]:
    """The orders of year, month and day that may be."""
    days = {None: ("dmy", "mdy"), True: ("dmy",), False: ("mdy",)}[wish.day_first]
    if year_first or (wish.year_first and not year_last):
        if wish.day_first is None:  # what begins with the year goes on as ISO 8601 has it, unless it cannot
            return ("ydm",) if day_second else ("ymd",)
        return ("ydm",) if wish.day_first else ("ymd",)
    return days if year_last or wish.year_first is False or wish.day_first is not None else ("ymd", *days)


_THREE = (
    r"(?P<a>[0-9]{1,4}) ?(?P<sep>[-/. ]) ?(?P<b>[0-9]{1,2}) ?[-/. ] ?(?P<c>[0-9]{4}|[0-9]{1,2})\.?"
    rf"(?:{CLOCK})?"
)


def _packed(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    """20240131T1200: as ISO 8601 has it without signs."""
    date = _date(parts, *(pl.col(key).cast(pl.Int64) for key in "ymd"))
    times, offset = _with_clock(parts, date)
    yield Reading(times, "dates", offset=offset)


_PACKED = (
    r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})[t _-](?P<H>[0-9]{2}):?(?P<M>[0-9]{2})?:?(?P<S>[0-9]{2})?"
    r"(?:\.(?P<f>[0-9]{1,9}))?(?P<half>[ap]m)? ?(?P<zone>z|utc|[+-][0-9]{2}:?[0-9]{2})?"
)


# ---------------------------------------------------------------- months in words


def _named_day(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    date = _date(parts, full_year("y"), pl.col("m").cast(pl.Int64), pl.col("d").cast(pl.Int64))
    times, offset = _with_clock(parts, date)
    yield Reading(times, "dates", offset=offset)


def _named_month(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    yield Reading(_date(parts, full_year("y"), pl.col("m").cast(pl.Int64), pl.lit(1)), "months")


_TH = r"(?:st|nd|rd|th|er|º|o)?"
_DE = r"(?: ?(?:de|of|del) ?)?"
_TEXT_DAY = rf"(?P<d>[0-9]{{1,2}}){_TH}{_GAP}{_DE}@(?P<m>[0-9]{{2}})@{_GAP}{_DE}{_ANY_YEAR}(?:{CLOCK})?"
_TEXT_DAY_2 = rf"@(?P<m>[0-9]{{2}})@{_GAP}(?P<d>[0-9]{{1,2}}){_TH}(?:,? |[-/]|,){_ANY_YEAR}(?:{CLOCK})?"
_TEXT_DAY_3 = rf"{_YEAR}{_GAP}@(?P<m>[0-9]{{2}})@{_GAP}(?P<d>[0-9]{{1,2}})(?:{CLOCK})?"
# "Mon Jan 01 00:00:00 2024", as C writes it
_TEXT_DAY_4 = (
    r"@(?P<m>[0-9]{2})@ (?P<d>[0-9]{1,2}) (?P<H>[0-9]{2}):(?P<M>[0-9]{2}):(?P<S>[0-9]{2})(?P<f>x)?(?P<half>x)? ?"
    r"(?P<zone>z|utc|gmt)? (?P<y>[0-9]{4})"
)
_TEXT_MONTH = rf"@(?P<m>[0-9]{{2}})@{_GAP}{_DE}{_ANY_YEAR}"
_TEXT_MONTH_2 = rf"{_YEAR}{_GAP}@(?P<m>[0-9]{{2}})@"


# ---------------------------------------------------------------- a year and one more number


def _pair(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    """2024-01: a month; 2000-01, 2001-02: years that begin in one and end in the next; 2024-16 may be a week."""
    year, second = pl.col("y").cast(pl.Int64), pl.col("b").cast(pl.Int64)
    wide = bool((parts["b"].str.len_chars() == 2).fill_null(True).all())
    sep = (parts["sep"].drop_nulls().head(1).to_list() or ["-"])[0]
    if "week" not in words.plain_name(name):
        yield Reading(_date(parts, year, second, pl.lit(1)), "months", 0)
    if wide:
        follows = parts.select(((year + 1) % 100 == second).fill_null(True).alias("f"))["f"]
        fiscal = _date(parts, pl.when(follows).then(year), pl.lit(1), pl.lit(1))
        yield Reading(fiscal, "years over two calendar years", 1, f"{{Y}}{sep}{{F}}", told=True)
    rank = 0 if words.plain_name(name) in words.PART_NAMES["week"] or "week" in words.plain_name(name) else 2
    yield Reading(iso_weeks(parts, year, second), "ISO weeks", rank, f"{{G}}{sep}{{V}}", told=True)


def iso_weeks(parts: pl.DataFrame, year: pl.Expr, week: pl.Expr) -> pl.Series:
    """The Mondays of ISO weeks; null for a week 53 that the year does not have."""
    fourth = moment(year, pl.lit(1), pl.lit(4))
    monday = fourth - pl.duration(days=fourth.dt.weekday().cast(pl.Int64) - 1)
    begin = monday + pl.duration(weeks=week - 1)
    sound = week.is_between(1, 53) & (begin.dt.iso_year() == year)
    return parts.select(pl.when(sound).then(begin).cast(pl.Datetime("us")).alias("t"))["t"]


def _pair_last(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    year, first = pl.col("y").cast(pl.Int64), pl.col("b").cast(pl.Int64)
    yield Reading(_date(parts, year, first, pl.lit(1)), "months", 0)
    rank = -1 if "week" in words.plain_name(name) or words.plain_name(name) in words.PART_NAMES["week"] else 2
    yield Reading(iso_weeks(parts, year, first), "ISO weeks", rank, told=True)


def _fiscal(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    year, then = pl.col("y").cast(pl.Int64), pl.col("b").cast(pl.Int64)
    sep = (parts["sep"].drop_nulls().head(1).to_list() or ["/"])[0]
    begin = pl.when((then == year + 1).fill_null(True)).then(year)
    yield Reading(_date(parts, begin, pl.lit(1), pl.lit(1)), "years over two calendar years", 0, f"{{Y}}{sep}{{N}}")


def _years(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    yield Reading(_date(parts, full_year("y"), pl.lit(1), pl.lit(1)), "years")


def _quarters(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    quarter = pl.col("q").cast(pl.Int64)
    yield Reading(_date(parts, full_year("y"), quarter * 3 - 2, pl.lit(1)), "quarters")


def _halves(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    half = pl.col("h").cast(pl.Int64)
    yield Reading(_date(parts, full_year("y"), half * 6 - 5, pl.lit(1)), "half years")


def _weeks(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    monday = iso_weeks(parts, full_year("y"), pl.col("w").cast(pl.Int64))
    if "u" in parts.columns:
        days = parts.select(((pl.col("u").cast(pl.Int64).fill_null(1) - 1) * DAY).cast(pl.Duration("us")).alias("u"))
        times, offset = _with_clock(parts, (monday + days["u"]).alias("t"))
        yield Reading(times, "days of ISO weeks", offset=offset)
    else:
        yield Reading(monday, "ISO weeks")


def _month_codes(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    yield Reading(_date(parts, full_year("y"), pl.col("m").cast(pl.Int64), pl.lit(1)), "months")


def _ordinal(parts: pl.DataFrame, name: str, wish: Wish) -> Iterator[Reading]:
    day = pl.col("o").cast(pl.Int64)
    begin = moment(pl.col("y").cast(pl.Int64), pl.lit(1), pl.lit(1))
    there = begin + pl.duration(days=day - 1)
    sound = day.is_between(1, 366) & (there.dt.year() == begin.dt.year())  # 366 in leap years alone
    date = pl.when(sound).then(there).cast(pl.Datetime("us"))
    yield Reading(parts.select(date.alias("t"))["t"], "days of the year")


_TH_Q = r"(?:\.|st|nd|rd|th|er|e|º|°)? ?"
_Q, _H, _W = words.QUARTER, words.HALF, words.WEEK
_FY = r"(?:fy|gj|ej|ay) ?'?"

FAMILIES: tuple[Family, ...] = (
    Family(_THREE, _numbers),
    Family(_PACKED, _packed),
    Family(_TEXT_DAY, _named_day),
    Family(_TEXT_DAY_2, _named_day),
    Family(_TEXT_DAY_3, _named_day),
    Family(_TEXT_DAY_4, _named_day),
    Family(_TEXT_MONTH, _named_month),
    Family(_TEXT_MONTH_2, _named_month),
    Family(rf"{_YEAR} ?(?P<sep>[-/. ]) ?(?P<b>[0-9]{{1,2}})", _pair),
    Family(rf"(?P<b>[0-9]{{1,2}}) ?[-/. ] ?{_YEAR}", _pair_last),
    Family(rf"{_YEAR} ?(?P<sep>[-/]) ?(?P<b>[0-9]{{4}})", _fiscal),
    Family(_YEAR, _years),
    Family(rf"{_FY}(?P<y>[0-9]{{4}}|[0-9]{{2}})", _years, "years"),
    Family(rf"(?:{_FY})?{_ANY_YEAR}{_GAP}{_Q}\.? ?(?P<q>[1-4])", _quarters, "quarters"),
    Family(rf"{_Q}\.? ?(?P<q>[1-4]){_GAP}(?:of )?(?:{_FY})?{_ANY_YEAR}", _quarters, "quarters"),
    Family(rf"(?P<q>[1-4]){_TH_Q}{_Q}{_GAP}(?:of |de )?(?:{_FY})?{_ANY_YEAR}", _quarters, "quarters"),
    Family(rf"(?:{_FY})?{_ANY_YEAR}{_GAP}{_H}\.? ?(?P<h>[12])", _halves, "half years"),
    Family(rf"{_H}\.? ?(?P<h>[12]){_GAP}(?:of )?(?:{_FY})?{_ANY_YEAR}", _halves, "half years"),
    Family(rf"(?P<h>[12]){_TH_Q}{_H}{_GAP}(?:of |de )?(?:{_FY})?{_ANY_YEAR}", _halves, "half years"),
    Family(rf"{_YEAR}{_GAP}{_W}\.? ?-?(?P<w>[0-9]{{1,2}})", _weeks, "ISO weeks"),
    Family(rf"{_YEAR}-?w(?P<w>[0-9]{{2}})-?(?P<u>[1-7])(?:{CLOCK})?", _weeks, "days of ISO weeks"),
    Family(rf"{_W}\.? ?-?(?P<w>[0-9]{{1,2}}){_GAP}(?:of )?{_ANY_YEAR}", _weeks, "ISO weeks"),
    Family(rf"(?P<w>[0-9]{{1,2}})\.? ?{_W}{_GAP}{_ANY_YEAR}", _weeks, "ISO weeks"),
    Family(rf"{_YEAR}{_GAP}m(?:onth)? ?(?P<m>[0-9]{{1,2}})", _month_codes),
    Family(rf"m(?:onth)? ?(?P<m>[0-9]{{1,2}}){_GAP}{_YEAR}", _month_codes),
    Family(rf"{_YEAR}-(?P<o>[0-9]{{3}})", _ordinal),
)


def spelled(cell: str, family: Family, reading: Reading) -> str:
    """The spelling of a cell with a mark for each group of its family; "" where dates will do."""
    if reading.spelling or not family.told:
        return reading.spelling
    found = re.fullmatch(family.pattern.replace(r"\pL", "a-z"), cell.strip().lower())
    if found is None:
        return ""
    marks = {"y": "G" if "w" in found.groupdict() else "Y", "q": "q", "h": "h", "w": "V", "u": "u"}
    text, end = "", 0
    for group in sorted((g for g, value in found.groupdict().items() if value is not None), key=found.start):
        mark = _short(marks.get(group, ""), found[group])
        text += cell.strip()[end : found.start(group)] + f"{{{mark}}}"
        end = found.end(group)
    return text + cell.strip()[end:] if "{}" not in text else ""


def _short(mark: str, digits: str) -> str:
    """The mark for as few digits as the cell has."""
    if mark in ("Y", "G") and len(digits) == 2:
        return {"Y": "y", "G": "g"}[mark]
    return "v" if mark == "V" and len(digits) == 1 else mark
