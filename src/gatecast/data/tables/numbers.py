"""Read the numbers of a table, and choose the precision in which they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.rows import series_groups

if TYPE_CHECKING:
    import polars as pl

__all__ = ["choose_dtype", "looks_like_numbers", "read_numbers"]

MISSING = ("", "na", "nan", "null", "none", "<na>")

_GROUPED = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?([eE][+-]?\d+)?$"


def read_numbers(column: pl.Series, decimal_comma: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Read a column of numbers, booleans or text.

    Args:
        column: a polars column.
        decimal_comma: in text, 1,5 may be one and a half (as in files with semicolons); else 1,500 is 1500.

    Returns:
        value_R: (R,) float64, nan where missing; infinite values stay.
        wrong_R: (R,) bool, rows that hold something that is no number.
    """
    import polars as pl

    missing = column.is_null()
    if column.dtype == pl.String:
        column, missing = _mark_missing(column)
        column = _plain_digits(column, decimal_comma)
    numbers = column.cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & ~missing).to_numpy()
    return np.asarray(numbers.fill_null(float("nan")).to_numpy(), np.float64), wrong


def _mark_missing(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    text = text.str.strip_chars()
    missing = text.is_null() | text.str.to_lowercase().is_in(list(MISSING)).fill_null(True)
    return text.set(missing, None), missing


def _plain_digits(text: pl.Series, decimal_comma: bool) -> pl.Series:
    """Rewrite decimal commas and grouped thousands, only where the whole column is written so."""
    if not text.str.contains(",", literal=True).any():
        return text
    if decimal_comma and text.drop_nulls().str.contains(_COMMA).mean() == 1:
        return text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    grouped = text.str.contains(_GROUPED).fill_null(False)
    return text if decimal_comma else text.zip_with(~grouped, text.str.replace_all(",", "", literal=True))


def looks_like_numbers(column: pl.Series) -> bool:
    """Whether a column holds numbers, or text most of which reads as numbers."""
    import polars as pl

    if column.dtype != pl.String:
        return bool(column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null))
    sample = _mark_missing(column.drop_nulls().head(1000))[0].drop_nulls()
    if not len(sample):
        return column.null_count() == len(column)
    plain = _plain_digits(sample, True), _plain_digits(sample, False)
    return any(text.cast(pl.Float64, strict=False).null_count() < len(sample) / 2 for text in plain)


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
    return bool((worst_N > 0.01 * typical_N)[np.logical_or.reduceat(moved_R, first_N)].any())
