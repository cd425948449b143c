"""Where independent jobs run: one after the other, or side by side on threads.

A job is a function of one item; results come back in the order of the items, whoever was done first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar

from gatecast.engines.crew import Crew, Work, crew_here

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

    Inside of a job of another ``Threads`` its threads serve: one work list, and never more threads than it has.

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
        work, outer = Work(job, items), crew_here()
        if outer is not None:
            return outer.inner(work)
        with self.around():
            return Crew(self.workers, self.begin).outermost(work)
