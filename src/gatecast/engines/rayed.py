"""Tasks on a Ray cluster: a running one, or one that is started on this machine (extra ``ray``).

A task is a name and a JSON text, so that every worker with the same version of Gatecast can do it; Ray's own
serialisation carries two strings. Ray starts tasks of dead workers and of lost nodes again.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import threading
from concurrent.futures import Future
from typing import Any

from gatecast.errors import ConfigError

__all__ = ["Ray", "require_ray"]

RETRIES = 8  # of a task whose worker or node is lost
MEMORY = 512 << 20  # bytes that a task declares: the libraries, and a shard


def require_ray() -> None:
    """Raise ConfigError where Ray is not installed; it is not imported."""
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("the engine ray needs Ray: pip install 'gatecast[ray]'.")


class Ray:
    """Tasks of one core each.

    Args:
        workers: tasks at a time; None = as many as the cluster has cores.
        address: of a running cluster; None = the one that this process is connected to, the one that ``RAY_ADDRESS``
            names (as ``ray job submit`` sets it), or one that is started on this machine for this process alone.
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        require_ray()
        import ray

        if not ray.is_initialized():
            # Ray would join any cluster that it finds on this machine, such as another run's, which ends with that run.
            address = address or os.environ.get("RAY_ADDRESS") or "local"
            try:
                ray.init(address=address, num_cpus=workers if address == "local" else None, log_to_driver=False,
                         include_dashboard=False, logging_level=logging.ERROR)  # fmt: skip
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise ConfigError(f"no Ray cluster answers at {address}: {str(error).splitlines()[0]}") from error
        resources: dict[str, float] = ray.cluster_resources()
        self.workers = workers or max(int(resources.get("CPU", 1)), 1)
        self._free = threading.Semaphore(self.workers)
        self._perform = ray.remote(num_cpus=1, max_retries=RETRIES, memory=MEMORY)(_perform)

    def submit(self, name: str, text: str) -> Future[str]:
        """Ask for a task, once fewer than ``workers`` are at work; the future has its answer."""
        self._free.acquire()
        future: Future[str] = self._perform.remote(name, text).future()
        future.add_done_callback(lambda _: self._free.release())
        return future


def _perform(name: str, text: str) -> Any:
    from gatecast.engines.worker import perform

    return perform(name, text)
