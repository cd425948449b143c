"""Trains the pretrained gate, and goes on where it stopped: ``python -m benchmarks.pretrained.train FOLDER``.

    FOLDER/state.safetensors   where the training stands, written every minute
    FOLDER/log.csv             step, seconds, mean loss of the steps since the line before

``--cool STEPS`` continues a copy of that state with a falling rate and writes its weights to FOLDER/gate.safetensors.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from gatecast.pretrained.gate import GateSizes
from gatecast.pretrained.lessons import Lesson, lesson_of
from gatecast.pretrained.training import Recipe, Training

AHEAD = 24  # batches that wait at most
SECONDS = 60.0


def main() -> None:
    """Run the command."""
    options = _options()
    os.nice(options.nice)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    options.folder.mkdir(parents=True, exist_ok=True)
    state = options.folder / "state.safetensors"
    recipe = Recipe(options.seed, GateSizes(options.hidden, options.mixing), options.rate, start=options.start)
    training = Training.load(state) if state.exists() else Training(recipe)
    if options.cool:
        cooled = options.folder / "cooling.safetensors"
        training = Training.load(cooled) if cooled.exists() else training
        if training.cooled_from is None:
            training.cool(options.cool)
        state, options.steps = cooled, (training.cooled_from or 0) + training.cooling
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    _train(training, state, options, stop)
    if options.cool and not stop.is_set():
        _finish(training, options.keep, options.folder / "gate.safetensors")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=10**9, help="stop after so many steps in all")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many minutes of this call")
    parser.add_argument("--cool", type=int, default=0, help="let the rate fall to 0 over so many steps, and finish")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hidden", type=int, default=GateSizes().hidden)
    parser.add_argument("--mixing", type=int, default=GateSizes().mixing)
    parser.add_argument("--rate", type=float, default=Recipe().rate)
    parser.add_argument("--start", default="", help="name of the weights to begin with; random ones unless given")
    parser.add_argument("--keep", type=float, default=0.0, help="share of the weights begun with in the result")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--nice", type=int, default=10)
    return parser.parse_args()


def _train(training: Training, state: Path, options: argparse.Namespace, stop: threading.Event) -> None:
    begun = saved = time.monotonic()
    losses: list[float] = []
    if training.step >= options.steps:
        return
    for lesson in lessons(training.recipe.seed, training.step, options.workers):
        losses.append(training.learn(lesson))
        now = time.monotonic()
        ended = training.step >= options.steps or now - begun > 60 * options.minutes or stop.is_set()
        if ended or now - saved > SECONDS:
            training.save(state)
            with open(state.with_name("log.csv"), "a", encoding="utf-8") as log:
                log.write(f"{training.step},{now - saved:.1f},{np.mean(losses):.5f},{training.rate:.2e}\n")
            losses, saved = [], now
        if ended:
            return


def lessons(seed: int, first: int, workers: int) -> Iterator[Lesson]:
    """The batches from an index on, made by other processes ahead of time, in order."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(workers, _quiet) as pool:
        indexes = itertools.count(first)
        waiting = [pool.apply_async(partial(lesson_of, seed), (next(indexes),)) for _ in range(AHEAD)]
        while True:
            lesson = waiting.pop(0).get()
            waiting.append(pool.apply_async(partial(lesson_of, seed), (next(indexes),)))
            yield lesson


def _quiet() -> None:
    """Stops are the parent's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def _finish(training: Training, keep: float, path: Path) -> None:
    """The weights as float16, on the line between those that the training began with and those that it reached.

    A mean of both is better on most kinds of data than either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
    models").
    """
    from safetensors.torch import save_file

    reached = training.gate.state_dict()
    begun = Training(training.recipe).gate.state_dict()
    mean = {name: torch.lerp(value, begun[name], keep) for name, value in reached.items()}
    save_file({name: value.to(torch.float16).contiguous() for name, value in mean.items()}, path)


if __name__ == "__main__":
    main()
