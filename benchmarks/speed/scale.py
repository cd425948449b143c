"""scale: time and peak memory of fit on 10^3, 10^4 and 10^5 series of 500 steps, a process each.

Two fits: the model of ``train`` for a fixed number of steps, and Gatecast's own choice of everything. Time per window
is that of the whole fit, set-up and choices included, over the windows trained on. The panel is synthetic, in memory
as float32, and part of the peak.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.sizes import BATCH
from benchmarks.speed.statistics import interleaved, middle, ratio

__all__ = ["SERIES", "run"]

SERIES, LENGTH, STEPS = (1_000, 10_000, 100_000), 500, 500
BYTES = 4  # of a float32
FIXED, OWN = "as in train", "defaults"
Row = dict[str, Any]


def run(options: Options) -> Report:
    """Fit on every size; they take turns."""
    rounds, rows = options.rounds(3), []
    for way in (FIXED, OWN):
        with Stage(options.threads) as stage:
            sides = {str(count): stage.start(str(count), "benchmarks.speed.ours.forecaster") for count in SERIES}
            for count in SERIES:
                progress(f"scale · {way} · {count:,} series")
                sides[str(count)].ask("load", series=50, steps=LENGTH)
                sides[str(count)].ask("train", steps=20)
                sides[str(count)].ask("load", series=count, steps=LENGTH)
            turns = {
                name: partial(side.ask, "default") if way == OWN else partial(side.ask, "train", steps=STEPS)
                for name, side in sides.items()
            }
            results = interleaved(turns, rounds)
            rows += [_row(way, count, results[str(count)]) for count in SERIES]
    return Report(
        "scale",
        f"fit on series of {LENGTH} steps; horizon 24.",
        (
            Column("way", "fit"),
            Column("series", "series"),
            Column("seconds", "seconds"),
            Column("window_us", "us a window"),
            Column("raw_mb", "raw data MB"),
            Column("peak_mb", "peak MB"),
            Column("of_limit", "of 2 raw + 600", "%"),
        ),
        rows,
        _summary(rows),
        (
            f"as in train: {STEPS} steps of {BATCH} windows, one network, no validation. us a window: whole fit.",
            "Peak: of the process, after the first fit; the panel is in it.",
        ),
        settings={"threads": options.threads, "repeats": rounds},
    )


def _row(way: str, count: int, results: list[Row]) -> Row:
    raw, peak = count * LENGTH * BYTES / 1e6, results[0]["peak_mb"]
    seconds = median(result["seconds"] for result in results)
    windows = results[0]["windows"]
    return {
        "way": way,
        "series": count,
        "seconds": seconds,
        "windows": windows,
        "window_us": 1e6 * seconds / windows,
        "raw_mb": raw,
        "peak_mb": peak,
        "of_limit": ratio(peak, 2 * raw + 600),
        "chosen": results[0]["chosen"],
    }


def _summary(rows: list[Row]) -> dict[str, float | None]:
    summary = {}
    for way in (FIXED, OWN):
        mine = [row for row in rows if row["way"] == way]
        growth = ratio(mine[-1]["window_us"], mine[0]["window_us"])
        summary[f"time per window, 10^5 over 10^3, {way}"] = growth
    summary["peak over 2 raw + 600 MB, the largest"] = middle([max((r["of_limit"] or 0.0) for r in rows) or None])
    return summary
