"""train: the same network, windows and steps in neuralforecast, darts, plain torch and Gatecast.

One LSTM layer of 64 units that reads 48 steps and forecasts 24, 128 windows a step drawn from all series, Adam, MAE.
All start from the data in memory in their own form: a frame, a list of TimeSeries, a tensor, a Panel. A step is the
difference of a long and a short training by the difference of their steps; what remains of the short one is set-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from statistics import median
from typing import Any

from benchmarks.speed.contestant import Contestant
from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.sizes import PANELS
from benchmarks.speed.statistics import interleaved, middle, ratio

__all__ = ["LONG", "OURS", "SHORT", "enter", "run"]

OURS, PLAIN = "gatecast", "plain torch"
PEERS = {"neuralforecast": "benchmarks.peers.neuralforecast_lstm", "darts": "benchmarks.peers.darts_block_rnn"}
SHORT, LONG = 20, 220
Rows = list[dict[str, Any]]


def run(options: Options) -> Report:
    """Time all contestants on both panels; new processes for each, for their memory is measured too."""
    rounds = options.rounds(5)
    rows: Rows = []
    skipped: dict[str, str] = {}
    for name, size in PANELS.items():
        with Stage(options.threads) as stage:
            progress(f"train · {name}")
            sides = enter(stage)
            for side in sides.values():
                side.ask("load", series=size[0], steps=size[1])
            rows += _rows(name, sides, rounds)
            skipped |= stage.skipped
    return Report(
        "train",
        "LSTM 64, lookback 48, horizon 24, 128 windows a step, Adam, MAE, float32.",
        (
            Column("panel", "series x steps"),
            Column("contestant", "contestant"),
            Column("step_ms", "ms a step"),
            Column("ratio", "ratio", "x"),
            Column("setup_seconds", "set-up s"),
            Column("peak_mb", "peak MB"),
            Column("growth_mb", "above import"),
            Column("memory", "memory", "x"),
        ),
        rows,
        _summary(rows),
        (
            "ratio: ms a step over gatecast's. memory: gatecast's peak over theirs, imports included on both sides.",
            f"ms a step: ({LONG} steps - {SHORT} steps) / {LONG - SHORT}; the rest of the short training is set-up.",
        ),
        skipped,
        {"threads": options.threads, "repeats": rounds},
    )


def enter(stage: Stage) -> dict[str, Contestant]:
    """All contestants that can come."""
    sides = {name: stage.peer(name, module) for name, module in PEERS.items()}
    return {name: side for name, side in sides.items() if side is not None} | {
        PLAIN: stage.start(PLAIN, "benchmarks.peers.plain_torch"),
        OURS: stage.start(OURS, "benchmarks.speed.ours.forecaster"),
    }


def _rows(panel: str, sides: Mapping[str, Contestant], rounds: int) -> Rows:
    for side in sides.values():
        side.ask("train", steps=SHORT)
    turns = {
        f"{name}|{steps}": partial(side.ask, "train", steps=steps)
        for name, side in sides.items()
        for steps in (SHORT, LONG)
    }
    results = interleaved(turns, rounds)
    rows: Rows = []
    for name, side in sides.items():
        short, long = results[f"{name}|{SHORT}"], results[f"{name}|{LONG}"]
        step = [(b["seconds"] - a["seconds"]) / (LONG - SHORT) for a, b in zip(short, long, strict=True)]
        peak = long[0]["peak_mb"]
        rows.append(
            {
                "panel": panel,
                "contestant": name,
                "step_ms": 1e3 * median(step),
                "setup_seconds": max(median(a["seconds"] - SHORT * s for a, s in zip(short, step, strict=True)), 0.0),
                "peak_mb": peak,
                "growth_mb": None if peak is None or side.import_mb is None else peak - side.import_mb,
            }
        )
    ours = next(row for row in rows if row["contestant"] == OURS)
    for row in rows:
        row["ratio"] = ratio(row["step_ms"], ours["step_ms"])
        row["memory"] = ratio(ours["peak_mb"], row["peak_mb"])
    return rows


def _summary(rows: Rows) -> dict[str, float | None]:
    """The acceptance: the smaller ratio of the two panels, and the memory against the lighter library."""
    summary: dict[str, float | None] = {}
    for name in PEERS:
        ratios = [row["ratio"] for row in rows if row["contestant"] == name]
        summary[f"against {name}, the smaller of both panels"] = min(ratios) if ratios else None
    shares = []
    for panel in PANELS:
        peaks = [row["peak_mb"] for row in rows if row["panel"] == panel and row["contestant"] in PEERS]
        own = middle([row["peak_mb"] for row in rows if row["panel"] == panel and row["contestant"] == OURS])
        known = [peak for peak in peaks if peak is not None]
        shares.append(ratio(own, min(known)) if known else None)
    found = [share for share in shares if share is not None]
    return summary | {"peak memory, of the lighter library's": max(found) if found else None}
