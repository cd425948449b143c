"""predict: one series at once, and 2,000; the model of ``train``, briefly trained.

One series comes as new data, as it would in a service; the 2,000 are those of the training, as each library keeps
them. Everything that a call does is timed: reading the window, scaling, the network, the result in its own form.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.sizes import PANELS
from benchmarks.speed.statistics import interleaved, ratio
from benchmarks.speed.train import OURS, SHORT, enter

__all__ = ["run"]

MANY = 2000


def run(options: Options) -> Report:
    """Time single and bulk forecasts of all contestants."""
    rounds = options.rounds(15)
    with Stage(options.threads) as stage:
        progress("predict · training")
        sides = enter(stage)
        series, steps = PANELS["2,000 x 1,000"]
        for side in sides.values():
            side.ask("load", series=series, steps=steps)
            side.ask("train", steps=SHORT)
        times: dict[int, dict[str, list[float]]] = {}
        for count in (1, MANY):
            progress(f"predict · {count:,} series")
            for side in sides.values():
                side.ask("predict", series=count)
            times[count] = interleaved(
                {name: partial(side.ask, "predict", series=count) for name, side in sides.items()}, rounds
            )
        rows = [_row(name, median(times[1][name]), median(times[MANY][name])) for name in sides]
    ours = rows[-1]
    for row in rows:
        row["ratio_one"] = ratio(row["one_ms"], ours["one_ms"])
        row["ratio_many"] = ratio(row["many_ms"], ours["many_ms"])
    against = {row["contestant"]: row for row in rows if row["contestant"] != OURS}
    return Report(
        "predict",
        "LSTM 64, lookback 48, horizon 24: one new series, and 2,000 at once.",
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
        ("ratio: milliseconds over gatecast's.",),
        stage.skipped,
        {"threads": options.threads, "repeats": rounds},
    )


def _row(name: str, one: float, many: float) -> dict[str, Any]:
    return {"contestant": name, "one_ms": 1e3 * one, "many_ms": 1e3 * many, "per_second": MANY / many}
