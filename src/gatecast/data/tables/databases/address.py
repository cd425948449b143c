"""The address of a database: checked before anything connects, and shown without its password.

postgresql://user@host:5432/shop#sales      as libpq takes it, and a table where one is asked for
sqlite:///shop.db                           a file here; sqlite:////data/shop.db is an absolute path
duckdb:///shop.duckdb                       the same; "duckdb://" holds nothing but reads files
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import unquote

from gatecast.errors import ConfigError, did_you_mean

__all__ = ["FILES", "Address", "is_address", "names_database", "parse_address", "without_passwords"]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):/", re.IGNORECASE)  # two letters at least: C:/ is a drive of Windows
_ENGINES = {"postgresql": "postgresql", "postgres": "postgresql", "sqlite": "sqlite", "duckdb": "duckdb"}
_HOSTS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^\s/:@\[\]]*)(:\d{1,5})?")
# From the first colon of a name and password to the last @ of the word: a password may hold a slash or another @.
_SECRET = re.compile(r"(:/{1,2}[^\s/:@'\"]*):[^\s'\"]*@")
_SECRET_ARGUMENT = re.compile(r"(?i)([?&;\s](?:ssl)?password=)[^\s&;'\"#]+")
_EXAMPLES = {
    "postgresql": "postgresql://user@host/database",
    "sqlite": "sqlite:///shop.db, or sqlite:////data/shop.db with an absolute path",
    "duckdb": "duckdb:///shop.duckdb, or duckdb:// to query files",
}


@dataclass(frozen=True)
class Address:
    """Where a database is.

    Args:
        engine: "postgresql", "sqlite" or "duckdb".
        place: what its driver opens: the address for PostgreSQL, with the password if it held one; else a path.
        shown: the address as it may be shown and kept: without password and without table.
        table: the table, as it is named after a #; "" without one.
    """

    engine: str
    place: str = field(repr=False)
    shown: str
    table: str = ""

    def __str__(self) -> str:
        return f"{self.shown}#{self.table}" if self.table else self.shown


FILES = Address("duckdb", ":memory:", "the query")  # of files alone


def is_address(text: object) -> bool:
    """Whether a text is an address, and no path.

    >>> is_address("sqlite:///shop.db"), is_address("C:/shop.db"), is_address("shop.db")
    (True, False, False)
    """
    return isinstance(text, str) and _SCHEME.match(text) is not None


def names_database(text: str) -> bool:
    """Whether an address may be meant for a database, and not for a file system such as s3://.

    >>> names_database("sqlite:///shop.db"), names_database("postgre://host/shop#sales"), names_database("s3://b/out")
    (True, True, False)
    """
    found = _SCHEME.match(text)
    return found is not None and (found[1].lower() in _ENGINES or "#" in text)


def without_passwords(text: str) -> str:
    """A text that may be shown: the passwords of the addresses in it are gone.

    >>> without_passwords("no postgresql://me:p/w@host/shop?sslpassword=x here")
    'no postgresql://me@host/shop?sslpassword=... here'
    """
    return _SECRET_ARGUMENT.sub(r"\1...", _SECRET.sub(r"\1@", text))


def parse_address(text: str) -> Address:
    """Take an address apart.

    Raises:
        ConfigError: it is none, or a slash is missing or too many; the message shows no password.
    """
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    engine = _ENGINES.get(scheme)
    if engine is None:
        hint = did_you_mean(scheme, _ENGINES)
        raise ConfigError(
            f"{without_passwords(text)} is of no known kind{hint}: Gatecast takes postgresql://, sqlite:/// and "
            "duckdb:/// addresses, and files."
        )
    rest = text[len(scheme) + 1 :]
    if not rest.startswith("//"):
        _refuse(text, engine, "has one slash after the colon where two belong")
    rest, _, table = rest[2:].partition("#")
    if "@" in table:
        _refuse_unread()
    if engine == "postgresql":
        return _of_postgresql(rest, unquote(table))
    return _of_file(engine, text, rest, unquote(table))


def _of_postgresql(rest: str, table: str) -> Address:
    place, _, arguments = rest.partition("?")
    before, at, _ = place.rpartition("@")
    server, _, database = place[len(before) + len(at) :].partition("/")
    shown = without_passwords(f"postgresql://{rest}")
    if any(letter in before for letter in "/@") or not _are_hosts(server) or "@" in arguments.partition("?")[0]:
        _refuse_unread()
    if "/" in database:
        _refuse(shown, "postgresql", f"has a slash too many: {database!r} is no database (a table follows a #)")
    return Address("postgresql", f"postgresql://{rest}", _short(shown), table)


def _are_hosts(text: str) -> bool:
    return all(_HOSTS.fullmatch(one) for one in text.split(","))


def _short(shown: str) -> str:
    """Without what only tunes the connection."""
    return shown.partition("?")[0]


def _of_file(engine: str, text: str, rest: str, table: str) -> Address:
    if engine == "duckdb" and rest in ("", "/", "/:memory:"):
        return FILES
    if not rest.startswith("/"):
        _refuse(text, engine, "has two slashes where three belong")
    path = unquote(rest[1:].partition("?")[0])
    if not path.strip("/") or path.endswith("/"):
        _refuse(text, engine, "names no file")
    return Address(engine, path, f"{engine}:///{path}", table)


def _refuse(text: str, engine: str, why: str) -> NoReturn:
    raise ConfigError(f"{without_passwords(text)} {why}. Write {_EXAMPLES[engine]}.")


def _refuse_unread() -> NoReturn:
    raise ConfigError(
        "the address cannot be read. Write postgresql://user@host:5432/database, in which / ? # @ and : of a name or a "
        "password stand as %2F %3F %23 %40 and %3A; better, give the password in PGPASSWORD or ~/.pgpass."
    )
