"""The published loops as a contestant: ``train(system, epochs, seed, data)``."""

from __future__ import annotations

import importlib
from dataclasses import asdict
from typing import Any

from benchmarks.speed.worker import serve


def train(system: str, epochs: int | None, seed: int, data: str | None) -> dict[str, Any]:
    """Run one loop; None = as many epochs as published."""
    module = importlib.import_module(f"benchmarks.peers.published.{system.replace('-', '_')}")
    return asdict(module.train(epochs or module.EPOCHS, seed, data))


serve({"train": train})
