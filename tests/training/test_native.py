"""The native engine against its oracle, the torch engine."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from gatecast.model.config import LSTMConfig
from gatecast.model.heads import Head, QuantileHead, Units, make_head
from gatecast.model.lstm import LSTMNetwork
from gatecast.nn import kernels
from gatecast.training.batch import BatchRun, TensorBatch
from gatecast.training.config import TrainingConfig
from gatecast.training.engine import TorchEngine
from gatecast.training.native import NativeEngine, make_engine, serves

needs_kernels = pytest.mark.skipif(kernels.load() is None, reason=f"the extension is not there: {kernels.reason()}")

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)


def network(
    head: Head, *, features: int = 2, horizon: int = 3, targets: int = 2, future: int = 0, seed: int = 1, **sizes: int
) -> LSTMNetwork:
    torch.manual_seed(seed)
    return LSTMNetwork(LSTMConfig(**({"hidden_size": 20} | sizes)), features, horizon, targets, head.raws, future)


def run_of(net: LSTMNetwork, lookback: int, origins: int, sizes: tuple[int, ...], known: float = 1.0) -> BatchRun:
    torch.manual_seed(2)
    rows, features = sum(sizes), net.lstm.input_size // net.config.patch
    target_BKHC = torch.randn(rows, origins, *net.shape[:2])
    weight = None if known == 1 else (torch.rand_like(target_BKHC) < known).float()
    context_BLF = torch.randn(rows, lookback, features)
    channels = 0 if net.steps is None else net.steps.from_future.in_features
    future_BKHF = torch.randn(rows, origins, net.shape[0], channels) if channels else None
    return BatchRun(TensorBatch(context_BLF, future_BKHF, target_BKHC, weight), sizes)


@pytest.fixture(params=[] if kernels.load() is None else kernels.load().variants())  # type: ignore[union-attr]
def variant(request: pytest.FixtureRequest) -> Iterator[str]:
    extension = kernels.load()
    assert extension is not None
    before = extension.variant()
    extension.use(request.param)
    yield request.param
    extension.use(before)


CASES = {
    "mse, sgd": ({"loss": "mse", "optimizer": "sgd", "clip": None, "weight_decay": 0.1}, {}, 12, 1, 1.0),
    "several origins": ({"loss": "pinball", "optimizer": "adam"}, {"readout": 4}, 12, 4, 1.0),
    "every step": (
        {"loss": "huber", "optimizer": "adamw", "weight_decay": 0.1},
        {"readout": 0, "skip": 5},
        12,
        12,
        0.7,
    ),
    "more origins than windows": ({"loss": "mse", "optimizer": "sgd"}, {"readout": 30, "skip": 3}, 40, 30, 0.5),
    "two layers, skip": ({"loss": "pinball", "optimizer": "adamw"}, {"num_layers": 2, "skip": 8}, 12, 1, 0.7),
    "skip longer than lookback": ({"loss": "pinball", "optimizer": "sgd"}, {"readout": 3, "skip": 8}, 5, 3, 1.0),
    "patches": ({"loss": "huber", "optimizer": "adam", "weight_decay": 0.1}, {"patch": 3, "skip": 8}, 13, 1, 1.0),
    "large units": ({"loss": "pinball", "optimizer": "adam"}, {"hidden_size": 70}, 6, 1, 1.0),
    "one unit, one step": ({"loss": "mse", "optimizer": "adam"}, {"hidden_size": 1}, 1, 1, 1.0),
    "future": ({"loss": "mse", "optimizer": "sgd", "clip": None}, {"future": 1, "targets": 1}, 12, 1, 1.0),
    "future, several origins": (
        {"loss": "pinball", "optimizer": "sgd"},
        {"future": 3, "readout": 4, "horizon": 5},
        12,
        4,
        1.0,
    ),
    "future, every step, two chunks of several blocks": (
        {"loss": "pinball", "optimizer": "adamw", "weight_decay": 0.1},
        {"future": 2, "readout": 0, "skip": 5, "horizon": 7, "hidden_size": 41},
        13,
        13,
        0.7,
    ),
    "future, steps that fill more than a block": (
        {"loss": "mae", "optimizer": "sgd"},
        {"future": 7, "skip": 3, "horizon": 300, "targets": 1, "hidden_size": 40},
        12,
        1,
        0.5,
    ),
    "future, patches, two layers": (
        {"loss": "pinball", "optimizer": "adam"},
        {"future": 1, "patch": 3, "num_layers": 2, "targets": 3, "horizon": 2},
        13,
        1,
        1.0,
    ),
}


@needs_kernels
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_steps_are_those_of_the_torch_engine(
    case: tuple[dict[str, object], dict[str, int], int, int, float], variant: str
) -> None:
    settings, sizes, lookback, origins, known = case
    training = TrainingConfig(track_mae=True, **settings)  # type: ignore[arg-type]
    head = make_head(training.loss, LEVELS)
    net = network(head, **sizes)
    native, oracle = NativeEngine(copy.deepcopy(net), head, training, 2), TorchEngine(net, head, training)
    run = run_of(net, lookback, origins, (9, 9, 9, 7), known)
    rates = [0.01, 0.02, 0.01, 0.005]
    got, expected = native.take_steps(run, rates, math.inf), oracle.take_steps(run, rates, math.inf)
    assert got.errors is not None
    assert expected.errors is not None
    torch.testing.assert_close(got.losses, expected.losses, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(got.errors, expected.errors, rtol=1e-5, atol=1e-6)
    values, truth = native.parameters.values.detach(), oracle.parameters.values.detach()
    assert (values - truth).abs().max() < 5e-5, "Adam divides by small numbers: some room"
    assert not torch.equal(truth, torch.cat([p.reshape(-1) for p in network(head, **sizes).parameters()]))


@needs_kernels
@pytest.mark.parametrize("loss", ["mse", "huber", "pinball"])
@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.9), (0.2, 0.3, 0.4, 0.5), LEVELS])
@pytest.mark.parametrize("future", [0, 2])
def test_gradient_is_that_of_autograd(loss: str, levels: tuple[float, ...], future: int) -> None:
    training = TrainingConfig(loss=loss, optimizer="sgd", momentum=0.0, clip=None)  # type: ignore[arg-type]
    head = make_head(loss, levels)
    net = network(head, skip=4, readout=3, future=future)
    native, oracle = NativeEngine(copy.deepcopy(net), head, training, 1), TorchEngine(net, head, training)
    run = run_of(net, 9, 3, (8,), 0.6)
    before = native.parameters.copy()
    native.take_steps(run, [0.5], math.inf)
    oracle.value_and_grad(run.batch)
    gradient = oracle.parameters.gradient
    torch.testing.assert_close(native.parameters.gradient, gradient, rtol=1e-4, atol=1e-6 * float(gradient.abs().max()))
    torch.testing.assert_close(native.parameters.copy(), before - 0.5 * native.parameters.gradient)
    for (name, got), (_, truth) in zip(
        native.network.named_parameters(), oracle.network.named_parameters(), strict=True
    ):
        assert got.grad is not None
        assert truth.grad is not None
        largest = float(truth.grad.abs().max())
        assert (got.grad - truth.grad).abs().max() <= 1e-4 * largest, (
            f"{name}: a small gradient hides behind large ones"
        )


class PlainQuantileHead(QuantileHead):
    """The loss as it is written down, left to torch's autograd."""

    def loss(self, raw: torch.Tensor, target: torch.Tensor, units: Units | None = None) -> torch.Tensor:
        outputs, level = self.outputs(raw), torch.tensor(self.quantiles)
        error = target[..., None] - outputs
        weights = torch.full((self.raws,), 0.1)
        weights[(level - 0.5).abs().argmin()] = 1.0
        return (torch.maximum(level * error, (level - 1) * error) * weights).sum(-1) / weights.sum()


