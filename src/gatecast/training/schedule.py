"""Optimisers and learning-rate schedules."""

from __future__ import annotations

import math

import torch
from torch import nn

from gatecast.training.config import TrainingConfig

__all__ = ["LearningRate", "make_optimizer"]


def make_optimizer(values: nn.Parameter, config: TrainingConfig) -> torch.optim.Optimizer:
    """One fused optimiser over the flat parameters."""
    decay, lr = config.weight_decay, config.lr
    if config.optimizer == "sgd":
        return torch.optim.SGD([values], lr=lr, momentum=config.momentum, weight_decay=decay, fused=True)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind([values], lr=lr, weight_decay=decay, fused=True)


class LearningRate:
    """The learning rate of each step.

    one-cycle rises over the first 30 % of the steps and falls to 0 along a cosine (Smith 2018); plateau multiplies by
    ``plateau_factor`` after more than ``plateau_patience`` epochs without a better validation error.
    """

    def __init__(self, config: TrainingConfig, total_steps: int) -> None:
        self.config = config
        self.total = max(total_steps, 1)
        self.factor = 1.0
        self._best = math.inf
        self._stalled = 0

    def at(self, step: int) -> float:
        """Rate of step 0, 1, ..."""
        lr, done = self.config.lr, step / self.total
        if self.config.schedule == "cosine":
            return lr * (1 + math.cos(math.pi * done)) / 2
        if self.config.schedule == "one-cycle":
            rise = 0.3
            if done < rise:
                return lr * (0.04 + 0.96 * (1 - math.cos(math.pi * done / rise)) / 2)
            return lr * (1 + math.cos(math.pi * (done - rise) / (1 - rise))) / 2
        return lr * self.factor

    def memory(self) -> tuple[float, float, int]:
        """What the plateau schedule remembers: its factor, the best error and the epochs waited since."""
        return self.factor, self._best, self._stalled

    def remember(self, factor: float, best: float, stalled: int) -> None:
        """Go on from what ``memory`` gave."""
        self.factor, self._best, self._stalled = factor, best, stalled

    def after_epoch(self, validation_error: float | None) -> None:
        """Tell the plateau schedule how the epoch went."""
        if self.config.schedule != "plateau" or validation_error is None:
            return
        if validation_error < self._best * (1 - 1e-4):
            self._best, self._stalled = validation_error, 0
            return
        self._stalled += 1
        if self._stalled > self.config.plateau_patience:
            self.factor *= self.config.plateau_factor
            self._stalled = 0
