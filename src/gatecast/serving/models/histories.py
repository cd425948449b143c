"""Histories of requests as panels: by a short way where nothing can be misread, else by the reader of tables.

A request is mostly a few plain columns: ISO dates without gaps, and numbers. That needs no reader that looks at every
cell in many ways, which takes ten times as long as the forecast. What the reader would say of the same columns is
looked up once for each layout; anything unusual goes the long way.

    columns ─┐                  ┌─ values of all requests in one buffer, one panel
    columns ─┼─▶ plain? ──▶ yes ┘
    columns ─┘         └──▶ no ──▶ the reader of tables, request by request
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.data.labels import Labels
from gatecast.data.panel import Panel
from gatecast.data.tables.intake import as_panel
from gatecast.data.tables.numbers import choose_dtype
from gatecast.data.tables.shapes.sources import load
from gatecast.ensemble.fitted import Fitted
from gatecast.errors import GatecastError, PanelError
from gatecast.serving.models.plain import Plain, plain_columns, plain_numbers, plain_times

__all__ = ["Histories", "Layout", "Table", "Together", "columns_of", "count_of", "future_of"]

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
        return max((len(column) if isinstance(column, list | tuple) else 1 for column in table.values()), default=0)
    return len(table)


def future_of(given: Any) -> Any:
    """Future covariates as ``predict`` takes them: rows and columns as a table, constants as they are."""
    if given is None or (isinstance(given, Mapping) and not any(isinstance(cell, list) for cell in given.values())):
        return given
    return load(columns_of(given))


@dataclass(frozen=True)
class Layout:
    """What the reader says of columns of a kind: all of a panel that does not depend on its cells."""

    names: tuple[str, str]
    labels: Labels
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Together:
    """Histories that lie in one panel.

    Args:
        panel: of all of them.
        places: which requests they are of.
        cuts: the series of each.
        layouts: how each of them writes its series and times.
    """

    panel: Panel
    places: list[int]
    cuts: list[slice]
    layouts: list[Layout]


class Histories:
    """Panels from the histories of requests, for one model."""

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted
        self._layouts: dict[tuple[Any, ...], Layout | None] = {}
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
        fitted = self._fitted
        return as_panel(columns, fitted.schema, fitted.frequency, fitted.names)

    def read(self, tables: Sequence[Table]) -> tuple[list[Together], dict[int, Panel | Exception]]:
        """The plain histories together; each of the others by its place, or why it cannot be read."""
        plain: list[tuple[int, Plain]] = []
        if self._plain:
            found = ((place, plain_columns(columns_of(table), self._fitted)) for place, table in enumerate(tables))
            plain = [(place, one) for place, one in found if one is not None]
        together = self._together(plain) if plain else []
        taken = {place for one in together for place in one.places}
        others: dict[int, Panel | Exception] = {}
        for place, table in enumerate(tables):
            if place not in taken:
                try:
                    others[place] = self.panel(table)
                except Exception as error:
                    others[place] = error
        return together, others

    def _together(self, plain: list[tuple[int, Plain]]) -> list[Together]:
        """One panel for each type of numbers, of those whose times are as regular as the model's."""
        frequency = self._fitted.frequency
        ones = [one for _, one in plain]
        rows_M = np.array([one.count for one in ones])
        times_R, values_RC = plain_times(ones, frequency.unit == "step"), plain_numbers(ones)
        if times_R is None or values_RC is None:
            return self._one_by_one(plain)
        count_M = np.array([len(one.ids) for one in ones])
        begin_M = np.cumsum(rows_M) - rows_M
        first = np.concatenate([np.asarray(one.first) + begin for one, begin in zip(ones, begin_M, strict=True)])
        length = np.diff(first, append=len(times_R))
        starts = times_R[first]
        step_R = np.arange(len(times_R)) - np.repeat(first, length)
        regular_R = frequency.advance(np.repeat(starts, length), step_R) == times_R
        good_M = np.logical_and.reduceat(regular_R, begin_M) & _usable(values_RC, begin_M)
        layouts = [self._layout(one) if good else None for one, good in zip(ones, good_M.tolist(), strict=True)]
        wide_M = self._wide(values_RC, first, begin_M, count_M)
        series_begin_M = np.cumsum(count_M) - count_M
        made = []
        for dtype, some_M in ((np.float32, ~wide_M), (np.float64, wide_M)):
            kept = [m for m in np.flatnonzero(some_M).tolist() if layouts[m] is not None]
            if kept:
                series = np.concatenate([np.arange(series_begin_M[m], series_begin_M[m] + count_M[m]) for m in kept])
                made.append(self._panel(plain, kept, layouts, values_RC.astype(dtype), series, first, length, starts))
        return made

    def _one_by_one(self, plain: list[tuple[int, Plain]]) -> list[Together]:
        """As ``_together``, where one of several has a cell that is not as plain as it seemed."""
        return [] if len(plain) == 1 else [one for single in plain for one in self._together([single])]

    def _wide(self, values_RC: np.ndarray, first: np.ndarray, begin_M: np.ndarray, count_M: np.ndarray) -> np.ndarray:
        """(M,) whether float32 would lose digits of a request's values."""
        wide_M = np.zeros(len(begin_M), np.bool_)
        if choose_dtype(values_RC, first) is np.float32:
            return wide_M
        stop_M = np.append(begin_M[1:], len(values_RC))
        at_M = np.cumsum(count_M) - count_M
        for m, (begin, stop) in enumerate(zip(begin_M.tolist(), stop_M.tolist(), strict=True)):
            own = first[at_M[m] : at_M[m] + count_M[m]] - begin
            wide_M[m] = choose_dtype(values_RC[begin:stop], own) is np.float64
        return wide_M

    def _panel(
        self, plain: list[tuple[int, Plain]], kept: list[int], layouts: Sequence[Layout | None], values_RV: np.ndarray,
        series: np.ndarray, first: np.ndarray, length: np.ndarray, starts: np.ndarray,
    ) -> Together:  # fmt: skip
        fitted, ids, cuts, own = self._fitted, list[str](), list[slice](), list[Layout]()
        for m in kept:
            layout, one = layouts[m], plain[m][1]
            assert layout is not None
            own.append(layout)
            cuts.append(slice(len(ids), len(ids) + len(one.ids)))
            ids += one.ids if one.named else layout.ids
        panel = Panel(
            values_RV=values_RV, first=first[series], length=length[series], ids=tuple(ids), starts=starts[series],
            frequency=fitted.frequency, schema=fitted.schema, static_NS=np.zeros((len(series), 0), values_RV.dtype),
            names=own[0].names, labels=own[0].labels,
        )  # fmt: skip
        return Together(panel, [plain[m][0] for m in kept], cuts, own)

    def _layout(self, one: Plain) -> Layout | None:
        """What the reader says of such columns; None where it reads them in another way than the short one."""
        if one.layout not in self._layouts:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[one.layout] = self._looked_up(one)
        return self._layouts[one.layout]

    def _looked_up(self, one: Plain) -> Layout | None:
        try:
            read = self.panel(one.columns)
        except GatecastError:
            return None
        wanted = np.array(one.values, np.float64).T
        same = len(read) == len(one.ids) and read.total == one.count and not read.labels.values
        if not same or not np.allclose(read.target_RC, wanted, rtol=1e-6, equal_nan=True):
            return None
        return Layout(read.names, read.labels, read.ids) if not one.named or read.ids == tuple(one.ids) else None


def _usable(values_RC: np.ndarray, begin_M: np.ndarray) -> np.ndarray:
    """(M,) whether a request's values are missing or within float32, and some are there."""
    with np.errstate(invalid="ignore"):
        sound_R = (np.isnan(values_RC) | (np.abs(values_RC) < 1e37)).all(axis=1)
    some_R = np.isfinite(values_RC).any(axis=1)
    return np.logical_and.reduceat(sound_R, begin_M) & np.logical_or.reduceat(some_R, begin_M)
