"""Heads: quantiles that cannot cross, and losses against loops and torch's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.errors import ConfigError
from gatecast.model.heads import QuantileHead, Units, make_head
from gatecast.model.losses import LOSSES

pytestmark = pytest.mark.usefixtures("one_thread")
DISTRIBUTIONS = sorted(name for name, loss in LOSSES.items() if loss.kind == "likelihood")
UNITS = Units(torch.tensor(20.0), torch.tensor(5.0))
Levels = st.lists(st.integers(1, 99).map(lambda n: n / 100), min_size=1, max_size=9, unique=True)


@settings(max_examples=100, deadline=None)
@given(Levels, st.integers(0, 10**6), st.sampled_from([0.1, 3.0, 100.0]))
def test_quantiles_never_cross(levels: list[float], seed: int, size: float) -> None:
    head = make_head("pinball", levels)
    raw = torch.randn(50, head.raws, generator=torch.Generator().manual_seed(seed)) * size
    out = head.outputs(raw)
    assert head.quantiles == tuple(sorted(levels))
    assert out.shape == (50, len(levels))
    assert (out.diff(dim=-1) >= 0).all()
    middle = int(np.argmin(np.abs(np.array(head.quantiles) - 0.5)))
    assert torch.equal(out[:, middle], raw[:, 0])


@settings(max_examples=50, deadline=None)
@given(Levels, st.integers(0, 10**6))
def test_pinball_is_its_definition_with_the_weights_of_the_levels(levels: list[float], seed: int) -> None:
    head = make_head("pinball", levels)
    generator = torch.Generator().manual_seed(seed)
    raw, truth = torch.randn(7, head.raws, generator=generator), torch.randn(7, generator=generator)
    loss = head.loss(raw, truth)
    for row in range(7):
        total = weights = 0.0
        for level, forecast in zip(head.quantiles, head.outputs(raw)[row].tolist(), strict=True):
            y = float(truth[row])
            weight = 1.0 if forecast == float(raw[row, 0]) else 0.1  # the middle one is the first raw output
            total += weight * (level * (y - forecast) if y >= forecast else (1 - level) * (forecast - y))
            weights += weight
        assert float(loss[row]) == pytest.approx(total / weights, abs=1e-5)


def test_the_middle_level_weighs_ten_times_as_much_as_any_other() -> None:
    """Outputs 2, 3, 4 for the levels 0.1, 0.5, 0.9, worked out by hand; the sum of the weights is 1.2."""
    head = make_head("pinball", (0.1, 0.5, 0.9))
    step = math.log(math.e - 1)  # softplus gives 1
    raw, truth = torch.tensor([3.0, step, step]).repeat(2, 1), torch.tensor([6.0, 2.5])
    raw.requires_grad_(True)
    torch.testing.assert_close(head.outputs(raw), torch.tensor([[2.0, 3.0, 4.0]]).repeat(2, 1))
    loss = head.loss(raw, truth)
    above = (0.1 * 0.1 * 4 + 0.5 * 3 + 0.1 * 0.9 * 2) / 1.2
    between = (0.1 * 0.1 * 0.5 + 0.5 * 0.5 + 0.1 * 0.1 * 1.5) / 1.2
    torch.testing.assert_close(loss, torch.tensor([above, between]))
    (slope,) = torch.autograd.grad(loss.sum(), raw)
    inner = 1 - 1 / math.e  # the slope of softplus there
    location = torch.tensor([-0.01 - 0.5 - 0.09, -0.01 + 0.5 + 0.01]) / 1.2
    below, beyond = torch.tensor([0.01, 0.01]) * inner / 1.2, torch.tensor([-0.09, 0.01]) * inner / 1.2
    torch.testing.assert_close(slope, torch.stack([location, below, beyond], 1))


def test_the_middle_level_alone_has_the_plain_pinball_loss() -> None:
    raw, truth = torch.tensor([[1.0], [1.0]]), torch.tensor([3.0, 0.0])
    assert make_head("pinball", (0.5,)).loss(raw, truth).tolist() == [1.0, 0.5]


@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.5, 0.9), (0.5, 0.9), (0.01, 0.2, 0.5, 0.55, 0.99)])
def test_start_gives_the_quantiles_of_normal_variables(levels: tuple[float, ...]) -> None:
    head = make_head("pinball", levels)
    spread_Y = torch.tensor([0.01, 1.0, 30.0])
    out = head.outputs(head.start(spread_Y))
    expected = spread_Y[:, None] * torch.special.ndtri(torch.tensor(levels))
    assert torch.allclose(out, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "function"),
    [
        ("mse", torch.nn.functional.mse_loss),
        ("mae", torch.nn.functional.l1_loss),
        ("huber", torch.nn.functional.huber_loss),
    ],
)
def test_point_losses_are_those_of_torch(loss: str, function: torch.nn.Module) -> None:
    head = make_head(loss, (0.1, 0.5, 0.9))
    assert head.quantiles == (0.5,)
    assert head.raws == 1
    raw, truth = torch.randn(20, 3, 1) * 3, torch.randn(20, 3)
    assert torch.allclose(head.loss(raw, truth), function(raw[..., 0], truth, reduction="none"))
    assert torch.equal(head.outputs(raw), raw)
    assert head.start(torch.ones(4)).tolist() == [[0.0]] * 4


@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.5, 0.9), (0.5, 0.9), (0.01, 0.2, 0.5, 0.55, 0.99)])
def test_the_gradient_of_the_pinball_loss_is_that_of_autograd(levels: tuple[float, ...]) -> None:
    head = make_head("pinball", levels)
    raw = torch.randn(6, 3, len(levels), dtype=torch.float64, generator=torch.manual_seed(0)).requires_grad_()
    truth, weight = torch.randn(6, 3, dtype=torch.float64), torch.rand(6, 3, dtype=torch.float64)
    error, level = truth[..., None] - head.outputs(raw), torch.tensor(levels, dtype=torch.float64)
    weights = torch.where(level == 0.5, 1.0, 0.1).double()
    wanted = (torch.maximum(level * error, (level - 1) * error) * weights).sum(-1) / weights.sum()
    torch.testing.assert_close(head.loss(raw, truth), wanted)
    (by_autograd,) = torch.autograd.grad((wanted * weight).sum(), raw)
    (in_one_go,) = torch.autograd.grad((head.loss(raw, truth) * weight).sum(), raw)
    torch.testing.assert_close(in_one_go, by_autograd)


# ---------------------------------------------------------------- distributions


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DISTRIBUTIONS), Levels, st.integers(0, 10**6), st.sampled_from([0.1, 3.0, 100.0, 1e6]))
def test_quantiles_of_distributions_never_cross(loss: str, levels: list[float], seed: int, size: float) -> None:
    head = make_head(loss, levels)
    raw = torch.randn(4, 5, head.raws, generator=torch.Generator().manual_seed(seed)) * size
    out = head.outputs(raw, UNITS)
    assert out.shape == (4, 5, len(levels))
    assert out.dtype == raw.dtype
    assert torch.isfinite(out).all()
    assert (out.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("loss", DISTRIBUTIONS)
@pytest.mark.parametrize("size", [1.0, 1e3, 1e10, 1e30])
def test_wild_raw_outputs_and_truths_have_finite_losses_and_gradients(loss: str, size: float) -> None:
    head = make_head(loss, (0.1, 0.5, 0.9))
    raw = torch.randn(200, head.raws, generator=torch.Generator().manual_seed(0)) * size
    raw[:50, 1:] *= 1 / size
    raw.requires_grad_(True)
    truth = torch.randn(200, generator=torch.Generator().manual_seed(1)) * min(size, 1e6)
    value = head.loss(raw, truth, UNITS)
    (gradient,) = torch.autograd.grad(value.sum(), raw)
    assert torch.isfinite(value).all()
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(("loss", "tolerance"), [("gaussian", 0.02), ("student-t", 0.15)])
def test_start_of_a_distribution_is_about_normal(loss: str, tolerance: float) -> None:
    levels = (0.025, 0.1, 0.5, 0.9, 0.975)
    head = make_head(loss, levels)
    spread_Y = torch.tensor([0.01, 1.0, 30.0])
    expected = spread_Y[:, None] * torch.special.ndtri(torch.tensor(levels))
    assert torch.allclose(head.outputs(head.start(spread_Y)), expected, rtol=tolerance, atol=1e-6)


def test_gaussian_and_student_t_are_their_definitions() -> None:
    stats = pytest.importorskip("scipy.stats")
    levels = (0.01, 0.3, 0.5, 0.99)
    raw = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    truth = torch.randn(50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    location, wide, tail = raw.numpy().T
    scale, dof = np.log1p(np.exp(wide)) + 1e-4, 2 + np.log1p(np.exp(tail))
    for loss, shape, law in (
        ("gaussian", 2, stats.norm(location, scale)),
        ("student-t", 3, stats.t(dof, location, scale)),
    ):
        head = make_head(loss, levels)
        assert head.loss(raw[:, :shape], truth).numpy() == pytest.approx(-law.logpdf(truth.numpy()), rel=1e-6)
        found = head.outputs(raw[:, :shape]).numpy()
        assert found == pytest.approx(np.stack([law.ppf(level) for level in levels], 1), rel=1e-5)
        assert found[:, 2] == pytest.approx(location)


def test_counts_have_the_mean_and_the_variance_that_the_raw_outputs_say() -> None:
    stats = pytest.importorskip("scipy.stats")
    levels = (0.05, 0.5, 0.95)
    head = make_head("negative-binomial", levels)
    raw = torch.tensor([[0.0, 0.3], [-3.0, 1.0], [-4.2, -1.0], [5.0, -9.0]], dtype=torch.float64)
    location = 20 + 5 * raw[:, 0].numpy()
    mean = 0.5 * np.log1p(np.exp(location / 0.5))
    variance = mean + (5 * np.log1p(np.exp(raw[:, 1].numpy()))) ** 2
    size = 1e-3 + np.minimum(mean**2 / (variance - mean), np.exp(14))
    law = stats.nbinom(size, size / (size + mean))
    count = np.array([18.0, 9.0, 0.0, 50.0])
    truth = torch.tensor((count + 0.3 - 20) / 5)  # rounded to whole numbers
    assert head.loss(raw, truth, UNITS).numpy() == pytest.approx(-law.logpmf(count), rel=1e-5)
    found = 20 + 5 * head.outputs(raw, UNITS).numpy()
    assert found == pytest.approx(np.stack([law.ppf(level) for level in levels], 1), abs=1e-6)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != "negative-binomial"])
def test_only_counts_look_at_the_units(loss: str) -> None:
    head = make_head(loss, (0.1, 0.5, 0.9))
    raw, truth = torch.randn(5, head.raws), torch.randn(5)
    assert torch.equal(head.outputs(raw), head.outputs(raw, UNITS))
    assert torch.equal(head.loss(raw, truth), head.loss(raw, truth, UNITS))
    assert not head.counts


# ---------------------------------------------------------------- settings


def test_order_of_the_levels_does_not_matter() -> None:
    assert QuantileHead((0.9, 0.1, 0.5)).quantiles == (0.1, 0.5, 0.9)


@pytest.mark.parametrize("levels", [(), (0.0, 0.5), (0.5, 1.0), (0.5, 0.5), (float("nan"),)])
def test_wrong_levels_are_told(levels: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="different numbers between 0 and 1"):
        make_head("pinball", levels)


def test_unknown_loss_is_told() -> None:
    with pytest.raises(ConfigError, match="did you mean 'pinball'"):
        make_head("pinbal", (0.5,))
