"""Tables whose columns are times, one row to a series, turned into long ones.

KPI      Jan-22  Feb-22  Mar-22            KPI      time    value
Revenue     400     405     410     ->     Revenue  Jan-22    400
Orders       90      95     101            Revenue  Feb-22    405   ...
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl

from gatecast.data.tables.numerals import Hints, Numerals, read_numerals
from gatecast.data.tables.roles.columns import Roles, check_names
from gatecast.data.tables.roles.looks import Looks
from gatecast.data.tables.shapes.table import Table
from gatecast.data.tables.times.read import look_like_dates
from gatecast.data.tables.times.words import TOTALS
from gatecast.errors import PanelError, Part, listed

__all__ = ["turned"]

_FEWEST = 3  # columns that are times; fewer may be called so by chance
_CLOCK = re.compile(r"^[0-2]?\d[:h][0-5]\d(?::[0-5]\d)?$")
_YEAR = re.compile(r"^(?:1[5-9]|20|21)\d\d(?:\.0)?$")
_PACKED = re.compile(r"^(?:19|20)\d\d(?:\.?(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])[0-3]\d)$")
_TOLD = 3  # rows of which is said how their numbers were read
_EACH = 2000  # rows whose numbers are read row by row, each with habits of its own


def turned(table: Table, given: Roles, hints: Hints) -> tuple[Table, Roles]:
    """The long table, with its roles, of one whose columns are times; any other as it is."""
    frame = table.frame
    if frame.width < _FEWEST:
        return table, given
    dated = _times(frame.columns)
    if set(dated) & set(given.taken):
        return table, given
    clocks = [name for name in frame.columns if _CLOCK.match(name.strip())]
    if len(clocks) >= _FEWEST and not set(clocks) & set(given.taken):
        return _with_clocks(table, given, hints, clocks)
    others = [name for name in frame.columns if name not in dated]
    if len(dated) < _FEWEST or len(dated) < len(others) or given.past or given.future:
        return table, given
    looks = Looks(frame.select(others), hints) if others else None
    if looks and looks.all_of(others, "date"):
        return table, given
    keys, notes = _keys(frame, others, looks, given)
    rows = _wanted(frame, keys, given)
    if given.targets and len(rows) == frame.height:
        check_names(given.targets, frame.columns)
    long, read = _long(frame[rows.tolist()], keys, dated, hints)
    numbers = np.repeat(table.row_R[rows], len(dated))
    told = f"the columns {dated[0]!r} to {dated[-1]!r} are times: each row is a series"
    made = Table(
        long,
        table.backend,
        table.file,
        1,
        table.decimal_comma,
        numbers,
        (*table.notes, told, *notes, *read),
        table.exact,
        True,
    )
    value = long.columns[-1]
    return made, Roles(keys, (long.columns[-2],), (value,), named_target=given.named_target)


def _with_clocks(table: Table, given: Roles, hints: Hints, clocks: list[str]) -> tuple[Table, Roles]:
    """The long table of one with a day to a row and its hours side by side."""
    others = [name for name in table.frame.columns if name not in clocks]
    looks = Looks(table.frame.select(others), hints)
    dates = given.time or tuple(looks.all_of(others, "date"))
    if len(dates) != 1 or {"clock", "value"} & set(others):
        return table, given
    series = given.series or tuple(looks.all_of(others, "word"))
    long = table.frame.unpivot(clocks, index=[*series, *dates], variable_name="clock", value_name="value")
    told = f"the columns {clocks[0]!r} to {clocks[-1]!r} are times of day"
    rows = np.tile(table.row_R, len(clocks))
    made = replace(table, frame=long, rows=rows, notes=(*table.notes, told), turned=True)
    return made, Roles(series, (*dates, "clock"), ("value",))


def _times(names: list[str]) -> list[str]:
    """The names that are times."""
    spelled = look_like_dates(pl.Series(names, dtype=pl.String))
    return [name for name, found in zip(names, spelled, strict=True) if _is_time(name.strip(), found)]


def _is_time(name: str, spelled: bool) -> bool:
    plain = _YEAR.match(name) or _PACKED.match(name)
    return bool(plain) or (spelled and any(sign.isdigit() for sign in name))


def _keys(
    frame: pl.DataFrame, others: list[str], looks: Looks | None, given: Roles
) -> tuple[tuple[str, ...], list[Part]]:
    """The columns that name a row, and what is said of the others."""
    if looks is None:
        return (), []
    totals = [name for name in others if re.match(TOTALS, name.strip(), re.IGNORECASE)]
    keys = given.series or tuple(
        name for name in looks.all_of(others, "word") if name not in totals and frame[name].null_count() < frame.height
    )
    if not given.series and frame.height > 1:
        free = [n for n in others if n not in (*keys, *totals) and looks.may_name(n) and not looks.counts_rows(n)]
        keys = _telling(frame, keys, free)
    unused = [repr(name) for name in others if name not in keys and name]
    return keys, [f"column {listed(unused)} is no time and is left out"] if unused else []


def _telling(frame: pl.DataFrame, keys: tuple[str, ...], free: list[str]) -> tuple[str, ...]:
    """The keys, with the fewest of the other columns that tell all rows apart; the keys alone where none do."""
    for count in range(min(len(free), 3) + 1):
        for more in combinations(free, count):
            if (keys or more) and frame.select(*keys, *more).n_unique() == frame.height:
                return tuple(name for name in frame.columns if name in (*keys, *more))
    return keys


def _wanted(frame: pl.DataFrame, keys: tuple[str, ...], given: Roles) -> np.ndarray:
    """All rows, or those whose names were given as targets."""
    every = np.arange(frame.height)
    for key in keys:
        named = frame[key].cast(pl.String).is_in(list(given.targets)).fill_null(False).to_numpy()
        if given.targets and named.any():
            return every[named]
    return every


def _long(
    frame: pl.DataFrame, keys: tuple[str, ...], dated: list[str], hints: Hints
) -> tuple[pl.DataFrame, list[Part]]:
    """One row for each cell, row by row; and how the numbers of the rows were read."""
    time = "time" if "time" not in keys else "time of the column"
    value = "value" if "value" not in keys else "value of the cell"
    cells = frame.select(pl.col(dated).cast(pl.String)) if _mixed(frame, dated) else frame.select(dated)
    names = [" · ".join(map(str, row)) for row in frame.select(keys).iter_rows()] if keys else [""] * frame.height
    by_row = _by_row(cells, names, hints)
    columns = [frame[key].gather(np.repeat(np.arange(frame.height), len(dated)).tolist()) for key in keys]
    times = pl.Series(time, dated * frame.height)
    if by_row is None:
        values = cells.transpose().unpivot()["value"].rename(value)
        return pl.DataFrame([*columns, times, values]), []
    text, numbers = by_row
    notes = [note for row in numbers for note in row.notes]
    marked = pl.concat([row.marked for row in numbers])
    if marked.any():
        more = f" ({marked.sum():,} cells)" if marked.sum() > 1 else ""
        notes.insert(0, f"{text.filter(marked)[0]!r} is no number: taken as missing{more}")
    left = [f"{len(notes) - _TOLD:,} more rows are read in such ways"] if len(notes) > _TOLD else []
    values = pl.concat([row.values for row in numbers]).rename(value)
    wrong = pl.concat([row.wrong for row in numbers])
    if wrong.any():  # these alone are told
        values = values.cast(pl.String).zip_with(~wrong, text)
    return pl.DataFrame([*columns, times, values]), [*notes[:_TOLD], *left]


def _mixed(frame: pl.DataFrame, dated: list[str]) -> bool:
    return len({kind for name, kind in frame.schema.items() if name in dated}) > 1


def _by_row(cells: pl.DataFrame, names: list[str], hints: Hints) -> tuple[pl.Series, list[Numerals]] | None:
    """The cells, and the numbers of each row by the habits of that row; None where there are too many rows.

    Raises:
        PanelError: dots or commas of a row may mean two things, in that row and in all others.
    """
    if cells.height > _EACH or not all(kind == pl.String for kind in cells.schema.values()):
        return None
    texts = [pl.Series(name, list(row), dtype=pl.String) for name, row in zip(names, cells.iter_rows(), strict=True)]
    rows = [_clear(text, hints) for text in texts]
    signs = {row.decimal for row in rows if row is not None and row.decimal is not None}
    others = signs.pop() if len(signs) == 1 else hints.others  # a row in doubt is read as the others are
    told = replace(hints, others=others)
    read = [
        read_numerals(text, told, called="row") if row is None else row for text, row in zip(texts, rows, strict=True)
    ]
    return pl.concat([text.rename("") for text in texts]), read


def _clear(text: pl.Series, hints: Hints) -> Numerals | None:
    """A row that can be read in one way only."""
    try:
        return read_numerals(text, hints, called="row")
    except PanelError:
        return None
