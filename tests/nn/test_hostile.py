"""Numbers, memory and processes that are hard to stand: torch's behaviour, never a crash."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from gatecast.nn import LSTM
from gatecast.nn.kernels import load

pytestmark = pytest.mark.usefixtures("one_thread")


def pair(*sizes: int, **settings: Any) -> tuple[LSTM, torch.nn.LSTM]:
    torch.manual_seed(0)
    ours, theirs = LSTM(*sizes, **settings), torch.nn.LSTM(*sizes, **settings)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def results(layer: torch.nn.LSTM, x: Tensor, hx: Any = None) -> list[Tensor]:
    """Outputs, states, and gradients of the input and of the weights."""
    layer.zero_grad()
    x = x.detach().requires_grad_()
    out, (h, c) = layer(x, hx)
    (out.sum() + c.sum()).backward()
    return [t.detach() for t in (out, h, c, x.grad, *(p.grad for p in layer.parameters())) if t is not None]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("at", [(0, 0, 0), (3, 2, 1), (6, 8, 2)])
def test_bad_numbers_spread_as_in_torch(variant: str, bad: float, at: tuple[int, int, int]) -> None:
    """NaN stays in its row, from its step on; an infinite input saturates the gates."""
    ours, theirs = pair(3, 20, 2)
    x = torch.randn(7, 9, 3)
    x[at] = bad
    for a, b in zip(results(ours, x), results(theirs, x), strict=True):
        assert torch.equal(a.isfinite(), b.isfinite())
        assert torch.equal(a.isnan(), b.isnan())
        fine = b.isfinite()
        assert torch.allclose(a[fine], b[fine], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 3e38])
@pytest.mark.parametrize("where", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hh_l1_reverse"])
@pytest.mark.parametrize("bias", [True, False])
def test_bad_weights_spread_as_in_torch(variant: str, where: str, bias: bool, bad: float) -> None:
    """A state that is not given is 0, and 0 times infinity is NaN: at step 0 as later."""
    if "bias" in where and not bias:
        pytest.skip("there is no such weight")
    ours, theirs = pair(3, 20, 2, bias=bias, bidirectional=True)
    for layer in (ours, theirs):
        with torch.no_grad():
            layer.get_parameter(where).view(-1)[5] = bad
    for steps in (1, 7):
        x = torch.randn(steps, 9, 3)
        for a, b in zip(results(ours, x), results(theirs, x), strict=True):
            assert torch.equal(a.isnan(), b.isnan())
            fine = b.isfinite()
            assert torch.allclose(a[fine], b[fine], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 3e38])
@pytest.mark.parametrize("where", ["input", "weight_ih_l0", "weight_hh_l0", "bias_hh_l0", "weight_hh_l1_reverse"])
def test_bad_numbers_of_wide_layers_spread_as_in_torch(variant: str, where: str, bad: float) -> None:
    """Without gradients, where wide layers are done in tiles; infinite factors are none for these."""
    ours, theirs = pair(3, 70, 2, bidirectional=True)
    ours.bf16x3 = True
    x = torch.randn(7, 40, 3)
    with torch.no_grad():
        for layer in (ours, theirs):
            bent = x if where == "input" else layer.get_parameter(where)
            bent.view(-1)[50] = bad
        for given in (x[:1], x):
            for a, b in zip((ours(given)[0], *ours(given)[1]), (theirs(given)[0], *theirs(given)[1]), strict=True):
                assert torch.equal(a.isnan(), b.isnan())
                fine = b.isfinite()
                assert torch.allclose(a[fine], b[fine], rtol=1e-4, atol=1e-5)


def test_bad_states_spread_as_in_torch(variant: str) -> None:
    ours, theirs = pair(3, 20)
    x, h0, c0 = torch.randn(7, 9, 3), torch.randn(1, 9, 20), torch.randn(1, 9, 20)
    h0[0, 1, 3], c0[0, 4, 19] = float("nan"), float("nan")
    for a, b in zip(results(ours, x, (h0, c0)), results(theirs, x, (h0, c0)), strict=True):
        assert torch.equal(a.isnan(), b.isnan())


@pytest.mark.parametrize("size", [20.0, 89.0, 1e4, 1e30, 3e38])
def test_large_inputs_saturate(variant: str, size: float) -> None:
    """A saturated gate is exactly 0 or 1, and its slope exactly 0, as in torch: else Adam would step on rounding."""
    ours, theirs = pair(3, 20)
    x = size * torch.randn(7, 9, 3).sign()
    for a, b in zip(results(ours, x), results(theirs, x), strict=True):
        assert torch.equal(a.isfinite(), b.isfinite())
        assert float((a - b).abs().max()) <= 1e-4 * max(1, float(b.abs().max())), "sums of thousands lose digits"


@pytest.mark.parametrize("size", [1e-20, 1e-38, 1e-42])
def test_denormals(variant: str, size: float) -> None:
    ours, theirs = pair(3, 20, bias=False)
    x = size * torch.randn(7, 9, 3)
    for a, b in zip(results(ours, x), results(theirs, x), strict=True):
        assert float((a - b).abs().max()) <= 1e-5 * float(b.abs().max()) + 1e-36
    with torch.no_grad():
        for p in ours.parameters():
            p.mul_(1e-20)
    assert ours(x)[0].isfinite().all()
    assert torch.tensor(1e-40).add(0) != 0  # denormals of the caller's thread are as they were


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 2, 1), (5, 2, 3)])
def test_numbers_marked_as_negated(shape: tuple[int, ...]) -> None:
    ours, theirs = pair(shape[2], 4)
    x = torch.randn(shape, dtype=torch.cfloat).conj().imag
    assert x.is_neg()
    state = torch.randn(1, shape[1], 4, dtype=torch.cfloat).conj().imag
    assert torch.allclose(ours(x, (state, state))[0], theirs(x, (state, state))[0], atol=1e-6)


def negated(*shape: int) -> Tensor:
    """Contiguous numbers that are marked as negated."""
    found: Tensor = torch._neg_view(torch.randn(*shape))
    assert found.is_neg()
    assert found.is_contiguous()
    return found


def with_weight(layer: torch.nn.LSTM, name: str, weight: Tensor) -> None:
    """Put a tensor, no parameter, in the place of a weight."""
    del layer._parameters[name]
    setattr(layer, name, weight)
    layer._flat_weights = [getattr(layer, each) for each in layer._flat_weights_names]


def test_contiguous_numbers_marked_as_negated() -> None:
    ours, theirs = pair(3, 4)
    x, state, d_out, d_h = negated(5, 2, 3), negated(1, 2, 4), negated(5, 2, 4), negated(1, 2, 4)
    weight = negated(16, 4)
    for given in (x, torch.randn(5, 2, 3)):
        for hx in (None, (state, state)):
            assert torch.allclose(ours(given, hx)[0], theirs(given, hx)[0], atol=1e-6)
    for layer in (ours, theirs):
        out, (h, c) = layer(torch.ones(5, 2, 3))
        torch.autograd.backward([out, h, c], [d_out, d_h, d_h])
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, atol=1e-5)  # type: ignore[arg-type]
    for layer in (ours, theirs):
        with_weight(layer, "weight_hh_l0", weight)
    assert torch.allclose(ours(x)[0], theirs(x)[0], atol=1e-6)


@pytest.mark.parametrize("left", [0, 16])
@pytest.mark.parametrize("which", ["input", "h_0", "c_0", "weight_ih_l0", "weight_hh_l1", "bias_ih_l0", "bias_hh_l1"])
def test_freed_memory_is_an_error(compiled: Any, which: str, left: int) -> None:
    """Freed or cut to a few bytes, before the forward or before the way back."""
    for late in (False, True):
        layer, x, h, c = LSTM(3, 4, 2), torch.randn(5, 2, 3), torch.zeros(2, 2, 4), torch.zeros(2, 2, 4)
        victim = {"input": x, "h_0": h, "c_0": c}.get(which)
        victim = layer.get_parameter(which) if victim is None else victim
        out = layer(x, (h, c))[0] if late else None
        victim.untyped_storage().resize_(left)
        with pytest.raises(RuntimeError, match=f"freed or cut: it holds {left}"):
            layer(x, (h, c)) if out is None else out.sum().backward()


def test_freed_memory_of_views_and_ragged_rows_is_an_error(compiled: Any) -> None:
    layer, wide = LSTM(3, 4), torch.randn(5, 2, 6)
    packed = torch.nn.utils.rnn.pack_sequence([torch.randn(5, 3), torch.randn(3, 3)])
    turned = torch.randn(4, 16).t()
    views = [wide[..., :3], wide[..., 3:], wide[..., ::2], wide[1:, :, :3]]
    for view in views:
        layer(view)
    wide.untyped_storage().resize_(4 * 59 - 1)  # the last of 60 numbers, which only some of the views reach
    layer(views[0])
    for view in views[1:2]:
        with pytest.raises(RuntimeError, match="freed"):
            layer(view)
    wide.untyped_storage().resize_(0)
    packed.data.untyped_storage().resize_(0)
    for bad in (*views, packed):
        with pytest.raises(RuntimeError, match="freed"):
            layer(bad)
    with_weight(layer, "weight_hh_l0", turned)
    layer(torch.randn(5, 2, 3))
    turned.untyped_storage().resize_(0)
    with pytest.raises(RuntimeError, match="freed"):
        layer(torch.randn(5, 2, 3))


def test_what_is_expanded_needs_no_more_than_it_has(compiled: Any) -> None:
    ours, theirs = pair(3, 4)
    for x in (torch.randn(1, 1, 3).expand(5, 2, 3), torch.randn(5, 1, 1).expand(5, 2, 3)):
        assert torch.allclose(ours(x)[0], theirs(x)[0], atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"num_layers": 2}, {"bidirectional": True}])
@pytest.mark.parametrize("shape", [(5, 2, 3), (5, 3)])
@pytest.mark.parametrize("which", ["output", "h_n", "c_n"])
def test_a_change_of_the_results_in_place_is_refused_where_torch_refuses_it(
    settings: dict[str, Any], shape: tuple[int, ...], which: str
) -> None:
    found = []
    for layer in pair(3, 4, **settings):
        out, (h, c) = layer(torch.ones(shape))
        {"output": out, "h_n": h, "c_n": c}[which].mul_(2)
        try:
            (out.sum() + h.sum() + c.sum()).backward()
        except RuntimeError as error:
            found.append(str(error)[:90])
        else:
            found.append("fine")
    assert found[0] == found[1]
    assert ("inplace" in found[0]) == (which == "output" and "bidirectional" not in settings)


def test_many_steps_and_wide_batches(variant: str) -> None:
    ours, theirs = pair(1, 3)
    for shape in ((3000, 1, 1), (2, 3000, 1)):
        x = torch.randn(shape)
        for a, b in zip(results(ours, x), results(theirs, x), strict=True):
            assert torch.allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(load() is None, reason="torch's own sums depend on its number of threads")
@pytest.mark.parametrize("inner_threads", [1, 2])
def test_python_threads_at_once(threads: Any, monkeypatch: pytest.MonkeyPatch, inner_threads: int) -> None:
    """Each thread trains its own layer: the results are those of one after the other."""
    monkeypatch.setattr("gatecast.nn.threads.FLOPS_PER_THREAD", 1)
    threads(inner_threads)

    def train(seed: int) -> list[Tensor]:
        generator = torch.Generator().manual_seed(seed)
        layer = LSTM(3, 16 + seed, 2)
        with torch.no_grad():
            for p in layer.parameters():
                p.copy_(torch.randn(p.shape, generator=generator) / 5)
        found = []
        for _ in range(30):
            found += results(layer, torch.randn(9, 12 + seed, 3, generator=generator))
        return found

    alone = [train(seed) for seed in range(4)]
    together: dict[int, list[Tensor]] = {}
    workers = [threading.Thread(target=lambda s=seed: together.update({s: train(s)})) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    for seed, expected in enumerate(alone):
        assert all(torch.equal(a, b) for a, b in zip(together[seed], expected, strict=True))


def test_one_layer_in_many_python_threads() -> None:
    layer = LSTM(3, 16, 2)
    x = torch.randn(9, 12, 3)
    expected, _ = layer(x)
    found: list[Tensor] = []

    def use() -> None:
        for _ in range(50):
            out, _ = layer(x)
            found.append(out)
            torch.autograd.grad(out.sum(), tuple(layer.parameters()))

    workers = [threading.Thread(target=use) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(found) == 150
    assert all(torch.equal(out, expected) for out in found)


FORK = """
import multiprocessing, os, sys, torch
import gatecast.nn.threads
from gatecast.nn import LSTM
gatecast.nn.threads.FLOPS_PER_THREAD = 1
torch.set_num_threads(2)
torch.manual_seed(0)
layer, x = LSTM(3, 16, 2), torch.randn(9, 64, 3)

def work(pipe=None):
    layer.zero_grad()
    layer(x)[0].pow(2).sum().backward() if os.environ["WAY_BACK"] == "1" else layer(x)
    found = layer(x)[0].detach().double().sum().item()
    pipe.send(found) if pipe else None
    return found

if os.environ["BEFORE"] == "1":
    work()
context = multiprocessing.get_context("fork")
pairs = [context.Pipe() for _ in range(3)]
children = [context.Process(target=work, args=(there,)) for _, there in pairs]
for child in children:
    child.start()
expected = work()
for (here, _), child in zip(pairs, children):
    assert here.poll(40), "a child hangs"
    assert abs(here.recv() - expected) < 1e-6
    child.join(20)
    assert child.exitcode == 0, child.exitcode
print("fine")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no fork")
@pytest.mark.parametrize("before", ["0", "1"])
def test_after_a_fork(compiled: Any, before: str) -> None:
    """Threads of a pool do not live on in a child: it needs new ones."""
    # torch's own engine refuses to go back in a child whose parent has used it
    environment = {**os.environ, "BEFORE": before, "WAY_BACK": str(1 - int(before))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == "fine", done.stderr
