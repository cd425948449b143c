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
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import torch

from gatecast.model.lstm import LSTMNetwork
from gatecast.progress import Progress
from gatecast.training.config import TrainingConfig
from gatecast.training.device import alone, computing, crowded
from gatecast.training.loop import Report, Row
from gatecast.training.member import Job, Member
from gatecast.training.native import serves

__all__ = ["train_members"]


def train_members(
    job: Job,
    trainings: Sequence[TrainingConfig],
    weights: Sequence[dict[str, torch.Tensor] | None],
    progress: Progress,
    deadline: float = math.inf,
) -> list[Member]:
    """Train one member per setting, or as many as the deadline and the user allow, but one at least.

    Args:
        job: what they share.
        trainings: settings of each; they differ by the seed.
        weights: what each goes on from; None = a start of its own.
        progress: the progress line.
        deadline: ``time.monotonic()`` at which to stop.
    """
    first = job.build(trainings[0], weights[0])
    at_once = min(len(trainings), torch.get_num_threads()) if serves(first, job.head) else 1
    crew = _Crew(job, trainings, weights, progress, deadline, at_once, first)
    return crew.one_by_one() if at_once == 1 else crew.side_by_side()


@dataclass
class _Crew:
    job: Job
    trainings: Sequence[TrainingConfig]
    weights: Sequence[dict[str, torch.Tensor] | None]
    progress: Progress
    deadline: float
    at_once: int
    first: LSTMNetwork
    begun: float = field(default_factory=time.monotonic)
    halt: threading.Event = field(default_factory=threading.Event)
    epochs: int = 0  # of all members, done so far

    def one_by_one(self) -> list[Member]:
        members: list[Member] = []
        for k in range(len(self.trainings)):
            with computing(self.trainings[k].seed, self.job.work(self.trainings[k])):
                members.append(self._train(k, self._network(k)))
            if members[-1].record.interrupted or time.monotonic() > self.deadline:
                break
        self.progress.clear()
        return members

    def side_by_side(self) -> list[Member]:
        networks = [self._network(k) for k in range(len(self.trainings))]  # torch's generator serves one at a time
        with crowded(), ThreadPoolExecutor(self.at_once, initializer=alone) as pool:
            futures = [pool.submit(self._train_in_time, k, network) for k, network in enumerate(networks)]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
                _raise_first(futures)
                members = [future.result() for future in futures]
            except KeyboardInterrupt:
                self.halt.set()
                members = _collected(futures)
            except BaseException:
                self.halt.set()
                raise
        self.progress.clear()
        trained = [member for member in members if member is not None]
        if not trained:
            raise KeyboardInterrupt
        return trained

    def _network(self, member: int) -> LSTMNetwork:
        return self.job.build(self.trainings[member], self.weights[member]) if member else self.first

    def _train_in_time(self, member: int, network: LSTMNetwork) -> Member | None:
        """None where the user stopped, or the time was over, before it began."""
        if self.halt.is_set() or (member and time.monotonic() > self.deadline):
            return None
        return self._train(member, network)

    def _train(self, member: int, network: LSTMNetwork) -> Member:
        waves = -(-len(self.trainings) // self.at_once)
        share = (member // self.at_once + 1) / waves
        return self.job.train(
            network,
            self.trainings[member],
            started=self.weights[member] is not None,
            deadline=self.begun + (self.deadline - self.begun) * share,
            report=self._report(),
            halted=self.halt.is_set,
        )

    def _report(self) -> Report:
        """One line for all members: side by side they take turns."""
        count = len(self.trainings)

        def report(row: Row, epochs: int) -> None:
            self.epochs += 1
            checked = f" · validation {row['validation_loss']:.4g}" if "validation_loss" in row else ""
            members = f"{count} members · " if count > 1 else ""
            done = f"epoch {self.epochs} of {epochs * count}"
            self.progress.show(f"training · {members}{done} · loss {row['train_loss']:.4g}{checked}")

        return report


def _raise_first(futures: Sequence[Future[Member | None]]) -> None:
    """An error in any member ends all of them, whichever are still at work."""
    for future in futures:
        if future.done() and (error := future.exception()) is not None:
            raise error


def _collected(futures: Sequence[Future[Member | None]]) -> list[Member | None]:
    """What was reached when the user stopped: a member that never began is none."""
    return [None if future.cancel() else future.result() for future in futures]
