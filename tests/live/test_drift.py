"""The test for drift: quiet while nothing changes, loud where errors leave what they were."""

from __future__ import annotations

import numpy as np
import pytest
from tests.live.conftest import scores_of

import gatecast as gc
from gatecast.errors import ConfigError
from gatecast.live.drift import Wagers
from gatecast.live.scoring import HeldBack


def capital_after(z_R: np.ndarray, held: int = 100, seed: int = 0) -> Wagers:
    sizes = np.abs(np.random.default_rng(seed).normal(size=held))
    wagers = Wagers(1)
    wagers.add(1)
    wagers.bet(np.zeros(len(z_R), np.int64), scores_of(HeldBack(sizes), z_R)[:, None])
    return wagers


def test_false_alarms_are_as_rare_as_stated() -> None:
    alarms = [
        capital_after(np.random.default_rng(1000 + k).normal(size=400), seed=k).drift(["a"], 0.05).alarm
        for k in range(600)
    ]
    assert np.mean(alarms) <= 0.05


@pytest.mark.parametrize(("factor", "direction"), [(2.0, "larger"), (0.4, "smaller")])
def test_errors_of_another_size_are_noticed(factor: float, direction: str) -> None:
    found = [capital_after(factor * np.random.default_rng(k).normal(size=150), seed=50 + k) for k in range(20)]
    told = [one.drift(["a"], 0.01) for one in found]
    assert np.mean([one.alarm for one in told]) >= 0.9
    assert {one.direction for one in told if one.alarm} == {direction}


def test_one_series_of_many_is_named() -> None:
    rng = np.random.default_rng(5)
    wagers, names = Wagers(1), [f"s{n}" for n in range(10)]
    wagers.add(10)
    series_R = np.tile(np.arange(10), 200)
    score_R = rng.uniform(size=2000)
    score_R[series_R == 3] *= 0.3
    wagers.bet(series_R, score_R[:, None])
    told = wagers.drift(names, 0.01)
    assert told.drifted == ("s3",)
    assert told.alarm
    assert "s3" in str(told)


def test_blocks_make_no_difference() -> None:
    rng = np.random.default_rng(2)
    series_R, score_RC = rng.integers(0, 3, 60), rng.uniform(size=(60, 2))
    whole, parts = Wagers(2), Wagers(2)
    for wagers in (whole, parts):
        wagers.add(3)
    whole.bet(series_R, score_RC)
    for begin in range(0, 60, 7):
        parts.bet(series_R[begin : begin + 7], score_RC[begin : begin + 7])
    np.testing.assert_array_equal(whole.state_NCW, parts.state_NCW)
    assert whole.rows == parts.rows == 60


def test_a_live_model_tells_of_drift_and_remembers_it(tmp_path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=400)
    noise[300:] *= 8
    values = 50 + 10 * np.sin(np.arange(400) * np.pi / 6) + noise
    # a network whose scale is fixed: one that reads its scale off its window widens its intervals with the errors
    model = gc.Forecaster(3, lookback=12, scaling="standard+fitted", training={"max_epochs": 5}).fit(values[:120])
    live = model.live(values[:260], held_back=140)
    live.observe([{"y": v} for v in values[260:300]])
    assert not live.drift().alarm
    assert str(live.drift()).startswith("no drift in 40 rows")
    live.save(tmp_path / "a.live")
    again = gc.load_live(tmp_path / "a.live")
    for one in (live, again):
        one.observe([{"y": v} for v in values[300:]])
    assert live.drift().alarm
    assert live.drift().direction == "larger"
    assert again.drift() == live.drift()


def test_before_any_row_nothing_is_known() -> None:
    live = gc.Forecaster(3, preset="instant").fit(np.arange(40.0)).live()
    assert live.drift().p_value == 1
    assert "no row was observed yet" in str(live.drift())
    with pytest.raises(ConfigError, match="between 0 and 1"):
        live.drift(0)
