"""Who may ask, how much, and what of it is written down."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from gatecast.errors import ConfigError
from gatecast.serving.http.logs import to_stderr
from gatecast.serving.http.tokens import ALL, Token, Tokens, read_tokens, scope_of
from gatecast.serving.limits import LIMITS, Limits

Columns = dict[str, list[Any]]
SECRETS = {"reader": "r" * 20, "writer": "w" * 20, "trainer": "t" * 20}


def token(name: str, *scopes: str) -> Token:
    return Token(name, frozenset(scopes), hashlib.sha256(SECRETS[name].encode()).digest())


TOKENS = Tokens((token("reader", "read"), token("writer", "read", "write"), token("trainer", "read", "train")))


@pytest.fixture(scope="module")
def guarded(serve: Any, airline_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serve(str(tmp_path_factory.mktemp("guarded") / "s.db"), airline_file, tokens=TOKENS) as client:
        yield client


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS[name]}"}


def test_every_endpoint_asks_for_its_scope(guarded: httpx.Client) -> None:
    """What OpenAPI says of each is what is asked for: 401 without a token, 403 with one of another scope."""
    described = guarded.get("/openapi.json").json()
    lacking = {"read": None, "write": "reader", "train": "writer"}
    seen = set()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            needed = operation["x-scope"]
            url = path.format(name="airline", series="Passengers", job="job-0123456789abcdef")
            bare = guarded.request(method, url)
            if needed is None:
                assert bare.status_code == 200
                continue
            seen.add(needed)
            assert operation["security"] == [{"token": []}]
            assert bare.status_code == 401
            assert bare.headers["www-authenticate"] == "Bearer"
            for wrong in ("Bearer wrong", "Basic " + SECRETS["writer"], "Bearer", SECRETS["writer"], "Bearer \xff\xfe"):
                headers = {"Authorization": wrong.encode("latin-1")}
                assert guarded.request(method, url, headers=headers).status_code == 401
            if lacking[needed] is not None:
                assert guarded.request(method, url, headers=bearer(lacking[needed])).status_code == 403
    assert seen == {"read", "write", "train"}


def test_a_token_opens_what_it_is_for(guarded: httpx.Client) -> None:
    assert guarded.get("/v1/models", headers=bearer("reader")).status_code == 200
    rows = {"model": "airline", "rows": [{"ds": "1949-01-01", "Passengers": 112}]}
    assert guarded.post("/v1/observe", json=rows, headers=bearer("writer")).status_code == 200
    files, data = {"file": ("t.csv", b"ds,y\n1,2\n")}, {"request": '{"kind": "fit"}'}
    job = guarded.post("/v1/jobs", files=files, data=data, headers=bearer("trainer"))
    assert job.json()["owner"] == "trainer"


def test_what_is_not_known_needs_a_scope() -> None:
    assert scope_of("POST", "/v1/new") == "read"
    assert scope_of("PUT", "/v1/jobs") == "train"
    assert scope_of("GET", "/page/../v1/models") == "read"
    assert scope_of("GET", "/page/app.js") is None


@pytest.mark.parametrize("given", ["w" * 20, "x" * 20, "w" * 19 + "x", "", "w" * 10_000])
def test_comparing_takes_as_long_for_every_token(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are compared, by their digests, whatever was found before; no byte of a token is compared by itself."""
    compared = []
    import hmac

    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    found = TOKENS.holder(given)
    assert (found is not None) == (given == SECRETS["writer"])
    assert len(compared) == 3
    assert all(len(a) == len(b) == 32 for a, b in compared)


def test_times_do_not_tell_a_token() -> None:
    """Means of many tries differ by less than what they vary by."""

    def seconds(given: str) -> float:
        best = []
        for _ in range(30):
            begin = time.perf_counter()
            for _ in range(200):
                TOKENS.holder(given)
            best.append(time.perf_counter() - begin)
        return min(best)

    right, near, far = (seconds(given) for given in ("w" * 20, "w" * 19 + "x", "x" * 20))
    assert max(right, near, far) < 1.5 * min(right, near, far)


def test_without_tokens_only_this_machine_is_answered(client: httpx.Client) -> None:
    """A page of another server can reach it through a browser here, by a name or a form: it is refused."""
    body = {"model": "airline", "series": "x"}

    def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post("/v1/forecast", json=body, headers=named).status_code

    own = client.base_url.netloc.decode()
    assert status() == 422
    assert status(Origin=f"http://{own}") == 422
    assert status(Origin="https://example.org") == 403
    assert status(Origin="null") == 403
    assert status(Host="attacker.example:80") == 403
    assert status(Sec_Fetch_Site="cross-site") == 403
    assert status(Host="localhost:1") == 422


