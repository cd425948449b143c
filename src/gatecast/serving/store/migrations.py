"""The versions of the store, in order. A store of an older version is brought up to date when it is opened."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Column, Connection, Float, Integer, MetaData, Table, func, insert, inspect, select

from gatecast.errors import ConfigError
from gatecast.serving.store.tables import METADATA

__all__ = ["MIGRATIONS", "migrate", "version_of"]

_VERSIONS = Table(
    "gatecast_store",
    MetaData(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied", Float, nullable=False),
)


def _first(connection: Connection) -> None:
    METADATA.create_all(connection)


# Step k makes version k + 1 of version k. A step is never changed once it was given out.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first,)


def version_of(connection: Connection) -> int:
    """The version of a store; 0 = it is empty."""
    if not inspect(connection).has_table(_VERSIONS.name):
        return 0
    return int(connection.execute(select(func.coalesce(func.max(_VERSIONS.c.version), 0))).scalar_one())


def migrate(connection: Connection) -> int:
    """Bring a store up to date; the version it has then.

    Raises:
        ConfigError: a newer Gatecast has written it.
    """
    found = version_of(connection)
    if found > len(MIGRATIONS):
        raise ConfigError(
            f"the store has version {found}; this Gatecast knows versions up to {len(MIGRATIONS)}. "
            "Use a newer Gatecast."
        )
    _VERSIONS.create(connection, checkfirst=True)
    for version, step in enumerate(MIGRATIONS[found:], found + 1):
        step(connection)
        connection.execute(insert(_VERSIONS).values(version=version, applied=time.time()))
    return len(MIGRATIONS)
