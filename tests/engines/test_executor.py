"""Executors: one after the other or side by side, the same results in the same order; a failure ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gatecast.engines.executor import Executor, Serial, Threads

EXECUTORS: dict[str, Callable[[], Executor]] = {
    "serial": Serial,
    "one thread": lambda: Threads(1),
    "three threads": lambda: Threads(3),
    "more threads than jobs": lambda: Threads(20),
}
executors = pytest.mark.parametrize("make", EXECUTORS.values(), ids=EXECUTORS)


@executors
def test_results_come_in_the_order_of_the_items(make: Callable[[], Executor]) -> None:
    def job(item: int) -> int:
        time.sleep(0.02 * (item % 3 == 0))  # every third one is late
        return item**2

    assert make().map(job, range(10)) == [item**2 for item in range(10)]
    assert make().map(job, []) == []


@executors
def test_jobs_begin_in_the_order_of_the_items(make: Callable[[], Executor]) -> None:
    begun: list[int] = []
    executor = make()
    executor.map(begun.append, range(8))
    assert sorted(begun) == list(range(8))
    if executor.workers == 1:
        assert begun == list(range(8))


@executors
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_a_failure_is_raised_and_no_later_job_begins(make: Callable[[], Executor], kind: type[BaseException]) -> None:
    begun: list[int] = []
    executor = make()
    at_work = threading.Barrier(min(executor.workers, 30), timeout=20)

    def job(item: int) -> None:
        begun.append(item)
        if item < at_work.parties:
            at_work.wait()  # every thread has a job by now
        if item == 0:
            raise kind("the first one")
        time.sleep(0.5)

    with pytest.raises(kind, match="the first one"):
        executor.map(job, range(30))
    assert len(begun) == at_work.parties


def test_the_failure_that_came_first_is_raised() -> None:
    late = threading.Event()

    def job(item: int) -> None:
        if item == 0:
            late.wait(20)
            raise ValueError("late")
        try:
            raise ValueError("early")
        finally:
            threading.Timer(0.1, late.set).start()

    with pytest.raises(ValueError, match="early"):
        Threads(2).map(job, range(2))


def test_jobs_at_work_are_waited_for() -> None:
    done: list[int] = []
    begun = threading.Event()

    def job(item: int) -> None:
        if item == 0:
            begun.wait(20)
            raise ValueError("at once")
        begun.set()
        time.sleep(0.2)
        done.append(item)

    with pytest.raises(ValueError, match="at once"):
        Threads(2).map(job, range(2))
    assert done == [1]


def test_threads_work_at_the_same_time_and_serial_in_the_thread_of_the_caller() -> None:
    together = threading.Barrier(3, timeout=20)

    def job(_: int) -> int:
        together.wait()  # passes only where three are at work
        return threading.get_ident()

    seen = Threads(3).map(job, range(3))
    assert len(set(seen)) == 3
    assert threading.get_ident() not in seen
    assert Serial().map(lambda _: threading.get_ident(), range(3)) == [threading.get_ident()] * 3
    assert (Serial().workers, Threads(3).workers) == (1, 3)


@pytest.mark.parametrize("fails", [False, True])
def test_every_thread_begins_and_all_lie_within_what_is_around(fails: bool) -> None:
    said: list[str] = []
    begun: set[int] = set()
    together = threading.Barrier(2, timeout=20)

    @contextmanager
    def around() -> Iterator[None]:
        said.append("enter")
        try:
            yield
        finally:
            said.append("leave")

    def job(item: int) -> None:
        together.wait()
        assert threading.get_ident() in begun
        said.append("job")
        if fails and item == 1:
            raise ValueError("on purpose")

    executor = Threads(2, begin=lambda: begun.add(threading.get_ident()), around=around)
    if fails:
        with pytest.raises(ValueError, match="on purpose"):
            executor.map(job, range(2))
    else:
        executor.map(job, range(2))
    assert said == ["enter", "job", "job", "leave"]
    assert len(begun) == 2
