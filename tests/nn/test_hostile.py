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


@pytest.mark.parametrize("where", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"])
def test_bad_weights_spread_as_in_torch(variant: str, where: str) -> None:
    ours, theirs = pair(3, 20)
    for layer in (ours, theirs):
        with torch.no_grad():
            layer.get_parameter(where).view(-1)[5] = float("nan")
    x = torch.randn(7, 9, 3)
    for n, (a, b) in enumerate(zip(results(ours, x), results(theirs, x), strict=True)):
        # a state that is not given is 0, and meets no weight at step 0
        begin = 2 if n == 0 and where == "weight_hh_l0" else 0
        assert torch.equal(a[begin:].isnan(), b[begin:].isnan())


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


def test_many_steps_and_wide_batches(variant: str) -> None:
    ours, theirs = pair(1, 3)
    for shape in ((3000, 1, 1), (2, 3000, 1)):
        x = torch.randn(shape)
        for a, b in zip(results(ours, x), results(theirs, x), strict=True):
            assert torch.allclose(a, b, rtol=1e-3, atol=1e-4)


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
