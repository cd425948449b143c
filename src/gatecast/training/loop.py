"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from gatecast.errors import TrainingError
from gatecast.training.batch import BatchRun, BatchSource, TensorBatch
from gatecast.training.config import TrainingConfig
from gatecast.training.engine import Engine, Steps
from gatecast.training.schedule import LearningRate

__all__ = ["SOLVED", "Record", "train"]

SOLVED = 1e-6  # validation error, in units of the scaling: rounding; nothing is left to learn

Row = dict[str, float]
Report = Callable[[Row, int], None]


@dataclass
class Record:
    """What a training did.

    Args:
        history: one plain dict per logged epoch.
        best_epoch: the epoch whose weights the network has now.
        best_error: its validation error; nan without validation.
        validation: the validation error after epoch 0 (the start), 1, ...; empty without validation.
        interrupted: stopped by Ctrl-C.
        out_of_time: stopped by the time limit.
    """

    history: list[Row] = field(default_factory=list)
    best_epoch: int = 0
    best_error: float = math.nan
    validation: list[float] = field(default_factory=list)
    interrupted: bool = False
    out_of_time: bool = False


def train(
    engine: Engine,
    source: BatchSource,
    config: TrainingConfig,
    *,
    validation: Callable[[], Iterable[TensorBatch]] | None = None,
    until: int | None = None,
    deadline: float = math.inf,
    report: Report | None = None,
    halted: Callable[[], bool] | None = None,
) -> Record:
    """Train until the epochs, the patience, the deadline or the user ends it; the network keeps the best weights.

    Args:
        engine: computes loss and gradient.
        source: the training batches.
        config: settings.
        validation: gives the validation batches; None = no validation.
        until: last epoch to run of the schedule; None = all of them.
        deadline: ``time.monotonic()`` at which to stop.
        report: called after every epoch with its history row and the number of epochs planned.
        halted: says that the user wants to stop, where this is not the thread that Ctrl-C reaches.

    Raises:
        TrainingError: the loss is no longer finite.
    """
    rng = np.random.default_rng(config.seed)
    rate = LearningRate(config, config.max_epochs * source.steps())
    record, best, step = Record(), Best(engine, config, validation), 0
    started = time.monotonic()
    best.consider(0)
    try:
        for epoch in range(1, (config.max_epochs if until is None else until) + 1):
            before = engine.parameters.copy() if config.stop_below is not None else None
            taken = _one_epoch(engine, _until(halted, source.runs(rng)), rate, step, deadline)
            step += len(taken.losses)
            row = {"epoch": epoch, "train_loss": _finite_mean(taken.losses, step, rate, engine)}
            row |= {"last_loss": float(taken.losses[-1])}
            row |= {} if taken.errors is None else {"train_mae": float(taken.errors.mean())}
            row |= best.consider(epoch) | {"lr": rate.at(step - 1), "seconds": time.monotonic() - started}
            rate.after_epoch(row.get(f"validation_{config.monitor}"))
            if epoch == 1 or epoch % config.log_every == 0:
                record.history.append(row)
            if report is not None:
                report(row, config.max_epochs)
            if row["train_loss"] < (config.stop_below or -math.inf):
                if before is not None and len(taken.losses) == 1:  # the loss was that of the weights before the update
                    engine.parameters.restore(before)
                break
            if best.stalled(epoch) or best.error < SOLVED:
                break
            if time.monotonic() > deadline:
                record.out_of_time = True
                break
        if record.history and record.history[-1] is not row:
            record.history.append(row)
    except KeyboardInterrupt:
        record.interrupted = True
    record.best_epoch, record.best_error = best.settle()
    record.validation = best.errors
    return record


def _one_epoch(engine: Engine, runs: Iterable[BatchRun], rate: LearningRate, step: int, deadline: float) -> Steps:
    """One pass over the batches; no loss is read back before its end."""
    engine.network.train()
    parts: list[Steps] = []
    for run in runs:
        parts.append(engine.take_steps(run, [rate.at(step + n) for n in range(len(run.sizes))], deadline))
        step += len(run.sizes)
        if time.monotonic() > deadline:
            break
    errors = [part.errors for part in parts if part.errors is not None]
    return Steps(torch.cat([part.losses for part in parts]), torch.cat(errors) if errors else None)


def _until(halted: Callable[[], bool] | None, runs: Iterable[BatchRun]) -> Iterator[BatchRun]:
    """The runs, until the user wants to stop."""
    for run in runs:
        if halted is not None and halted():
            raise KeyboardInterrupt
        yield run


def _finite_mean(losses: Tensor, step: int, rate: LearningRate, engine: Engine) -> float:
    """Mean loss of an epoch. Raises TrainingError at the first step that was not finite."""
    values: list[float] = losses.tolist()
    for at, value in enumerate(values):
        if not math.isfinite(value):
            where = step - len(values) + at + 1
            norm = float(torch.linalg.vector_norm(engine.parameters.gradient))
            raise TrainingError(
                f"the loss became {value} at step {where} (lr {rate.at(where - 1):.3g}, last gradient norm "
                f"{norm:.3g}). Lower lr or set clip, and train again."
            )
    return sum(values) / len(values)


class Best:
    """Remembers the weights with the lowest validation error."""

    def __init__(
        self, engine: Engine, config: TrainingConfig, validation: Callable[[], Iterable[TensorBatch]] | None
    ) -> None:
        self.engine = engine
        self.config = config
        self.validation = validation
        self.error = math.inf
        self.errors: list[float] = []
        self.epoch = 0
        self.last = 0
        self.weights = engine.parameters.copy()

    def consider(self, epoch: int) -> Row:
        """Validate; keep the weights if they are the best so far. Returns the validation entries of the history."""
        self.last = epoch
        if self.validation is None:
            return {}
        self.engine.network.eval()
        sums = [torch.stack(part) for part in zip(*map(self.engine.errors, self.validation()), strict=True)]
        loss, error, count = (float(part.double().sum()) for part in sums)
        row = {"validation_loss": loss / max(count, 1), "validation_mae": error / max(count, 1)}
        error = row[f"validation_{self.config.monitor}"]
        self.errors.append(error)
        if error < self.error:
            self.error, self.epoch = error, epoch
            self.weights = self.engine.parameters.copy()
        return row

    def stalled(self, epoch: int) -> bool:
        """True once ``patience`` epochs have passed without a better error."""
        patience = self.config.patience
        return self.validation is not None and patience is not None and epoch - self.epoch >= patience

    def settle(self) -> tuple[int, float]:
        """Leave the network with its final weights, ready to predict; (epoch they are from, their error)."""
        self.engine.network.eval()
        if self.validation is None or not self.config.restore_best:
            return self.last, math.nan if self.validation is None else self.error
        self.engine.parameters.restore(self.weights)
        return self.epoch, self.error
