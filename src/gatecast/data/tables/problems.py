"""Collect every problem of a table and tell them at once, with series and rows as people count them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.errors import Note, PanelError, Part, Setting, joined, listed

if TYPE_CHECKING:
    from gatecast.data.tables.reasons import ClockChange

__all__ = ["Problems"]

_SHOWN = 3
_NOTES = 5  # in a message of problems
_LONGEST = 80  # characters of a cell in a message


@dataclass
class Problems:
    """Problems found so far.

    Args:
        of_file: " of sales.csv", or "" for a frame.
        change: a clock change that explains doubled times, which the rows are then read with.
        notes: what was not obvious in reading it; part of the message if there are problems.
        found: one sentence or more per kind of problem.
    """

    of_file: str = ""
    notes: list[Note] = field(default_factory=list)
    found: list[Part] = field(default_factory=list)
    change: ClockChange | None = None

    def tell(self) -> None:
        """Raise PanelError with all problems, if there are any."""
        if self.found:
            notes = [note.parts for note in self.notes[:_NOTES]]
            told: tuple[Part, ...] = (" Read so far: ", *joined("; ", notes), ".") if notes else ()
            raise PanelError(*joined(" Also: ", self.found), *told)

    def add(self, told: list[str], total: int, what: str, remedy: Part, shown: int | None = None) -> None:
        """Add problems of one kind: the first few in words, then how many there are, then what to do."""
        if total:
            more = f" ({total:,} {what} in all.)" if total > (shown or len(told)) else ""
            self.found.append((f"{'; '.join(told)}.{more} ", remedy))

    def bad_cells(self, bad_R: np.ndarray, row_R: np.ndarray, column: str, cells: object, what: str) -> None:
        """Cells of one column that hold something unusable; ``cells`` is the column as it came."""
        bad = np.flatnonzero(bad_R)
        told = [f"{self._cell(cells, int(r))} in column {column!r}, row {row_R[r]}" for r in bad[:_SHOWN]]
        if len(bad):
            self.add([f"{listed(told)}{self.of_file} {what}"], len(bad), "cells", "Correct or empty them.", len(told))

    def _cell(self, cells: object, r: int) -> str:
        shown = repr(cells[r])  # type: ignore[index]
        return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}...'"

    def marked_cells(self, marked_R: np.ndarray, row_R: np.ndarray, column: str, cells: object) -> None:
        """Cells with a mark for a missing value: they are missing, and noted."""
        marked = np.flatnonzero(marked_R)
        if len(marked):
            told = f"{self._cell(cells, int(marked[0]))} in column {column!r}, row {row_R[marked[0]]}{self.of_file}"
            more = f" ({len(marked):,} cells)" if len(marked) > 1 else ""
            self.notes.append(Note(f"{told} is no number: taken as missing{more}"))

    def dashes(self, dash_R: np.ndarray, row_R: np.ndarray, column: str, cells: object) -> None:
        """Cells that hold a dash only: missing, or zero?"""
        found = np.flatnonzero(dash_R)
        if len(found):
            cell = self._cell(cells, int(found[0]))
            told = [f"{self._cell(cells, int(r))} in column {column!r}, row {row_R[r]}" for r in found[:_SHOWN]]
            remedy = Setting("na", cell.strip("'"), of="read")
            after = ("If it stands for nothing, pass ", remedy, "; if for zero, write 0.")
            self.add([f"{listed(told)}{self.of_file} is no number"], len(found), "cells", after, len(told))

    def missing(self, gone_R: np.ndarray, row_R: np.ndarray, column: str, what: str) -> None:
        """Rows without a time or a series."""
        rows = [f"{row_R[r]}" for r in np.flatnonzero(gone_R)]
        if rows:
            noun = "row" if len(rows) == 1 else "rows"
            self.found.append(
                f"{noun} {listed(rows)}{self.of_file} without {what} in column {column!r}. Fill or drop them."
            )

    def duplicates(
        self, again_R: np.ndarray, times_R: np.ndarray, series_R: np.ndarray, row_R: np.ndarray, ids: tuple[str, ...]
    ) -> None:
        """Rows with the series and time of the row before (rows are sorted)."""
        heads = np.flatnonzero(again_R & ~np.roll(again_R, 1))
        told = []
        for r in heads[:_SHOWN]:
            stop = r + int(np.argmin(np.append(again_R[r:], False)))
            rows = " and ".join(str(row) for row in row_R[r - 1 : stop][:4])
            time = str(times_R[r]).removesuffix(".000000").removesuffix("T00:00:00").replace("T", " ")
            where = f"rows {rows}{self.of_file}"
            told.append(f"series {ids[series_R[r]]!r} has {stop - r + 1} rows for {time} ({where})")
        rule = Setting("resample", "sum", of="read")
        remedy = ("One row per series and time is allowed: drop one, or aggregate them, e.g. with ", rule, ".")
        self.add(told, len(heads), "duplicated times", remedy)

    def off_grid(
        self, off_R: np.ndarray, labels: list[str], where: list[str], total: int, frequency: Frequency
    ) -> None:
        """Rows whose time is none of the grid's."""
        off = int(off_R.sum())
        if not off:
            return
        told = [f"{label} in {place}" for label, place in zip(labels, where, strict=True)]
        irregular = "the times are irregular: " if off > total / 5 else ""
        frequency_, rule = Setting("frequency", of="read"), Setting("resample", "mean", of="read")
        remedy = ("Correct the times, pass ", frequency_, ", or put the rows into its steps, e.g. with ", rule, ".")
        text = f"{irregular}{off:,} of {total:,} rows are off the grid of one {frequency.name}: {listed(told)}"
        self.found.append((f"{text}. ", remedy))

    def gaps(self, closed: str, told: list[str], gaps: int, missing: int, affected: int) -> None:
        """Times between two rows of a series without a row; ``closed`` says which weekdays never have one."""
        counts = f" ({gaps:,} gaps, {missing:,} times, {affected:,} series)" if gaps > len(told) else ""
        fill, zero = Setting("gaps", "missing", of="read"), Setting("gaps", "zero", of="read")
        after: tuple[Part, ...]
        if closed:
            also = f"; {'; '.join(told)}" if told else ""
            after = (". Pass ", zero, " where no row means 0, or ", fill, " where it was not recorded.")
            self.found.append((f"{closed}{also}{counts}", after))
        elif gaps:
            after = (fill, " to fill them as missing ('zero': as 0).")
            self.found.append((f"{'; '.join(told)}{counts}. Add the rows, or pass ", after))
