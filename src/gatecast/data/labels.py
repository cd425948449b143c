"""How a table writes its times, so that they go out as they came in: 2024Q1, 2024-W16, 202401, 2000/01.

A spelling is a text with marks, one for each part of a time: "{Y}Q{q}" writes 2024Q1. It is kept only where writing
what was read gives the very cells of the table; else times go out as dates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frequency import to_wall, zone_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PLAIN", "Labels", "Spelling", "write_times"]

_PERIODS = re.compile(r"\{[qhVvFN]\}")  # what a date does not say
_MARKS = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Spelling:
    """How one column of a table writes times.

    Args:
        column: its name.
        text: the spelling, such as "{Y}Q{q}"; "date" stands for dates without a time of day.
        whole: whether the cells are whole numbers, not text.
    """

    column: str
    text: str
    whole: bool = False


@dataclass(frozen=True)
class Labels:
    """How the series and times of a table are written where they go out again.

    Args:
        times: spellings of the columns that make up the time; none: one column of dates or steps.
        keys: the columns that name a series, where they are several.
        values: what the table holds for each series, by its name: numbers where the table has numbers, and a value for
            each of ``keys``; empty where that is the name.
        offset: "+05:30" where the source writes times at this offset that are kept in UTC.
    """

    times: tuple[Spelling, ...] = ()
    keys: tuple[str, ...] = ()
    values: tuple[tuple[str, Any], ...] = ()
    offset: str = ""

    def columns(self, names: tuple[str, str], columns: dict[str, Any], times: Any) -> dict[str, Any]:
        """The columns of a long table with series and times as the source has them."""
        made: dict[str, Any] = {}
        for name, column in columns.items():
            if name == names[0]:
                made |= self._series(name, column)
            elif name == names[1]:
                made |= {s.column: write_times(s, np.asarray(column)) for s in self.times} or {name: self._there(times)}
            else:
                made[name] = column
        return made

    def _there(self, times: Any) -> Any:
        """A column of instants at the offset of the source."""
        return times.dt.convert_time_zone(zone_of(self.offset)) if self.offset else times

    def _series(self, name: str, column: Any) -> dict[str, Any]:
        known = dict(self.values)
        if not known:
            return {name: column}
        held = [known.get(str(item), item) for item in column]
        if not self.keys:
            return {name: _array(held)}
        return {key: _array([value[k] for value in held]) for k, key in enumerate(self.keys)}

    def text(self, time: Any) -> str | None:
        """One stored time as the table writes it, for quarters, weeks and the like; None where a date will do."""
        if self.offset:
            wall = to_wall(np.asarray(time)[None], self.offset)[0]
            return str(wall.astype("datetime64[m]")).replace("T", " ")
        if len(self.times) != 1 or not _PERIODS.search(self.times[0].text):
            return None
        return str(write_times(self.times[0], np.asarray(time)[None])[0])


PLAIN = Labels()


def _array(values: list[Any]) -> Any:
    import polars as pl

    return pl.Series(values, strict=False)


def write_times(spelling: Spelling, times_R: np.ndarray) -> pl.Series:
    """Stored times (R,) in a spelling."""
    import polars as pl

    column = pl.Series("t", np.asarray(times_R, "datetime64[us]"))
    if spelling.text == "date":
        return column.cast(pl.Date)
    marks = _MARKS.findall(spelling.text)
    written = column.to_frame().select(
        pl.format(_MARKS.sub("{}", spelling.text), *(_part(mark) for mark in marks)).alias("t")
    )["t"]
    return written.cast(pl.Int64) if spelling.whole else written


def _part(mark: str) -> pl.Expr:
    """A part of the times in column "t", as text."""
    import polars as pl

    time, text = pl.col("t"), pl.String
    month = time.dt.month()
    numbers = {
        "q": (month + 2) // 3,
        "h": (month + 5) // 6,
        "n": month,
        "e": time.dt.day(),
        "v": time.dt.week(),
        "u": time.dt.weekday(),
        "N": time.dt.year() + 1,
        "K": time.dt.hour(),
        "L": time.dt.hour() + 1,
        "I": time.dt.minute(),
        "X": time.dt.second(),
    }
    if mark in numbers:
        return numbers[mark].cast(text)
    if mark == "F":
        return ((time.dt.year() + 1) % 100).cast(text).str.zfill(2)
    return time.dt.strftime(f"%{mark}")
