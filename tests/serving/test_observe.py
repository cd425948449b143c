"""Rows over HTTP: answered as ``Live.observe`` does, stored before that, taken once, and there after a new start."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

import gatecast as gc
from gatecast.live.watching import plain_rows

Columns = dict[str, list[Any]]


def rows_of(airline: Columns, begin: int, stop: int, **more: Any) -> list[dict[str, Any]]:
    pairs = zip(airline["ds"][begin:stop], airline["Passengers"][begin:stop], strict=True)
    return [{**more, "ds": day, "Passengers": value} for day, value in pairs]


def observe(client: httpx.Client, rows: Any, key: str | None = None, **more: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/v1/observe", json={"model": "airline", "rows": rows, **more}, headers=headers)


def test_answers_are_those_of_live(client: httpx.Client, airline: Columns, airline_file: Path) -> None:
    live = gc.load(airline_file).live()
    for begin, stop in ((0, 40), (40, 41), (41, 44)):
        rows = rows_of(airline, begin, stop, unique_id="alone")
        found = observe(client, rows).json()
        assert found["counts"] == {"new": stop - begin}
        for one, other in zip(found["rows"], plain_rows(live.observe(rows)), strict=True):
            assert one == {name: _about(cell) for name, cell in other.items()}


def _about(cell: Any) -> Any:
    return pytest.approx(cell, rel=1e-4, abs=1e-6) if isinstance(cell, float) else cell


def test_a_key_is_taken_once_on_both_stores(serve: Any, store_url: str, airline: Columns, airline_file: Path) -> None:
    """Also when the same request comes many times at once, and after a new start."""
    rows = rows_of(airline, 0, 3)
    with serve(store_url, airline_file) as client:
        with ThreadPoolExecutor(8) as pool:
            answers = {answer.text for answer in pool.map(lambda _: observe(client, rows, "first"), range(16))}
        assert len(answers) == 1
        assert '"new":3' in answers.pop()
        other = observe(client, rows_of(airline, 3, 4), "first")
        assert other.status_code == 409
        assert "key" in other.json()["detail"]
        again = observe(client, rows)
        assert again.json()["counts"] == {"known": 3}
    with serve(store_url) as client:
        assert observe(client, rows, "first").json()["counts"] == {"new": 3}
        assert observe(client, rows_of(airline, 0, 5), "second").json()["counts"] == {"known": 3, "new": 2}
        assert client.service.store.rows.counts("airline") == {"new": 5, "known": 6}


def test_a_start_goes_on_where_the_rows_stood(
    serve: Any, store_url: str, airline: Columns, airline_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a state of the live model, and also without one: the rows are read again."""
    with serve(store_url, airline_file) as client:
        observe(client, rows_of(airline, 0, 100, unique_id="a"))
        monkeypatch.setattr(client.service.desk.catalogue, "save_states", lambda: None)
        observe(client, rows_of(airline, 100, 144, unique_id="a"))
        observe(client, rows_of(airline, 0, 50, unique_id="b"), revise=True)
        before = client.get("/v1/series/a", params={"model": "airline", "tail": 500}).json()
    monkeypatch.undo()
    for _ in range(2):
        with serve(store_url, airline_file) as client:
            after = client.get("/v1/series/a", params={"model": "airline", "tail": 500}).json()
            assert after["history"] == before["history"]
            assert after["scores"] == before["scores"]
            assert len(after["scores"]) == 144
            wanted = before["forecast"][0]["forecast"]
            assert after["forecast"][0]["forecast"] == pytest.approx(wanted, rel=1e-5)
            listed = client.get("/v1/series").json()
            assert [(one["series"], one["steps"]) for one in listed["series"]] == [("a", 144), ("b", 50)]


