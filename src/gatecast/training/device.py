"""Where to compute, and how the machine is left as it was found."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gatecast.errors import ConfigError
from gatecast.nn.kernels import load
from gatecast.nn.threads import kernel_threads, kernels_use

__all__ = ["alone", "computing", "crowded", "lean", "pick_device"]

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


@contextmanager
def computing(seed: int, work: float = math.inf) -> Iterator[None]:
    """Seed torch, and compute ``lean``; all as before afterwards.

    Args:
        seed: of everything that torch draws.
        work: multiplications of one recurrent step over the batch.
    """
    with lean(work), torch.random.fork_rng():
        torch.manual_seed(seed)
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
    threads = torch.get_num_threads()
    flushed_before = _denormals_are_flushed()
    with kernels_use(kernel_threads()):
        if work < WORK_FOR_THREADS or load() is not None:
            torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(flushed_before)
            torch.set_num_threads(threads)


@contextmanager
def crowded() -> Iterator[None]:
    """While other threads call ``alone``; torch's number of threads is as before afterwards."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def alone() -> None:
    """Settings of a thread that works beside others, until it ends: vanishing numbers are zero, one thread."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _denormals_are_flushed() -> bool:
    """Torch can set the flag but not read it; a product of two small numbers shows it."""
    return float(torch.tensor(1e-200, dtype=torch.float64) * 1e-110) == 0.0
