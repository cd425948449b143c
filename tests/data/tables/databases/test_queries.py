"""Queries against real databases: types come through, nothing can be changed, and what is wrong is one line."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import gatecast as gc
from gatecast.errors import ConfigError, PanelError

pytest.importorskip("adbc_driver_manager", reason="the extra sql is not installed")
duckdb = pytest.importorskip("duckdb", reason="the extra sql is not installed")

DAYS = 40
ROWS = [
    (f"2024-01-{day + 1:02d}" if day < 31 else f"2024-02-{day - 30:02d}", store, day + 0.5 * (day > 30))
    for store in "ab"
    for day in range(DAYS)
]
FRAME = pl.DataFrame(ROWS, schema=["day", "store", "sold"], orient="row").with_columns(pl.col("day").str.to_date())
TABLE = "create table sales (day date, store text, sold {number})"


def insert() -> str:
    return "insert into sales values " + ", ".join(f"('{day}', '{store}', {sold})" for day, store, sold in ROWS)


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the table "sales"."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        name = server.database()
        server.run(TABLE.format(number="numeric(10, 2)"), name)
        server.run(insert(), name)
        yield server.url(name)
    elif request.param == "sqlite":
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute(TABLE.format(number="real"))
            connection.execute(insert())
        connection.close()
        yield f"sqlite:///{tmp_path}/shop.db"
    else:
        with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
            connection.execute(TABLE.format(number="decimal(10, 2)"))
            connection.execute(insert())
        yield f"duckdb:///{tmp_path}/shop.duckdb"


def test_a_query_gives_the_panel_of_the_same_file(shop: str, tmp_path: Path) -> None:
    FRAME.write_csv(tmp_path / "sales.csv")
    from_file = gc.read(tmp_path / "sales.csv", target="sold", series="store", time="day")
    by_query = gc.read(shop, query="select * from sales order by sold desc;")
    by_name = gc.read(f"{shop}#sales")
    for panel in (by_query, by_name):
        assert sorted(panel.ids) == ["a", "b"]
        assert panel.frequency == from_file.frequency
        np.testing.assert_array_equal(panel.select(["a", "b"]).values_RV, from_file.values_RV)
    one = gc.read(shop, query="with kept as (select day, sold from sales where store = 'a') select * from kept")
    assert len(one) == 1


@pytest.mark.parametrize(
    "query",
    [
        "drop table sales", "delete from sales", "insert into sales values ('2025-01-01', 'c', 1) returning sold",
        "select * from sales) as x; drop table sales; select * from (select 1 as y",
        "select 1; drop table sales", "commit; drop table sales", "update sales set sold = 0",
        "with x as (delete from sales returning *) select * from x", "create table other as select 1 as y",
        "copy sales to '{there}'", "select 1 as y) as x; copy sales to '{there}'; select * from (select 1 as y",
    ],
)  # fmt: skip
def test_a_query_changes_nothing(shop: str, query: str, tmp_path: Path) -> None:
    there = Path("/tmp") / f"gatecast-written-{os.getpid()}.csv"
    with contextlib.suppress(PanelError):  # SQLite stops at a semicolon, the others refuse what follows one
        gc.read(shop, query=query.format(there=there))
    assert not there.exists()
    panel = gc.read(f"{shop}#sales")
    assert (panel.total, panel.values_RV.max()) == (2 * DAYS, DAYS - 0.5)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("selec * from sales", "Give one SELECT"), ("select sould from sales", "sould"),
        ("select * from sails", "sails"), ("", "query is empty"), (" ; ", "query is empty"),
        ("select * from sales where store = 'c'", "no rows"), (None, "query="),
    ],
)  # fmt: skip
def test_a_wrong_query_is_one_line(shop: str, query: str | None, said: str) -> None:
    with pytest.raises(PanelError) as raised:
        gc.read(shop, query=query)
    message = str(raised.value)
    assert said in message
    assert "\n" not in message
    assert "p@ss" not in message
    assert "p%40ss" not in message


def test_types_of_postgresql_arrive_as_they_are_meant(postgres: Any) -> None:
    columns = (
        "select timestamptz '2024-01-01 10:00+02' + n * interval '1 hour' as at, "
        "'NaN'::numeric * (n % 2) + n as y, ('{Mo,Tu}'::text[])[1 + n % 2] as kind, n::smallint as small, "
        "n % 2 = 0 as even "
        "from generate_series(0, 30) as n"
    )
    panel = gc.read(postgres.url(), query=columns, target=["y", "small"], past=["kind", "even"])
    assert panel.frequency.to_text() == "h[UTC]"
    assert str(panel.starts[0]).startswith("2024-01-01T08")
    assert np.isnan(panel.target_RC[:, 0]).sum() == 31
    np.testing.assert_array_equal(panel.target_RC[:, 1], np.arange(31))
    for column, said in (("interval '1 day'", "intervals"), ("gen_random_uuid()", "bytes"), ("1 as odd, 2", "several")):
        with pytest.raises(PanelError, match=said):
            gc.read(postgres.url(), query=f"select {column} as odd, 1 as y")


def test_the_password_comes_from_the_environment_or_from_pgpass(
    postgres: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    query = "select n as y from generate_series(1, 20) as n"
    without = postgres.url(password="")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    with pytest.raises(PanelError, match="no password supplied"):
        gc.read(without, query=query)
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    assert gc.read(without, query=query).total == 20
    monkeypatch.delenv("PGPASSWORD")
    kept = tmp_path / "pgpass"
    escaped = postgres.password.replace("\\", "\\\\").replace(":", "\\:")
    kept.write_text(f"127.0.0.1:{postgres.port}:*:{postgres.user}:{escaped}\n")
    kept.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(kept))
    assert gc.read(without, query=query).total == 20


def test_no_password_gets_into_an_error_or_a_panel(postgres: Any) -> None:
    for url in (
        postgres.url("nowhere"), postgres.url(password="wr0ng-word"),
        "postgresql://owner:wr0ng-word@127.0.0.1:1/x", f"postgresql://127.0.0.1:{postgres.port}/x?password=wr0ng-word",
    ):  # fmt: skip
        with pytest.raises(PanelError) as raised:
            gc.read(url, query="select 1 as y")
        chain = f"{raised.value} {raised.value.__cause__!r} {raised.value.args}"
        assert "wr0ng-word" not in chain
        assert "p%40ss" not in chain
        assert "p@ss" not in chain
    panel = gc.read(postgres.url(), query="select n as y from generate_series(1, 20) as n")
    assert "p%40ss" not in repr(vars(panel))


def test_numbers_of_sqlite_change_their_type_after_many_rows(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "odd.db") as connection:
        connection.execute("create table odd (y)")
        connection.executemany("insert into odd values (?)", [(n if n < 3000 else n + 0.5,) for n in range(3100)])
        connection.execute("insert into odd values (null)")
    connection.close()
    panel = gc.read(f"sqlite:///{tmp_path}/odd.db#odd")
    assert panel.values_RV[-2, 0] == 3099.5
    assert np.isnan(panel.values_RV[-1, 0])


def test_files_answer_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sales").mkdir()
    for store in "ab":
        FRAME.filter(pl.col("store") == store).write_parquet(f"sales/{store}'s.parquet")
    FRAME.write_csv("sales.csv")
    total = "select day, sum(sold) as sold from {} group by day"
    want = gc.read("duckdb://", query=total.format("'sales/*.parquet'"))
    assert (len(want), want.total) == (1, DAYS)
    for source in ("sales.csv", "sales/*.parquet", "sales", Path("sales.csv")):
        np.testing.assert_array_equal(gc.read(source, query=total.format("data")).values_RV, want.values_RV)


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("nowhere.csv", {"query": "select 1 as y"}, "does not exist"),
        ("book.xlsx", {"query": "select 1 as y"}, "CSV, Parquet and JSON"),
        ([1, 2, 3], {"query": "select 1 as y"}, "goes with the address"),
        ("sqlite:///nowhere.db", {"query": "select 1 as y"}, "no file 'nowhere.db'"),
        ("sqlite:///book.xlsx", {"query": "select 1 as y"}, "not a database"),
        ("duckdb:///book.xlsx", {"query": "select 1 as y"}, "duckdb:///book.xlsx"),
        ("sqlite:///book.xlsx#a", {"query": "select 1 as y"}, "leave one out"),
        ("sqlite:///book.xlsx#a", {"skip": 1}, "go with a file"),
    ],
)
def test_what_goes_with_no_query_is_refused(
    source: Any, options: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("book.xlsx").write_bytes(b"PK no database")
    with pytest.raises(PanelError, match=said):
        gc.read(source, **options)


@pytest.mark.parametrize("engine", ["postgresql", "sqlite", "duckdb"])
def test_a_missing_driver_is_named_with_its_remedy(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"adbc_driver_{engine}", None)
    with pytest.raises(ConfigError, match=r"pip install 'gatecast\[sql\]'"):
        gc.read(f"{engine}:///shop#sales")
