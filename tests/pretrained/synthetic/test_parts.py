"""The parts that families are made of: filters, noise, seasons, processes."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.pretrained.synthetic import FAMILIES
from gatecast.pretrained.synthetic.draws import Floats
from gatecast.pretrained.synthetic.filters import autoregress, delayed, moving_average, oscillate, standardised
from gatecast.pretrained.synthetic.gaussian import matern, periodic, smooth
from gatecast.pretrained.synthetic.noise import coloured, garch, innovations
from gatecast.pretrained.synthetic.seasons import active, calendar_effects, patterns, seasonal

SEASONAL = [name for name in FAMILIES if name not in {"garch_walk", "intermittent", "counts", "growth", "random_walk"}]


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def looped(value_BT: Floats, pole_B1: Floats, lag: int) -> Floats:
    out_BT = value_BT.copy()
    for t in range(lag, value_BT.shape[1]):
        out_BT[:, t] += pole_B1[:, 0] * out_BT[:, t - lag]
    return out_BT


def autocorrelation(value_BT: Floats, lag: int) -> Floats:
    centred_BT = value_BT - value_BT.mean(axis=1, keepdims=True)
    return (centred_BT[:, lag:] * centred_BT[:, :-lag]).sum(axis=1) / np.square(centred_BT).sum(axis=1)


@pytest.mark.parametrize("lag", [1, 4, 12, 200])
def test_autoregression_equals_its_loop(lag: int) -> None:
    value_BT = rng().standard_normal((5, 150))
    pole_B1 = np.array([[0.0], [0.5], [-0.9], [0.99], [1.0]])
    np.testing.assert_allclose(autoregress(value_BT, pole_B1, lag), looped(value_BT, pole_B1, lag), atol=1e-9)


def test_autoregression_leaves_its_argument_alone() -> None:
    value_BT = np.ones((2, 6))
    autoregress(value_BT, 0.5)
    assert (value_BT == 1).all()


def test_oscillation_equals_its_loop() -> None:
    value_BT = rng().standard_normal((2, 100))
    radius_B1, period_B1 = np.array([[0.9], [0.99]]), np.array([[7.0], [40.0]])
    first_B, second_B = (2 * radius_B1 * np.cos(2 * np.pi / period_B1))[:, 0], -np.square(radius_B1)[:, 0]
    expected_BT = value_BT.copy()
    for t in range(1, 100):
        expected_BT[:, t] += first_B * expected_BT[:, t - 1]
        expected_BT[:, t] += second_B * expected_BT[:, t - 2] if t > 1 else 0.0
    np.testing.assert_allclose(oscillate(value_BT, radius_B1, period_B1), expected_BT, atol=1e-9)


def test_delays_and_averages() -> None:
    value_BT = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(delayed(value_BT, 1), [[0.0, 1.0, 2.0]])
    np.testing.assert_array_equal(delayed(value_BT, 5), [[0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(moving_average(value_BT, np.array([[0.5]])), [[1.0, 2.5, 4.0]])
    np.testing.assert_array_equal(standardised(np.full((1, 4), 3.0)), np.zeros((1, 4)))


@pytest.mark.parametrize("make", [innovations, coloured, garch, matern, smooth], ids=lambda make: make.__name__)
def test_noise_has_a_deviation_of_about_one(make: object) -> None:
    assert callable(make)
    value_BT = make(rng(), 200, 400)
    deviation_B = value_BT.std(axis=1)
    assert np.isfinite(value_BT).all()
    assert 0.6 < np.median(deviation_B) < 1.3
    assert deviation_B.max() < 12


def test_colours_range_from_white_to_brown() -> None:
    first_B = autocorrelation(coloured(rng(), 300, 300), 1)
    assert np.quantile(first_B, 0.05) < 0.0
    assert np.quantile(first_B, 0.95) > 0.8


def test_garch_clusters_volatility() -> None:
    square_BT = np.square(garch(rng(), 200, 600))
    assert autocorrelation(square_BT, 1).mean() > 0.05


@pytest.mark.parametrize("period", [2, 3, 4, 7, 12, 24, 52, 365])
def test_patterns_are_standardised(period: int) -> None:
    pattern_BM = patterns(rng(), 50, period)
    np.testing.assert_allclose(pattern_BM.mean(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(pattern_BM.std(axis=1), 1.0, atol=1e-9)


def test_about_a_fifth_has_no_season() -> None:
    cycle_BT = seasonal(rng(), 2000, 60, (12,))
    assert 0.15 < (cycle_BT == 0).all(axis=1).mean() < 0.25
    deviation_B = cycle_BT.std(axis=1)
    assert np.quantile(deviation_B[deviation_B > 0], 0.05) < 0.4
    assert np.quantile(deviation_B, 0.95) > 8
    assert active(rng(), 5, ()) == []
    both = np.hstack(active(rng(), 2000, (24, 168)))
    assert 0.15 < (~both.any(axis=1)).mean() < 0.25
    assert both.all(axis=1).any()


@pytest.mark.parametrize("seasons", [(4,), (12,), (24,), (7, 365)], ids=str)
def test_seasons_repeat_at_their_period(seasons: tuple[int, ...]) -> None:
    cycle_BT = seasonal(rng(), 400, 12 * seasons[0], seasons[:1])
    cycle_BT = cycle_BT[(cycle_BT != 0).any(axis=1)]
    assert np.median(autocorrelation(cycle_BT, seasons[0])) > 0.8


@pytest.mark.parametrize("name", SEASONAL)
def test_families_with_seasons_have_a_peak_at_the_period(name: str) -> None:
    """Of changes over a season more is explained by the season than of changes over any other number of steps."""
    signal_BT = FAMILIES[name].draw(rng(), 400, 240, (12,))
    size_B = np.abs(np.diff(signal_BT, axis=1)).mean(axis=1)

    def typical(lag: int) -> float:
        change_BT = np.diff(signal_BT[:, lag:] - signal_BT[:, :-lag], axis=1)
        return float(np.quantile(np.abs(change_BT).mean(axis=1) / size_B, 0.3))

    assert all(typical(12) < 0.97 * typical(lag) for lag in (5, 7, 9, 15, 17))


def test_periodic_kernel_repeats() -> None:
    value_BT = periodic(rng(), 20, 60, np.full((20, 1), 10.0))
    np.testing.assert_allclose(value_BT[:, :50], value_BT[:, 10:], atol=1e-9)


@pytest.mark.parametrize("seasons", [(), (4,), (12,), (7, 365), (24, 168)], ids=str)
def test_calendar_effects_are_moderate(seasons: tuple[int, ...]) -> None:
    effect_BT = calendar_effects(rng(), 100, 130, seasons)
    assert np.isfinite(effect_BT).all()
    assert 0.2 < np.median(effect_BT.std(axis=1)) < 4.0


def test_counts_are_whole() -> None:
    for name in ("counts", "intermittent"):
        signal_BT = FAMILIES[name].draw(rng(), 100, 80, (7,))
        assert (signal_BT >= 0).all()
        assert (signal_BT == np.round(signal_BT)).all()
    zeros_B = (FAMILIES["intermittent"].draw(rng(), 200, 80, ()) == 0).mean(axis=1)
    assert np.median(zeros_B) > 0.5


def test_multiplicative_smoothing_stays_above_zero() -> None:
    for steps in (14, 600):
        assert (FAMILIES["ets_multiplicative"].draw(rng(), 300, steps, (12,)) > 0).all()