def test_a_body_that_is_too_large_is_not_read(serve: Any, tmp_path: Path, airline_file: Path) -> None:
    limits = Limits(body=1000, upload=2000, rows=20, series=3)
    with serve(str(tmp_path / "s.db"), airline_file, limits=limits) as client:
        told = client.post("/v1/forecast", content=b" " * 1001)
        assert (told.status_code, told.json()["limit"]) == (413, 1000)
        chunked = client.post("/v1/forecast", content=(b" " * 100 for _ in range(20)))
        assert (chunked.status_code, chunked.json()["limit"]) == (413, 1000)
        upload = client.post("/v1/look", files={"file": ("t.csv", b"x" * 3000)})
        assert (upload.status_code, upload.json()["limit"]) == (413, 2000)
        rows = client.post("/v1/forecast", json={"model": "airline", "history": {"ds": [1] * 21}})
        assert (rows.status_code, rows.json()["limit"]) == (413, 20)
        many = client.post("/v1/forecast", json={"model": "airline", "series": list("abcd")})
        assert (many.status_code, many.json()["limit"]) == (413, 3)
        packed = client.post("/v1/forecast", content=b"{}", headers={"Content-Encoding": "gzip"})
        assert packed.status_code == 415
        assert client.get("/v2/health/ready").status_code == 200


def test_all_bodies_together_have_a_limit(serve: Any, tmp_path: Path, airline_file: Path) -> None:
    """What is being sent counts until it is answered, and no longer."""
    with serve(str(tmp_path / "s.db"), airline_file, limits=Limits(in_flight=100_000)) as client:
        address = client.base_url.host, client.base_url.port
        head = b"POST /v1/forecast HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n"
        body = json.dumps({"model": "airline", "series": ["x" * 900] * 40})
        with socket.create_connection(address, timeout=10) as first:
            first.sendall(head + b" " * 80_000)
            time.sleep(0.3)
            refused = client.post("/v1/forecast", content=body)
            assert (refused.status_code, refused.json()["limit"]) == (503, 100_000)
        for _ in range(5):
            time.sleep(0.1)
            assert client.post("/v1/forecast", content=body).status_code == 422


def test_a_slow_body_is_given_up(serve: Any, tmp_path: Path, airline_file: Path) -> None:
    with serve(str(tmp_path / "s.db"), airline_file, limits=Limits(body_seconds=1)) as client:
        address = client.base_url.host, client.base_url.port
        with socket.create_connection(address, timeout=10) as slow:
            head = b"POST /v1/forecast HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
            slow.sendall(head + b"{")
            assert client.get("/v2/health/ready").status_code == 200
            answer = slow.makefile("rb").read()
        assert b" 408 " in answer
        assert b'"limit":1' in answer


