"""What the columns of a table look like: dates, clocks, numbers, truths, words, keys, row numbers."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import combinations, product

import polars as pl

from gatecast.data.tables.numbers import looks_like_numbers, looks_like_truths
from gatecast.data.tables.numerals import Hints
from gatecast.data.tables.times.parts import is_clock
from gatecast.data.tables.times.read import looks_like_dates
from gatecast.data.tables.times.words import called_like_a_time, plain_name

__all__ = ["Looks"]

_ROW_NUMBERS = (
    "",
    "index",
    "no",
    "nr",
    "row",
    "rownumber",
    "rowid",
    "rownames",
    "id",
    "idx",
    "level0",
    "recordid",
    "obs",
    "rownum",
)
_UNNAMED = re.compile(r"^(?:|unnamed: ?\d+|_c\d+|\.\.\.\d+|x\.?1?)$", re.IGNORECASE)
# Of the rows that keys have to tell apart: a few doubled rows are an error of their own. Where the clock changes it may
# be more of a short table, which no other column tells apart either.
_ENOUGH, _LEAST = 0.99, 0.75


class Looks:
    """Columns by what they look like; each is looked at once.

    Args:
        frame: the table.
        hints: how its numbers are written.
    """

    def __init__(self, frame: pl.DataFrame, hints: Hints) -> None:
        self.frame, self.hints = frame, hints
        self._kinds: dict[str, str] = {}

    def kind(self, name: str) -> str:
        """What a column holds: "date", "clock", "truth", "number" or "word"."""
        if name not in self._kinds:
            self._kinds[name] = self._kind(self.frame[name])
        return self._kinds[name]

    def _kind(self, column: pl.Series) -> str:
        if is_clock(column):
            return "clock"
        if column.dtype.is_temporal():
            return "date"
        if column.dtype == pl.String and looks_like_dates(column):
            return "date"
        if looks_like_truths(column):
            return "truth"
        return "number" if looks_like_numbers(column, self.hints) else "word"

    def all_of(self, names: list[str], *kinds: str) -> list[str]:
        """The names whose columns are of these kinds."""
        return [name for name in names if self.kind(name) in kinds]

    def differs(self, name: str) -> bool:
        """Whether a column has no cell empty and none twice."""
        column = self.frame[name]
        return column.null_count() == 0 and column.n_unique() == self.frame.height > 1

    def counts_rows(self, name: str) -> bool:
        """Whether a column is only the number of the row, as to_csv and spreadsheets write it."""
        as_r_writes = name.lower().startswith("x") and name != self.frame.columns[0]  # X is the first one there
        if plain_name(name) not in _ROW_NUMBERS and (as_r_writes or not _UNNAMED.match(name)):
            return False
        column = self.frame[name]
        if column.dtype == pl.String:
            column = column.str.strip_chars().cast(pl.Int64, strict=False)
        elif column.dtype.is_float():
            whole = column.cast(pl.Int64, strict=False)
            column = whole.set((whole.cast(pl.Float64) != column).fill_null(True), None)
        if not column.dtype.is_integer() or column.null_count() or self.frame.height < 2:
            return False
        step = column.diff().drop_nulls()
        return (bool((step == 1).all()) and column[0] in (0, 1, 2)) or (
            bool((step == -1).all()) and column[-1] in (0, 1, 2)
        )

    @cached_property
    def unreadable_times(self) -> list[str]:
        """Text columns that are called like a time and hold none."""
        return [n for n in self.frame.columns if called_like_a_time(n) and self.kind(n) == "word"]

    def keys(self, names: list[str], times: tuple[str, ...]) -> tuple[str, ...]:
        """The fewest columns that, with the times, tell all rows apart and have few values; () where none do."""
        if self.frame.height < 4:
            return ()
        usable = [name for name in names if self._few(name)]
        most = self._different(tuple(usable), times)
        enough = (_ENOUGH * self.frame.height, *([most] if most >= _LEAST * self.frame.height else []))
        for rows, count in product(enough, (1, 2, 3)):
            found = [keys for keys in combinations(usable, count) if self._apart(keys, times, rows)]
            if found:
                return max(found, key=lambda keys: self._complete(keys, times))
        return ()

    def _few(self, name: str) -> bool:
        column = self.frame[name]
        return self.may_name(name) and 1 < column.n_unique() <= self.frame.height / 2

    def may_name(self, name: str) -> bool:
        """Whether a column holds words or whole numbers, as names of series are."""
        column, kind = self.frame[name], self.kind(name)
        if kind == "number" and column.dtype == pl.String:
            return not column.str.contains("[.,]").any()
        if column.dtype.is_float():
            return bool((column.is_not_null() & (column == column.round())).all())
        return kind in ("number", "word")

    def _different(self, keys: tuple[str, ...], times: tuple[str, ...]) -> int:
        return self.frame.select(*keys, *times).n_unique() if keys or times else 0

    def _apart(self, keys: tuple[str, ...], times: tuple[str, ...], rows: float) -> bool:
        return self._different(keys, times) >= rows and self._complete(keys, times) > 0.5

    def _complete(self, keys: tuple[str, ...], times: tuple[str, ...]) -> float:
        """Share of all series and times that have a row."""
        series = self.frame.select(*keys).n_unique()
        steps = self.frame.select(*times).n_unique() if times else 1
        return self.frame.height / (series * steps)
