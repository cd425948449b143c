"""Trainings of a fit as a list of orders, for an executor: none of them needs the outcome of another."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatecast.data.panel import Panel
from gatecast.ensemble.fitting import Procedure, Trainer, train_again
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.planning.plan import Plan

__all__ = ["Order", "Training", "carried_out", "slot", "turns"]


@dataclass(frozen=True)
class Order:
    """One training.

    Args:
        plan: what to train.
        panel: the data; the validation fold, if there is one, at their end.
        deadline: ``time.monotonic()`` at which all of the list should be done.
        turns: trainings of this worker from this one on, which share the time that is left.
        before: the training to repeat on everything; None = train before the validation fold.
        warm: go on from the weights of ``before``.
        again: train the plan of ``before`` on other data.
        needed: also after a stop or the deadline.
    """

    plan: Plan
    panel: Panel
    deadline: float = math.inf
    turns: int = 1
    before: TrainedCandidate | None = None
    warm: bool = False
    again: bool = False
    needed: bool = False


@dataclass(frozen=True)
class Training:
    """Carries out orders: the job of an executor.

    Args:
        procedure: what they share.
    """

    procedure: Procedure

    def __call__(self, order: Order) -> TrainedCandidate | None:
        """What was trained; None where nothing was to be, or time or a stop did not allow it."""
        procedure, end = self.procedure, slot(order.deadline, order.turns)
        before, stopped = order.before, self.procedure.stopped
        if before is not None and stopped:
            return replace(before, interrupted=True)
        if before is not None and order.again:
            return train_again(before, order.panel, procedure, end, warm=order.warm)
        if before is not None:
            return Trainer(before.plan, procedure, end).repeat(order.panel, before)
        if not order.needed and (stopped or time.monotonic() > order.deadline):
            return None
        return Trainer(order.plan, procedure, end).validated(order.panel)


def carried_out(procedure: Procedure, orders: Sequence[Order]) -> list[TrainedCandidate | None]:
    """All orders, side by side where the procedure's executor does so."""
    return procedure.executor.map(Training(procedure), orders)


def slot(end: float, trainings: int) -> float:
    """When the first of some trainings has to stop, so that all are done at the end."""
    now = time.monotonic()
    return now + (end - now) / trainings


def turns(number: int, count: int, workers: int) -> int:
    """Trainings, from this one on, that a worker still has to do.

    >>> [turns(number, 5, workers=2) for number in range(5)]
    [3, 2, 2, 1, 1]
    """
    return -(-(count - number) // workers)
