"""How one fold of a backtest went."""

from __future__ import annotations

from dataclasses import dataclass

from gatecast.backtesting.folds import Fold

__all__ = ["FoldRecord"]


@dataclass(frozen=True)
class FoldRecord:
    """How one fold went.

    Args:
        fold: its origins.
        steps: steps of all series that it was trained on.
        seconds: of training and forecasting.
        chosen: the plan in one line.
        epochs: the epoch whose weights each member has.
        history: one plain dict per logged epoch and member.
    """

    fold: Fold
    steps: int
    seconds: float
    chosen: str
    epochs: list[int]
    history: list[dict[str, float]]
