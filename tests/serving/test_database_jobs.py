"""Jobs on what a query finds in a database that the service was started with: by its name, read-only, nothing else."""

from __future__ import annotations

import hashlib
import json
import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from tests.serving.test_jobs import INSTANT, Columns, ended

import gatecast as gc
from gatecast.errors import ConfigError, PanelError
from gatecast.serving.http.tokens import Token, Tokens
from gatecast.serving.jobs.databases import ask, databases_of, question
from gatecast.serving.jobs.process import Worker
from gatecast.serving.limits import LIMITS

pytest.importorskip("adbc_driver_sqlite", reason="databases need the extra sql")
duckdb = pytest.importorskip("duckdb", reason="databases need the extra sql")
QUERY = "select ds, Passengers from air where ds < '1960-01-01'"


@pytest.fixture(scope="module")
def asked(serve: Any, tmp_path_factory: pytest.TempPathFactory, airline: Columns) -> Iterator[httpx.Client]:
    """A service that knows two databases: one of SQLite, one of DuckDB."""
    folder = tmp_path_factory.mktemp("databases")
    rows = list(zip(airline["ds"], airline["Passengers"], strict=True))
    with sqlite3.connect(folder / "shop.db") as made:
        made.execute("create table air (ds text, Passengers real)")
        made.executemany("insert into air values (?, ?)", rows)
    made.close()
    with duckdb.connect(str(folder / "house.duckdb")) as other:
        other.execute("create table air (ds text, Passengers double)")
        other.executemany("insert into air values (?, ?)", rows[:48])
    (folder / "secret.csv").write_text("date,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n")
    named = (f"shop=sqlite:///{folder}/shop.db", f"house=duckdb:///{folder}/house.duckdb")
    limits = LIMITS.changed(["table_rows=200"])
    with serve(str(folder / "store.db"), limits=limits, databases=named) as found:
        found.folder = folder
        yield found


def answer(client: httpx.Client, **request: Any) -> httpx.Response:
    return client.post("/v1/jobs", data={"request": json.dumps({**INSTANT, **request})})


def of_query(client: httpx.Client, query: str, database: str = "shop") -> dict[str, Any]:
    told = answer(client, database=database, query=query)
    assert told.status_code == 202, told.text
    return ended(client, told.json()["id"])


def test_a_forecast_of_what_a_query_finds(asked: httpx.Client, airline: Columns) -> None:
    found = of_query(asked, QUERY)
    assert found["state"] == "done", found["problem"]
    wanted = gc.forecast({name: cells[:132] for name, cells in airline.items()}, 6, preset="instant")
    assert found["result"]["forecast"][0]["forecast"] == pytest.approx(wanted.forecast.values[0, :, 0].tolist())
    assert shlex.split(found["result"]["command"])[:5] == ["gatecast", "forecast", "shop", "--query", QUERY]
    assert f"query={QUERY!r}" in found["result"]["python"]
    assert found["request"] == {**INSTANT, "database": "shop", "query": QUERY}
    lines = asked.get(f"/v1/jobs/{found['id']}/log").json()["lines"]
    assert {"event": "stage", "stage": "asking the database"}.items() <= lines[2].items()


def test_a_query_may_come_with_a_file_of_duckdb(asked: httpx.Client) -> None:
    assert of_query(asked, "select * from air", "house")["result"]["data"]["rows"] == 48


@pytest.mark.parametrize(
    ("query", "database", "told"),
    [
        ("select * from nowhere", "shop", "no such table: nowhere"),
        ("delete from air", "shop", "syntax error"),
        ("select 1) as a; delete from air; select * from (select 1", "shop", "one SELECT"),
        ("select * from air a, air b", "shop", "finds more than 200 rows"),
        ("select * from '{folder}/secret.csv'", "house", "disabled by configuration"),
        ("select * from read_text('/etc/passwd')", "house", "disabled by configuration"),
        ("select 1) as a; set enable_external_access=true; select * from (select 1", "house", "one SELECT"),
    ],
)
def test_what_a_query_must_not(asked: httpx.Client, tmp_path: Path, query: str, database: str, told: str) -> None:
    service, folder = asked.service, asked.folder  # type: ignore[attr-defined]
    request = question(service.databases[database], query.format(folder=folder))
    with pytest.raises(PanelError) as caught:
        ask(request, tmp_path / "t.parquet", service.limits.table_rows)
    assert told in str(caught.value)
    with sqlite3.connect(f"file:{folder}/shop.db?mode=ro", uri=True) as there:
        assert there.execute("select count(*) from air").fetchone() == (144,)
    there.close()


