"""Alarms: as rare as stated while nothing happens, raised where something does, and not by its echoes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.live.test_scoring import noise, steady

import gatecast as gc
from gatecast.live.scoring import HeldBack
from gatecast.live.state.alarms import FEWEST, RATE, Alarms, tail_chance

pytestmark = pytest.mark.usefixtures("one_thread")
DRAWN: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.uniform(-1, 1, n),
    "Laplace": lambda rng, n: rng.laplace(size=n),
    "t with 4 degrees": lambda rng, n: rng.standard_t(4, n),
}
STREAMS, ROWS = 100, 10_000


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("held", [FEWEST, 2000])
def test_false_alarms_are_rare_whatever_the_errors_are_like(name: str, held: int) -> None:
    """0.1 in 10,000 rows are meant; fewer than 0.5 come, and with a heavy tail fewer than 2."""
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(STREAMS):
        sizes = np.sort(np.abs(DRAWN[name](rng, held))).tolist()
        largest = np.sort(np.abs(DRAWN[name](rng, ROWS)))[-30:]
        alarms += sum(tail_chance(sizes, size) < RATE for size in largest.tolist())
    assert alarms < 2 * STREAMS
    if name != "t with 4 degrees":
        assert alarms <= 0.5 * STREAMS


def test_the_chance_is_that_of_the_exponential_distribution_where_the_tail_is_one() -> None:
    sizes = np.sort(np.random.default_rng(1).exponential(size=2000)).tolist()
    for size in (4.0, 6.0, 8.0):
        assert np.log(tail_chance(sizes, size)) == pytest.approx(-size, abs=1.2)
    assert tail_chance(sizes, sizes[1899]) == 1
    chances = [tail_chance(sizes, size) for size in np.linspace(3, 30, 50)]
    assert chances == sorted(chances, reverse=True)


def test_equal_errors_have_no_tail() -> None:
    assert tail_chance([1.0] * FEWEST, 1.0) == 1
    assert tail_chance([1.0] * FEWEST, 2.0) == 1, "nothing says how far others would be"


def test_nothing_is_said_of_few_errors() -> None:
    held = HeldBack()
    _, chance_R = held.judged(np.append(np.random.default_rng(0).normal(size=FEWEST), [30.0, 0.5]))
    assert np.isnan(chance_R[:FEWEST]).all()
    assert chance_R[FEWEST] < RATE
    assert chance_R[FEWEST + 1] == 1


def test_an_echo_is_no_alarm_and_another_outage_is_one() -> None:
    alarms, z_R = Alarms(1, 10), np.array([-9.0, 9.0, -9.0, 9.0, 9.0, -9.0])
    alarms.add(2)
    step_R, series_R = np.array([5, 15, 20, 40, 41, 42]), np.zeros(6, np.int64)
    told = alarms.judge(series_R, step_R, z_R[:, None], np.full((6, 1), RATE / 2))[:, 0]
    assert told.tolist() == [1, 0, 1, 0, 1, 0], "20 steps after an alarm the other side counts again"
    other = alarms.judge(np.ones(2, np.int64), np.array([7, 8]), np.array([[9.0], [np.nan]]), np.array([[0], [np.nan]]))
    assert other[0, 0] == 1, "another series has its own"
    assert np.isnan(other[1, 0])


def test_blocks_and_a_file_between_make_no_difference(tmp_path: Path) -> None:
    y = noise(0, 400 + 1700)
    y[400 + np.array([1300, 1301, 1500])] = 10.0
    model = steady()
    whole = model.live().observe({"y": y[400:]}).alarm_RC[:, 0]
    assert np.isnan(whole[:FEWEST]).all()
    assert {1300, 1500} <= set(np.flatnonzero(whole == 1).tolist())
    assert np.nansum(whole) <= 4, "the season after reads the outages"
    live, parts = model.live(), []
    for begin in range(400, 2100, 170):
        parts.append(live.observe({"y": y[begin : begin + 170]}).alarm_RC[:, 0])
        live.save(tmp_path / "a.live")
        live = gc.load_live(tmp_path / "a.live")
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    frame = model.live().observe({"y": y[400:]}).to_frame("polars")
    assert "y_alarm" in frame.columns
