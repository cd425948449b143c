"""ridership: LSTMCell unrolled by hand over 56 days, tomorrow's day type known, Huber loss, plateau schedule."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.peers.published.common import Run, SameOrder
from gatecast.data.examples.ridership import ridership
from gatecast.data.panel import Panel

EPOCHS = 50
WINDOW = 56


class Windows(Dataset[tuple[Tensor, Tensor]]):
    """56 days of rail, bus and the next day's type; the next day's riders."""

    def __init__(self, table: Tensor) -> None:
        self.table = table

    def __len__(self) -> int:
        return len(self.table) - WINDOW

    def __getitem__(self, at: int) -> tuple[Tensor, Tensor]:
        end = at + WINDOW
        return self.table[at:end], self.table[end, :2]


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(5, 32)
        self.linear = nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 32)
        c = torch.zeros(len(x), 32)
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], (h, c))
        prediction: Tensor = self.linear(h)
        return prediction


def table(panel: Panel) -> Tensor:
    """(days, 5): bus and rail in millions, the next day's type; the last day's own type is never read."""
    values = panel.values_RV[panel.rows(0)]
    next_type = np.vstack([values[1:, 2:], values[-1:, 2:]])
    return torch.tensor(np.hstack([values[:, :2] / 1e6, next_type]), dtype=torch.float32)


def mae(model: Model, part: Windows, batch_size: int = 32) -> float:
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for x, y in DataLoader(part, batch_size=batch_size):
            total += (model(x) - y).abs().sum().item()
            count += y.numel()
    return total / count


def train(epochs: int, seed: int, data: str | None = None) -> Run:
    panel = ridership(data).between("2016-01")
    train_part, check, test = (
        Windows(table(panel.between(*span))) for span in ((None, "2018-12"), ("2019-01", "2019-05"), ("2019-06", None))
    )
    torch.manual_seed(seed)
    model = Model()
    started = time.perf_counter()
    loader = DataLoader(train_part, batch_size=32, sampler=SameOrder(len(train_part), seed))
    criterion = nn.HuberLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.95)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=20, factor=0.1)
    history = []
    for _ in range(epochs):
        model.train()
        losses, errors = [], []
        for x, y in loader:
            prediction = model(x)
            loss = criterion(prediction, y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            errors.append((prediction.detach() - y).abs().mean().item())
        checked = mae(model, check)
        schedule.step(checked)
        history.append((sum(losses) / len(losses), sum(errors) / len(errors), checked))
    seconds = time.perf_counter() - started
    return Run(seconds, epochs * len(loader), epochs, history[-1][0], 1e6 * mae(model, test))
