"""Fits of the defaults with one worker and with two, turn by turn: seconds, and the same bytes.

CPU seconds tell what a busy machine hides: two workers that never wait take half of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.accuracy.sets import data_folder
from benchmarks.speed.contestant import ROOT

if TYPE_CHECKING:
    from gatecast.data.panel import Panel

__all__ = ["FILES", "cores", "read_set"]

FILES = {
    "m4-weekly": ("m4_weekly_train", 13),
    "m4-hourly": ("m4_hourly_train", 48),
    "m3-monthly": ("m3_monthly_train", 18),
}
RIDERSHIP = 14


def cores(sets: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each set."""
    rows = []
    for name in sets:
        one, two = _fit(name, 1), _fit(name, 2)
        row = {
            "set": name, "one": one, "two": two, "same bytes": one["sha256"] == two["sha256"],
            "gain": one["seconds"] / two["seconds"], "gain on idle cores": one["cpu"] / two["seconds_idle"],
        }  # fmt: skip
        rows.append(row)
        print(
            f"{name:<12} one core {one['seconds']:7.1f} s ({one['cpu']:.1f} CPU) · two {two['seconds']:7.1f} s "
            f"({two['cpu']:.1f} CPU, at work together {two['together']:.0%}) · {row['gain']:.2f} x, "
            f"on idle cores {row['gain on idle cores']:.2f} x · same bytes: {row['same bytes']}",
            flush=True,
        )
    return rows


def _fit(name: str, workers: int) -> dict[str, Any]:
    """A fit in a process of its own; with one worker on one core."""
    command = [sys.executable, "-m", "benchmarks.scale.cores", name, str(workers)]
    environment = os.environ | {"OMP_NUM_THREADS": str(workers)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def read_set(name: str) -> tuple[Panel, int]:
    """The panel of a set and its horizon."""
    import gatecast as gc

    folder = data_folder()
    if name == "ridership":
        return gc.load_example("ridership", data=folder / "ridership.tgz"), RIDERSHIP
    file, horizon = FILES[name]
    return gc.read(str(folder / f"{file}.parquet")), horizon


def _main(name: str, workers: int) -> None:
    """Fit and say what it took."""
    import tempfile
    import threading
    import time

    import gatecast as gc

    if workers == 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    panel, horizon = read_set(name)
    ended, samples = threading.Event(), list[tuple[int, float]]()

    def watch() -> None:
        while not ended.wait(0.05):
            samples.append((_runnable(), time.process_time()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started, cpu = time.perf_counter(), time.process_time()
    model = gc.Forecaster(horizon, progress=False, workers=workers).fit(panel)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    ended.set()
    watcher.join()
    together = _cpu_together(samples)
    with tempfile.TemporaryDirectory() as work:
        model.save(Path(work) / "model")
        digest = hashlib.sha256((Path(work) / "model").read_bytes()).hexdigest()
    alone = cpu * (1 - together)
    idle = alone + cpu * together / 2
    found = {"seconds": seconds, "cpu": cpu, "sha256": digest, "together": together, "seconds_idle": idle}
    print(json.dumps(found))


def _runnable() -> int:
    """Threads of this process that compute or wait for a core."""
    states = []
    for task in Path("/proc/self/task").iterdir():
        try:
            states.append((task / "stat").read_text().rpartition(")")[2].split()[0])
        except OSError:  # it has ended meanwhile
            continue
    return states.count("R") - 1  # the one that asks


def _cpu_together(samples: Sequence[tuple[int, float]]) -> float:
    """Share of the CPU time that was spent while two threads or more could run."""
    spent = [(count, later - now) for (count, now), (_, later) in pairwise(samples)]
    whole = sum(cpu for _, cpu in spent) or 1.0
    return sum(cpu for count, cpu in spent if count >= 2) / whole


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
