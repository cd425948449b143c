"""layer: forward + backward of gatecast.nn.LSTM against torch.nn.LSTM, denormals flushed and not.

The loss reads the last step of the output, as forecasting does ("last"), or all of them ("every"). "last()" asks
Gatecast's layer for the last step alone, which torch's cannot be asked for: there it is the same as "last". Weights and
inputs are random; the input of the first layer wants no gradient. Each contestant has a process of its own.

The share of the peak is (operations / seconds) / (operations / second of the best large float32 matrix product, by
torch or by numpy, with the same threads in the same run). Operations are those of the matrix products alone:
2 * B * T * 4D * (F + D) for the forward pass of a layer with F inputs and D units, twice that again for the backward
pass, less the first layer's gradient towards its inputs, which nobody asks for. Non-linearities count as time, not as
operations. Reading the last step alone changes nothing: the gradient still runs through all steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from benchmarks.speed.contestant import Contestant
from benchmarks.speed.options import Options, Stage, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.statistics import geometric_mean, interleaved, ratio

__all__ = ["SHAPES", "SHARES", "Shape", "operations", "run"]

OURS, FLUSHED, KEPT = "gatecast", "torch, flushed", "torch"
READINGS = ("last", "last()", "every")
SLOW = 1.0  # seconds of one pass from which on three rounds are enough


class Shape(NamedTuple):
    """Batch B, steps T, units D, layers, inputs F."""

    batch: int
    steps: int
    hidden: int
    layers: int
    features: int

    def __str__(self) -> str:
        layers = f" x{self.layers}" if self.layers > 1 else ""
        return f"{self.batch}x{self.steps} h{self.hidden}{layers}"


SHAPES = (
    Shape(8, 4, 50, 1, 1),
    Shape(64, 1, 128, 1, 4),
    Shape(32, 50, 50, 2, 1),
    Shape(128, 48, 64, 1, 1),
    Shape(128, 48, 128, 2, 8),
    Shape(256, 168, 128, 2, 8),
)
SHARES = (Shape(128, 48, 128, 1, 64), Shape(128, 48, 256, 1, 64))  # for the share of the peak alone


def operations(shape: Shape) -> int:
    """Floating-point operations of the matrix products of one forward and backward pass.

    >>> operations(Shape(1, 1, 1, 1, 1)), operations(Shape(1, 1, 1, 2, 1))
    (40, 88)
    """
    per_input = 2 * shape.batch * shape.steps * 4 * shape.hidden
    inputs = [shape.features] + [shape.hidden] * (shape.layers - 1)
    return per_input * (3 * sum(width + shape.hidden for width in inputs) - shape.features)


def run(options: Options) -> Report:
    """Time all shapes and both readings."""
    with Stage(options.threads) as stage:
        sides = {
            OURS: stage.start(OURS, "benchmarks.speed.ours.layer", "gatecast", "keep"),
            FLUSHED: stage.start(FLUSHED, "benchmarks.speed.ours.layer", "torch", "flush"),
            KEPT: stage.start(KEPT, "benchmarks.speed.ours.layer", "torch", "keep"),
        }
        rounds = options.rounds(7)
        peaks, rows = [], []
        for shape in (*SHAPES, *SHARES):
            for reading in READINGS:
                progress(f"layer · {shape} · {reading}")
                peaks.append(max(sides[FLUSHED].ask("peaks").values()))
                rows.append(_row(sides, shape, reading, rounds))
    peak = max(peaks)
    for row in rows:
        row["share"] = row["gflop"] / row["gatecast_ms"] * 1e12 / peak
        row["torch_share"] = row["gflop"] / row["flushed_ms"] * 1e12 / peak
    return Report(
        "layer",
        "Forward + backward, ms. Ratios: torch.nn.LSTM over gatecast.nn.LSTM.",
        (
            Column("shape", "batch x steps"),
            Column("reading", "loss"),
            Column("torch_ms", "torch"),
            Column("flushed_ms", "flushed"),
            Column("gatecast_ms", "gatecast"),
            Column("ratio_kept", "ratio", "x"),
            Column("ratio", "ratio, flushed", "x"),
            Column("share", "of peak", "%"),
        ),
        rows,
        _summary(rows),
        (
            f"Peak: {peak / 1e9:,.0f} GFLOP/s, the best large float32 product in this run, by torch or by numpy.",
            "Loss: reads the last step of the output, or every one; last(): asks for the last step alone.",
            "Flushed: denormals count as zero in torch.",
        ),
        settings={"threads": options.threads, "repeats": rounds},
        extra={"peak_gflops": peak / 1e9},
    )


def _row(sides: Mapping[str, Contestant], shape: Shape, reading: str, rounds: int) -> dict[str, Any]:
    first = [side.ask("build", reading=reading, **shape._asdict()) for side in sides.values()]
    rounds = min(rounds, 3) if max(first) > SLOW else rounds
    times = interleaved({name: partial(side.ask, "measure") for name, side in sides.items()}, rounds)
    ms = {name: 1e3 * median(values) for name, values in times.items()}
    return {
        "shape": str(shape),
        **shape._asdict(),
        "reading": reading,
        "torch_ms": ms[KEPT],
        "flushed_ms": ms[FLUSHED],
        "gatecast_ms": ms[OURS],
        "ratio_kept": ratio(ms[KEPT], ms[OURS]),
        "ratio": ratio(ms[FLUSHED], ms[OURS]),
        "gflop": operations(shape) / 1e9,
        "rounds": rounds,
    }


def _summary(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Denormals flushed, for each reading; the large single layers are there for the peak alone."""
    found: dict[str, float | None] = {}
    for reading in READINGS:
        compared = [row for row in rows if row["reading"] == reading]
        ratios = [row["ratio"] for row in compared[: len(SHAPES)]]
        found |= {f"geometric mean, flushed, {reading}": geometric_mean(ratios)}
        found |= {f"worst shape, flushed, {reading}": min(ratios)}
        if reading == "last":
            found |= {f"share of the peak, hidden {row['hidden']}": row["share"] for row in compared[len(SHAPES) :]}
    return found
