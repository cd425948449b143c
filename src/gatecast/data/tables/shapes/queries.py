"""Queries as tables: of a database by its address, or of files."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

from gatecast.data.tables.databases.address import FILES, is_address, parse_address
from gatecast.data.tables.databases.querying import query_database, query_files
from gatecast.data.tables.shapes.table import Layout, Table, guarded, plain_types
from gatecast.errors import Argument, PanelError, joined

__all__ = ["load_query"]


def load_query(source: Any, layout: Layout) -> Table:
    """The rows of ``layout.query``, or of the table that an address names.

    Args:
        source: the address of a database, or the path of files, which the query calls "data".
        layout: holds the query.

    Raises:
        PanelError: the source is neither, or the database refused the query.
        ConfigError: the address cannot be read, or its driver is not installed.
    """
    if layout.skip or layout.header is not None or layout.sheet is not None:
        of_files = Argument("skip", of="read"), Argument("header", of="read"), Argument("sheet", of="read")
        raise PanelError(joined(", ", of_files), " go with a file, not with a query.")
    if is_address(source):
        address = parse_address(source)
        frame, shown = query_database(address, layout.query), "the query" if address is FILES else address.shown
    elif isinstance(source, str | os.PathLike) and layout.query is not None:
        frame, shown = query_files(_paths(os.fspath(source)), layout.query), "the query"
    else:
        raise PanelError(Argument("query", of="read"), " goes with the address of a database or the path of a file.")
    with guarded(shown):
        return Table(plain_types(frame), file=shown, exact=True)


def _paths(text: str) -> list[Path]:
    path = Path(text)
    if path.is_file():
        return [path]
    found = sorted(path.iterdir()) if path.is_dir() else sorted(map(Path, glob.glob(text, recursive=True)))
    files = [one for one in found if one.is_file()]
    if not files:
        raise PanelError(f"{text} does not exist, or is empty. Give the path of a file, a folder or a pattern.")
    return files
