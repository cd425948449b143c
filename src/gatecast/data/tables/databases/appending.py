"""Rows into a table of a database: in one transaction, in place of those that were written for the same keys before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from gatecast.data.tables.databases.address import Address
from gatecast.data.tables.databases.connections import connected, quoted
from gatecast.errors import ConfigError, PanelError, did_you_mean, listed

__all__ = ["append_rows", "require_appendable"]

_NEW = '"gatecast_new_rows"'  # a temporary table
_BUSY = 15_000  # milliseconds that a writer waits for another one


def require_appendable(address: Address) -> None:
    """Raise ConfigError or PanelError unless a table can be written there: said before the work, not after it."""
    if address.place == ":memory:":
        raise ConfigError("duckdb:// keeps nothing. Give a file and a table, such as duckdb:///shop.duckdb#forecasts.")
    if not address.table:
        raise ConfigError(f"{address} names no table to append to. Add one: {address}#forecasts.")
    with connected(address, writing=True):
        pass


def append_rows(address: Address, frame: pl.DataFrame, keys: Sequence[str]) -> None:
    """Append rows to the table of an address, which is made where there is none.

    Args:
        address: with a table.
        frame: the rows.
        keys: columns; rows of the table that agree with a new one in all of them are replaced.

    Raises:
        PanelError: the table lacks columns, or the database refused something; nothing was written.
    """
    table = quoted(address.table)
    same = " and ".join(f"{table}.{quoted_column(k)} = {_NEW}.{quoted_column(k)}" for k in keys)
    names = ", ".join(map(quoted_column, frame.columns))
    with connected(address, writing=True) as connection, connection.cursor() as cursor:
        _wait_for_others(cursor, address)
        cursor.adbc_ingest(_NEW.strip('"'), frame, mode="create", temporary=True)
        cursor.execute(f"create table if not exists {table} as select * from {_NEW} limit 0")
        _require_columns(cursor, address, table, frame.columns)
        cursor.execute(f"delete from {table} where exists (select 1 from {_NEW} where {same})")
        cursor.execute(f"insert into {table} ({names}) select {names} from {_NEW}")
        cursor.execute(f"drop table {_NEW}")
        connection.commit()


def quoted_column(name: str) -> str:
    """A column as SQL takes it: a dot in it is a part of the name."""
    return '"' + name.replace('"', '""') + '"'


def _wait_for_others(cursor: Any, address: Address) -> None:
    """One writer at a time: the rows of two that write the same would be there twice."""
    if address.engine == "sqlite":
        cursor.execute(f"pragma busy_timeout = {_BUSY}")
    if address.engine == "postgresql":
        cursor.execute(f"set local lock_timeout = {_BUSY}")
        cursor.execute("select pg_advisory_xact_lock(hashtext('gatecast forecasts'))")


def _require_columns(cursor: Any, address: Address, table: str, names: Sequence[str]) -> None:
    import nanoarrow

    cursor.execute(f"select * from {table} limit 0")
    there = [column.name for column in nanoarrow.c_array_stream(cursor.fetch_arrow()).get_schema().children]
    missing = [f"{name!r}{did_you_mean(name, there)}" for name in names if name not in there]
    if missing:
        raise PanelError(
            f"{address} was made for other forecasts: it lacks the columns {listed(missing)}. Give another table, or "
            "add them."
        )
