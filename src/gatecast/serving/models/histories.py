"""The history of a request as a panel: by a short way where nothing can be misread, else by the reader of tables.

A request is mostly a few plain columns: ISO dates without gaps, and numbers. That needs no reader that looks at every
cell in many ways, which takes ten times as long as the forecast. What the reader would say of the same columns is
looked up once for each layout; anything unusual goes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gatecast.data.labels import Labels
from gatecast.data.panel import Panel
from gatecast.data.tables.intake import as_panel
from gatecast.data.tables.numbers import choose_dtype
from gatecast.ensemble.fitted import Fitted
from gatecast.errors import PanelError

__all__ = ["Histories", "columns_of", "count_of"]

SHAPES = {10: re.compile(r"\d{4}-\d\d-\d\d"), 19: re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")}
MOST_LAYOUTS = 256
Table = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]


def columns_of(table: Table) -> dict[str, Sequence[Any]]:
    """Rows as columns; columns as they are."""
    if isinstance(table, Mapping):
        return dict(table)
    names = list(dict.fromkeys(name for row in table for name in row))
    return {name: [row.get(name) for row in table] for name in names}


def count_of(table: Table) -> int:
    """Rows of a table."""
    if isinstance(table, Mapping):
        return max(
            (
                len(column) if isinstance(column, Sequence) and not isinstance(column, str) else 1
                for column in table.values()
            ),
            default=0,
        )
    return len(table)


@dataclass(frozen=True)
class _Layout:
    """What the reader says of a layout: all of a panel that does not depend on its cells."""

    names: tuple[str, str]
    labels: Labels
    ids: tuple[str, ...]


class Histories:
    """Panels from the histories of requests, for one model."""

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted
        self._layouts: dict[tuple[Any, ...], _Layout | None] = {}
        schema = fitted.schema
        self._plain = not (schema.past or schema.future or schema.static) and fitted.frequency.timezone is None

    def panel(self, table: Table) -> Panel:
        """A history as ``Forecaster.panel_of`` reads it. Raises what ``gatecast.read`` does."""
        columns = columns_of(table)
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1:
            raise PanelError("the columns have different numbers of rows. Give each of them one cell per row.")
        if not lengths or not lengths.pop():
            raise PanelError("the history has no rows.")
        short = self._short(columns) if self._plain else None
        return self._long(columns) if short is None else short

    def _long(self, columns: dict[str, Sequence[Any]]) -> Panel:
        fitted = self._fitted
        return as_panel(columns, fitted.schema, fitted.frequency, fitted.names)

    def _short(self, columns: dict[str, Sequence[Any]]) -> Panel | None:
        """The panel of plain columns; None for what is not as plain as that."""
        fitted = self._fitted
        series, time = fitted.names
        if time not in columns or any(target not in columns for target in fitted.schema.targets):
            return None
        times_R = _plain_times(columns[time], fitted.frequency.unit == "step")
        values_RC = _plain_numbers([columns[target] for target in fitted.schema.targets])
        ids, first = _plain_series(columns.get(series), len(columns[time]))
        if times_R is None or values_RC is None or ids is None:
            return None
        length = np.diff(first, append=len(times_R))
        starts = times_R[first]
        step_R = np.arange(len(times_R)) - np.repeat(first, length)
        if not (fitted.frequency.advance(np.repeat(starts, length), step_R) == times_R).all():
            return None
        layout = self._layout(columns, time, length, values_RC)
        if layout is None:
            return None
        dtype = choose_dtype(values_RC, first)
        return Panel(
            values_RV=values_RC.astype(dtype),
            first=first,
            length=length,
            ids=ids if series in columns else layout.ids,
            starts=starts,
            frequency=fitted.frequency,
            schema=fitted.schema,
            static_NS=np.zeros((len(first), 0), dtype),
            backend="polars",
            names=layout.names,
            labels=layout.labels,
        )

    def _layout(
        self, columns: dict[str, Sequence[Any]], time: str, length: np.ndarray, values_RC: np.ndarray
    ) -> _Layout | None:
        """What the reader says of such columns; None where it reads them in another way than the short one."""
        key = (tuple(columns), _kind(columns[time][0]), *(_kind(columns[name][0]) for name in columns))
        if key not in self._layouts:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[key] = None
            read = self._long(columns)
            same = np.array_equal(read.length, length) and not read.labels.values
            same = same and np.allclose(read.target_RC, values_RC, rtol=1e-6, equal_nan=True)
            self._layouts[key] = _Layout(read.names, replace(read.labels, values=()), read.ids) if same else None
        return self._layouts[key]


def _kind(cell: Any) -> Any:
    """What decides how a column is written: its type, and the length of its first text if that is a date."""
    return (
        len(cell) if isinstance(cell, str) and len(cell) in SHAPES and SHAPES[len(cell)].fullmatch(cell) else type(cell)
    )


def _plain_times(cells: Sequence[Any], steps: bool) -> np.ndarray | None:
    """ISO dates that are all written alike, or whole steps."""
    if steps:
        return np.array(cells, np.int64) if set(map(type, cells)) == {int} and max(map(abs, cells)) < 2**53 else None
    if not isinstance(cells[0], str) or len(cells[0]) not in SHAPES or set(map(type, cells)) != {str}:
        return None
    size = len(cells[0])
    if set(map(len, cells)) != {size} or not all(map(SHAPES[size].fullmatch, cells)):
        return None
    try:
        return np.array(cells, "datetime64[us]")
    except ValueError:
        return None


def _plain_numbers(columns: Sequence[Sequence[Any]]) -> np.ndarray | None:
    """Numbers; None among them is a missing one."""
    if any(not set(map(type, cells)) <= {int, float, type(None)} for cells in columns):
        return None
    try:
        values_RC = np.array(columns, np.float64).T
    except (OverflowError, ValueError):
        return None
    known = np.isfinite(values_RC) | np.isnan(values_RC)
    return values_RC if known.all() and np.isfinite(values_RC).any() and np.nanmax(np.abs(values_RC)) < 1e37 else None


def _plain_series(cells: Sequence[Any] | None, count: int) -> tuple[tuple[str, ...] | None, np.ndarray]:
    """Names and first rows of series that lie one after the other."""
    if cells is None:
        return ("",), np.zeros(1, np.int64)
    if set(map(type, cells)) != {str}:
        return None, np.zeros(0, np.int64)
    heads = [0, *(r for r in range(1, count) if cells[r] != cells[r - 1])]
    names = tuple(str(cells[r]) for r in heads)
    return (names if len(set(names)) == len(names) else None), np.array(heads, np.int64)
