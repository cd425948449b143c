"""What the user hands over, as a panel, checked against a model's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.errors import ModelFileError, did_you_mean, listed

__all__ = ["KEY_JOIN", "as_panel", "require_same_columns", "stored_names"]

KEY_JOIN = " · "  # between the values of several key columns, and between their names


def as_panel(
    data: Any,
    schema: Schema | None = None,
    frequency: Frequency | None = None,
    names: tuple[str, str] | None = None,
    day_first: bool | None = None,
) -> Panel:
    """A panel as it is; else the table (a file, a frame or arrays) is read, as a model's columns and frequency have it.

    ``names`` are those of the model's series and time columns; they hold where the table has them.
    ``day_first`` is as in ``read``.
    """
    if isinstance(data, Panel):
        return data
    from gatecast.data.tables.reading import read
    from gatecast.data.tables.shapes.sources import load

    if schema is None:
        return read(data)
    covariates = (*schema.past, *schema.future, *schema.static)
    table = load(data)
    series, time = stored_names(names, table.frame.columns)
    return read(
        table,
        series=series,
        time=time,
        target=schema.targets if schema.targets != ("y",) else None,
        past=[column.name for column in schema.past],
        future=[column.name for column in schema.future],
        static=[column.name for column in schema.static],
        frequency=frequency,
        day_first=day_first,
        categories={column.name: column.categories for column in covariates if column.categories is not None},
    )


def stored_names(names: tuple[str, str] | None, columns: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The series and time columns of a model, as far as a table has them; () leaves it to the reader to find them."""
    series, time = (_held(name, columns) for name in names or ("", ""))
    return series, time


def _held(name: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The column of this name, or the several whose names it joins."""
    parts = (name,) if name in columns else tuple(name.split(KEY_JOIN))
    return parts if all(part in columns for part in parts) else ()


def require_same_columns(wanted: Schema, given: Schema) -> None:
    """Raise ModelFileError, for all columns at once, where a panel does not have the columns of the training."""
    if wanted == given:
        return
    have = _names(given)
    missing = [name for name in _names(wanted) if name not in have]
    hints = ", ".join(f"{name!r}{did_you_mean(name, have)}" for name in missing)
    if missing:
        raise ModelFileError(
            f"the model was trained with {listed(_names(wanted), 9)}; this panel has {listed(have, 9)}. "
            f"Missing: {hints}."
        )
    for kind in ("targets", "past", "future", "static"):
        want, got = getattr(wanted, kind), getattr(given, kind)
        if want != got:
            raise ModelFileError(
                f"the model was trained with the {kind} columns {_words(want)}; this panel has {_words(got)}. "
                f"Read it with the same roles, order and categories."
            )


def _names(schema: Schema) -> list[str]:
    return [*schema.targets, *(column.name for column in (*schema.past, *schema.future, *schema.static))]


def _words(columns: tuple[str, ...] | tuple[Column, ...]) -> str:
    """Columns with their categories, for a message."""
    texts = [
        c if isinstance(c, str) else c.name if c.categories is None else f"{c.name} ({listed(c.categories, 6)})"
        for c in columns
    ]
    return listed(texts, 9) or "none"
