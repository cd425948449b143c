"""A worker process as its parent sees it: begun when it is needed, ended when it takes too long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["QUERY", "FailedError", "Order", "Worker"]

QUERY = "query"  # the kind of an order that asks a database
SECRETS = ("PGPASSWORD", "PGPASSFILE")  # for those that ask a database alone
ENDING = 3.0  # seconds between asking a process to end and ending it


class FailedError(Exception):
    """Work that came to nothing.

    Args:
        problem: status, detail, remedy, remedies.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["detail"])
        self.problem = problem


@dataclass(frozen=True)
class Order:
    """Work for a worker.

    Args:
        kind: of ``tasks.TASKS``, or ``QUERY``.
        folder: with its files.
        table: name of the table there.
        shown: what the client calls it.
        request: what is asked.
        unpacked, rows: limits of the table.
    """

    kind: str
    folder: Path
    table: str
    shown: str
    request: dict[str, Any]
    unpacked: int
    rows: int

    def line(self) -> str:
        """As the worker reads it."""
        return json.dumps({**vars(self), "folder": str(self.folder)}) + "\n"


class Worker:
    """One process that does one thing at a time.

    Args:
        memory: bytes that it may take.
        alone: it keeps to the upper half of the cores, so that forecasts have the others.
        asks: it asks databases, and so has the passwords that the environment holds.
    """

    def __init__(self, memory: int, *, alone: bool, asks: bool = False) -> None:
        self._memory, self._alone, self._asks = memory, alone, asks
        self._process: subprocess.Popen[str] | None = None
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._reason: str | None = None

    def start(self) -> None:
        """Begin the process, so that the next order need not wait for it."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                _close_pipes(self._process)
                self._process = self._begun()

    def _begun(self) -> subprocess.Popen[str]:
        cores = _upper_half() if self._alone else ""
        words = [sys.executable, "-m", "gatecast.serving.jobs.worker", "--cores", cores, "--memory", str(self._memory)]
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={name: value for name, value in os.environ.items() if self._asks or name not in SECRETS},
            start_new_session=True,  # Ctrl-C in a terminal is for the service, which ends it
        )

    def run(self, order: Order, seconds: float, hear: Callable[[str, Any], None]) -> dict[str, Any]:
        """Do it; "progress" goes to ``hear`` on the way.

        Raises:
            FailedError: it came to nothing: for a reason of its own, after ``seconds``, or by ``end``.
        """
        with self._turn:
            with self._lock:
                self._reason = None
            self.start()
            process = self._process
            assert process is not None
            timer = threading.Timer(seconds, self.end, [f"The work took more than {seconds:g} s."])
            timer.start()
            try:
                return self._talk(process, order, hear)
            finally:
                timer.cancel()

    def _talk(self, process: subprocess.Popen[str], order: Order, hear: Callable[[str, Any], None]) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(order.line())
            process.stdin.flush()
            for text in process.stdout:
                for word, value in json.loads(text).items():
                    if word == "done":
                        return dict(value)
                    if word == "failed":
                        raise FailedError(value)
                    hear(word, value)
        except (BrokenPipeError, ValueError):
            pass
        code = process.wait()
        reason = self._reason
        if reason is not None:
            raise FailedError({"status": 504, "detail": reason, "remedy": "Ask for less at a time."})
        raise FailedError(
            {
                "status": 422,
                "detail": f"The work ended its process (exit code {code}): it may need more "
                "memory than the limit memory allows.",
                "remedy": "Upload fewer rows, or raise the limit.",
            }
        )

    def end(self, reason: str) -> None:
        """End the process with what it does; the next order begins another."""
        with self._lock:
            process, self._reason = self._process, reason
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()

    def close(self) -> None:
        """End the process for good."""
        self.end("The service has ended.")
        if self._process is not None:
            self._process.wait()
            _close_pipes(self._process)


def _close_pipes(process: subprocess.Popen[str] | None) -> None:
    """Close what leads to a process that has ended."""
    for pipe in () if process is None else (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def _upper_half() -> str:
    """The cores of the jobs, "2,3"; "" where there is one alone, or nobody says."""
    if not hasattr(os, "sched_getaffinity"):
        return ""
    cores = sorted(os.sched_getaffinity(0))
    return ",".join(str(core) for core in cores[len(cores) // 2 :]) if len(cores) > 1 else ""
