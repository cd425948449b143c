"""Several candidates and one expert that needs no training, blended as suits the validation folds.

1  every candidate trains on ──────────────────┤ fold ├    errors there (on several folds of small data, see
                                                           ``validation``) decide the weights, see ``weights``
2  those that have a weight train on ───────────────────   see ``fitting``
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.ensemble.augmentation import augmenting, with_augmentation, worth_trying
from gatecast.ensemble.blend import Blend, SeriesWeights
from gatecast.ensemble.expert import Expert, smoothing_beside
from gatecast.ensemble.fitting import Procedure, Trainer, fit_candidate, pooled
from gatecast.ensemble.orders import Order, carried_out, slot, turns
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.ensemble.validation import Fold, FoldErrors, before_fold, fold_errors, joined
from gatecast.ensemble.weights import common_weights, mean_error, series_weights, sharpness
from gatecast.planning.blend_defaults import WeightDefaults
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.evidence import fold_count, measured_weight
from gatecast.planning.plan import Plan
from gatecast.progress import Course

__all__ = ["Untrained", "fit_blend", "train_blend_again"]

Untrained = Callable[[TrainedCandidate], Expert]


def fit_blend(
    plans: Sequence[Plan],
    panel: Panel,
    validation: Panel | None,
    procedure: Procedure,
    *,
    refit: bool,
    alone: bool = False,
    deadline: float = math.inf,
    untrained: Untrained = smoothing_beside,
) -> Blend:
    """Train several candidates, and again on everything those that have a weight in the blend.

    After a stop what was reached by then is blended.

    Args:
        plans: the candidates, the most promising first; they have one horizon.
        panel: the data, observed part only.
        validation: a panel of its own to validate on: then the first candidate is trained alone.
        procedure: how they are trained.
        refit: train once more on everything.
        alone: the first candidate alone.
        deadline: ``time.monotonic()`` at which to stop.
        untrained: makes the expert without training that takes part, from the first candidate as trained.
    """
    if math.isfinite(deadline):
        procedure = _in_a_hurry(procedure)
    if alone or validation is not None:
        trained = fit_candidate(plans[0], panel, validation, procedure, refit=refit, deadline=deadline)
        return Blend((trained,), interrupted=procedure.stopped)
    course = _course(plans, panel, procedure, refit)
    try:
        return _fit(plans, panel, replace(procedure, listener=course), refit, deadline, untrained)
    finally:
        procedure.listener.end()


def _fit(
    plans: Sequence[Plan], panel: Panel, procedure: Procedure, refit: bool, deadline: float, untrained: Untrained
) -> Blend:
    """Validate all candidates, weigh them, and train those with a weight on everything."""
    begun, time_left = time.monotonic(), procedure.defaults.time
    middle = begun + (deadline - begun) * (time_left.validation if refit else 1.0)
    tried = _tried(plans, panel, procedure, middle)
    if not tried:  # there is too little for a validation fold
        trained = Trainer(plans[0], procedure, deadline).run(panel, None)
        blend = _unmeasured(trained, untrained(trained), procedure.defaults.weights)
        return replace(blend, interrupted=procedure.stopped)
    chosen = _chosen(tried, untrained(tried[0]), panel, procedure, middle)
    if not refit or procedure.stopped:
        return replace(chosen, interrupted=procedure.stopped)
    return _each(chosen, deadline, procedure, panel)


def _course(plans: Sequence[Plan], panel: Panel, procedure: Procedure, refit: bool) -> Course:
    """Tells the listener how far all trainings are together: of every fold, and then on everything."""
    rounds = fold_count(plans[0], panel, procedure.defaults) + refit
    epochs = rounds * sum(plan.members * plan.training.max_epochs for plan in plans)
    many = f"{len(plans)} candidates · " if len(plans) > 1 else ""
    return Course(procedure.listener, f"training · {many}epoch", epochs)


def _in_a_hurry(procedure: Procedure) -> Procedure:
    """The same with fewer windows to compare candidates on."""
    defaults = procedure.defaults
    fewer = min(defaults.time.windows, defaults.samples.check)
    return replace(procedure, defaults=replace(defaults, samples=replace(defaults.samples, check=fewer)))


def _tried(plans: Sequence[Plan], panel: Panel, procedure: Procedure, deadline: float) -> list[TrainedCandidate]:
    """All candidates trained on what comes before the fold, or as many as time and a stop allow, but one at least.

    Empty where there is too little for a fold.
    """
    plans = [plan for plan in plans if Trainer(plan, procedure).parted(panel) is not None]
    first: list[TrainedCandidate] = []
    if plans and worth_trying(panel, plans[0], procedure.defaults):
        first = [_first_of_two(plans, panel, procedure, deadline)]
        plans = [augmenting(plan, first[0].plan.training.augment) for plan in plans[1:]]
    elif plans:
        plans = [plans[0], *(augmenting(plan, plans[0].training.augment) for plan in plans[1:])]
    orders = _orders(plans, panel, procedure, deadline, needed=not first)
    return first + [one for one in carried_out(procedure, orders) if one is not None]


def _first_of_two(plans: Sequence[Plan], panel: Panel, procedure: Procedure, deadline: float) -> TrainedCandidate:
    """The first candidate, trained without augmented series and with them; the better one."""
    middle = slot(deadline, turns(0, len(plans) + 1, procedure.executor.workers))
    plain, other = carried_out(
        procedure, _orders([plans[0], augmenting(plans[0], 1)], panel, procedure, middle, needed=True)
    )
    assert plain is not None, "its data can be parted"
    return with_augmentation(plain, lambda _: other, panel, procedure.defaults)


def _orders(
    plans: Sequence[Plan], panel: Panel, procedure: Procedure, deadline: float, needed: bool = False
) -> list[Order]:
    """Trainings on what comes before the fold, until a deadline; ``needed`` is the first one, whatever it takes."""
    count, workers = len(plans), procedure.executor.workers
    return [
        Order(plan, panel, deadline, turns(k, count, workers), needed=needed and not k) for k, plan in enumerate(plans)
    ]


def _unmeasured(trained: TrainedCandidate, untrained: Expert, weights: WeightDefaults) -> Blend:
    """The blend of what no fold could judge: with the cautious weights."""
    if untrained.median_only:
        return Blend((trained,))
    return Blend((trained, untrained), (1 - weights.untrained, weights.untrained))


def _chosen(
    tried: list[TrainedCandidate], untrained: Expert, panel: Panel, procedure: Procedure, deadline: float
) -> Blend:
    """The blend that the folds speak for; small data have several, which its intervals are fitted to as well."""
    defaults = procedure.defaults
    first = fold_errors(tried, untrained, panel, defaults.samples.check, procedure.executor)
    if first is None:
        return _unmeasured(tried[0], untrained, defaults.weights)
    folds = [Fold(tried, panel, first)]
    if not procedure.stopped:
        folds.extend(_earlier(tried, untrained, panel, procedure, deadline))
    blend = _blended(tried, untrained, joined([fold.errors for fold in folds]), panel.ids, defaults.weights)
    if len(folds) == 1:
        return blend
    quantiles = procedure.quantiles
    return blend.each(lambda one: pooled([(fold.of(one.plan), fold.panel) for fold in folds], quantiles, defaults))


def _earlier(
    tried: Sequence[TrainedCandidate], untrained: Expert, panel: Panel, procedure: Procedure, deadline: float
) -> Iterator[Fold]:
    """The same candidates, trained on less and validated by what comes next, until time or a stop ends it.

    A fold whose trainings did not all come to their end is none.
    """
    whole, defaults, plans = panel.total, procedure.defaults, [one.plan for one in tried]
    for _ in range(fold_count(plans[0], panel, defaults) - 1):
        panel = before_fold(panel, plans[0])
        small = panel.total < whole * defaults.validation.least_data
        if small or any(Trainer(plan, procedure).parted(panel) is None for plan in plans):
            return
        found = carried_out(procedure, _orders(plans, panel, procedure, deadline))
        again = [one for one in found if one is not None and not one.out_of_time]
        if procedure.stopped or len(again) < len(plans):
            return
        errors = fold_errors(again, untrained, panel, defaults.samples.check, procedure.executor)
        if errors is None:
            return
        yield Fold(again, panel, errors)


def train_blend_again(blend: Blend, panel: Panel, procedure: Procedure, deadline: float, *, warm: bool) -> Blend:
    """Every candidate trained on other data, see ``fitting.train_again``; the weights stay."""
    return _each(blend, deadline, procedure, panel, again=True, warm=warm)


def _each(
    blend: Blend, deadline: float, procedure: Procedure, panel: Panel, *, again: bool = False, warm: bool = False
) -> Blend:
    """The blend with every candidate trained until its part of the time is over; as they were after a stop."""
    count, workers = len(blend.trained), procedure.executor.workers
    orders = [
        Order(one.plan, panel, deadline, turns(k, count, workers), one, warm, again)
        for k, one in enumerate(blend.trained)
    ]
    trained = iter(carried_out(procedure, orders))
    return replace(blend.each(lambda one: next(trained) or one), interrupted=procedure.stopped)


def _blended(
    tried: list[TrainedCandidate],
    untrained: Expert,
    errors: FoldErrors,
    ids: tuple[str, ...],
    weights: WeightDefaults = DEFAULTS.weights,
) -> Blend:
    """The weights that are best on the folds, as far as these say anything."""
    error_KBHC, weight_B = errors.error_KBHC, errors.weight_B
    measured = measured_weight(errors.span_N[errors.span_N > 0], weights)
    weight_K = common_weights(error_KBHC, weight_B, measured, weights)
    sharpness_N = sharpness(errors.span_N, weights)
    weight_NK = series_weights(error_KBHC, errors.series_B, weight_K, sharpness_N)
    names = [one.describe() for one in (*tried, untrained)]
    scores = [(name, mean_error(error_BHC, weight_B)) for name, error_BHC in zip(names, error_KBHC, strict=True)]
    together_BHC = np.einsum("bk,kbhc->bhc", weight_NK[errors.series_B], error_KBHC)
    scores.append(("blend", mean_error(together_BHC, weight_B)))
    order = [k for k in np.argsort(-weight_K[:-1], kind="stable") if weight_K[k] > 0]
    experts: list[Expert] = [tried[k] for k in order]
    if weight_K[-1] > 0:
        order, experts = [*order, len(tried)], [*experts, untrained]
    own = SeriesWeights(ids, weight_NK[:, order].astype(np.float32)) if sharpness_N.any() else None
    return Blend(tuple(experts), tuple(float(weight_K[k]) for k in order), tuple(scores), own)
