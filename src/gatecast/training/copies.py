"""Whether made-up copies of the series are trained beside them: where the tail says that they cost nothing.

A level that moves as it never did before finds a network unprepared, the more so the longer the calm that it was
trained on; copies prepare it. Where levels wander all the time they only stand in the way, which the tail tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import all_above
from gatecast.selection.choose import Plan
from gatecast.selection.sizes import FEW_STEPS
from gatecast.training.counts import COUNTS
from gatecast.training.ensemble import Ensemble

__all__ = ["copied", "insured", "worth_trying"]

LONG = 2_000  # steps of a typical series: less tell neither its habits nor what copies cost
LEVEL = 0.01  # an error that grows by less has not grown


def worth_trying(panel: Panel, plan: Plan) -> bool:
    """Few long series above zero, one step ahead: nobody can forecast that a level moves within the horizon."""
    open_ = plan.training.augment is None and plan.training.loss != COUNTS and plan.framing.horizon == 1
    few_and_long = panel.total < FEW_STEPS and float(np.median(panel.length)) >= LONG
    return open_ and few_and_long and all_above(panel, 0.0)


def copied(plan: Plan, copies: int | None) -> Plan:
    """The plan with so many copies."""
    return replace(plan, training=replace(plan.training, augment=copies))


def insured(plan: Plan, ensemble: Ensemble, train: Callable[[Plan], Ensemble | None]) -> tuple[Plan, Ensemble]:
    """A structure with copies where these cost nothing on its tail; else, or where there is no time, as it was.

    Args:
        plan: without copies.
        ensemble: what was trained of it and has seen the tail.
        train: trains a plan in the same way.
    """
    with_copies = copied(plan, 1)
    other = train(with_copies)
    if other is not None and other.interrupted:
        return plan, replace(ensemble, interrupted=True)
    if other is None or other.out_of_time or not other.tail_error <= (1 + LEVEL) * ensemble.tail_error:
        return plan, ensemble
    return with_copies, other
