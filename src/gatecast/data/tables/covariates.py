"""Turn covariate columns into numbers: as they are, or one-hot with remembered categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.schema import Column
from gatecast.data.tables.numbers import looks_like_numbers, looks_like_truths, read_numbers
from gatecast.data.tables.numerals import DASHES, Hints, read_numerals
from gatecast.errors import CovariateError, Note, Setting, listed

if TYPE_CHECKING:
    import polars as pl

    from gatecast.data.tables.problems import Problems
    from gatecast.data.tables.shapes.table import Table

__all__ = ["MOST_CATEGORIES", "Encoded", "encode", "encode_static", "numbers_of"]

LARGEST = 1e150  # of a number: squares of larger ones are infinite
MOST_CATEGORIES = 100  # of one covariate: each takes a column of the network's input
_FEW = 30  # labels of a column of numbers and words that is taken for categories


@dataclass(frozen=True)
class Encoded:
    """A covariate and its (R, width) numbers, nan where missing."""

    column: Column
    values_RV: np.ndarray


def numbers_of(column: pl.Series, hints: Hints, row_R: np.ndarray, problems: Problems) -> np.ndarray:
    """(R,) float64 numbers of a column; cells that are none, too large, or marks for missing values are told."""
    read = read_numbers(column, hints)
    problems.notes += [Note(note) for note in read.notes]
    problems.marked_cells(read.marked_R, row_R, column.name, column)
    dash_R = _dashes(column, read.wrong_R)
    problems.dashes(dash_R, row_R, column.name, column)
    problems.bad_cells(read.wrong_R & ~dash_R, row_R, column.name, column, "is no number")
    infinite_R = np.isinf(read.value_R)
    problems.bad_cells(infinite_R, row_R, column.name, column, "is infinite")
    far_R = (np.abs(read.value_R) > LARGEST) & ~infinite_R
    problems.bad_cells(far_R, row_R, column.name, column, f"is beyond {LARGEST:.0e}")
    return read.value_R


def _dashes(column: pl.Series, wrong_R: np.ndarray) -> np.ndarray:
    """Cells that hold a dash only, which is missing or zero."""
    import polars as pl

    if column.dtype != pl.String or not wrong_R.any():
        return np.zeros(len(column), bool)
    return np.asarray(column.str.strip_chars().is_in([*DASHES]).fill_null(False).to_numpy() & wrong_R)


def encode(
    column: pl.Series,
    hints: Hints,
    row_R: np.ndarray,
    problems: Problems,
    categories: tuple[str, ...] | None = None,
    number: bool | None = None,
) -> Encoded:
    """Encode one covariate.

    Args:
        column: as it came.
        hints: how numbers in text are written.
        row_R: (R,) row numbers for messages.
        problems: cells that are no numbers, or infinite, are added here.
        categories: known categories, in the order of the encoding.
        number: whether it is a number; by default what the column looks like.

    Raises:
        CovariateError: a category is unknown, or there are very many.
    """
    if categories is None and number is None:
        number = _is_number(column, hints, problems)
    if categories is not None or not number:
        return _one_hot(column, categories)
    return Encoded(Column(column.name), numbers_of(column, hints, row_R, problems)[:, None])


def _is_number(column: pl.Series, hints: Hints, problems: Problems) -> bool:
    """Whether a column holds numbers; few labels, some of which are words, are categories, also if most are digits."""
    import polars as pl

    if not looks_like_numbers(column, hints):
        return False
    if column.dtype != pl.String or looks_like_truths(column):
        return True
    labels = column.drop_nulls().str.strip_chars().unique()
    if len(labels) > min(_FEW, len(column) / 4):
        return True
    read = read_numerals(labels, hints, ask=False)
    words = labels.filter(read.wrong & ~labels.is_in([*DASHES]))
    if not len(words):
        return True
    shown = listed([repr(label) for label in labels.sort().to_list()], 6)
    problems.notes.append(Note(f"column {column.name!r} holds numbers and words: they are categories ({shown})"))
    return False


def _one_hot(column: pl.Series, categories: tuple[str, ...] | None) -> Encoded:
    """Each different label is encoded once and then looked up."""
    import polars as pl

    text = column.cast(pl.String)
    labels = text.drop_nulls().unique().sort()
    if categories is None and len(labels) > MOST_CATEGORIES:
        raise _too_many(column.name, labels)
    kind = Column(column.name, tuple(labels.to_list()) if categories is None else categories)
    table_KV = np.full((len(labels) + 1, kind.width), np.nan, np.float32)
    table_KV[:-1] = kind.encode(labels.to_numpy()) if len(labels) else 0
    code_R = text.replace_strict(labels, np.arange(len(labels)), default=len(labels), return_dtype=pl.Int64)
    return Encoded(kind, table_KV[code_R.to_numpy()])


def _too_many(name: str, labels: pl.Series) -> CovariateError:
    shown = listed([repr(label[:40]) for label in labels.head(3).to_list()])
    return CovariateError(
        f"covariate {name!r} holds {len(labels):,} different texts ({shown}, ...), and at most {MOST_CATEGORIES} are "
        "read as categories. Leave it out, group the rare ones, or write it as numbers."
    )


def encode_static(
    columns: list[pl.Series],
    series_R: np.ndarray,
    ids: tuple[str, ...],
    table: Table,
    hints: Hints,
    known: dict[str, tuple[str, ...]],
) -> tuple[list[Column], np.ndarray]:
    """Encode covariates that are constant in each series.

    Args:
        columns: static columns over the R rows of the table.
        series_R: (R,) series of each row; of a wide table more rows than the columns have, which then hold for all.
        ids: N names.
        table: where the columns come from.
        hints: how numbers in text are written.
        known: known categories by name.

    Returns:
        The columns, and their (N, S) numbers.

    Raises:
        CovariateError: a column is not constant in a series, or missing in one, or has an unknown category.
    """
    from gatecast.data.tables.problems import Problems

    problems, told, encoded = Problems(table.of_file), [], []
    for column in columns:
        series = series_R if len(column) == len(series_R) else np.zeros(len(column), np.int64)
        row_R = table.row_R[: len(column)]
        one = encode(column, hints, row_R, problems, known.get(column.name))
        first_N = np.unique(series, return_index=True)[1]
        changed_R = (one.values_RV != one.values_RV[first_N][series]).any(axis=1)
        names = [repr(ids[n]) for n in np.unique(series[changed_R])]
        if names:
            told.append(f"static covariate {column.name!r} changes or is missing within series {listed(names)}")
        values_NV = one.values_RV[first_N]
        encoded.append(Encoded(one.column, np.broadcast_to(values_NV, (len(ids), values_NV.shape[1]))))
    problems.tell()
    if told:
        past, future = Setting("past", of="read"), Setting("future", of="read")
        raise CovariateError(
            f"{'; '.join(told)}. Give it one value per series, or pass it as ", past, " or ", future, "."
        )
    blocks = [one.values_RV for one in encoded]
    return [one.column for one in encoded], np.concatenate([np.empty((len(ids), 0)), *blocks], axis=1)