@needs_kernels
@pytest.mark.parametrize("levels", [(0.5,), (0.5, 0.9), (0.1, 0.2, 0.5), LEVELS])
def test_the_kernels_weigh_the_levels_as_they_are_said_to(levels: tuple[float, ...], variant: str) -> None:
    training = TrainingConfig(loss="pinball", optimizer="sgd", momentum=0.0, clip=None)
    head = PlainQuantileHead(levels)
    net = network(head, skip=4, readout=3)
    native, oracle = NativeEngine(copy.deepcopy(net), head, training, 1), TorchEngine(net, head, training)
    run = run_of(net, 9, 3, (9,), 0.6)
    taken = native.take_steps(run, [0.0], math.inf)
    loss, _, _ = oracle.value_and_grad(run.batch)
    torch.testing.assert_close(taken.losses[0], loss, rtol=1e-5, atol=1e-6)
    gradient = oracle.parameters.gradient
    torch.testing.assert_close(native.parameters.gradient, gradient, rtol=1e-4, atol=1e-6 * float(gradient.abs().max()))


@needs_kernels
def test_clipping_shrinks_the_update_to_its_bound() -> None:
    head = make_head("mse", (0.5,))
    moved = []
    for clip in (None, 1e-3):
        net = network(head)
        engine = NativeEngine(net, head, TrainingConfig(loss="mse", optimizer="sgd", clip=clip), 1)
        before = engine.parameters.copy()
        engine.take_steps(run_of(net, 6, 1, (8,)), [1.0], math.inf)
        moved.append(engine.parameters.copy() - before)
    assert torch.linalg.vector_norm(moved[1]) == pytest.approx(1e-3, rel=1e-3)
    cosine = torch.nn.functional.cosine_similarity(moved[0], moved[1], dim=0)
    assert float(cosine) == pytest.approx(1, abs=1e-5)


