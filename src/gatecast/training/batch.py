"""Batches as tensors, and where they come from.

epoch       batch 1 │ batch 2 │ batch 3 │ batch 4 │ batch 5 │ batch 6       what the training sees: views
runs        └────────── read at once ───────┘└─────── read at once ─...     what is read
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gatecast.model.heads import Units
from gatecast.windows.index import WindowIndex
from gatecast.windows.reader import WindowReader
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Batch

__all__ = ["BatchRun", "BatchSource", "TensorBatch", "WindowSource", "to_tensors", "units_of"]

RUN_BYTES = 4 << 20  # of context and targets that are read at once: few calls, and what is read still lies in the cache
KEPT_BYTES = 32 << 20  # as much may all windows of a source take to be kept once they are read
READ_AT_ONCE = 512


@dataclass(frozen=True)
class TensorBatch:
    """What one training step needs; shapes as in ``Batch``. ``units`` are there for heads that need them."""

    context_BLF: Tensor
    future_BKHF: Tensor | None
    target_BKHC: Tensor
    weight_BKHC: Tensor | None
    units: Units | None = None

    def rows(self, begin: int, stop: int) -> TensorBatch:
        """Views of the windows begin .. stop - 1; no weights where all of their truths are known."""
        weight, units = self.weight_BKHC, self.units
        if weight is not None:
            weight = weight[begin:stop]
        if units is not None:
            units = Units(units.centre[begin:stop], units.spread[begin:stop])
        return TensorBatch(
            self.context_BLF[begin:stop],
            None if self.future_BKHF is None else self.future_BKHF[begin:stop],
            self.target_BKHC[begin:stop],
            None if weight is None or float(weight.min()) > 0 else weight,  # all() takes five times as long
            units,
        )

    def taken(self, numbers_B: Tensor) -> TensorBatch:
        """Copies of the windows with these numbers."""

        def of(part: Tensor) -> Tensor:
            return part.index_select(0, numbers_B)

        return TensorBatch(
            of(self.context_BLF),
            None if self.future_BKHF is None else of(self.future_BKHF),
            of(self.target_BKHC),
            None if self.weight_BKHC is None else of(self.weight_BKHC),
            None if self.units is None else Units(of(self.units.centre), of(self.units.spread)),
        )


@dataclass(frozen=True)
class BatchRun:
    """Several batches in a row, read at once.

    Args:
        batch: the windows of all of them, contiguous.
        sizes: windows of each.
    """

    batch: TensorBatch
    sizes: tuple[int, ...]

    def batches(self) -> Iterator[TensorBatch]:
        """One after the other, as views."""
        begin = 0
        for size in self.sizes:
            yield self.batch.rows(begin, begin + size)
            begin += size


class BatchSource(Protocol):
    """Training data: an endless supply of epochs."""

    def steps(self) -> int:
        """Steps of one epoch."""
        ...

    def runs(self, rng: np.random.Generator) -> Iterator[BatchRun]:
        """The batches of one epoch, several of them at a time."""
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
    _drawn: list[int] = field(default_factory=lambda: [0], init=False, repr=False, compare=False)

    def steps(self) -> int:
        return self.steps_per_epoch or -(-len(self.index) // self.batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[TensorBatch]:
        for run in self.runs(rng):
            yield from run.batches()

    def runs(self, rng: np.random.Generator) -> Iterator[BatchRun]:
        """The batches of one epoch, several read at once.

        Where all windows are small and are drawn again and again, they are read once; a run is then gathered from them.
        """
        self._drawn[0] += self.steps() * min(self.batch_size, len(self.index))
        kept = self._kept if self._drawn[0] >= len(self.index) and self._small else None
        numbers: list[np.ndarray] = []
        for numbers_B in self._numbers(rng):
            numbers.append(numbers_B)
            if len(numbers) == self._batches_at_once:
                yield self._run(numbers, kept)
                numbers = []
        if numbers:
            yield self._run(numbers, kept)

    def _run(self, numbers: list[np.ndarray], kept: TensorBatch | None) -> BatchRun:
        all_B = np.concatenate(numbers)
        read = self._tensors(all_B) if kept is None else kept.taken(torch.from_numpy(all_B).to(self.device))
        return BatchRun(read.rows(0, len(all_B)), tuple(map(len, numbers)))

    @property
    def _window_bytes(self) -> int:
        """All that is kept of one window."""
        framing, targets = self.reader.framing, len(self.reader.panel.targets)
        steps = framing.training_origins * framing.horizon
        return 4 * (
            framing.lookback * self.reader.features
            + steps * ((3 if self.units else 2) * targets + self.reader.future_width)
        )

    @property
    def _small(self) -> bool:
        return len(self.index) * self._window_bytes <= KEPT_BYTES

    @cached_property
    def _batches_at_once(self) -> int:
        return max(RUN_BYTES // (self._window_bytes * self.batch_size), 1)

    @cached_property
    def _kept(self) -> TensorBatch:
        """All windows."""
        count = len(self.index)
        parts = [self._tensors(np.arange(at, min(at + READ_AT_ONCE, count))) for at in range(0, count, READ_AT_ONCE)]
        return _joined(parts)

    def spread(self, most: int, origins: int | None = None) -> Iterator[TensorBatch]:
        """At most ``most`` windows spread evenly over all of them, in large batches: for validation and fits.

        ``origins`` = 1 asks for the forecasts of each window's last step alone.
        """
        count = len(self.index)
        numbers = np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)
        for at in range(0, len(numbers), READ_AT_ONCE):
            yield self._tensors(numbers[at : at + READ_AT_ONCE], origins)

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


def _joined(parts: list[TensorBatch]) -> TensorBatch:
    """One batch after the other."""
    weighted = any(part.weight_BKHC is not None for part in parts)

    def join(name: str) -> Tensor | None:
        values = [getattr(part, name) for part in parts]
        if name == "weight_BKHC" and weighted:
            values = [torch.ones_like(p.target_BKHC) if v is None else v for p, v in zip(parts, values, strict=True)]
        return None if values[0] is None else torch.cat(values)

    context, future, target, weight = (join(f.name) for f in fields(TensorBatch)[:4])
    assert context is not None
    assert target is not None
    known = [part.units for part in parts if part.units is not None]
    units = Units(torch.cat([u.centre for u in known]), torch.cat([u.spread for u in known])) if known else None
    return TensorBatch(context, future, target, weight, units)


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
    centre_BKHC = torch.tensor(scaling.unit * batch.reference_BKHC, dtype=torch.float32, device=device)
    spread_BC = torch.tensor(scaling.unit * batch.spread_BC, dtype=torch.float32, device=device)
    return Units(centre_BKHC, spread_BC[:, None, None])
