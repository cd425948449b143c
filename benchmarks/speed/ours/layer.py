"""One LSTM layer stack as a contestant: torch's or Gatecast's, forward and backward; and the matrix-product peak.

The first argument is "torch" or "gatecast", the second "flush" or "keep" (denormals). The flag is per thread and is
inherited, so it is set before the first thread of a pool exists, in a process of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.speed.worker import serve

__all__ = ["Layer", "peaks"]

ENOUGH = 0.15  # seconds of one measurement
SIZES = (1024, 2048)  # of the matrices that say what the machine can do


class Layer:
    """Times one layer stack at a time.

    Args:
        kind: torch.nn.LSTM or gatecast.nn.LSTM.
    """

    def __init__(self, kind: type[torch.nn.LSTM]) -> None:
        self.kind = kind
        self.step: Callable[[], None] = lambda: None
        self.times = 1

    def build(self, batch: int, steps: int, features: int, hidden: int, layers: int, reading: str) -> float:
        """Make weights and data, and try them; seconds of one forward and backward pass.

        ``reading`` says what the loss reads: the "last" step of the output, "every" step, or "last()": the last step
        through the method of that name, which torch's layer does not have.
        """
        torch.manual_seed(0)
        lstm = self.kind(features, hidden, layers, batch_first=True)
        x_BTF = torch.randn(batch, steps, features)

        def step() -> None:
            lstm.zero_grad()
            if reading == "last()" and hasattr(lstm, "last"):
                lstm.last(x_BTF)[0].sum().backward()
                return
            out_BTD, _ = lstm(x_BTF)
            loss = out_BTD.sum() if reading == "every" else out_BTD[:, -1].sum()
            loss.backward()

        step()
        self.step = step
        seconds = timed(step)
        self.times = max(1, round(ENOUGH / seconds))
        return seconds

    def measure(self) -> float:
        """Seconds of one forward and backward pass, from many in a row."""
        return timed(self.step, self.times)


def peaks(times: int = 5) -> dict[str, float]:
    """FLOP/s of float32 products of large square matrices: the best of a few, by library and size."""
    best = {}
    for size in SIZES:
        tensors = [torch.randn(size, size) for _ in range(3)]
        arrays = [tensor.numpy() for tensor in tensors]
        products: dict[str, Callable[[], object]] = {"torch": partial(torch.mm, *tensors[:2], out=tensors[2])}
        products |= {"numpy": partial(np.matmul, *arrays[:2], out=arrays[2])}
        for name, product in products.items():
            best[f"{name} {size}"] = 2 * size**3 / min(timed(product) for _ in range(times))
    return best


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Mean seconds of one call."""
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


def _kind(name: str) -> type[torch.nn.LSTM]:
    if name == "torch":
        return torch.nn.LSTM
    from gatecast.nn import LSTM

    return LSTM


if __name__ == "__main__":
    torch.set_flush_denormal(sys.argv[2] == "flush")
    layer = Layer(_kind(sys.argv[1]))
    serve({"build": layer.build, "measure": layer.measure, "peaks": peaks})
