"""Scored first, then trained on everything: how a model that forecasts comes with a verdict.

1  train on ──────────────┤ scored │     what it is worth
2  train on ───────────────────────│     the same choice, as it will forecast
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gatecast.backtesting.assess import evaluate, origins_that_fit
from gatecast.backtesting.result import Evaluation
from gatecast.data.panel import Panel
from gatecast.errors import WindowError
from gatecast.storage.folder import require_local

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["CHANGED", "HeldOut", "folders_of", "held_out", "scored_then_fitted", "seconds_left"]

HeldOut = tuple[Evaluation | None, WindowError | None]
CHANGED = "before the held-out steps there is too little to train on."  # what was scored is not what forecasts


def held_out(
    model: Forecaster, panel: Panel, origins: int | None, checkpoint: str | os.PathLike[str] | None
) -> HeldOut:
    """The evaluation on held-out origins, within two thirds of the time; or why there is none.

    Raises:
        WindowError: there is too little data for the ``origins`` that were asked for.
    """
    limit = model.time_limit
    model.time_limit = None if limit is None else limit * 2 / 3
    try:
        count = origins or origins_that_fit(panel, model.horizon)
        made: Evaluation = evaluate(model, panel, origins=count, checkpoint=checkpoint)
        return made, None
    except WindowError as error:
        if origins is not None:
            raise
        return None, error
    finally:
        model.time_limit = limit


def seconds_left(limit: float | None, started: float) -> float | None:
    """Seconds for the training on everything."""
    return None if limit is None else max(limit - (time.monotonic() - started), limit / 10)


def folders_of(checkpoint: str | os.PathLike[str] | None) -> tuple[Path | None, Path | None]:
    """Where the trainings before the held-out steps and on everything keep how they stand."""
    if checkpoint is None:
        return None, None
    folder = require_local(checkpoint, "a fit")
    return folder / "held-out", folder / "everything"


def scored_then_fitted(
    model: Forecaster, panel: Panel, origins: int | None, checkpoint: str | os.PathLike[str] | None = None
) -> HeldOut:
    """Train and score a model that is not fitted, then train the same choice on everything.

    Args:
        model: it is fitted afterwards.
        panel: its data.
        origins: held-out origins; None = as many as fit, up to 3; 0 = none, the model comes without a verdict.
        checkpoint: a folder that keeps where the trainings stand.

    Raises:
        WindowError: the series are too short to train on.
    """
    started, (first, second) = time.monotonic(), folders_of(checkpoint)
    made, problem = (None, None) if origins == 0 else held_out(model, panel, origins, first)
    if made is None:
        model.fit(panel, checkpoint=second)
        return None, problem
    untrained = model.fitted_.blend.untrained
    if not model.record_["interrupted"]:
        model.refit_on(panel, seconds_left(model.time_limit, started), checkpoint=second)
    return (made, None) if untrained == model.fitted_.blend.untrained else (None, WindowError(CHANGED))
