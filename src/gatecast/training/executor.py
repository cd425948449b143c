"""Where independent jobs run: one after the other, or side by side on threads.

A job is a function of one item; results come back in the order of the items, whoever was done first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = ["Executor", "Serial", "Threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(Protocol):
    """Runs a list of jobs."""

    @property
    def workers(self) -> int:
        """Jobs at a time."""
        ...

    def map(self, job: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """The results in the order of the items.

        Raises:
            Exception: what a job raised; those that have not begun by then never do.
        """
        ...


@dataclass(frozen=True)
class Serial:
    """One job after the other, in the caller's thread."""

    workers: int = 1

    def map(self, job: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """As ``Executor.map``."""
        return [job(item) for item in items]


@dataclass(frozen=True)
class Threads:
    """Side by side, for jobs that leave the interpreter to others, as the compiled kernels do.

    Args:
        workers: threads.
        begin: called by every thread before its first job.
        around: entered by the caller while the threads work.
    """

    workers: int
    begin: Callable[[], None] | None = None
    around: Callable[[], AbstractContextManager[None]] = nullcontext

    def map(self, job: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """As ``Executor.map``; jobs at work when another one fails are waited for."""
        failures: list[BaseException] = []

        def unless_failed(item: Item) -> Result:
            if failures:  # a free thread would take the next job before the caller could cancel it
                raise CancelledError
            try:
                return job(item)
            except BaseException as failure:
                failures.append(failure)
                raise

        with self.around(), ThreadPoolExecutor(self.workers, initializer=self.begin) as pool:
            futures = [pool.submit(unless_failed, item) for item in items]
            try:
                wait(futures)
            except BaseException as failure:
                failures.append(failure)
                raise
        if failures:
            raise failures[0]
        return [future.result() for future in futures]
