"""What forecasts in the end: the model, a naive forecast, a statistical rival, their mean, or the best of all.

It is chosen on the held-out origins, and forecasts from the end of the data:

    held-out origins    scored: the model, the naive forecasts, the rivals, the mean of model and rivals
    end of the data     forecast by the one that was asked for, or that was best there

The verdict stays one on the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.backtesting.assess import category_codes, score_forecasts
from gatecast.backtesting.naive_intervals import naive_quantiles
from gatecast.backtesting.result import Evaluation
from gatecast.data.panel import Panel
from gatecast.data.quantiles import middle
from gatecast.errors import Argument, ConfigError, did_you_mean
from gatecast.evaluation.scores import MODEL_TITLES
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.finite import require_finite
from gatecast.forecasts.forecast import Forecast
from gatecast.statistical.naive import BASELINES, TITLES
from gatecast.statistical.rivals import RIVALS, Rival, require_rivals, rival_forecasts, worthwhile_at

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["BEST", "MEAN", "MODEL", "USES", "Used", "forecast_by", "require_use", "used_after", "with_competitors"]

MODEL, BEST, MEAN = "gatecast", "best", "blend"
USES = (MODEL, BEST, MEAN, *BASELINES, *RIVALS)


@dataclass(frozen=True)
class Used:
    """What forecasts, and why.

    Args:
        name: "gatecast", "blend", or the name of a naive forecast or of a rival.
        title: what people read for it.
        reason: a sentence; "" where the user named it.
    """

    name: str
    title: str
    reason: str = ""

    @classmethod
    def named(cls, name: str, reason: str = "") -> Used:
        """That of a name."""
        return cls(name, _title(name), reason)

    @property
    def is_model(self) -> bool:
        """The model alone forecasts."""
        return self.name == MODEL

    @property
    def trained(self) -> bool:
        """The model takes part, and so has to be trained on everything."""
        return self.name in (MODEL, MEAN)


def require_use(use: str) -> None:
    """Raise ConfigError for a name that is unknown, or a rival whose library is missing."""
    if use not in USES:
        hint = did_you_mean(use, USES)
        raise ConfigError(Argument("use", of="forecast"), f" must be one of {', '.join(USES)}; got {use!r}{hint}.")
    require_rivals([use] if use in RIVALS else list(_PARTNERS) if use == MEAN else ())


_PARTNERS = ("auto_ets", "auto_theta", "auto_arima")  # of the mean


def with_competitors(evaluation: Evaluation, model: Forecaster, use: str) -> Evaluation:
    """The evaluation with the rivals that ``use`` needs scored on the same windows.

    "best" takes those that need about a minute, where statsforecast is installed. The naive forecasts are there anyway.
    """
    panel, series_B, origin_B = evaluation.panel, evaluation.series_B, evaluation.origin_B
    names = _rivals_of(use, evaluation)
    if not names:
        return evaluation
    season, levels = evaluation.scores.season, model.fitted_.levels
    made = rival_forecasts(
        panel.target_RC, panel.first[series_B], origin_B, model.horizon, season, names, levels,
        workers=model.running.workers_here,
    )  # fmt: skip
    rivals: Mapping[str, Rival] = made
    if use in (MEAN, BEST) and len(made) > 1:
        rivals = {**made, MEAN: _mean(evaluation.forecast_BHCQ, made, levels)}
    return score_forecasts(
        model, panel, series_B, origin_B, evaluation.forecast_BHCQ, season, evaluation.scores.origins, rivals
    )


def _rivals_of(use: str, evaluation: Evaluation) -> tuple[str, ...]:
    if use == MEAN:
        return _PARTNERS
    if use == BEST:
        panel, origin_B = evaluation.panel, evaluation.origin_B
        first_B = panel.first[evaluation.series_B]
        return worthwhile_at(first_B, origin_B, len(panel.targets), evaluation.scores.season).names
    return (use,) if use in RIVALS else ()


def _mean(forecast_BHCQ: np.ndarray, rivals: Mapping[str, Rival], levels: tuple[float, ...]) -> Rival:
    """Mean of the quantiles of the model and of the rivals: equal weights, so that nothing is chosen on what is scored.

    Source: Clemen, Combining forecasts: a review and annotated bibliography (1989); quantile by quantile as in
    Lichtendahl, Grushka-Cockayne & Winkler (2013).
    """
    parts = [forecast_BHCQ.astype(np.float64), *(one.quantiles_BHCQ for one in rivals.values())]
    known = [part for part in parts if part is not None]
    mean_BHCQ = np.mean([np.where(np.isfinite(part), part, known[0]) for part in known], axis=0)
    return Rival(mean_BHCQ[..., middle(levels)], mean_BHCQ, sum(one.seconds for one in rivals.values()))


def used_after(evaluation: Evaluation | None, use: str) -> Used:
    """What forecasts, now that the scores are known; without scores "best" is the model."""
    if use != BEST:
        return Used.named(use)
    if evaluation is None:
        return Used.named(MODEL, "Nothing could be held out, so that nothing is known to be better.")
    scores = evaluation.scores
    ranked = sorted(
        (scores.table[name][scores.headline], name) for name in scores.forecasts if name not in scores.references
    )
    finite = [(error, name) for error, name in ranked if np.isfinite(error)]
    name = finite[0][1] if finite else scores.model
    often = f"{scores.origins} held-out origin{'s' * (scores.origins != 1)}"
    reason = f"the best of {len(finite)} on {often}; the best of many looks better there than it is"
    return Used(MODEL if name == scores.model else name, scores.title(name), reason)


def forecast_by(
    used: Used, model: Forecaster, history: Panel, panel: Panel, future: Any, evaluation: Evaluation | None
) -> Forecast:
    """Forecast the H steps after the end of every series.

    Args:
        used: what forecasts.
        model: fitted; on everything where it takes part.
        history: what was observed.
        panel: the same with the future covariates that came along.
        future: others.
        evaluation: says the season.
    """
    if used.is_model:
        return model.predict(panel, future=future)
    fitted = model.fitted_
    extended, origin_N = fitted.continued(history, panel, future)
    season = fitted.season if evaluation is None else evaluation.scores.season
    first_N, levels, horizon = extended.first, fitted.levels, model.horizon
    if used.name in BASELINES:
        values_NHCQ = naive_quantiles(
            used.name, extended.target_RC, first_N, origin_N, horizon, season, levels,
            category_codes(model, extended),
        )  # fmt: skip
    else:
        names = _PARTNERS if used.name == MEAN else (used.name,)
        made = rival_forecasts(
            extended.target_RC, first_N, origin_N, horizon, season, names, levels, workers=model.running.workers_here
        )
        if used.name == MEAN:
            ours = model.predict(panel, future=future).values_NHCQ
            made = {MEAN: _mean(ours, made, levels)}
        if used.name not in made:
            raise ConfigError(f"{used.title} needs a season, and none was found.")
        values_NHCQ = _quantiles(made[used.name])
    kept = fitted.within_bounds(values_NHCQ, extended, np.arange(len(history)), origin_N, axis=2)
    require_finite(kept, history, None)
    moved = (kept != values_NHCQ).any(axis=(1, 2, 3))
    bounded = tuple(name for name, yes in zip(history.ids, moved, strict=True) if yes)
    return Forecast(kept, levels, Axes.after(history, horizon), history, bounded=bounded)


def _quantiles(rival: Rival) -> np.ndarray:
    return rival.point_BHC[..., None] if rival.quantiles_BHCQ is None else rival.quantiles_BHCQ


def _title(name: str) -> str:
    """What people read for a name."""
    return {**MODEL_TITLES, MODEL: MODEL_TITLES["lstm"], **RIVALS, **TITLES}[name]
