"""The training loop: what it keeps, when it stops, and what it leaves as it was."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, TrainingError
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.model.heads import make_head
from gatecast.model.lstm import LSTMNetwork
from gatecast.progress import Silent
from gatecast.training.batch import BatchRun, TensorBatch
from gatecast.training.config import TrainingConfig
from gatecast.training.device import computing, pick_device
from gatecast.training.engine import FlatParameters, TorchEngine, masked_mean
from gatecast.training.loop import Loop, Record, Row, train

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = TrainingConfig(
    loss="mse", optimizer="adam", lr=0.02, schedule="constant", clip=None, max_epochs=5, start="random"
)


def batch(seed: int, spoil: float = 0.0, weight: torch.Tensor | None = None) -> TensorBatch:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(8, 6, 1, generator=generator)
    return TensorBatch(x, None, x[:, -1:, :, None] * 0.5 + spoil, weight)


@dataclass
class Batches:
    """Always the same batches; ``spoiled`` names the step (from 1) whose truth is no number."""

    count: int = 3
    spoiled: int = 0
    given: int = 0

    def steps(self) -> int:
        return self.count

    def runs(self, rng: np.random.Generator) -> Iterator[BatchRun]:
        for k in range(self.count):
            self.given += 1
            one = batch(k, math.nan if self.given == self.spoiled else 0.0)
            yield BatchRun(one, (len(one.context_BLF),))


def engine(seed: int = 0, clip: float | None = None, track_mae: bool = False) -> TorchEngine:
    torch.manual_seed(seed)
    network = LSTMNetwork(LSTMConfig(hidden_size=3), features=1, horizon=1, targets=1, raws=1)
    return TorchEngine(network, make_head("mse", (0.5,)), TrainingConfig(clip=clip, track_mae=track_mae))


def weights(of: TorchEngine) -> bytes:
    return bytes(of.parameters.copy().numpy().tobytes())


def checks(errors: list[float], monkeypatch: pytest.MonkeyPatch, of: TorchEngine) -> list[bytes]:
    """Make the validation error of epoch 0, 1, .. a given number; returns the weights at each."""
    seen: list[bytes] = []

    def told(_: TensorBatch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        seen.append(weights(of))
        error = torch.tensor(errors[len(seen) - 1])
        return error, error, torch.tensor(1.0)

    monkeypatch.setattr(of, "errors", told)
    return seen


# ---------------------------------------------------------------- flat parameters and one step


def test_parameters_and_gradients_are_views_of_one_tensor() -> None:
    net = engine()
    flat = net.parameters
    assert flat.values.numel() == sum(p.numel() for p in net.network.parameters())
    for p in net.network.parameters():
        assert p.grad is not None
        assert p.untyped_storage().data_ptr() == flat.values.untyped_storage().data_ptr()
        assert p.grad.untyped_storage().data_ptr() == flat.gradient.untyped_storage().data_ptr()
    net.value_and_grad(batch(0))
    gradients = torch.cat([p.grad.reshape(-1) for p in net.network.parameters() if p.grad is not None])
    assert torch.equal(gradients, flat.gradient)
    assert (flat.gradient != 0).any()
    with torch.no_grad():
        flat.values.add_(1)
    assert torch.equal(torch.cat([p.detach().reshape(-1) for p in net.network.parameters()]), flat.values.detach())


def test_value_and_gradient_are_those_of_plain_autograd() -> None:
    net = engine()
    torch.manual_seed(0)
    plain = LSTMNetwork(LSTMConfig(hidden_size=3), features=1, horizon=1, targets=1, raws=1)
    out, _ = plain(batch(0).context_BLF)
    loss = ((out[..., 0] - batch(0).target_BKHC) ** 2).mean()
    loss.backward()
    for _ in range(2):  # the gradient is that of the last call alone
        value, norm, error = net.value_and_grad(batch(0))
    expected = torch.cat([p.grad.reshape(-1) for p in plain.parameters() if p.grad is not None])
    assert torch.allclose(value, loss)
    assert torch.allclose(net.parameters.gradient, expected, atol=1e-6)
    assert norm == pytest.approx(float(torch.linalg.vector_norm(expected)))
    assert error is None


def test_clipping_bounds_the_norm_and_keeps_the_direction() -> None:
    free, clipped, loose = engine(), engine(clip=0.01), engine(clip=1e6)
    for net in (free, clipped, loose):
        net.value_and_grad(batch(0, spoil=3))
    gradient = free.parameters.gradient
    assert torch.linalg.vector_norm(clipped.parameters.gradient) == pytest.approx(0.01, rel=1e-3)
    assert torch.allclose(clipped.parameters.gradient / 0.01, gradient / torch.linalg.vector_norm(gradient), atol=1e-3)
    assert torch.equal(loose.parameters.gradient, gradient)


def test_unknown_truths_count_for_nothing() -> None:
    values, known = torch.tensor([1.0, 5.0, 9.0]), torch.tensor([1.0, 0.0, 1.0])
    assert masked_mean(values, known) == 5
    assert masked_mean(values, None) == 5
    assert masked_mean(values, torch.zeros(3)) == 0
    net, weight = engine(), torch.ones(8, 1, 1, 1)
    weight[3:] = 0
    wild = replace(batch(0, weight=weight), target_BKHC=torch.where(weight > 0, batch(0).target_BKHC, 1e6))
    value, _, _ = net.value_and_grad(wild)
    out, _ = net.network(batch(0).context_BLF[:3])
    assert torch.allclose(value, ((out[..., 0] - batch(0).target_BKHC[:3]) ** 2).mean())


def test_nothing_is_trained_that_is_solved_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is only rounding cannot get better: one epoch for the history, and the start stays."""
    for errors, epochs in (([5e-7, 0.1, 0.1], 1), ([0.2, 5e-7, 0.1], 1), ([0.2, 0.1, 2e-6, 0.3], 3)):
        of = engine()
        seen = checks(errors, monkeypatch, of)
        record = train(of, Batches(2), TrainingConfig(loss="mse", max_epochs=3), validation=lambda: [batch(0)])
        assert len(record.history) == epochs
        assert weights(of) == seen[int(np.argmin(errors[: epochs + 1]))]


