"""Addresses: what is taken, what is refused in one line, and that no password is ever shown."""

from __future__ import annotations

import pytest

from gatecast.data.tables.databases.address import is_address, parse_address, without_passwords
from gatecast.errors import ConfigError

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "place", "shown", "table"),
    [
        ("sqlite:///shop.db", "shop.db", "sqlite:///shop.db", ""),
        ("sqlite:////data/a b.db#sales", "/data/a b.db", "sqlite:////data/a b.db", "sales"),
        ("SQLite:///C:/shop%231.db", "C:/shop#1.db", "sqlite:///C:/shop#1.db", ""),
        ("duckdb:///shop.duckdb#main.sales", "shop.duckdb", "duckdb:///shop.duckdb", "main.sales"),
        ("duckdb://", ":memory:", "the query", ""),
        ("postgres://me@h/shop", "postgresql://me@h/shop", "postgresql://me@h/shop", ""),
        (f"postgresql://me:{SECRET}@h:1/d#s.t", f"postgresql://me:{SECRET}@h:1/d", "postgresql://me@h:1/d", "s.t"),
        (f"postgresql://h/shop?user=me&password={SECRET}", f"postgresql://h/shop?user=me&password={SECRET}",
         "postgresql://h/shop", ""),
        ("postgresql:///shop?host=/run/pg", "postgresql:///shop?host=/run/pg", "postgresql:///shop", ""),
        ("postgresql://me@[::1]:5432,other:5433/shop", "postgresql://me@[::1]:5432,other:5433/shop",
         "postgresql://me@[::1]:5432,other:5433/shop", ""),
        ("postgresql://", "postgresql://", "postgresql://", ""),
    ],
)  # fmt: skip
def test_an_address_is_taken_apart(text: str, place: str, shown: str, table: str) -> None:
    found = parse_address(text)
    assert (found.place, found.shown, found.table) == (place, shown, table)
    assert SECRET not in f"{found!r} {found}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sqlite://shop.db", "two slashes where three belong"),
        ("sqlite:/shop.db", "one slash"),
        ("sqlite:///", "names no file"),
        ("duckdb:///folder/", "names no file"),
        ("postgresql:/me@h/shop", "one slash"),
        ("postgresql://me@h/shop/sales", "a slash too many: 'shop/sales'"),
        (f"postgresql:/me:{SECRET}@h/shop", "one slash"),
        (f"postgresql://me:{SECRET}@h/shop/sales", "a slash too many"),
        (f"postgresql://me:{SECRET}/x@h/shop", "%2F"),
        (f"postgresql://me:{SECRET}#x@h/shop", "%23"),
        (f"postgresql://me:{SECRET}?x@h/shop", "%3F"),
        (f"postgresql://me:{SECRET}@x@h/shop", "%40"),
        (f"postgresql://me:{SECRET}@h:port/shop", "cannot be read"),
        (f"mysql://me:{SECRET}@h/shop", "postgresql://, sqlite:/// and duckdb:///"),
        (f"postgresqll://me:{SECRET}@h/shop", "did you mean 'postgresql'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_without_the_password(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_address(text)
    assert said in str(raised.value)
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_paths_are_no_addresses() -> None:
    assert not any(map(is_address, ["sales.csv", "C:/sales.csv", "stdin:", "-", "a/b:c/d", "sales-*.csv"]))


@pytest.mark.parametrize(
    "word",
    [f"postgresql://me:{SECRET}@h/shop", f"postgresql://me:{SECRET}/@#x@h/shop", f"mqtt://me:{SECRET}@h/t",
     f"postgresql://h/shop?password={SECRET}&sslmode=require", f"'postgresql://me:{SECRET}@h'"],
)  # fmt: skip
def test_a_text_loses_its_passwords_and_nothing_else(word: str) -> None:
    shown = without_passwords(f"before {word} after")
    assert SECRET not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert without_passwords("at 10:30 see https://docs/x@y") == "at 10:30 see https://docs/x@y"
