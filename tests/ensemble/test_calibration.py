"""Calibration: coverage on data like those it was fitted on, and restraint where there are few."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.ensemble.calibration import Calibration, Evidence

LEVELS = (0.1, 0.5, 0.9)
PLENTY = Evidence(spans=1e6, windows=1e6)


def normal(count: int, seed: int, horizon: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((count, horizon, 2))
    return np.zeros((count, horizon, 2, 1)), truth


@pytest.mark.parametrize("width", [0.3, 1.2816, 4.0])
def test_quantiles_of_any_width_become_right(width: float) -> None:
    zeros, truth = normal(12_000, 0)
    output = zeros + np.array([-width, 0, width])
    calibrated = Calibration.fit(LEVELS, output, truth, PLENTY).apply(output)
    _, fresh = normal(12_000, 1)
    inside = (fresh >= calibrated[..., 0]) & (fresh <= calibrated[..., 2])
    assert abs(inside.mean() - 0.8) < 0.02


def test_a_point_head_gets_the_quantiles_of_its_errors() -> None:
    zeros, truth = normal(2000, 0)
    truth = truth * np.array([1, 2, 3, 4])[None, :, None]  # errors grow with the step
    calibrated = Calibration.fit(LEVELS, zeros, truth, PLENTY, point=True).apply(zeros)
    widths = calibrated[0, :, 0, 2] - calibrated[0, :, 0, 0]
    np.testing.assert_allclose(widths / 2.563, [1, 2, 3, 4], rtol=0.1)
    np.testing.assert_array_equal(calibrated[..., 1], 0)


def test_what_few_spans_of_time_show_is_hardly_believed_however_many_series_show_it() -> None:
    zeros, truth = normal(6000, 0)
    output = zeros + np.array([-2.563, 0, 2.563])  # twice too wide
    factors = [
        Calibration.fit(LEVELS, output, truth, Evidence(spans, 1e6)).stretch_HQ for spans in (0.01, 5.0, 1e6)
    ]  # fmt: skip
    means = [f[:, [0, 2]].mean() for f in factors]  # type: ignore[index]
    np.testing.assert_allclose(means, [1, 0.5**0.5, 0.5], rtol=0.03)


def test_a_training_on_few_windows_is_taken_to_be_too_sure_of_itself() -> None:
    zeros, _ = normal(5, 0)
    output, unknown = zeros + np.array([-1, 0, 1]), np.full((5, 4, 2), np.nan)
    widths = [
        np.diff(Calibration.fit(LEVELS, output, unknown, Evidence(0, windows)).apply(output)[0, 0, 0, [0, 2]])[0] / 2
        for windows in (5, 50, 1e6)
    ]
    assert 1.6 < widths[0] < 2.2
    assert 1.05 < widths[1] < 1.1
    np.testing.assert_allclose(widths[2], 1, rtol=1e-4)


def test_tails_are_those_of_students_t() -> None:
    stats = pytest.importorskip("scipy.stats")
    for windows, level in ((5, 0.9), (9, 0.975), (40, 0.1)):
        wanted = stats.t.ppf(level, windows) / stats.norm.ppf(level)
        np.testing.assert_allclose(Evidence(1, windows).tail(level), wanted, rtol=0.012)


def test_the_median_never_moves_and_nothing_crosses() -> None:
    zeros, truth = normal(50, 3)
    output = zeros + np.array([-1, 0, 0.5])
    calibrated = Calibration.fit(LEVELS, output, truth + 5, PLENTY).apply(output)
    np.testing.assert_array_equal(calibrated[..., 1], output[..., 1])
    assert (np.diff(calibrated, axis=-1) >= 0).all()


def test_a_point_head_without_any_truth_gives_its_forecast_alone() -> None:
    zeros, truth = normal(5, 0)
    calibration = Calibration.fit(LEVELS, zeros, np.full_like(truth, np.nan), Evidence(0, 1e6), point=True)
    assert calibration.quantiles == (0.5,)
    np.testing.assert_array_equal(calibration.apply(zeros), zeros)


@pytest.mark.parametrize(("count", "place"), [(9, 0.8 * 10 / 9), (24, 0.8 * 25 / 24), (3, 1.0), (1, 1.0)])
def test_the_quantile_of_few_errors_is_taken_further_out(count: int, place: float) -> None:
    """Of n errors the level a (n + 1) / n: a new one is as likely beyond the largest as in any gap."""
    size_M = np.linspace(1, 2, count)
    truth = (size_M * np.resize([1, -1], count))[:, None, None]
    output = np.zeros((count, 1, 1, 1)) + np.array([-1, 0, 1])
    stretch_HQ = Calibration.fit(LEVELS, output, truth, PLENTY).stretch_HQ
    assert stretch_HQ is not None
    np.testing.assert_allclose(stretch_HQ[0, [0, 2]], np.quantile(size_M, place), rtol=1e-4)


def test_intervals_from_few_errors_cover_what_they_should() -> None:
    """Over many small calibrations the mean coverage is right; without the correction it lacks 0.04."""
    rng = np.random.default_rng(0)
    output = np.zeros((14, 1, 1, 1)) + np.array([-1, 0, 1])
    inside = [
        np.abs(rng.standard_normal(200)) <= Calibration.fit(LEVELS, output, truth, PLENTY).apply(output)[0, 0, 0, 2]
        for truth in rng.standard_normal((800, 14, 1, 1))
    ]
    np.testing.assert_allclose(np.mean(inside), 0.8, atol=0.02)


def test_levels_that_the_factors_would_cross_are_put_in_order() -> None:
    output = np.array([[-2.0, -1, 0, 1, 2], [-2, -1.9, 0, 0.1, 2]]).reshape(2, 1, 1, 5)
    stretch_HQ = np.array([[0.5, 3, 1, 1, 1]])
    calibrated = Calibration((0.1, 0.25, 0.5, 0.75, 0.9), stretch_HQ=stretch_HQ).apply(output)
    np.testing.assert_allclose(calibrated[:, 0, 0], [[-3, -1, 0, 1, 2], [-5.7, -1, 0, 0.1, 2]])
    assert (np.diff(calibrated, axis=-1) >= 0).all()