def test_flat_parameters_come_back() -> None:
    flat = FlatParameters(engine().network)
    before = flat.copy()
    with torch.no_grad():
        flat.values.mul_(3)
    assert not torch.equal(flat.copy(), before)
    flat.restore(before)
    assert torch.equal(flat.copy(), before)


# ---------------------------------------------------------------- what is kept


def test_it_learns_and_tells_its_history() -> None:
    net = engine(track_mae=True)
    told: list[tuple[Row, int]] = []
    record = train(
        net, Batches(), replace(CONFIG, max_epochs=7, log_every=3), report=lambda row, most: told.append((row, most))
    )
    assert [row["epoch"] for row in record.history] == [1, 3, 6, 7]
    assert [row["epoch"] for row, _ in told] == list(range(1, 8))
    assert {most for _, most in told} == {7}
    assert record.history[-1]["train_loss"] < record.history[0]["train_loss"]
    assert {"epoch", "train_loss", "train_mae", "lr", "seconds"} <= set(record.history[0])
    assert record.best_epoch == 7
    assert not net.network.training


def test_the_best_weights_are_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    net = engine()
    seen = checks([9, 5, 3, 4, 3, 8], monkeypatch, net)
    record = train(net, Batches(), CONFIG, validation=lambda: [batch(9)])
    assert (record.best_epoch, record.best_error) == (2, 3)
    assert record.validation == [9, 5, 3, 4, 3, 8]
    assert weights(net) == seen[2]
    assert len(set(seen)) == 6


def test_the_last_weights_stay_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    net = engine()
    seen = checks([9, 5, 3, 4, 3, 8], monkeypatch, net)
    record = train(net, Batches(), replace(CONFIG, restore_best=False), validation=lambda: [batch(9)])
    assert record.best_epoch == 5
    assert weights(net) == seen[5]


def test_a_start_that_is_never_beaten_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    net = engine()
    before = weights(net)
    checks([1, 2, 2, 2, 2, 2], monkeypatch, net)
    assert train(net, Batches(), CONFIG, validation=lambda: [batch(9)]).best_epoch == 0
    assert weights(net) == before


