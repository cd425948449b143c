"""Kills one piece of work again and again: ``python -m benchmarks.kills.driver WORK FOLDER``, told by the environment.

A child process is forked for every run, so that what is imported is there already and kills come early and late alike.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from benchmarks.kills.works import WORKS
from gatecast.storage import checkpoint

__all__ = ["main"]


def main() -> int:
    """Print how many kills hit, how many of them left a draft of a file behind, and whether the bytes are the same."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills.driver")
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--kills", type=int, required=True, help="in each round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--between", type=float, default=0.0, help="seconds between two writes of a training")
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    checkpoint.SECONDS = given.between
    _import_all()
    folder, draw = given.folder, random.Random(given.seed)
    begun = time.monotonic()
    wanted = _run(given.work, None, given.small, folder / "whole")
    whole = time.monotonic() - begun
    found = {"seconds": round(whole, 2), "kills": 0, "drafts": 0, "rounds": 0, "same": 0}
    for number in range(given.rounds):
        path, drafts = folder / f"round-{number}", 0
        for _ in range(given.kills):
            found["kills"] += _killed(given.work, path, given.small, draw.uniform(0.01, 1.2 * whole / given.kills))
            now = len(list(path.rglob(".*.tmp")))
            found["drafts"] += now > drafts
            drafts = now
        found["rounds"] += 1
        found["same"] += _run(given.work, path, given.small, folder / f"end-{number}") == wanted
    print(json.dumps(found))
    return 0 if found["same"] == found["rounds"] else 1


def _import_all() -> None:
    """What a run needs, without a thread of torch, which a fork would lose."""
    import gatecast.backtesting.backtest
    import gatecast.forecaster
    import gatecast.tuning.tune  # noqa: F401 -- so that a child need not read it from the disk

    for name in ("optuna", "narwhals", "polars"):
        __import__(name)


def _run(work: str, path: Path | None, small: bool, answer: Path) -> bytes:
    """All of it in a process of its own."""
    child = os.fork()
    if not child:
        try:
            answer.write_bytes(WORKS[work](path, small))
        except BaseException as error:
            print(f"{work}: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit(f"{work} failed in {path}")
    return answer.read_bytes()


def _killed(work: str, path: Path, small: bool, after: float) -> bool:
    """Begin it and kill it after some seconds; False where it was done by then."""
    child = os.fork()
    if not child:
        WORKS[work](path, small)
        os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    ended = os.waitpid(child, 0)[1]
    if ended not in (signal.SIGKILL, 0):
        raise SystemExit(f"{work} failed in {path}")
    return ended == signal.SIGKILL


if __name__ == "__main__":
    sys.exit(main())
