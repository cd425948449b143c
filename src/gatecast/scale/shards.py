"""A list of shards on any engine: one job each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatecast.data.scan.index import Shard
from gatecast.engines.executor import Executor, Serial
from gatecast.engines.options import EngineOptions
from gatecast.engines.pools import pool_of
from gatecast.engines.remote import Remote
from gatecast.engines.worker import outcome_of, perform
from gatecast.training.device import side_by_side

__all__ = ["ShardJob", "shards_on"]


@dataclass(frozen=True)
class ShardJob:
    """A task for one shard after the other.

    Args:
        task: its name, see ``engines.worker``.
        told: what all shards share, as plain data.
        done: called after each shard with what the task gave.
    """

    task: str
    told: Mapping[str, Any]
    done: Callable[[Any], None]

    def __call__(self, shard: Shard) -> Any:
        """Do it here."""
        answer = outcome_of(perform(self.task, self.text(shard)))
        self.done(answer)
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

    def heard(self, answer: Any) -> None:
        self.job.done(answer)

    def close(self) -> None:
        pass


def shards_on(running: EngineOptions, job: ShardJob, shards: Sequence[Shard]) -> list[Any]:
    """What a job gives for each shard, in their order."""
    return _executor(running).map(job, shards)


def _executor(running: EngineOptions) -> Executor:
    if running.engine == "serial":
        return Serial()
    if running.engine == "threads":
        return side_by_side(running.workers)
    return Remote(pool_of(running), {ShardJob: _ShardParcel}, Serial())
