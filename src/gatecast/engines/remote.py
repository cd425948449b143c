"""An executor whose jobs run elsewhere, where they can: those that are parcels. All others coordinate, on threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from gatecast.engines.crew import SIGNALS_SEEN
from gatecast.engines.executor import Executor, Item, Result
from gatecast.engines.worker import outcome_of

__all__ = ["Parcel", "Pool", "Remote"]


class Pool(Protocol):
    """Workers elsewhere."""

    @property
    def workers(self) -> int:
        """Tasks at a time."""
        ...

    def submit(self, name: str, text: str) -> Future[str]:
        """Ask for a task (see ``worker``)."""
        ...


class Parcel(Protocol):
    """How a job travels: plain text there and back, and files for what is large."""

    task: str

    def pack(self, item: Any) -> str:
        """What the task is to do, as JSON."""
        ...

    def unpack(self, item: Any, answer: Any) -> Any:
        """The result of an item, from what the task gave."""
        ...

    def heard(self, answer: Any) -> None:
        """A task was done just now."""
        ...

    def close(self) -> None:
        """The list is done, or failed."""
        ...


@dataclass(frozen=True)
class Remote:
    """Jobs with a parcel run in a pool; what they are part of waits for them on threads of this process.

    Args:
        pool: the workers.
        parcels: type of a job -> its parcel, made from the job.
        local: where jobs run that have none: most only wait for others.
    """

    pool: Pool
    parcels: Mapping[type, Callable[[Any], Parcel]]
    local: Executor

    @property
    def workers(self) -> int:
        """Jobs at a time."""
        return self.pool.workers

    def map(self, job: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """As ``Executor.map``."""
        make = self.parcels.get(type(job))
        if make is None:
            return self.local.map(job, items)
        parcel = make(job)
        futures: list[Future[str]] = []
        try:
            for item in items:
                futures.append(self.pool.submit(parcel.task, parcel.pack(item)))
                futures[-1].add_done_callback(partial(_heard, parcel))
            while wait(futures, SIGNALS_SEEN).not_done:  # one that comes just before a wait, see crew
                pass
            return [
                parcel.unpack(item, outcome_of(future.result())) for item, future in zip(items, futures, strict=True)
            ]
        finally:
            for future in futures:
                future.cancel()
            parcel.close()


def _heard(parcel: Parcel, future: Future[str]) -> None:
    if not future.cancelled() and future.exception() is None:
        with suppress(Exception):  # what a task raised is raised once all are waited for
            parcel.heard(outcome_of(future.result()))
