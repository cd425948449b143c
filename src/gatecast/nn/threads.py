"""How many threads the kernels and torch use. Importable without torch."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = [
    "FLOPS_PER_THREAD", "ROWS_PER_THREAD", "cores", "kernel_threads", "kernels_keep_threads", "kernels_use",
    "kernels_use_always", "steady_threads", "torch_on_one_thread", "usual_threads", "worthwhile_threads",
]  # fmt: skip

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
    most: int | Callable[[], int] | None = getattr(_settings, "most", None)
    if most is not None:
        return most if isinstance(most, int) else most()
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):  # it may be half loaded, by another thread
        return usual_threads()
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else cores()


def steady_threads() -> int:
    """As ``kernel_threads``, for sums that depend on the number: 1 where that changes from call to call."""
    return 1 if callable(getattr(_settings, "most", None)) else kernel_threads()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def kernels_use(threads: int) -> Iterator[None]:
    """Give the kernels that this thread calls a number of threads of their own, whatever torch is set to."""
    before: int | Callable[[], int] | None = getattr(_settings, "most", None)
    _settings.most = threads
    try:
        yield
    finally:
        _settings.most = before


@contextmanager
def kernels_keep_threads() -> Iterator[None]:
    """Let the kernels use as many threads as now, whatever torch is set to meanwhile."""
    if getattr(_settings, "most", None) is not None:
        yield  # torch has no say
        return
    with kernels_use(kernel_threads()):
        yield


def kernels_use_always(threads: int | Callable[[], int]) -> None:
    """As ``kernels_use``, until this thread ends; a function is asked each time (see ``steady_threads``)."""
    _settings.most = threads


class _OneThread:
    """Torch on one thread for as long as any thread of this process needs it.

    Torch keeps a number for every thread, but sets that of MKL, which the whole process shares, along with it. So the
    last one to leave sets it back. Whoever leaves earlier is owed its own number until its next call.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.usual = 1

    def number(self) -> int:
        """Threads that torch uses in this thread when nobody is inside."""
        with self.lock:
            return self._number()

    def enter(self) -> None:
        import torch

        with self.lock:
            self.usual = self._number()
            self.inside += 1
            torch.set_num_threads(1)

    def leave(self) -> None:
        import torch

        with self.lock:
            self.inside -= 1
            _settings.owed = self.usual if self.inside else None
            if not self.inside:
                torch.set_num_threads(self.usual)

    def _number(self) -> int:
        import torch

        owed: int | None = getattr(_settings, "owed", None)
        if self.inside:
            return self.usual
        if owed is None:
            return torch.get_num_threads()
        _settings.owed = None
        torch.set_num_threads(owed)
        return owed


_one_thread = _OneThread()
if hasattr(os, "register_at_fork"):  # a forked process has none of the threads that were inside
    os.register_at_fork(after_in_child=_one_thread.__init__)  # type: ignore[misc]


@contextmanager
def torch_on_one_thread() -> Iterator[None]:
    """One of torch's threads for all that this thread does with it; other threads may be inside as well."""
    _one_thread.enter()
    try:
        yield
    finally:
        _one_thread.leave()


def usual_threads() -> int:
    """The threads that torch uses where nobody has asked for one."""
    return _one_thread.number()
