"""Calibration: coverage on data like those it was fitted on, and restraint where there are few."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.calibration import Calibration, Evidence

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
    np.testing.assert_allclose([f[:, [0, 2]].mean() for f in factors], [1, 0.5**0.5, 0.5], rtol=0.03)  # type: ignore[index]


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


def test_each_step_gets_its_own_factor_where_many_spans_show_it() -> None:
    zeros, truth = normal(4000, 0)
    truth = truth * np.array([1, 2, 3, 4])[None, :, None]
    output = zeros + np.array([-2.563, 0, 2.563])
    stretch_HQ = Calibration.fit(LEVELS, output, truth, PLENTY).stretch_HQ
    np.testing.assert_allclose(stretch_HQ[:, 2], [0.5, 1, 1.5, 2], rtol=0.06)  # type: ignore[index]


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