def test_a_query_that_fails_is_a_problem_of_the_job(asked: httpx.Client) -> None:
    found = of_query(asked, "select * from nowhere")
    assert found["state"] == "failed"
    assert found["problem"]["status"] == 422
    assert "no such table: nowhere" in found["problem"]["detail"]


@pytest.mark.parametrize(
    ("request_", "status", "told"),
    [
        ({"database": "shup", "query": QUERY}, 404, "no database 'shup' (did you mean 'shop'?)"),
        ({"database": "sqlite:///shop.db", "query": QUERY}, 404, "no database"),
        ({"database": "shop"}, 422, "a query goes with the name of a database"),
        ({"query": QUERY}, 422, "a query goes with the name of a database"),
        ({"database": "shop", "query": QUERY, "read": {"skip": 1}}, 422, "go with a file"),
        ({}, 422, "There is no table."),
    ],
)
def test_what_is_refused_at_once(asked: httpx.Client, request_: dict[str, Any], status: int, told: str) -> None:
    found = answer(asked, **request_)
    assert found.status_code == status
    assert told in found.json()["detail"]
    assert found.json()["remedy"]


def test_a_file_and_a_query_are_too_many(asked: httpx.Client) -> None:
    data = {"request": json.dumps({**INSTANT, "database": "shop", "query": QUERY})}
    found = asked.post("/v1/jobs", files={"file": ("a.csv", b"date,y\n")}, data=data)
    assert (found.status_code, found.json()["detail"]) == (422, "There is a file and a query.")


def test_a_query_needs_the_scope_train(serve: Any, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "shop.db").close()
    secret = "0123456789abcdef"
    tokens = Tokens((Token("writer", frozenset({"read", "write"}), hashlib.sha256(secret.encode()).digest()),))
    named = (f"shop=sqlite:///{tmp_path}/shop.db",)
    with serve(str(tmp_path / "s.db"), tokens=tokens, databases=named) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        assert answer(client, database="shop", query=QUERY).status_code == 403


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["postgresql://me:secret@host/shop"], "no NAME=ADDRESS"),
        (["../x=sqlite:///shop.db"], "no NAME=ADDRESS"),
        (["a=sqlite:///nowhere.db"], "is no file here"),
        (["a=postgresql://host/shop", "a=postgresql://host/b"], "given twice"),
        (["a=duckdb://"], "would read any file here"),
        (["a=sqlite:///shop.db#sales"], "names a table"),
        (["a=mysql://host/shop"], "no known kind"),
    ],
)
def test_databases_are_checked_at_the_start(words: list[str], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        databases_of(words)
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_only_the_process_that_asks_has_the_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    held = {}
    for asks in (False, True):
        worker = Worker(2**32, alone=False, asks=asks)
        worker.start()
        process = worker._process
        assert process is not None
        held[asks] = b"PGPASSWORD=secret" in Path(f"/proc/{process.pid}/environ").read_bytes()
        worker.close()
    assert held == {False: False, True: True}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select 1) as a; drop table air; select * from (select 1", "multiple commands"),
        ("with gone as (delete from air returning *) select * from gone", "top level"),
        ("select nextval('counter')", "read-only transaction"),
        ("select * from generate_series(1, 100) as y", "finds more than 50 rows"),
    ],
)
def test_what_a_query_must_not_of_postgresql(postgres: str, tmp_path: Path, query: str, told: str) -> None:
    import psycopg

    pytest.importorskip("adbc_driver_postgresql", reason="databases need the extra sql")
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute("create table if not exists air as select 1 as y")
        connection.execute("create sequence if not exists counter")
        address = databases_of([f"shop={postgres}/postgres"])["shop"]
        with pytest.raises(PanelError) as caught:
            ask(question(address, query), tmp_path / "t.parquet", 50)
        assert told in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)  # a client learns no host and no role
        assert connection.execute("select count(*) from air").fetchone() == (1,)
    ask(question(address, "select y from air"), tmp_path / "t.parquet", 50)
    assert pl.read_parquet(tmp_path / "t.parquet")["y"].to_list() == [1]
