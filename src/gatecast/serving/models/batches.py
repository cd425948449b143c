"""Micro-batches: what is asked at the same time is answered in one pass, by one thread.

    requests ──▶ queue ──▶ wait at most 2 ms while others are on their way ──▶ one pass ──▶ answers

A large request takes part with a piece at a time, so that small ones do not wait for all of it.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from gatecast.nn.threads import kernels_use
from gatecast.serving.problems import Problem, busy
from gatecast.training.device import alone

__all__ = ["Batches", "Task"]

WAIT = 0.002  # seconds that a request waits for others
Asked = TypeVar("Asked")


@dataclass(eq=False)
class Task(Generic[Asked]):
    """Something asked, and where its answer goes."""

    asked: Asked
    answer: Future[Any] = field(default_factory=Future)

    def done(self, value: Any) -> None:
        """Give the answer; an error is one too."""
        with suppress(InvalidStateError):  # nobody waits any more
            if isinstance(value, BaseException):
                self.answer.set_exception(value)
            else:
                self.answer.set_result(value)


class Batches(Generic[Asked]):
    """A thread that works on what is asked, together.

    Args:
        work: takes what was asked since its last call, works on some of it, and says whether something is left; it
            answers every task in the end.
        most: tasks that wait; more are refused.
        threads: of the kernels that it calls.
        name: of the thread.
    """

    def __init__(self, work: Callable[[Sequence[Task[Asked]]], bool], most: int, threads: int, name: str) -> None:
        self._work, self._most, self._threads = work, most, threads
        self._queue: queue.SimpleQueue[Task[Asked] | None] = queue.SimpleQueue()
        self._coming = 0  # asked and not answered yet
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """What was asked and not answered yet."""
        return self._coming

    async def ask(self, asked: Asked, seconds: float) -> Any:
        """The answer. Raises Problem where too many wait, or it takes too long."""
        task = self._put(asked)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(task.answer), seconds)
        except TimeoutError:
            raise Problem(
                504,
                f"The answer took more than {seconds:g} s.",
                limit=seconds,
                remedy="Ask for fewer series at a time, or later.",
            ) from None

    def call(self, asked: Asked) -> Any:
        """The answer, for a thread that waits for it."""
        return self._put(asked).answer.result()

    def _put(self, asked: Asked) -> Task[Asked]:
        with self._lock:
            if self._closed:
                raise busy("The service is about to end.", 5)
            if self._coming >= self._most:
                raise busy(f"{self._most:,} requests wait already.", 1, where="queue", limit=self._most)
            self._coming += 1
        task = Task(asked)
        task.answer.add_done_callback(self._left)
        self._queue.put(task)
        return task

    def _left(self, _: Future[Any]) -> None:
        with self._lock:
            self._coming -= 1

    def close(self) -> None:
        """Take nothing more, answer what waits, and end."""
        with self._lock:
            self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        alone()  # threads of torch that share little work wait for each other longer than they work
        with kernels_use(self._threads):
            self._turn()

    def _turn(self) -> None:
        more, usual = False, 1
        while True:
            tasks, ended = self._gathered(1 if more else usual, block=not more)
            usual = len(tasks) if tasks else usual
            if tasks or more:
                more = self._work(tasks)
            if ended:
                break
        while more:
            more = self._work([])

    def _gathered(self, usual: int, *, block: bool) -> tuple[list[Task[Asked]], bool]:
        """What was asked, and whether that was the last of it.

        Where the pass before had company, its next one is waited for: as many tasks as then, and no longer than WAIT.
        """
        tasks: list[Task[Asked]] = []
        until = math.inf if block else 0.0
        while True:
            try:
                task = self._next(until if len(tasks) < usual else 0.0)
            except queue.Empty:
                return tasks, False
            if task is None:
                return tasks, True
            if not tasks:
                until = time.monotonic() + WAIT
            tasks.append(task)

    def _next(self, until: float) -> Task[Asked] | None:
        if until == math.inf:
            return self._queue.get()
        wait = until - time.monotonic()
        return self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait()
