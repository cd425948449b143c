"""What every loss of the table has to do: its head, its gradients, its start, its names, and both engines."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest
import torch
from torch import Tensor

from gatecast.cli.options import LOSS_HELP, TrainingOptions
from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.model.heads import (
    LEAST_SCALE,
    AbsoluteHead,
    DistributionHead,
    GaussianHead,
    Head,
    PointHead,
    QuantileHead,
    SquaredHead,
    Units,
    make_head,
)
from gatecast.model.losses import LOSSES, Loss, loss_named, losses_of
from gatecast.model.networks import build_network
from gatecast.nn import kernels
from gatecast.training.batch import BatchRun, TensorBatch
from gatecast.training.config import TrainingConfig
from gatecast.training.engine import TorchEngine, masked_mean
from gatecast.training.native import NativeEngine, serves

pytestmark = pytest.mark.usefixtures("one_thread")

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
UNITS = Units(torch.tensor(50.0), torch.tensor(10.0))  # counts around 50: Poisson's law has half of this variance
SCALED: dict[str, Callable[[Tensor, float], Tensor]] = {  # the loss where truth and forecast are k times as large
    "mse": lambda loss, k: k**2 * loss,
    "mae": lambda loss, k: k * loss,
    "pinball": lambda loss, k: k * loss,
    "gaussian": lambda loss, k: loss + math.log(k),
    "student-t": lambda loss, k: loss + math.log(k),
}
OWN_SCALE = {"huber", "negative-binomial"}  # bends at an error of 1; lives in the unit of its counts


def noise(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * size


# ---------------------------------------------------------------- heads


def is_what_its_row_says(head: Head) -> None:
    row, raw = head.about, noise(7, head.raws)
    assert type(head) is row.head_class()
    assert isinstance(head, PointHead) == (row.kind == "point")
    assert isinstance(head, QuantileHead) == (row.kind == "quantile")
    assert isinstance(head, DistributionHead) == (row.kind == "likelihood")
    assert head.quantiles == ((0.5,) if row.kind == "point" else LEVELS)
    assert head.raws == row.raw_outputs(len(LEVELS))
    assert head.start(torch.ones(4)).shape == (4, head.raws)
    assert head.outputs(raw, UNITS).shape == (7, len(head.quantiles))
    assert head.loss(raw, noise(7, seed=1), UNITS).shape == (7,)


def has_finite_gradients(head: Head) -> None:
    for size in (0.0, 1.0, 1e3, 1e8):
        raw = noise(200, head.raws, size=size).requires_grad_()
        value = head.loss(raw, noise(200, seed=1, size=min(size, 1e4)), UNITS)
        (gradient,) = torch.autograd.grad(value.sum(), raw)
        assert torch.isfinite(value).all()
        assert torch.isfinite(gradient).all()


def is_least_where_truth_and_forecast_meet(head: Head) -> None:
    raw, truth = head.start(torch.ones(41)).double(), torch.linspace(-2, 2, 41).double()
    assert abs(float(truth[head.loss(raw, truth, UNITS).argmin()])) <= 0.2


def starts_as_wide_as_it_is_told(head: Head) -> None:
    spread_Y = torch.tensor([1.0]) if head.counts else torch.tensor([0.01, 1.0, 30.0])
    normal_Q = torch.special.ndtri(torch.tensor(head.quantiles, dtype=torch.float64))
    outputs_YQ = head.outputs(head.start(spread_Y).double(), UNITS)
    tolerance = {"likelihood": 0.15, "quantile": 1e-4, "point": 0.0}[head.about.kind]
    torch.testing.assert_close(outputs_YQ, spread_Y[:, None] * normal_Q, rtol=tolerance, atol=0.1 if head.counts else 0)


def has_outputs_in_order(head: Head) -> None:
    for size in (0.1, 3.0, 100.0):
        assert (head.outputs(noise(300, head.raws, size=size), UNITS).diff(dim=-1) >= 0).all()


def does_not_see_unknown_truths(head: Head) -> None:
    raw, truth, weight = noise(6, head.raws).requires_grad_(), noise(6, seed=1), torch.tensor([1.0, 0, 1, 1, 0, 1])
    found = []
    for unknown in (0.0, 1e6):
        value = masked_mean(head.loss(raw, torch.where(weight > 0, truth, unknown), UNITS), weight)
        found.append((value, torch.autograd.grad(value, raw)[0]))
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)
    assert not found[0][1][weight == 0].any()


def moves_with_its_location(head: Head) -> None:
    raw, truth = noise(50, head.raws), noise(50, seed=1)
    moved, units = raw.clone(), UNITS
    moved[:, 0] += 2.0
    if head.counts:  # the same counts, read from another centre
        units = Units(UNITS.centre - 2 * UNITS.spread, UNITS.spread)
    torch.testing.assert_close(head.outputs(moved, units), head.outputs(raw, UNITS) + 2.0)
    torch.testing.assert_close(head.loss(moved, truth + 2.0, units), head.loss(raw, truth, UNITS))


def grows_with_its_unit(head: Head) -> None:
    if head.about.name in OWN_SCALE:
        return
    raw, truth, k, least = noise(50, head.raws), noise(50, seed=1), 7.0, 0.0
    larger = raw.clone()
    larger[:, 0] *= k
    if isinstance(head, DistributionHead):
        least = LEAST_SCALE
    widths = slice(1, 2 if least else None)
    wide = k * (torch.nn.functional.softplus(raw[:, widths]) + least) - least
    larger[:, widths] = wide + torch.log(-torch.expm1(-wide))
    torch.testing.assert_close(head.outputs(larger), k * head.outputs(raw))
    torch.testing.assert_close(head.loss(larger, k * truth), SCALED[head.about.name](head.loss(raw, truth), k))


CHECKS = (
    is_what_its_row_says, has_finite_gradients, is_least_where_truth_and_forecast_meet, starts_as_wide_as_it_is_told,
    has_outputs_in_order, does_not_see_unknown_truths, moves_with_its_location, grows_with_its_unit,
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_keeps_the_contract(check: Callable[[Head], None], loss: str) -> None:
    check(make_head(loss, LEVELS))


def test_every_loss_says_how_it_scales() -> None:
    assert set(SCALED) | OWN_SCALE == set(LOSSES)


class Unlisted(GaussianHead):
    pass


class Overflowing(SquaredHead):
    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return (raw[..., 0] - target).square().exp()


class OffByOne(AbsoluteHead):
    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return (raw[..., 0] - target - 1).abs()


class HalfAsWide(GaussianHead):
    def start(self, spread_Y: Tensor) -> Tensor:
        return super().start(spread_Y / 2)


class Crossing(GaussianHead):
    def outputs(self, raw: Tensor, units: Units | None = None) -> Tensor:
        return super().outputs(raw, units).flip(-1)


class Joined(AbsoluteHead):
    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return (raw[..., 0] - target - target.mean()).abs()


class Relative(AbsoluteHead):
    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return ((raw[..., 0] - target) / (target.abs() + 1)).abs()


class Rounded(AbsoluteHead):
    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return torch.log1p((raw[..., 0] - target).abs())


FAULTS = (Unlisted, Overflowing, OffByOne, HalfAsWide, Crossing, Joined, Relative, Rounded)


@pytest.mark.parametrize(
    ("check", "fault"),
    list(zip(CHECKS, FAULTS, strict=True)),
    ids=lambda part: part.__name__,
)
def test_a_head_that_breaks_the_contract_is_caught(check: Callable[[Head], None], fault: type[Head]) -> None:
    with pytest.raises(AssertionError):
        check(fault(LEVELS))


# ---------------------------------------------------------------- engines


def trained(loss: Loss, optimizer: str = "sgd") -> tuple[Any, Head, TrainingConfig, BatchRun]:
    """A network, its head, settings, and a run of four batches; some truths are unknown."""
    torch.manual_seed(0)
    head = make_head(loss.name, LEVELS)
    net = build_network(LSTMConfig(hidden_size=8, skip=2), 2, 3, 1, head.raws)
    context_BLF = torch.randn(64, 6, 2)
    target_BKHC = context_BLF[:, -1:, :1, None] * 0.5 + 0.1 * torch.randn(64, 1, 3, 1)
    weight_BKHC = (torch.rand_like(target_BKHC) < 0.8).float()
    units = Units(torch.full((64, 1, 3, 1), 50.0), torch.full((64, 1, 1, 1), 10.0)) if loss.counts else None
    training = TrainingConfig(loss=loss.name, optimizer=optimizer, track_mae=True)  # type: ignore[arg-type]
    return net, head, training, BatchRun(TensorBatch(context_BLF, None, target_BKHC, weight_BKHC, units), (16,) * 4)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_torch_engine_trains_every_loss(loss: Loss) -> None:
    net, head, training, run = trained(loss, "adam")
    engine = TorchEngine(net, head, training)
    steps = [engine.take_steps(run, [0.01] * 4, math.inf).losses.mean() for _ in range(15)]
    assert steps[-1] < steps[0] - 0.01


@pytest.mark.skipif(kernels.load() is None, reason=f"the extension is not there: {kernels.reason()}")
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_native_engine_serves_the_losses_that_say_so_and_agrees(loss: Loss) -> None:
    net, head, training, run = trained(loss)
    assert serves(net, head) == loss.native
    if not loss.native:
        return
    native, oracle = NativeEngine(copy.deepcopy(net), head, training, 1), TorchEngine(net, head, training)
    got, expected = (engine.take_steps(run, [0.05] * 4, math.inf) for engine in (native, oracle))
    torch.testing.assert_close(got.losses, expected.losses, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(got.errors, expected.errors, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(native.parameters.copy(), oracle.parameters.copy(), rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- names


def test_settings_and_command_line_know_the_losses_of_the_table() -> None:
    assert get_args(get_type_hints(TrainingConfig)["loss"]) == tuple(LOSSES)
    assert get_args(get_type_hints(TrainingOptions)["loss"]) == tuple(LOSSES)
    assert all(f"{row.name}: {row.help}" in str(LOSS_HELP.help) for row in LOSSES.values())
    assert all(name == row.name for name, row in LOSSES.items())
    assert {*losses_of("point", "quantile", "likelihood"), *losses_of("likelihood", counts=True)} == set(LOSSES)


def test_an_unknown_loss_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"unknown loss 'pinbal' \(did you mean 'pinball'\?\)\. Known: pinball, mse"):
        TrainingConfig(loss="pinbal")
    with pytest.raises(ConfigError, match="did you mean 'student-t'"):
        loss_named("student")
