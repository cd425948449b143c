"""sine: two layers with dropout that take and return their state, gradient norm clipped."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.published.common import Run, SameOrder, rmse
from gatecast.data.examples.datasets import sine

EPOCHS = 100
WINDOW = 50
TRAIN = 760  # 80 % of the 950 windows

State = tuple[Tensor, Tensor]


class Model(nn.Module):
    def __init__(self, hidden: int = 50, layers: int = 2, dropout: float = 0.2) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        if state is None:
            zeros = torch.zeros(self.lstm.num_layers, len(x), self.lstm.hidden_size)
            state = (zeros, zeros)
        out, state = self.lstm(x, state)
        return self.linear(out[:, -1]), state


def windows(series: np.ndarray) -> tuple[Tensor, Tensor]:
    starts = range(len(series) - WINDOW)
    x = np.array([series[i : i + WINDOW] for i in starts])
    y = np.array([series[i + WINDOW] for i in starts])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def train(epochs: int, seed: int, data: str | None = None) -> Run:
    series = sine().series(0)
    torch.manual_seed(seed)
    model = Model()
    started = time.perf_counter()
    x_all, y_all = windows(series)
    dataset = TensorDataset(x_all[:TRAIN], y_all[:TRAIN])
    # a generator of its own: else every epoch draws from torch's, and dropout would differ from the other side's
    loader = DataLoader(dataset, batch_size=32, sampler=SameOrder(TRAIN, seed), generator=torch.Generator())
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    history = [0.0]
    for _ in range(epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            prediction, _ = model(x)
            loss = criterion(prediction, y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        history.append(total / len(loader))
    seconds = time.perf_counter() - started
    model.eval()
    with torch.no_grad():
        prediction, _ = model(x_all[TRAIN:])
    return Run(seconds, epochs * len(loader), epochs, history[-1], rmse(y_all[TRAIN:].numpy(), prediction.numpy()))
