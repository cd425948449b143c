"""Small tables for notebooks. All text is escaped: names of series and columns come from the data of others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gatecast.data.frequency import Frequency

__all__ = ["ROWS", "html_facts", "html_head", "html_table", "labels", "numbers"]

ROWS, COLUMNS = 10, 14  # that a table shows at most


def html_table(title: str, columns: Mapping[str, Sequence[object]], notes: Iterable[str] = ()) -> str:
    """A table with a title above it, and a line below it for each note.

    Args:
        title: what it shows.
        columns: heading -> cells, of the same number; text stays left, numbers as text go right.
        notes: what there is to say about it.
    """
    heads = "".join(
        f'<th scope="col" style="text-align: {_side(cells)}">{_text(h)}</th>' for h, cells in columns.items()
    )
    sides = [_side(cells) for cells in columns.values()]
    rows = (
        "".join(f'<td style="text-align: {side}">{_text(cell)}</td>' for side, cell in zip(sides, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    table = f'<table class="dataframe"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
    return _framed(title, table, notes)


def html_head(title: str, columns: Mapping[str, np.ndarray | list[str]], total: int) -> str:
    """The first rows and columns of a long table, and how much there is besides.

    Args:
        title: what it shows.
        columns: heading -> (R,) cells, at least the first rows; fractions are rounded as ``numbers`` does.
        total: rows of the whole table.
    """
    shown = {
        name: numbers(cells[:ROWS]) if isinstance(cells, np.ndarray) and cells.dtype.kind == "f" else list(cells[:ROWS])
        for name, cells in list(columns.items())[:COLUMNS]
    }
    left = [f"{total - ROWS:,} more rows"] if total > ROWS else []
    left += [f"{len(columns) - COLUMNS:,} more columns"] if len(columns) > COLUMNS else []
    return html_table(title, shown, left)


def labels(frequency: Frequency, times: np.ndarray) -> list[str]:
    """Times (R,) as text, for the rows that a table shows."""
    return [frequency.label(time) for time in times[:ROWS]]


def html_facts(title: str, facts: Mapping[str, object], notes: Iterable[str] = ()) -> str:
    """Names with what they are, below a title."""
    left = 'style="text-align: left"'
    rows = "".join(
        f'<tr><th scope="row" {left}>{_text(n)}</th><td {left}>{_text(f)}</td></tr>' for n, f in facts.items()
    )
    return _framed(title, f'<table class="dataframe"><tbody>{rows}</tbody></table>' if rows else "", notes)


def numbers(values: np.ndarray | Sequence[float]) -> list[str]:
    """Numbers of one column with the same decimals, so many that the largest shows four digits; "-" for nan.

    >>> numbers([447.25, 1622.0, float("nan")]), numbers([0.0123, 0.5])
    (['447', '1,622', '-'], ['0.0123', '0.5000'])
    """
    finite = [abs(float(value)) for value in values if math.isfinite(value)]
    largest = max(finite, default=0.0)
    size = math.floor(math.log10(largest)) if largest > 0 else 3
    style = f",.{max(3 - size, 0)}f" if -3 <= size <= 12 else ".4g"
    return ["-" if math.isnan(value) else format(float(value), style) for value in values]


def _framed(title: str, table: str, notes: Iterable[str]) -> str:
    lines = "".join(f"<p>{_text(note)}</p>" for note in notes)
    return f"<div><p><strong>{_text(title)}</strong></p>{table}{lines}</div>"


def _text(value: object) -> str:
    return escape(str(value))


def _side(cells: Sequence[object]) -> str:
    """Right for what reads as numbers, left for the rest."""
    return "right" if cells and all(str(cell)[:1] in "-0123456789" for cell in cells) else "left"
