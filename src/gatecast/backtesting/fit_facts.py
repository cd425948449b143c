"""What is known of a fitted model and the data before its first origin: the ground of some symptoms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.tables.future import observed_part
from gatecast.evaluation.facts import Facts

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.forecaster import Forecaster

__all__ = ["fit_facts", "recent_level"]

MOST_WINDOWS = 1024
_SEASONS, _STEPS = 3, 20  # the recent level is that of as many at least


def fit_facts(
    model: Forecaster, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, last_BC: np.ndarray, season: int
) -> Facts:
    """Gather the facts about windows that a fitted model forecast.

    Args:
        model: the fitted forecaster; a loaded one holds no data, so that the facts of its training are missing.
        panel: what was forecast.
        series_B: (B,) position of each window's series.
        origin_B: (B,) row of each window's origin.
        last_BC: (B, C) last observed value at each origin.
        season: seasonal period in steps.
    """
    mean_BC, spread_BC = recent_level(panel, series_B, origin_B, _SEASONS * season, model.horizon)
    trained = observed_part(model.panel_) if hasattr(model, "panel_") else None
    fitted = model.fitted_
    if fitted.blend.untrained:
        return Facts(mean_BC=mean_BC, spread_BC=spread_BC, last_BC=last_BC, season=season)
    main = fitted.main
    return Facts(
        mean_BC=mean_BC,
        spread_BC=spread_BC,
        last_BC=last_BC,
        training_windows=None if trained is None else len(main.plan.spans.all_windows(trained)),
        parameters=main.parameters,
        validation_error=_known(main.validation_error),
        test_error=_known(scaled_error(model, panel, series_B, origin_B)),
        season=season,
        training_steps=None if trained is None else int(np.median(trained.length)),
    )


def scaled_error(model: Forecaster, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> float:
    """Mean absolute error of at most a thousand of the windows in output units, as on the validation fold.

    nan where the model forecasts step by step, for its networks see one step at a time; and for a blend, whose
    experts have output units of their own.
    """
    fitted = model.fitted_
    if fitted.blended or fitted.recursive or np.isnan(fitted.main.validation_error):
        return math.nan
    some = np.unique(np.linspace(0, len(origin_B) - 1, MOST_WINDOWS).astype(np.int64))
    return fitted.main.scaled_error(panel, series_B[some], origin_B[some])


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def recent_level(
    panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, steps: int, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """(B, C) mean and standard deviation of the steps up to each series' first origin, the same for all its windows.

    They reach back over ``steps``, or twice as far as the forecasts stretch: a trend that goes on is then no shift.
    """
    first_N = np.full(len(panel), panel.stop.max(initial=0))
    last_N = np.zeros(len(panel), np.int64)
    np.minimum.at(first_N, series_B, origin_B)
    np.maximum.at(last_N, series_B, origin_B)
    seen_N = np.bincount(series_B, minlength=len(panel)) > 0
    back = max(steps, _STEPS, 2 * (int((last_N - first_N)[seen_N].max(initial=0)) + horizon))
    mean_NC = np.full((len(panel), len(panel.targets)), np.nan)
    spread_NC = mean_NC.copy()
    for n in np.flatnonzero(seen_N):
        recent_TC = panel.target_RC[max(panel.first[n], first_N[n] + 1 - back) : first_N[n] + 1].astype(np.float64)
        known_TC = ~np.isnan(recent_TC)
        count_C = np.where(known_TC.any(axis=0), known_TC.sum(axis=0), np.nan)
        mean_NC[n] = np.where(known_TC, recent_TC, 0.0).sum(axis=0) / count_C
        spread_NC[n] = np.sqrt((np.where(known_TC, recent_TC - mean_NC[n], 0.0) ** 2).sum(axis=0) / count_C)
    return mean_NC[series_B], spread_NC[series_B]
