"""A saved model and newer data: train it further, and keep that only if it forecasts the newest steps better.

training of the model ───────┤
the table             ───────┼────── new ──────│ held back │
1  the model as it is                          │  scored   │
2  trained further on ─────────────────────────│  scored   │
3  where 2 is better, trained further on ──────────────────│
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.backtesting.assess import evaluate
from gatecast.backtesting.given import require_model
from gatecast.backtesting.newer.unseen import nothing_new, unseen_part
from gatecast.backtesting.result import Evaluation
from gatecast.data.birth import Ancestor
from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.errors import WindowError
from gatecast.evaluation.layout import METRIC_TITLES, decimals

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["Update", "held_origins", "update"]

MOST_ORIGINS = 3
HELD_SHARE = 0.5  # of the new steps at most, beyond the first origin


@dataclass(frozen=True, eq=False)
class Update:
    """What came of training a model further.

    Args:
        model: trained further on everything; or the one that was given, where that was no better.
        better: whether it was.
        before: scores of the model as it was, on the steps held back.
        after: those of the one trained further.
        tried: that one, which has not seen the steps held back.
    """

    model: Forecaster
    better: bool
    before: Evaluation
    after: Evaluation
    tried: Forecaster

    @property
    def errors(self) -> tuple[float, float]:
        """Headline error before and after."""
        metric = self.before.scores.headline
        old, new = (one.scores.table[one.scores.model][metric] for one in (self.before, self.after))
        return old, new

    def __str__(self) -> str:
        scores = self.before.scores
        shown = f".{decimals(self.errors)}f"
        old, new = (format(error, shown) for error in self.errors)
        often = f"{scores.origins} origin{'s' * (scores.origins != 1)} of {scores.horizon} {scores.unit}"
        told = f"{METRIC_TITLES[scores.headline]} {old} as it was, {new} trained further, on the newest {often}"
        return f"{told}: {'kept' if self.better else 'not better, so the model stays as it was'}."

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "better": self.better,
            "metric": self.before.scores.headline,
            "before": self.errors[0],
            "after": self.errors[1],
            "origins": self.before.scores.origins,
            "text": str(self),
        }


def update(
    model: Forecaster, data: Any, *, time_limit: float | None = None, checkpoint: str | Path | None = None
) -> Update:
    """Train a fitted model further with newer data, and keep that only if it forecasts the newest steps better.

    The networks go on from the weights they have, with a quarter of the epochs and a falling learning rate; what was
    chosen stays. The model that is given is left as it is.

    Args:
        model: fitted, or loaded from a file.
        data: a Panel, or what ``gatecast.read`` takes: the history with what came after the training.
        time_limit: seconds that the trainings may take together, roughly.
        checkpoint: folder in which the trainings keep where they stand; the same call goes on there.

    Raises:
        WindowError: no series has more than a horizon of new steps.
        ConfigError: nothing of the model is trained, or it is not fitted.
        PanelError: the data do not have the columns of the training.
    """
    require_model(model, "update")
    panel = observed_part(model.panel_of(data))
    fitted = model.fitted_
    fitted.require_same_columns(panel)
    fitted.require_trained("trained further")
    origins = held_origins(model, panel)
    whole = unseen_part(model, panel, origins).panel
    held = origins * model.horizon
    half = None if time_limit is None else time_limit / 2
    first, second = (None, None) if checkpoint is None else (Path(checkpoint, "tried"), Path(checkpoint, "grown"))
    earlier = panel.slice(0, panel.length - held)
    tried = model.clone(fitted=True).refit_on(earlier, half, warm=True, checkpoint=first)
    before, after = (evaluate(one, whole, origins=origins) for one in (model, tried))
    made = Update(model, False, before, after, tried)
    if not made.errors[1] < made.errors[0] or tried.record_["interrupted"]:
        return made
    grown = model.clone(fitted=True).refit_on(panel, half, warm=True, checkpoint=second)
    metric, (old, new) = before.scores.headline, made.errors
    ancestor = Ancestor(fitted.birth.describe(panel.frequency), metric, old, new)
    birth = replace(grown.fitted_.birth, lineage=(*fitted.birth.lineage, ancestor))
    grown.fitted_ = replace(grown.fitted_, birth=birth)
    return Update(grown, True, before, after, tried)


def held_origins(model: Forecaster, panel: Panel) -> int:
    """As many as leave half of the new steps to learn from; one at least, where that leaves a step."""
    new_N = model.fitted_.new_steps(panel)
    new, horizon = int(np.median(new_N[new_N > 0])) if (new_N > 0).any() else 0, model.horizon
    if new <= horizon:
        raise WindowError(nothing_new(model, panel, int(new_N.max(initial=0))))
    return int(np.clip(new * HELD_SHARE // horizon, 1, MOST_ORIGINS))
