"""Where a training stands, as a value: what it takes to go on as if it had never stopped.

state ──▶ one epoch ──▶ state ──▶ one epoch ──▶ state ...        the loop in ``loop`` is nothing but this
            └─ killed; the same call again ──▶ state ──▶ ...      where a ``Checkpoint`` keeps it outside of the process

Nothing is replayed: a state holds all that a training needs, and a finished one is a state as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor

__all__ = ["Checkpoint", "Row", "TrainingState"]

Row = dict[str, float]


@dataclass
class TrainingState:
    """All that changes while a network is trained; plain numbers and tensors, so that it can be written and read back.

    Args:
        epoch: epochs finished; 0 = the start.
        step: steps finished.
        random: state of the generator that draws the windows.
        factor: what the plateau schedule multiplies the rate by.
        stalled: epochs that the plateau schedule has waited for a better error.
        plateau: the best error that it has seen.
        best_epoch: the epoch with the least validation error.
        best_error: that error; infinite before any.
        best_weights: (W,) the weights then.
        weights: (W,) the weights now.
        memory: what the optimiser remembers, by name.
        errors: validation error after epoch 0, 1, ...; empty without validation.
        history: one plain dict per logged epoch.
        row: that of the last epoch, logged or not; None before any.
        seconds: spent so far.
    """

    random: Mapping[str, Any]
    weights: Tensor
    best_weights: Tensor
    epoch: int = 0
    step: int = 0
    factor: float = 1.0
    stalled: int = 0
    plateau: float = math.inf
    best_epoch: int = 0
    best_error: float = math.inf
    memory: dict[str, Tensor] = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    row: Row | None = None
    seconds: float = 0.0

    def generator(self) -> np.random.Generator:
        """A generator that goes on where the state's own one stood."""
        generator = np.random.default_rng()
        generator.bit_generator.state = dict(self.random)
        return generator


class Checkpoint(Protocol):
    """Keeps the newest state of each training. ``storage.checkpoint`` writes files."""

    def read(self, key: str) -> TrainingState | None:
        """Where the training with this key stood; None = it never began.

        Args:
            key: hexadecimal digits that are others for whatever would train otherwise.
        """
        ...

    def keep(self, key: str, state: TrainingState) -> None:
        """Take a state in place of the one before; any thread may call. It need not be written at once."""
        ...
