"""The gate's layers in the kernels: what they say is what torch says, in every instruction set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gatecast.nn.kernels import load
from gatecast.pretrained.bank import Bank
from gatecast.pretrained.gate import MIDDLE, Gate, GateSizes
from gatecast.pretrained.packed import PackedGate, packed
from gatecast.pretrained.weights import NEWEST, gate_named

from .gates import SMALL, shaken
from .test_gate import HORIZON, Asked, asked

KERNELS = load()
pytestmark = pytest.mark.skipif(KERNELS is None, reason="the kernels are not built")

ODD = GateSizes(5, 19)


@pytest.fixture(params=KERNELS.variants() if KERNELS else ())
def variant(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each instruction set of this machine in turn."""
    assert KERNELS is not None
    used = KERNELS.variant()
    KERNELS.use(request.param)
    yield request.param
    KERNELS.use(used)


def bank_of(said: Asked) -> Bank:
    tensors = said.forecast_BHK, said.error_BK2, said.channel_BTC
    return Bank(*(tensor.numpy() for tensor in tensors), np.zeros(len(said.error_BK2)), np.ones(len(said.error_BK2)))


def by_kernels(gate: Gate, said: Asked, late: int = 0, season: int = 4) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        return PackedGate(gate).weigh(gate.last_outputs(said.channel_BTC), bank_of(said), late, season)


def require_same(gate: Gate, said: Asked, late: int = 0, season: int = 4, atol: float = 2e-5) -> None:
    with torch.no_grad():
        ahead_H, forecast_BHK = said.ahead_H[late:], said.forecast_BHK[:, late:]
        expected = gate(forecast_BHK, said.error_BK2, said.channel_BTC, ahead_H, season)
    quantiles_BHQ, weights_BHK = by_kernels(gate, said, late, season)
    size = expected.quantiles_BHQ.abs().amax(-1, keepdim=True).numpy() + 1
    np.testing.assert_allclose(quantiles_BHQ / size, expected.quantiles_BHQ.numpy() / size, rtol=0, atol=atol)
    np.testing.assert_allclose(weights_BHK, expected.weights_BHK.numpy(), rtol=0, atol=atol)


@pytest.mark.parametrize("sizes", [SMALL, ODD, GateSizes()], ids=["small", "odd", "usual"])
@pytest.mark.parametrize("count", [1, 12, 30])
def test_as_torch(variant: str, sizes: GateSizes, count: int) -> None:
    require_same(shaken(3, 0.1, sizes), asked(count, count=count))


@pytest.mark.parametrize("season", [1, 2, 168])
@pytest.mark.parametrize("late", [0, 2, HORIZON - 1])
def test_steps_ahead_and_seasons(late: int, season: int) -> None:
    require_same(shaken(4, 0.2), asked(7), late, season)


@given(st.integers(0, 10_000), st.sampled_from((1e-3, 1.0, 30.0, 1e3)), st.sampled_from((0.0, 0.5, 1.0)))
def test_whatever_the_bank_says(seed: int, size: float, silent: float) -> None:
    """Logits are up to 100 here: their exponentials make a rounding a hundred times as large, in torch as well."""
    require_same(shaken(seed % 7, 0.3), asked(seed, size, silent), atol=1e-3)


def test_the_weights_that_are_shipped() -> None:
    require_same(gate_named(NEWEST), asked(2, count=20))


def test_silent_experts_have_no_weight_and_quantiles_rise(variant: str) -> None:
    said = asked(5, silent=0.6)
    quantiles_BHQ, weights_BHK = by_kernels(shaken(5, 0.5), said)
    assert (weights_BHK[np.isnan(said.forecast_BHK.numpy())] == 0).all()
    np.testing.assert_allclose(weights_BHK.sum(-1), 1, atol=1e-5)
    assert (np.diff(quantiles_BHQ, axis=-1) >= 0).all()


@pytest.mark.parametrize("size", [3.0, 100.0])
def test_extreme_shapes_stay_finite(size: float) -> None:
    gate = shaken(6, 0.1)
    with torch.no_grad():
        gate.shape.bias.add_(size)
        gate.logits.bias.mul_(size)
    require_same(gate, asked(8))
    assert np.isfinite(by_kernels(gate, asked(8))[0]).all()


def test_a_series_by_itself_says_the_same_bytes(variant: str) -> None:
    gate, said = shaken(7, 0.1), asked(9, count=31)
    quantiles_BHQ, weights_BHK = by_kernels(gate, said)
    for b in (0, 11, 12, 30):
        alone, alone_weights = by_kernels(gate, said.part(slice(b, b + 1)))
        assert alone.tobytes() == quantiles_BHQ[b].tobytes()
        assert alone_weights.tobytes() == weights_BHK[b].tobytes()


def test_a_gate_that_learns_is_packed_anew_and_a_trained_one_once() -> None:
    gate, said = shaken(8, 0.1), asked(10)
    outputs = gate.last_outputs(said.channel_BTC).detach()
    before, _ = packed(gate).weigh(outputs, bank_of(said), 0, 4)
    with torch.no_grad():
        gate.shape.bias[0] += 1
    after, _ = packed(gate).weigh(outputs, bank_of(said), 0, 4)
    assert (after[..., MIDDLE] > before[..., MIDDLE]).all()
    assert packed(gate_named(NEWEST)) is packed(gate_named(NEWEST))


@pytest.mark.parametrize("sizes", [(0, 59, 16, 11, 5), (8, 59, 16, 16, 5), (8, 59, 16, 11, 11)])
def test_sizes_that_cannot_be(sizes: tuple[int, int, int, int, int]) -> None:
    assert KERNELS is not None
    with pytest.raises(ValueError, match="sizes must be positive, and levels at most 15"):
        KERNELS.pack_gate(sizes, (0.3, 0.05), (0,) * 9)
