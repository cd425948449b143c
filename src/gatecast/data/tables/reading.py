"""Read a table of any usual kind into a Panel.

    source -> load -> choose columns -> times, series, numbers -> grid (sorted, checked, or bins) -> Panel

All problems of a table are told at once, in one line, with series and rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.data.tables.columns import Roles, as_names, choose_columns
from gatecast.data.tables.covariates import Encoded, encode, encode_static
from gatecast.data.tables.dates import Times, read_times
from gatecast.data.tables.files import Table, load
from gatecast.data.tables.grid import Grid, make_binned_grid, make_grid
from gatecast.data.tables.numbers import choose_dtype, read_numbers
from gatecast.data.tables.problems import Problems
from gatecast.data.tables.resampling import Rule, check_rule
from gatecast.errors import Argument, ConfigError, CovariateError, PanelError, Setting, did_you_mean, listed

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read", "read_covariates"]


def read(
    source: Any,
    *,
    series: str | None = None,
    time: str | None = None,
    target: str | Sequence[str] | None = None,
    past: str | Sequence[str] = (),
    future: str | Sequence[str] = (),
    static: str | Sequence[str] = (),
    frequency: str | Frequency | None = None,
    gaps: Literal["error", "missing"] = "error",
    resample: Rule | None = None,
    wide: bool | None = None,
    day_first: bool | None = None,
    dtype: Any = None,
    categories: Mapping[str, tuple[str, ...]] | None = None,
) -> Panel:
    """Read a file or a frame as a panel of regular series.

    Args:
        source: path of a CSV, Parquet or JSON(-lines) file, or a frame of pandas, polars, pyarrow, ...; or numbers (nan
            is missing) as an array or list (T,) of one series, an array (T, N) whose columns are series (rows are time,
            as in a frame), or a list of arrays, a series each. Their times are steps 1, 2, ...
        series: column that names the series; found by default, and not needed for a single one.
        time: column of dates or whole steps; found by default. Without any the rows are steps 1, 2, ...
        target: column(s) to forecast; by default "y", or the only column of numbers.
        past: covariates known until the origin only.
        future: covariates known over the horizon too.
        static: covariates that are constant in each series.
        frequency: "h", "15min", "D", "B", "W", "MS", "ME", "QS", "YS", "step", ...; found by default.
        gaps: "error", or "missing" to fill absent times with missing values.
        resample: "mean", "sum", "median", "min", "max", "first" or "last": rows at any times, also several at one, are
            put into the steps of ``frequency`` (without it: the median step, if one is clear), and this rule makes one
            value of those in each. Missing values take no part, a step with no value is missing, and nothing is filled.
            Categories and future covariates take their last value. A step is called by its beginning: midnight, Monday
            (or the day after that of "W-SAT"), the 1st; month ends ("ME") by the last day. The first and the last step
            may be covered in part only, which a sum feels.
        wide: whether each column of numbers is a series; by default so if no column can name the series.
        day_first: whether 01/02/2019 is 1 February; by default the data decide.
        dtype: float32 or float64; by default float32 unless it would lose digits that carry signal.
        categories: known categories of covariates, in the order of their encoding; others are an error.

    Returns:
        A panel; the series in order of first appearance, each sorted by time.

    Raises:
        PanelError: the table, its times or its numbers make no panel; all problems are told at once.
        CovariateError: a covariate has an unknown category.
    """
    if gaps not in ("error", "missing"):
        raise ConfigError(Argument("gaps", of="read"), f"={gaps!r} is unknown; it is 'error' or 'missing'.")
    check_rule(resample)
    steps = _Steps.named(frequency, resample, gaps == "missing")
    table = load(source)
    given = Roles(series, time, as_names(target), as_names(past), as_names(future), as_names(static))
    rows = _Rows(table, choose_columns(table.frame, given, wide), day_first)
    return _build(rows, steps, dtype, dict(categories or {}))


@dataclass(frozen=True)
class _Steps:
    """The steps that the rows are to make.

    Args:
        frequency: their length, if it is known.
        text: how the user wrote it.
        rule: how rows become steps; None: each row is one.
        fill: whether steps without a row are filled as missing.
        origin: a time at which a step begins, where it is known.
    """

    frequency: Frequency | None
    text: str | None = None
    rule: Rule | None = None
    fill: bool = False
    origin: np.ndarray | None = None

    @classmethod
    def named(cls, frequency: str | Frequency | None, rule: Rule | None, fill: bool) -> _Steps:
        if isinstance(frequency, str):
            return cls(Frequency.from_text(frequency), frequency, rule, fill)
        return cls(frequency, None, rule, fill)


def _build(rows: _Rows, steps: _Steps, dtype: Any, known: dict[str, tuple[str, ...]]) -> Panel:
    """Read the numbers, put them on the grid, tell all problems, and make the panel."""
    roles, comma = rows.roles, rows.table.decimal_comma
    covariates = [
        [encode(rows.column(name), comma, rows.row_R, rows.problems, known.get(name)) for name in names]
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
    static_columns, static_NS = encode_static(static, rows.series_R, rows.ids, rows.table, known)
    rule = steps.rule or "last"
    targets_RC = grid.place(target_RC, rule)
    kind = np.dtype(dtype) if dtype is not None else np.dtype(choose_dtype(targets_RC, grid.first))
    past = [grid.place(c.values_RV, rule if c.column.categories is None else "last") for c in covariates[0]]
    future = [grid.place(c.values_RV, "last") for c in covariates[1]]
    blocks = [targets_RC, *past, *future]
    past_columns, future_columns = (tuple(encoded.column for encoded in group) for group in covariates)
    schema = Schema(("y",) if roles.wide else roles.targets, past_columns, future_columns, tuple(static_columns))
    values_RV = np.concatenate(blocks, axis=1, dtype=kind)
    return rows.panel(grid, values_RV, schema, static_NS.astype(kind))


def read_covariates(
    source: Any,
    panel: Panel,
    *,
    horizon: int | None = None,
    day_first: bool | None = None,
    gaps: Literal["error", "missing"] = "error",
    resample: bool = False,
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
    names = [column.name for column in schema.future]
    _check_covariates(names, table.frame.columns)
    series = panel.names[0] if panel.names[0] in table.frame.columns else None
    if series is None and len(panel) > 1:
        raise PanelError(f"there is no column {panel.names[0]!r}{did_you_mean(panel.names[0], table.frame.columns)}.")
    time = panel.names[1] if panel.names[1] in table.frame.columns else None
    if time is None:
        raise PanelError(f"there is no column {panel.names[1]!r}{did_you_mean(panel.names[1], table.frame.columns)}.")
    rows = _Rows(table, Roles(series, time), day_first)
    if series is None:
        rows.ids = panel.ids
    encoded = [
        encode(rows.column(c.name), table.decimal_comma, rows.row_R, rows.problems, c.categories, c.categories is None)
        for c in schema.future
    ]
    steps = _Steps(panel.frequency, None, "last" if resample else None, gaps == "missing", panel.starts[0])
    grid = rows.grid(~rows.times_bad_R & ~rows.series_bad_R, steps)
    rows.problems.tell()
    assert grid is not None
    empty = np.empty((len(rows.row_R), 0))
    values_RV = np.concatenate([grid.place(b, "last") for b in (empty, *(e.values_RV for e in encoded))], axis=1)
    return rows.panel(grid, values_RV.astype(panel.values_RV.dtype), schema, np.empty((len(rows.ids), 0)))


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


class _Rows:
    """The rows of a table on their way into a panel: series, times and row numbers."""

    def __init__(self, table: Table, roles: Roles, day_first: bool | None) -> None:
        self.table, self.roles = table, roles
        self.problems = Problems(table.of_file)
        self.row_R = np.arange(table.frame.height) + table.first_row
        self.zone: str | None = None
        self._read_series()
        self._read_times(day_first)

    def column(self, name: str) -> pl.Series:
        return self.table.frame[name]

    def _read_series(self) -> None:
        if self.roles.series is None:
            self.ids: tuple[str, ...] = self.roles.targets if len(self.roles.targets) == 1 else ("all",)
            self.series_R = np.zeros(len(self.row_R), np.int64)
            self.series_bad_R = np.zeros(len(self.row_R), bool)
            return
        import polars as pl

        column = self.column(self.roles.series)
        self.series_bad_R = column.is_null().to_numpy()
        self.problems.missing(self.series_bad_R, self.row_R, self.roles.series, "a name of the series")
        head_R = (column != column.shift(1)).fill_null(True).to_numpy()
        heads = column.filter(pl.Series(head_R))
        names = heads.drop_nulls().unique(maintain_order=True)
        codes = heads.replace_strict(names, np.arange(len(names)), default=0, return_dtype=pl.Int64).to_numpy()
        self.series_R = np.repeat(codes, np.diff(np.flatnonzero(head_R), append=len(head_R)))
        self.ids = tuple(names.cast(pl.String).to_list())

    def _read_times(self, day_first: bool | None) -> None:
        if self.roles.time is None:
            self.times_R = np.arange(1, len(self.row_R) + 1)
            self.times_bad_R = np.zeros(len(self.row_R), bool)
            return
        column = self.column(self.roles.time)
        times: Times = read_times(column, day_first)
        self.times_R, self.zone = times.values_R, times.zone
        self.times_bad_R = times.wrong_R | times.missing_R
        self.problems.bad_cells(times.wrong_R, self.row_R, self.roles.time, column, "cannot be read as a time")
        self.problems.missing(times.missing_R, self.row_R, self.roles.time, "a time")

    def targets(self) -> np.ndarray:
        """(R, C) float64 targets; cells that are no finite numbers are told."""
        columns = []
        for name in self.roles.targets:
            column = self.column(name)
            value_R, wrong_R = read_numbers(column, self.table.decimal_comma)
            self.problems.bad_cells(wrong_R, self.row_R, name, column, "is no number")
            self.problems.bad_cells(np.isinf(value_R), self.row_R, name, column, "is infinite")
            columns.append(value_R)
        return columns[0][:, None] if len(columns) == 1 else np.stack(columns, axis=1)

    def melt(
        self, target_RC: np.ndarray, keep_R: np.ndarray, covariates: list[list[Encoded]]
    ) -> tuple[np.ndarray, np.ndarray, list[list[Encoded]]]:
        """Turn a wide table into a long one; missing values at the ends of a series are no rows."""
        R, N = target_RC.shape
        held_RN = ~np.isnan(target_RC)
        begun_RN = np.logical_or.accumulate(held_RN, axis=0)
        going_RN = np.logical_or.accumulate(held_RN[::-1], axis=0)[::-1]
        inside_RN = begun_RN & (going_RN | bool(self.roles.future))
        empty = [repr(name) for name, some in zip(self.roles.targets, held_RN.any(axis=0), strict=True) if not some]
        if empty:
            self.problems.found.append(f"columns {listed(empty)} hold no numbers. Drop them.")
        kept = (keep_R[:, None] & inside_RN).T.ravel()
        self.ids = self.roles.targets
        self.series_R = np.repeat(np.arange(N), R)
        self.times_R, self.row_R = np.tile(self.times_R, N), np.tile(self.row_R, N)
        tiled = [[Encoded(c.column, np.tile(c.values_RV, (N, 1))) for c in group] for group in covariates]
        return target_RC.T.reshape(-1, 1), kept, tiled

    def grid(self, keep_R: np.ndarray, steps: _Steps) -> Grid | None:
        """The grid over the rows kept; its source rows count all rows."""
        kept = None if keep_R.all() else np.flatnonzero(keep_R)
        series_R, times_R, row_R = self.series_R, self.times_R, self.row_R
        if kept is not None:
            series_R, times_R, row_R = series_R[kept], times_R[kept], row_R[kept]
        absent = len(np.unique(series_R)) < len(self.ids) if kept is not None else False
        if absent or not len(series_R):
            if not self.problems.found:
                self.problems.found.append("the table has no usable rows.")
            return None
        if steps.rule is not None:
            made = make_binned_grid(
                series_R,
                times_R,
                self.ids,
                problems=self.problems,
                zone=self.zone,
                frequency=steps.frequency,
                text=steps.text,
                origin=steps.origin,
            )
            return made if made is None or kept is None else made.of_rows(kept)
        made = make_grid(
            series_R,
            times_R,
            row_R,
            self.ids,
            problems=self.problems,
            zone=self.zone,
            frequency=steps.frequency,
            fill=steps.fill,
        )
        return made if made is None or kept is None else made.of_rows(kept)

    def panel(self, grid: Grid, values_RV: np.ndarray, schema: Schema, static_NS: np.ndarray) -> Panel:
        """Put the pieces together."""
        return Panel(
            values_RV=values_RV,
            first=grid.first,
            length=grid.length,
            ids=self.ids,
            starts=grid.starts,
            frequency=grid.frequency,
            schema=schema,
            static_NS=static_NS,
            backend=self.table.backend,
            names=(self.roles.series or "unique_id", self.roles.time or "ds"),
        )
