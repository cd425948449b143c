"""The ridge regression and the start that it gives a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gatecast.model.config import LSTMConfig
from gatecast.model.heads import make_head
from gatecast.model.lstm import LSTMNetwork, recent
from gatecast.training.batch import TensorBatch
from gatecast.training.ridge import PENALTIES, fit_ridge
from gatecast.training.start import ridge_start

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("harder", [None, np.array([1.0, 1.0, 10.0, 4.0])])
def test_ridge_solves_the_normal_equations(harder: np.ndarray | None) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4)) * [1, 100, 0.01, 3] + [0, 5, 1, -2]
    y = x @ rng.normal(size=(4, 2)) * 0.01 + rng.normal(size=(50, 2))
    solutions = fit_ridge(x, y, PENALTIES, harder)
    weights = np.ones(4) if harder is None else harder
    for penalty, ridge in zip(PENALTIES, solutions, strict=True):
        centred = x - x.mean(axis=0)
        system = centred.T @ centred / 50 + penalty * np.diag(weights * x.var(axis=0))
        expected = np.linalg.solve(system, centred.T @ (y - y.mean(axis=0)) / 50)
        assert ridge.weight_PY == pytest.approx(expected, rel=1e-6)
        assert ridge.bias_Y == pytest.approx(y.mean(axis=0) - x.mean(axis=0) @ expected)
        assert ridge.predict(x) == pytest.approx(x @ expected + ridge.bias_Y)
        assert ridge.error(x, y) == pytest.approx(np.abs(ridge.predict(x) - y).mean(axis=0))


def test_constant_columns_get_no_weight_and_wild_targets_are_tamed() -> None:
    x = np.column_stack([np.arange(30.0), np.full(30, 1e6)])
    y = np.arange(30.0)[:, None] / 10
    ridge = fit_ridge(x, y, (1e-9,))[0]
    assert ridge.weight_PY[1, 0] == 0
    assert ridge.predict(x) == pytest.approx(y, abs=1e-4)
    wild = y.copy()
    wild[0] = 1e9
    assert np.abs(fit_ridge(x, wild, (1e-9,))[0].predict(x)).max() < 10


def make_batch(seed: int, horizon: int, future: int, weight: torch.Tensor | None = None) -> TensorBatch:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(30, 8, 2, generator=generator)
    y = torch.stack([x[:, -1, 0] * 0.5 + h + torch.randn(30, generator=generator) for h in range(horizon)], 1)
    ahead = torch.randn(30, 1, horizon, future, generator=generator) if future else None
    return TensorBatch(x, ahead, y[:, None, :, None], weight)


@pytest.mark.parametrize("loss", ["pinball", "mse"])
@pytest.mark.parametrize("skip", [0, 3])
@pytest.mark.parametrize(("horizon", "future"), [(1, 0), (4, 0), (4, 2)])
def test_the_first_forecast_is_that_of_the_regression(loss: str, skip: int, horizon: int, future: int) -> None:
    torch.manual_seed(0)
    head = make_head(loss, (0.1, 0.5, 0.9))
    net = LSTMNetwork(LSTMConfig(hidden_size=3, skip=skip), 2, horizon, 1, head.raws, future)
    batches = [make_batch(k, horizon, future) for k in range(2)]
    ridge_start(net, head, batches, 0.1, None)
    x, y, out = [], [], []
    with torch.no_grad():
        for batch in batches:
            hidden, _ = net.lstm(batch.context_BLF)
            parts = [recent(batch.context_BLF, skip, 1)[:, 0]] if skip else []
            x.append(torch.cat([*parts, hidden[:, -1]], 1).numpy())
            y.append(batch.target_BKHC.flatten(1).numpy())
            out.append(head.outputs(net(batch.context_BLF, batch.future_BKHF)[0])[:, 0, :, 0])
    columns = np.concatenate(x)
    harder = np.ones(columns.shape[1])
    if skip:
        harder[-3:] = 10
    ridge = fit_ridge(columns, np.concatenate(y), (0.1,), harder)[0]
    found = torch.cat(out).numpy()
    assert found[..., len(head.quantiles) // 2] == pytest.approx(ridge.predict(columns), abs=1e-4)
    if loss == "pinball":  # as wide as a normal variable with that mean absolute error
        width = found[..., 2] - found[..., 0]
        assert width == pytest.approx(
            np.tile(2 * 1.2816 * 1.2533 * ridge.error(columns, np.concatenate(y)), (60, 1)), rel=1e-3
        )


def test_the_expected_errors_may_be_given() -> None:
    head = make_head("pinball", (0.1, 0.5, 0.9))
    net = LSTMNetwork(LSTMConfig(hidden_size=3), 2, 2, 1, head.raws)
    ridge_start(net, head, [make_batch(0, 2, 0)], 0.1, np.array([1.0, 5.0]))
    with torch.no_grad():
        out = head.outputs(net(make_batch(3, 2, 0).context_BLF)[0])[:, 0, :, 0]
    width = (out[..., 2] - out[..., 0]).numpy()
    assert width == pytest.approx(np.tile(2 * 1.2816 * 1.2533 * np.array([1.0, 5.0]), (30, 1)), rel=1e-3)


def test_unknown_truths_take_no_part() -> None:
    head = make_head("mse", (0.5,))
    nets = []
    for spoiled in (False, True):
        torch.manual_seed(0)
        net = LSTMNetwork(LSTMConfig(hidden_size=3), 2, 1, 1, 1)
        batch = make_batch(0, 1, 0)
        weight = torch.ones_like(batch.target_BKHC)
        weight[20:] = 0
        if spoiled:
            batch.target_BKHC[20:] = 99
        ridge_start(net, head, [TensorBatch(batch.context_BLF, None, batch.target_BKHC, weight)], 0.1, None)
        nets.append(net)
    assert torch.equal(nets[0].readout.weight, nets[1].readout.weight)


def test_without_a_known_truth_the_network_stays() -> None:
    net = LSTMNetwork(LSTMConfig(hidden_size=3), 2, 1, 1, 1)
    before = net.readout.weight.clone()
    batch = make_batch(0, 1, 0, torch.zeros(30, 1, 1, 1))
    ridge_start(net, make_head("mse", (0.5,)), [batch], 0.1, None)
    assert torch.equal(net.readout.weight, before)
