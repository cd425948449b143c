"""Heads: quantiles that cannot cross, and losses against loops and torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.errors import ConfigError
from gatecast.model.heads import QuantileHead, make_head

pytestmark = pytest.mark.usefixtures("one_thread")
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
def test_pinball_is_its_definition(levels: list[float], seed: int) -> None:
    head = make_head("pinball", levels)
    generator = torch.Generator().manual_seed(seed)
    raw, truth = torch.randn(7, head.raws, generator=generator), torch.randn(7, generator=generator)
    loss = head.loss(raw, truth)
    for row in range(7):
        total = 0.0
        for level, forecast in zip(head.quantiles, head.outputs(raw)[row].tolist(), strict=True):
            y = float(truth[row])
            total += level * (y - forecast) if y >= forecast else (1 - level) * (forecast - y)
        assert float(loss[row]) == pytest.approx(total / len(levels), abs=1e-5)


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


def test_order_of_the_levels_does_not_matter() -> None:
    assert QuantileHead((0.9, 0.1, 0.5)).quantiles == (0.1, 0.5, 0.9)


@pytest.mark.parametrize("levels", [(), (0.0, 0.5), (0.5, 1.0), (0.5, 0.5), (float("nan"),)])
def test_wrong_levels_are_told(levels: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="different numbers between 0 and 1"):
        make_head("pinball", levels)


def test_unknown_loss_is_told() -> None:
    with pytest.raises(ConfigError, match="did you mean 'pinball'"):
        make_head("pinbal", (0.5,))
