"""live: what a new row costs, and a forecast after it, however long the history is; beside others that could serve.

Two models of horizon 24: Gatecast's defaults, which blend several candidates with the pretrained gate, and
``candidates=1``, one trained candidate beside the gate. Each row is observed, forecast one step ahead, and scored. "one
row" is a call with one row of every series, "in blocks" a call with 200 rows of one series, or again one of each.
"predict" is the same forecast from the whole history.

- reread: an LSTM of plain torch, as wide and deep as a network of ``candidates=1``, that reads the last 2,048 steps
  again for every row, as TiRex does; what it forecasts one step ahead is in the same pass, so a row costs what a
  forecast does.
- river: models that learn one row after the other; a row is neither forecast nor scored. They keep no history, so that
  two lengths tell of all.
"""

from __future__ import annotations

from math import log10
from typing import Any

from benchmarks.speed.contestant import Contestant
from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.statistics import ratio

__all__ = ["SIZES", "run"]

SIZES = ((1, 1_000), (1, 10_000), (1, 100_000), (1, 1_000_000), (10_000, 1_000))  # series, steps of history
MODELS: dict[str, int | None] = {"defaults": None, "candidates=1": 1}
RIVER = ("SNARIMAX", "HoltWinters")
LONGEST_LEARNED = 10_000  # steps of one series, by river
WINDOW = 2_048  # steps that are read again
SECONDS = 20  # of training
MOST_TIMES = 5  # a call is timed, of one series
Row = dict[str, Any]


def run(options: Options) -> Report:
    """Follow panels of every size with all contestants, one after the other."""
    rows, notes = list[Row](), list[str]()
    with Stage(options.threads) as stage:
        network: dict[str, int] = {}
        for model, candidates in MODELS.items():
            with stage.start(model, "benchmarks.speed.ours.live") as side:
                progress(f"live · {model} · training")
                found = side.ask("fit", candidates=candidates, seconds=SECONDS)
                notes.append(f"{model}: {found['blend']}.")
                network = {key: found[key] for key in ("hidden", "layers")}
                own = _rows(model, side, options)
                notes.append(f"{model}: {1e6 / min(row['block_us'] for row in own):,.0f} rows a second, at best.")
                rows += own
        with stage.start("reread", "benchmarks.speed.ours.reread") as side:
            rows += _rows("reread", side, options, window=WINDOW, **network)
        notes.append(f"reread: LSTM {network['hidden']} x {network['layers']}, {WINDOW:,} steps.")
        rows += _river(stage, options)
        apart = max(row["apart"] for row in rows if row["apart"] is not None)
        notes.append(f"Largest relative difference between forecast and predict: {apart:.1e}.")
        return Report(
            "live",
            "A row observed and scored, and a forecast of all series, by the length of the history.",
            (
                Column("model", "model"),
                Column("series", "series"),
                Column("power", "steps"),
                Column("row_us", "one row, us"),
                Column("block_us", "in blocks, us"),
                Column("forecast_ms", "forecast ms"),
                Column("predict_ms", "predict ms"),
                Column("kb", "kB a series"),
            ),
            rows,
            _summary(rows),
            tuple(notes),
            stage.skipped,
            {"threads": options.threads},
        )


def _rows(model: str, side: Contestant, options: Options, **how: Any) -> list[Row]:
    """A row of the table for each size."""
    rows = list[Row]()
    for series, steps in SIZES:
        progress(f"live · {model} · {series:,} series of {steps:,} steps")
        times = options.rounds(MOST_TIMES) if series == 1 else 1
        found = side.ask("follow", series=series, steps=steps, times=times, **how)
        rows.append(_row(model, series, steps, found))
    return rows


def _river(stage: Stage, options: Options) -> list[Row]:
    """The models of river; a row with a word where it is not installed."""
    rows = list[Row]()
    side = stage.peer("river", "benchmarks.peers.river_live")
    if side is None:
        return [{**_row("river", 0, 0, {}), "series": "absent"}]
    for model in RIVER:
        for series, steps in SIZES:
            if steps > LONGEST_LEARNED:
                continue
            progress(f"live · river {model} · {series:,} series of {steps:,} steps")
            times = options.rounds(MOST_TIMES) if series == 1 else 1
            rows.append(
                _row(model, series, steps, side.ask("follow", model=model, series=series, steps=steps, times=times))
            )
    return rows


def _row(model: str, series: int, steps: int, found: dict[str, float]) -> Row:
    """In the units of the table; None for what a contestant does not do."""

    def scaled(key: str, by: float) -> float | None:
        return None if key not in found else by * found[key]

    again = scaled("forecast_s", 1e6 / series) if model == "reread" else None
    return {
        "model": model,
        "series": series,
        "steps": steps,
        "power": f"10^{log10(steps):.3g}" if steps else None,
        "row_us": scaled("row_s", 1e6) if again is None else again,
        "block_us": scaled("block_row_s", 1e6),
        "forecast_ms": scaled("forecast_s", 1e3),
        "predict_ms": scaled("predict_s", 1e3),
        "begin_ms": scaled("begin_s", 1e3),
        "kb": scaled("bytes", 1e-3),
        "apart": found.get("apart"),
    }


def _summary(rows: list[Row]) -> dict[str, float | None]:
    """The longest history over the shortest, for one series."""
    told: dict[str, float | None] = {}
    for model in MODELS:
        alone = [row for row in rows if row["model"] == model and row["series"] == 1]
        for key, what in {"row_us": "a row", "forecast_ms": "a forecast", "predict_ms": "predict"}.items():
            told[f"{model}: {what}, longest over shortest"] = ratio(alone[-1][key], alone[0][key])
    return told
