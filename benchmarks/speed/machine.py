"""The machine of a run: what it is, and equal cores for everyone."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["busy", "describe", "distinct_cores", "keep_to"]

TOPOLOGY = Path("/sys/devices/system/cpu")


def keep_to(threads: int) -> str:
    """Let this process and those it starts run on as many cores as they may have threads; says what was done.

    Thread counts alone do not bind: data loaders, allocators and thread pools of other libraries would take more.
    """
    if not hasattr(os, "sched_setaffinity"):
        return "by thread counts alone"
    cores = distinct_cores(os.sched_getaffinity(0), threads)
    if len(cores) < threads:
        return f"by thread counts alone: {len(cores)} cores for {threads} threads"
    os.sched_setaffinity(0, cores)
    return f"on {threads} core{'s' if threads > 1 else ''} of their own"


def distinct_cores(allowed: Iterable[int], wanted: int, topology: Path = TOPOLOGY) -> set[int]:
    """Logical processors of different cores first; two threads of one core only where there are no others."""
    first: list[int] = []
    second: list[int] = []
    seen: set[str] = set()
    for cpu in sorted(allowed):
        siblings = topology / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        core = siblings.read_text().strip() if siblings.exists() else str(cpu)
        (second if core in seen else first).append(cpu)
        seen.add(core)
    return set((first + second)[:wanted])


def busy(seconds: float = 1.0) -> float | None:
    """Share of all cores that other programs take just now; None where the system does not tell.

    Libraries whose threads wait for each other at every small product lose far more by it than others do.
    """
    before = _times()
    time.sleep(seconds)
    spent = [b - a for a, b in zip(before, _times(), strict=True)]
    return 1 - (spent[3] + spent[4]) / sum(spent) if sum(spent) else None


def _times() -> list[int]:
    """Ticks so far: user, nice, system, idle, waiting for disks, ..."""
    stat = Path("/proc/stat")
    return list(map(int, stat.read_text().split("\n")[0].split()[1:9])) if stat.exists() else []


def describe() -> dict[str, Any]:
    """Processor, system, and the versions that a figure depends on."""
    info = Path("/proc/cpuinfo")
    names = [row for row in info.read_text().splitlines() if row.startswith("model name")] if info.exists() else []
    return {
        "processor": names[0].partition(":")[2].strip() if names else platform.processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        "numpy": importlib.metadata.version("numpy"),
        "kernels": _kernels(),
    }


def _kernels() -> str:
    """The instruction set of Gatecast's compiled layer, or why there is none."""
    from gatecast.nn import kernels

    extension = kernels.load()
    return kernels.reason() if extension is None else str(extension.variant())
