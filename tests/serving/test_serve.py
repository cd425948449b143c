"""``gatecast serve`` as a process: it starts, tells where it is, and ends as it is told."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

import gatecast as gc
from gatecast.cli.main import main

CODE = "import sys; from gatecast.cli.main import main; sys.exit(main())"


def started(folder: Path, *words: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, "serve", *words, "--port", "0"], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    if found is None:
        process.wait(30)
        assert process.stderr is not None
        pytest.fail(process.stderr.read())
    return process, found[0]


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def runs(pid: int) -> bool:
    try:
        return "gatecast" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """What a service in this process has set up for its logs ends with a test."""
    yield
    for name in ("gatecast.serving", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(
    tmp_path: Path, airline_file: Path, airline: dict[str, list[Any]], how: signal.Signals
) -> None:
    """What is under way is answered, streams are closed, and the store is whole; no process is left."""
    process, base = started(tmp_path, str(airline_file))
    with httpx.Client(base_url=base, timeout=30) as client:
        answer = client.post("/v1/forecast", json={"model": "airline", "history": airline})
        assert answer.status_code == 200
        listening, ended = threading.Event(), threading.Event()

        def listen() -> None:
            with httpx.stream("GET", f"{base}/v1/events", params={"model": "airline"}, timeout=60) as stream:
                listening.set()
                for _ in stream.iter_lines():
                    pass
            ended.set()

        thread = threading.Thread(target=listen)
        thread.start()
        assert listening.wait(60)
        workers = children_of(process.pid)
        assert len(workers) == 2
        process.send_signal(how)
        _, stderr = process.communicate(timeout=60)
        assert ended.wait(60)
        thread.join()
    assert process.returncode == (0 if how is signal.SIGINT else -signal.SIGTERM)
    assert not any(map(runs, workers))
    lines = [json.loads(line) for line in stderr.splitlines()]
    assert {"request"} == {line["event"] for line in lines}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gatecast.db", "gatecast.db-lock"]


def test_workers_end_with_a_service_that_is_killed(tmp_path: Path) -> None:
    process, _ = started(tmp_path)
    until = time.monotonic() + 20
    while len(workers := children_of(process.pid)) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(workers) == 2
    process.kill()
    process.communicate()
    while any(map(runs, workers)) and time.monotonic() < until + 20:
        time.sleep(0.05)
    assert not any(map(runs, workers))


def _groups() -> gc.GroupedForecaster:
    """A model for each of two groups."""
    rows = [{"region": r, "day": day, "y": 10 + day % 7} for r in "ab" for day in range(60)]
    return gc.GroupedForecaster(gc.Forecaster(3, preset="instant"), "region").fit(pl.DataFrame(rows))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "Give --token-file, or listen on 127.0.0.1"),
        (["--host", "::"], "no token is needed"),
        (["--host", "example.org"], "no token is needed"),
        (["--port", "70000"], "is no port"),
        (["--limit", "bodi=5"], "did you mean 'body'"),
        (["--token-file", "nothing"], "cannot be read"),
        (["nothing.gatecast"], "nothing.gatecast cannot be read"),
        (["broken.gatecast"], "no model of Gatecast"),
        (["flipped.gatecast"], "flipped.gatecast is no model of Gatecast"),
        (["groups.gatecast"], "groups.gatecast holds a model for each of a, b, and gatecast serve takes one"),
        (["bad name.gatecast"], "The name of a model"),
        (["--store", "mysql://a:b@c/d"], "mysql is not known"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, airline_file: Path,
    words: list[str], told: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("broken.gatecast").write_bytes(b"no model")
    _groups().save("groups.gatecast")
    content = bytearray(airline_file.read_bytes())
    content[-40] ^= 1
    Path("flipped.gatecast").write_bytes(content)
    Path("bad name.gatecast").write_bytes(airline_file.read_bytes())
    assert main(["serve", *words]) == 2
    message = capsys.readouterr().err
    assert told in message
    assert "/gatecast-" not in message, "the path of a temporary file"
    assert message.count("\n") == 1, message
    if words[0].startswith(("nothing", "broken", "groups")):
        assert not list(tmp_path.glob("gatecast.db*")), "a store for nothing"


def test_a_taken_port_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], client: httpx.Client) -> None:
    port = str(client.base_url.port)
    assert main(["serve", "--store", os.fspath(tmp_path / "s.db"), "--port", port]) == 2
    assert "cannot be listened on" in capsys.readouterr().err
