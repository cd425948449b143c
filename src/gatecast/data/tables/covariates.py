"""Turn covariate columns into numbers: as they are, or one-hot with remembered categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.schema import Column
from gatecast.data.tables.numbers import looks_like_numbers, read_numbers
from gatecast.errors import CovariateError, Setting, listed

if TYPE_CHECKING:
    import polars as pl

    from gatecast.data.tables.files import Table
    from gatecast.data.tables.problems import Problems

__all__ = ["Encoded", "encode", "encode_static"]


@dataclass(frozen=True)
class Encoded:
    """A covariate and its (R, width) numbers, nan where missing."""

    column: Column
    values_RV: np.ndarray


def encode(
    column: pl.Series,
    decimal_comma: bool,
    row_R: np.ndarray,
    problems: Problems,
    categories: tuple[str, ...] | None = None,
    number: bool | None = None,
) -> Encoded:
    """Encode one covariate.

    Args:
        column: as it came.
        decimal_comma: how numbers in text are written.
        row_R: (R,) row numbers for messages.
        problems: cells that are no numbers, or infinite, are added here.
        categories: known categories, in the order of the encoding.
        number: whether it is a number; by default what the column looks like.

    Raises:
        CovariateError: a category is unknown.
    """
    if categories is not None or not (looks_like_numbers(column) if number is None else number):
        return _one_hot(column, categories)
    value_R, wrong_R = read_numbers(column, decimal_comma)
    problems.bad_cells(wrong_R, row_R, column.name, column, "is no number")
    problems.bad_cells(np.isinf(value_R), row_R, column.name, column, "is infinite")
    return Encoded(Column(column.name), value_R[:, None])


def _one_hot(column: pl.Series, categories: tuple[str, ...] | None) -> Encoded:
    """Each different label is encoded once and then looked up."""
    import polars as pl

    text = column.cast(pl.String)
    labels = text.drop_nulls().unique().sort()
    kind = Column(column.name, tuple(labels.to_list()) if categories is None else categories)
    table_KV = np.full((len(labels) + 1, kind.width), np.nan, np.float32)
    table_KV[:-1] = kind.encode(labels.to_numpy()) if len(labels) else 0
    code_R = text.replace_strict(labels, np.arange(len(labels)), default=len(labels), return_dtype=pl.Int64)
    return Encoded(kind, table_KV[code_R.to_numpy()])


def encode_static(
    columns: list[pl.Series],
    series_R: np.ndarray,
    ids: tuple[str, ...],
    table: Table,
    known: dict[str, tuple[str, ...]],
) -> tuple[list[Column], np.ndarray]:
    """Encode covariates that are constant in each series.

    Args:
        columns: static columns over the R rows of the table.
        series_R: (R,) series of each row; of a wide table more rows than the columns have, which then hold for all.
        ids: N names.
        table: where the columns come from.
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
        row_R = np.arange(len(column)) + table.first_row
        one = encode(column, table.decimal_comma, row_R, problems, known.get(column.name))
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