def test_early_stopping_waits_for_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    net = engine()
    seen = checks([9, 5, 6, 4, 5, 5, 5, 1], monkeypatch, net)
    record = train(net, Batches(), replace(CONFIG, max_epochs=50, patience=3), validation=lambda: [batch(9)])
    assert len(seen) == 7
    assert record.best_epoch == 3


def test_training_stops_below_a_loss() -> None:
    whole = train(engine(), Batches(), replace(CONFIG, max_epochs=40)).history
    limit = whole[19]["train_loss"]
    short = train(engine(), Batches(), replace(CONFIG, max_epochs=40, stop_below=limit * 1.0001)).history
    assert short[-1]["train_loss"] < limit * 1.0001
    assert all(row["train_loss"] >= limit * 1.0001 for row in short[:-1])
    assert len(short) < 40


def test_until_ends_early_on_the_same_path() -> None:
    config = replace(CONFIG, schedule="cosine")
    whole, part = engine(), engine()
    record = train(whole, Batches(), config)
    shorter = train(part, Batches(), config, until=3)
    assert len(shorter.history) == 3
    assert [r["train_loss"] for r in shorter.history] == [r["train_loss"] for r in record.history[:3]]
    none = engine()
    before = weights(none)
    assert train(none, Batches(), config, until=0).history == []
    assert weights(none) == before


def test_monitor_decides_which_error_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for monitor, best in (("loss", 1), ("mae", 2)):
        net = engine()
        values = iter([(9.0, 9.0), (1.0, 5.0), (2.0, 3.0)])
        one = torch.tensor(1.0)
        monkeypatch.setattr(net, "errors", lambda _: (*map(torch.tensor, next(values)), one))  # noqa: B023
        config = replace(CONFIG, max_epochs=2, monitor=monitor)  # type: ignore[arg-type]
        assert train(net, Batches(), config, validation=lambda: [batch(9)]).best_epoch == best


def test_validation_error_is_the_mean_over_all_known_truths() -> None:
    net, weight = engine(), torch.ones(8, 1, 1, 1)
    weight[2:] = 0
    parts = [batch(1), batch(2, weight=weight)]
    record = train(net, Batches(), replace(CONFIG, max_epochs=0), validation=lambda: parts)
    with torch.no_grad():
        one = (net.network(parts[0].context_BLF)[0][..., 0] - parts[0].target_BKHC) ** 2
        two = (net.network(parts[1].context_BLF)[0][..., 0] - parts[1].target_BKHC)[:2] ** 2
    assert record.validation == [pytest.approx(float(torch.cat([one, two]).mean()), rel=1e-5)]


# ---------------------------------------------------------------- when it goes wrong


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_loss_that_is_no_number_is_told_with_its_step_and_a_remedy(
    monkeypatch: pytest.MonkeyPatch, clip: float | None
) -> None:
    net = engine(clip=clip)
    checks([9, 5, 6, 7], monkeypatch, net)
    with pytest.raises(
        TrainingError, match=r"became nan at step 11 \(lr 0.02.*Lower lr or set clip, and train again\.$"
    ):
        train(net, Batches(spoiled=11), CONFIG, validation=lambda: [batch(9)])


def test_a_stop_keeps_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    net = engine()
    seen = checks([9, 5, 3, 4], monkeypatch, net)
    rows: list[Row] = []
    record = train(
        net, Batches(), CONFIG, validation=lambda: [batch(9)],
        report=lambda row, _: rows.append(row), stop=lambda: len(rows) == 3,
    )  # fmt: skip
    assert record.interrupted
    assert record.best_epoch == 2
    assert weights(net) == seen[2]
    assert [row["epoch"] for row in record.history] == [1, 2, 3]
    assert not net.network.training


@pytest.mark.parametrize("restore", [True, False])
def test_a_stop_within_an_epoch_leaves_no_half_of_it_in_the_history(
    monkeypatch: pytest.MonkeyPatch, restore: bool
) -> None:
    net, source = engine(), Batches()
    seen = checks([9, 5, 3], monkeypatch, net)
    config = replace(CONFIG, restore_best=restore)
    record = train(net, source, config, validation=lambda: [batch(9)], stop=lambda: source.given >= 8)
    assert record.interrupted
    assert source.given == 8, "two of the three batches of the third epoch; the stop is seen before the last one"
    assert (record.best_epoch, record.validation) == (2, [9, 5, 3])
    assert [row["epoch"] for row in record.history] == [1, 2]
    assert (weights(net) == seen[2]) is restore


