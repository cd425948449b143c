"""What a task found: one table of 80 columns for people, one JSON object for programs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["Column", "Report", "number"]

Row = dict[str, Any]
WIDTH = 80


@dataclass(frozen=True)
class Column:
    """One column of the table; the JSON object has all entries of a row, shown or not.

    Args:
        key: entry of the row.
        title: its heading.
        unit: written after the number: "x" for ratios, "%" for shares (of 1).
    """

    key: str
    title: str
    unit: str = ""


@dataclass
class Report:
    """The result of one task.

    Args:
        task: its name.
        title: what was measured, in one line.
        columns: what the table shows.
        rows: what was measured; medians.
        summary: the figures of the acceptance: what -> ratio, or a share where its name says so.
        notes: how to read it.
        skipped: contestant -> why it is missing.
        settings: threads, repeats, sizes.
        machine: where it ran.
        extra: further entries of the JSON object.
    """

    task: str
    title: str
    columns: tuple[Column, ...]
    rows: list[Row]
    summary: dict[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """One JSON object; a number that is not finite is null."""
        return {
            "task": self.task,
            "title": self.title,
            "settings": self.settings,
            "machine": self.machine,
            "rows": [_strict(row) for row in self.rows],
            "summary": _strict(self.summary),
            "skipped": self.skipped,
            "notes": list(self.notes),
            **self.extra,
        }

    def show(self, console: Console) -> None:
        """Print it."""
        settings = " · ".join(f"{name} {value}" for name, value in self.settings.items())
        console.print(Text(f"{self.task} · {settings}", "bold"))
        console.print(Text(self.title))
        console.print(self._table())
        console.print()
        for name, value in self.summary.items():
            unit = "%" if "share" in name else "x"
            console.print(Text(f"{name:<44} {number(value, unit):>8}"))
        for name, reason in self.skipped.items():
            console.print()
            console.print(Text(f"{name} skipped: {reason}.", "yellow"))
        for note in self.notes:
            console.print()
            console.print(Text(note))

    def _table(self) -> Table:
        first = self.columns[0].key
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
        for column in self.columns:
            wordy = all(isinstance(row.get(column.key), str | None) for row in self.rows)
            table.add_column(column.title, justify="left" if wordy else "right", no_wrap=wordy)
        before: Row = {}
        for row in self.rows:
            cells = [number(row.get(column.key), column.unit) for column in self.columns]
            if len(self.rows) > 1 and row.get(first) == before.get(first):
                cells[0] = ""  # a group of rows is named once
            table.add_row(*cells)
            before = row
        return table


def number(value: Any, unit: str = "") -> str:
    """Three digits that count; "-" where there is no number.

    >>> number(0.01234), number(12345.6), number(2.5, "x"), number(0.5, "%"), number(None), number(7)
    ('0.0123', '12,346', '2.50x', '50 %', '-', '7')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if isinstance(value, str):
        return value
    if unit == "%":
        return f"{100 * value:.0f} %"
    if isinstance(value, int):
        return f"{value:,}{unit}"
    if value == 0 or 1e-4 <= abs(value) < 1e3:
        digits = 2 if value == 0 else min(max(2 - math.floor(math.log10(abs(value))), 0), 6)
        return f"{value:.{digits}f}{unit}"
    return f"{value:,.0f}{unit}" if abs(value) >= 1e3 else f"{value:.2e}{unit}"


def _strict(row: Row) -> Row:
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
