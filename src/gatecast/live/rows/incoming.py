"""What ``Live.observe`` is given, as plain rows: series, stored times, and numbers in the order of the schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from gatecast.data.frequency import Frequency, to_wall
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.data.tables.covariates import encode, encode_static
from gatecast.data.tables.intake import require_same_columns, stored_names
from gatecast.data.tables.roles.columns import Roles
from gatecast.data.tables.shapes.sources import load
from gatecast.data.tables.shapes.table import Table, guarded
from gatecast.data.tables.table_rows import Rows
from gatecast.data.tables.times.read import Wish
from gatecast.errors import CovariateError, PanelError, Setting, did_you_mean, listed
from gatecast.live.rows.given import Incoming, Known
from gatecast.live.rows.plain import plain_rows

__all__ = ["read_rows", "read_table", "require_static"]

CHOICES = ("day_first", "year_first", "decimal")
ALL_OF_THEM = "Give every target and past covariate, with None or nan where a value is missing."
PLAINLY = "Write times as 2024-01-31 and numbers as 1234.5, or give dates and numbers."


def read_rows(rows: Any, known: Known) -> Incoming:
    """Rows as they come: columns or values by name, records, a frame of any library, a file, or a panel.

    Raises:
        PanelError: a column is missing, or cells cannot be read; all such cells are told.
        CovariateError: a category is unknown, or a static covariate changes within a series.
    """
    if isinstance(rows, Panel):
        return _of_panel(rows, known)
    plain = plain_rows(rows, known)
    return read_table(rows, known) if plain is None else plain


def read_table(rows: Any, known: Known) -> Incoming:
    """The same for rows whose cells have yet to be understood."""
    if not isinstance(rows, str) and hasattr(rows, "__len__") and not len(rows):
        return _nothing(known)
    if isinstance(rows, list | tuple) and rows and all(isinstance(row, Mapping) for row in rows):
        _require_whole(rows, known)
    table = _table(rows)
    if not table.frame.height:
        return _nothing(known)
    table = _long(table, known)
    roles = _roles(table, known)
    steps = known.frequency.unit == "step"  # whole numbers that are no dates, though some look like years
    read = _rows(table, replace(roles, time=()) if steps else roles)
    times_R = _whole_steps(read, roles.time[0]) if steps and roles.time else None
    target_RC = read.targets() if roles.targets else np.full((len(read.row_R), len(known.schema.targets)), np.nan)
    blocks = [target_RC, *(_covariate(read, column) for column in (*known.schema.past, *known.schema.future))]
    read.problems.tell()
    _refuse_choices(read)
    ids, values = read.ids, read.values
    if not roles.series:
        ids, values = _only_series(read, known), ()
    if not steps:
        times_R = _stored(read, known.frequency)
    return Incoming(ids, read.series_R, times_R, np.concatenate(blocks, axis=1), _static(read, ids, known), values)


# ---------------------------------------------------------------- from anything to a table


def _table(rows: Any) -> Table:
    if isinstance(rows, list | tuple) and rows and all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        rows = {name: [row.get(name) for row in rows] for name in names}
    if not isinstance(rows, Mapping):
        return load(rows)
    columns = {str(name): _cells(values) for name, values in rows.items()}
    lengths = {len(cells) for cells in columns.values() if not isinstance(cells, _Same)}
    if len(lengths) > 1:
        told = listed([f"{name!r} {len(cells)}" for name, cells in columns.items()], 9)
        raise PanelError(f"the columns have different numbers of rows: {told}. Give each of them one cell per row.")
    count = lengths.pop() if lengths else 1
    if not count:
        return Table(pl.DataFrame(schema=list(columns)))
    with guarded("the rows"):
        return load({name: _repeated(cells, count) for name, cells in columns.items()})


class _Same(list[Any]):
    """One cell for all rows."""


def _cells(values: Any) -> Any:
    """A column, or the one cell of all rows."""
    if isinstance(values, list | tuple):
        return values
    if isinstance(values, str | bytes) or not hasattr(values, "__len__") or np.ndim(values) == 0:
        return _Same([values])
    return values


def _repeated(cells: Any, count: int) -> Any:
    """A column of so many rows; cells of numpy in lists as those of Python."""
    cells = list(cells) * count if isinstance(cells, _Same) else cells
    return [_plain(cell) for cell in cells] if isinstance(cells, list | tuple) else cells


def _plain(cell: Any) -> Any:
    """Scalars of numpy as those of Python; nan as a missing number stays."""
    if isinstance(cell, np.datetime64):
        return cell.astype("datetime64[us]").item()
    return cell.item() if isinstance(cell, np.generic) else cell


def _long(table: Table, known: Known) -> Table:
    """A table whose columns are series, as the history had it, one below the other."""
    names, frame = (*known.names, *known.schema.targets), table.frame
    if known.schema.targets != ("y",) or any(name in frame.columns for name in (names[0], "y")):
        return table
    wide = [name for name in frame.columns if name in set(known.ids)]
    if not wide or known.schema.past or known.schema.future:
        return table
    keep = [name for name in frame.columns if name == known.names[1]]
    rows = np.tile(table.row_R, len(wide))
    return replace(table, frame=frame.unpivot(wide, index=keep, variable_name=names[0], value_name="y"), rows=rows)


# ---------------------------------------------------------------- which column is what


def _roles(table: Table, known: Known) -> Roles:
    """The columns by role. Raises PanelError for those that have to be there."""
    schema, columns = known.schema, table.frame.columns
    series, time = stored_names(known.names, columns)
    needed = _needed(schema)
    ahead = [column.name for column in schema.future if column.name in columns]
    if ahead and not any(name in columns for name in needed):
        needed = []  # covariates that are known in advance, alone
    absent = [f"{name!r}{did_you_mean(name, columns)}" for name in needed if name not in columns]
    if not time and known.frequency.unit != "step":
        absent.insert(0, f"{known.names[1]!r}{did_you_mean(known.names[1], columns)}")
    if absent:
        raise PanelError(f"the rows have no column {listed(absent, 9)}; they have {listed(columns, 9)}. {ALL_OF_THEM}")
    static = [column.name for column in schema.static if column.name in columns]
    return Roles(series, time, tuple(needed[: len(schema.targets)]), static=tuple(static))


def _needed(schema: Schema) -> list[str]:
    return [*schema.targets, *(column.name for column in schema.past)]


def _require_whole(rows: Sequence[Mapping[str, Any]], known: Known) -> None:
    """Raise PanelError for a record that lacks what others beside it have: alone it would be refused too.

    One that says nothing but future covariates lacks nothing.
    """
    names, needed = set[str]().union(*rows), _needed(known.schema)
    if names.isdisjoint(needed) or all(len(row) == len(names) for row in rows):
        return
    ahead = {column.name for column in known.schema.future}
    for n, row in enumerate(rows, 1):
        absent = [name for name in needed if name not in row]
        if absent and (len(absent) < len(needed) or ahead.isdisjoint(row)):
            raise PanelError(f"row {n:,} has no {listed(list(map(repr, absent)), 9)}. {ALL_OF_THEM}")


def _only_series(read: Rows, known: Known) -> tuple[str, ...]:
    """The series of rows that do not name one."""
    if len(known.ids) > 1:
        raise PanelError(
            f"the rows do not say which series they are of: there is no column {known.names[0]!r}. "
            f"{len(known.ids):,} series are followed."
        )
    return tuple(known.ids) or (known.schema.targets[0],)


def _covariate(read: Rows, column: Column) -> np.ndarray:
    """(R, W) encoded; nan where the column is not there."""
    if column.name not in read.table.frame.columns:
        return np.full((len(read.row_R), column.width), np.nan)
    cells = read.column(column.name)
    return encode(cells, read.hints, read.row_R, read.problems, column.categories, column.categories is None).values_RV


def _static(read: Rows, ids: tuple[str, ...], known: Known) -> np.ndarray:
    """(M, S) static covariates; nan where they are not given."""
    columns = known.schema.static
    width = sum(column.width for column in columns)
    if not columns or not read.roles.static:
        return np.full((len(ids), width), np.nan)
    given = [read.column(name) for name in read.roles.static]
    categories = {column.name: column.categories for column in columns if column.categories is not None}
    encoded, static_MS = encode_static(given, read.series_R, ids, read.table, read.hints, categories)
    parts, at = dict[str, np.ndarray](), 0
    for column in encoded:
        parts[column.name] = static_MS[:, at : at + column.width]
        at += column.width
    missing = [np.full((len(ids), column.width), np.nan) for column in columns]
    return np.concatenate([parts.get(c.name, none) for c, none in zip(columns, missing, strict=True)], axis=1)


# ---------------------------------------------------------------- times


def _rows(table: Table, roles: Roles) -> Rows:
    """The rows with their times; those that can be read in two ways are refused."""
    try:
        return Rows(table, roles, Wish(), ".")
    except PanelError as error:
        if not any(remedy["setting"] in CHOICES for remedy in error.remedies):
            raise
        cell = table.frame[roles.time[0]].drop_nulls()[0]
        raise PanelError(f"{cell!r} in column {roles.time[0]!r} may be two dates. {PLAINLY}") from error


def _refuse_choices(read: Rows) -> None:
    """Raise PanelError where one of two ways to read a cell was taken: the rest of the table is not there to say."""
    for note in read.problems.notes:
        if any(isinstance(part, Setting) and part.name in CHOICES for part in _flat(note.parts)):
            raise PanelError(f"a cell can be read in two ways ({note}). {PLAINLY}")


def _flat(parts: Iterable[Any]) -> Iterator[Any]:
    for part in parts:
        yield from _flat(part) if isinstance(part, tuple) else (part,)


def _whole_steps(read: Rows, name: str) -> np.ndarray:
    """(R,) times of a model whose steps are whole numbers."""
    column = read.column(name)
    number_R = read.numbers(column)
    broken_R = np.isfinite(number_R) & (np.rint(number_R) != number_R) | (np.abs(number_R) > 2**53)
    read.problems.bad_cells(broken_R, read.row_R, name, column, "is no whole step")
    read.problems.missing(np.isnan(number_R) & column.is_null().to_numpy(), read.row_R, name, "a time")
    read.problems.tell()
    return np.asarray(np.rint(number_R).astype(np.int64))


def _stored(read: Rows, frequency: Frequency) -> np.ndarray:
    """(R,) times as the model keeps them: wall times, or UTC instants."""
    times_R, zone = read.times_R, read.zone
    if times_R.dtype.kind != "M":
        raise PanelError("the times of the rows are whole numbers; those of the model are dates.")
    if (zone is None) != (frequency.timezone is None):
        has = f"time zone {frequency.timezone}" if frequency.timezone else "no time zone"
        remedy = "Add it to the times." if frequency.timezone else "Give them without one."
        raise PanelError(f"the times of the model have {has}, and those of the rows do not go with it. {remedy}")
    if zone is None or frequency.stores_utc:
        return times_R
    assert frequency.timezone is not None
    return to_wall(times_R, frequency.timezone)


# ---------------------------------------------------------------- panels, and nothing


def _of_panel(panel: Panel, known: Known) -> Incoming:
    require_same_columns(known.schema, panel.schema)
    if panel.frequency != known.frequency:
        raise PanelError(
            f"the model has steps of one {known.frequency.name}; the panel has steps of one {panel.frequency.name}."
        )
    series_R = np.repeat(np.arange(len(panel)), panel.length)
    step_R = np.arange(panel.total) - np.repeat(np.cumsum(panel.length) - panel.length, panel.length)
    values_RV = panel.values_RV[panel.first[series_R] + step_R].astype(np.float64)
    times_R = panel.frequency.advance(panel.starts[series_R], step_R)
    return Incoming(panel.ids, series_R, times_R, values_RV, panel.static_NS.astype(np.float64), panel.labels.values)


def _nothing(known: Known) -> Incoming:
    times = np.int64 if known.frequency.unit == "step" else "datetime64[us]"
    static = sum(column.width for column in known.schema.static)
    return Incoming(
        (), np.empty(0, np.int64), np.empty(0, times), np.empty((0, known.schema.width)), np.empty((0, static))
    )  # fmt: skip


def require_static(static_MS: np.ndarray, ids: Sequence[str], schema: Schema) -> None:
    """Raise CovariateError for new series without their static covariates."""
    bad = np.flatnonzero(np.isnan(static_MS).any(axis=1)).tolist()
    if bad:
        names = listed([repr(column.name) for column in schema.static])
        raise CovariateError(
            f"new series need their static covariates {names}; missing in {listed([repr(ids[m]) for m in bad])}."
        )
