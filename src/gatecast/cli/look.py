"""``gatecast look``: what was read of a table, what is odd, and the command to run next."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from gatecast.cli.building import read_options
from gatecast.cli.files import PIPE
from gatecast.cli.options import DataOptions, Json
from gatecast.cli.printing import Screen, options, worded
from gatecast.cli.sections import show_panel
from gatecast.data.tables.databases.address import without_passwords
from gatecast.errors import ConfigError
from gatecast.planning.typed import typed_option

if TYPE_CHECKING:
    from gatecast.data.tables.roles.overview import ColumnLook, Overview

__all__ = ["look"]

HEADS = ("column", "holds", "role", "missing", "different", "such as")
COLUMNS = 40


def look(file: str, /, *, data: DataOptions = DataOptions(), json: Json = False) -> int:
    """Say what is read of a table, column by column, what is odd, and what to run next.

    Args:
        file: The table: CSV, Parquet, JSON, XLSX, ODS or the address of a database; - for what comes through a pipe.
        json: Print one JSON object.
    """
    if data.example is not None or data.data is not None:
        raise ConfigError("look takes a FILE, and no --example.")
    from gatecast.data.tables.roles.overview import look_at
    from gatecast.data.tables.shapes.sources import Layout

    found = look_at(file, Layout(data.skip_rows, data.header, data.query, data.sheet), **read_options(data))
    screen = Screen(json)
    screen.line(f"{found.file}: {found.rows:,} rows, {len(found.columns):,} columns", "bold")
    for text in _table(found.columns[:COLUMNS], screen.width):
        screen.line(text)
    if len(found.columns) > COLUMNS:
        screen.line(f"... {len(found.columns) - COLUMNS:,} more columns")
    screen.line()
    if found.panel is not None:
        show_panel(screen, found.panel)
    for line in found.odd:
        screen.labelled("odd", line)
    if found.problem is not None:
        screen.labelled("problem", worded(found.problem))
    command = next_command(file, found, data)
    screen.onward(command)
    screen.result = {"command": "look", **found.to_dict(), "next": command}
    return screen.finish(0 if found.problem is None else 2)


def _table(columns: tuple[ColumnLook, ...], width: int) -> list[str]:
    """A line for each column, with as many examples as fit into it, and one at least."""
    rows = [HEADS]
    for one in columns:
        counts = f"{one.missing:,}", f"{one.different:,}"
        rows.append((repr(one.name)[1:-1][: width // 3] or "(no name)", one.holds, one.role, *counts, ""))
    wide = [max(len(row[k]) for row in rows) for k in range(len(HEADS))]
    lines = ["  ".join(_cell(row[k], wide[k], k) for k in range(len(HEADS))) for row in rows]
    lines[1:] = [
        line[: -wide[-1]] + _fitting(one.examples, width - len(line) + wide[-1])
        for line, one in zip(lines[1:], columns, strict=True)
    ]
    return [line.rstrip() for line in lines]


def _fitting(examples: tuple[str, ...], width: int) -> str:
    count = next((k for k in range(len(examples), 1, -1) if len(", ".join(examples[:k])) <= width), 1)
    return ", ".join(examples[:count])


def _cell(text: str, width: int, k: int) -> str:
    return text.rjust(width) if HEADS[k] in ("missing", "different") else text.ljust(width)


def next_command(file: str, found: Overview, data: DataOptions) -> str:
    """A forecast of what was read; where that failed, another look with the first remedy that says its value."""
    table = "-" if file == PIPE else without_passwords(file)
    given = [word for name, value in _given(data) for word in typed_option(name, value)]
    if found.panel is not None:
        from gatecast.planning.horizon import default_horizon

        horizon = ["--horizon", str(default_horizon(found.panel))]
        return shlex.join(["gatecast", "forecast", table, *given, *horizon])
    assert found.problem is not None
    look_again = ["gatecast", "look", table, *given]
    for remedy in found.problem.remedies:
        option = options().get((remedy["of"], remedy["setting"]))
        if option is not None and "value" in remedy:
            return shlex.join([*look_again, *typed_option(option.name, _plain(remedy["value"]))])
    return f"{shlex.join(look_again)}, with the table corrected or the option above"


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _given(data: DataOptions) -> list[tuple[str, Any]]:
    usual = DataOptions()
    held = ((field.name, getattr(data, field.name)) for field in fields(data))
    return [(name, value) for name, value in held if value != getattr(usual, name)]
