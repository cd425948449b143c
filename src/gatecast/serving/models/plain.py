"""Which columns of a request are plain, and their cells as arrays, those of many requests at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.ensemble.fitted import Fitted

__all__ = ["Plain", "plain_columns", "plain_numbers", "plain_times"]

DAY, SECOND = 10, 19  # characters of 2024-01-31, and of 2024-01-31T12:00:00
DIGITS = {DAY: (0, 1, 2, 3, 5, 6, 8, 9), SECOND: (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)}
MARKS = {DAY: {4: "-", 7: "-"}, SECOND: {4: "-", 7: "-", 13: ":", 16: ":"}}
NUMBERS = frozenset({int, float, type(None)})
LARGEST = 2**53


@dataclass(frozen=True)
class Plain:
    """Columns that seem plain.

    Args:
        columns: all of them, as they came.
        times: cells of the time.
        values: cells of each target.
        ids: names of the series, which lie one after the other.
        first: first row of each.
        named: whether a column names the series.
        layout: what the reader decides by: columns, and how their cells are written.
    """

    columns: dict[str, Sequence[Any]]
    times: Sequence[Any]
    values: list[Sequence[Any]]
    ids: list[str]
    first: list[int]
    named: bool
    layout: tuple[Any, ...]

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.times)


def plain_columns(columns: dict[str, Sequence[Any]], fitted: Fitted) -> Plain | None:
    """Columns of one length, with times of one kind and numbers; None for others."""
    series, time = fitted.names
    targets = fitted.schema.targets
    times = columns.get(time)
    if not times or any(len(column) != len(times) for column in columns.values()):
        return None
    kind = _kind_of_times(times, fitted.frequency.unit == "step")
    values = [columns[target] for target in targets if target in columns]
    if kind is None or len(values) < len(targets) or not all(set(map(type, cells)) <= NUMBERS for cells in values):
        return None
    cells = columns.get(series)
    if cells is None:
        ids, first = [targets[0]], [0]
    elif set(map(type, cells)) == {str}:
        first = [0, *(r for r in range(1, len(cells)) if cells[r] != cells[r - 1])]
        ids = [cells[r] for r in first]
        if len(set(ids)) < len(ids) or not all(map(_is_plain_name, ids)):
            return None
    else:
        return None
    layout = (*columns, kind, *(type(column[0]) for column in columns.values()))
    return Plain(columns, times, values, ids, first, cells is not None, layout)


def _is_plain_name(name: str) -> bool:
    """A name that nobody can take for a missing one."""
    return (len(name) > 4 and name[0].isalpha() and name.strip() == name) or (len(name) > 1 and name[-1].isdigit()
                                                                           and name[0].isalpha())  # fmt: skip


def _kind_of_times(cells: Sequence[Any], steps: bool) -> Any:
    """How times are written: "step", or the characters of a date and the mark within; None for what is not plain."""
    types = set(map(type, cells))
    if steps:
        return "step" if types == {int} and min(cells) > -LARGEST and max(cells) < LARGEST else None
    if types != {str}:
        return None
    sizes = set(map(len, cells))
    size = sizes.pop()
    return (size, cells[0][10:11]) if not sizes and size in DIGITS else None


def plain_times(ones: Sequence[Plain], steps: bool) -> np.ndarray | None:
    """Times (R,) of all; None where some cell is no ISO date after all."""
    if steps:
        return np.concatenate([np.array(one.times, np.int64) for one in ones])
    parts = []
    for size in {len(one.times[0]) for one in ones}:
        texts = np.array([text for one in ones if len(one.times[0]) == size for text in one.times], f"U{size}")
        if not _are_iso(texts, size):
            return None
        try:
            parts.append((size, texts.astype("datetime64[us]")))
        except ValueError:
            return None
    if len(parts) == 1:
        return parts[0][1]
    held, at = dict(parts), dict.fromkeys((size for size, _ in parts), 0)
    found = []
    for one in ones:
        size = len(one.times[0])
        found.append(held[size][at[size] : at[size] + one.count])
        at[size] += one.count
    return np.concatenate(found)


def _are_iso(texts: np.ndarray, size: int) -> bool:
    """Whether all have digits and marks where a date has them."""
    code_RX = texts.view(np.uint32).reshape(len(texts), size)
    digit_RX = code_RX[:, DIGITS[size]]
    marks = all((code_RX[:, place] == ord(mark)).all() for place, mark in MARKS[size].items())
    apart = size == DAY or bool(np.isin(code_RX[:, 10], (ord("T"), ord(" "))).all())
    return bool(marks and apart and ((digit_RX >= ord("0")) & (digit_RX <= ord("9"))).all())


def plain_numbers(ones: Sequence[Plain]) -> np.ndarray | None:
    """Values (R, C) of all; nan = missing. None where a whole number is too large to be one."""
    try:
        columns = [
            np.array([cell for one in ones for cell in one.values[c]], np.float64) for c in range(len(ones[0].values))
        ]
    except (OverflowError, ValueError, TypeError):
        return None
    return np.stack(columns, axis=1)
