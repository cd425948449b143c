"""The rivals' fits in several processes.

Threads cannot share them: the library holds Python's lock most of the time, and seeds numpy's global random generator
for its intervals, so two threads would change each other's draws. A forked copy of a process that has torch's threads
may hang; a spawned one runs the user's script once more. So each worker is a ``python -m`` program that gets JSON.

    tasks 0, 2, 4, ... --> worker 0 --+
    tasks 1, 3, 5, ... --> worker 1 --+--> (task number, Fitted), as they come
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from gatecast.errors import Code, GatecastError, Setting
from gatecast.statistical.rival_fits import Fitted, Setup, Task, fits

__all__ = ["fits_in_processes"]

_PROGRAM = "gatecast.statistical.rival_fits"
_Message = tuple[int, Fitted | None]


def fits_in_processes(setup: Setup, tasks: Sequence[Task], processes: int) -> Iterator[tuple[int, Fitted]]:
    """Yield (number of the task, its fit) in the order in which they get ready.

    One process = this one. Leaving the iteration early, by Ctrl-C too, ends the workers.

    Raises:
        GatecastError: a worker ended before its work was done.
    """
    if processes < 2:
        yield from enumerate(fits(setup, tasks))
        return
    messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
    workers: list[_Worker] = []
    try:
        for n in range(processes):
            share = range(n, len(tasks), processes)
            workers.append(_Worker(setup, tasks, share, messages))
        for _ in tasks:
            number, fitted = messages.get()
            if fitted is None:
                raise GatecastError(
                    f"a process that fits the statistical rivals ended early ({workers[number].last_words()}). ",
                    Code("Ask for one process (", "Leave them out."),
                    Setting("processes", 1, of="rivals"),
                    Code(")."),
                )
            yield number, fitted
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.close()


class _Worker:
    """A process, and the thread that sends it its share of the tasks and passes on what it answers."""

    def __init__(
        self, setup: Setup, tasks: Sequence[Task], share: Sequence[int], messages: queue.SimpleQueue[_Message]
    ) -> None:
        asked = [(tasks[n].name, tasks[n].history.tolist(), tasks[n].gap) for n in share]
        self.question = json.dumps({**setup._asdict(), "tasks": asked})
        self.share, self.messages = share, messages
        self.process = _start()
        self.thread = threading.Thread(target=self._talk, daemon=True)
        self.thread.start()

    def _talk(self) -> None:
        """None with the worker's number tells that its answers ended too early."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(self.question)
            self.process.stdin.close()
            for number in self.share:
                values, seconds, problem = json.loads(self.process.stdout.readline())
                self.messages.put((number, Fitted(np.asarray(values, dtype=np.float64), seconds, problem)))
        except (OSError, ValueError):  # the pipe is closed, or the line is cut off
            self.messages.put((self.share[0], None))  # the first task of worker n is task n

    def last_words(self) -> str:
        """The last line that the process wrote to stderr."""
        assert self.process.stderr is not None
        self.process.kill()
        lines = self.process.stderr.read().strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def close(self) -> None:
        """Let go of the thread and the pipes; the process was killed before."""
        self.process.wait()
        self.thread.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):  # what could not be sent any more
                if pipe is not None:
                    pipe.close()


def _start() -> subprocess.Popen[str]:
    # The parent's import path, however it was made; and one core each, or every worker's matrix library takes all.
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        start_new_session=True,  # Ctrl-C reaches this process alone, which ends the workers
    )
