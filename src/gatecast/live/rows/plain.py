"""The short way in for a few records of followed series whose cells leave nothing to understand.

A program that follows a stream hands over one record at a time: numbers, and dates or ISO texts. The reader of tables
would guess at columns, spellings and decimal commas first, which takes as long as a forecast.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from math import nan
from typing import Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.schema import Schema, width_of
from gatecast.live.rows.given import Incoming, Known

__all__ = ["plain_rows"]

FEW = 100  # from so many records on the reader of tables costs less
MOST = 2**53
YEARS = (1700, 2200)  # of those that are not odd
ISO = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?")


class _NotPlainError(Exception):
    """Something has to be understood, or refused: by the reader of tables."""


def plain_rows(rows: Any, known: Known) -> Incoming | None:
    """The rows, where they are a few complete records of plain cells; else None.

    Args:
        rows: one record, a list of them, or short columns by name.
        known: what they are read by.
    """
    records = _records(rows) if isinstance(rows, Mapping) else rows
    if not isinstance(records, list | tuple) or not 0 < len(records) <= FEW or not _are_plain(known):
        return None
    try:
        return _read(records, known)
    except _NotPlainError:
        return None


def _records(rows: Mapping[Any, Any]) -> Sequence[Mapping[Any, Any]]:
    """One record, or those of short columns of the same length; none of others."""
    lengths = {
        len(c) if isinstance(c, list) or (isinstance(c, np.ndarray) and c.ndim == 1) else -1 for c in rows.values()
    }
    if lengths == {-1}:
        return [rows]
    if len(lengths) > 1 or not 0 < max(lengths, default=0) <= FEW:
        return []
    return [dict(zip(rows, cells, strict=True)) for cells in zip(*rows.values(), strict=True)]


def _are_plain(known: Known) -> bool:
    """Whether a model's columns can be plain: numbers alone, and no time zone."""
    schema = known.schema
    numeric = all(column.categories is None for column in (*schema.past, *schema.future))
    return numeric and known.frequency.timezone is None and len(set(_names(schema))) == len(_names(schema))


def _names(schema: Schema) -> list[str]:
    return [*schema.targets, *(column.name for column in (*schema.past, *schema.future))]


def _read(records: Sequence[Any], known: Known) -> Incoming:
    (series, time), wanted, followed = known.names, _names(known.schema), set(known.ids)
    only = known.ids[0] if len(known.ids) == 1 else None
    ids, times, values = list[str](), list[Any](), list[list[float]]()
    if not all(isinstance(record, Mapping) for record in records):
        raise _NotPlainError
    columns = {time, *wanted, *([series] if only is None or series in records[0] else [])}
    for record in records:
        if record.keys() != columns:
            raise _NotPlainError
        name = record.get(series, only)
        if not isinstance(name, str) or name not in followed:
            raise _NotPlainError
        ids.append(name)
        times.append(_time(record[time], known.frequency))
        values.append([_number(record[column]) for column in wanted])
    unique = {name: n for n, name in enumerate(dict.fromkeys(ids))}
    dtype = np.int64 if known.frequency.unit == "step" else "datetime64[us]"
    static_MS = np.full((len(unique), width_of(known.schema.static)), np.nan)
    series_R = np.array([unique[name] for name in ids], np.int64)
    return Incoming(tuple(unique), series_R, np.array(times, dtype), np.array(values, np.float64), static_MS)


def _number(cell: Any) -> float:
    if cell is None:
        return nan
    if isinstance(cell, np.datetime64 | np.timedelta64):
        raise _NotPlainError
    number = cell.item() if isinstance(cell, np.generic) else cell
    if isinstance(number, bool) or not isinstance(number, int | float) or abs(number) > MOST:
        raise _NotPlainError  # infinite, or a whole number that is no float
    return float(number)


def _time(cell: Any, frequency: Frequency) -> Any:
    """A stored time: a whole step, or a wall time."""
    if frequency.unit == "step":
        step = cell.item() if isinstance(cell, np.integer) else cell
        if isinstance(step, bool) or not isinstance(step, int) or abs(step) > MOST:
            raise _NotPlainError
        return step
    if isinstance(cell, str) and ISO.fullmatch(cell):
        try:
            cell = datetime.fromisoformat(cell)
        except ValueError:
            raise _NotPlainError from None
    elif isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()  # an int where datetime has no such year
    if type(cell) not in (datetime, date) or (isinstance(cell, datetime) and cell.tzinfo is not None):
        raise _NotPlainError
    if not YEARS[0] <= cell.year <= YEARS[1]:
        raise _NotPlainError
    return cell
