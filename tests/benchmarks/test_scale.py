"""The crew that the benchmark plays does what the real one does."""

from __future__ import annotations

import threading
import time

import pytest
from benchmarks.scale.schedule import Job, Jobs, Recording, crew_seconds

from gatecast.engines.executor import Threads


@pytest.mark.parametrize(
    ("jobs", "seconds", "alone"),
    [
        ([[1.0], [2.0], [2.0]], 3.0, 1.0),
        ([[2.0], [2.0], [[1.0, 1.0, 1.0]]], 4.0, 1.0),  # members of the last one are shared
        ([[0.5, [1.0, 1.0], 0.25]], 1.75, 0.75),
        ([[1.0]] * 4, 2.0, 0.0),
        ([], 0.0, 0.0),
    ],
)
def test_lists_of_known_jobs(jobs: list[list[float | list[float]]], seconds: float, alone: float) -> None:
    made = [
        Job([part if isinstance(part, float) else Jobs([Job([one]) for one in part]) for part in job]) for job in jobs
    ]
    assert crew_seconds(Jobs(made), 2) == pytest.approx((seconds, alone))


def test_lists_are_recorded_with_what_lies_in_them() -> None:
    recording = Recording()

    def busy(seconds: float) -> float:
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass
        return seconds

    def outer(item: float) -> list[float]:
        return recording.map(busy, [item, item])

    assert recording.map(outer, [0.01, 0.02]) == [[0.01, 0.01], [0.02, 0.02]]
    (root,) = recording.lists
    assert root.seconds == pytest.approx(0.06, abs=0.02)
    assert [len([p for p in job.parts if isinstance(p, Jobs)]) for job in root.jobs] == [1, 1]


def test_the_real_crew_takes_as_long() -> None:
    """Sleeping jobs, so that other work on the machine matters little."""
    members = threading.local()

    def outer(count: int) -> None:
        members.done = Threads(2).map(lambda _: time.sleep(0.05), range(count))

    started = time.perf_counter()
    Threads(2).map(outer, [2, 1, 3])
    took = time.perf_counter() - started
    played, _ = crew_seconds(Jobs([Job([Jobs([Job([0.05]) for _ in range(n)])]) for n in (2, 1, 3)]), 2)
    assert played == pytest.approx(0.15)
    assert took >= played - 0.01
