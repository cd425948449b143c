"""reference: the five published loops against Gatecast, the same number of steps on the same batches.

The same on both sides: data, windows, network, first weights, order of the windows, loss, optimiser, clipping,
validation after each epoch (ridership), dtype. Different: dropout's masks where the compiled layer draws them (sine).
Timed: from the series to the trained network; for Gatecast the whole ``fit``.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from benchmarks.speed.contestant import Contestant
from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.statistics import geometric_mean, interleaved, ratio

__all__ = ["EPOCHS", "SYSTEMS", "run", "systems_at_hand"]

# Epochs that take the published loop two to three seconds; time per step is what is compared.
EPOCHS = {"noisy-sine": 60, "sin-to-cos": 600, "airline": 80, "sine": 6, "ridership": 4}
SYSTEMS = tuple(EPOCHS)
OURS, THEIRS = "gatecast", "as published"


def run(options: Options) -> Report:
    """Time both sides on every system."""
    rows = []
    with Stage(options.threads) as stage:
        sides = {
            THEIRS: stage.start(THEIRS, "benchmarks.peers.published"),
            OURS: stage.start(OURS, "benchmarks.speed.ours.reference"),
        }
        rounds = options.rounds(1 if options.full else 5)
        systems = systems_at_hand(options, stage)
        for system in systems:
            progress(f"reference · {system}")
            rows.append(_row(sides, system, options, rounds))
    ratios = [row["ratio"] for row in rows] + [None] * (len(SYSTEMS) - len(rows))
    return Report(
        "reference",
        "The published loops and Gatecast, same steps, batches and first weights.",
        (
            Column("system", "system"),
            Column("steps", "steps"),
            Column("published_ms", "published ms/step"),
            Column("gatecast_ms", "gatecast ms/step"),
            Column("ratio", "ratio", "x"),
            Column("published_loss", "published loss"),
            Column("gatecast_loss", "gatecast loss"),
        ),
        rows,
        {"geometric mean": geometric_mean(ratios), "worst": min((r for r in ratios if r), default=None)},
        (
            "Loss: mean training loss of the last epoch. Seconds of gatecast are those of the whole fit.",
            "sine: the masks of its dropout are other ones where the compiled layer draws them; all else is equal. "
            "airline: rounding grows over hundreds of epochs, so that losses part slowly.",
        ),
        stage.skipped,
        {"threads": options.threads, "repeats": rounds, "epochs": "as published" if options.full else "fewer"},
    )


def systems_at_hand(options: Options, stage: Stage) -> list[str]:
    """The systems whose data are on this machine."""
    if options.ridership is None:
        stage.skipped["ridership"] = "no ridership.tgz in GATECAST_DATA or ../shared/data"
        return [system for system in SYSTEMS if system != "ridership"]
    return list(SYSTEMS)


def _row(sides: dict[str, Contestant], system: str, options: Options, rounds: int) -> dict[str, Any]:
    common = {"system": system, "seed": 0, "data": options.ridership}
    for side in sides.values():
        side.ask("train", epochs=1, **common)  # imports and first allocations are not what is compared
    epochs = None if options.full else EPOCHS[system]
    turns = {name: partial(side.ask, "train", epochs=epochs, **common) for name, side in sides.items()}
    results = interleaved(turns, rounds)
    theirs, ours = results[THEIRS], results[OURS]
    steps = theirs[0]["steps"]
    our_steps = steps // theirs[0]["epochs"] * ours[0]["epochs"]
    seconds = median(result["seconds"] for result in ours)
    row = {
        "system": system,
        "steps": steps,
        "gatecast_steps": our_steps,
        "published_ms": 1e3 * median(result["seconds"] for result in theirs) / steps,
        "gatecast_ms": 1e3 * seconds / our_steps,
        "gatecast_loop_ms": 1e3 * median(result["loop_seconds"] for result in ours) / our_steps,
        "gatecast_seconds": seconds,
        "published_loss": theirs[-1]["final_loss"],
        "gatecast_loss": ours[-1]["final_loss"],
        "published_test_error": theirs[-1]["test_error"],
    }
    return row | {
        "ratio": ratio(row["published_ms"], row["gatecast_ms"]),
        "loss_difference": abs(row["gatecast_loss"] / row["published_loss"] - 1),
    }
