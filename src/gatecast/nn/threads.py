"""How many threads the kernels use. Importable without torch."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["FLOPS_PER_THREAD", "ROWS_PER_THREAD", "kernel_threads", "kernels_use", "worthwhile_threads"]

_settings = threading.local()

ROWS_PER_THREAD = 4  # rows of the batch; fewer do not fill the registers of a matrix product
FLOPS_PER_THREAD = 400_000  # operations that pay for waking a thread


def worthwhile_threads(rows: int, flops: int, most: int) -> int:
    """Threads for a batch of ``rows`` that takes ``flops`` operations forward; at least 1, ``most`` at most.

    >>> worthwhile_threads(rows=64, flops=10**9, most=8), worthwhile_threads(rows=9, flops=10**9, most=8)
    (8, 2)
    >>> worthwhile_threads(rows=64, flops=1000, most=8)
    1
    """
    if most == 1:
        return 1
    return max(1, min(most, rows // ROWS_PER_THREAD, flops // FLOPS_PER_THREAD))


def kernel_threads() -> int:
    """Most threads for the kernels: as many as torch uses, unless ``kernels_use`` says otherwise.

    Where torch is not loaded: as many as this process has processors, or as ``OMP_NUM_THREADS`` says.
    """
    most: int | None = getattr(_settings, "most", None)
    if most is not None:
        return most
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):  # it may be half loaded, by another thread
        return int(torch.get_num_threads())
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else _processors()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def kernels_use(threads: int) -> Iterator[None]:
    """Give the kernels that this thread calls a number of threads of their own, whatever torch is set to."""
    before: int | None = getattr(_settings, "most", None)
    _settings.most = threads
    try:
        yield
    finally:
        _settings.most = before
