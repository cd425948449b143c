"""Calibration: coverage on data like those it was fitted on, and restraint where there are few."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.calibration import Calibration

LEVELS = (0.1, 0.5, 0.9)


def normal(count: int, seed: int, horizon: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((count, horizon, 2))
    return np.zeros((count, horizon, 2, 1)), truth


@pytest.mark.parametrize("width", [0.3, 1.2816, 4.0])
def test_quantiles_of_any_width_become_right(width: float) -> None:
    zeros, truth = normal(12_000, 0)
    output = zeros + np.array([-width, 0, width])
    calibrated = Calibration.fit(LEVELS, output, truth).apply(output)
    _, fresh = normal(12_000, 1)
    inside = (fresh >= calibrated[..., 0]) & (fresh <= calibrated[..., 2])
    assert abs(inside.mean() - 0.8) < 0.02


def test_a_point_head_gets_the_quantiles_of_its_errors() -> None:
    zeros, truth = normal(2000, 0)
    truth = truth * np.array([1, 2, 3, 4])[None, :, None]  # errors grow with the step
    calibrated = Calibration.fit(LEVELS, zeros, truth).apply(zeros)
    widths = calibrated[0, :, 0, 2] - calibrated[0, :, 0, 0]
    np.testing.assert_allclose(widths / 2.563, [1, 2, 3, 4], rtol=0.1)
    np.testing.assert_array_equal(calibrated[..., 1], 0)


def test_few_windows_may_widen_but_hardly_narrow() -> None:
    zeros, truth = normal(6, 0)
    narrow, wide = (zeros + np.array([-w, 0, w]) for w in (0.3, 10.0))
    assert (Calibration.fit(LEVELS, narrow, truth).stretch_Q[[0, 2]] > 2).all()  # type: ignore[index]
    assert (Calibration.fit(LEVELS, wide, truth).stretch_Q[[0, 2]] > 0.8).all()  # type: ignore[index]


def test_the_median_never_moves_and_nothing_crosses() -> None:
    zeros, truth = normal(50, 3)
    output = zeros + np.array([-1, 0, 0.5])
    calibrated = Calibration.fit(LEVELS, output, truth + 5).apply(output)
    np.testing.assert_array_equal(calibrated[..., 1], output[..., 1])
    assert (np.diff(calibrated, axis=-1) >= 0).all()


def test_without_any_truth_nothing_changes() -> None:
    zeros, truth = normal(5, 0)
    output = zeros + np.array([-1, 0, 1])
    calibration = Calibration.fit(LEVELS, output, np.full_like(truth, np.nan))
    np.testing.assert_array_equal(calibration.apply(output), output)
