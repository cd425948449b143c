"""As a module the layer is ``torch.nn.LSTM``: state, copies, parametrisations, hooks; and how calls are sized."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from gatecast.nn import LSTM
from gatecast.nn.plan import plan_of
from gatecast.nn.threads import FLOPS_PER_THREAD, ROWS_PER_THREAD, worthwhile_threads

pytestmark = pytest.mark.usefixtures("one_thread")


def close(ours: torch.nn.Module, theirs: torch.nn.Module, x: Tensor) -> None:
    """Outputs and gradients of all parameters are the same, to float32's precision."""
    for layer in (ours, theirs):
        layer.zero_grad()
        layer(x)[0].pow(2).sum().backward()
    assert torch.allclose(ours(x)[0], theirs(x)[0], atol=1e-6)
    for (name, a), (other, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        assert a.grad is not None
        assert b.grad is not None
        assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-5), name


def test_same_seed_same_weights_same_state() -> None:
    torch.manual_seed(4)
    ours = LSTM(3, 5, 2, bidirectional=True)
    torch.manual_seed(4)
    theirs = torch.nn.LSTM(3, 5, 2, bidirectional=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)
    assert str(ours) == str(theirs)
    assert isinstance(ours, torch.nn.LSTM)
    theirs.load_state_dict(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())
    close(ours, theirs, torch.randn(4, 2, 3))


@pytest.mark.parametrize("wrong", [{"dropout": 2}, {"bias": 1}, {"hidden_size": 0}, {"proj_size": 9}])
def test_same_errors_of_construction(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)) as expected:
        torch.nn.LSTM(**{"input_size": 3, "hidden_size": 4} | wrong)
    with pytest.raises(type(expected.value)) as found:
        LSTM(**{"input_size": 3, "hidden_size": 4} | wrong)
    assert str(found.value) == str(expected.value)


def test_copies_stand_alone() -> None:
    layer = LSTM(3, 5)
    x = torch.randn(4, 2, 3)
    before, _ = layer(x)
    other = copy.deepcopy(layer)
    assert type(other) is LSTM
    assert torch.equal(other(x)[0], before)
    with torch.no_grad():
        other.get_parameter("weight_hh_l0").add_(1)
    assert torch.equal(layer(x)[0], before)
    assert not torch.equal(other(x)[0], before)


def test_weights_are_read_at_each_call() -> None:
    ours, theirs = LSTM(3, 5), torch.nn.LSTM(3, 5)
    x = torch.randn(4, 2, 3)
    ours(x)
    theirs.load_state_dict(ours.state_dict())
    for layer in (ours, theirs):
        layer.weight_ih_l0 = torch.nn.Parameter(2 * layer.get_parameter("weight_ih_l0").detach())
        layer.get_parameter("bias_hh_l0").data = torch.ones(20)
        with torch.no_grad():
            layer.get_parameter("weight_hh_l0").mul_(0.5)
    close(ours, theirs, x)
    close(ours.double().float(), theirs, x)
    ours.flatten_parameters()
    close(ours, theirs, x)


def test_parametrised_weights() -> None:
    class Halved(torch.nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            return (weight / 2).t().contiguous().t()  # strided as no parameter is

    torch.manual_seed(0)
    ours, theirs = LSTM(3, 5, 2), torch.nn.LSTM(3, 5, 2)
    theirs.load_state_dict(ours.state_dict())
    for layer in (ours, theirs):
        parametrize.register_parametrization(layer, "weight_hh_l0", Halved())
        weight_norm(layer, "weight_ih_l1")
    close(ours, theirs, torch.randn(4, 2, 3))


def test_weights_that_are_no_parameters() -> None:
    ours, theirs = LSTM(3, 5), torch.nn.LSTM(3, 5)
    x = torch.randn(4, 2, 3)
    weights = {name: torch.randn_like(p).requires_grad_() for name, p in ours.named_parameters()}
    found = []
    for layer in (ours, theirs):
        out, _ = functional_call(layer, weights, (x,))
        found.append((out, *torch.autograd.grad(out.pow(2).sum(), tuple(weights.values()))))
    for a, b in zip(*found, strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def test_tied_weights() -> None:
    """One parameter in two places gets the sum of both gradients."""
    torch.manual_seed(0)
    ours, theirs = LSTM(5, 5, 2), torch.nn.LSTM(5, 5, 2)
    theirs.load_state_dict(ours.state_dict())
    for layer in (ours, theirs):
        layer.weight_hh_l1 = layer.weight_hh_l0
        layer.bias_hh_l0 = layer.bias_ih_l0
    close(ours, theirs, torch.randn(4, 2, 5))


def test_settings_may_be_changed_later() -> None:
    layer = LSTM(3, 5, 2, dropout=0.5)
    x = torch.randn(4, 2, 3)
    layer.dropout = 0.0
    assert torch.equal(layer(x)[0], layer(x)[0])
    layer.batch_first = True
    assert layer(x)[1][0].shape == (2, 4, 5)


def test_a_layer_of_torch_can_become_one() -> None:
    layer: Any = torch.nn.LSTM(3, 5)
    x = torch.randn(4, 2, 3)
    before, _ = layer(x)
    layer.__class__ = LSTM
    assert torch.allclose(layer(x)[0], before, atol=1e-6)
    assert layer.last(x)[0].shape == (1, 2, 5)


def test_hooks_see_the_call() -> None:
    layer = LSTM(3, 5)
    seen: list[Any] = []
    layer.register_forward_hook(lambda module, inputs, outputs: seen.append(outputs[0].shape))
    layer.register_full_backward_hook(lambda module, d_in, d_out: seen.append(d_out[0].shape))
    layer(torch.randn(4, 2, 3, requires_grad=True))[0].sum().backward()
    assert seen == [(4, 2, 5), (4, 2, 5)]


def test_importing_gatecast_loads_no_torch() -> None:
    program = "import sys, gatecast; assert 'torch' not in sys.modules; import gatecast.nn; gatecast.nn.LSTM(1, 1)"
    subprocess.run([sys.executable, "-c", program], check=True)


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("both_ways", [True, False])
def test_plan_names_the_weights_of_torch(bias: bool, both_ways: bool) -> None:
    layer = torch.nn.LSTM(3, 5, 3, bias=bias, bidirectional=both_ways)
    plan = plan_of(3, 5, 3, bias, both_ways)
    assert list(plan.weights) == [(name, tuple(p.shape)) for name, p in layer.named_parameters()]
    products = sum(p.numel() for name, p in layer.named_parameters() if name.startswith("weight"))
    assert plan.flops == 2 * products


@pytest.mark.parametrize(
    ("rows", "flops", "most", "expected"),
    [
        (1, 10**12, 8, 1),
        (ROWS_PER_THREAD, 10**12, 8, 1),
        (2 * ROWS_PER_THREAD, 10**12, 8, 2),
        (1000, 10**12, 8, 8),
        (1000, 0, 8, 1),
        (1000, 2 * FLOPS_PER_THREAD - 1, 8, 1),
        (1000, 3 * FLOPS_PER_THREAD, 8, 3),
        (1000, 10**12, 1, 1),
    ],
)
def test_small_work_gets_few_threads(rows: int, flops: int, most: int, expected: int) -> None:
    assert worthwhile_threads(rows, flops, most) == expected
