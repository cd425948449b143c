"""What is kept of series: against plain lists, however rows come and go; and the precision that goes with them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency
from gatecast.data.tables.numbers import choose_dtype
from gatecast.live.memory import Memory
from gatecast.live.precision import Precision


def held(memory: Memory, n: int) -> np.ndarray:
    at = np.array([n])
    return memory.gathered(at, memory.dropped[at], memory.steps[at])


@given(seed=st.integers(0, 10**6), calls=st.integers(1, 60))
@settings(max_examples=20)
def test_rows_are_where_a_plain_list_has_them(seed: int, calls: int) -> None:
    rng = np.random.default_rng(seed)
    memory, plain = Memory(Frequency("step"), 2, 0), list[np.ndarray]()
    for _ in range(calls):
        if not plain or rng.random() < 0.1:
            count = int(rng.integers(1, 4))
            names = [f"s{len(plain) + n}" for n in range(count)]
            memory.add(names, np.zeros(count, np.int64), np.empty((count, 0)))
            plain += [np.empty((0, 2)) for _ in range(count)]
        n = int(rng.integers(len(plain)))
        low = int(memory.dropped[n])
        steps = rng.integers(low, len(plain[n]) + 5, int(rng.integers(1, 30)))
        values = rng.normal(size=(len(steps), 2))
        steps, last = np.unique(steps, return_index=True)
        memory.write(np.full(len(steps), n), steps, values[last])
        longer = np.full((max(int(steps[-1]) + 1 - len(plain[n]), 0), 2), np.nan)
        plain[n] = np.concatenate([plain[n], longer])
        plain[n][steps] = values[last]
        if rng.random() < 0.3:
            memory.drop(n, int(rng.integers(0, memory.length[n])))
        if rng.random() < 0.1:
            memory.tighten()
        for k, expected in enumerate(plain):
            np.testing.assert_array_equal(held(memory, k), expected[memory.dropped[k] :])
            assert memory.steps[k] == len(expected)


def test_room_is_bounded_by_what_is_kept_whatever_has_gone_through() -> None:
    memory = Memory(Frequency("step"), 1, 0)
    memory.add(["a", "b"], np.zeros(2, np.int64), np.empty((2, 0)))
    for step in range(20_000):
        memory.write(np.zeros(1, np.int64), np.array([step]), np.ones((1, 1)))
        if memory.length[0] > 200:
            memory.drop(0, 100)
    assert memory.nbytes < 8 * 2000
    assert memory.read(np.zeros(2, np.int64), np.array([19_999, 5])).ravel().tolist()[0] == 1.0


@given(seed=st.integers(0, 10**6), level=st.sampled_from([0.0, 1e3, 1e6, 1e8]), gaps=st.sampled_from([0.0, 0.3]))
@settings(max_examples=25)
def test_the_precision_is_that_of_the_whole_table(seed: int, level: float, gaps: float) -> None:
    rng = np.random.default_rng(seed)
    values = level + rng.normal(size=(2, 40, 2)).cumsum(axis=1).round(2)
    values[rng.random(values.shape) < gaps] = np.nan
    precision = Precision(2)
    precision.add(2)
    begins = np.zeros(2, np.int64)
    while (begins < 40).any():
        counts = np.minimum(rng.integers(0, 9, 2), 40 - begins)
        series_R = np.repeat([0, 1], counts)
        step_R = np.concatenate([begins[n] + np.arange(counts[n]) for n in range(2)])
        precision.follow(series_R, step_R, values[series_R, step_R])
        begins += counts
    assert precision.dtype == choose_dtype(values.reshape(80, 2), np.array([0, 40]))


def test_what_came_in_float64_stays_so() -> None:
    assert Precision(1, wide=True).dtype == np.float64
    assert Precision(1).dtype == np.float32
