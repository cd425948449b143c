"""Forecasts of series that the gate has never seen: what of the values counts, and in which unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from torch import Tensor

import gatecast as gc
from gatecast.nn.kernels import load
from gatecast.pretrained.bank import EXPERTS, STEPS_READ, WITHOUT_SEASON, Bank, Seasons, history_for
from gatecast.pretrained.gate import LEVELS, MIDDLE, Gate, GateSizes
from gatecast.pretrained.packed import PackedGate
from gatecast.pretrained.zero_shot import SERIES_AT_ONCE, forecasts

from .gates import SMALL, fresh, shaken

pytestmark = pytest.mark.skipif(load() is None, reason="the kernels are not built")

Floats = npt.NDArray[np.float64]
SEASONS = Seasons(4)
MISSING = np.full(40, np.nan)


@pytest.fixture(scope="module")
def gate() -> Gate:
    return shaken(5, 0.1)


def walk(n: int, seed: int = 0, level: float = 0.0) -> Floats:
    return level + np.random.default_rng(seed).standard_normal(n).cumsum()


def asked(
    gate: Gate, series: Sequence[Floats], horizon: int = 5, seasons: Seasons = SEASONS, first: int = 0
) -> tuple[Floats, Floats]:
    """Quantiles and weights of series that lie one after the other in the buffer, other values around them."""
    length_B = np.array([len(x) for x in series])
    first_B = first + np.cumsum(length_B) - length_B
    values_R = np.concatenate([np.full(first, 77.0), *series, np.full(first, -99.0)])
    return forecasts(gate, values_R, first_B, length_B, horizon, seasons)


def quantiles(gate: Gate, x: Floats, horizon: int = 5, seasons: Seasons = SEASONS) -> Floats:
    """(H, Q) of one series."""
    return asked(gate, [x], horizon, seasons)[0][0]


# ---------------------------------------------------------------- what comes out


def test_quantiles_rise_and_weights_add_up(gate: Gate) -> None:
    quantiles_BHQ, weights_BHK = asked(gate, [walk(30), walk(70, 1)], horizon=7)
    assert quantiles_BHQ.shape == (2, 7, len(LEVELS))
    assert quantiles_BHQ.dtype == np.float64
    assert (np.diff(quantiles_BHQ, axis=-1) >= 0).all()
    assert weights_BHK.shape == (2, 7, len(EXPERTS))
    np.testing.assert_allclose(weights_BHK.sum(-1), 1, atol=1e-5)


def test_forecasts_are_in_the_unit_of_the_data(gate: Gate) -> None:
    x = walk(50)
    np.testing.assert_allclose(quantiles(gate, 256 * x), 256 * quantiles(gate, x), rtol=1e-4, atol=1e-3)
    moved = quantiles(gate, x + 1e5)
    assert (np.abs(moved - 1e5) < 1e3).all()


def test_no_series_at_all(gate: Gate) -> None:
    none = np.zeros(0, np.int64)
    quantiles_BHQ, weights_BHK = forecasts(gate, walk(9), none, none, 5, SEASONS)
    assert quantiles_BHQ.shape == (0, 5, len(LEVELS))
    assert weights_BHK.shape == (0, 5, len(EXPERTS))


# ---------------------------------------------------------------- missing values


@pytest.mark.parametrize("late", [1, 3, 30])
def test_a_missing_end_lengthens_the_horizon(gate: Gate, late: int) -> None:
    x = walk(50)
    expected = quantiles(gate, x, horizon=5 + late)[late:]
    assert quantiles(gate, np.concatenate([x, MISSING[:late]])).tobytes() == expected.tobytes()


def test_series_that_end_at_different_times_may_stand_together(gate: Gate) -> None:
    x = walk(50)
    together, weights = asked(gate, [x, np.append(x[:-4], MISSING[:4]), x, np.append(x, MISSING[:2])])
    for b, (length, late) in enumerate([(50, 0), (46, 4), (50, 0), (50, 2)]):
        alone, alone_weights = asked(gate, [x[:length]], 5 + late)
        assert together[b].tobytes() == alone[0, late:].tobytes()
        assert weights[b].tobytes() == alone_weights[0, late:].tobytes()


def test_a_series_that_ended_long_ago_costs_the_others_nothing(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    weigh = PackedGate.weigh

    def counted(self: PackedGate, output_BTD: Tensor, bank: Bank, late: int, season: int) -> Any:
        taken.append(bank.forecast_BHK.shape[1] - late)
        return weigh(self, output_BTD, bank, late, season)

    monkeypatch.setattr(PackedGate, "weigh", counted)
    asked(gate, [walk(50), np.append(walk(50), np.full(500, np.nan)), walk(50, 1)])
    assert set(taken) == {5}


def test_missing_values_before_the_first_one_do_not_count(gate: Gate) -> None:
    x = walk(50)
    assert quantiles(gate, np.concatenate([MISSING[:9], x])).tobytes() == quantiles(gate, x).tobytes()


def test_a_missing_value_inside_is_not_a_value(gate: Gate) -> None:
    x = walk(50)
    x[20] = np.nan
    found = quantiles(gate, x)
    assert np.isfinite(found).all()
    assert not np.allclose(found, quantiles(gate, np.delete(x, 20)))


@pytest.mark.parametrize(
    ("few", "as_if"),
    [([3.0], [3.0, 3.0, 3.0]), ([3.0, 5.0], [3.0, 3.0, 5.0]), ([np.nan, 3.0, 5.0], [3.0, 3.0, 5.0])],
    ids=["one", "two", "two after a missing one"],
)
def test_fewer_than_three_values_go_on_to_the_left(gate: Gate, few: list[float], as_if: list[float]) -> None:
    assert quantiles(gate, np.array(few)).tobytes() == quantiles(gate, np.array(as_if)).tobytes()
    late = quantiles(gate, np.append(few, MISSING[:2]))
    assert late.tobytes() == quantiles(gate, np.array(as_if), 7)[2:].tobytes()


def test_short_series_among_others(gate: Gate) -> None:
    series = [np.array([4.0]), walk(20), np.array([1.0, 2.0]), np.array([5.0, 6.0, 9.0])]
    together, _ = asked(gate, series, first=6)
    for b, x in enumerate(series):
        assert together[b].tobytes() == quantiles(gate, x).tobytes()


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("length", [0, 1, 9])
def test_a_series_without_any_value_has_no_forecast(gate: Gate, place: int, length: int) -> None:
    series = [walk(20), walk(30)]
    alone, _ = asked(gate, series)
    series.insert(place, MISSING[:length])
    quantiles_BHQ, weights_BHK = asked(gate, series)
    assert np.isnan(quantiles_BHQ[place]).all()
    assert (weights_BHK[place] == 0).all()
    assert np.delete(quantiles_BHQ, place, 0).tobytes() == alone.tobytes()


# ---------------------------------------------------------------- how much history counts


@pytest.mark.parametrize("seasons", [Seasons(), Seasons(24, 168), Seasons(52, 400)], ids=str)
def test_only_so_many_steps_count(gate: Gate, seasons: Seasons) -> None:
    x, kept = walk(1500, level=100.0), history_for(seasons)
    assert kept == {1: 260, 24: 760, 52: 852}[seasons.short]
    found = quantiles(gate, x, seasons=seasons)
    assert quantiles(gate, x[-kept:], seasons=seasons).tobytes() == found.tobytes()
    before, within = x.copy(), x.copy()
    before[: len(x) - kept] = -1e6
    within[-kept] = 500.0
    assert quantiles(gate, before, seasons=seasons).tobytes() == found.tobytes()
    assert quantiles(gate, within, seasons=seasons).tobytes() != found.tobytes()


def test_they_count_from_the_last_value(gate: Gate) -> None:
    x = walk(WITHOUT_SEASON + 40)
    late = quantiles(gate, np.append(x, MISSING[:6]))
    assert late.tobytes() == quantiles(gate, x[-WITHOUT_SEASON:], 11)[6:].tobytes()


def test_a_missing_value_where_they_begin_does_not_count(gate: Gate) -> None:
    x = walk(WITHOUT_SEASON + 40)
    x[40:43] = np.nan
    assert quantiles(gate, x).tobytes() == quantiles(gate, x[40:]).tobytes() == quantiles(gate, x[43:]).tobytes()


# ---------------------------------------------------------------- each series by itself


def test_nothing_outside_a_series_counts(gate: Gate) -> None:
    series = [walk(30), np.append(walk(25), MISSING[:5]), np.append(MISSING[:5], walk(25))]
    assert asked(gate, series)[0].tobytes() == asked(gate, series, first=9)[0].tobytes()


def test_several_lengths_in_one_call_equal_one_call_each(gate: Gate) -> None:
    length = (50, 3, 17, STEPS_READ - 1, STEPS_READ, 17, 4, STEPS_READ + 1, 300, 17)
    series = [walk(n, n + k) for k, n in enumerate(length)]
    together, weights = asked(gate, series)
    backwards, _ = asked(gate, series[::-1])
    assert backwards[::-1].tobytes() == together.tobytes()
    for b, x in enumerate(series):
        alone, alone_weights = asked(gate, [x])
        assert together[b].tobytes() == alone[0].tobytes()
        assert weights[b].tobytes() == alone_weights[0].tobytes()


@pytest.mark.parametrize("sizes", [SMALL, GateSizes()], ids=["small", "usual"])
@pytest.mark.parametrize("count", [2, 15, 16, 17, 100, SERIES_AT_ONCE + 3])
def test_a_series_alone_and_among_many(sizes: GateSizes, count: int) -> None:
    gate = shaken(5, 0.1, sizes)
    series = [walk(12, seed) for seed in range(count)]
    together, _ = asked(gate, series, horizon=3)
    assert np.isfinite(together).all()
    for b in {0, count // 2, min(count, SERIES_AT_ONCE) - 1, count - 1}:
        assert together[b].tobytes() == quantiles(gate, series[b], 3).tobytes()


# ---------------------------------------------------------------- 0


def falling(least: float) -> Floats:
    """A series that falls to some value."""
    return np.linspace(30.0, least, 40)


def instant(series: list[np.ndarray]) -> np.ndarray:
    """(N, 30, Q) forecasts of the instant preset, with its bounds."""
    rows = [(f"s{n}", t, value) for n, values in enumerate(series) for t, value in enumerate(values)]
    table = pl.DataFrame(rows, schema=["id", "t", "y"], orient="row")
    made = gc.Forecaster(30, preset="instant").predict(gc.read(table, series="id", time="t", target="y"))
    return made.values_NHCQ[:, :, 0]


def test_not_below_zero_where_the_data_are_not() -> None:
    found = instant([falling(0.0), falling(1.0), falling(-1e-9), falling(0.0) - 20])
    assert (found[:2] >= 0).all()
    assert (found[:2] == 0).any(axis=(1, 2)).all()
    assert (found[2:].min(axis=(1, 2)) < -1).all()


def test_values_of_others_do_not_allow_less_than_zero() -> None:
    found = instant([falling(-5.0), falling(0.0), np.resize(falling(0.0), 2000)])
    assert found[0].min() < 0
    assert (found[1:] >= 0).all()


def test_the_median_is_that_of_the_gate(gate: Gate) -> None:
    x = np.arange(20.0)
    found, weights = asked(fresh(), [x], 1, Seasons())
    assert found[0, 0, MIDDLE] == pytest.approx(20, abs=4)
    assert len(np.unique(weights[weights > 0])) == 1
