"""time-to-accuracy: seconds of Gatecast's own way until the published loops' final test error.

The published loop runs in full; its seconds are those of training alone. Gatecast's are those of the whole ``fit`` with
nothing given but the horizon: choices, training and calibration. They count if its test error is at or below the
published loop's; else it is not reached, and there is no ratio. Both are scored on the same test targets.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from benchmarks.speed.contestant import Contestant
from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.reference import OURS, SYSTEMS, THEIRS, systems_at_hand
from benchmarks.speed.report import Column, Report
from benchmarks.speed.statistics import geometric_mean, interleaved, ratio

__all__ = ["run"]


def run(options: Options) -> Report:
    """Run both sides on every system: the long published loops once, Gatecast's way several times around them."""
    rows, rounds = [], options.rounds(3)
    with Stage(options.threads) as stage:
        published = stage.start(THEIRS, "benchmarks.peers.published")
        ours = stage.start(OURS, "benchmarks.speed.ours.reference")
        for system in systems_at_hand(options, stage):
            progress(f"time-to-accuracy · {system}")
            rows.append(_row(published, ours, system, options, rounds))
    ratios = [row["ratio"] for row in rows] + [None] * (len(SYSTEMS) - len(rows))
    return Report(
        "time-to-accuracy",
        "Seconds to the published loop's final test error.",
        (
            Column("system", "system"),
            Column("published_seconds", "published s"),
            Column("published_error", "its test error"),
            Column("gatecast_seconds", "gatecast s"),
            Column("gatecast_error", "its test error"),
            Column("reached", "reached"),
            Column("ratio", "ratio", "x"),
        ),
        rows,
        {"geometric mean": geometric_mean(ratios)},
        (
            "Test error: RMSE, for ridership MAE, in the data's unit. Seconds of gatecast are those of the whole fit, "
            "its choices included, with nothing given but the horizon; published: training alone.",
        ),
        stage.skipped,
        {"threads": options.threads, "repeats": rounds, "of the published loop": options.rounds(1)},
    )


def _row(published: Contestant, ours: Contestant, system: str, options: Options, rounds: int) -> dict[str, Any]:
    data = options.ridership
    published.ask("train", system=system, epochs=1, seed=0, data=data)  # imports are not what is compared
    ours.ask("train", system=system, epochs=1, seed=0, data=data)
    full = partial(published.ask, "train", system=system, epochs=None, seed=0, data=data)
    theirs = interleaved({THEIRS: full}, options.rounds(1))[THEIRS]
    mine = interleaved({OURS: partial(ours.ask, "own", system=system, seed=0, data=data)}, rounds)[OURS]
    return compare(
        system,
        median(result["seconds"] for result in theirs),
        theirs[0]["test_error"],
        median(result["seconds"] for result in mine),
        mine[0]["test_error"],
    ) | {"chosen": mine[0]["chosen"], "published_loss": theirs[0]["final_loss"]}


def compare(system: str, seconds: float, error: float, our_seconds: float, our_error: float) -> dict[str, Any]:
    """One row; no ratio where the error is not reached.

    >>> compare("x", 10.0, 1.0, 2.0, 1.0)["ratio"], compare("x", 10.0, 1.0, 2.0, 1.1)["ratio"]
    (5.0, None)
    """
    reached = our_error <= error
    return {
        "system": system,
        "published_seconds": seconds,
        "published_error": error,
        "gatecast_seconds": our_seconds,
        "gatecast_error": our_error,
        "reached": "yes" if reached else "no",
        "ratio": ratio(seconds, our_seconds) if reached else None,
    }
