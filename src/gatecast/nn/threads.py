"""How many threads the kernels use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
    """Most threads for the kernels: as many as torch uses, unless ``kernels_use`` says otherwise."""
    most: int | None = getattr(_settings, "most", None)
    return torch.get_num_threads() if most is None else most


@contextmanager
def kernels_use(threads: int) -> Iterator[None]:
    """Give the kernels that this thread calls a number of threads of their own, whatever torch is set to."""
    before: int | None = getattr(_settings, "most", None)
    _settings.most = threads
    try:
        yield
    finally:
        _settings.most = before
