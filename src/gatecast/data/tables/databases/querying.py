"""What a query finds, as columns: read-only, in one statement, without a loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from gatecast.data.tables.databases.address import FILES, Address
from gatecast.data.tables.databases.connections import connected, quoted
from gatecast.data.tables.shapes.table import refuse_doubled
from gatecast.errors import Argument, PanelError, Setting, listed

__all__ = ["query_database", "query_files"]

# SQLite has types for cells, not for columns; the driver finds those of a column in its first rows, here: in all.
_BATCH, _ALL_ROWS = "adbc.sqlite.query.batch_rows", 2**31 - 2**16
# Formats of Arrow that are no cells of a table.
_WITHOUT_MEANING = (
    (("ti",), "intervals", "Turn them into numbers in the query, such as extract(epoch from waited)."),
    (("z", "Z", "w:"), "bytes", "Turn them into text in the query, such as cast(id as text)."),
)
_READERS = {
    ".parquet": "read_parquet",
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab", ".dat"), "read_csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "read_json"),
}


def query_database(address: Address, query: str | None, *, served: int | None = None) -> pl.DataFrame:
    """The rows of a query, or of the table that the address names.

    Args:
        address: of the database.
        query: a SELECT; None = the table.
        served: where the query comes from someone who may read this database alone and no file: the most rows.

    Raises:
        PanelError: there is neither, the database refused the query, or it finds too many rows.
        ConfigError: the driver is not installed.
    """
    if query is None and not address.table:
        raise PanelError(
            f"{address} holds many tables. Say which rows with ", Setting("query", of="read"), ", or add #TABLE."
        )
    if query is not None and address.table:
        raise PanelError(f"{address} names a table, and there is a ", Argument("query", of="read"), ": leave one out.")
    asked = query if query is not None else f"select * from {quoted(address.table)}"
    frame = _asked(address, asked, served=served)
    if served is not None and frame.height > served:
        raise PanelError(f"the query finds more than {served:,} rows, which is the limit. Ask for fewer.")
    return frame


def query_files(paths: Sequence[Path], query: str) -> pl.DataFrame:
    """The rows of a query, which DuckDB answers, with files of one kind as the table "data"."""
    kinds = {Path(path.name.removesuffix(".gz")).suffix.lower() for path in paths}
    reader = _READERS.get(next(iter(kinds))) if len(kinds) == 1 else None
    if reader is None:
        told = listed(sorted(kinds))
        raise PanelError(
            Argument("query", of="read"), f" reads CSV, Parquet and JSON files, of one kind at a time; got {told}."
        )
    held = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return _asked(FILES, query, f"with data as (from {reader}([{held}])) ")


def _asked(address: Address, query: str, before: str = "", *, served: int | None = None) -> pl.DataFrame:
    """In brackets nothing but a query can stand: no COPY to a file, no COMMIT."""
    statement = f"{before}select * from (\n{query.strip().rstrip(';')}\n) as asked"
    statement += "" if served is None else f" limit {served + 1}"
    if not query.strip(" \n\t;"):
        raise PanelError(Argument("query", of="read"), " is empty.")
    with connected(address, nothing_else=served is not None) as connection:
        _require_one(address, statement)
        rows = _ALL_ROWS if served is None else served + 1  # the driver asks for the memory of all of them
        kinds = {_BATCH: rows} if address.engine == "sqlite" else None
        with connection.cursor(adbc_stmt_kwargs=kinds) as cursor:
            cursor.execute(statement)
            return _frame(cursor, address)


def _require_one(address: Address, statement: str) -> None:
    """DuckDB runs several statements and the driver of SQLite the first one, where PostgreSQL refuses them."""
    if address.engine == "duckdb":
        import duckdb

        several = len(duckdb.extract_statements(statement)) != 1
    else:
        several = address.engine == "sqlite" and _is_more_than_one(address, statement)
    if several:
        raise PanelError(Argument("query", of="read"), " has to be one SELECT.")


def _is_more_than_one(address: Address, statement: str) -> bool:
    """Whether SQLite finds something behind the first statement."""
    import sqlite3

    place = f"{Path(address.place).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(place, uri=True)) as connection:
        try:
            connection.execute(f"explain {statement}")
        except sqlite3.ProgrammingError as error:
            return "one statement" in str(error)
        except sqlite3.Error:
            return False  # what is wrong with it the driver says
    return False


def _frame(cursor: Any, address: Address) -> pl.DataFrame:
    """The columns of what was asked; numbers of any length come as text in a type of their own."""
    import nanoarrow

    stream = nanoarrow.c_array_stream(cursor.fetch_arrow())
    found = [(column.name, column.format) for column in stream.get_schema().children]
    refuse_doubled([name for name, _ in found], "the query")
    for kinds, word, remedy in _WITHOUT_MEANING:
        if odd := [repr(name) for name, kind in found if kind.startswith(kinds)]:
            raise PanelError(f"{address.shown}: {listed(odd)} {'holds' if len(odd) == 1 else 'hold'} {word}. {remedy}")
    columns = pl.DataFrame(stream).get_columns()
    return pl.DataFrame([s.ext.storage() if str(s.dtype).startswith("Extension") else s for s in columns])
