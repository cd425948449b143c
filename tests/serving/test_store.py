"""The store: its versions, that one process alone uses it, and what it tells of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from gatecast.errors import ConfigError
from gatecast.serving.store import migrations
from gatecast.serving.store.engine import parsed
from gatecast.serving.store.job_rows import QUEUED, FileRow, JobRow
from gatecast.serving.store.observed_rows import Observation
from gatecast.serving.store.store import open_store
from gatecast.serving.store.tables import METADATA


def a_job(number: int, **more: Any) -> JobRow:
    made = {"id": f"job-{number}", "kind": "fit", "state": QUEUED, "request": {}, "owner": "", "attempts": 0,
            "progress": {}, "problem": None, "result": None, "created": float(number), "started": None,
            "ended": None}  # fmt: skip
    return JobRow(**{**made, **more})


def an_observation(**more: Any) -> Observation:
    made = {"model": "m", "key": None, "digest": "d", "revise": False, "answer": "{}",
            "rows": [("a", "2024-01-01", "new", {"y": 1.5})]}  # fmt: skip
    return Observation(**{**made, **more})


def test_a_store_is_made_once_and_opened_again(store_url: str) -> None:
    for _ in range(2):
        store = open_store(store_url)
        with store.rows._engine.connect() as connection:
            assert migrations.version_of(connection) == len(migrations.MIGRATIONS)
            assert set(inspect(connection).get_table_names()) == {*METADATA.tables, "gatecast_store"}
        store.close()


def test_a_store_of_an_older_version_is_brought_up_to_date(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(store_url).close()

    def more(connection: Any) -> None:
        connection.execute(text("alter table models add column note varchar(10)"))

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, more))
    store = open_store(store_url)
    with store.rows._engine.connect() as connection:
        assert migrations.version_of(connection) == 2
        assert "note" in {column["name"] for column in inspect(connection).get_columns("models")}
    store.close()
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="version 2"):
        open_store(store_url)


def test_a_migration_that_fails_changes_nothing(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(store_url).close()

    def fails(connection: Any) -> None:
        connection.execute(text("alter table models add column note varchar(10)"))
        raise RuntimeError("the power went")

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, fails))
    with pytest.raises(RuntimeError):
        open_store(store_url)
    monkeypatch.undo()
    store = open_store(store_url)
    with store.rows._engine.connect() as connection:
        assert "note" not in {column["name"] for column in inspect(connection).get_columns("models")}
    store.close()


def test_one_process_alone_uses_it(store_url: str) -> None:
    store = open_store(store_url)
    with pytest.raises(ConfigError, match="used by another process"):
        open_store(store_url)
    store.close()
    open_store(store_url).close()


def test_a_row_is_new_once(store_url: str) -> None:
    """The database itself refuses a second one, and a transaction is taken whole or not at all."""
    store = open_store(store_url)
    store.models.put("m", b"", {}, None)
    first = store.rows.add([an_observation(key="k")])
    other = an_observation(rows=[("b", "2024-01-01", "new", {"y": 1}), ("a", "2024-01-01", "new", {"y": 2})])
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.rows.add([an_observation(rows=[("c", "2024-01-01", "new", {"y": 1})]), other])
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.rows.add([an_observation(key="k", rows=[])])
    assert store.rows.known("m", "k") == ("d", "{}")
    assert store.rows.counts("m") == {"new": 1}
    assert list(store.rows.after("m", 0)) == [(first[0], False, [{"y": 1.5}])]
    assert store.rows.last("m") == first[0]
    assert store.models.remove("m")
    assert store.rows.counts("m") == {}
    store.close()


def test_jobs_wait_in_their_order_and_old_ones_give_way(store_url: str) -> None:
    store = open_store(store_url)
    files = [FileRow("table.csv", "text/csv", 3, b"a,b")]
    for number in (2, 1, 3):
        store.jobs.add(a_job(number), files, keep=1)
    first = store.jobs.next()
    assert first is not None
    assert first.id == "job-1"
    assert store.jobs.change("job-1", only=(QUEUED,), state="running")
    assert not store.jobs.change("job-1", only=(QUEUED,), state="running")
    assert store.jobs.finish("job-1", {"a": 1}, [FileRow("x", "text/plain", 1, b"1")])
    assert not store.jobs.finish("job-1", {"a": 2}, [])
    assert store.jobs.change("job-2", state="running")
    assert store.jobs.requeue() == ["job-2"]
    assert store.jobs.change("job-2", state="failed", problem={"detail": "x"})
    store.jobs.add(a_job(4), files, keep=1)
    assert store.jobs.ids() == {"job-2", "job-3", "job-4"}
    assert store.jobs.file("job-1", "artifact", "x") is None
    assert store.jobs.file("job-3", "input", "table.csv") == files[0]
    store.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://user:secret@host/db", "mysql is not known"),
        ("sqlite://", "needs a file"),
        ("http//:x://y:secret@z", "no URL"),
        ("postgresql://user:secret@127.0.0.1:1/db", "cannot be used"),
        ("/no/such/folder/x.db", "does not exist"),
    ],
)
def test_a_store_that_cannot_be_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"this is a letter to my aunt, and no database at all. " * 40)
    with pytest.raises(ConfigError, match="not a database"):
        open_store(str(path))
    assert parsed(str(path)).database == str(path)
    assert create_engine is not None
