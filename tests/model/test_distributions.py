"""Densities and quantiles of distributions against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gatecast.model.distributions import (
    gaussian_loss,
    log_softplus,
    negative_binomial_loss,
    negative_binomial_quantile,
    student_t_loss,
    student_t_quantile,
)

pytestmark = pytest.mark.usefixtures("one_thread")
LEVELS = np.array([1e-6, 0.001, 0.025, 0.1, 0.5, 0.9, 0.975, 0.999])
SCORES = torch.special.ndtri(torch.tensor(LEVELS))
EXTREME = (-1e30, -1e6, -50.0, 0.0, 1e-8, 50.0, 1e6, 1e30)


def log_uniform(low: float, high: float, count: int, seed: int) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).uniform(np.log(low), np.log(high), count))


def single(*numbers: np.ndarray) -> list[torch.Tensor]:
    return [torch.tensor(number, dtype=torch.float32) for number in numbers]


# ---------------------------------------------------------------- densities


def test_gaussian_loss_is_the_log_density() -> None:
    stats = pytest.importorskip("scipy.stats")
    error, scale = np.random.default_rng(0).normal(size=200), log_uniform(0.01, 100, 200, 1)
    assert gaussian_loss(*single(error, scale)).numpy() == pytest.approx(
        -stats.norm.logpdf(error, 0, scale), rel=1e-4, abs=1e-4
    )


def test_student_t_loss_is_the_log_density() -> None:
    stats = pytest.importorskip("scipy.stats")
    error = np.random.default_rng(0).standard_t(2, 200)
    scale, dof = log_uniform(0.01, 100, 200, 1), log_uniform(2, 1000, 200, 2)
    assert student_t_loss(*single(error, scale, dof)).numpy() == pytest.approx(
        -stats.t.logpdf(error / scale, dof) + np.log(scale), rel=1e-3, abs=1e-3
    )


def test_negative_binomial_loss_is_the_log_probability() -> None:
    stats = pytest.importorskip("scipy.stats")
    mean, size = log_uniform(1e-3, 1e5, 500, 1), log_uniform(1e-2, 1e6, 500, 2)
    count = np.random.default_rng(3).negative_binomial(size, size / (size + mean)).astype(float)
    y, m, r = single(count, mean, size)
    expected = -stats.nbinom.logpmf(count, size, size / (size + mean))
    assert negative_binomial_loss(y, m, m.log(), r).numpy() == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_softplus_of_numbers_far_below_zero_keeps_its_logarithm() -> None:
    x = torch.tensor([-1000.0, -40.0, -15.0, -14.9, 0.0, 30.0], dtype=torch.float64)
    expected = [-1000, -40, -15, np.log(np.log1p(np.exp(-14.9))), np.log(np.log(2)), np.log(30)]
    assert log_softplus(x).numpy() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("error", EXTREME)
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e10])
def test_losses_and_gradients_of_wild_errors_are_finite(error: float, scale: float) -> None:
    for dof in (2.0, 1000.0):
        inputs = [torch.tensor(number, requires_grad=True) for number in (error, scale, dof)]
        for loss in (gaussian_loss(*inputs[:2]), student_t_loss(*inputs)):
            gradient = torch.autograd.grad(loss, inputs, allow_unused=True)
            assert torch.isfinite(loss)
            assert all(part is None or torch.isfinite(part) for part in gradient)


# ---------------------------------------------------------------- quantiles


def test_student_t_quantiles_are_right_to_a_millionth() -> None:
    special = pytest.importorskip("scipy.special")
    dof = 2 / np.random.default_rng(0).uniform(1e-4, 1, 400)
    found = student_t_quantile(SCORES, torch.tensor(dof)).numpy()
    assert found == pytest.approx(special.stdtrit(dof[:, None], LEVELS), rel=1e-6, abs=1e-12)


def test_student_t_quantiles_take_one_score_per_row() -> None:
    dof = torch.tensor([2.0, 5.0, 100.0])
    score = torch.tensor([[-1.0, 2.0], [0.0, 3.0], [1.0, -2.5]])
    rows = [student_t_quantile(score[n], dof[n]) for n in range(3)]
    assert torch.allclose(student_t_quantile(score, dof), torch.stack(rows))
    assert float(student_t_quantile(torch.tensor([-1.0]), torch.tensor(2.0))) == pytest.approx(-1.3213, abs=1e-4)


def test_small_counts_have_exact_quantiles() -> None:
    stats = pytest.importorskip("scipy.stats")
    mean, size = log_uniform(1e-3, 20, 300, 1), log_uniform(0.3, 1e6, 300, 2)
    found = negative_binomial_quantile(SCORES, torch.tensor(mean), torch.tensor(size)).numpy()
    assert (mean + 12 * np.sqrt(mean + mean**2 / size) <= 500).mean() > 0.9
    few = mean + 12 * np.sqrt(mean + mean**2 / size) <= 500
    expected = stats.nbinom.ppf(LEVELS, size[:, None], (size / (size + mean))[:, None])
    assert (found == expected)[few].all()
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("size", [0.01, 0.1, 0.5, 2.0, 30.0, 1e4, 1e6])
def test_large_counts_are_off_by_one_at_most_or_by_a_hundredth_of_the_deviation(size: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    mean = np.array([20, 150, 1000, 3e4, 1e6])
    found = negative_binomial_quantile(SCORES, torch.tensor(mean), torch.full((5,), size)).numpy()
    expected = stats.nbinom.ppf(LEVELS, size, (size / (size + mean))[:, None])
    deviation = np.sqrt(mean + mean**2 / size)
    assert (np.abs(found - expected) <= np.maximum(1, 0.01 * deviation)[:, None]).all()


def test_quantiles_of_counts_take_one_score_per_row_in_any_shape() -> None:
    mean, size = torch.tensor([[0.5, 3.0], [800.0, 40.0]]), torch.tensor([[1.0, 0.5], [3.0, 1e5]])
    score = torch.randn(2, 2, 5, generator=torch.Generator().manual_seed(0))
    found = negative_binomial_quantile(score, mean, size)
    for i in range(2):
        for j in range(2):
            assert torch.equal(found[i, j], negative_binomial_quantile(score[i, j], mean[i, j], size[i, j]))
