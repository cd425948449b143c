"""Means over sets, with their uncertainty, and the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.suite.scoring import Score

__all__ = ["geometric", "interval", "rows", "show"]

DRAWS = 2_000


def geometric(values: Sequence[float]) -> float:
    """Geometric mean.

    >>> geometric([0.5, 2.0])
    1.0
    """
    return float(np.exp(np.mean(np.log(np.maximum(values, 1e-6)))))


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Bootstrap interval of 95 % of the geometric mean over sets."""
    draws = np.random.default_rng(seed).choice(np.log(np.maximum(values, 1e-6)), (DRAWS, len(values)))
    low, high = np.quantile(draws.mean(1), (0.025, 0.975))
    return float(np.exp(low)), float(np.exp(high))


def rows(found: Mapping[str, Sequence[Score]]) -> dict[str, dict[str, float]]:
    """Set -> figure -> value: geometric means over its tasks, sums of seconds, the worst task."""
    return {
        name: {
            "mase": geometric([score.mase for score in scores]),
            "wql": geometric([score.wql for score in scores]),
            "msis": float(np.mean([score.msis for score in scores])),
            "held_80": float(np.average([score.held_80 for score in scores], weights=[s.points for s in scores])),
            "held_95": float(np.average([score.held_95 for score in scores], weights=[s.points for s in scores])),
            "worst": max(score.mase for score in scores),
            "seconds": sum(score.seconds for score in scores),
        }
        for name, scores in found.items()
    }


def show(figures: Mapping[str, Mapping[str, float]], console: Console) -> None:
    """One line for each set, and one for all."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("set")
    for head in ("MASE / naive", "WQL / naive", "MSIS", "80 % hold", "95 % hold", "worst", "s"):
        table.add_column(head, justify="right")
    for name, row in figures.items():
        table.add_row(name, *_cells(row))
    console.print(table)
    for what in ("mase", "wql"):
        values = [row[what] for row in figures.values()]
        low, high = interval(values)
        console.print(f"{what.upper()} over naive, all sets: {geometric(values):.4f}  ({low:.4f} to {high:.4f})")


def _cells(row: Mapping[str, float]) -> list[str]:
    shares = [f"{100 * row[name]:.1f}" for name in ("held_80", "held_95")]
    return [
        f"{row['mase']:.4f}", f"{row['wql']:.4f}", f"{row['msis']:.2f}", *shares, f"{row['worst']:.2f}",
        f"{row['seconds']:.1f}",
    ]  # fmt: skip
