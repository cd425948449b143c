"""The rows of a table on their way into a panel: series, times and row numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from gatecast.data.frequency import Frequency
from gatecast.data.labels import Labels, Spelling
from gatecast.data.panel import Panel
from gatecast.data.schema import Schema
from gatecast.data.tables.covariates import Encoded, numbers_of
from gatecast.data.tables.grid import Grid, make_binned_grid, make_grid
from gatecast.data.tables.intake import KEY_JOIN
from gatecast.data.tables.numerals import hints_of
from gatecast.data.tables.problems import Problems
from gatecast.data.tables.resampling import Rule
from gatecast.data.tables.roles.columns import Roles
from gatecast.data.tables.shapes.table import Table
from gatecast.data.tables.times.parts import read_together
from gatecast.data.tables.times.read import Wish, read_times
from gatecast.data.tables.times.words import TOTALS
from gatecast.data.tables.times.zones import localised
from gatecast.errors import Note, PanelError, Setting, listed

__all__ = ["Rows", "Steps"]


@dataclass(frozen=True)
class Steps:
    """The steps that the rows are to make.

    Args:
        frequency: their length, if it is known.
        text: how the user wrote it.
        rule: how rows become steps; None: each row is one.
        gaps: what steps without a row are: "error", "missing" or "zero".
        origin: a time at which a step begins, where it is known.
    """

    frequency: Frequency | None
    text: str | None = None
    rule: Rule | None = None
    gaps: str = "error"
    origin: np.ndarray | None = None

    @classmethod
    def named(cls, frequency: Any, rule: Rule | None, gaps: str) -> Steps:
        """The steps as ``read`` takes them."""
        if isinstance(frequency, str):
            return cls(Frequency.from_text(frequency), frequency, rule, gaps)
        return cls(None if frequency is None else Frequency.of(frequency), None, rule, gaps)


class Rows:
    """The rows of a table on their way into a panel: series, times and row numbers."""

    def __init__(self, table: Table, roles: Roles, wish: Wish, decimal: str | None = None) -> None:
        self.table, self.roles, self.wish = table, roles, wish
        hints = hints_of(table.frame, table.decimal_comma, decimal, wish.na)
        self.hints = replace(hints, exact=table.exact)
        self.problems = Problems(table.of_file, [Note(note) for note in (*table.notes, *roles.notes)])
        self.row_R = table.row_R
        self.zone: str | None = None
        self.spellings: tuple[Spelling, ...] = ()
        self.values: tuple[tuple[str, Any], ...] = ()
        self._read_series()
        self._read_times()

    def column(self, name: str) -> pl.Series:
        """A column as it came."""
        return self.table.frame[name]

    def _read_series(self) -> None:
        keys = self.roles.series
        if not keys:
            self.ids: tuple[str, ...] = self.roles.targets if len(self.roles.targets) == 1 else ("all",)
            self.series_R = np.zeros(len(self.row_R), np.int64)
            self.series_bad_R = np.zeros(len(self.row_R), bool)
            return
        column = self.column(keys[0])
        if len(keys) > 1:
            texts = [pl.col(key).cast(pl.String) for key in keys]
            column = self.table.frame.select(pl.concat_str(texts, separator=KEY_JOIN).alias(self.names[0]))[:, 0]
        self.series_bad_R = column.is_null().to_numpy()
        self.problems.missing(self.series_bad_R, self.row_R, self.names[0], "a name of the series")
        head_R = (column != column.shift(1)).fill_null(True).to_numpy()
        heads = column.filter(pl.Series(head_R))
        names = heads.drop_nulls().unique(maintain_order=True)
        codes = heads.replace_strict(names, np.arange(len(names)), default=0, return_dtype=pl.Int64).to_numpy()
        self.series_R = np.repeat(codes, np.diff(np.flatnonzero(head_R), append=len(head_R)))
        self.ids = tuple(names.cast(pl.String).to_list())
        self.values = self._key_values(names)

    def _key_values(self, names: pl.Series) -> tuple[tuple[str, Any], ...]:
        """What the table holds for each series, where that is not its name."""
        keys = self.roles.series
        if len(keys) == 1:
            return () if names.dtype == pl.String else tuple(zip(self.ids, names.to_list(), strict=True))
        first_N = np.unique(self.series_R, return_index=True)[1]
        rows = self.table.frame.select(keys)[first_N.tolist()]
        return tuple(zip(self.ids, rows.iter_rows(), strict=True))

    @property
    def names(self) -> tuple[str, str]:
        """What the series and the times are called."""
        return KEY_JOIN.join(self.roles.series) or "unique_id", KEY_JOIN.join(self.roles.time) or "ds"

    def _read_times(self) -> None:
        names = self.roles.time
        if not names:
            self.times_R = np.arange(1, len(self.row_R) + 1)
            self.times_bad_R = np.zeros(len(self.row_R), bool)
            return
        columns = [self.column(name) for name in names]
        times = read_times(columns[0], self.wish) if len(columns) == 1 else read_together(columns, self.wish)
        self.times_R, self.zone, self.spellings = times.values_R, times.zone, times.spellings
        self.times_bad_R = times.wrong_R | times.missing_R
        self.problems.notes += [Note(note) for note in times.notes]
        wrong_R = times.wrong_R & ~self._totals(columns[0], times.wrong_R)
        self.problems.bad_cells(wrong_R, self.row_R, names[0], columns[0], "cannot be read as a time")
        self.problems.missing(times.missing_R, self.row_R, names[0], "a time")
        self._localise(columns[0])

    def _totals(self, column: pl.Series, wrong_R: np.ndarray) -> np.ndarray:
        """Rows that add up others: their time says so. They are left out, and told."""
        if not wrong_R.any() or column.dtype != pl.String:
            return np.zeros(len(wrong_R), bool)
        total_R = column.str.contains(f"(?i){TOTALS}").fill_null(False).to_numpy() & wrong_R
        rows = self.row_R[total_R]
        if len(rows):
            cell = column.filter(pl.Series(total_R))[0]
            verb = "row {0} ({1!r}) adds" if len(rows) == 1 else "rows {0} ({1!r}) add"
            self.problems.notes.append(Note(verb.format(listed(rows.tolist(), 3), cell), " others up: left out"))
        return np.asarray(total_R)

    def _localise(self, column: pl.Series) -> None:
        """Times without a zone are those of the zone that the user names."""
        zone = self.wish.timezone
        if zone is None:
            return
        if self.times_R.dtype.kind != "M":
            raise PanelError(
                "the times are whole numbers, and ", Setting("timezone", zone, of="read"), " is for dates."
            )
        if self.zone is None:
            known_R = ~self.times_bad_R
            instants_R, gone_R = localised(self.times_R, self.series_R, zone)
            self.times_R = np.where(known_R, instants_R, self.times_R)
            told = f"does not exist in {zone}, where the clock skips it"
            self.problems.bad_cells(gone_R & known_R, self.row_R, column.name, column, told)
            self.times_bad_R = self.times_bad_R | gone_R
        self.zone = zone

    def targets(self) -> np.ndarray:
        """(R, C) float64 targets; cells that are no finite numbers are told."""
        columns = [self.numbers(self.column(name)) for name in self.roles.targets]
        return columns[0][:, None] if len(columns) == 1 else np.stack(columns, axis=1)

    def numbers(self, column: pl.Series) -> np.ndarray:
        """(R,) float64 numbers of a column; what is none is told."""
        return numbers_of(column, self.hints, self.row_R, self.problems)

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

    def grid(self, keep_R: np.ndarray, steps: Steps) -> Grid | None:
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
        made = self._made(series_R, times_R, row_R, steps)
        if self.problems.change is not None:
            made = self._with_clock_change(series_R, times_R, row_R, steps)
        return made if made is None or kept is None else made.of_rows(kept)

    def _with_clock_change(
        self, series_R: np.ndarray, times_R: np.ndarray, row_R: np.ndarray, steps: Steps
    ) -> Grid | None:
        """The grid of naive times as the local times of a zone whose clock changes explain doubled and absent ones."""
        change, self.problems.change = self.problems.change, None
        assert change is not None
        before = len(self.problems.found)
        instants_R, gone_R = localised(times_R, series_R, change.zone)
        self.zone = change.zone
        made = None if gone_R.any() else self._made(series_R, instants_R, row_R, steps)
        if made is None or len(self.problems.found) > before:
            self.zone = None
            del self.problems.found[before:]
            self.problems.found.append(change.told())
            return None
        self.problems.notes.append(Note(change.noted()))
        return made

    def _made(self, series_R: np.ndarray, times_R: np.ndarray, row_R: np.ndarray, steps: Steps) -> Grid | None:
        return make_grid(
            series_R,
            times_R,
            row_R,
            self.ids,
            problems=self.problems,
            zone=self.zone,
            frequency=steps.frequency,
            fill=steps.gaps != "error",
        )

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
            names=self.names,
            labels=self._labels(grid),
            notes=tuple(self.problems.notes),
        )

    def _labels(self, grid: Grid) -> Labels:
        keys = self.roles.series if len(self.roles.series) > 1 else ()
        times = self.spellings if grid.bins is None and self.zone is None else ()
        offset = self.zone if self.zone and self.zone[0] in "+-" and grid.frequency.stores_utc else ""
        return Labels(times, keys, self.values, offset)
