"""Speed of Gatecast beside its peers, measured in one run.

    python -m benchmarks.speed layer
    python -m benchmarks.speed train --threads 2 --json

The peers' environment is made once by benchmarks/peers/setup; without it they are skipped.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks.arguments import count
from benchmarks.speed.contestant import ContestantError
from benchmarks.speed.machine import busy, describe, keep_to
from benchmarks.speed.options import Options, progress
from benchmarks.speed.report import WIDTH, Report

__all__ = ["TASKS", "main"]

QUIET = 0.05  # share of all cores that the system itself may take
TASKS = {
    "layer": "forward + backward of gatecast.nn.LSTM and torch.nn.LSTM, and their share of the matrix-product peak",
    "reference": "the five published loops and Gatecast, same steps on the same batches",
    "train": "neuralforecast, darts, plain torch and Gatecast: time of a step, set-up, memory",
    "predict": "the same four and gatecast's defaults: one series, and 2,000",
    "live": "a row observed and a forecast after it, by the length of the history",
    "scale": "fit on 10^3, 10^4 and 10^5 series of 500 steps",
    "start": "import and --help",
    "time-to-accuracy": "Gatecast's own way until the published loops' test error",
    "members": "eight members together and one by one",
}


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=(__doc__ or "").split("\n")[0],
        epilog="\n".join(f"{name:<18}{text}" for name, text in TASKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=TASKS, metavar="TASK", help="what to measure; see below")
    parser.add_argument("--threads", type=count, default=2, help="threads of every contestant; default 2")
    parser.add_argument("--repeats", type=count, default=None, help="rounds; default: as the task needs")
    parser.add_argument("--full", action="store_true", help="reference: all epochs as published")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(words)
    if asked.full and asked.task != "reference":
        parser.error("--full belongs to the task reference")
    taken = [busy()]
    machine = describe() | {"cores_used": keep_to(asked.threads)}
    module = importlib.import_module(f"benchmarks.speed.{asked.task.replace('-', '_')}")
    try:
        report: Report = module.run(Options(asked.threads, asked.repeats, asked.full))
    except ContestantError as error:
        progress("")
        print(f"{asked.task}: {error}", file=sys.stderr)
        return 1
    taken.append(busy())
    report.machine = machine | {"taken_by_others": taken}
    report.notes += warning(taken)
    progress("")
    if asked.json:
        print(json.dumps(report.to_dict(), indent=1, allow_nan=False))
    else:
        console = Console(highlight=False, markup=False, emoji=False)
        console.width = min(console.width, WIDTH)
        report.show(console)
    return 0


def warning(taken: Sequence[float | None]) -> tuple[str, ...]:
    """A note where other programs were at work before or after; ``taken`` are shares of all cores.

    >>> warning([0.01, None]), len(warning([0.01, 0.5]))
    ((), 1)
    """
    most = max((share for share in taken if share is not None), default=0.0)
    if most <= QUIET:
        return ()
    return (f"NOT A QUIET MACHINE: other programs took up to {most:.0%} of it. These figures are no measurement.",)


if __name__ == "__main__":
    sys.exit(main())
