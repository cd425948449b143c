"""Open a store: its URL, its durability, and that one process alone uses it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gatecast.errors import ConfigError
from gatecast.storage.container import held_alone

__all__ = ["Opened", "open_engine", "parsed"]

LOCK = 0x67617465  # of PostgreSQL's advisory locks: one service per database
BUSY_MS = 10_000
PATIENCE = 3.0  # seconds


class Opened:
    """An engine, and what gives the store free for another process."""

    def __init__(self, engine: Engine, release: Callable[[], None], folder: Path) -> None:
        self.engine, self.release, self.folder = engine, release, folder

    def close(self) -> None:
        """Close all connections and give the store free."""
        self.engine.dispose()
        self.release()


def parsed(url: str) -> URL:
    """A path or a URL as one. Raises ConfigError; a password is never told."""
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        found = make_url(url)
    except ArgumentError:
        raise ConfigError("--store is no URL: write gatecast.db, or postgresql://user@host/database.") from None
    kind = found.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise ConfigError(f"--store: {kind} is not known; it is a file of SQLite, or postgresql://user@host/database.")
    if kind == "postgresql":
        return found.set(drivername="postgresql+psycopg")
    if not found.database or found.database == ":memory:":
        raise ConfigError("--store: SQLite needs a file, such as sqlite:///gatecast.db.")
    return found


def open_engine(url: str) -> Opened:
    """Connect to the store.

    Raises:
        ConfigError: it cannot be reached, its driver is missing, or another process uses it.
    """
    target = parsed(url)
    return _sqlite(target) if target.get_backend_name() == "sqlite" else _postgresql(target)


def _sqlite(url: URL) -> Opened:
    path = Path(str(url.database)).resolve()
    if not path.parent.is_dir():
        raise ConfigError(f"--store {path}: the folder does not exist. Make it first.")
    lock = held_alone(path, f"the store {path.name} is used by another process: end it, or give another --store.")
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_MS / 1000})
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", _begin)
    return _reached(Opened(engine, lock.close, path.with_name(f"{path.name}-jobs")), str(path.name))


def _durable(connection: Any, _record: Any) -> None:
    """Readers do not wait for a writer, and what is committed is on the disk."""
    connection.isolation_level = None  # transactions are begun by the engine
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """A writer takes its turn at once: one that began as a reader could not go on once another one has written."""
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")


def _postgresql(url: URL) -> Opened:
    try:
        import psycopg  # noqa: F401 -- the driver that SQLAlchemy is about to ask for
    except ImportError:
        raise ConfigError("--store postgresql:// needs psycopg: pip install 'gatecast[serve]'.") from None
    engine = create_engine(url, pool_pre_ping=True, pool_size=4, max_overflow=4)
    opened = _reached(Opened(engine, lambda: None, Path(os.getcwd(), "gatecast-jobs")), f"at {url.host or 'localhost'}")
    holder = engine.connect()
    if not _held(holder):
        holder.close()
        engine.dispose()
        raise ConfigError("the store is used by another process: end it, or give another --store.")
    holder.commit()
    opened.release = lambda: _let_go(holder)
    return opened


def _held(holder: Connection) -> bool:
    """Take the lock of the database; the session of a service that was killed may live on for a moment."""
    until = time.monotonic() + PATIENCE
    while not holder.execute(text("select pg_try_advisory_lock(:n)"), {"n": LOCK}).scalar_one():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _let_go(holder: Connection) -> None:
    with suppress(SQLAlchemyError):
        holder.execute(text("select pg_advisory_unlock(:n)"), {"n": LOCK})
    holder.invalidate()  # where that failed, the session ends, and its lock with it
    holder.close()


def _reached(opened: Opened, name: str) -> Opened:
    """The store, if it answers."""
    try:
        with opened.engine.connect() as connection:
            connection.execute(text("select 1"))
    except SQLAlchemyError as error:
        opened.close()
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:200]
        raise ConfigError(f"the store {name} cannot be used: {reason}.") from None
    return opened
