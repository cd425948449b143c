"""Read a table of any usual kind into a Panel.

    source -> load (any file, frame or pipe; the table within it) -> turn (columns that are times)
           -> choose columns -> times, series, numbers -> grid (sorted, checked, or bins) -> Panel

One grammar for all sources: CSV cells are text, others are typed, and the same readers take both. Where two readings
are possible the one that gives a regular table is taken and noted (``Panel.notes``); where both fit, it asks.

All problems of a table are told at once, in one line, with series and rows.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Schema
from gatecast.data.tables.covariates import encode, encode_static
from gatecast.data.tables.grid import Grid
from gatecast.data.tables.known_ahead import read_covariates
from gatecast.data.tables.numbers import choose_dtype
from gatecast.data.tables.numerals import hints_of
from gatecast.data.tables.resampling import Rule, check_rule
from gatecast.data.tables.roles.columns import Roles, as_names, choose_columns
from gatecast.data.tables.shapes.sources import Layout, Table, load
from gatecast.data.tables.shapes.turning import turned
from gatecast.data.tables.table_rows import Rows, Steps
from gatecast.data.tables.times.read import Wish
from gatecast.data.tables.times.zones import check_zone
from gatecast.errors import Argument, ConfigError, Note

__all__ = ["read", "read_covariates", "rows_of_table"]


def read(
    source: Any,
    *,
    series: str | Sequence[str] | None = None,
    time: str | Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    past: str | Sequence[str] = (),
    future: str | Sequence[str] = (),
    static: str | Sequence[str] = (),
    frequency: str | Frequency | int | datetime.timedelta | None = None,
    gaps: Literal["error", "missing", "zero"] = "error",
    resample: Rule | None = None,
    wide: bool | None = None,
    day_first: bool | None = None,
    year_first: bool | None = None,
    timezone: str | None = None,
    decimal: Literal[".", ","] | None = None,
    na: str | Sequence[str] = (),
    skip: int = 0,
    header: int | None = None,
    query: str | None = None,
    sheet: str | int | None = None,
    dtype: Any = None,
    categories: Mapping[str, tuple[str, ...]] | None = None,
) -> Panel:
    """Read a file or a frame as a panel of regular series.

    Args:
        source: path of a CSV, Parquet, JSON(-lines), XLSX or ODS file, a folder or a pattern ("sales-*.csv") of such,
            "-" for what comes through a pipe; the address of a database, such as "postgresql://me@host/shop",
            "sqlite:///shop.db" or "duckdb:///shop.duckdb", with a ``query`` or a table ("sqlite:///shop.db#sales"); or
            a frame of pandas, polars, pyarrow, ...; a dict of columns, such as
            {"month": ["2024-01", "2024-02"], "sales": [3, 4]}; or numbers (nan is missing) as an array or list (T,) of
            one series, an array (T, N) whose columns are series (rows are time, as in a frame), or a list of arrays, a
            series each. Their times are steps 1, 2, ...
        series: column that names the series, or several that do so together; found by default, and not needed for a
            single one.
        time: column of dates, periods or whole steps, or several that make up the time (a date and a clock; year, month
            and day); found by default. Without any the rows are steps 1, 2, ...
        target: column(s) to forecast; by default "y", or the only column of numbers.
        past: covariates known until the origin only.
        future: covariates known over the horizon too.
        static: covariates that are constant in each series.
        frequency: "h", "15min", "D", "B", "W", "MS", "ME", "QS", "YS", "step", ...; found by default.
        gaps: "error", "missing" to fill absent times with missing values, or "zero" where no row means nothing.
        resample: "mean", "sum", "median", "min", "max", "first" or "last": rows at any times, also several at one, are
            put into the steps of ``frequency`` (without it: the median step, if one is clear), and this rule makes one
            value of those in each. Missing values take no part, a step with no value is missing, and nothing is filled.
            Categories and future covariates take their last value. A step is called by its beginning: midnight, Monday
            (or the day after that of "W-SAT"), the 1st; month ends ("ME") by the last day. The first and the last step
            may be covered in part only, which a sum feels.
        wide: whether each column of numbers is a series; by default so if no column can name the series.
        day_first: whether 01/02/2019 is 1 February; by default the data decide.
        year_first: whether 19-02-01 is 1 February 2019; by default the data decide.
        timezone: zone of times that name none, such as "Europe/Berlin"; others are moved there.
        decimal: "," or ".", the decimal sign of numbers in text; by default each column shows it.
        na: cells that stand for a missing value, such as "-".
        skip: rows to leave out at the beginning of a file.
        header: row of a file that holds the names of the columns, counted from 1; 0 = none does. Found by default.
        query: a SELECT, which the database answers read-only. Without a database DuckDB answers it: it calls the files
            of ``source`` "data", or, with "duckdb://", names files itself ("select * from 'sales/*.parquet'").
            Passwords belong in PGPASSWORD or ~/.pgpass; none is kept or shown.
        sheet: of a spreadsheet, by its name or its number from 1; by default the first that holds something.
        dtype: float32 or float64; by default float32 unless it would lose digits that carry signal.
        categories: known categories of covariates, in the order of their encoding; others are an error.

    Returns:
        A panel; the series in order of first appearance, each sorted by time. ``notes`` say what was not obvious.

    Raises:
        PanelError: the table, its times or its numbers make no panel; all problems are told at once.
        CovariateError: a covariate has an unknown category.
    """
    if gaps not in ("error", "missing", "zero"):
        raise ConfigError(Argument("gaps", of="read"), f"={gaps!r} is unknown; it is 'error', 'missing' or 'zero'.")
    if decimal not in (None, ".", ","):
        raise ConfigError(Argument("decimal", of="read"), f"={decimal!r} is unknown; it is '.' or ','.")
    check_rule(resample)
    check_zone(timezone)
    steps = Steps.named(frequency, resample, gaps)
    wish = Wish(day_first, year_first, timezone, as_names(na))
    table = load(source, Layout(skip, header, query, sheet))
    given = Roles(
        as_names(series), as_names(time), as_names(target), as_names(past), as_names(future), as_names(static)
    )
    rows = rows_of_table(table, given, wide, wish, decimal, put_together=resample is not None)
    return _build(rows, steps, dtype, dict(categories or {}))


def rows_of_table(
    table: Table,
    given: Roles,
    wide: bool | None,
    wish: Wish,
    decimal: str | None = None,
    *,
    put_together: bool = False,
) -> Rows:
    """The rows of a table with the roles of its columns, those that were not given found."""
    hints = hints_of(table.frame, table.decimal_comma, decimal, wish.na)
    table, given = turned(table, given, replace(hints, exact=table.exact))
    wide = None if table.turned else wide
    roles = choose_columns(table.frame, given, wide, hints, put_together=put_together)
    return Rows(table, roles, wish, decimal)


def _build(rows: Rows, steps: Steps, dtype: Any, known: dict[str, tuple[str, ...]]) -> Panel:
    """Read the numbers, put them on the grid, tell all problems, and make the panel."""
    roles = rows.roles
    covariates = [
        [encode(rows.column(name), rows.hints, rows.row_R, rows.problems, known.get(name)) for name in names]
        for names in (roles.past, roles.future)
    ]
    target_RC = rows.targets()
    keep_R = ~rows.times_bad_R & ~rows.series_bad_R
    if roles.wide:
        target_RC, keep_R, covariates = rows.melt(target_RC, keep_R, covariates)
    grid = rows.grid(keep_R, steps)
    rows.problems.tell()
    assert grid is not None
    static = [rows.column(name) for name in roles.static]
    static_columns, static_NS = encode_static(static, rows.series_R, rows.ids, rows.table, rows.hints, known)
    rule = steps.rule or "last"
    targets_RC = grid.place(target_RC, rule)
    _fill(grid, targets_RC, steps, rows)
    kind = np.dtype(dtype) if dtype is not None else np.dtype(choose_dtype(targets_RC, grid.first))
    past = [grid.place(c.values_RV, rule if c.column.categories is None else "last") for c in covariates[0]]
    future = [grid.place(c.values_RV, "last") for c in covariates[1]]
    blocks = [targets_RC, *past, *future]
    past_columns, future_columns = (tuple(encoded.column for encoded in group) for group in covariates)
    schema = Schema(("y",) if roles.wide else roles.targets, past_columns, future_columns, tuple(static_columns))
    values_RV = np.concatenate(blocks, axis=1, dtype=kind)
    return rows.panel(grid, values_RV, schema, static_NS.astype(kind))


def _fill(grid: Grid, targets_RC: np.ndarray, steps: Steps, rows: Rows) -> None:
    """Put zeros where there was no row, if that was asked for, and note how many steps were filled."""
    if steps.gaps == "error":
        return
    empty_R = grid.without_row()
    count = int(empty_R.sum())
    if not count:
        return
    if steps.gaps == "zero":
        targets_RC[empty_R] = 0
    words = "0" if steps.gaps == "zero" else "missing"
    told = f"{count:,} {grid.frequency.plural(count)} without a row are taken as {words}"
    rows.problems.notes.append(Note(told))