def test_a_slow_head_is_given_up(serve: Any, tmp_path: Path) -> None:
    """Of a first request and of a later one; one that has no end is answered."""
    with serve(str(tmp_path / "s.db"), limits=Limits(body_seconds=1)) as client:
        address = client.base_url.host, client.base_url.port
        for before in (b"", b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            with socket.create_connection(address, timeout=10) as slow:
                slow.sendall(before)
                if before:
                    first = http.client.HTTPResponse(slow)
                    first.begin()
                    assert (first.status, first.read()) == (200, b"\n")
                slow.sendall(b"GET /v1/models HTTP/1.1\r\nHost: loc")
                assert slow.recv(1000) == b""
        with socket.create_connection(address, timeout=10) as large:
            large.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: ")
            with suppress(ConnectionError):
                for _ in range(100):
                    large.sendall(b"x" * 10_000)
            assert b" 400 " in large.recv(4000)
        with socket.create_connection(address, timeout=10) as wrong:
            wrong.sendall(b"\x16\x03\x01 hello\r\n\r\n")
            assert b"problem+json" in wrong.makefile("rb").read()


def test_a_rate_is_kept(serve: Any, tmp_path: Path, airline_file: Path) -> None:
    with serve(str(tmp_path / "s.db"), airline_file, tokens=TOKENS, limits=Limits(rate=1)) as client:
        codes = [client.get("/v1/models", headers=bearer("reader")).status_code for _ in range(15)]
        assert codes[:10] == [200] * 10
        assert 429 in codes[10:]
        refused = client.get("/v1/models", headers=bearer("reader"))
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/v1/models", headers=bearer("writer")).status_code == 200


def test_logs_tell_no_secret_and_no_row(guarded: httpx.Client, airline: Columns) -> None:
    out = io.StringIO()
    to_stderr(out)
    try:
        history = {**airline, "unique_id": ["secret-shop"] * 144}
        headers = {**bearer("writer"), "X-Request-Id": "mine-1"}
        body = {"model": "airline", "history": history}
        answer = guarded.post("/v1/forecast", json=body, headers=headers)
        assert answer.headers["x-request-id"] == "mine-1"
        guarded.post("/v1/observe", json={"model": "airline", "rows": [{"ds": "secret-day"}]}, headers=headers)
        guarded.get("/v1/series/secret-shop", params={"model": "airline"}, headers=headers)
        guarded.get("/v1/models", headers={"Authorization": "Bearer stolen-token-123456"})
        guarded.get("/secret-path")
    finally:
        for name in ("gatecast.serving", "uvicorn.error"):
            logging.getLogger(name).handlers.clear()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["status"] for line in lines] == [200, 422, 404, 401, 401]
    assert lines[0] | {"time": "", "ms": 0} == {
        "time": "", "level": "info", "event": "request", "request": "mine-1", "method": "POST", "route": "/v1/forecast",
        "status": 200, "ms": 0, "token": "writer",
    }  # fmt: skip
    text = out.getvalue()
    assert not any(word in text for word in ("secret", "stolen", SECRETS["writer"], "112", "1949"))


# ---------------------------------------------------------------- the file of the tokens


def test_a_token_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("# who\n\nshop read aaaaaaaaaaaaaaaaaaaa\nadmin read,write,train bbbbbbbbbbbbbbbbbbbb\n")
    path.chmod(0o600)
    tokens = read_tokens(path)
    assert len(tokens) == 2
    found = tokens.holder("b" * 20)
    assert found is not None
    assert (found.name, found.scopes) == ("admin", ALL)


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        ("shop read aaaaaaaaaaaaaaaaaaaa", 0o644, "chmod 600"),
        ("", 0o600, "holds no token"),
        ("shop read short", 0o600, "line 1: the token is shorter"),
        ("shop all aaaaaaaaaaaaaaaaaaaa", 0o600, "scopes are read, write and train"),
        ("shop read", 0o600, "write name, scopes and token"),
        ("a read aaaaaaaaaaaaaaaaaaaa\na read bbbbbbbbbbbbbbbbbbbb", 0o600, "a name twice"),
        ("a read aaaaaaaaaaaaaaaaaaaa\nb read aaaaaaaaaaaaaaaaaaaa", 0o600, "a token twice"),
    ],
)
def test_a_token_file_that_is_wrong_is_told_without_its_tokens(tmp_path: Path, text: str, mode: int, told: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=told) as caught:
        read_tokens(path)
    assert "aaaa" not in str(caught.value)


def test_limits_are_changed_by_words() -> None:
    assert LIMITS.changed(["body=5", "rate=7"]) == Limits(body=5, rate=7)
    for wrong in ("bodi=5", "body=-1", "body=x", "body"):
        with pytest.raises(ConfigError):
            LIMITS.changed([wrong])
    with pytest.raises(ConfigError, match="did you mean 'body'"):
        LIMITS.changed(["bodi=5"])


def test_what_nobody_foresaw_is_told_without_what_it_was_about(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client learns that it failed, the log where; a row in the message of an error is in neither."""
    out = io.StringIO()

    def fails(*_: Any) -> Any:
        raise ValueError("secret row")

    monkeypatch.setattr(client.service.store.jobs, "all", fails)
    monkeypatch.setattr(client.service.desk, "served", fails)
    to_stderr(out)
    for answer in (client.get("/v1/jobs"), client.post("/v1/forecast", json={"model": "airline"})):
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in answer.text
    for name in ("gatecast.serving", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
    assert "ValueError" in out.getvalue()
    assert "test_gate.py" in out.getvalue()
    assert "secret" not in out.getvalue()


def test_limits_are_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    for name, value in vars(LIMITS).items():
        assert f"| `{name}` | {value} |" in page


def test_numbers_of_the_models_are_plain(guarded: httpx.Client) -> None:
    levels = guarded.get("/v1/models/airline", headers=bearer("reader")).json()["levels"]
    assert np.allclose(levels, [0.025, 0.1, 0.5, 0.9, 0.975])
