"""What a careful reader writes in plain torch: gathered windows, scaled by their own mean and spread, Adam, MAE."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from benchmarks.speed.panels import synthetic
from benchmarks.speed.sizes import BATCH, HIDDEN, HORIZON, LOOKBACK, RATE
from benchmarks.speed.worker import peak_mb, serve


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, HIDDEN, batch_first=True)
        self.linear = nn.Linear(HIDDEN, HORIZON)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x[:, :, None])
        forecast: Tensor = self.linear(out[:, -1])
        return forecast


class Contestant:
    def load(self, series: int, steps: int) -> None:
        self.values = torch.from_numpy(synthetic(series, steps))

    def train(self, steps: int) -> dict[str, float | None]:
        torch.manual_seed(0)
        started = time.perf_counter()
        windows = self.values.unfold(1, LOOKBACK + HORIZON, 1)
        self.model = Model()
        optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE, fused=True)
        for _ in range(steps):
            batch = windows[torch.randint(windows.shape[0], (BATCH,)), torch.randint(windows.shape[1], (BATCH,))]
            mean, spread = scale(batch[:, :LOOKBACK])
            batch = (batch - mean) / spread
            loss = (self.model(batch[:, :LOOKBACK]) - batch[:, LOOKBACK:]).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return {"seconds": time.perf_counter() - started, "peak_mb": peak_mb()}

    @torch.inference_mode()
    def predict(self, series: int) -> float:
        started = time.perf_counter()
        window = self.values[:series, -LOOKBACK:]
        mean, spread = scale(window)
        (self.model((window - mean) / spread) * spread + mean).numpy()
        return time.perf_counter() - started


def scale(window: Tensor) -> tuple[Tensor, Tensor]:
    return window.mean(1, keepdim=True), window.std(1, keepdim=True) + 1e-6


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    contestant = Contestant()
    serve({"load": contestant.load, "train": contestant.train, "predict": contestant.predict})
