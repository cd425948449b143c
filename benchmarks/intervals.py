"""Intervals of the defaults on M4's and M3's test parts: coverage, ACD and MSIS, beside AutoETS in the same run.

    python -m benchmarks.intervals m4-hourly m4-weekly m3-monthly
    python -m benchmarks.intervals m3-monthly --seeds 3 --rivals none --json

One origin per series, as in ``benchmarks.rivals``, whose data and scores these are. Each run scores the test part:
write it into benchmarks/README.md, and choose nothing by it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import gatecast
from benchmarks.rivals import QUANTILES, SETS, Row, read, run, score

__all__ = ["main"]

COLUMNS = ("smape", "mase", "coverage_0.8", "acd_0.8", "coverage_0.95", "acd_0.95", "msis_0.95")


def ours(name: str, folder: Path, seed: int) -> Row:
    """Fit the defaults on the train file, forecast once, score on the test file."""
    data = read(name, folder)
    panel = gatecast.read(folder / f"{name.replace('-', '_')}_train.parquet")
    started = time.perf_counter()
    model = gatecast.Forecaster(data.truth_NH.shape[1], seed=seed, progress=False).fit(panel)
    forecast = model.predict()
    seconds = time.perf_counter() - started
    quantiles_NHQ = np.stack([forecast.quantile(level)[..., 0] for level in QUANTILES], axis=-1).astype(np.float64)
    return score(data, forecast.values[..., 0].astype(np.float64), quantiles_NHQ) | {"seconds": seconds}


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intervals", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sets", nargs="+", choices=SETS, metavar="SET", help=", ".join(SETS))
    parser.add_argument("--seeds", type=int, default=1, help="runs of ours, with seeds 0, 1, ...")
    parser.add_argument("--rivals", default="auto_ets", help='comma-separated, or "none"')
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    asked = parser.parse_args(words)
    folder = Path(os.environ.get("GATECAST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        parser.error(f"no data at {folder}; set GATECAST_DATA")
    rivals = [] if asked.rivals == "none" else asked.rivals.split(",")
    results = {}
    for name in asked.sets:
        rows = {f"gatecast, seed {seed}": ours(name, folder, seed) for seed in range(asked.seeds)}
        results[name] = rows | run(name, rivals, folder, None)
        if not asked.json:
            print(_table(name, results[name]), flush=True)
    if asked.json:
        print(json.dumps(results, indent=1))
    return 0


def _table(name: str, rows: dict[str, Row]) -> str:
    lines = [
        f"## {name}",
        "",
        "| method | " + " | ".join((*COLUMNS, "seconds")) + " |",
        "|---" * (len(COLUMNS) + 2) + "|",
    ]
    for method, row in rows.items():
        cells = ["" if row.get(c) is None else f"{row[c]:.3f}" for c in COLUMNS]
        seconds = row.get("seconds")
        lines.append(f"| {method} | {' | '.join(cells)} | {'' if seconds is None else f'{seconds:.0f}'} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
