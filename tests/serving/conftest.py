"""A service in this process on a free port, on a store of its own; PostgreSQL from the system's package."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the service needs the extra serve")

import httpx
import numpy as np

import gatecast as gc
from gatecast.serving.http.tokens import Tokens
from gatecast.serving.jobs.databases import databases_of
from gatecast.serving.limits import LIMITS, Limits
from gatecast.serving.listening import listen
from gatecast.serving.routes.service import Service
from gatecast.serving.store.store import open_store

Serve = Callable[..., AbstractContextManager[httpx.Client]]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# ---------------------------------------------------------------- stores


def _postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    return None if program is None else Path(program).resolve().parent


def _as_postgres(words: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words] if os.getuid() == 0 else words


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a private cluster, without a database; skips where PostgreSQL is not installed."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="gatecast-postgres-"))
    port = free_port()
    try:
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        words = [str(programs / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "gatecast", "--no-sync"]
        subprocess.run(_as_postgres(words), check=True, capture_output=True, cwd=folder)
        settings = [f"-cport={port}", "-clisten_addresses=127.0.0.1", "-cunix_socket_directories=", "-cfsync=off"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                _as_postgres([str(programs / "postgres"), "-D", str(folder / "data"), *settings]),
                stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        try:
            yield _reached(f"postgresql://gatecast@127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reached(url: str) -> str:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(f"{url}/postgres").close()
            return url
        except psycopg.OperationalError:
            time.sleep(0.05)
    pytest.fail("PostgreSQL did not start")


_number = iter(range(10**6))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store: of either kind, one after the other."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    import psycopg

    base = request.getfixturevalue("postgres")
    name = f"store_{next(_number)}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return f"{base}/{name}"


# ---------------------------------------------------------------- models


@pytest.fixture(scope="session")
def airline_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained model of one series of months."""
    path = tmp_path_factory.mktemp("models") / "airline.gatecast"
    small = {"candidates": 1, "members": 1, "training": {"max_epochs": 2}}
    gc.Forecaster(horizon=6, progress=False, **small).fit(gc.load_example("airline")).save(path)
    return path


@pytest.fixture(scope="session")
def shop_table() -> dict[str, list[Any]]:
    """Two shops, 60 days each, with a price that is known ahead."""
    days = [str(np.datetime64("2024-01-01") + d) for d in range(60)]
    table: dict[str, list[Any]] = {"shop": [], "day": [], "price": [], "units": []}
    for shop, level in (("north", 20.0), ("south", 50.0)):
        for d, day in enumerate(days):
            price = 1.0 + (d % 5 == 0)
            table["shop"].append(shop)
            table["day"].append(day)
            table["price"].append(price)
            table["units"].append(round(level + 5 * (d % 7) - 4 * price, 2))
    return table


@pytest.fixture(scope="session")
def shop_file(tmp_path_factory: pytest.TempPathFactory, shop_table: dict[str, list[Any]]) -> Path:
    """A small model with a covariate that is known ahead."""
    path = tmp_path_factory.mktemp("models") / "shop.gatecast"
    panel = gc.read(shop_table, series="shop", time="day", target="units", future="price")
    small = {"candidates": 1, "members": 1, "training": {"max_epochs": 2}}
    gc.Forecaster(horizon=4, progress=False, **small).fit(panel).save(path)
    return path


@pytest.fixture(scope="session")
def airline() -> dict[str, list[Any]]:
    """Its months and passengers as columns."""
    panel = gc.load_example("airline")
    months = [str(time)[:10] for time in panel.times(0)]
    return {"ds": months, "Passengers": [float(value) for value in panel.series(0)[:, 0]]}


# ---------------------------------------------------------------- a service


@contextmanager
def _serving(
    store: str, models: tuple[Path, ...], tokens: Tokens, limits: Limits, databases: tuple[str, ...]
) -> Iterator[httpx.Client]:
    service = Service.of(open_store(store), limits, tokens, databases_of(databases))
    for path in models:
        service.desk.catalogue.put(path.stem, path.read_bytes(), only_changed=True)
    told: list[str] = []
    failed: list[BaseException] = []
    servers: list[Any] = []

    def run() -> None:
        try:
            listen(service, "127.0.0.1", 0, 5, told.append, servers.append)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not told and not failed and time.monotonic() < until:
        time.sleep(0.01)
    if failed:
        raise failed[0]
    with httpx.Client(base_url=told[0], timeout=60) as client:
        client.service = service  # type: ignore[attr-defined]
        try:
            yield client
        finally:
            servers[0].should_exit = True
            thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Starts a service on a store: a client for it, whose ``service`` is the service itself."""

    def start(
        store: str,
        *models: Path,
        tokens: Tokens | None = None,
        limits: Limits = LIMITS,
        databases: tuple[str, ...] = (),
    ) -> AbstractContextManager[httpx.Client]:
        return _serving(store, models, tokens or Tokens(), limits, databases)

    return start


@pytest.fixture(scope="module")
def client(
    serve: Serve, airline_file: Path, shop_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A service with two models, for all tests of a file."""
    limits = LIMITS.changed(["unpacked=33554432", "table_rows=300000"])
    with serve(str(tmp_path_factory.mktemp("store") / "store.db"), airline_file, shop_file, limits=limits) as found:
        yield found
