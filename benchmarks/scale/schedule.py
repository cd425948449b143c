"""What a crew of threads would take for a tree of jobs, from the CPU seconds of each job on one core.

A fit runs serially under ``Recording``, which notes every list of jobs and how long each took; ``crew_seconds`` then
plays the crew (``gatecast.engines.crew``) on idle cores. Other work on the machine changes neither.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Job", "Jobs", "Recording", "crew_seconds"]


@dataclass
class Job:
    """A job: seconds of its own, and lists that it hands to the crew, in the order in which they come."""

    parts: list[float | Jobs] = field(default_factory=list)


@dataclass
class Jobs:
    """A list of jobs, and how far it is."""

    jobs: list[Job] = field(default_factory=list)
    begun: int = 0
    ended: int = 0

    @property
    def seconds(self) -> float:
        """Of all jobs, one after the other."""
        return sum(part if isinstance(part, float) else part.seconds for job in self.jobs for part in job.parts)


class Recording:
    """An executor that runs one job after the other and notes what each took."""

    workers = 1

    def __init__(self) -> None:
        self.lists: list[Jobs] = []
        self._within: list[Job] = []
        self._since = 0.0

    def map(self, job: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """As ``Executor.map``."""
        found = Jobs()
        self._note()
        (self._within[-1].parts if self._within else self.lists).append(found)
        results = []
        for item in items:
            found.jobs.append(Job())
            self._within.append(found.jobs[-1])
            results.append(job(item))
            self._note()
            self._within.pop()
        return results

    def _note(self) -> None:
        """Give the seconds since the last note to the job at work."""
        now = time.process_time()
        if self._within:
            self._within[-1].parts.append(now - self._since)
        self._since = now


def crew_seconds(root: Jobs, workers: int) -> tuple[float, float]:
    """Seconds that a list takes, and for how many of them one thread alone has work.

    >>> crew_seconds(Jobs([Job([1.0]), Job([2.0]), Job([2.0])]), 2)
    (3.0, 1.0)
    >>> crew_seconds(Jobs([Job([Jobs([Job([1.0]), Job([1.0])])])]), 2)
    (1.0, 0.0)
    """
    lists, order = [root], itertools.count()
    due: list[tuple[float, int, Iterator[float | None]]] = []
    waiting = [_serve(root, lists) for _ in range(workers)]
    now = alone = 0.0
    while True:
        for thread in [*waiting]:
            if (seconds := next(thread, 0.0)) is not None:
                waiting.remove(thread)
                if root.ended < len(root.jobs):
                    heapq.heappush(due, (now + seconds, next(order), thread))
        if not due:
            return now, alone
        then, _, thread = heapq.heappop(due)
        alone += (then - now) * (not due)
        now = then
        waiting.insert(0, thread)


def _serve(root: Jobs, lists: list[Jobs]) -> Iterator[float | None]:
    """A thread: seconds that it works, or None while there is nothing to do."""
    while root.ended < len(root.jobs):
        work = next((one for one in lists if one.begun < len(one.jobs)), None)
        if work is None:
            yield None
        else:
            yield from _do(work, lists)


def _do(work: Jobs, lists: list[Jobs]) -> Iterator[float | None]:
    work.begun += 1
    for part in work.jobs[work.begun - 1].parts:
        if isinstance(part, float):
            yield part
            continue
        lists.append(part)
        while part.begun < len(part.jobs):
            yield from _do(part, lists)
        while part.ended < len(part.jobs):
            yield None
        lists.remove(part)
    work.ended += 1
