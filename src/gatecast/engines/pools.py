"""The pools of this process: one for each engine and number of workers, kept for the next list."""

from __future__ import annotations

import threading

from gatecast.engines.options import EngineOptions
from gatecast.engines.processes import Processes
from gatecast.engines.rayed import Ray
from gatecast.engines.remote import Pool
from gatecast.nn.threads import cores

__all__ = ["pool_of"]

_pools: dict[EngineOptions, Pool] = {}
_lock = threading.Lock()


def pool_of(running: EngineOptions) -> Pool:
    """The pool of workers that these options name; it starts with its first task."""
    with _lock:
        if running not in _pools:
            ray = running.engine == "ray"
            _pools[running] = Ray(running.workers, running.address) if ray else Processes(running.workers or cores())
        return _pools[running]
