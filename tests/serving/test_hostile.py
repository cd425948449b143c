"""Requests that mean harm: no crash, no 5xx, memory bounded, and other clients are served meanwhile."""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatecast.serving.limits import Limits

Columns = dict[str, list[Any]]
SOME = 200  # here; as many of them as GATECAST_HOSTILE says
NAMES = ("../../etc/passwd", "..\\..\\windows", "/etc/shadow", "con", "a" * 5000, "\u0000", "'; drop table models; --",
         "%2e%2e%2f", "{{7*7}}", "<script>", "\U0001f600", "-rf", "file:///etc/passwd", "//host/share")  # fmt: skip


@pytest.fixture(scope="module")
def attacked(serve: Any, airline_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    limits = Limits(body=2**20, upload=2**20, unpacked=2**23, rows=20_000, body_seconds=2, seconds=20, waiting=64)
    with serve(str(tmp_path_factory.mktemp("attacked") / "s.db"), airline_file, limits=limits) as client:
        yield client


def anything(rng: random.Random, depth: int = 0) -> Any:
    """A value of JSON that nobody expects."""
    kinds = (
        lambda: rng.choice(
            [None, True, False, 0, -1, 10**400, 1e308, -1e308, 5e-324, 2**63, "\ud83d", "", "NaN", "Infinity", "1e999"]
        ),
        lambda: rng.choice(NAMES),
        lambda: [anything(rng, depth + 1) for _ in range(rng.randrange(4))],
        lambda: {rng.choice((*NAMES, "model", "rows", "ds", "kind")): anything(rng, depth + 1) for _ in range(3)},
    )
    return rng.choice(kinds[: 2 if depth > 4 else 4])()


def request_of(rng: random.Random, airline: Columns) -> dict[str, Any]:
    """One hostile request, as arguments of httpx."""
    kinds = (spoilt_body, spoilt_body, spoilt_body, raw_body, odd_path, odd_form)
    return rng.choice(kinds)(rng, {name: list(cells[-40:]) for name, cells in airline.items()})


def spoilt_body(rng: random.Random, history: Columns) -> dict[str, Any]:
    """A body of JSON with something in it that does not belong there."""
    body: dict[str, Any] = {"model": "airline", "history": history}
    fields = ["model", "history", "horizon", "quantiles", "future", "series", "more"]
    year = rng.choice([0, 1, 9999])
    spoilt = (
        lambda: {**body, rng.choice(fields): anything(rng)},
        lambda: {**body, "history": {**history, rng.choice(["ds", "Passengers"]): [anything(rng) for _ in range(40)]}},
        lambda: {**body, "history": {**history, rng.choice(NAMES): [anything(rng)] * 40}},
        lambda: {**body, "history": {"ds": [f"{year:04d}-01-01"] * 3, "Passengers": [1, 2, 3]}},
        lambda: anything(rng),
    )
    found = rng.choice(spoilt)()
    if rng.random() < 0.3 and isinstance(found, dict):
        found = {"model": found.get("model"), "rows": found.get("history")}
    return posted(rng, json.dumps(found).encode())


def raw_body(rng: random.Random, _: Columns) -> dict[str, Any]:
    """A body that is hardly JSON, or headers that are hardly headers."""
    nan = b'{"model": "airline", "history": {"ds": ["2020-01-01"], "Passengers": [NaN]}}'
    content = rng.choice([rng.randbytes(200), b"[" * 100_000, b'{"a":1,' * 50_000, b'{"a":' * 50_000, nan])
    odd = {
        "Idempotency-Key": rng.choice(["x" * 300, "\u00e9", "a b"]).encode(),
        "X-Request-Id": b"\x01",
        "Accept": b"*" * 600,
    }
    return posted(rng, content, odd if rng.random() < 0.3 else {})


def posted(rng: random.Random, content: bytes, headers: dict[str, bytes] | None = None) -> dict[str, Any]:
    url = rng.choice(["/v1/forecast", "/v1/observe", "/v1/timeseries/forecast", "/invocations"])
    return {
        "method": "POST",
        "url": url,
        "content": content,
        "headers": {"Content-Type": b"application/json", **(headers or {})},
    }


def odd_path(rng: random.Random, _: Columns) -> dict[str, Any]:
    """A name that would be a path, if names were."""
    url = f"/{rng.choice(['v1/models', 'v1/jobs', 'v1/series', 'page'])}/{rng.choice(NAMES)}"
    return {"method": rng.choice(["GET", "DELETE"]), "url": url.replace("\u0000", "%00").replace("?", "")}


def odd_form(rng: random.Random, _: Columns) -> dict[str, Any]:
    """An upload that is not what it says."""
    form = {"request": json.dumps(anything(rng)), "read": rng.choice(["{", "[]", "{}"]), "name": rng.choice(NAMES)}
    url = rng.choice(["/v1/jobs", "/v1/look", "/v1/evaluate", "/v1/models"])
    ends = rng.choice([".csv", ".xlsx", ".parquet", ".json", ".ods", ".csv.gz", ".exe"])
    starts = rng.choice([b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08", b"a,b\n", b"[[[[", b""])
    files = {"file": ("../x" + ends, starts + rng.randbytes(500))}
    return {"method": "POST", "url": url, "data": form, **({"files": files} if rng.random() < 0.8 else {})}


def memory() -> int:
    """Bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_hostile_requests_are_answered_and_nobody_else_feels_them(attacked: httpx.Client, airline: Columns) -> None:
    count = int(os.environ.get("GATECAST_HOSTILE", SOME))
    honest: list[float] = []
    ending = threading.Event()

    def ask_honestly() -> None:
        body = {"model": "airline", "history": airline}
        with httpx.Client(base_url=attacked.base_url, timeout=60) as client:
            while not ending.is_set() or len(honest) < 10:
                begin = time.monotonic()
                assert client.post("/v1/forecast", json=body).status_code in (200, 503)
                honest.append(time.monotonic() - begin)

    def attack(number: int) -> tuple[int, str]:
        answer = attacked.request(**request_of(random.Random(number), airline))
        return answer.status_code, answer.headers.get("content-type", "")

    for number in range(20):  # what is loaded once is there before memory is counted
        attack(number)
    before, thread = memory(), threading.Thread(target=ask_honestly)
    thread.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(attack, range(count)))
    finally:
        ending.set()
        thread.join()
    wrong = {(n, status) for n, (status, kind) in enumerate(answers) if status >= 500 and status != 503}
    assert not wrong
    assert all(kind == "application/problem+json" for status, kind in answers if status >= 400)
    assert memory() - before < 400 * 2**20
    assert len(honest) > 5
    assert sorted(honest)[len(honest) // 2] < 5
    assert attacked.get("/v2/health/ready").status_code == 200


def test_many_slow_connections_do_not_keep_others_out(attacked: httpx.Client) -> None:
    address = attacked.base_url.host, attacked.base_url.port
    slow = [socket.create_connection(address) for _ in range(100)]
    try:
        for one in slow:
            one.sendall(b"POST /v1/forecast HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n{")
        begin = time.monotonic()
        assert attacked.get("/v1/models").status_code == 200
        assert time.monotonic() - begin < 2
    finally:
        for one in slow:
            one.close()
