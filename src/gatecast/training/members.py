"""Members of an ensemble trained side by side, each on one thread: the native engine leaves the interpreter to others.

    thread 1   member 1 ───┤ member 3 ───┤ member 5 ───┤
    thread 2   member 2 ───┤ member 4 ───┤

With one thread, or with an engine that holds the interpreter, they are trained one after the other.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from gatecast.engines.executor import Executor, Serial
from gatecast.model.protocol import Network
from gatecast.progress import Listener
from gatecast.training.config import TrainingConfig
from gatecast.training.device import computing, lean, side_by_side
from gatecast.training.loop import Report, Row
from gatecast.training.member import Job, Member
from gatecast.training.native import serves

__all__ = ["train_members"]


def train_members(
    job: Job,
    trainings: Sequence[TrainingConfig],
    weights: Sequence[dict[str, torch.Tensor] | None],
    listener: Listener,
    deadline: float = math.inf,
    executor: Executor | None = None,
) -> list[Member]:
    """Train one member per setting, or as many as the deadline and a stop allow, but one at least.

    Args:
        job: what they share.
        trainings: settings of each; they differ by the seed.
        weights: what each goes on from; None = a start of its own.
        listener: hears of every epoch, and may stop the training.
        deadline: ``time.monotonic()`` at which to stop.
        executor: where they are trained; None = on the threads of this machine.
    """
    first = job.build(trainings[0], weights[0])
    several = len(trainings) > 1 and serves(first, job.head)
    usual = side_by_side() if executor is None else executor
    return _Crew(job, trainings, weights, listener, deadline, usual if several else Serial(), first).train()


@dataclass
class _Crew:
    job: Job
    trainings: Sequence[TrainingConfig]
    weights: Sequence[dict[str, torch.Tensor] | None]
    listener: Listener
    deadline: float
    executor: Executor
    first: Network
    begun: float = field(default_factory=time.monotonic)
    failed: threading.Event = field(default_factory=threading.Event)
    epochs: int = 0  # of all members, done so far

    def train(self) -> list[Member]:
        """All members that came to something, in their order."""
        count = len(self.trainings)
        # torch's generator serves one network at a time; one after the other they are built when their turn comes
        networks = [self._network(k) for k in range(count)] if self.executor.workers > 1 else [self.first]

        def one(member: int) -> Member | None:
            if member and (self._stopped() or time.monotonic() > self.deadline):
                return None
            try:
                if self.executor.workers > 1:
                    return self._train(member, networks[member])
                network, training = self._network(member), self.trainings[member]
                work = self.job.work(training)
                # the kernels draw from no generator; torch may, for dropout, all through the training
                with lean(work) if serves(network, self.job.head) else computing(training.seed, work):
                    return self._train(member, network)
            except BaseException:
                self.failed.set()  # the others need not come to an end
                raise

        members = self.executor.map(one, range(count))
        self.listener.end()
        return [member for member in members if member is not None]

    def _network(self, member: int) -> Network:
        return self.job.build(self.trainings[member], self.weights[member]) if member else self.first

    def _train(self, member: int, network: Network) -> Member:
        waves = -(-len(self.trainings) // self.executor.workers)
        share = (member // self.executor.workers + 1) / waves
        return self.job.train(
            network,
            self.trainings[member],
            started=self.weights[member] is not None,
            deadline=self.begun + (self.deadline - self.begun) * share,
            report=self._report(),
            stop=self._stopped,
        )

    def _stopped(self) -> bool:
        return self.listener.stop.is_set() or self.failed.is_set()

    def _report(self) -> Report:
        """One line for all members: side by side they take turns."""
        count = len(self.trainings)
        stage = f"training · {count} members · epoch" if count > 1 else "training · epoch"

        def report(row: Row, epochs: int) -> None:
            self.epochs += 1
            figures = {"loss": row["train_loss"]}
            if "validation_loss" in row:
                figures["validation"] = row["validation_loss"]
            self.listener.on_progress(stage, self.epochs, epochs * count, figures)

        return report
