"""Read the numbers of a table, and choose the precision in which they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.rows import series_groups
from gatecast.data.tables.numerals import DASHES, MARKS, NOTHING, PLAIN_HINTS, Hints, empty_cells, read_numerals
from gatecast.errors import Part

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Numbers", "choose_dtype", "looks_like_numbers", "looks_like_truths", "read_numbers"]

SIGNAL_LOST = 0.01  # of a typical change: float32 may take no more than this share by rounding
_TRUTHS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Numbers:
    """A column as numbers.

    Args:
        value_R: (R,) float64, nan where missing; infinite values stay.
        wrong_R: (R,) rows that hold something that is no number.
        marked_R: (R,) rows that hold a mark for a missing value, such as N/A.
        notes: what was not obvious.
    """

    value_R: np.ndarray
    wrong_R: np.ndarray
    marked_R: np.ndarray
    notes: list[Part] = field(default_factory=list)


def read_numbers(column: pl.Series, hints: Hints = PLAIN_HINTS) -> Numbers:
    """Read a column of numbers, booleans or text.

    Args:
        column: a polars column.
        hints: what the rest of the table says of its numbers.

    Raises:
        PanelError: the dots or commas in it may mean two things.
    """
    import polars as pl

    none_R = np.zeros(len(column), bool)
    if column.dtype == pl.String and looks_like_truths(column):
        text = column.str.strip_chars()
        read = text.str.to_lowercase().replace_strict(
            list(_TRUTHS), list(_TRUTHS.values()), default=None, return_dtype=pl.Float64
        )
        nothing, marked = empty_cells(text, hints)
        return _numbers(read, read.is_null() & ~marked & ~nothing, marked.to_numpy())
    if column.dtype == pl.String:
        found = read_numerals(column, hints)
        return _numbers(found.values, found.wrong, found.marked.to_numpy(), found.notes)
    if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        return _numbers(pl.Series([None] * len(column), dtype=pl.Float64), column.is_not_null(), none_R)
    numbers = column.cast(pl.Float64, strict=False)
    return _numbers(numbers, numbers.is_null() & column.is_not_null(), none_R)


def _numbers(values: pl.Series, wrong: pl.Series, marked_R: np.ndarray, notes: Sequence[Part] = ()) -> Numbers:
    value_R = np.asarray(values.fill_null(float("nan")).to_numpy(), np.float64)
    return Numbers(value_R, wrong.to_numpy(), marked_R, list(notes))


def looks_like_truths(column: pl.Series) -> bool:
    """Whether a column holds true and false, as booleans or as words, and else marks for missing values only."""
    import polars as pl

    if column.dtype != pl.String:
        return bool(column.dtype == pl.Boolean)
    sample = column.head(1000).drop_nulls().str.strip_chars().str.to_lowercase()
    known = sample.is_in([*_TRUTHS])
    return bool(known.any()) and bool((known | sample.is_in([*NOTHING, *MARKS, *DASHES])).all())


def looks_like_numbers(column: pl.Series, hints: Hints = PLAIN_HINTS) -> bool:
    """Whether a column holds numbers, or text most of which reads as numbers."""
    import polars as pl

    if column.dtype != pl.String:
        return bool(column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null))
    sample = column.drop_nulls().head(1000)
    if not len(sample):
        return column.null_count() == len(column)
    if looks_like_truths(sample):
        return True
    read = read_numerals(sample, hints, ask=False)
    given = len(sample) - int(read.missing.sum())
    return given == 0 or int(read.wrong.sum()) < given / 2


def choose_dtype(value_RC: np.ndarray, first_N: np.ndarray) -> type[np.float32] | type[np.float64]:
    """float32, unless rounding to it would lose digits that carry signal.

    For every series the largest rounding error is compared with the typical step-to-step change, the geometric mean of
    its changes (which a single jump hardly moves). Over 1 % of that is signal lost: readings of 1e8 that move by 1 need
    float64, as float32 keeps steps of 8 there.

    Args:
        value_RC: (R, C) float64 targets, nan = missing.
        first_N: (N,) first row of each series; the series lie one after the other.

    >>> choose_dtype(1e8 + np.arange(9.0)[:, None], np.array([0])).__name__
    'float64'
    """
    stop_N = np.append(first_N[1:], len(value_RC))
    for group in series_groups(stop_N - first_N):  # some series at a time, for the working memory
        begin = int(first_N[group.start])
        part_RC = value_RC[begin : int(stop_N[group.stop - 1])]
        if any(_loses_digits(value_R, first_N[group] - begin) for value_R in part_RC.T):
            return np.float64
    return np.float32


def _loses_digits(value_R: np.ndarray, first_N: np.ndarray) -> bool:
    """Whether rounding to float32 takes more than 1 % of the typical change of some series."""
    with np.errstate(over="ignore", invalid="ignore"):
        error_R = np.abs(value_R - value_R.astype(np.float32))
    if np.nanmax(error_R, initial=0.0) == 0:
        return False
    change_R = np.abs(np.diff(value_R, prepend=np.nan))
    change_R[first_N] = np.nan
    moved_R = change_R > 0
    log_R = np.log(change_R, out=np.zeros_like(change_R), where=moved_R)
    typical_N = np.exp(np.add.reduceat(log_R, first_N) / np.maximum(np.add.reduceat(moved_R, first_N, dtype=int), 1))
    worst_N = np.fmax.reduceat(error_R, first_N)
    return bool((worst_N > SIGNAL_LOST * typical_N)[np.logical_or.reduceat(moved_R, first_N)].any())