@needs_kernels
@pytest.mark.parametrize("future", [0, 1])
def test_many_steps_stay_with_torch(future: int) -> None:
    """A loss curve of 200 steps: the same to 1e-4."""
    head = make_head("mse", (0.5,))
    training = TrainingConfig(loss="mse", optimizer="adam", clip=1.0)
    horizon = 3 if future else 1
    net = network(head, features=1, horizon=horizon, targets=1, hidden_size=16, future=future)
    native, oracle = NativeEngine(copy.deepcopy(net), head, training, 2), TorchEngine(net, head, training)
    t = torch.arange(3200 * 8).float()
    context = torch.sin(0.1 * t).view(3200, 8, 1)
    future_BKHF = torch.randn(3200, 1, horizon, 1, generator=torch.Generator().manual_seed(0)) if future else None
    target = torch.sin(0.1 * (t.view(3200, 8)[:, -1:] + 3 + torch.arange(horizon))).view(3200, 1, horizon, 1)
    if future_BKHF is not None:
        target = target + future_BKHF * (context[:, -1:, None] > 0)
    run = BatchRun(TensorBatch(context, future_BKHF, target, None), (16,) * 200)
    curves = [engine.take_steps(run, [1e-3] * 200, math.inf).losses for engine in (native, oracle)]
    assert (curves[0] - curves[1]).abs().max() < 1e-4
    assert curves[0][-20:].mean() < (0.6 if future else 0.5) * curves[0][:20].mean(), "future covariates are harder"


@needs_kernels
@pytest.mark.parametrize("future", [0, 2])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_same_seed_same_bytes(threads: int, future: int) -> None:
    head = make_head("pinball", LEVELS)
    training = TrainingConfig(seed=4)
    found = []
    for _ in range(2):
        net = network(head, num_layers=2, hidden_size=40, future=future)
        net.lstm.dropout = 0.3
        engine = NativeEngine(net, head, training, threads)
        engine.take_steps(run_of(net, 30, 1, (64,) * 4), [0.01] * 4, math.inf)
        found.append(engine.parameters.copy())
    assert torch.equal(*found)
    other = NativeEngine(network(head, num_layers=2, hidden_size=40, future=future), head, training, threads)
    other.take_steps(run_of(other.network, 30, 1, (64,) * 4), [0.01] * 4, math.inf)
    assert not torch.equal(found[0], other.parameters.copy()), "dropout does nothing"


