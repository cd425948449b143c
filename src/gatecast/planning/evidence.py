"""How much the validation folds of some data can tell, and so how many candidates are worth training."""

from __future__ import annotations

import numpy as np

from gatecast.data.panel import Panel
from gatecast.planning.blend_defaults import WeightDefaults
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.plan import Plan
from gatecast.planning.sizes import is_heavy

__all__ = ["fold_count", "measured_weight", "worth_training"]


def measured_weight(spans_N: np.ndarray, weights: WeightDefaults = DEFAULTS.weights) -> float:
    """How much the folds count, 0 to 1, from the spans of one horizon that they hold of each series.

    One span of time cannot tell what the next will be like, and a few spans in all leave the choice to luck.

    >>> round(measured_weight(np.full(100, 1.0)), 2), round(measured_weight(np.full(100, 5.0)), 2)
    (0.0, 0.77)
    """
    time_seen, all_spans = max(float(np.median(spans_N)), 1.0), float(spans_N.sum())
    return (1 - 1 / time_seen) * all_spans / (all_spans + weights.few_spans)


def fold_count(plan: Plan, panel: Panel, defaults: Defaults = DEFAULTS) -> int:
    """How many folds are looked at: several where one holds little and a training takes no time."""
    heavy = is_heavy(plan.framing.horizon, plan.network.skip, defaults)
    return defaults.validation.most_folds if panel.total < defaults.sizes.small and not heavy else 1


def worth_training(plan: Plan, panel: Panel, defaults: Defaults = DEFAULTS) -> int:
    """Candidates to train: one where the folds tell nothing, up to ``most_trained`` the more they tell."""
    span_N = (panel.length - plan.cut(panel)) / plan.framing.horizon
    measured = measured_weight(span_N * fold_count(plan, panel, defaults), defaults.weights)
    return 1 + round(measured * (defaults.search.most_trained - 1))
