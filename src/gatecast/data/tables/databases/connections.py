"""Connections by ADBC, which hands over columns of Arrow; whatever a driver raises becomes one line."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gatecast.data.tables.databases.address import Address, without_passwords
from gatecast.errors import ConfigError, GatecastError, PanelError

__all__ = ["connected", "quoted", "require_driver"]

_DRIVERS = {"postgresql": "adbc_driver_postgresql", "sqlite": "adbc_driver_sqlite", "duckdb": "adbc_driver_duckdb"}
_SECONDS = 15  # to connect
# "INVALID_ARGUMENT: [libpq] Failed to execute query: could not begin COPY: ERROR:  syntax error ..."
_PREFIX = re.compile(r"^(?:[A-Z_]+: )?(?:\[\w+\] )?(?:.*?\b(?:ERROR|FATAL):\s+|Failed to \w+(?: \w+)?: )?")
_IMPORT = "got external error: "  # of polars


def require_driver(address: Address) -> Any:
    """The module of the driver. Raises ConfigError where it is not installed."""
    try:
        importlib.import_module("adbc_driver_manager.dbapi")
        return importlib.import_module(_DRIVERS[address.engine])
    except ImportError as error:
        raise ConfigError(f"{address} needs the driver of {address.engine}: pip install 'gatecast[sql]'.") from error


@contextmanager
def connected(address: Address, *, writing: bool = False, nothing_else: bool = False) -> Iterator[Any]:
    """A connection in a transaction that nothing commits by itself; unless ``writing``, it can change nothing.

    Args:
        address: of the database.
        writing: whether it may change something.
        nothing_else: whether DuckDB opens no other file, no network, and loads no extension, whatever a query says.

    Raises:
        PanelError: there is no such database, or it refused something.
        ConfigError: its driver is not installed.
    """
    driver = require_driver(address)
    if address.engine != "postgresql" and not writing and address.place != ":memory:":
        _require_file(address)
    with _told(address):
        connection = _connect(driver, address, writing, nothing_else)
        try:
            if address.engine == "postgresql" and not writing:
                with connection.cursor() as cursor:
                    cursor.execute("set transaction read only")
            yield connection
        finally:
            connection.close()


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it; a dot sets a schema apart.

    >>> quoted('sales.by "day" of')
    '"sales"."by ""day"" of"'
    """
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def _require_file(address: Address) -> None:
    path = Path(address.place)
    if not path.is_file():
        raise PanelError(
            f"{address.shown}: there is no file {address.place!r}. Three slashes begin a path from here, four an "
            "absolute one."
        )


def _connect(driver: Any, address: Address, writing: bool, nothing_else: bool) -> Any:
    from adbc_driver_manager import dbapi

    if address.engine == "duckdb":
        kept = writing or address.place == ":memory:"
        # Nothing is downloaded because a query names it.
        settings = {"access_mode": "AUTOMATIC" if kept else "READ_ONLY", "autoinstall_known_extensions": "false"}
        if nothing_else:
            settings |= {"enable_external_access": "false", "lock_configuration": "true"}
        path = {"path": address.place, **settings}
        return dbapi.connect(driver=driver.driver_path(), entrypoint="duckdb_adbc_init", db_kwargs=path)
    if address.engine == "sqlite":
        place = f"file:{quote(os.path.abspath(address.place))}?mode={'rwc' if writing else 'ro'}"
    else:
        joint = "&" if "?" in address.place else "?"
        patience = "" if "connect_timeout=" in address.place else f"{joint}connect_timeout={_SECONDS}"
        place = address.place + patience
    return dbapi.connect(driver=driver._driver_path(), db_kwargs={"uri": place})


@contextmanager
def _told(address: Address) -> Iterator[None]:
    try:
        yield
    except (GatecastError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:  # polars raises a panic of Rust as one
        raise PanelError(f"{address.shown}: {_reason(error)}") from None  # the cause may quote the whole address


def _reason(error: BaseException) -> str:
    text = str(error).strip().partition(_IMPORT)[2] or str(error).strip()
    line = (text.splitlines() or [type(error).__name__])[0]
    line = _PREFIX.sub("", line).removeprefix("Execution error [PGRES_FATAL_ERROR]: ").strip()
    if "in-memory database in read-only" in line:
        return "the file is no database of DuckDB."
    more = " Give one SELECT." if "syntax error" in line else ""
    return f"{without_passwords(line)[:300].rstrip('.!')}.{more}"
