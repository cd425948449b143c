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
    """0.1 in 10,000 rows are meant; a heavy tail has up to 2."""
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(STREAMS):
        sizes = np.sort(np.abs(DRAWN[name](rng, held))).tolist()
        largest = np.sort(np.abs(DRAWN[name](rng, ROWS)))[-30:]
        alarms += sum(tail_chance(sizes, size) < RATE for size in largest.tolist())
    assert alarms < 2 * STREAMS
    if name != "t with 4 degrees":
        assert alarms <= 0.1 * STREAMS


def test_the_tail_goes_through_both_quantiles() -> None:
    sizes = np.sort(np.random.default_rng(1).exponential(size=2000)).tolist()
    assert tail_chance(sizes, sizes[1799]) == 1
    assert tail_chance(sizes, sizes[1801]) == pytest.approx(0.1, rel=0.05)
    assert tail_chance(sizes, sizes[1940]) == pytest.approx(0.03)
    chances = [tail_chance(sizes, size) for size in np.linspace(3, 30, 50)]
    assert chances == sorted(chances, reverse=True)
    assert tail_chance([1.0] * FEWEST, 2.0) == 1, "equal errors do not say how far others would be"


def judge(alarms: Alarms, series: int, step: int, z: float) -> tuple[bool, bool]:
    return alarms.judge(series, 0, step, z, RATE / 2)


def test_an_echo_is_no_alarm_and_another_outage_is_one() -> None:
    alarms = Alarms(1, reads=10, lasts=3)
    alarms.add(2)
    assert judge(alarms, 0, 5, -9.0) == (True, True)
    assert judge(alarms, 0, 15, 9.0) == (False, True), "the forecast still reads the outage"
    assert judge(alarms, 0, 20, -9.0) == (True, True), "another outage"
    assert judge(alarms, 0, 40, 9.0) == (False, True)
    assert judge(alarms, 0, 41, 9.0) == (True, True), "twice the steps that are read have gone by"
    assert judge(alarms, 1, 42, 9.0) == (True, True), "another series has its own"
    assert alarms.judge(1, 0, 45, 3.0, 0.01) == (False, True), "what follows an alarm belongs to it"
    assert alarms.judge(1, 0, 46, 3.0, 0.01) == (False, False)
    assert alarms.judge(1, 0, 47, -3.0, float("nan")) == (False, True)


def test_nothing_is_said_of_few_errors_and_what_an_alarm_brings_is_not_of_the_tail() -> None:
    alarms = Alarms(1, reads=10, lasts=5)
    alarms.add(1)
    z_R = np.append(np.random.default_rng(0).normal(size=FEWEST), [30.0, 0.5, 3.4, -3.4, 0.1])
    held = HeldBack()
    place_R = np.arange(len(z_R))
    _, alarm_R = held.judged(z_R, alarms.judging(np.zeros_like(place_R), 0, place_R, z_R))
    assert np.isnan(alarm_R[:FEWEST]).all()
    assert alarm_R[FEWEST:].tolist() == [1, 0, 0, 0, 0]
    assert held.tail[FEWEST:].tolist() == [0.5, 0.1]
    assert held.sizes[FEWEST:].tolist() == [0.5, 3.4, 3.4, 0.1], "ranks have all but the outage itself"


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
