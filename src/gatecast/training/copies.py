"""Whether made-up copies of the series are trained beside them: where levels are calm and the tail does not mind.

A level that moves as it never did before finds a network unprepared, the more so the longer the calm that it was
trained on; copies prepare it. Where levels wander all the time a network has seen enough of it, and copies only stand
in the way, more than a tail can tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gatecast.data.augment import LEVELS
from gatecast.data.panel import Panel
from gatecast.data.rows import all_above
from gatecast.evaluation.significance import diebold_mariano
from gatecast.selection.choose import Plan
from gatecast.selection.sizes import FEW_STEPS
from gatecast.training.counts import COUNTS
from gatecast.training.ensemble import Ensemble
from gatecast.training.tails import measured

__all__ = ["calm", "copied", "insured", "least_growth", "worth_trying"]

LONG = 2_000  # steps of a typical series: less tell neither its habits nor what copies cost
FAR = 2 * LEVELS  # between two levels, in logarithms: the copies' own usually lie no further apart
LEVEL = 0.01  # an error that grows by less has not grown
PARTS = 20  # of the tail, whose means tell how sure a growth is


def worth_trying(panel: Panel, plan: Plan) -> bool:
    """Few long calm series above zero, one step ahead: nobody can forecast that a level moves within the horizon."""
    open_ = plan.training.augment is None and plan.training.loss != COUNTS and plan.framing.horizon == 1
    few_and_long = panel.total < FEW_STEPS and float(np.median(panel.length)) >= LONG
    return open_ and few_and_long and all_above(panel, 0.0) and calm(panel, plan.framing.lookback)


def calm(panel: Panel, window: int) -> bool:
    """Whether no target's median over a window was ever as far from that over another one as those of copies are.

    Args:
        panel: targets above zero, or missing.
        window: steps; what is left at the end of a series does not count.
    """
    for first, length in zip(panel.first.tolist(), panel.length.tolist(), strict=True):
        windows = length // window
        value_BLC = panel.target_RC[first : first + windows * window].reshape(windows, window, len(panel.targets))
        if max(map(_widest, np.moveaxis(value_BLC, -1, 0))) > FAR:
            return False
    return True


def _widest(value_BL: np.ndarray) -> float:
    """The largest difference between the logarithms of two windows' medians; windows without a value have none."""
    known_BL = value_BL[np.isfinite(value_BL).any(axis=1)]
    return float(np.ptp(np.log(np.nanmedian(known_BL, axis=1)))) if len(known_BL) else 0.0


def copied(plan: Plan, copies: int | None) -> Plan:
    """The plan with so many copies."""
    return replace(plan, training=replace(plan.training, augment=copies))


def least_growth(error_BHC: np.ndarray, other_BHC: np.ndarray, weight_B: np.ndarray) -> float:
    """By what share the other's errors are larger at least: the low end of the 95 % confidence interval of the mean.

    From a t test of the means of consecutive parts of the windows, for neighbouring errors go together. It is nan
    where there are fewer windows than parts, or nothing is wrong that could grow.

    Args:
        error_BHC: errors in the order of time; nan = unknown truth.
        other_BHC: those of the other one, same windows.
        weight_B: what an error in each window counts.

    >>> least_growth(np.ones((40, 1, 1)), np.full((40, 1, 1), 1.25), np.ones(40))
    0.25
    """
    known_BHC = np.isfinite(error_BHC)
    loss_B, other_B = (weight_B * np.abs(e_BHC).mean(axis=(1, 2), where=known_BHC) for e_BHC in (error_BHC, other_BHC))
    if len(weight_B) < PARTS or not loss_B.mean() > 0:
        return math.nan
    growth_B = (other_B - loss_B) / loss_B.mean()
    return diebold_mariano([part_B.mean() for part_B in np.array_split(growth_B, PARTS)]).low


def insured(
    plan: Plan, ensemble: Ensemble, train: Callable[[Plan], Ensemble | None], panel: Panel
) -> tuple[Plan, Ensemble]:
    """A structure with copies, unless its tail shows that they cost something; else, or without time, as it was.

    Args:
        plan: without copies.
        ensemble: what was trained of it, without the tail.
        train: trains a plan in the same way.
        panel: with the tail.
    """
    with_copies = copied(plan, 1)
    other = train(with_copies)
    if other is not None and other.interrupted:
        return plan, replace(ensemble, interrupted=True)
    if other is None or other.out_of_time:
        return plan, ensemble
    tail = measured([(plan, ensemble), (with_copies, other)], panel)
    if tail is None:
        return plan, ensemble
    grown = least_growth(tail.error_KBHC[0], tail.error_KBHC[1], tail.weight_B)
    return (with_copies, other) if grown <= LEVEL else (plan, ensemble)
