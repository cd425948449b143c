"""Worker processes of this machine, each with one thread: tasks go in as lines of JSON, answers come back so.

A process that dies (killed, out of memory) is replaced, and its task is done again: tasks can be repeated.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import subprocess
import sys
import threading
from concurrent.futures import Future
from typing import IO

from gatecast.errors import TrainingError

__all__ = ["TRIES", "Processes"]

TRIES = 4  # of a task whose workers die
ONE_THREAD = ("OMP", "MKL", "OPENBLAS", "POLARS_MAX")

Ask = tuple[str, str, "Future[str]"]


class Processes:
    """A pool of workers; they start with the first task and end with this process.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._asked: queue.SimpleQueue[Ask | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._at_work: set[subprocess.Popen[str]] = set()

    def submit(self, name: str, text: str) -> Future[str]:
        """Ask for a task; the future has its answer."""
        with self._lock:
            if not self._threads:
                self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(self.workers)]
                for thread in self._threads:
                    thread.start()
                atexit.register(self.close)
        future: Future[str] = Future()
        self._asked.put((name, text, future))
        return future

    def pids(self) -> list[int]:
        """The processes that are there now."""
        with self._lock:
            return [process.pid for process in self._at_work]

    def close(self) -> None:
        """End all workers; what they had not finished is lost."""
        for _ in self._threads:
            self._asked.put(None)
        with self._lock:
            for process in self._at_work:
                process.kill()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _serve(self) -> None:
        process: subprocess.Popen[str] | None = None
        while (asked := self._asked.get()) is not None:
            name, text, future = asked
            if not future.set_running_or_notify_cancel():
                continue
            for _ in range(TRIES):
                process = process or self._started()
                answer = _answer(process, json.dumps([name, text]))
                if answer:
                    future.set_result(answer)
                    break
                self._ended(process)
                process = None
            else:
                future.set_exception(TrainingError(f"{name}: {TRIES} workers died of it, one after the other."))
        if process is not None:
            self._ended(process)

    def _started(self) -> subprocess.Popen[str]:
        environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in ONE_THREAD[:3]} | {"POLARS_MAX_THREADS": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "gatecast.engines.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, encoding="utf-8", env=environment, start_new_session=True,  # Ctrl-C is the caller's to handle
        )  # fmt: skip
        with self._lock:
            self._at_work.add(process)
        return process

    def _ended(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._at_work.discard(process)
        process.kill()
        for end in (process.stdin, process.stdout):
            _closed(end)
        process.wait()


def _answer(process: subprocess.Popen[str], line: str) -> str:
    """The line that comes back; "" from a process that died."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except (OSError, ValueError):
        return ""
    return answer.strip() if answer.endswith("\n") else ""


def _closed(end: IO[str] | None) -> None:
    try:
        if end is not None:
            end.close()
    except OSError:  # what was left to write found no reader
        pass
