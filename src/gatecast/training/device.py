"""Where to compute, and how the machine is left as it was found."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from gatecast.engines.crew import crew_here
from gatecast.engines.executor import Executor, Serial, Threads
from gatecast.errors import ConfigError
from gatecast.nn.kernels import load
from gatecast.nn.threads import kernels_keep_threads, kernels_use_always, torch_on_one_thread, usual_threads

__all__ = ["alone", "computing", "drawing", "lean", "pick_device", "side_by_side"]

SMALL = (1e-200, 1e-110)  # their product is no normal number
WORK_FOR_THREADS = 6e6  # about batch 128 with hidden 100: below, a second thread waits more than it helps


def pick_device(name: str) -> torch.device:
    """The device for "auto", "cpu", "cuda", "cuda:1" or "mps". Raises ConfigError for one that is not there."""
    available = ["cpu"]
    available += ["cuda"] if torch.cuda.is_available() else []
    available += ["mps"] if torch.backends.mps.is_available() else []
    if name == "auto":
        return torch.device(available[-1])
    if name.split(":", maxsplit=1)[0] not in available:
        raise ConfigError(f"device {name!r} is not available here. Available: {', '.join(['auto', *available])}.")
    return torch.device(name)


class _Generator:
    """Torch's generator of random numbers, which is one for all threads of a process: one of them at a time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()


_generator = _Generator()
if hasattr(os, "register_at_fork"):  # the thread that holds the lock may not exist in a forked process
    os.register_at_fork(after_in_child=_generator.__init__)  # type: ignore[misc]


@contextmanager
def drawing(seed: int) -> Iterator[None]:
    """Seed torch's generator, which is as before afterwards; other threads that want to draw wait meanwhile."""
    with _generator.lock, torch.random.fork_rng():
        _seed(seed)
        yield


def _seed(seed: int) -> None:
    """``torch.manual_seed`` for the devices that are there; of each other one it would note the whole call stack."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


@contextmanager
def computing(seed: int, work: float = math.inf) -> Iterator[None]:
    """``drawing`` and ``lean`` at once.

    Args:
        seed: of everything that torch draws.
        work: multiplications of one recurrent step over the batch.
    """
    with lean(work), drawing(seed):
        yield


@contextmanager
def lean(work: float = math.inf) -> Iterator[None]:
    """Treat vanishing numbers as zero, use one of torch's threads for little work; as before afterwards.

    Gradients that vanish through a long window fall under 1e-38, where every operation on them is many times slower.
    Threads that share a small matrix product wait for each other longer than they compute, and on a busy machine many
    times longer. The kernels have threads of their own, which are not concerned: each has rows of its own. Where they
    serve, what is left to torch is little.

    Args:
        work: multiplications of one recurrent step over the batch.
    """
    flushed_before = _denormals_are_flushed()
    little = work < WORK_FOR_THREADS or load() is not None
    with kernels_keep_threads(), torch_on_one_thread() if little else nullcontext(), _in_float32():
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(flushed_before)


def _in_float32() -> AbstractContextManager[None]:
    """Numbers as they are stored, where a caller has torch cast what it computes to a shorter type."""
    return torch.autocast("cpu", enabled=False) if torch.is_autocast_enabled("cpu") else nullcontext()


def alone() -> None:
    """Settings of a thread that works beside others, until it ends: vanishing numbers are zero, one thread.

    The kernels get the cores that no other thread of its crew has work for, where that changes no byte of what they
    compute: gradients of ``nn.LSTM`` are summed by thread, and stay on one.
    """
    crew = crew_here()
    torch.set_num_threads(1)
    kernels_use_always(1 if crew is None else lambda: crew.cores_each)
    torch.set_flush_denormal(True)


def side_by_side(workers: int | None = None) -> Executor:
    """Trainings on so many threads, each of which computes on its own; None = as many as torch uses.

    Without the compiled kernels they would wait for each other, and for torch's generator: then one after the other.
    """
    count = usual_threads() if workers is None else workers
    return Threads(count, alone, torch_on_one_thread) if count > 1 and load() is not None else Serial()


def _denormals_are_flushed() -> bool:
    """Torch can set the flag but not read it; a product of two small numbers shows it."""
    return math.prod(SMALL) == 0.0
