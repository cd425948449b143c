"""New rows of many requests, observed in one pass and written down before they are acknowledged.

    rows ──▶ Live.observe, all requests of a model at once ──▶ one transaction of the store ──▶ answers

A request is taken whole or not at all. Where the rows of some request cannot be taken, halves are tried until they are
alone.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import to_json
from sqlalchemy.exc import SQLAlchemyError

from gatecast.errors import InputError
from gatecast.live.halves import in_halves
from gatecast.live.observed import Observed
from gatecast.live.watching import plain_rows
from gatecast.serving.models.batches import Task
from gatecast.serving.models.served import Served
from gatecast.serving.problems import Problem, busy
from gatecast.serving.store.observed_rows import Observation, ObservedRows, Scored

__all__ = ["Rows", "Writer", "observed"]

LOG = logging.getLogger("gatecast.serving")


@dataclass(frozen=True)
class Rows:
    """Rows to observe.

    Args:
        served: the model.
        rows: as they were given.
        revise: whether they may replace what is known.
        key: the client's, so that the same request is taken once.
        digest: SHA-256 of the request.
    """

    served: Served
    rows: tuple[dict[str, Any], ...]
    revise: bool
    key: str | None
    digest: str


@dataclass(frozen=True)
class _Taken:
    """Rows that a live model has taken, to be written down."""

    task: Task[Any]
    asked: Rows
    observation: Observation


def observed(tasks: Sequence[Task[Any]], write: Callable[[list[Any]], None]) -> None:
    """Observe the rows of requests to one model, alike in ``revise``; those that are taken are handed to ``write``."""
    for some, told in in_halves(tasks, _all_at_once):
        if isinstance(told, InputError):
            some[0].done(told)
        elif told is not None:
            some[0].asked.served.changed()
            write(_taken(some, told))


def _all_at_once(tasks: Sequence[Task[Any]]) -> Observed | None:
    """What is told of their rows; None where that failed, and they have heard of it."""
    asked: list[Rows] = [task.asked for task in tasks]
    try:
        return asked[0].served.live.observe([row for one in asked for row in one.rows], revise=asked[0].revise)
    except InputError:
        raise
    except Exception as error:
        asked[0].served.broken = True  # nobody knows what was taken
        for task in tasks:
            task.done(error)
        return None


def _taken(tasks: Sequence[Task[Any]], told: Observed) -> list[_Taken]:
    plain, at, taken = plain_rows(told), 0, list[_Taken]()
    for task in tasks:
        one: Rows = task.asked
        cut = slice(at, at + len(one.rows))
        at += len(one.rows)
        taken.append(_Taken(task, one, _observation(one, told, plain[cut], cut)))
    return taken


def _observation(asked: Rows, told: Observed, plain: list[dict[str, Any]], cut: slice) -> Observation:
    places = range(cut.start, cut.stop)
    rows = [
        (str(told.ids[r]), str(told.times[r]), str(told.kinds[r]), cells)
        for r, cells in zip(places, asked.rows, strict=True)
    ]
    scores = [
        _scored(told, r, r - cut.start, c) for r in places if told.kinds[r] == "new" for c in range(len(told.targets))
    ]
    counts: dict[str, int] = {}
    for _, _, kind, _ in rows:
        counts[kind] = counts.get(kind, 0) + 1
    answer = to_json({"model": asked.served.name, "counts": counts, "rows": plain}, inf_nan_mode="null").decode()
    return Observation(asked.served.name, asked.key, asked.digest, asked.revise, rows, scores, answer)


def _scored(told: Observed, r: int, place: int, c: int) -> Scored:
    inside_80, inside_95 = (_truth(told.inside(coverage)[r, c]) for coverage in (0.8, 0.95))
    return Scored(
        place=place,
        series=str(told.ids[r]),
        time=str(told.times[r]),
        target=told.targets[c],
        value=_number(told.values_RC[r, c]),
        forecast=_number(told.forecast_RC[r, c]),
        inside_80=inside_80,
        inside_95=inside_95,
        anomaly=_number(told.anomaly_RC[r, c]),
    )


def _number(value: np.floating[Any]) -> float | None:
    return float(value) if math.isfinite(value) else None


def _truth(value: np.floating[Any]) -> bool | None:
    return bool(value) if math.isfinite(value) else None


class Writer:
    """A thread that writes observations down, all that wait in one transaction, and then answers.

    Args:
        rows: where they are written.
        published: hears of every observation that is safe.
    """

    def __init__(self, rows: ObservedRows, published: Callable[[Observation], None]) -> None:
        self._rows, self._published = rows, published
        self._queue: queue.SimpleQueue[list[_Taken] | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="gatecast-store", daemon=True)
        self._thread.start()

    def write(self, taken: list[_Taken]) -> None:
        """Write these down, after all that came before."""
        self._queue.put(taken)

    def flush(self) -> None:
        """Wait until all is written that was handed over before."""
        written = threading.Event()
        self._queue.put(written)
        written.wait()

    def close(self) -> None:
        """Write what waits, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            waiting, ends, events = list[_Taken](), item is None, list[threading.Event]()
            while item is not None:
                if isinstance(item, threading.Event):
                    events.append(item)
                else:
                    waiting += item
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                ends = ends or item is None
            self._write(waiting)
            for event in events:
                event.set()
            if ends:
                return

    def _write(self, waiting: list[_Taken]) -> None:
        """One transaction. What comes after rows that could not be written rests on them, and is refused as well."""
        whole = [one for one in waiting if not one.asked.served.broken]
        for one in waiting:
            if one.asked.served.broken:
                one.task.done(_unwritten())
        if not whole:
            return
        try:
            numbers = self._rows.add([one.observation for one in whole])
        except SQLAlchemyError as error:
            LOG.error("rows could not be stored", extra={"facts": {"error": type(error).__name__}})
            for one in whole:
                one.asked.served.broken = True
                one.task.done(_unwritten())
            return
        for one, number in zip(whole, numbers, strict=True):
            one.asked.served.seq = number
            one.task.done(one.observation.answer)
            self._published(one.observation)


def _unwritten() -> Problem:
    return busy(
        "The rows could not be stored, and were not taken.",
        2,
        where="store",
        remedy="Send them again with the same Idempotency-Key.",
    )
