"""The training loop."""

from __future__ import annotations

import copy
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
from gatecast.training.state import Row, TrainingState

__all__ = ["SOLVED", "Record", "Report", "Row", "train"]

SOLVED = 1e-6  # validation error, in units of the scaling: rounding; nothing is left to learn

Report = Callable[[Row, int], None]
Validation = Callable[[], Iterable[TensorBatch]]


@dataclass
class Record:
    """What a training did.

    Args:
        history: one plain dict per logged epoch.
        best_epoch: the epoch whose weights the network has now.
        best_error: its validation error; nan without validation.
        validation: the validation error after epoch 0 (the start), 1, ...; empty without validation.
        interrupted: ended by a stop.
        out_of_time: ended by the time limit.
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
    validation: Validation | None = None,
    until: int | None = None,
    deadline: float = math.inf,
    report: Report | None = None,
    stop: Callable[[], bool] = lambda: False,
    resume: TrainingState | None = None,
    keep: Callable[[TrainingState], None] | None = None,
) -> Record:
    """Train until the epochs, the patience, the deadline or a stop ends it; the network keeps the best weights.

    Args:
        engine: computes loss and gradient.
        source: the training batches.
        config: settings.
        validation: gives the validation batches; None = no validation.
        until: last epoch to run of the schedule; None = all of them.
        deadline: ``time.monotonic()`` at which to stop.
        report: called after every epoch with its history row and the number of epochs planned.
        stop: says that the training has to end with what it has.
        resume: go on from there, with the same settings and source, instead of from the network's own weights.
        keep: called after every epoch with where the training stands.

    Raises:
        TrainingError: the loss is no longer finite.
    """
    loop = Loop(engine, source, config, validation, deadline, stop, resume)
    last = config.max_epochs if until is None else until
    while loop.state.epoch < last and not loop.ended:
        row = loop.epoch()
        if row is None:
            break
        if report is not None:
            report(row, config.max_epochs)
        if keep is not None:
            keep(loop.snapshot())
    return loop.record()


class Loop:
    """One training, epoch by epoch."""

    def __init__(
        self,
        engine: Engine,
        source: BatchSource,
        config: TrainingConfig,
        validation: Validation | None,
        deadline: float,
        stop: Callable[[], bool],
        resume: TrainingState | None,
    ) -> None:
        self.engine = engine
        self.source = source
        self.config = config
        self.validation = validation
        self.deadline = deadline
        self.stop = stop
        self.rate = LearningRate(config, config.max_epochs * source.steps())
        self.ended = self.interrupted = self.out_of_time = False
        if resume is None:
            weights = engine.parameters.copy()
            self.random = np.random.default_rng(config.seed)
            self.state = TrainingState(self.random.bit_generator.state, weights, weights)
            self.validate(0)
        else:
            self.state = copy.copy(resume)
            self.state.errors, self.state.history = [*resume.errors], [*resume.history]
            self.random = resume.generator()
            self.rate.remember(resume.factor, resume.plateau, resume.stalled)
            engine.parameters.restore(resume.weights)
            engine.remember(resume.memory, resume.step)
            self.ended = self.learned() or self.converged()
        self.begun = time.monotonic() - self.state.seconds

    def epoch(self) -> Row | None:
        """One pass over the batches, and what comes of it; None where a stop came before its end."""
        state, config = self.state, self.config
        before = self.engine.parameters.copy() if config.stop_below is not None else None
        taken = self.steps()
        if taken is None:
            return None
        state.epoch += 1
        state.step += len(taken.losses)
        row = {"epoch": state.epoch, "train_loss": self.finite_mean(taken.losses)}
        row |= {"last_loss": float(taken.losses[-1])}
        row |= {} if taken.errors is None else {"train_mae": float(taken.errors.mean())}
        row |= self.validate(state.epoch)
        state.seconds = time.monotonic() - self.begun
        row |= {"lr": self.rate.at(state.step - 1), "seconds": state.seconds}
        self.rate.after_epoch(row.get(f"validation_{config.monitor}"))
        state.row = row
        if state.epoch == 1 or state.epoch % config.log_every == 0:
            state.history.append(row)
        if self.learned():
            if before is not None and len(taken.losses) == 1:  # the loss was that of the weights before the update
                self.engine.parameters.restore(before)
            self.ended = True
        elif self.converged():
            self.ended = True
        elif time.monotonic() > self.deadline:
            self.ended = self.out_of_time = True
        return row

    def steps(self) -> Steps | None:
        """The steps of one epoch; no loss is read back before its end. None where a stop came first."""
        self.engine.network.train()
        parts: list[Steps] = []
        step = self.state.step
        for run in self.runs():
            rates = [self.rate.at(step + n) for n in range(len(run.sizes))]
            parts.append(self.engine.take_steps(run, rates, self.deadline))
            step += len(run.sizes)
            if time.monotonic() > self.deadline:
                break
        if self.interrupted:
            return None
        errors = [part.errors for part in parts if part.errors is not None]
        return Steps(torch.cat([part.losses for part in parts]), torch.cat(errors) if errors else None)

    def runs(self) -> Iterator[BatchRun]:
        """The runs of one epoch, until a stop."""
        for run in self.source.runs(self.random):
            if self.stop():
                self.ended = self.interrupted = True
                return
            yield run

    def finite_mean(self, losses: Tensor) -> float:
        """Mean loss of an epoch. Raises TrainingError at the first step that was not finite."""
        values: list[float] = losses.tolist()
        for at, value in enumerate(values):
            if not math.isfinite(value):
                where = self.state.step - len(values) + at + 1
                norm = float(torch.linalg.vector_norm(self.engine.parameters.gradient))
                raise TrainingError(
                    f"the loss became {value} at step {where} (lr {self.rate.at(where - 1):.3g}, last gradient norm "
                    f"{norm:.3g}). Lower lr or set clip, and train again."
                )
        return sum(values) / len(values)

    def validate(self, epoch: int) -> Row:
        """Validate; keep the weights if they are the best so far. Returns the validation entries of the history."""
        if self.validation is None:
            return {}
        self.engine.network.eval()
        sums = [torch.stack(part) for part in zip(*map(self.engine.errors, self.validation()), strict=True)]
        loss, error, count = (float(part.double().sum()) for part in sums)
        row = {"validation_loss": loss / max(count, 1), "validation_mae": error / max(count, 1)}
        error = row[f"validation_{self.config.monitor}"]
        self.state.errors.append(error)
        if error < self.state.best_error:
            self.state.best_error, self.state.best_epoch = error, epoch
            self.state.best_weights = self.engine.parameters.copy()
        return row

    def learned(self) -> bool:
        """The training loss of the last epoch was as low as asked for."""
        row = self.state.row
        return row is not None and row["train_loss"] < (self.config.stop_below or -math.inf)

    def converged(self) -> bool:
        """Nothing is left to learn, or ``patience`` epochs have passed without a better validation error."""
        state, patience = self.state, self.config.patience
        waited = self.validation is not None and patience is not None and state.epoch - state.best_epoch >= patience
        return waited or state.best_error < SOLVED

    def snapshot(self) -> TrainingState:
        """Where the training stands, as a value of its own."""
        state = copy.copy(self.state)
        state.errors, state.history = [*state.errors], [*state.history]
        state.random = copy.deepcopy(dict(self.random.bit_generator.state))
        state.factor, state.plateau, state.stalled = self.rate.memory()
        state.weights, state.memory = self.engine.parameters.copy(), self.engine.memory()
        return state

    def record(self) -> Record:
        """Leave the network with its final weights, ready to predict; what the training did."""
        state = self.state
        if state.history and state.row is not None and state.history[-1]["epoch"] != state.row["epoch"]:
            state.history.append(state.row)
        self.engine.network.eval()
        restored = self.validation is not None and self.config.restore_best
        if restored:
            self.engine.parameters.restore(state.best_weights)
        return Record(
            state.history,
            state.best_epoch if restored else state.epoch,
            math.nan if self.validation is None else state.best_error,
            state.errors,
            self.interrupted,
            self.out_of_time,
        )
