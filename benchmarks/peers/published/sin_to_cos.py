"""sin-to-cos: five interleaved sequences in sequence-first layout, a value at every step, full batch."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from benchmarks.peers.published.common import Run, rmse
from gatecast.data.examples.datasets import sin_to_cos

EPOCHS = 10_000
ENOUGH = 1e-4


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 16)
        self.linear = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x)
        prediction: Tensor = self.linear(out)
        return prediction


def train(epochs: int, seed: int, data: str | None = None) -> Run:
    values = torch.tensor(sin_to_cos().values_RV, dtype=torch.float32)
    cos, sin = values[:, 0], values[:, 1]
    torch.manual_seed(seed)
    model = Model()
    started = time.perf_counter()
    x, y = sin[:100].reshape(20, 5, 1), cos[:100].reshape(20, 5, 1)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    epoch, loss = 0, torch.zeros(())
    for epoch in range(1, epochs + 1):  # noqa: B007 (the number of the last epoch is handed back)
        loss = criterion(model(x), y)
        if loss.item() < ENOUGH:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - started
    with torch.no_grad():
        predicted = model(sin[100:].reshape(20, 5, 1)).reshape(-1)
    return Run(seconds, epoch, epoch, loss.item(), rmse(cos[100:].numpy(), predicted.numpy()))
