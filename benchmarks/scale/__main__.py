"""What a source larger than memory costs, and whether a cluster that loses nodes loses rows.

python -m benchmarks.scale source --series 100000 --steps 1000
python -m benchmarks.scale cores
python -m benchmarks.scale idle
python -m benchmarks.scale cluster --series 100000 --steps 100
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scale.made import make
from benchmarks.speed.contestant import ROOT
from benchmarks.speed.machine import busy

__all__ = ["main"]

HEADS = ("stage", "series", "seconds", "CPU s", "peak MB", "rows/s", "us a series")


def stage(name: str, data: Path, work: Path, engine: dict[str, Any], limited: bool) -> dict[str, Any]:
    """Run one stage in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale.stage", name, str(data), str(work), json.dumps(engine)]
    done = subprocess.run(
        [*command, "limited" if limited else "free"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [str(done.returncode)])[-1][:200]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def source(asked: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Every stage on every number of series."""
    rows: list[dict[str, Any]] = []
    engine = {"engine": asked.engine, "workers": asked.workers}
    for series in asked.series:
        data = make(folder, series, asked.steps)
        work = folder / f"work-{series}"
        work.mkdir(exist_ok=True)
        for name in asked.stages:
            before = busy()
            found = stage(name, data, work, engine, limited=name != "naive")
            row = {"stage": name, "series": series, **found, "busy_before": before}
            rows.append(row)
            print(_line(row), flush=True)
        shutil.rmtree(work)
        if not asked.keep:
            shutil.rmtree(data)
    return rows


def _line(row: dict[str, Any]) -> str:
    if "failed" in row:
        return f"{row['stage']:<10}{row['series']:>10,}  {row['failed']}"
    speed = f"{row['rows'] / row['seconds']:>12,.0f}" if row["rows"] else f"{'':>12}"
    return (
        f"{row['stage']:<10}{row['series']:>10,}{row['seconds']:>10.1f}{row['cpu']:>10.1f}{row['peak_mb']:>10,.0f}"
        f"{speed}{1e6 * row['cpu'] / row['series']:>14,.0f}"
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("task", choices=("source", "cores", "idle", "cluster"))
    parser.add_argument("--series", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--engine", default="threads")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--stages", nargs="+", default=["scan", "fit", "predict", "evaluate"])
    parser.add_argument("--sets", nargs="+", default=["ridership", "m3-monthly", "m4-hourly", "m4-weekly"])
    parser.add_argument("--folder", type=Path, default=None, help="where data are generated; default: a new one")
    parser.add_argument("--keep", action="store_true", help="leave the data there")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures to this file")
    asked = parser.parse_args(words)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="gatecast-scale-"))
    folder.mkdir(parents=True, exist_ok=True)
    if asked.task == "cores":
        from benchmarks.scale.cores import cores

        rows = cores(asked.sets)
    elif asked.task == "idle":
        from benchmarks.scale.idle import idle

        rows = idle(asked.sets)
    elif asked.task == "cluster":
        from benchmarks.scale.cluster import cluster

        rows = cluster(make(folder, asked.series[0], asked.steps), folder)
    else:
        print(f"{HEADS[0]:<10}{HEADS[1]:>10}{HEADS[2]:>10}{HEADS[3]:>10}{HEADS[4]:>10}{HEADS[5]:>12}{HEADS[6]:>14}")
        rows = source(asked, folder)
    if asked.json is not None:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    if asked.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    return int(any("failed" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
