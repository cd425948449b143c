"""What a model has not seen: the part of newer data that it may be scored on.

training of the model ───────┤
the table             ───────┼────────── new ─────────│
o1 ··H··│ o2 ··H··│       origins from the end of the training on
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.errors import WindowError, listed

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["Unseen", "nothing_new", "unseen_of", "unseen_part"]

MOST_ORIGINS = 3
NAMED = 3


@dataclass(frozen=True)
class Unseen:
    """The series that can be scored, and from how many origins.

    Args:
        panel: series with a horizon of steps after the end of the training, whole.
        origins: rolling origins per series, the first one at that end or later.
        words: what is scored, in a line.
        left_out: what is not, in a line; "" for nothing.
        new_N: (N,) steps of its series that the training has not seen.
    """

    panel: Panel
    origins: int
    words: str
    left_out: str
    new_N: np.ndarray


def unseen_part(model: Forecaster, data: Any, origins: int | None = None, stride: int | None = None) -> Unseen:
    """Find what came after the training of a model.

    Args:
        model: fitted, or loaded from a file.
        data: a Panel, or what ``gatecast.read`` takes.
        origins: rolling origins per series at most; None = 3.
        stride: steps between two of them; None = the horizon.

    Raises:
        WindowError: no series has a horizon of new steps.
    """
    panel = observed_part(model.panel_of(data))
    return unseen_of(model, panel, model.fitted_.new_steps(panel), origins, stride)


def unseen_of(
    model: Forecaster, panel: Panel, new_N: np.ndarray, origins: int | None = None, stride: int | None = None
) -> Unseen:
    """The same of an observed panel, of whose series (N,) newest steps are new. Raises WindowError as it does."""
    horizon, step = model.horizon, stride or model.horizon
    room_N = np.where(new_N >= horizon, 1 + (new_N - horizon) // step, 0)
    if not room_N.any():
        raise WindowError(nothing_new(model, panel, int(new_N.max())))
    most = np.arange(1, (origins or MOST_ORIGINS) + 1)
    kept = (room_N[:, None] >= most).sum(axis=0)
    count = int(most[2 * kept > kept[0]][-1])  # as many as more than half of the series have
    kept_N = room_N >= count
    seen = int((panel.length[kept_N] - new_N[kept_N]).sum())
    words = f"what came after the training: {count} origin{'s' * (count > 1)} of {horizon} {_unit(panel, horizon)}"
    return Unseen(
        panel.select(np.flatnonzero(kept_N)),
        count,
        f"{words} in {int(kept_N.sum()):,} series" if len(panel) > 1 else words,
        " ".join(_left_out(model, panel, kept_N, seen, (count - 1) * step + horizon)),
        new_N[kept_N],
    )


def _left_out(model: Forecaster, panel: Panel, kept_N: np.ndarray, seen: int, needed: int) -> list[str]:
    told = []
    if seen:
        until = model.fitted_.birth.describe(panel.frequency)
        told.append(f"{seen:,} {_unit(panel, seen)} up to {until} were seen in training and are not scored.")
    out = [repr(panel.ids[n]) for n in np.flatnonzero(~kept_N)]
    if out:
        told.append(f"{len(out):,} of {len(panel):,} series have fewer than {needed} new steps: {listed(out, NAMED)}.")
    return told


def nothing_new(model: Forecaster, panel: Panel, most: int) -> str:
    """Why there is nothing to score; ``most`` is the number of new steps of the longest series."""
    until = model.fitted_.birth.describe(panel.frequency)
    have = f"{most:,} {_unit(panel, most)}" if most else "nothing"
    told = f"the table has {have} after it" if len(panel) == 1 else f"the longest series has {have} after it"
    return (
        f"the model was trained until {until}, and {told}: a score on what it has seen would mean nothing. It needs "
        f"{model.horizon:,} {_unit(panel, model.horizon)}. Give newer data, or score the procedure with a backtest."
    )


def _unit(panel: Panel, count: int) -> str:
    return panel.frequency.plural(count)
