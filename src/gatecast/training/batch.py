"""Batches as tensors, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gatecast.data.batches import Batch, WindowReader
from gatecast.data.scaling import Scaling
from gatecast.data.windows import WindowIndex
from gatecast.model.heads import Units

__all__ = ["BatchSource", "TensorBatch", "WindowSource", "to_tensors", "units_of"]


@dataclass(frozen=True)
class TensorBatch:
    """What one training step needs; shapes as in ``Batch``. ``units`` are there for heads that need them."""

    context_BLF: Tensor
    future_BKHF: Tensor | None
    target_BKHC: Tensor
    weight_BKHC: Tensor | None
    units: Units | None = None


class BatchSource(Protocol):
    """Training data: an endless supply of epochs."""

    def steps(self) -> int:
        """Steps of one epoch."""
        ...

    def epoch(self, rng: np.random.Generator) -> Iterator[TensorBatch]:
        """The batches of one epoch."""
        ...


@dataclass(frozen=True)
class WindowSource:
    """Draws windows of a panel.

    Args:
        reader: reads them.
        index: the windows that may be drawn.
        batch_size: windows per batch.
        shuffle: random order.
        steps_per_epoch: batches of windows drawn with replacement per epoch; None = every window once.
        device: where the tensors go.
        units: also say what the outputs are in the data's unit.
    """

    reader: WindowReader
    index: WindowIndex
    batch_size: int
    shuffle: bool
    steps_per_epoch: int | None
    device: torch.device
    units: bool = False

    def steps(self) -> int:
        return self.steps_per_epoch or -(-len(self.index) // self.batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[TensorBatch]:
        for numbers_B in self._numbers(rng):
            yield self._tensors(numbers_B)

    def spread(self, most: int, origins: int | None = None) -> Iterator[TensorBatch]:
        """At most ``most`` windows spread evenly over all of them, in large batches: for validation and fits.

        ``origins`` = 1 asks for the forecasts of each window's last step alone.
        """
        count = len(self.index)
        numbers = np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)
        for at in range(0, len(numbers), 512):
            yield self._tensors(numbers[at : at + 512], origins)

    def _tensors(self, numbers_B: np.ndarray, origins: int | None = None) -> TensorBatch:
        batch = self.reader.read(*self.index.locate(numbers_B), origins=origins)
        units = units_of(batch, self.reader.scaling, self.device) if self.units else None
        return to_tensors(batch, self.device, units)

    def _numbers(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Window numbers (B,) of each batch."""
        count = len(self.index)
        if self.steps_per_epoch:
            # fewer windows than a batch: every one of them, rather than the same one twice
            size = min(self.batch_size, count)
            for _ in range(self.steps_per_epoch):
                yield rng.permutation(count) if size == count else rng.integers(0, count, size)
            return
        order = rng.permutation(count) if self.shuffle else np.arange(count)
        for at in range(0, count, self.batch_size):
            yield order[at : at + self.batch_size]


def to_tensors(batch: Batch, device: torch.device, units: Units | None = None) -> TensorBatch:
    """A numpy batch as tensors, without a copy on the CPU."""
    assert batch.target_BKHC is not None
    weight = batch.weight_BKHC
    future = batch.future_BKHF
    return TensorBatch(
        torch.from_numpy(batch.context_BLF).to(device),
        torch.from_numpy(future).to(device) if future.shape[-1] else None,
        torch.from_numpy(batch.target_BKHC).to(device),
        None if weight is None else torch.from_numpy(weight).to(device),
        units,
    )


def units_of(batch: Batch, scaling: Scaling, device: torch.device) -> Units:
    """Centre (B, K, H, C) and spread (B, 1, 1, C) of the outputs in the data's unit; the scaling takes no logarithm."""
    centre_BKHC = torch.tensor(scaling.unit * batch.centre_BKHC, dtype=torch.float32, device=device)
    spread_BC = torch.tensor(scaling.unit * batch.spread_BC, dtype=torch.float32, device=device)
    return Units(centre_BKHC, spread_BC[:, None, None])
