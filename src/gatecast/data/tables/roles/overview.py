"""What was read of a table, column by column, and what is odd about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from gatecast.data.panel import Panel
from gatecast.data.tables.numerals import hints_of
from gatecast.data.tables.reading import read
from gatecast.data.tables.roles.looks import Looks
from gatecast.data.tables.shapes.sources import Layout, load
from gatecast.data.tables.shapes.table import Table
from gatecast.errors import GatecastError, InputError, listed

__all__ = ["ColumnLook", "Overview", "look_at"]

_WORDS = {"date": "dates", "clock": "times of day", "truth": "true or false", "number": "numbers", "word": "words"}
_EXAMPLES = 5
_OWN = "a series"  # role of a column that is one


@dataclass(frozen=True)
class ColumnLook:
    """One column of a table.

    Args:
        name: its name.
        holds: what its cells look like: "dates", "numbers", "words", ...
        role: what it was taken for: "time", "series", "target", ...; "target?" where it may be one; "" for nothing.
        missing: cells without anything.
        different: different cells.
        examples: some of them.
    """

    name: str
    holds: str
    role: str
    missing: int
    different: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    """What a table holds.

    Args:
        file: its name.
        rows: how many there are.
        columns: what each holds.
        panel: what was read; None where that failed.
        problem: why it failed.
        odd: what a reader may want to look at, a line each.
    """

    file: str
    rows: int
    columns: tuple[ColumnLook, ...]
    panel: Panel | None = None
    problem: GatecastError | None = None
    odd: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "file": self.file,
            "rows": self.rows,
            "columns": [vars(column) | {"examples": list(column.examples)} for column in self.columns],
            "read": None if self.panel is None else self.panel.describe(),
            "notes": [] if self.panel is None else [str(note) for note in self.panel.notes],
            "odd": list(self.odd),
            "problem": None if self.problem is None else self.problem.to_dict(),
        }


def look_at(source: Any, layout: Layout = Layout(), **options: Any) -> Overview:  # noqa: B008  # a frozen value
    """Read a table as ``read`` does, and say what was found also where it cannot be read.

    Args:
        source: as for ``read``.
        layout: where the table lies in a file.
        options: those of ``read``.
    """
    table = load(source, layout)
    panel, problem = None, None
    try:
        panel = read(table, **options)
    except InputError as error:
        problem = error
    columns = tuple(_columns(table, panel, options))
    if problem is not None:
        columns = _with_candidates(table, columns, problem, options)
    odd = () if panel is None else (*_taken_apart(columns, options), *_odd(panel))
    return Overview(table.file, table.frame.height, columns, panel, problem, odd)


def _columns(table: Table, panel: Panel | None, options: dict[str, Any]) -> Iterator[ColumnLook]:
    frame = table.frame
    hints = hints_of(frame, table.decimal_comma, options.get("decimal"), tuple(options.get("na") or ()))
    looks = Looks(frame, hints)
    for name in frame.columns:
        column = frame[name]
        cells = column.drop_nulls().cast(pl.String, strict=False).unique(maintain_order=True)
        examples = tuple(cell[:24] for cell in cells.head(_EXAMPLES).to_list() if cell is not None)
        role = "" if panel is None else _role(name, panel)
        yield ColumnLook(name, _WORDS[looks.kind(name)], role, column.null_count(), len(cells), examples)


def _with_candidates(
    table: Table, columns: tuple[ColumnLook, ...], problem: GatecastError, options: dict[str, Any]
) -> tuple[ColumnLook, ...]:
    """Where only the target is not clear: the other roles, and the columns that it may be."""
    may_be = [told["value"] for told in problem.remedies if told["setting"] == "target" and "value" in told]
    if not may_be or options.get("target"):
        return columns
    with suppress(InputError):
        panel = read(table, **options | {"target": may_be[0]})
        roles = {one.name: "target?" if one.name in may_be else _role(one.name, panel) for one in columns}
        return tuple(replace(one, role=roles[one.name]) for one in columns)
    return columns


def _role(name: str, panel: Panel) -> str:
    schema = panel.schema
    kinds = {"past": schema.past, "future": schema.future, "static": schema.static}
    held = {kind: [column.name for column in columns] for kind, columns in kinds.items()}
    series, time = (joined.split(" · ") for joined in panel.names)
    roles = {"time": time, "series": series, "target": schema.targets, **held}
    found = next((role for role, names in roles.items() if name in names), "")
    return found or (_OWN if name in panel.ids else "")


def _taken_apart(columns: tuple[ColumnLook, ...], options: dict[str, Any]) -> Iterator[str]:
    """That each column was taken for a series, where nobody said so."""
    own = [column.name for column in columns if column.role == _OWN]
    if len(own) > 1 and not options.get("wide"):
        yield f"each of {len(own):,} columns was taken for a series of its own; name a target to forecast it alone"


def _odd(panel: Panel) -> Iterator[str]:
    """What catches the eye in the values of the targets."""
    missing = sum(int(np.isnan(panel.series(n)).sum()) for n in range(len(panel)))
    if missing:
        yield f"{missing:,} of {panel.total * len(panel.targets):,} values are missing"
    flat = [panel.ids[n] for n in range(len(panel)) if panel.length[n] > 2 and _is_flat(panel.series(n))]
    if flat:
        yield f"{len(flat):,} series never change: {listed([repr(name) for name in flat], 3)}"
    ends = panel.frequency.advance(panel.starts, panel.length - 1)
    early = [panel.ids[n] for n in np.flatnonzero(ends < ends.max())]
    if early:
        yield f"{len(early):,} series end before the others: {listed([repr(name) for name in early], 3)}"
    short = [panel.ids[n] for n in np.flatnonzero(panel.length * 4 < panel.length.max())]
    if short:
        yield f"{len(short):,} series are much shorter than the longest: {listed([repr(name) for name in short], 3)}"


def _is_flat(values_TC: np.ndarray) -> bool:
    seen_T = values_TC[~np.isnan(values_TC)]
    return len(seen_T) > 0 and bool((seen_T == seen_T[0]).all())
