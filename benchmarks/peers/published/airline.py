"""airline: raw passengers, look-back 4, the loss on every step of the window."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.published.common import Run, SameOrder, rmse
from gatecast.data.examples.datasets import airline

EPOCHS = 2000
LOOKBACK = 4


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 50, batch_first=True)
        self.linear = nn.Linear(50, 1)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x)
        prediction: Tensor = self.linear(out)
        return prediction


def windows(series: np.ndarray) -> tuple[Tensor, Tensor]:
    starts = range(len(series) - LOOKBACK)
    x = np.array([series[i : i + LOOKBACK] for i in starts])
    y = np.array([series[i + 1 : i + LOOKBACK + 1] for i in starts])
    return torch.tensor(x), torch.tensor(y)


def train(epochs: int, seed: int, data: str | None = None) -> Run:
    series = airline().series(0)
    torch.manual_seed(seed)
    model = Model()
    started = time.perf_counter()
    dataset = TensorDataset(*windows(series[:96]))
    loader = DataLoader(dataset, batch_size=8, sampler=SameOrder(len(dataset), seed))
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters())
    losses = [0.0]
    for _ in range(epochs):
        model.train()
        losses = []
        for x, y in loader:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    seconds = time.perf_counter() - started
    x, y = windows(series[96:])
    with torch.no_grad():
        error = rmse(y[:, -1].numpy(), model(x)[:, -1].numpy())
    return Run(seconds, epochs * len(loader), epochs, sum(losses) / len(losses), error)
