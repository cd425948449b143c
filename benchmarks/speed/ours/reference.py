"""Gatecast's reference systems as a contestant: the published settings, and its own way."""

from __future__ import annotations

import importlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gatecast as gc
from benchmarks.speed.worker import serve
from gatecast import demos

__all__ = ["own", "train"]

Result = dict[str, Any]


def train(system: str, epochs: int | None, seed: int, data: str | None) -> Result:
    """The published network, loss, optimiser and batches through the public API; None = as many epochs as published.

    The seconds are those of the whole ``fit``; ``loop_seconds`` those of its epochs alone.
    """
    module = importlib.import_module(f"gatecast.demos.{system.replace('-', '_')}")
    model = module.published(4, seed) if system == "airline" else module.published(seed)
    assert model.training is not None
    if epochs is not None:
        model.training = replace(model.training, max_epochs=epochs)
    model.progress = False
    panel, check = _parts(system, seed, data)
    more = {} if check is None else {"validation": check}
    started = time.perf_counter()
    model.fit(panel, **more)
    seconds = time.perf_counter() - started
    last = model.history_[-1]
    return {
        "seconds": seconds,
        "loop_seconds": last["seconds"],
        "epochs": int(last["epoch"]),
        "final_loss": last["train_loss"],
    }


def own(system: str, seed: int, data: str | None) -> Result:
    """Gatecast's own way: seconds of the whole ``fit``, its choices included, and the test error."""
    result = demos.run(system, seed=seed, data=Path(data) if system == "ridership" and data else None)
    measure = "mae" if system == "ridership" else "rmse"
    return {
        "seconds": result.train_seconds,
        "test_error": result.scores["test"]["lstm"][measure],
        "chosen": result.chosen,
    }


def _parts(system: str, seed: int, data: str | None) -> tuple[gc.Panel, gc.Panel | None]:
    """What the article trains on, and what it validates on."""
    if system == "ridership":
        panel = gc.load_example(system, data=data).between("2016-01")
        return panel.between(end="2018-12"), panel.between("2019-01", "2019-05")
    steps = {"noisy-sine": 720, "sin-to-cos": 100, "airline": 96, "sine": 810}[system]
    return gc.load_example(system, seed=seed).slice(0, steps), None


if __name__ == "__main__":
    serve({"train": train, "own": own})
