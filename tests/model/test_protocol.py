"""What every registered network has to do; a GRU from outside is registered, trained and forecasts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, ModelFileError
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig, NetworkConfig
from gatecast.model.heads import make_head
from gatecast.model.lstm import LSTMNetwork, LSTMState
from gatecast.model.networks import NETWORKS, NetworkKind, build_network, multiplications, parameter_shapes
from gatecast.model.protocol import Network, State
from gatecast.model.shapes import Shapes
from gatecast.training.batch import BatchRun, TensorBatch
from gatecast.training.config import TrainingConfig
from gatecast.training.engine import TorchEngine
from gatecast.training.native import make_engine

pytestmark = pytest.mark.usefixtures("one_thread", "gru_registered")

FEATURES, HORIZON, TARGETS, RAWS, LOOKBACK, ROWS = 3, 2, 2, 3, 12, 5


# ---------------------------------------------------------------- a network of another kind, all of it


@dataclass(frozen=True)
class GRUConfig(NetworkConfig):
    hidden_size: int = 8


class GRUState(NamedTuple):
    hidden: Tensor  # (1, B, D)

    def repeat(self, count: int) -> GRUState:
        return GRUState(self.hidden.repeat_interleave(count, 1))


class GRUNetwork(Network):
    def __init__(self, config: GRUConfig, features: int, horizon: int, targets: int, raws: int, future: int) -> None:
        super().__init__(config, features, (horizon, targets, raws))
        self.gru = nn.GRU(features, config.hidden_size, batch_first=True)
        self.readout = nn.Linear(config.hidden_size, horizon * targets * raws)
        self.ahead = nn.Linear(future, targets * raws, bias=False) if future else None

    def forward(
        self, context_BLF: Tensor, future_BKHF: Any = None, state: Any = None, origins: int | None = None
    ) -> tuple[Tensor, GRUState]:
        hidden_BLD, after = self.gru(context_BLF, None if state is None else state.hidden)
        kept = self.config.readout if origins is None else origins
        return self._read(hidden_BLD[:, -kept:], future_BKHF), GRUState(after)

    def step(self, tail_BSF: Tensor, state: State, future_BKHF: Any = None) -> tuple[Tensor, GRUState]:
        return self.forward(tail_BSF, future_BKHF, state, origins=1)

    def _read(self, hidden_BKD: Tensor, future_BKHF: Tensor | None) -> Tensor:
        out_BKHCR = self.readout(hidden_BKD).unflatten(-1, self.shape)
        if self.ahead is None or future_BKHF is None:
            return out_BKHCR
        return out_BKHCR + self.ahead(future_BKHF).view_as(out_BKHCR)

    def design_matrix(self, context_BLF: Tensor, origins: int) -> Tensor:
        return self.gru(context_BLF)[0][:, -origins:]

    @torch.no_grad()
    def set_linear(self, weight_PY: Tensor, bias_YR: Tensor) -> None:
        self.readout.weight.zero_().unflatten(0, bias_YR.shape)[:, 0] = weight_PY.T
        self.readout.bias.copy_(bias_YR.flatten())
        if self.ahead is not None:
            self.ahead.weight.zero_()

    @torch.no_grad()
    def ignore_input(self, channels: Sequence[int]) -> None:
        self.gru.weight_ih_l0[:, list(channels)] = 0


def gru_shapes(config: GRUConfig, features: int, horizon: int, targets: int, raws: int, future: int) -> Shapes:
    units, outputs = config.hidden_size, horizon * targets * raws
    shapes: Shapes = {"gru.weight_ih_l0": (3 * units, features), "gru.weight_hh_l0": (3 * units, units)}
    shapes |= {"gru.bias_ih_l0": (3 * units,), "gru.bias_hh_l0": (3 * units,)}
    shapes |= {"readout.weight": (outputs, units), "readout.bias": (outputs,)}
    return shapes | ({"ahead.weight": (targets * raws, future)} if future else {})


GRU = NetworkKind(GRUNetwork, gru_shapes, lambda config, features: 3 * config.hidden_size**2)


@pytest.fixture
def gru_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, GRUConfig, GRU)


# ---------------------------------------------------------------- what every network does

CASES: dict[str, tuple[NetworkConfig, int]] = {  # sizes, and channels of future covariates
    "lstm": (LSTMConfig(hidden_size=4), 0),
    "lstm, two layers": (LSTMConfig(hidden_size=4, num_layers=2, init="uniform"), 0),
    "lstm, skip": (LSTMConfig(hidden_size=4, skip=3), 0),
    "lstm, patch": (LSTMConfig(hidden_size=4, patch=2), 0),
    "lstm, patch and skip": (LSTMConfig(hidden_size=4, patch=3, skip=2), 2),
    "lstm, future": (LSTMConfig(hidden_size=4), 2),
    "lstm, all of it": (LSTMConfig(hidden_size=4, num_layers=2, skip=4, readout=3), 2),
    "gru": (GRUConfig(), 0),
    "gru, future": (GRUConfig(), 2),
}
Build = Callable[[NetworkConfig, int], Network]


def plain(config: NetworkConfig, future: int) -> Network:
    return build_network(config, FEATURES, HORIZON, TARGETS, RAWS, future)


def made(build: Build, config: NetworkConfig, future: int) -> tuple[Network, Tensor, Any]:
    """A network in float64, a context, and the future covariates of every step as an origin."""
    torch.manual_seed(0)
    net = build(config, future).double().eval()
    ahead_BLHF = torch.randn(ROWS, LOOKBACK, HORIZON, future, dtype=torch.float64) if future else None
    return net, torch.randn(ROWS, LOOKBACK, FEATURES, dtype=torch.float64), ahead_BLHF


@pytest.mark.parametrize("name", CASES)
def test_the_last_origin_of_a_window_is_the_same_to_the_bit_beside_any_others(name: str) -> None:
    torch.manual_seed(0)
    config, future = CASES[name]
    net = plain(replace(config, hidden_size=40), future).eval()
    context_BLF = torch.randn(53, 24, FEATURES)
    future_BKHF = torch.randn(53, 1, HORIZON, future) if future else None
    with torch.inference_mode():
        together = net.last_origin(context_BLF, future_BKHF)
        torch.testing.assert_close(together, net(context_BLF, future_BKHF, origins=1)[0][:, -1], rtol=1e-5, atol=1e-6)
        for rows in (slice(0, 1), slice(52, 53), slice(5, 12), slice(20, 53)):
            some = net.last_origin(context_BLF[rows], None if future_BKHF is None else future_BKHF[rows])
            assert torch.equal(some, together[rows])


def at(ahead_BLHF: Any, origins: int) -> Any:
    return None if ahead_BLHF is None else ahead_BLHF[:, -origins:]


def origins_of(config: NetworkConfig) -> int:
    return 4 if config.patch == 1 else 1  # a network that folds steps is read at the end


def shapes_are_known(build: Build, config: NetworkConfig, future: int) -> None:
    net, *_ = made(build, config, future)
    found = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    assert parameter_shapes(config, FEATURES, HORIZON, TARGETS, RAWS, future) == found
    assert (net.config, net.features, net.shape) == (config, FEATURES, (HORIZON, TARGETS, RAWS))
    assert multiplications(config, FEATURES) > 0


def a_step_is_a_longer_context(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, ahead = made(build, config, future)
    begin = LOOKBACK // 2
    _, state = net(x_BLF[:, :begin], at(ahead, 1), origins=1)
    if not net.can_step:
        with pytest.raises(ConfigError):
            net.step(x_BLF[:, -net.tail :], state)
        return
    for now in range(begin + 1, LOOKBACK + 1):
        out, state = net.step(x_BLF[:, now - net.tail : now], state, at(ahead, 1))
        whole, _ = net(x_BLF[:, :now], at(ahead, 1), origins=1)
        torch.testing.assert_close(out, whole)


def a_state_is_carried_on(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, ahead = made(build, config, future)
    _, state = net(x_BLF[:, : LOOKBACK // 2], at(ahead, 1), origins=1)
    out, _ = net(x_BLF[:, LOOKBACK // 2 :], at(ahead, 1), state, origins=1)
    torch.testing.assert_close(out, net(x_BLF, at(ahead, 1), origins=1)[0])


def origins_are_those_of_shorter_windows(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, ahead = made(build, config, future)
    count = origins_of(config)
    out, _ = net(x_BLF, at(ahead, count), origins=count)
    assert out.shape == (ROWS, count, HORIZON, TARGETS, RAWS)
    for k in range(count):
        now = LOOKBACK - count + 1 + k
        alone, _ = net(x_BLF[:, :now], None if ahead is None else ahead[:, now - 1 : now], origins=1)
        torch.testing.assert_close(out[:, k : k + 1], alone)
    trained = config.readout or LOOKBACK
    torch.testing.assert_close(net(x_BLF, at(ahead, trained))[0], net(x_BLF, at(ahead, trained), origins=trained)[0])


def the_linear_readout_is_the_design_matrix(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, ahead = made(build, config, future)
    count = origins_of(config)
    design_BKP = net.design_matrix(x_BLF, count)
    weight_PY = torch.randn(design_BKP.shape[-1], HORIZON * TARGETS).double()
    bias_YR = torch.randn(HORIZON * TARGETS, RAWS).double()
    net.set_linear(weight_PY, bias_YR)
    out_BKYR = net(x_BLF, at(ahead, count), origins=count)[0].flatten(2, 3)
    torch.testing.assert_close(out_BKYR[..., 0], design_BKP @ weight_PY + bias_YR[:, 0], check_dtype=False)
    torch.testing.assert_close(out_BKYR[..., 1:], bias_YR[:, 1:].expand_as(out_BKYR[..., 1:]), check_dtype=False)
    steps = net.direct_columns // FEATURES
    torch.testing.assert_close(design_BKP[:, -1, : net.direct_columns], x_BLF[:, LOOKBACK - steps :].flatten(1))


def every_step_depends_on_the_whole_lookback(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, ahead = made(build, config, future)
    x_BLF.requires_grad_()
    out_BHCR = net(x_BLF, at(ahead, 1), origins=1)[0][:, 0]
    for h in range(HORIZON):
        (slope_BLF,) = torch.autograd.grad(out_BHCR[:, h].pow(2).sum(), x_BLF, retain_graph=True)
        assert (slope_BLF.abs().sum(-1) > 0).all()


def nothing_after_an_origin_moves_it(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, ahead = made(build, config, future)
    count = origins_of(config)
    later_BLF = x_BLF.clone()
    later_BLF[:, -1] = 9.0
    before, after = (net(x, at(ahead, count), origins=count)[0] for x in (x_BLF, later_BLF))
    assert torch.equal(before[:, :-1], after[:, :-1])
    assert not torch.equal(before[:, -1], after[:, -1])


def the_order_of_windows_does_not_matter(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, ahead = made(build, config, future)
    order = torch.tensor([3, 0, 4, 1, 2])
    out, _ = net(x_BLF, at(ahead, 1), origins=1)
    moved, _ = net(x_BLF[order], None if ahead is None else at(ahead, 1)[order], origins=1)
    torch.testing.assert_close(moved, out[order])
    alone, _ = net(x_BLF[:1], None if ahead is None else at(ahead, 1)[:1], origins=1)
    torch.testing.assert_close(alone, out[:1])


def a_repeated_state_goes_on_as_the_one_it_copies(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, ahead = made(build, config, future)
    _, state = net(x_BLF, at(ahead, 1), origins=1)
    more_BLF = torch.randn(ROWS, LOOKBACK, FEATURES).double()
    once, _ = net(more_BLF, at(ahead, 1), state, origins=1)
    ahead_3 = None if ahead is None else at(ahead, 1).repeat_interleave(3, 0)
    thrice, _ = net(more_BLF.repeat_interleave(3, 0), ahead_3, state.repeat(3), origins=1)
    torch.testing.assert_close(thrice, once.repeat_interleave(3, 0))


def an_ignored_input_reaches_no_state(build: Build, config: NetworkConfig, future: int) -> None:
    net, x_BLF, _ = made(build, config, future)
    net.ignore_input((FEATURES - 1,))
    other_BLF = x_BLF.clone()
    other_BLF[..., FEATURES - 1] += 1.0
    before, after = (net.design_matrix(x, 1)[..., net.direct_columns :] for x in (x_BLF, other_BLF))
    assert torch.equal(before, after)
    other_BLF[..., 0] += 1.0
    assert not torch.equal(before, net.design_matrix(other_BLF, 1)[..., net.direct_columns :])


CHECKS = (
    shapes_are_known, a_step_is_a_longer_context, a_state_is_carried_on, origins_are_those_of_shorter_windows,
    the_linear_readout_is_the_design_matrix, every_step_depends_on_the_whole_lookback,
    nothing_after_an_origin_moves_it, the_order_of_windows_does_not_matter,
    a_repeated_state_goes_on_as_the_one_it_copies, an_ignored_input_reaches_no_state,
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_network_keeps_the_contract(check: Callable[[Build, NetworkConfig, int], None], case: Any) -> None:
    check(plain, *case)


def test_every_registered_network_is_tried() -> None:
    assert set(NETWORKS) == {type(config) for config, _ in CASES.values()}


# ---------------------------------------------------------------- networks that break it


class StepFromNothing(LSTMNetwork):
    def step(self, tail_BSF: Tensor, state: State, future_BKHF: Any = None) -> Any:
        forgotten = LSTMState(*(torch.zeros_like(part) for part in state))  # type: ignore[attr-defined]
        return super().step(tail_BSF, forgotten, future_BKHF)


class Forgetful(LSTMNetwork):
    def forward(self, context_BLF: Tensor, future_BKHF: Any = None, state: Any = None, origins: Any = None) -> Any:
        return super().forward(context_BLF, future_BKHF, None, origins)


class FirstOrigins(LSTMNetwork):
    def forward(self, context_BLF: Tensor, future_BKHF: Any = None, state: Any = None, origins: Any = None) -> Any:
        out, after = super().forward(context_BLF, future_BKHF, state, 0)
        return out[:, : origins or 1], after


class ShortSighted(LSTMNetwork):
    def forward(self, context_BLF: Tensor, future_BKHF: Any = None, state: Any = None, origins: Any = None) -> Any:
        return super().forward(context_BLF[:, -8:], future_BKHF, state, origins)


class LooksAhead(LSTMNetwork):
    def forward(self, context_BLF: Tensor, future_BKHF: Any = None, state: Any = None, origins: Any = None) -> Any:
        return super().forward(context_BLF - context_BLF.mean(1, keepdim=True), future_BKHF, state, origins)


class Gregarious(LSTMNetwork):
    def forward(self, context_BLF: Tensor, future_BKHF: Any = None, state: Any = None, origins: Any = None) -> Any:
        return super().forward(context_BLF - context_BLF.mean(0), future_BKHF, state, origins)


class NoBias(LSTMNetwork):
    def set_linear(self, weight_PY: Tensor, bias_YR: Tensor) -> None:
        super().set_linear(weight_PY, torch.zeros_like(bias_YR))


class Tiled(NamedTuple):
    h: Tensor
    c: Tensor

    def repeat(self, count: int) -> Tiled:
        return Tiled(self.h.repeat(1, count, 1), self.c.repeat(1, count, 1))


class TiledStates(LSTMNetwork):
    def forward(self, context_BLF: Tensor, future_BKHF: Any = None, state: Any = None, origins: Any = None) -> Any:
        out, after = super().forward(context_BLF, future_BKHF, state, origins)
        return out, Tiled(*after)


class OtherChannel(LSTMNetwork):
    def ignore_input(self, channels: Sequence[int]) -> None:
        super().ignore_input([channel - 1 for channel in channels])


class Wider(LSTMNetwork):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.more = nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        (shapes_are_known, Wider),
        (a_step_is_a_longer_context, StepFromNothing),
        (a_state_is_carried_on, Forgetful),
        (origins_are_those_of_shorter_windows, FirstOrigins),
        (the_linear_readout_is_the_design_matrix, NoBias),
        (every_step_depends_on_the_whole_lookback, ShortSighted),
        (nothing_after_an_origin_moves_it, LooksAhead),
        (the_order_of_windows_does_not_matter, Gregarious),
        (a_repeated_state_goes_on_as_the_one_it_copies, TiledStates),
        (an_ignored_input_reaches_no_state, OtherChannel),
    ],
    ids=lambda part: part.__name__,
)
def test_a_network_that_breaks_the_contract_is_caught(check: Any, fault: type[LSTMNetwork]) -> None:
    with pytest.raises(AssertionError):
        check(lambda config, future: fault(config, FEATURES, HORIZON, TARGETS, RAWS, future), *CASES["lstm"])


# ---------------------------------------------------------------- the GRU among the rest


@pytest.fixture
def waves(panel_of: Callable[..., Panel]) -> Panel:
    """Two noisy sines of 12 steps."""
    rng, t = np.random.default_rng(0), np.arange(120)
    return panel_of([np.sin(2 * np.pi * (t + n) / 12) + 0.05 * rng.standard_normal(120) for n in range(2)])


def last_six(panel: Panel) -> np.ndarray:
    """(N, 6, C) truths that the training does not see."""
    return np.stack([panel.series(n)[-6:] for n in range(len(panel))])


SETTINGS: dict[str, Any] = {
    "lookback": 14, "scaling": "standard", "members": 1, "seed": 1, "progress": False, "network": GRUConfig(12),
    "training": {"max_epochs": 15, "steps_per_epoch": 20, "batch_size": 32, "lr": 0.02},
}  # fmt: skip


@pytest.mark.parametrize("recursive", [False, True], ids=["direct", "recursive"])
def test_a_registered_network_fits_forecasts_and_samples(recursive: bool, waves: Panel) -> None:
    train = waves.slice(0, waves.length - 6)
    model = Forecaster(6, recursive=recursive, **SETTINGS).fit(train)
    assert isinstance(model.fitted_.main.members[0].network, GRUNetwork)
    assert model.plan_.network == GRUConfig(12)
    assert "GRUConfig" in model.plan_.describe()
    truth_NHC = last_six(waves)
    forecast = model.predict(train)
    assert np.abs(forecast.values - truth_NHC).mean() < 0.25, "the last value would be 1 off"
    paths = model.sample(train, paths=200, seed=0)
    middle_NHC = np.median(paths.values_NSHC, axis=1)
    assert np.abs(middle_NHC - truth_NHC).mean() < 0.35
    assert (paths.values_NSHC.std(axis=1) > 0).all()


def test_a_registered_network_starts_with_the_regression(waves: Panel) -> None:
    still = SETTINGS | {"training": SETTINGS["training"] | {"max_epochs": 0}}
    forecast = Forecaster(6, **still).fit(waves.slice(0, waves.length - 6)).predict()
    assert np.abs(forecast.values - last_six(waves)).mean() < 0.4


def test_the_torch_engine_trains_it() -> None:
    torch.manual_seed(0)
    head, training = make_head("pinball", (0.1, 0.5, 0.9)), TrainingConfig()
    engine = make_engine(build_network(GRUConfig(), 2, 1, 1, head.raws), head, training)
    assert isinstance(engine, TorchEngine)
    context_BLF = torch.randn(320, 6, 2)
    batch = TensorBatch(context_BLF, None, context_BLF[:, -1:, :1, None] * 0.5, None)
    losses = [engine.take_steps(BatchRun(batch, (64,) * 5), [0.02] * 5, math.inf).losses for _ in range(20)]
    assert losses[-1].mean() < 0.3 * losses[0].mean()


def test_what_is_not_registered_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(NETWORKS, GRUConfig)
    with pytest.raises(ConfigError, match=r"no network is registered for a GRUConfig\. Known: LSTMConfig"):
        Forecaster(3, network=GRUConfig())


def test_a_model_file_holds_lstms_alone(waves: Panel, tmp_path: Path) -> None:
    still = SETTINGS | {"training": SETTINGS["training"] | {"max_epochs": 0}}
    with pytest.raises(ModelFileError, match="holds LSTMs alone, not the network of a GRUConfig"):
        Forecaster(6, **still).fit(waves).save(tmp_path / "gru.safetensors")
