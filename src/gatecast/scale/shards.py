"""A list of shards on any engine: one job each."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatecast.data.scan.index import Shard
from gatecast.engines.executor import Executor, Serial
from gatecast.engines.options import EngineOptions
from gatecast.engines.pools import pool_of
from gatecast.engines.remote import Remote
from gatecast.engines.worker import outcome_of, perform
from gatecast.progress import Listener, listening
from gatecast.training.device import side_by_side

if TYPE_CHECKING:
    from gatecast.scale.models import Model

__all__ = ["ShardJob", "shards_on"]


@dataclass(frozen=True)
class ShardJob:
    """A task for one shard after the other.

    Args:
        task: its name, see ``engines.worker``.
        told: what all shards share, as plain data.
        count: hears of each shard that is done.
    """

    task: str
    told: Mapping[str, Any]
    count: _Count

    def __call__(self, shard: Shard) -> Any:
        """Do it here."""
        answer = outcome_of(perform(self.task, self.text(shard)))
        self.count.one_more()
        return answer

    def text(self, shard: Shard) -> str:
        """All that the task needs, as JSON."""
        return json.dumps({**self.told, "shard": shard.to_dict()})


class _ShardParcel:
    """How a ``ShardJob`` travels."""

    def __init__(self, job: ShardJob) -> None:
        self.job, self.task = job, job.task

    def pack(self, item: Shard) -> str:
        return self.job.text(item)

    def unpack(self, _item: Shard, answer: Any) -> Any:
        return answer

    def heard(self, _answer: Any) -> None:
        self.job.count.one_more()

    def close(self) -> None:
        pass


class _Count:
    """How many shards are done, for a listener; threads may tell of them at once."""

    def __init__(self, listener: Listener, stage: str, done: int, of: int) -> None:
        self._listener, self._stage, self._done, self._of = listener, stage, done, of
        self._lock = threading.Lock()

    def one_more(self) -> None:
        with self._lock:
            self._done += 1
            self._listener.on_progress(self._stage, self._done, self._of)


def shards_on(
    model: Model, task: str, told: Mapping[str, Any], shards: Sequence[Shard], stage: str, done: int = 0
) -> list[Any]:
    """What a task gives for each shard, in their order, on the engine of a model.

    Args:
        model: says where the work runs, and who hears of it.
        task: its name, see ``engines.worker``.
        told: what all shards share, as plain data.
        shards: those to work on.
        stage: what the listener is told.
        done: shards that are done already.
    """
    listener = listening(model.progress)
    job = ShardJob(task, told, _Count(listener, stage, done, done + len(shards)))
    try:
        return _executor(model.running).map(job, shards)
    finally:
        listener.end()


def _executor(running: EngineOptions) -> Executor:
    if running.engine == "serial":
        return Serial()
    if running.engine == "threads":
        return side_by_side(running.workers)
    return Remote(pool_of(running), {ShardJob: _ShardParcel}, Serial())
