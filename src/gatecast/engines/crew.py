"""Threads that share one work list: a job with jobs of its own hands them to whoever is idle.

    list of the caller    [candidate 1] [candidate 2] [candidate 3]
    list of candidate 1       └ [member 1] [member 2] [member 3]      its own thread takes them one by one, and so does
                                                                      a thread that finds no candidate left

Outer lists come first, so that long jobs begin early. Nobody waits for a job that has not begun.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["SIGNALS_SEEN", "Crew", "Work", "crew_here"]

SIGNALS_SEEN = 0.5  # seconds until a caller that waits looks again

_here = threading.local()


def crew_here() -> Crew | None:
    """The crew that this thread belongs to."""
    found: Crew | None = getattr(_here, "crew", None)
    return found


class Work:
    """A list of jobs, and what has come of them.

    Args:
        job: a function of one item.
        items: in the order in which they begin.
    """

    def __init__(self, job: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self.job, self.items = job, items
        self.results: list[Any] = [None] * len(items)
        self.begun = self.at_work = 0
        self.failure: BaseException | None = None

    @property
    def open(self) -> bool:
        """Something is left to begin; after a failure nothing is."""
        return self.failure is None and self.begun < len(self.items)

    @property
    def over(self) -> bool:
        """Nothing is at work, and nothing is left to begin."""
        return not self.open and not self.at_work

    def take(self) -> int:
        """The number of the next item, which begins now."""
        self.begun += 1
        self.at_work += 1
        return self.begun - 1

    def outcome(self) -> list[Any]:
        """All results in the order of the items. Raises what a job raised first."""
        if self.failure is not None:
            raise self.failure
        return self.results


class Crew:
    """Some threads, and the lists that they work on.

    Args:
        workers: threads.
        begin: called by each before its first job.
    """

    def __init__(self, workers: int, begin: Callable[[], None] | None = None) -> None:
        self.workers, self.begin = workers, begin
        self._lists: list[Work] = []
        self._changed = threading.Condition()
        self._closed = False
        self._busy = 0
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def cores_each(self) -> int:
        """Cores for one of the jobs at work; more than one where there are fewer jobs than threads."""
        return max(self.workers // max(self._busy, 1), 1)

    def outermost(self, work: Work) -> list[Any]:
        """Do a list whose caller is no thread of the crew: it waits."""
        try:
            with self._changed:
                self._lists.append(work)
                self._changed.notify_all()
                # A signal that comes just before a wait without an end would not be seen until that ends.
                while not self._changed.wait_for(lambda: work.over, SIGNALS_SEEN):
                    pass
        except BaseException as failure:
            work.failure = work.failure or failure
            raise
        finally:
            self._close()
        return work.outcome()

    def inner(self, work: Work) -> list[Any]:
        """Do a list of a job of the crew: its thread works, and the others help as they become idle."""
        with self._changed:
            self._lists.append(work)
            self._changed.notify_all()
        while self._step(work):
            pass
        with self._changed:
            self._busy -= 1
            self._changed.wait_for(lambda: work.over)
            self._busy += 1
            self._lists.remove(work)
        return work.outcome()

    def _step(self, work: Work) -> bool:
        """Do one job of a list; False where none is left."""
        with self._changed:
            if not work.open:
                return False
            number = work.take()
        self._do(work, number)
        return True

    def _do(self, work: Work, number: int) -> None:
        try:
            work.results[number] = work.job(work.items[number])
        except BaseException as failure:
            work.failure = work.failure or failure
        finally:
            with self._changed:
                work.at_work -= 1
                self._changed.notify_all()

    def _serve(self) -> None:
        _here.crew = self
        if self.begin is not None:
            self.begin()
        while (taken := self._next()) is not None:
            self._do(*taken)
            with self._changed:
                self._busy -= 1

    def _next(self) -> tuple[Work, int] | None:
        """A job of the outermost open list, waited for; None once the crew is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or any(work.open for work in self._lists))
            if self._closed:
                return None
            work = next(work for work in self._lists if work.open)
            self._busy += 1
            return work, work.take()

    def _close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
