"""Arrays and lists as a table: one series, series side by side, or a list of series."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from gatecast.data.tables.shapes.table import Table
from gatecast.errors import PanelError

__all__ = ["load_arrays"]


def load_arrays(source: np.ndarray | list[Any] | tuple[Any, ...]) -> Table:
    """One array, or a list of arrays of one series each, which begin together."""
    if not isinstance(source, np.ndarray) and any(isinstance(i, list | tuple) or np.ndim(i) > 0 for i in source):
        return Table(_long([_as_numbers(item, f"series {n} of the list", 1) for n, item in enumerate(source, 1)]))
    values = _as_numbers(source, "the array" if isinstance(source, np.ndarray) else f"the {type(source).__name__}", 2)
    if values.ndim == 1:
        return Table(pl.DataFrame({"y": values}))
    columns = {f"series_{n}": column_T for n, column_T in enumerate(values.T, 1)} if values.shape[1] > 1 else {}
    return Table(pl.DataFrame({"ds": np.arange(1, len(values) + 1), **(columns or {"y": values[:, 0]})}))


def _long(series: list[np.ndarray]) -> pl.DataFrame:
    """Series of any lengths, one below the other."""
    length_N = [len(values_T) for values_T in series]
    names = np.array([f"series_{n}" for n in range(1, len(series) + 1)], dtype=object)
    times = [np.arange(1, length + 1) for length in length_N]
    return pl.DataFrame(
        {"unique_id": np.repeat(names, length_N), "ds": np.concatenate(times), "y": np.concatenate(series)}
    )


def _as_numbers(values: Any, what: str, most: int) -> np.ndarray:
    """(T,) or, with ``most`` 2, (T, N) float64 with nan for what is masked. Raises PanelError."""
    try:
        array = np.ma.asanyarray(values)
    except ValueError as error:  # lists of different lengths within a list
        raise PanelError(f"{what} is no array: {error}.") from error
    if not 1 <= array.ndim <= most:
        give = "(T,) for one series, (T, N) for N series side by side" if most > 1 else "(T,) for each series"
        raise PanelError(f"{what} has the shape {array.shape}. Give {give}, or a list of series.")
    if not array.size:
        raise PanelError(f"{what} is empty. Give at least two values.")
    if array.dtype.kind not in "iuf":
        raise PanelError(f"{what} holds {array.dtype}, not numbers. Give floats or integers, with nan where missing.")
    return np.ma.filled(array.astype(np.float64), np.nan)
