"""Another state of the code beside this one, in turns: ``python -m benchmarks.speed.beside FOLDER --python PYTHON``.

FOLDER is a checkout of the other state, PYTHON an interpreter with it installed. Same contestants as in ``layer``,
``train`` and ``reference``, each state's own; a ratio is the median, over rounds, of its milliseconds over this
state's in the same round, so that a machine whose speed drifts slows both.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from benchmarks.speed.contestant import Contestant
from benchmarks.speed.layer import SHAPES
from benchmarks.speed.options import progress
from benchmarks.speed.reference import EPOCHS
from benchmarks.speed.statistics import interleaved
from benchmarks.speed.train import LONG, SHORT

__all__ = ["main"]

HERE, THERE = "here", "there"
Sides = Mapping[str, Contestant]
Turns = Mapping[str, Callable[[], float]]
PANEL = (414, 700)  # series, steps


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.speed.beside", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args(words)
    table = Table("task", "what", "ms there", "ms here", "there / here", "middle half")
    for task, work in (("layer", _layers), ("train", _trainings), ("reference", _references)):
        module = "forecaster" if task == "train" else task
        extra = ("gatecast", "keep") if task == "layer" else ()
        start = partial(Contestant, module=f"benchmarks.speed.ours.{module}", arguments=extra, threads=asked.threads)
        with start(HERE) as here, start(THERE, python=asked.python, root=asked.folder) as there:
            for what, turns in work({HERE: here, THERE: there}):
                progress(f"{task} · {what}")
                table.add_row(task, what, *_compared(turns, asked.rounds))
    progress("")
    Console(highlight=False, width=100).print(table)
    return 0


def _compared(turns: Turns, rounds: int) -> list[str]:
    times = interleaved(turns, rounds)
    ratios = [there / here for here, there in zip(times[HERE], times[THERE], strict=True)]
    low, _, high = quantiles(ratios, n=4)
    ms = [f"{1e3 * median(times[name]):.3g}" for name in (THERE, HERE)]
    return [*ms, f"{median(ratios):.3f}", f"{low:.2f} to {high:.2f}"]


def _layers(sides: Sides) -> Iterator[tuple[str, Turns]]:
    for shape in SHAPES:
        for side in sides.values():
            side.ask("build", reading="last", **shape._asdict())
        yield str(shape), {name: partial(side.ask, "measure") for name, side in sides.items()}


def _trainings(sides: Sides) -> list[tuple[str, Turns]]:
    for side in sides.values():
        side.ask("load", series=PANEL[0], steps=PANEL[1])
        side.ask("train", steps=SHORT)
    return [(f"{LONG} steps", _later(sides, _training))]


def _training(side: Contestant) -> float:
    return side.ask("train", steps=LONG)["seconds"] / LONG  # type: ignore[no-any-return]


def _references(sides: Sides) -> list[tuple[str, Turns]]:
    systems = [system for system in EPOCHS if system != "ridership"]
    for side in sides.values():
        for system in systems:
            side.ask("train", system=system, epochs=1, seed=0, data=None)
    return [(system, _later(sides, partial(_reference, system=system))) for system in systems]


def _reference(side: Contestant, system: str) -> float:
    done = side.ask("train", system=system, epochs=EPOCHS[system], seed=0, data=None)
    return done["loop_seconds"] / done["epochs"]  # type: ignore[no-any-return]


def _later(sides: Sides, work: Callable[[Contestant], float]) -> Turns:
    return {name: partial(work, side) for name, side in sides.items()}


if __name__ == "__main__":
    sys.exit(main())
