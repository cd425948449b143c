"""What the published loops share: the order of the windows, and what a run hands back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

__all__ = ["Run", "SameOrder", "rmse"]


@dataclass(frozen=True)
class Run:
    """One training.

    Args:
        seconds: from the series to the trained network: windows and all steps; neither data nor test.
        steps: updates of the weights.
        epochs: passes over the windows.
        final_loss: mean training loss of the last epoch.
        test_error: RMSE, or MAE for ridership, in the data's unit.
    """

    seconds: float
    steps: int
    epochs: int
    final_loss: float
    test_error: float


class SameOrder(Sampler[int]):
    """A random order of its own for every epoch, drawn as Gatecast draws it, so that both see the same batches.

    It costs what DataLoader's own random order costs: one permutation.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        yield from self.rng.permutation(self.count).tolist()


def rmse(truth: np.ndarray, forecast: np.ndarray) -> float:
    """Root mean squared error over all points."""
    return float(np.sqrt(np.mean((np.asarray(forecast, np.float64) - truth) ** 2)))