def test_a_request_is_taken_whole_or_not_at_all(client: httpx.Client, airline: Columns) -> None:
    """Beside others in the same batch, too."""
    right = [rows_of(airline, 0, 5, unique_id=f"right {n}") for n in range(10)]
    wrong = [
        [*rows_of(airline, 0, 5, unique_id=f"wrong {n}"), {"unique_id": f"wrong {n}", "ds": "x"}] for n in range(5)
    ]
    with ThreadPoolExecutor(15) as pool:
        answers = list(pool.map(lambda rows: observe(client, rows).status_code, [*right, *wrong]))
    assert answers == [200] * 10 + [422] * 5
    known = {one["series"] for one in client.get("/v1/series", params={"limit": 1000}).json()["series"]}
    assert {f"right {n}" for n in range(10)} <= known
    assert not any(name.startswith("wrong") for name in known)


def test_the_same_row_in_two_requests_is_taken_once(client: httpx.Client, airline: Columns) -> None:
    rows = rows_of(airline, 0, 1, unique_id="twice")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: observe(client, rows).json()["counts"], range(8)))
    assert sorted(map(str, answers)) == ["{'known': 1}"] * 7 + ["{'new': 1}"]


def test_rows_that_cannot_be_stored_are_not_taken(
    serve: Any, store_url: str, airline: Columns, airline_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer says so, nobody sees them, and the next rows are taken."""
    with serve(store_url, airline_file) as client:
        assert observe(client, rows_of(airline, 0, 40)).status_code == 200
        stored = client.service.store.rows

        def fails(_: Any) -> list[int]:
            raise OperationalError("insert", {}, Exception("the disk is full"))

        monkeypatch.setattr(stored, "add", fails)
        refused = observe(client, rows_of(airline, 40, 41), "lost")
        assert refused.status_code == 503
        assert "Idempotency-Key" in refused.json()["remedy"]
        monkeypatch.undo()
        found = client.get("/v1/series/Passengers", params={"model": "airline"}).json()
        assert found["steps"] == 40
        assert observe(client, rows_of(airline, 40, 41), "lost").json()["counts"] == {"new": 1}


def test_what_is_observed_is_told_to_who_listens(client: httpx.Client, airline: Columns) -> None:
    seen: list[str] = []
    listening, told = threading.Event(), threading.Event()

    def listen() -> None:
        with client.stream("GET", "/v1/events", params={"model": "airline"}) as stream:
            for line in stream.iter_lines():
                seen.append(line)
                listening.set()
                if line.startswith("data") and "heard" in line:
                    told.set()
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(60)
    observe(client, rows_of(airline, 0, 1, unique_id="heard"))
    assert told.wait(60)
    thread.join()
    assert "event: observed" in seen
    assert '"value":112.0' in seen[-1]


def test_drift_is_seen(client: httpx.Client, airline: Columns) -> None:
    observe(client, rows_of(airline, 0, 120, unique_id="shifts"))
    calm = client.get("/v1/series/shifts", params={"model": "airline", "tail": 24}).json()["drift"]["Passengers"]
    shifted = [{**row, "Passengers": row["Passengers"] * 3} for row in rows_of(airline, 120, 144, unique_id="shifts")]
    for row in shifted[::2]:
        row["Passengers"] /= 6
    observe(client, shifted)
    wild = client.get("/v1/series/shifts", params={"model": "airline", "tail": 24}).json()["drift"]["Passengers"]
    assert calm["rows"] == wild["rows"] == 24
    assert not calm["drifting"]
    assert wild["drifting"]
    assert wild["error"] > 10 * calm["error"]


def test_a_new_model_takes_over_the_series(client: httpx.Client, airline: Columns, airline_file: Path) -> None:
    files = {"file": ("any.gatecast", airline_file.read_bytes())}
    assert client.post("/v1/models", files=files, data={"name": "again"}).status_code == 201
    rows = rows_of(airline, 0, 60, unique_id="moved")
    body = {"model": "again", "rows": rows}
    assert client.post("/v1/observe", json=body).status_code == 200
    found = client.post("/v1/models", files=files, data={"name": "again"}).json()
    assert found["series"] == 1
    body["rows"] = rows_of(airline, 60, 61, unique_id="moved")
    assert client.post("/v1/observe", json=body).json()["counts"] == {"new": 1}
    assert client.delete("/v1/models/again").status_code == 204
    assert client.get("/v1/models/again").status_code == 404
    assert client.delete("/v1/models/again").status_code == 404
