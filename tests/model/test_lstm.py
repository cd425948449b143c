"""The network against its equations, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.model.lstm import LSTMNetwork, fold, recent

pytestmark = pytest.mark.usefixtures("one_thread")


def network(
    features: int = 3,
    horizon: int = 2,
    targets: int = 2,
    raws: int = 3,
    future: int = 0,
    seed: int = 0,
    **sizes: object,
) -> LSTMNetwork:
    torch.manual_seed(seed)
    config = LSTMConfig(**{"hidden_size": 4, "init": "uniform"} | sizes)  # type: ignore[arg-type]
    return LSTMNetwork(config, features, horizon, targets, raws, future).eval()


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


# ---------------------------------------------------------------- the cell


def test_cell_layer_and_equations_agree() -> None:
    """System 5 unrolls LSTMCell by hand: the same weights give the same numbers in nn.LSTM and in the equations."""
    net = network(features=5, targets=2, horizon=1, raws=1)
    x_BLF = noise(6, 56, 5)
    cell = torch.nn.LSTMCell(5, 4)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in net.lstm.state_dict().items()})
    h, c = torch.zeros(6, 4), torch.zeros(6, 4)
    w, u, b_w, b_u = (p.detach().double().numpy() for p in cell.parameters())
    numbers_h, numbers_c = np.zeros((6, 4)), np.zeros((6, 4))
    for t in range(56):
        h, c = cell(x_BLF[:, t], (h, c))
        gates = x_BLF[:, t].double().numpy() @ w.T + b_w + numbers_h @ u.T + b_u
        i, f, g, o = np.split(gates, 4, axis=1)
        numbers_c = sigmoid(f) * numbers_c + sigmoid(i) * np.tanh(g)
        numbers_h = sigmoid(o) * np.tanh(numbers_c)
    out, (state_h, state_c) = net(x_BLF)
    assert torch.allclose(state_h[0], h, atol=1e-6)
    assert torch.allclose(state_c[0], c, atol=1e-6)
    assert state_h[0].detach().numpy() == pytest.approx(numbers_h, abs=1e-6)
    assert state_c[0].detach().numpy() == pytest.approx(numbers_c, abs=1e-6)
    by_hand = h @ net.readout.weight.T + net.readout.bias
    assert torch.allclose(out[:, 0, 0, :, 0], by_hand, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_two_halves_with_carried_state_are_one_pass(layers: int) -> None:
    net = network(num_layers=layers, readout=0)
    x_BLF = noise(3, 10, 3)
    whole, (h, c) = net(x_BLF)
    first, state = net(x_BLF[:, :4])
    second, (h2, c2) = net(x_BLF[:, 4:], state=state)
    assert torch.allclose(torch.cat([first, second], 1), whole, atol=1e-6)
    assert torch.allclose(h, h2, atol=1e-6)
    assert torch.allclose(c, c2, atol=1e-6)
    assert h.shape == (layers, 3, 4)


@pytest.mark.parametrize("sizes", [{}, {"num_layers": 2}, {"skip": 1}, {"skip": 4, "horizon": 3, "future": 2}])
def test_single_steps_with_carried_state_are_one_pass(sizes: dict[str, int]) -> None:
    net = network(**sizes)  # type: ignore[arg-type]
    x_BLF = noise(3, 10, 3)
    future_BKHF = noise(3, 1, 3, 2) if "future" in sizes else None
    _, state = net(x_BLF[:, :6])
    for at in range(6, 10):
        tail_BSF = x_BLF[:, at - max(net.config.skip, 1) + 1 : at + 1]
        out, state = net.step(tail_BSF, state, future_BKHF)
        whole, (h, c) = net(x_BLF[:, : at + 1], future_BKHF, origins=1)
        assert torch.allclose(out, whole, atol=1e-6)
        assert torch.allclose(state[0], h, atol=1e-6)
        assert torch.allclose(state[1], c, atol=1e-6)


def test_folded_steps_cannot_go_on_by_one() -> None:
    net = network(patch=2)
    _, state = net(noise(2, 8, 3))
    with pytest.raises(ConfigError, match="patch = 2"):
        net.step(noise(2, 1, 3), state)


# ---------------------------------------------------------------- what is read, and where


def test_patch_folds_steps_as_the_noisy_sine_does() -> None:
    """4 values are ONE step of 4 features."""
    x_BLF = torch.arange(8.0).view(2, 4, 1)
    assert fold(x_BLF, 4).tolist() == [[[0, 1, 2, 3]], [[4, 5, 6, 7]]]
    assert fold(torch.arange(7.0).view(1, 7, 1), 3).tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert fold(torch.arange(8.0).view(1, 4, 2), 2).tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    net = network(features=1, patch=4, horizon=1, targets=1, raws=1)
    assert net.lstm.input_size == 4
    direct, _ = net.lstm(noise(5, 4, 1).view(5, 1, 4))
    assert torch.allclose(net(noise(5, 4, 1))[0].flatten(), net.readout(direct[:, -1]).flatten())


@pytest.mark.parametrize(
    ("readout", "origins", "count"), [(1, None, 1), (0, None, 9), (4, None, 4), (4, 2, 2), (1, 9, 9)]
)
def test_the_last_steps_are_read_out(readout: int, origins: int | None, count: int) -> None:
    net = network(readout=readout)
    x_BLF = noise(3, 9, 3)
    out, _ = net(x_BLF, origins=origins)
    assert out.shape == (3, count, 2, 2, 3)
    for k in range(count):
        alone, _ = net(x_BLF[:, : 9 - count + 1 + k], origins=1)
        assert torch.allclose(out[:, k], alone[:, 0], atol=1e-6)


@pytest.mark.parametrize("skip", [1, 3, 9])
def test_skip_is_a_linear_map_of_the_recent_steps(skip: int) -> None:
    net = network(skip=skip, readout=5)
    assert net.skip is not None
    x_BLF = noise(2, 9, 3)
    with torch.no_grad():
        whole, _ = net(x_BLF)
        weight = net.skip.weight.clone().view(2, 2, skip, 3)
        net.skip.weight.zero_()
        without, _ = net(x_BLF)
    added = whole - without
    assert added[..., 1:].abs().max() == 0
    for k in range(5):
        at = 9 - 5 + k
        for h in range(2):
            for c in range(2):
                expected = torch.zeros(2)
                for s in range(skip):
                    step = at - skip + 1 + s
                    if step >= 0:  # before the window: zeros
                        expected = expected + x_BLF[:, step] @ weight[h, c, s]
                assert torch.allclose(added[:, k, h, c, 0], expected, atol=1e-5)


def test_recent_pads_with_zeros() -> None:
    x_BLF = torch.arange(1.0, 4).view(1, 3, 1)
    assert recent(x_BLF, 3, 2).tolist() == [[[0, 1, 2], [1, 2, 3]]]
    assert recent(x_BLF, 2, 3).tolist() == [[[0, 1], [1, 2], [2, 3]]]


def test_nothing_after_an_origin_changes_its_outputs() -> None:
    net = network(readout=6, skip=3, num_layers=2, future=2)
    x_BLF, future_BKHF = noise(2, 9, 3), noise(2, 6, 2, 2)
    before, _ = net(x_BLF, future_BKHF)
    for k in range(6):
        changed = x_BLF.clone()
        changed[:, 9 - 6 + k + 1 :] = 1e6
        after, _ = net(changed, future_BKHF)
        assert torch.equal(after[:, : k + 1], before[:, : k + 1])


# ---------------------------------------------------------------- future covariates


@pytest.mark.parametrize("horizon", [2, 5])
def test_future_covariates_of_a_step_change_that_step_alone(horizon: int) -> None:
    net = network(horizon=horizon, future=2, readout=3)
    x_BLF, future_BKHF = noise(2, 9, 3), noise(2, 3, horizon, 2)
    before, _ = net(x_BLF, future_BKHF)
    for j in range(horizon):
        changed = future_BKHF.clone()
        changed[:, 1, j] += 3
        moved = (net(x_BLF, changed)[0] != before).any(dim=-1).any(dim=-1).any(dim=0)
        assert moved.tolist() == [[k == 1 and h == j for h in range(horizon)] for k in range(3)]


def test_one_step_ahead_the_context_holds_the_future_covariates_already() -> None:
    assert network(horizon=1, future=2).steps is None


# ---------------------------------------------------------------- sizes and starts


def test_dropout_needs_a_second_layer() -> None:
    assert network(num_layers=1, dropout=0.5).lstm.dropout == 0
    two = network(num_layers=2, dropout=0.5)
    assert two.lstm.dropout == 0.5
    x_BLF = noise(2, 9, 3)
    assert torch.equal(two(x_BLF)[0], two(x_BLF)[0])
    two.train()
    assert not torch.equal(two(x_BLF)[0], two(x_BLF)[0])


def test_orthogonal_start_opens_the_forget_gate() -> None:
    net = network(init="orthogonal", num_layers=2)
    for name, parameter in net.lstm.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.chunk(4):
                assert torch.allclose(gate @ gate.T, torch.eye(4), atol=1e-5)
    for layer in range(2):
        bias = getattr(net.lstm, f"bias_ih_l{layer}") + getattr(net.lstm, f"bias_hh_l{layer}")
        assert bias.view(4, 4).tolist() == [[0] * 4, [1] * 4, [0] * 4, [0] * 4]


def test_both_ways_doubles_the_width() -> None:
    net = network(bidirectional=True, num_layers=3, readout=0)
    assert net.readout.in_features == 8
    assert net(noise(2, 9, 3))[0].shape == (2, 9, 2, 2, 3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"hidden_size": 0, "num_layers": 0}, "hidden_size = 0 .at least 1., num_layers = 0"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"readout": -1}, "readout"),
        ({"skip": -1}, "skip"),
        ({"patch": 2, "readout": 3}, "patch = 2 with readout = 3"),
    ],
)
def test_sizes_out_of_range_are_told_all_at_once(wrong: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        LSTMConfig(**wrong)  # type: ignore[arg-type]
