"""One member of an ensemble: a network of its own seed, started and trained."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch

from gatecast.model.config import NetworkConfig
from gatecast.model.heads import Head
from gatecast.model.networks import build_network, multiplications
from gatecast.model.protocol import Network
from gatecast.training.batch import TensorBatch, WindowSource
from gatecast.training.config import TrainingConfig
from gatecast.training.device import computing
from gatecast.training.loop import Record, Report, train
from gatecast.training.native import make_engine
from gatecast.training.samples import Samples
from gatecast.training.start import ridge_start
from gatecast.training.state import Checkpoint

__all__ = ["Job", "Member", "NetworkShape"]


@dataclass(frozen=True)
class NetworkShape:
    """What the data asks of a network: features F, horizon H, targets C, channels of future covariates."""

    features: int
    horizon: int
    targets: int
    future: int

    def build(self, config: NetworkConfig, head: Head) -> Network:
        """A fresh network."""
        return build_network(config, self.features, self.horizon, self.targets, head.raws, self.future)


@dataclass(frozen=True)
class Member:
    """A trained network, and what its training did."""

    network: Network
    record: Record


@dataclass(frozen=True)
class Job:
    """What all members of an ensemble share.

    Args:
        shape: what the data asks of the network.
        config: its sizes.
        head: its outputs.
        source: training windows.
        fold: validation batches; None = no validation.
        penalty: of the ridge start.
        spread_Y: (H * C,) errors to expect, for the start of the quantiles; None = those of the regression.
        until: last epoch to run of the schedule; None = all.
        samples: windows of the ridge start.
        checkpoint: keeps where the trainings stand; None = nothing does.
    """

    shape: NetworkShape
    config: NetworkConfig
    head: Head
    source: WindowSource
    fold: list[TensorBatch] | None
    penalty: float = 1e-2
    spread_Y: np.ndarray | None = None
    until: int | None = None
    samples: Samples = field(default_factory=Samples)
    checkpoint: Checkpoint | None = None

    def work(self, training: TrainingConfig) -> float:
        """Multiplications of one step over a batch."""
        return training.batch_size * multiplications(self.config, self.shape.features)

    def build(self, training: TrainingConfig, weights: dict[str, torch.Tensor] | None) -> Network:
        """A network with weights of its seed, or with those given."""
        with computing(training.seed, self.work(training)):
            network = self.shape.build(self.config, self.head).to(self.source.device)
        if weights is not None:
            network.load_state_dict(weights)
        return network

    def train(
        self,
        network: Network,
        training: TrainingConfig,
        *,
        started: bool = False,
        deadline: float = math.inf,
        report: Report | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Member:
        """Start and train a network.

        Args:
            network: as built.
            training: settings; their seed is the member's own.
            started: it has weights to go on from, and needs no start.
            deadline: ``time.monotonic()`` at which to stop.
            report: progress.
            stop: says that the training has to end with what it has.
        """
        key = "" if self.checkpoint is None else self._key(network, training, started)
        begun = None if self.checkpoint is None else self.checkpoint.read(key)
        if training.start == "ridge" and not started and begun is None:
            # Begin without a reaction to "observed"; training finds out what gaps mean. A random reaction would be a
            # state that the regression has hardly ever seen, with weights of any size on it: one long gap could then
            # throw a forecast off by many times the level.
            observed = self.source.reader.layout.columns("observed")
            network.ignore_input(tuple(range(observed.start, observed.stop)))
            windows = self.source.spread(self.samples.start, origins=1)
            ridge_start(network, self.head, windows, self.penalty, self.spread_Y)
        engine = make_engine(network, self.head, training)
        kept = self.fold
        record = train(
            engine, self.source, training, validation=None if kept is None else lambda: kept,
            until=self.until, deadline=deadline, report=report, stop=stop, resume=begun,
            keep=None if self.checkpoint is None else partial(self.checkpoint.keep, key),
        )  # fmt: skip
        return Member(network, record)

    def _key(self, network: Network, training: TrainingConfig, started: bool) -> str:
        """SHA-256 of what tells this training from the others on parts of the same data."""
        found = hashlib.sha256()
        reader, index = self.source.reader, self.source.index
        fold = None if self.fold is None else [tuple(batch.context_BLF.shape) for batch in self.fold]
        told = (self.shape, self.config, self.head.about.name, self.head.quantiles, training, self.until, self.penalty)
        for part in (*told, reader.scaling.describe(), reader.framing, fold):
            found.update(f"{part!r}\n".encode())
        for array in (reader.panel.length, index.low, index.ends):
            found.update(np.ascontiguousarray(array).tobytes())
        if started:
            for name, weight in network.state_dict().items():
                found.update(name.encode() + weight.cpu().numpy().tobytes())
        return found.hexdigest()


def seeded(training: TrainingConfig, member: int) -> TrainingConfig:
    """The settings of member 0, 1, ...: the same but for the seed."""
    return replace(training, seed=training.seed + 1000 * member)
