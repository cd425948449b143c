"""Finite differences on the kernels themselves, and how the layer behaves as a node of torch's graph."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gatecast.nn import LSTM

pytestmark = pytest.mark.usefixtures("one_thread")


def along(layer: LSTM, tensors: list[Tensor], loss: Any, step: float = 1e-2) -> list[tuple[float, float]]:
    """For each tensor the derivative along a random direction: by central differences, and by the gradient.

    The differences are those of the layer in float32. Its error is about 1e-7 / step, that of the formula step ** 4
    (Richardson's extrapolation of two step widths), so a wide step is the best.
    """
    for tensor in tensors:
        tensor.grad = None
    loss().backward()
    found = []
    with torch.no_grad():
        for tensor in tensors:
            way = torch.randn_like(tensor)
            way /= way.norm()

            def moved(by: float, tensor: Tensor = tensor, way: Tensor = way) -> float:
                before = tensor.clone()
                tensor += by * way
                value = float(loss())
                tensor.copy_(before)
                return value

            narrow, wide = (moved(step) - moved(-step)) / 2, (moved(2 * step) - moved(-2 * step)) / 4
            assert tensor.grad is not None
            found.append(((4 * narrow - wide) / 3 / step, float((tensor.grad.double() * way).sum())))
    return found


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("ways", [1, 2])
def test_finite_differences(dropout: float, ways: int) -> None:
    """With dropout the same seed gives the same mask in every pass, forward and backward."""
    torch.manual_seed(1)
    layer = LSTM(3, 9, 3, dropout=dropout, bidirectional=ways == 2)
    x = torch.randn(6, 5, 3, requires_grad=True)
    h0, c0 = torch.randn(3 * ways, 5, 9, requires_grad=True), torch.randn(3 * ways, 5, 9, requires_grad=True)
    w = torch.randn(6, 5, 9 * ways), torch.randn(3 * ways, 5, 9), torch.randn(3 * ways, 5, 9)

    def loss() -> Tensor:
        torch.manual_seed(7)
        out, (h, c) = layer(x, (h0, c0))
        return sum((a.double() * b).sum() for a, b in zip(w, (out, h, c), strict=True))  # type: ignore[return-value]

    found = along(layer, [x, h0, c0, *layer.parameters()], loss)
    scale = max(abs(b) for _, b in found)
    for difference, gradient in found:
        assert difference == pytest.approx(gradient, rel=1e-3, abs=2e-4 * scale)


# ---------------------------------------------------------------- dropout


def test_dropout_drops_and_scales() -> None:
    """Layer 1 copies its input, one step: what comes through is 0 or the state of layer 0 by 1 / (1 - p)."""
    torch.manual_seed(3)
    rate, units, rows = 0.3, 40, 500
    layer = LSTM(1, units, 2, dropout=rate)
    with torch.no_grad():
        for name in ("weight_ih_l1", "weight_hh_l1", "bias_ih_l1", "bias_hh_l1"):
            getattr(layer, name).zero_()
        layer.weight_ih_l1[2 * units : 3 * units] = torch.eye(units)  # g = tanh(input), the gates are 1/2
    x = torch.randn(1, rows, 1)
    with torch.no_grad():
        dropped = layer(x)[1][1][1]
        kept_state = layer.eval()(x)[1][0][0]
        again = layer(x)[1][1][1]
    passed = torch.atanh((2 * again).clamp(-0.999, 0.999))
    assert torch.allclose(passed, kept_state, atol=1e-4)  # eval: nothing dropped
    share = float((dropped == 0).double().mean())
    assert abs(share - rate) < 5 * (rate * (1 - rate) / (rows * units)) ** 0.5
    came = dropped != 0
    expected = torch.tanh(kept_state / (1 - rate)) / 2
    assert torch.allclose(dropped[came], expected[came], atol=1e-5)
    assert abs(float((dropped == 0).double().mean(0).max()) - rate) < 0.15  # no unit is dropped in all rows
    assert abs(float((dropped == 0).double().mean(1).max()) - rate) < 0.45  # and no row in all units


def test_masks_differ_between_steps_rows_and_calls() -> None:
    torch.manual_seed(3)
    layer = LSTM(1, 16, 2, dropout=0.5)
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
        layer.weight_hh_l1.zero_()
        out, _ = layer(torch.ones(1, 4, 1).expand(9, 4, 1))
        assert len({tuple(row.tolist()) for row in out[0]}) == 4
        again, _ = layer(torch.ones(9, 4, 1))
        assert not torch.equal(out, again)


def test_everything_dropped() -> None:
    layer, other = LSTM(2, 3, 2, dropout=1.0), torch.nn.LSTM(2, 3, 2, dropout=1.0)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(4, 2, 2)
    ours, theirs = layer(x)[0], other(x)[0]
    assert torch.allclose(ours, theirs, atol=1e-6)
    ours.sum().backward()
    theirs.sum().backward()
    for a, b in zip(layer.parameters(), other.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.allclose(a.grad, b.grad, atol=1e-5)


def test_dropout_leaves_the_generator_alone_where_none_is_drawn() -> None:
    layer = LSTM(2, 3, 2, dropout=0.5)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    layer.eval()(torch.randn(4, 2, 2, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(torch.get_rng_state(), before)
    layer.train()(torch.randn(4, 2, 2, generator=torch.Generator().manual_seed(0)))
    assert not torch.equal(torch.get_rng_state(), before)


# ---------------------------------------------------------------- the graph


@pytest.mark.parametrize("frozen", ["weight_ih_l0", "bias_hh_l0", "weight_hh_l1"])
def test_only_what_is_wanted_gets_a_gradient(twins: Any, agree: Any, frozen: str) -> None:
    ours, exact = twins(3, 6, 2)
    x = torch.randn(5, 4, 3)
    for layer in (ours, exact):
        layer.get_parameter(frozen).requires_grad_(False)
        layer(x.to(layer.weight_ih_l0))[0].pow(2).sum().backward()
    for (name, a), b in zip(ours.named_parameters(), exact.parameters(), strict=True):
        agree(a.grad, b.grad, name)
        assert (a.grad is None) == (name == frozen)


def test_only_the_input_or_only_a_state_wants_a_gradient(twins: Any, agree: Any) -> None:
    ours, exact = twins(3, 6)
    for wanted in range(3):
        tensors = [torch.randn(5, 4, 3), torch.randn(1, 4, 6), torch.randn(1, 4, 6)]
        gradients = []
        for layer in (ours, exact):
            layer.requires_grad_(False)
            x, h0, c0 = (t.to(layer.weight_ih_l0, copy=True).requires_grad_(n == wanted) for n, t in enumerate(tensors))
            out, (_, c) = layer(x, (h0, c0))
            (out.pow(2).sum() + c.sum()).backward()
            gradients.append((x, h0, c0)[wanted].grad)
        agree(*gradients, wanted)


@pytest.mark.parametrize("read", ["out", "h", "c"])
def test_gradients_come_from_any_output_alone(twins: Any, agree: Any, read: str) -> None:
    ours, exact = twins(3, 6, 2, bidirectional=True)
    x = torch.randn(5, 4, 3)
    for layer in (ours, exact):
        out, (h, c) = layer(x.to(layer.weight_ih_l0))
        {"out": out, "h": h, "c": c}[read].sin().sum().backward()
    for (name, a), b in zip(ours.named_parameters(), exact.parameters(), strict=True):
        agree(a.grad, b.grad, name)


def test_gradient_of_a_sum_and_of_a_slice(twins: Any, agree: Any) -> None:
    """Their gradients are expanded or strided tensors."""
    ours, exact = twins(3, 6, batch_first=True)
    x = torch.randn(4, 7, 3)
    losses = (
        lambda o: o.sum(),
        lambda o: o[:, ::2].sum(),
        lambda o: o[..., 0].sum(),
        lambda o: o.transpose(1, 2).flatten(1).pow(2).sum(),
        lambda o: o[:1].expand(5, -1, -1, -1).pow(2).sum(),
        lambda o: (o.mean(0) * o[0]).sum(),
    )
    for number, loss in enumerate(losses):
        gradients = [
            torch.autograd.grad(loss(layer(x.to(layer.weight_ih_l0))[0]), tuple(layer.parameters()))
            for layer in (ours, exact)
        ]
        for a, b in zip(*gradients, strict=True):
            agree(a, b, number)


def test_a_kept_graph_gives_the_same_gradient_twice() -> None:
    layer = LSTM(3, 6, 2, dropout=0.5)
    loss = layer(torch.randn(5, 4, 3))[0].pow(2).sum()
    first = torch.autograd.grad(loss, tuple(layer.parameters()), retain_graph=True)
    second = torch.autograd.grad(loss, tuple(layer.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, tuple(layer.parameters()))


def test_memory_is_given_back_with_the_graph(compiled: Any) -> None:
    out = LSTM(3, 6)(torch.randn(5, 4, 3))[0]
    node: Any = out.grad_fn
    out.sum().backward(retain_graph=True)
    assert node.memory is not None
    out.sum().backward()
    assert node.memory is None
    gone = weakref.ref(node)
    del out, node
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("which", ["input", "weight", "state"])
def test_changes_in_place_before_the_way_back_are_found(which: str) -> None:
    layer = LSTM(3, 6)
    x, h0, c0 = torch.randn(5, 4, 3), torch.randn(1, 4, 6), torch.randn(1, 4, 6)
    out, _ = layer(x, (h0, c0))
    with torch.no_grad():
        {"input": x, "weight": layer.weight_hh_l0, "state": h0}[which].add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_results_may_be_changed_in_place_where_torch_allows_it(compiled: Any, twins: Any, agree: Any) -> None:
    """The states, and the outputs of both directions; see ``test_hostile`` for what is refused."""
    ours, exact = twins(3, 6, bidirectional=True)
    x = torch.randn(5, 4, 3)
    out, (h, _) = ours(x)
    (out.mul_(2).sin_().sum() + h.mul_(3).sum()).backward()
    out, (h, _) = exact(x.double())
    ((2 * out).sin().sum() + (3 * h).sum()).backward()
    for a, b in zip(ours.parameters(), exact.parameters(), strict=True):
        agree(a.grad, b.grad)


def test_no_graph_where_none_is_wanted() -> None:
    layer = LSTM(3, 6, 2)
    x = torch.randn(5, 4, 3)
    with torch.no_grad():
        assert layer(x)[0].grad_fn is None
    with torch.inference_mode():
        assert layer(x)[0].is_inference()
    layer.requires_grad_(False)
    assert not layer(x)[0].requires_grad
    assert layer(x.requires_grad_())[0].requires_grad


def test_saved_tensors_may_be_moved_and_recomputed(twins: Any, agree: Any) -> None:
    ours, exact = twins(3, 6, 2)
    x = torch.randn(5, 4, 3).transpose(0, 1)
    exact(x.double())[0].sin().sum().backward()
    with torch.autograd.graph.save_on_cpu():
        ours(x)[0].sin().sum().backward()
    for a, b in zip(ours.parameters(), exact.parameters(), strict=True):
        agree(a.grad, b.grad)
    ours.zero_grad()
    checkpoint(ours, x, use_reentrant=False)[0].sin().sum().backward()
    for a, b in zip(ours.parameters(), exact.parameters(), strict=True):
        agree(a.grad, b.grad)


def test_saved_tensors_may_come_back_with_other_strides(compiled: Any, twins: Any, agree: Any) -> None:
    """In torch 2.13 the gradients are then wrong."""

    def columns_first(tensor: Tensor) -> Tensor:
        return tensor.mT.contiguous().mT if tensor.dim() > 1 else tensor

    ours, exact = twins(3, 6, 2)
    x = torch.randn(5, 4, 3)
    exact(x.double())[0].sin().sum().backward()
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, columns_first):
        ours(x)[0].sin().sum().backward()
    for a, b in zip(ours.parameters(), exact.parameters(), strict=True):
        agree(a.grad, b.grad)


# ---------------------------------------------------------------- gradients of gradients


@pytest.mark.parametrize("call", ["tensor", "packed", "last"])
def test_second_derivatives(twins: Any, agree: Any, call: str) -> None:
    """A gradient penalty, with a state that comes from the input."""
    ours, exact = twins(3, 6, 2)
    x = torch.randn(5, 4, 3)
    for layer in (ours, exact):
        layer.zero_grad()
        z = x.to(layer.weight_ih_l0).requires_grad_()
        hx = (z[:2, :, :1].expand(2, 4, 6), z[2:4, :, 1:2].tanh().expand(2, 4, 6))
        if call == "packed":
            z_packed = torch.nn.utils.rnn.pack_padded_sequence(z, torch.tensor([5, 3, 3, 1]))
            out = torch.nn.utils.rnn.pad_packed_sequence(layer(z_packed, hx)[0])[0]
        elif call == "last":
            out = layer.last(z, hx, 2)[0] if isinstance(layer, LSTM) else layer(z, hx)[0][-2:]
        else:
            out = layer(z, hx)[0]
        (slope,) = torch.autograd.grad(out.sum(), z, create_graph=True)
        (slope.pow(2).sum() + out.pow(2).sum()).backward()
    for (name, a), b in zip(ours.named_parameters(), exact.named_parameters(), strict=True):
        agree(a.grad, b[1].grad, name, within=2e-5)


def test_second_derivatives_through_a_dropout_mask_are_an_error(compiled: Any) -> None:
    layer = LSTM(3, 6, 2, dropout=0.5)
    x = torch.randn(5, 4, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="set dropout to 0, or use"):
        torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)


def test_batches_of_gradients(twins: Any, agree: Any) -> None:
    ours, exact = twins(3, 6, 2)
    x = torch.randn(5, 4, 3)
    found = []
    for layer in (ours, exact):
        z = x.to(layer.weight_ih_l0).requires_grad_()
        y = layer(z)[0].sum((1, 2))
        found.append(torch.autograd.grad(y, z, torch.eye(5).to(y), is_grads_batched=True)[0])
    agree(*found)
