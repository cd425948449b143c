"""predict: one series at once, and 2,000; what Gatecast forecasts with by default beside the model of ``train``.

The peers, plain torch and one row of Gatecast have the same network, briefly trained. Two rows are what users run: the
defaults, which blend several candidates with an exponential smoothing, and ``candidates=1``; both are trained on some
of the series. One series comes as new data, as it would in a service; the 2,000 are those of the training, as each
library keeps them. Everything that a call does is timed: reading the window, scaling, the networks, the smoothing, the
result in its own form.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from benchmarks.speed.contestant import Contestant
from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.sizes import PANELS
from benchmarks.speed.statistics import interleaved, ratio
from benchmarks.speed.train import OURS as SHARED
from benchmarks.speed.train import SHORT, enter

__all__ = ["run"]

MANY = 2000
OURS, ONE, SAME = "gatecast", "gatecast, candidates=1", "gatecast, the same network"
BRIEF: dict[str, int | None] = {ONE: 1, OURS: None}  # candidates; None = as many as it chooses


def run(options: Options) -> Report:
    """Time single and bulk forecasts of all contestants."""
    rounds = options.rounds(15)
    with Stage(options.threads) as stage:
        progress("predict · training")
        sides, blends = _trained(stage)
        times: dict[int, dict[str, list[float]]] = {}
        for count in (1, MANY):
            progress(f"predict · {count:,} series")
            for side in sides.values():
                side.ask("predict", series=count)
            times[count] = interleaved(
                {name: partial(side.ask, "predict", series=count) for name, side in sides.items()}, rounds
            )
        rows = [_row(name, median(times[1][name]), median(times[MANY][name])) for name in sides]
    ours = next(row for row in rows if row["contestant"] == OURS)
    for row in rows:
        row["ratio_one"] = ratio(row["one_ms"], ours["one_ms"])
        row["ratio_many"] = ratio(row["many_ms"], ours["many_ms"])
    against = {row["contestant"]: row for row in rows if row["contestant"] != OURS}
    return Report(
        "predict",
        "Horizon 24, 1,000 steps: one new series, and 2,000 at once; peers: LSTM 64, lookback 48.",
        (
            Column("contestant", "contestant"),
            Column("one_ms", "one series, ms"),
            Column("ratio_one", "ratio", "x"),
            Column("many_ms", "2,000 series, ms"),
            Column("per_second", "series a second"),
            Column("ratio_many", "ratio", "x"),
        ),
        rows,
        {f"2,000 series against {name}": row["ratio_many"] for name, row in against.items()},
        (
            "ratio: milliseconds over those of gatecast's defaults.",
            *(f"{name}: {what}." for name, what in blends.items()),
        ),
        stage.skipped,
        {"threads": options.threads, "repeats": rounds},
    )


def _trained(stage: Stage) -> tuple[dict[str, Contestant], dict[str, str]]:
    """All contestants with a model, and what those of Gatecast's own choice consist of."""
    sides = enter(stage)
    sides[SAME] = sides.pop(SHARED)
    brief = {name: stage.start(name, "benchmarks.speed.ours.forecaster") for name in BRIEF}
    series, steps = PANELS["2,000 x 1,000"]
    for side in [*sides.values(), *brief.values()]:
        side.ask("load", series=series, steps=steps)
    for side in sides.values():
        side.ask("train", steps=SHORT)
    blends = {name: side.ask("brief", candidates=BRIEF[name]) for name, side in brief.items()}
    return sides | brief, blends


def _row(name: str, one: float, many: float) -> dict[str, Any]:
    return {"contestant": name, "one_ms": 1e3 * one, "many_ms": 1e3 * many, "per_second": MANY / many}
