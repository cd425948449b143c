"""Copies of series with what their history happens not to hold: odd days, and levels that move to another place.

    series   ──────────────╮╭──────────────────────
    copy     ──────╮         ╭──╮╭─────── ╷ ───────     factors on the targets alone, between 1/4 and 4 mostly
                   ╰─────────╯  ╰╯         ╵

A network that has seen levels move follows them when they do. Shapes: R rows, C targets, N series, S stretches.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import rows_of

__all__ = ["augmented"]

MOVES, LONGEST_MOVE = 1 / 300, 14  # chance that a level begins to move, and the most steps that this takes
ODD = 1 / 100  # chance that a step is an odd one; half of them are two steps
LEVELS, ODDITIES = 0.5, 0.5  # spread of the logarithms of the factors
DROP = -0.4  # mean of those of odd steps: days off and storms are commoner than rushes
APART = 0.15  # spread of what the targets of a series do not share


def augmented(panel: Panel, copies: int, seed: int) -> Panel:
    """The panel and copies of its series, the targets of which are moved by made-up factors.

    The copies come after all series and have their names, times and covariates. Missing values stay missing.

    Args:
        panel: targets that factors suit, which is to say positive ones.
        copies: of each series; 0 = the panel itself.
        seed: of the factors.
    """
    if not copies:
        return panel
    random = np.random.default_rng(seed)
    targets, rows = len(panel.targets), panel.total
    shown = panel.select(np.tile(np.arange(len(panel)), copies + 1))
    values_RV = rows_of(panel.values_RV, shown.first, shown.length)
    for copy_RV in values_RV.reshape(copies + 1, rows, -1)[1:]:
        factor_RC = np.exp(_levels(panel.length, targets, random) + _oddities(rows, targets, random))
        copy_RV[:, :targets] *= factor_RC.astype(values_RV.dtype)
    return replace(shown, values_RV=values_RV, first=np.cumsum(shown.length) - shown.length)


def _levels(length_N: np.ndarray, targets: int, random: np.random.Generator) -> np.ndarray:
    """(R, C) logarithms of levels that stay for a while and then move, within some steps, to another place."""
    rows = int(length_N.sum())
    begins_R = random.random(rows) < MOVES
    first_N = np.cumsum(length_N) - length_N
    begins_R[first_N] = True
    stretch_R = np.cumsum(begins_R) - 1
    begin_S = np.flatnonzero(begins_R)
    level_SC = random.normal(0, LEVELS, (len(begin_S), 1)) + random.normal(0, APART, (len(begin_S), targets))
    before_SC = np.concatenate([level_SC[:1], level_SC[:-1]])
    fresh_S = np.isin(begin_S, first_N)  # a series does not come from the level of the one before it
    before_SC[fresh_S] = level_SC[fresh_S]
    steps_S = random.integers(1, LONGEST_MOVE + 1, len(begin_S))
    done_R = np.minimum((np.arange(rows) - begin_S[stretch_R] + 1) / steps_S[stretch_R], 1)
    moved_RC: np.ndarray = before_SC[stretch_R] + done_R[:, None] * (level_SC - before_SC)[stretch_R]
    return moved_RC


def _oddities(rows: int, targets: int, random: np.random.Generator) -> np.ndarray:
    """(R, C) logarithms that are 0 but for single steps and pairs of them."""
    size_RC = random.normal(DROP, ODDITIES, (rows, 1)) + random.normal(0, APART, (rows, targets))
    first_R = random.random(rows) < ODD
    second_R = np.roll(first_R & (random.random(rows) < 0.5), 1)
    shared_RC = np.where(second_R[:, None], np.roll(size_RC, 1, axis=0), size_RC)
    return np.where((first_R | second_R)[:, None], shared_RC, 0)
