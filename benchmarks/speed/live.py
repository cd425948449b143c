"""live: what a new row costs, and a forecast after it, however long the history is; beside predict on all of it.

Two models of horizon 24: Gatecast's defaults, which blend several candidates with the pretrained gate, and
``candidates=1``, one trained candidate beside the gate. Each row is observed, forecast one step ahead, and scored. "one
row" is a call with one row of every series, "in blocks" a call with 200 rows of one series, or again one of each.
"""

from __future__ import annotations

from typing import Any

from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.statistics import ratio

__all__ = ["SIZES", "run"]

SIZES = ((1, 1_000), (1, 10_000), (1, 100_000), (1_000, 1_000), (1_000, 10_000))  # series, steps of history
MODELS: dict[str, int | None] = {"defaults": None, "candidates=1": 1}
SECONDS = 20  # of training
Row = dict[str, Any]


def run(options: Options) -> Report:
    """Follow panels of every size with both models; ``--repeats`` is not needed, each call is timed several times."""
    rows, blends = list[Row](), dict[str, str]()
    for model, candidates in MODELS.items():
        with Stage(options.threads) as stage:
            side = stage.start(model, "benchmarks.speed.ours.live")
            progress(f"live · {model} · training")
            blends[model] = side.ask("fit", candidates=candidates, seconds=SECONDS)
            for series, steps in SIZES:
                progress(f"live · {model} · {series:,} series of {steps:,} steps")
                rows.append(_row(model, series, steps, side.ask("follow", series=series, steps=steps)))
    return Report(
        "live",
        "A row observed and scored, and a forecast of all series, by the length of the history.",
        (
            Column("model", "model"),
            Column("series", "series"),
            Column("steps", "steps"),
            Column("row_us", "one row, us"),
            Column("block_us", "in blocks, us"),
            Column("forecast_ms", "forecast ms"),
            Column("predict_ms", "predict ms"),
            Column("kb", "kB a series"),
        ),
        rows,
        _summary(rows),
        (
            *(f"{model}: {what}." for model, what in blends.items()),
            f"Largest relative difference between forecast and predict: {max(row['apart'] for row in rows):.1e}.",
        ),
        settings={"threads": options.threads},
    )


def _row(model: str, series: int, steps: int, found: Row) -> Row:
    return {
        "model": model,
        "series": series,
        "steps": steps,
        "row_us": 1e6 * found["row_s"],
        "block_us": 1e6 * found["block_row_s"],
        "forecast_ms": 1e3 * found["forecast_s"],
        "predict_ms": 1e3 * found["predict_s"],
        "begin_ms": 1e3 * found["begin_s"],
        "kb": found["bytes"] / 1e3,
        "apart": found["apart"],
    }


def _summary(rows: list[Row]) -> dict[str, float | None]:
    """The longest history over the shortest, for one series."""
    told: dict[str, float | None] = {}
    for model in MODELS:
        alone = [row for row in rows if row["model"] == model and row["series"] == 1]
        for key, what in {"row_us": "a row", "forecast_ms": "a forecast", "predict_ms": "predict"}.items():
            told[f"{model}: {what}, longest over shortest history"] = ratio(alone[-1][key], alone[0][key])
    return told
