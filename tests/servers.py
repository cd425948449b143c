"""Real servers for tests: a private PostgreSQL and a private Mosquitto, each on a free port of this machine alone.

Loaded as a plugin by ``tests/conftest.py``. Both come from Debian's packages; where they are absent the tests skip.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

HOST = "127.0.0.1"
PATIENCE = 60  # seconds that a server may take to start
ROOM = 4 << 30  # bytes that have to be free in memory for the files of a cluster: it needs up to 1 GB
PASSWORD = "p@ss/w:rd#1"  # every character of it has to be escaped in a URL


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int, patience: float = PATIENCE) -> bool:
    """Whether somebody answers there before the patience ends."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            socket.create_connection((HOST, port), 0.5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


@dataclass
class Postgres:
    """A running cluster. Its superuser is "owner", who needs the password.

    Args:
        programs: folder of initdb, pg_ctl and psql.
        folder: holds the data; belongs to the account that the server runs under.
        port: of 127.0.0.1.
    """

    programs: Path
    folder: Path
    port: int
    user: str = "owner"
    password: str = field(default=PASSWORD, repr=False)

    def url(self, database: str = "postgres", *, user: str = "", password: str | None = None) -> str:
        """The address with user and password in it; ``password=""`` leaves that out."""
        word = self.password if password is None else password
        secret = f":{quote(word, safe='')}" if word else ""
        return f"postgresql://{user or self.user}{secret}@{HOST}:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> str:
        """What psql prints for a statement: columns separated by |."""
        command = [
            str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
            "-h", HOST, "-p", str(self.port), "-U", self.user, "-d", database, "-c", statement,
        ]  # fmt: skip
        secret = {**os.environ, "PGPASSWORD": self.password}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=secret).stdout.strip()

    def database(self) -> str:
        """A new database; its name."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"create database {name}")
        return name

    def start(self) -> None:
        """Start and wait until it takes connections."""
        options = f"-p {self.port} -c listen_addresses={HOST} -c unix_socket_directories='' -c fsync=off"
        log = self.folder / "log"
        self._control("-w", "-t", str(PATIENCE), "-l", str(log), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop: "fast" ends connections, "immediate" is a crash."""
        self._control("-w", "-m", mode, "stop")

    def _control(self, *arguments: str) -> None:
        as_owner(self.programs / "pg_ctl", "-D", str(self.folder / "data"), *arguments)


def postgres_programs() -> Path | None:
    """The newest PostgreSQL of this machine; None without one."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda path: float(path.parts[-3]), default=None)
    if newest is None and (found := shutil.which("initdb")):
        newest = Path(found).resolve()
    return newest.parent if newest else None


def as_owner(program: Path, *arguments: str) -> None:
    """Run it as an account that PostgreSQL accepts: never as root."""
    before = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # Their output goes to a file: a server that pg_ctl starts would keep a pipe open.
    with tempfile.TemporaryFile() as told:
        done = subprocess.run(
            [*before, str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            cwd="/",
            check=False,
        )
        told.seek(0)
        assert done.returncode == 0, told.read().decode()


def _new_cluster(programs: Path, folder: Path) -> Postgres:
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    secret = folder / "word"
    secret.write_text(PASSWORD, encoding="utf-8")
    cluster = Postgres(programs, folder, free_port())
    as_owner(
        programs / "initdb", "-D", str(folder / "data"), "-U", cluster.user, "-A", "scram-sha-256", "-E", "UTF8",
        "--locale=C", "-N", f"--pwfile={secret}",
    )  # fmt: skip
    cluster.start()
    return cluster


def _roomy_memory() -> Path | None:
    """A folder in memory, for disks may take milliseconds to remove each of the cluster's thousands of files."""
    folder = Path("/dev/shm")
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > ROOM else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A private PostgreSQL, one for each process of the tests; skipped without Debian's package postgresql."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    # Not under pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="gatecast-postgres-", dir=_roomy_memory()) as name:
        cluster = _new_cluster(programs, Path(name))
        try:
            yield cluster
        finally:
            cluster.stop("immediate")


@dataclass
class Broker:
    """A Mosquitto that can be stopped and started again.

    Args:
        program: its path.
        folder: holds its settings and what it keeps.
        port: of 127.0.0.1.
        settings: further lines of its configuration.
    """

    program: str
    folder: Path
    port: int
    settings: tuple[str, ...] = ("allow_anonymous true",)
    process: subprocess.Popen[bytes] | None = None

    def url(self, topic: str = "", secret: str = "") -> str:
        """The address of a topic; ``secret`` is "user:password"."""
        return f"mqtt://{f'{secret}@' if secret else ''}{HOST}:{self.port}/{topic}"

    def start(self) -> None:
        """Start and wait until it takes connections."""
        lines = (
            f"listener {self.port} {HOST}", "persistence true", f"persistence_location {self.folder}/",
            "user root", *self.settings,
        )  # fmt: skip
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        log = (self.folder / "log").open("ab")
        with log:
            command = [self.program, "-c", str(self.folder / "mosquitto.conf")]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        assert listens(self.port), (self.folder / "log").read_text()

    def stop(self) -> None:
        """Stop; what it has promised to keep is on the disk."""
        if self.process is not None:
            _ended(self.process)
            self.process = None


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end until it does: a Mosquitto that has just begun to listen forgets that it was asked."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        assert time.monotonic() < until, f"{process.args} does not end"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Makes and starts a private broker; skipped without Debian's package mosquitto."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no Mosquitto: apt-get install mosquitto")
    started: list[Broker] = []

    def make(*settings: str) -> Broker:
        folder = tmp_path / f"broker-{len(started)}"
        folder.mkdir()
        broker = Broker(program, folder, free_port(), *((settings,) if settings else ()))
        started.append(broker)
        broker.start()
        return broker

    yield make
    for broker in started:
        broker.stop()
