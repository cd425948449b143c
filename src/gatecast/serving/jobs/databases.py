"""The databases that a job may ask: named at the start of the service, and asked by a process that does nothing else.

``--database shop=postgresql://reader@host/shop``  ──▶  {"database": "shop", "query": "select ..."} in a job

A client gives a name of the list and a query, never an address. The query is one SELECT on a connection that can
change nothing; DuckDB opens no other file for it, and loads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatecast.data.tables.databases.address import FILES, Address, parse_address, without_passwords
from gatecast.data.tables.databases.connections import require_driver
from gatecast.data.tables.databases.querying import query_database
from gatecast.errors import ConfigError, PanelError, did_you_mean, listed
from gatecast.serving.problems import Problem

__all__ = ["TABLE", "address_of", "ask", "databases_of", "question"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TABLE = "table.parquet"  # of the rows in the folder of a job


def databases_of(words: Sequence[str]) -> dict[str, Address]:
    """The databases that words such as "shop=sqlite:///shop.db" name. Raises ConfigError, without a password."""
    found = dict[str, Address]()
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not NAME.fullmatch(name):
            raise ConfigError(
                f"--database {without_passwords(word)} is no NAME=ADDRESS, such as shop=postgresql://reader@host/shop; "
                "a name is of letters, digits, dots, dashes."
            )
        if name in found:
            raise ConfigError(f"--database {name} is given twice.")
        address = parse_address(text)
        if address is FILES:
            raise ConfigError(f"--database {name}=duckdb:// would read any file here. Give a file of DuckDB.")
        if address.table:
            raise ConfigError(f"--database {name} names a table; a job says which rows by its query. Leave it out.")
        require_driver(address)
        if not _is_there(address):
            raise ConfigError(f"--database {name}: {address} is no file here. Four slashes begin an absolute path.")
        found[name] = replace(address, shown=name)  # a client learns neither host nor role nor path
    return found


def _is_there(address: Address) -> bool:
    return address.engine == "postgresql" or Path(address.place).is_file()


def address_of(databases: Mapping[str, Address], name: str) -> Address:
    """The address of a name. Raises Problem where it is not on the list."""
    if name in databases:
        return databases[name]
    known = f"There {'is' if len(databases) == 1 else 'are'} {listed(sorted(databases))}." if databases else ""
    raise Problem(
        404,
        f"This service knows no database {name[:80]!r}{did_you_mean(name, databases)}.",
        where="request.database",
        remedy=known or "Start it with --database NAME=ADDRESS.",
    )


def question(address: Address, query: str) -> dict[str, Any]:
    """What the asking process is told."""
    return {"address": vars(address), "query": query}


def ask(request: Mapping[str, Any], path: Path, rows: int) -> int:
    """Put what a query finds into a file of Parquet; the number of its rows.

    Args:
        request: a ``question``.
        path: of the file.
        rows: most rows.

    Raises:
        PanelError: the database refused the query, or found too many rows.
    """
    address = Address(**request["address"])
    if not _is_there(address):
        raise PanelError(f"{address.shown}: its file is not there any more.")
    frame = query_database(address, request["query"], served=rows)
    frame.write_parquet(path)
    return frame.height
