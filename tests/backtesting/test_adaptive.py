"""Adaptive intervals: right again after a change, never ahead of their time, the median as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.backtesting.adaptive import RATE, adapted
from gatecast.errors import InputError
from gatecast.forecasts.following import NARROWEST, WIDEST

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
NORMAL = np.array([-1.959964, -1.281552, 0.0, 1.281552, 1.959964])


def case(seed: int, origins: int = 12, horizon: int = 4, targets: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of two series that do not cross, and truths with gaps."""
    rng = np.random.default_rng(seed)
    forecast_NOHCQ = np.sort(rng.normal(size=(2, origins, horizon, targets, 5)), axis=-1)
    truth_NOHC = rng.normal(size=forecast_NOHCQ.shape[:-1]) * 2
    truth_NOHC[rng.random(truth_NOHC.shape) < 0.2] = np.nan
    return forecast_NOHCQ, truth_NOHC


def series(origins: int, horizon: int, stride: int, spread_T: np.ndarray, count: int = 20) -> tuple[np.ndarray, ...]:
    """Quantiles of noise with spread 1, and what noise of another spread did; (N, O, H, 1, Q) and (N, O, H, 1)."""
    noise_NT = np.random.default_rng(3).normal(size=(count, len(spread_T))) * spread_T
    at_OH = stride * np.arange(origins)[:, None] + np.arange(1, horizon + 1)
    forecast_NOHCQ = np.broadcast_to(NORMAL, (count, origins, horizon, 1, 5)).copy()
    return forecast_NOHCQ, noise_NT[:, at_OH][..., None]


def coverage(forecast_NOHCQ: np.ndarray, truth_NOHC: np.ndarray, low: int, high: int) -> float:
    inside = (truth_NOHC >= forecast_NOHCQ[..., low]) & (truth_NOHC <= forecast_NOHCQ[..., high])
    return float(inside.mean())


# ---------------------------------------------------------------- coverage


