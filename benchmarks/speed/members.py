"""members: eight networks trained together against eight trained one by one, at the airline's size.

Both through the public API with every setting given, no validation and a random start, so that a fit is training and
nothing else: ``Forecaster(members=8)`` once, ``Forecaster(members=1)`` eight times with the seeds of those members.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from benchmarks.speed.contestant import Contestant
from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.statistics import interleaved, ratio

__all__ = ["run"]

MEMBERS = 8
PLANS = {
    "published": "airline as published: hidden 50, lookback 4, batch 8, loss at every step",
    "default": "airline as Gatecast chooses it, random start",
}


def run(options: Options) -> Report:
    """Time both ways of both plans."""
    rounds, rows = options.rounds(5), []
    with Stage(options.threads) as stage:
        side = stage.start("gatecast", "benchmarks.speed.ours.members")
        for plan in PLANS:
            progress(f"members · {plan}")
            rows.append(_row(side, plan, rounds))
    return Report(
        "members",
        f"{MEMBERS} networks together and one by one: seconds of training.",
        (
            Column("plan", "plan"),
            Column("steps", "steps each"),
            Column("apart_seconds", "one by one s"),
            Column("together_seconds", "together s"),
            Column("ratio", "ratio", "x"),
            Column("loss_difference", "largest difference of a final loss"),
        ),
        rows,
        {f"{row['plan']} plan": row["ratio"] for row in rows},
        tuple(f"{name}: {text}." for name, text in PLANS.items()),
        settings={"threads": options.threads, "repeats": rounds},
    )


def _row(side: Contestant, plan: str, rounds: int) -> dict[str, Any]:
    turns = {way: partial(side.ask, way, plan=plan, members=MEMBERS) for way in ("apart", "together")}
    for turn in turns.values():
        turn()
    results = interleaved(turns, rounds)
    seconds = {way: median(result["seconds"] for result in values) for way, values in results.items()}
    losses = [result[0]["losses"] for result in (results["apart"], results["together"])]
    return {
        "plan": plan,
        "steps": results["apart"][0]["steps"],
        "apart_seconds": seconds["apart"],
        "together_seconds": seconds["together"],
        "ratio": ratio(seconds["apart"], seconds["together"]),
        "loss_difference": max(abs(b / a - 1) for a, b in zip(*losses, strict=True)),
    }
