"""noisy-sine: four values as one time step of four features, in order, MSE, Adam."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.published.common import Run, rmse
from gatecast.data.examples.datasets import noisy_sine

EPOCHS = 100
WINDOW = 4


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(WINDOW, 128, batch_first=True)
        self.linear = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x)
        prediction: Tensor = self.linear(out[:, -1])
        return prediction


def windows(series: np.ndarray) -> tuple[Tensor, Tensor]:
    x = np.array([series[i : i + WINDOW] for i in range(len(series) - WINDOW)])
    y = np.array([series[i + WINDOW] for i in range(len(series) - WINDOW)])
    return torch.tensor(x, dtype=torch.float32)[:, None], torch.tensor(y, dtype=torch.float32)[:, None]


def train(epochs: int, seed: int, data: str | None = None) -> Run:
    series = noisy_sine(seed).series(0)[:, 0]
    torch.manual_seed(seed)
    model = Model()
    started = time.perf_counter()
    loader = DataLoader(TensorDataset(*windows(series[:720])), batch_size=64, shuffle=False)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    losses = [0.0]
    for _ in range(epochs):
        losses = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    seconds = time.perf_counter() - started
    x, y = windows(series[720:])
    with torch.no_grad():
        error = rmse(y.numpy(), model(x).numpy())
    return Run(seconds, epochs * len(loader), epochs, sum(losses) / len(losses), error)