@pytest.mark.parametrize(("horizon", "stride"), [(1, 1), (6, 1), (6, 3), (4, 4), (2, 5)])
def test_coverage_returns_after_the_noise_has_doubled(horizon: int, stride: int) -> None:
    origins = 240
    steps = stride * origins + horizon
    spread_T = np.where(np.arange(steps) < steps // 2, 1.0, 2.0)
    forecast, truth = series(origins, horizon, stride, spread_T)
    followed = adapted(forecast, truth, LEVELS, stride)
    settled = slice(origins // 2 + 30, None)
    for low, high, nominal, fixed in ((1, 3, 0.8, 0.478), (0, 4, 0.95, 0.673)):
        before = slice(0, origins // 2 - horizon)
        assert coverage(followed[:, before], truth[:, before], low, high) == pytest.approx(nominal, abs=0.03)
        assert coverage(forecast[:, settled], truth[:, settled], low, high) == pytest.approx(fixed, abs=0.03)
        assert coverage(followed[:, settled], truth[:, settled], low, high) == pytest.approx(nominal, abs=0.03)


def test_one_wild_series_is_followed_within_five_points() -> None:
    spread_T = np.where(np.arange(2001) < 1000, 1.0, 2.0)
    forecast, truth = series(2000, 1, 1, spread_T, count=1)
    followed = adapted(forecast, truth, LEVELS, 1)
    late = slice(1030, None)
    assert coverage(forecast[:, late], truth[:, late], 1, 3) < 0.55
    assert coverage(followed[:, late], truth[:, late], 1, 3) == pytest.approx(0.8, abs=0.05)
    assert coverage(followed[:, late], truth[:, late], 0, 4) == pytest.approx(0.95, abs=0.05)


def test_too_wide_ones_shrink() -> None:
    forecast, truth = series(300, 2, 1, np.full(302, 0.5))
    followed = adapted(forecast, truth, LEVELS, 1)
    assert coverage(forecast[:, 100:], truth[:, 100:], 1, 3) > 0.97
    assert coverage(followed[:, 100:], truth[:, 100:], 1, 3) == pytest.approx(0.8, abs=0.03)


def test_sides_and_columns_are_corrected_apart() -> None:
    rng = np.random.default_rng(0)
    truth = np.abs(rng.normal(size=(30, 200, 1, 2))) * np.array([1.0, -3.0])  # above in one column, below in the other
    forecast = np.broadcast_to(NORMAL, (30, 200, 1, 2, 5))
    width_CQ = np.abs(adapted(forecast, truth, LEVELS, 1)[0, -1, 0])
    assert width_CQ[0, 0] == pytest.approx(NARROWEST * 1.959964), "nothing lies below"
    assert width_CQ[0, 4] < 3
    assert width_CQ[1, 0] > 5
    assert width_CQ[1, 4] == pytest.approx(NARROWEST * 1.959964)


# ---------------------------------------------------------------- what it may know


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 11), st.sampled_from([np.nan, 1e9, -1e9, 0.0]))
def test_what_comes_after_an_origin_changes_nothing_up_to_it(seed: int, stride: int, origin: int, put: float) -> None:
    forecast, truth = case(seed)
    before = adapted(forecast, truth, LEVELS, stride)
    # step h of origin o is the row o * stride + h: what lies after the row of the origin is still to come
    row_OH = stride * np.arange(truth.shape[1])[:, None] + np.arange(1, truth.shape[2] + 1)
    later = np.where((row_OH > origin * stride)[None, :, :, None], put, truth)
    after = adapted(forecast, later, LEVELS, stride)
    assert after[:, : origin + 1].tobytes() == before[:, : origin + 1].tobytes()


@pytest.mark.parametrize(("horizon", "stride"), [(1, 1), (4, 1), (4, 3), (3, 4)])
def test_what_is_known_at_an_origin_is_used_there(horizon: int, stride: int) -> None:
    forecast, truth = series(6, horizon, stride, np.ones(60))
    before = adapted(forecast, truth, LEVELS, stride)
    for h in range(1, horizon + 1):
        first_use = -(-h // stride)  # the origin at or after the row of step h from origin 0
        changed = truth.copy()
        changed[:, 0, h - 1] = 1e9
        moved_OH = (adapted(forecast, changed, LEVELS, stride) != before).any(axis=(0, 3, 4))
        expected_OH = np.zeros_like(moved_OH)
        expected_OH[first_use:, h - 1] = True
        np.testing.assert_array_equal(moved_OH, expected_OH)


def test_one_origin_moves_a_factor_as_gibbs_and_candes_say() -> None:
    forecast = np.broadcast_to(NORMAL, (4, 3, 1, 1, 5))
    truth = np.zeros((4, 3, 1, 1))
    truth[:, 0, 0, 0] = [1.0, 1.5, 5.0, np.nan]  # of three known ones two lie above 0.9, one above 0.975
    truth[:, 1] = np.nan
    width_OQ = adapted(forecast, truth, LEVELS, 1)[0, :, 0, 0] / np.where(NORMAL == 0, 1, NORMAL)
    expected = np.exp(RATE * np.array([0 - 0.025, 0 - 0.1, 0, 2 / 3 - 0.1, 1 / 3 - 0.025]))
    for o in (1, 2):  # the second origin has nothing to say
        np.testing.assert_allclose(width_OQ[o, [0, 1, 3, 4]], expected[[0, 1, 3, 4]])
    np.testing.assert_allclose(width_OQ[0, [0, 1, 3, 4]], 1)


# ---------------------------------------------------------------- what never happens


@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans())
def test_the_median_stays_nothing_crosses_and_the_first_origin_is_as_it_was(
    seed: int, stride: int, single: bool
) -> None:
    forecast, truth = case(seed)
    forecast = forecast.astype(np.float32) if single else forecast
    untouched = forecast.tobytes()
    followed = adapted(forecast, truth, LEVELS, stride)
    assert (followed.dtype, followed.shape, forecast.tobytes()) == (forecast.dtype, forecast.shape, untouched)
    assert followed[..., 2].tobytes() == forecast[..., 2].tobytes()
    np.testing.assert_allclose(followed[:, 0], forecast[:, 0], rtol=1e-5, atol=1e-6)
    assert (np.diff(followed, axis=-1) >= 0).all()


@pytest.mark.parametrize("put", [np.nan, np.inf, -np.inf])
def test_unknown_truths_say_nothing(put: float) -> None:
    forecast, truth = case(1)
    np.testing.assert_allclose(adapted(forecast, np.full_like(truth, put), LEVELS, 1), forecast)
    filled = np.where(np.isnan(truth), put, truth)
    followed = adapted(forecast, filled, LEVELS, 1)
    assert followed.tobytes() == adapted(forecast, truth, LEVELS, 1).tobytes()
    assert np.isfinite(followed).all()


def test_factors_stay_between_a_fifth_and_five() -> None:
    forecast = np.broadcast_to(NORMAL, (1, 200, 1, 1, 5))
    for truth, limit in ((1e9, WIDEST), (0.0, NARROWEST)):
        followed = adapted(forecast, np.full((1, 200, 1, 1), truth), LEVELS, 1)
        np.testing.assert_allclose(followed[0, -1, 0, 0, 4], limit * 1.959964)


def test_a_median_alone_stays_alone() -> None:
    forecast, truth = case(0)
    alone = forecast[..., [2]]
    np.testing.assert_array_equal(adapted(alone, truth, (0.5,), 1), alone)


@pytest.mark.parametrize(
    ("forecast", "truth", "levels"),
    [((2, 5, 3, 1, 5), (2, 5, 2, 1), 5), ((2, 5, 3, 1, 5), (2, 5, 3, 1), 3), ((2, 5, 3, 1), (2, 5, 3, 1), 5)],
)
def test_shapes_that_do_not_go_together_are_told(
    forecast: tuple[int, ...], truth: tuple[int, ...], levels: int
) -> None:
    with pytest.raises(InputError, match=r"forecasts of shape \(2, 5, 3.* do not go with truths of shape \(2, 5,"):
        adapted(np.zeros(forecast), np.zeros(truth), LEVELS[:levels], 1)