@needs_kernels
def test_dropout_of_another_seed_is_another_one() -> None:
    head = make_head("mse", (0.5,))
    losses = []
    for seed in (0, 0, 1):
        net = network(head, num_layers=2)
        net.lstm.dropout = 0.5
        run = run_of(net, 10, 1, (32,))
        training = TrainingConfig(loss="mse", seed=seed)
        losses.append(float(NativeEngine(net, head, training, 1).take_steps(run, [0.0], math.inf).losses[0]))
    assert losses[0] == losses[1] != losses[2]


@needs_kernels
def test_a_step_in_several_calls_is_the_same_as_in_one() -> None:
    head, training = make_head("pinball", LEVELS), TrainingConfig()
    one, many = (NativeEngine(network(head), head, training, 1) for _ in range(2))
    run = run_of(one.network, 10, 1, (9, 9, 5, 9))
    rates = [0.01, 0.02, 0.03, 0.04]
    losses = [one.take_steps(run, rates, math.inf).losses]
    for batch, rate in zip(run.batches(), rates, strict=True):
        many.take_steps(BatchRun(batch, (len(batch.context_BLF),)), [rate], math.inf)
    assert torch.equal(one.parameters.copy(), many.parameters.copy())
    assert len(losses[0]) == 4


@needs_kernels
def test_the_deadline_ends_a_run_after_the_step_that_meets_it() -> None:
    head = make_head("mse", (0.5,))
    engine = NativeEngine(network(head), head, TrainingConfig(loss="mse"), 1)
    taken = engine.take_steps(run_of(engine.network, 10, 1, (9,) * 5), [0.01] * 5, time.monotonic() - 1)
    assert len(taken.losses) == engine.step == 1


@needs_kernels
def test_what_the_kernels_do_not_know_is_left_to_torch() -> None:
    quantiles, point = make_head("pinball", LEVELS), make_head("mse", (0.5,))
    assert serves(network(quantiles), quantiles)
    assert serves(network(quantiles, future=1), quantiles)
    assert not serves(network(point).double(), point)
    assert not serves(network(make_head("gaussian", LEVELS)), make_head("gaussian", LEVELS))
    assert not serves(LSTMNetwork(LSTMConfig(bidirectional=True), 1, 1, 1, 1), point)
    many = make_head("pinball", tuple(np.linspace(0.01, 0.99, 65)))
    assert not serves(network(many), many)
    alike = make_head("pinball", LEVELS, side_weight=1.0)
    assert not serves(network(alike), alike)
    assert isinstance(make_engine(network(point), point, TrainingConfig(loss="mse")), NativeEngine)


@needs_kernels
def test_a_step_readout_without_future_covariates_is_refused() -> None:
    head = make_head("mse", (0.5,))
    engine = NativeEngine(network(head, future=1), head, TrainingConfig(loss="mse"), 1)
    run = run_of(network(head), 10, 1, (9,))
    with pytest.raises(ValueError, match="future covariates are needed"):
        engine.take_steps(run, [0.01], math.inf)


def test_without_the_extension_torch_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.training.native.load", lambda: None)
    head = make_head("mse", (0.5,))
    assert isinstance(make_engine(network(head), head, TrainingConfig(loss="mse")), TorchEngine)


@needs_kernels
def test_the_number_of_threads_changes_no_byte() -> None:
    head = make_head("pinball", LEVELS)
    training = TrainingConfig()
    net = network(head, hidden_size=32)
    run = run_of(net, 40, 8, (64, 64, 48), 1.0)
    engines = [NativeEngine(copy.deepcopy(net), head, training, threads) for threads in (1, 2, 3)]
    losses = [engine.take_steps(run, [0.01] * 3, math.inf).losses for engine in engines]
    assert next(iter(engines[0]._parts.values())) > 3, "the batch is parted"
    for engine, loss in zip(engines[1:], losses[1:], strict=True):
        assert torch.equal(loss, losses[0])
        assert torch.equal(engine.parameters.values, engines[0].parameters.values)
