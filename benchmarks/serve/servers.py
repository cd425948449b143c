"""The two services, each a process of its own on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Server", "free_port", "ours", "plain"]


@dataclass(frozen=True)
class Server:
    """A service that runs.

    Args:
        base: its address.
        pid: of its process.
    """

    base: str
    pid: int

    def cpu(self) -> float:
        """Seconds that its cores have worked so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def _running(words: list[str], port: int, ready: str, folder: Path, environment: dict[str, str]) -> Iterator[Server]:
    base = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(words, env={**os.environ, **environment}, cwd=folder, stdout=log, stderr=log)
        try:
            _wait(base + ready, process)
            yield Server(base, process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


@contextmanager
def ours(model: Path, folder: Path, store: str = "bench.db") -> Iterator[Server]:
    """``gatecast serve``."""
    port = free_port()
    code = "import sys; from gatecast.cli.main import main; sys.exit(main())"
    words = [sys.executable, "-c", code, "serve", str(model), "--port", str(port), "--store", store]
    with _running(words, port, "/v2/health/ready", folder, {}) as server:
        yield server


@contextmanager
def plain(model: Path, folder: Path, threads: int | None = None) -> Iterator[Server]:
    """The peer, under uvicorn with one worker, as the service has one; its kernels use as many threads as they like."""
    port, root = free_port(), str(Path(__file__).parents[2])
    words = [sys.executable, "-m", "uvicorn", "benchmarks.serve.plain:app", "--port", str(port), "--log-level", "error"]
    paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    environment = {"MODEL": str(model), "PYTHONPATH": paths}
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    with _running(words, port, "/openapi.json", folder, environment) as server:
        yield server
