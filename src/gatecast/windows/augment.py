"""Copies of series with what their history happens not to hold: odd days, and levels that move to another place.

    series   ──────────────╮╭──────────────────────
    copy     ──────╮         ╭──╮╭─────── ╷ ───────     factors on the targets alone, between 1/4 and 4 mostly
                   ╰─────────╯  ╰╯         ╵

A network that has seen levels move follows them when they do. Shapes: R rows, C targets, N series, S stretches.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import rows_of

__all__ = ["Alterations", "augmented"]


@dataclass(frozen=True)
class Alterations:
    """How augmented series differ from the real ones. Standard deviations are of logarithms of factors.

    Args:
        moves: Chance that a level begins to move at a step.
        longest_move: Most steps that a move takes.
        levels: Standard deviation of the levels.
        odd: Chance that a step is an odd one.
        pairs: Share of the odd steps that are followed by another one like them.
        oddities: Standard deviation of odd steps.
        drop: Mean of odd steps: days off and storms are commoner than rushes.
        apart: Standard deviation of what the targets of a series do not share.
    """

    moves: float = 1 / 300
    longest_move: int = 14
    levels: float = 0.5
    odd: float = 1 / 100
    pairs: float = 0.5
    oddities: float = 0.5
    drop: float = -0.4
    apart: float = 0.15


USUAL = Alterations()


def augmented(panel: Panel, copies: int, seed: int, alterations: Alterations = USUAL) -> Panel:
    """The panel and copies of its series, the targets of which are moved by made-up factors.

    The copies come after all series and have their names, times and covariates. Missing values stay missing.

    Args:
        panel: targets that factors suit, which is to say positive ones.
        copies: of each series; 0 = the panel itself.
        seed: of the factors.
        alterations: how large they are.
    """
    if not copies:
        return panel
    random = np.random.default_rng(seed)
    targets, rows = len(panel.targets), panel.total
    shown = panel.select(np.tile(np.arange(len(panel)), copies + 1))
    values_RV = rows_of(panel.values_RV, shown.first, shown.length)
    for copy_RV in values_RV.reshape(copies + 1, rows, -1)[1:]:
        factor_RC = np.exp(
            _levels(panel.length, targets, random, alterations) + _oddities(rows, targets, random, alterations)
        )
        copy_RV[:, :targets] *= factor_RC.astype(values_RV.dtype)
    return replace(shown, values_RV=values_RV, first=np.cumsum(shown.length) - shown.length)


def _levels(length_N: np.ndarray, targets: int, random: np.random.Generator, how: Alterations) -> np.ndarray:
    """(R, C) logarithms of levels that stay for a while and then move, within some steps, to another place."""
    rows = int(length_N.sum())
    begins_R = random.random(rows) < how.moves
    first_N = np.cumsum(length_N) - length_N
    begins_R[first_N] = True
    stretch_R = np.cumsum(begins_R) - 1
    begin_S = np.flatnonzero(begins_R)
    level_SC = random.normal(0, how.levels, (len(begin_S), 1)) + random.normal(0, how.apart, (len(begin_S), targets))
    before_SC = np.concatenate([level_SC[:1], level_SC[:-1]])
    fresh_S = np.isin(begin_S, first_N)  # a series does not come from the level of the one before it
    before_SC[fresh_S] = level_SC[fresh_S]
    steps_S = random.integers(1, how.longest_move + 1, len(begin_S))
    done_R = np.minimum((np.arange(rows) - begin_S[stretch_R] + 1) / steps_S[stretch_R], 1)
    moved_RC: np.ndarray = before_SC[stretch_R] + done_R[:, None] * (level_SC - before_SC)[stretch_R]
    return moved_RC


def _oddities(rows: int, targets: int, random: np.random.Generator, how: Alterations) -> np.ndarray:
    """(R, C) logarithms that are 0 but for single steps and pairs of them."""
    size_RC = random.normal(how.drop, how.oddities, (rows, 1)) + random.normal(0, how.apart, (rows, targets))
    first_R = random.random(rows) < how.odd
    second_R = np.roll(first_R & (random.random(rows) < how.pairs), 1)
    shared_RC = np.where(second_R[:, None], np.roll(size_RC, 1, axis=0), size_RC)
    return np.where((first_R | second_R)[:, None], shared_RC, 0)
