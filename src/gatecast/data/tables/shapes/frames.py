"""Frames of any library as a table: indexes, periods, offsets and odd cells among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from gatecast.data.tables.shapes.table import Table, guarded, plain_types, refuse_doubled
from gatecast.data.tables.times.read import looks_like_dates
from gatecast.data.tables.times.zones import is_zone
from gatecast.errors import PanelError

__all__ = ["column_of_cells", "load_frame", "pandas_column"]


def load_frame(source: Any) -> Table:
    """A frame or series of pandas, polars, pyarrow or anything else that narwhals knows, as a table.

    Raises:
        PanelError: it is none of these, or its cells are nothing that a table holds.
    """
    if isinstance(source, pl.LazyFrame):
        with guarded("the frame"):
            source = source.collect()
    names = getattr(source, "columns", ())
    if type(source).__module__.partition(".")[0] == "pandas":
        refuse_doubled([_name(name, False) for name in names], "the frame")
    try:
        frame = nw.from_native(source, allow_series=True)
    except TypeError as error:
        raise PanelError(
            f"data of type {type(source).__name__} cannot be read. Give a path, a frame of pandas, polars or pyarrow, "
            "a dict of columns, or an array."
        ) from error
    except ValueError as error:
        raise PanelError(f"the frame cannot be read: {str(error).splitlines()[0]}") from error
    with guarded("the frame"):
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        if frame.implementation.is_pandas_like():
            return _of_pandas(frame.to_native())
        frame = frame.to_frame() if isinstance(frame, nw.Series) else frame
        if frame.implementation.is_pyarrow():
            return Table(plain_types(_of_arrow(frame.to_native())), backend="pyarrow")
        native = frame.to_native() if frame.implementation.is_polars() else frame.to_polars()
        return Table(plain_types(native))


def _of_arrow(table: Any) -> pl.DataFrame:
    """Times at an offset, which polars has no type for, go through text."""
    refuse_doubled(list(table.column_names), "the frame")
    columns = []
    for name in table.column_names:
        column = table[name]
        zone = getattr(column.type, "tz", None)
        if zone is not None and not is_zone(zone):
            columns.append(pl.Series(name, [cell and cell.isoformat() for cell in column.to_pylist()], dtype=pl.String))
        else:
            read = pl.from_arrow(column)
            assert isinstance(read, pl.Series)
            columns.append(read.rename(name))
    return pl.DataFrame(columns)


# ---------------------------------------------------------------- pandas


def _of_pandas(native: Any) -> Table:
    """Columns one by one through numpy, so that pandas alone is enough."""
    if not hasattr(native, "columns"):
        native = native.to_frame()
    alone = len(native.columns) == 1
    names = [_name(name, alone) for name in native.columns]
    refuse_doubled(names, "the frame")
    columns = [pandas_column(name, native.iloc[:, k]) for k, name in enumerate(names)]
    index = _index(native.index, names, columns)
    frame = plain_types(pl.DataFrame([*index, *columns]))
    return Table(frame, backend="pandas")


def _name(name: Any, alone: bool) -> str:
    """Names of several levels are joined; a single column without a name is "y"."""
    if name is None or (alone and not isinstance(name, str | tuple)):
        return "y"
    parts = [str(part) for part in (name if isinstance(name, tuple) else (name,)) if str(part) != ""]
    return " ".join(parts)


def _index(index: Any, names: list[str], columns: list[pl.Series]) -> list[pl.Series]:
    """An index that holds something, such as the dates, as columns; one without a name becomes "ds"."""
    levels = [index.get_level_values(k) for k in range(index.nlevels)]
    held = [str(level.name) for level in levels if level.name is not None]
    if not held and len(levels) == 1:
        return _unnamed_index(levels[0], names, columns)
    called = [f"level_{k}" if level.name is None else str(level.name) for k, level in enumerate(levels)]
    if set(held or called) & set(names):
        return []
    return [pandas_column(name, level.to_series()) for name, level in zip(called, levels, strict=True)]


def _unnamed_index(index: Any, names: list[str], columns: list[pl.Series]) -> list[pl.Series]:
    """Dates of any kind are the time; words name the rows; whole numbers are row numbers, unless they are years."""
    if type(index).__name__ == "RangeIndex" or "ds" in names:
        return []
    column = pandas_column("ds", index.to_series())
    if column.dtype.is_temporal():
        return [column]
    if column.dtype == pl.String:
        return [column if looks_like_dates(column) else column.rename("unique_id")]
    dated = any(one.dtype.is_temporal() or (one.dtype == pl.String and looks_like_dates(one)) for one in columns)
    years = column.dtype.is_integer() and len(column) > 1 and column.is_between(1500, 2199).all()
    return [column] if years and column.n_unique() == len(column) and not dated else []


def pandas_column(name: str, values: Any) -> pl.Series:
    """A series of pandas as a column of a table."""
    with guarded(f"column {name!r}"):
        return _typed(name, values)


def _typed(name: str, values: Any) -> pl.Series:
    kind = str(values.dtype)
    if kind.startswith("period"):
        return _typed(name, values.dt.to_timestamp())
    zone = getattr(values.dtype, "tz", None)
    if kind.startswith(("datetime64", "timestamp")) or zone is not None:
        return _times(name, values, zone)
    column = nw.from_native(values, series_only=True)
    if column.dtype.is_numeric() or isinstance(column.dtype, nw.Decimal):
        if not column.is_null().any() and not isinstance(column.dtype, nw.Decimal):
            return pl.Series(name, values.to_numpy())
        return pl.Series(name, values.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)).fill_nan(None)
    gone = values.isna().tolist()
    return column_of_cells(name, [None if absent else cell for cell, absent in zip(values.tolist(), gone, strict=True)])


def _times(name: str, values: Any, zone: Any) -> pl.Series:
    """Times with their zone; those at an offset, which polars has no type for, as text."""
    if zone is None:
        zone = getattr(getattr(values.dtype, "pyarrow_dtype", None), "tz", None)
    if zone is None:
        return pl.Series(name, values.to_numpy(dtype="datetime64[us]"))
    if not is_zone(str(zone)):
        return pl.Series(name, _isoformats(values))
    instants = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return pl.Series(name, instants).dt.replace_time_zone("UTC").dt.convert_time_zone(str(zone))


def _isoformats(values: Any) -> list[str | None]:
    return [None if gone else cell.isoformat() for cell, gone in zip(values.tolist(), values.isna(), strict=True)]


def column_of_cells(name: str, cells: list[Any]) -> pl.Series:
    """Cells of any kind: of one kind as that kind, else as text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    simple: Callable[[Any], Any] | None = None
    if all(hasattr(kind, "to_timestamp") and hasattr(kind, "freqstr") for kind in kinds) and kinds:
        cells, kinds = [None if cell is None else cell.to_timestamp().to_pydatetime() for cell in cells], set()
    if len(kinds) == 1 and next(iter(kinds)).__name__ in ("tuple", "list", "dict", "ndarray", "bytes", "set", "Struct"):
        simple = str
    if len(kinds) > 1:
        numbers = all(issubclass(kind, int | float | np.number) and not issubclass(kind, bool) for kind in kinds)
        simple = float if numbers else str
    if simple is not None:
        cells = [None if cell is None else simple(cell) for cell in cells]
    try:
        return pl.Series(name, cells)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)
