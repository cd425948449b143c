"""Whether augmented series are trained beside the real ones: where levels are stable and validation shows no harm.

A level that moves as it never did before finds a network unprepared, the more so the longer it was stable; augmented
series prepare it. Where levels wander all the time a network has seen enough of that, and augmented series cost
accuracy, more than one validation fold can show.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import all_above
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.ensemble.validation import fold_errors
from gatecast.evaluation.significance import diebold_mariano
from gatecast.model.losses import loss_named
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.plan import Plan

__all__ = ["augmenting", "least_growth", "stable_level", "with_augmentation", "worth_trying"]


def worth_trying(panel: Panel, plan: Plan, defaults: Defaults = DEFAULTS) -> bool:
    """Few long series above zero with a stable level, one step ahead: a move within the horizon is never foreseen."""
    open_ = plan.training.augment is None and not loss_named(plan.training.loss).counts and plan.framing.horizon == 1
    long = float(np.median(panel.length)) >= defaults.augmentation.long
    few_and_long = panel.total < defaults.sizes.few and long
    return open_ and few_and_long and all_above(panel, 0.0) and stable_level(panel, plan.framing.lookback, defaults)


def stable_level(panel: Panel, window: int, defaults: Defaults = DEFAULTS) -> bool:
    """Whether no target's median over a window was ever as far from another window's as in augmented series.

    Args:
        panel: targets above zero, or missing.
        window: steps; what is left at the end of a series does not count.
        defaults: how far apart augmented levels are.
    """
    far = defaults.augmentation.far * defaults.alterations.levels
    for first, length in zip(panel.first.tolist(), panel.length.tolist(), strict=True):
        windows = length // window
        value_BLC = panel.target_RC[first : first + windows * window].reshape(windows, window, len(panel.targets))
        if max(map(_widest, np.moveaxis(value_BLC, -1, 0))) > far:
            return False
    return True


def _widest(value_BL: np.ndarray) -> float:
    """The largest difference between the logarithms of two windows' medians; windows without a value have none."""
    known_BL = value_BL[np.isfinite(value_BL).any(axis=1)]
    return float(np.ptp(np.log(np.nanmedian(known_BL, axis=1)))) if len(known_BL) else 0.0


def augmenting(plan: Plan, count: int | None) -> Plan:
    """The plan with so many augmented series for each real one."""
    return replace(plan, training=replace(plan.training, augment=count))


def least_growth(
    error_BHC: np.ndarray, other_BHC: np.ndarray, weight_B: np.ndarray, parts: int = DEFAULTS.augmentation.parts
) -> float:
    """By what share the other's errors are larger at least: the low end of the 95 % confidence interval of the mean.

    From a t test of the means of consecutive parts of the windows, for neighbouring errors go together. It is nan
    where there are fewer windows than parts, or nothing is wrong that could grow.

    Args:
        error_BHC: errors in the order of time; nan = unknown truth.
        other_BHC: those of the other one, same windows.
        weight_B: what an error in each window counts.
        parts: consecutive ones.

    >>> least_growth(np.ones((40, 1, 1)), np.full((40, 1, 1), 1.25), np.ones(40))
    0.25
    """
    known_BHC = np.isfinite(error_BHC)
    loss_B, other_B = (weight_B * np.abs(e_BHC).mean(axis=(1, 2), where=known_BHC) for e_BHC in (error_BHC, other_BHC))
    if len(weight_B) < parts or not loss_B.mean() > 0:
        return math.nan
    growth_B = (other_B - loss_B) / loss_B.mean()
    return diebold_mariano([part_B.mean() for part_B in np.array_split(growth_B, parts)]).low


def with_augmentation(
    trained: TrainedCandidate,
    train: Callable[[Plan], TrainedCandidate | None],
    panel: Panel,
    defaults: Defaults = DEFAULTS,
) -> TrainedCandidate:
    """A candidate trained with augmented series, unless its validation fold shows that they cost something.

    Else, or without time, as it was.

    Args:
        trained: without augmented series, on what comes before the validation fold.
        train: trains a plan in the same way.
        panel: with the fold.
        defaults: how much the augmented series may cost.
    """
    other = train(augmenting(trained.plan, 1))
    if other is not None and other.interrupted:
        return replace(trained, interrupted=True)
    if other is None or other.out_of_time:
        return trained
    errors = fold_errors([trained, other], None, panel, defaults.samples.check)
    if errors is None:
        return trained
    grown = least_growth(errors.error_KBHC[0], errors.error_KBHC[1], errors.weight_B, defaults.augmentation.parts)
    return other if grown <= defaults.augmentation.growth else trained
