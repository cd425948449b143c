"""Columns by name, ``{"month": [...], "sales": [...]}``, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from gatecast.data.tables.shapes.frames import column_of_cells, pandas_column
from gatecast.data.tables.shapes.table import Table, plain_types, refuse_doubled
from gatecast.errors import PanelError, listed

__all__ = ["load_columns"]


def load_columns(source: Mapping[Any, Any]) -> Table:
    """One column for each entry: lists, arrays (R,) or series of a frame, all of one length.

    Raises:
        PanelError: an entry is no column, or their lengths differ.
    """
    names = [str(name) for name in source]
    refuse_doubled(names, "the dict")
    odd = [repr(name) for name, cells in zip(names, source.values(), strict=True) if not _is_column(cells)]
    if odd:
        raise PanelError(
            f"{listed(odd)} of the dict {'is' if len(odd) == 1 else 'are'} no list of values. Give a list or an array "
            f"(rows,) for each name, such as {{'month': ['2024-01', '2024-02'], 'sales': [3, 4]}}."
        )
    lengths = {name: len(cells) for name, cells in zip(names, source.values(), strict=True)}
    if len(set(lengths.values())) > 1:
        told = listed([f"{name!r} has {length:,}" for name, length in lengths.items()])
        raise PanelError(
            f"the columns of the dict have different lengths: {told} values. Give each row a value, or None."
        )
    columns = [_column(name, cells) for name, cells in zip(names, source.values(), strict=True)]
    return Table(plain_types(pl.DataFrame(columns)))


def _is_column(cells: Any) -> bool:
    if isinstance(cells, str | bytes):
        return False
    return isinstance(cells, Sequence | pl.Series) or getattr(cells, "ndim", 0) == 1


def _is_pandas(cells: Any) -> bool:
    return type(cells).__module__.partition(".")[0] == "pandas" and hasattr(cells, "iloc")


def _column(name: str, cells: Any) -> pl.Series:
    if isinstance(cells, pl.Series):
        return cells.rename(name)
    if _is_pandas(cells):
        return pandas_column(name, cells)
    if isinstance(cells, np.ndarray):
        if cells.dtype.kind == "M":
            return pl.Series(name, cells.astype("datetime64[us]"))
        if cells.dtype.kind in "iufb":
            held = np.ma.filled(cells.astype(np.float64), np.nan) if np.ma.isMaskedArray(cells) else cells
            return pl.Series(name, held)
        cells = cells.tolist()
    return column_of_cells(name, list(cells))
