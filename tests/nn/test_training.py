"""Training with the layer: torch's loss curve, the same bytes for the same seed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gatecast.nn import LSTM


def curve(kind: type[torch.nn.LSTM], steps: int = 200, **settings: Any) -> tuple[list[float], list[Tensor]]:
    """Losses of a forecaster of a noisy wave, and its weights at the end: same start, same batches, Adam."""
    torch.manual_seed(0)
    layer, head = kind(2, 24, batch_first=True, **settings), torch.nn.Linear(24, 1)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=3e-3)
    numbers = torch.Generator().manual_seed(1)
    losses = []
    for _ in range(steps):
        start = 20 * torch.rand(32, 1, generator=numbers)
        time = start + torch.arange(31) / 3
        wave = torch.sin(time) + 0.1 * torch.randn(time.shape, generator=numbers)
        x = torch.stack([wave[:, :-1], torch.cos(time[:, :-1] / 2)], -1)
        out, _ = layer(x)
        loss = torch.nn.functional.mse_loss(head(out)[..., 0], wave[:, 1:])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses, [p.detach() for p in layer.parameters()]


@pytest.mark.usefixtures("one_thread")
def test_loss_curve_is_that_of_torch() -> None:
    ours, _ = curve(LSTM)
    theirs, _ = curve(torch.nn.LSTM)
    assert theirs[-1] < 0.1 * theirs[0]
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4 * theirs[-1])


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "dropout": 0.3}])
def test_same_seed_same_bytes(
    threads: Any, monkeypatch: pytest.MonkeyPatch, count: int, settings: dict[str, Any]
) -> None:
    monkeypatch.setattr("gatecast.nn.threads.FLOPS_PER_THREAD", 1)
    threads(count)
    first, second = curve(LSTM, 15, **settings), curve(LSTM, 15, **settings)
    assert first[0] == second[0]
    assert all(torch.equal(a, b) for a, b in zip(first[1], second[1], strict=True))


@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "dropout": 0.3}])
def test_threads_change_rounding_alone(
    compiled: Any, threads: Any, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    """A dropout mask does not depend on them either."""
    monkeypatch.setattr("gatecast.nn.threads.FLOPS_PER_THREAD", 1)
    found = []
    for count in (1, 2, 4):
        threads(count)
        found.append(curve(LSTM, 15, **settings)[0])
    assert found[1] == pytest.approx(found[0], rel=1e-4)
    assert found[2] == pytest.approx(found[0], rel=1e-4)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("steps", [1, 4])
def test_training_on_the_last_steps(steps: int) -> None:
    """``last`` gives what slicing gives."""
    torch.manual_seed(0)
    layer = LSTM(2, 9, 2, batch_first=True)
    x = torch.randn(6, 12, 2)
    whole, part = layer(x)[0][:, -steps:], layer.last(x, steps=steps)[0]
    assert torch.equal(whole, part)
    a = torch.autograd.grad(whole.pow(2).sum(), tuple(layer.parameters()))
    b = torch.autograd.grad(part.pow(2).sum(), tuple(layer.parameters()))
    assert all(torch.allclose(p, q, rtol=1e-5, atol=1e-6) for p, q in zip(a, b, strict=True))
