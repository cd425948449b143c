"""A forecast without a carried state, as TiRex makes it: for every new row the last 2,048 steps are read again.

An LSTM of plain torch with random weights, as wide and as deep as a network of the model beside it; one value a step, a
window scaled by its own mean and spread, and a readout of all steps and quantiles from the last state. What a forecast
costs does not hang on what the weights are.
"""

from __future__ import annotations

import time
from statistics import median

import torch
from torch import Tensor, nn

from benchmarks.speed.panels import synthetic
from benchmarks.speed.worker import serve

__all__ = ["Contestant"]

HORIZON, QUANTILES = 24, 9
CHUNK = 1000  # series at a time


class Model(nn.Module):
    """All quantiles of the horizon from the last state."""

    def __init__(self, hidden: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, layers, batch_first=True)
        self.linear = nn.Linear(hidden, HORIZON * QUANTILES)

    def forward(self, x_BT: Tensor) -> Tensor:
        """(B, T) -> (B, H, Q)."""
        mean_B1, spread_B1 = x_BT.mean(1, keepdim=True), x_BT.std(1, keepdim=True) + 1e-6
        states_BTD, _ = self.lstm(((x_BT - mean_B1) / spread_B1)[:, :, None])
        made_BHQ: Tensor = self.linear(states_BTD[:, -1]).unflatten(1, (HORIZON, QUANTILES))
        return made_BHQ * spread_B1[:, :, None] + mean_B1[:, :, None]


class Contestant:
    """Reads the last steps of all series."""

    @torch.inference_mode()
    def follow(self, series: int, steps: int, hidden: int, layers: int, window: int, times: int) -> dict[str, float]:
        """Seconds of a forecast of all series, and bytes that are kept of each: those of its window."""
        torch.manual_seed(0)
        model = Model(hidden, layers).eval()
        kept_NT = torch.from_numpy(synthetic(series, min(steps, window)))
        model(kept_NT[:CHUNK])  # sets torch up
        taken = []
        for _ in range(times):
            started = time.perf_counter()
            for begin in range(0, series, CHUNK):
                model(kept_NT[begin : begin + CHUNK])
            taken.append(time.perf_counter() - started)
        return {"forecast_s": median(taken), "bytes": float(kept_NT[0].numel() * kept_NT.element_size())}


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    serve({"follow": Contestant().follow})
