"""Read what is known ahead: the future covariates of a panel, from a table or as constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.data.tables.covariates import encode
from gatecast.data.tables.intake import stored_names
from gatecast.data.tables.roles.columns import Roles
from gatecast.data.tables.shapes.sources import load
from gatecast.data.tables.shapes.table import Table
from gatecast.data.tables.table_rows import Rows, Steps
from gatecast.data.tables.times.read import Wish
from gatecast.errors import ConfigError, CovariateError, PanelError, Setting, did_you_mean, listed

__all__ = ["read_covariates"]


def read_covariates(
    source: Any,
    panel: Panel,
    *,
    horizon: int | None = None,
    day_first: bool | None = None,
    gaps: Literal["error", "missing", "zero"] = "error",
    resample: bool = False,
    year_first: bool | None = None,
    timezone: str | None = None,
    decimal: str | None = None,
    na: tuple[str, ...] = (),
) -> Panel:
    """Read what ``predict`` knows ahead: the future covariates of a panel.

    Args:
        source: a path or frame with the panel's series and time columns and its future covariates; or constants by
            name, such as {"day_type": "W"}, for ``horizon`` rows after the end of each series.
        panel: the panel whose columns, categories and frequency hold.
        horizon: number of rows, for constants.
        day_first: as in ``read``.
        gaps: as in ``read``.
        resample: whether rows at any times are put into the steps of the panel; the last value in each holds.
        year_first: as in ``read``.
        timezone: as in ``read``.
        decimal: as in ``read``.
        na: as in ``read``.

    Returns:
        A panel without targets, its covariates encoded as those of ``panel``.

    Raises:
        CovariateError: a covariate is missing or has an unknown category.
        PanelError: the table's times or numbers cannot be used.
    """
    schema = Schema(targets=(), future=panel.schema.future)
    if isinstance(source, Mapping):
        return _constants(source, panel, schema, horizon)
    table = load(source)
    wish = Wish(day_first, year_first, timezone, na)
    names = [column.name for column in schema.future]
    _check_covariates(names, table.frame.columns)
    series, time = stored_names(panel.names, table.frame.columns)
    if not series and len(panel) > 1:
        raise PanelError(f"there is no column {panel.names[0]!r}{did_you_mean(panel.names[0], table.frame.columns)}.")
    if not time:
        raise PanelError(f"there is no column {panel.names[1]!r}{did_you_mean(panel.names[1], table.frame.columns)}.")
    rows = _rows_that_follow(table, Roles(series, time), wish, panel, decimal)
    if not series:
        rows.ids = panel.ids
    encoded = [
        encode(rows.column(c.name), rows.hints, rows.row_R, rows.problems, c.categories, c.categories is None)
        for c in schema.future
    ]
    steps = Steps(panel.frequency, None, "last" if resample else None, gaps, panel.starts[0])
    grid = rows.grid(~rows.times_bad_R & ~rows.series_bad_R, steps)
    rows.problems.tell()
    assert grid is not None
    empty = np.empty((len(rows.row_R), 0))
    values_RV = np.concatenate([grid.place(b, "last") for b in (empty, *(e.values_RV for e in encoded))], axis=1)
    return rows.panel(grid, values_RV.astype(panel.values_RV.dtype), schema, np.empty((len(rows.ids), 0)))


def _rows_that_follow(table: Table, roles: Roles, wish: Wish, panel: Panel, decimal: str | None) -> Rows:
    """The rows; of two ways to read their dates the one that follows the panel."""
    if panel.frequency.timezone and not panel.frequency.timezone.startswith(("+", "-")) and wish.timezone is None:
        wish = replace(wish, timezone=panel.frequency.timezone)
    try:
        return Rows(table, roles, wish, decimal)
    except PanelError as error:
        if wish.day_first is not None or not any(r["setting"] in ("day_first", "year_first") for r in error.remedies):
            raise
        ways = [Rows(table, roles, replace(wish, day_first=way), decimal) for way in (True, False)]
        end_N = panel.frequency.advance(panel.starts, panel.length)
        best = min(ways, key=lambda rows: abs(int((rows.times_R.min() - end_N.max()).astype(np.int64))))
        if len({int((rows.times_R.min() - end_N.max()).astype(np.int64)) for rows in ways}) < len(ways):
            raise
        return best


def _check_covariates(names: Sequence[str], given: Sequence[str]) -> None:
    absent = [f"{name!r}{did_you_mean(name, given)}" for name in names if name not in given]
    if absent:
        raise CovariateError(f"missing future covariates: {listed(absent)}. The model needs {listed(names, 12)}.")


def _constants(source: Mapping[str, Any], panel: Panel, schema: Schema, horizon: int | None) -> Panel:
    """The same values at each of the ``horizon`` steps after the end of every series."""
    known = [column.name for column in schema.future]
    _check_covariates(known, list(source))
    extra = [f"{name!r}{did_you_mean(name, known)}" for name in source if name not in known]
    if extra:
        raise CovariateError(f"there is no future covariate {listed(extra)}. Known: {listed(known) or 'none'}.")
    if horizon is None or horizon < 1:
        needed = Setting("horizon", of="read_covariates")
        raise ConfigError("constant future covariates need ", needed, " of at least 1.")
    row_1V = np.concatenate([_one(column, source[column.name]) for column in schema.future] or [np.empty((1, 0))], 1)
    N = len(panel)
    return Panel(
        values_RV=np.repeat(row_1V, N * horizon, axis=0).astype(panel.values_RV.dtype),
        first=np.arange(N) * horizon,
        length=np.full(N, horizon),
        ids=panel.ids,
        starts=panel.frequency.advance(panel.starts, panel.length),
        frequency=panel.frequency,
        schema=schema,
        static_NS=panel.static_NS[:, :0],
        backend=panel.backend,
        names=panel.names,
    )


def _one(column: Column, value: Any) -> np.ndarray:
    if column.categories is not None:
        return column.encode(np.array([value]))
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise CovariateError(f"future covariate {column.name!r} is a number; {value!r} is none.") from error
    if not np.isfinite(number):
        raise CovariateError(f"future covariate {column.name!r} is {value!r}; it has to be finite.")
    return np.array([[number]])
