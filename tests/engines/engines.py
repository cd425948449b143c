"""What tests of engines, sources and groups share: the engines, as (engine, workers), and settings of a quick fit."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

__all__ = ["ELSEWHERE", "ENGINES", "QUICK", "SOME", "on_ray"]

QUICK: dict[str, Any] = {
    "training": {"max_epochs": 2, "steps_per_epoch": 4},
    "network": {"hidden_size": 4},
    "members": 1,
    "candidates": 1,
    "progress": False,
}

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
on_ray = [pytest.mark.slow, needs_ray]
ELSEWHERE = [
    pytest.param("processes", 1, id="one process"),
    pytest.param("processes", 2, id="two processes", marks=pytest.mark.slow),
    pytest.param("ray", 2, id="Ray, two workers", marks=on_ray),  # first: it starts the cluster for both
    pytest.param("ray", 1, id="Ray, one worker", marks=on_ray),
]
ENGINES = [
    pytest.param("threads", 1, id="one thread"),
    pytest.param("threads", 2, id="two threads"),
    pytest.param("threads", 3, id="three threads"),
    *ELSEWHERE,
]
SOME = [  # of work that takes longer, or that is the same there
    pytest.param("threads", 1, id="one thread", marks=pytest.mark.slow),
    pytest.param("threads", 2, id="two threads"),
    pytest.param("processes", 1, id="one process", marks=pytest.mark.slow),
    *ELSEWHERE[1:],
]