def test_a_stop_before_the_first_step_leaves_the_start() -> None:
    net = engine()
    before = weights(net)
    record = train(net, Batches(), CONFIG, stop=lambda: True)
    assert (record.interrupted, record.best_epoch, record.history) == (True, 0, [])
    assert weights(net) == before


def test_the_deadline_ends_the_training_after_one_step_at_least() -> None:
    source = Batches()
    record = train(engine(), source, replace(CONFIG, max_epochs=10**6), deadline=time.monotonic() + 0.2)
    assert record.out_of_time
    assert 0 < len(record.history) < 10**5
    late = Batches()
    assert train(engine(), late, CONFIG, deadline=0.0).out_of_time
    assert late.given == 1


@pytest.mark.parametrize(("training_run", "at_epoch"), [(1, 2), (2, 0), (2, 1)])
def test_stopping_a_fit_leaves_a_model_that_forecasts(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, training_run: int, at_epoch: int
) -> None:
    """A stop in the second training, on all data, gives back the network of the first."""
    panel = panel_of([np.random.default_rng(0).normal(size=60).cumsum()])
    options = {"lookback": 8, "scaling": "difference+standard", "members": 1, "progress": False}
    training = TrainingConfig(max_epochs=3, steps_per_epoch=2, start="random", lr=0.01)

    def fitted(**more: object) -> Forecaster:
        network = LSTMConfig(hidden_size=4)
        return Forecaster(2, network=network, training=training, **options | more).fit(panel)  # type: ignore[arg-type]

    first = fitted(refit=False).predict().values_NHCQ
    listener, calls = Silent(), 0
    original = Loop.validate

    def validate(self: Loop, epoch: int) -> Row:
        nonlocal calls
        calls += epoch == 0
        if epoch == at_epoch and calls == training_run:
            listener.stop.set()
        return original(self, epoch)

    monkeypatch.setattr(Loop, "validate", validate)
    model = fitted(progress=listener)
    assert model.record_["interrupted"]
    assert np.isfinite(model.predict().values).all()
    if training_run == 2:
        assert model.predict().values_NHCQ.tobytes() == first.tobytes()
    else:
        assert [row["epoch"] for row in model.history_] == [1, 2]


# ---------------------------------------------------------------- all as it was


def denormals_flushed() -> bool:
    return float(torch.tensor(1e-200, dtype=torch.float64) * 1e-110) == 0


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_torch_is_left_as_it_was_found(flushed: bool, fails: bool) -> None:
    torch.set_flush_denormal(flushed)
    torch.set_num_threads(2)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    try:
        with computing(3, work=1.0):
            assert torch.get_num_threads() == 1
            assert denormals_flushed()
            first = torch.rand(1)
            if fails:
                raise RuntimeError("on purpose")
    except RuntimeError:
        assert fails
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == 2
    assert denormals_flushed() == flushed
    torch.manual_seed(3)
    assert torch.rand(1) == first
    torch.set_flush_denormal(False)


def test_fitting_leaves_torch_as_it_was_found(panel_of: PanelOf) -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    numbers = np.random.get_state()[1].copy()  # type: ignore[index] # noqa: NPY002
    training = TrainingConfig(max_epochs=1, steps_per_epoch=1)
    panel = panel_of([np.arange(60.0)])
    values = panel.values_RV.copy()
    Forecaster(2, lookback=6, training=training, members=1, progress=False).fit(panel).predict()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not denormals_flushed()
    assert (np.random.get_state()[1] == numbers).all()  # type: ignore[index] # noqa: NPY002
    assert np.array_equal(panel.values_RV, values)


def test_devices_are_named() -> None:
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(ConfigError, match=r"device 'tpu' is not available here. Available: auto, cpu"):
        pick_device("tpu")


def test_record_is_plain() -> None:
    assert math.isnan(Record().best_error)
    assert Record().history == []
