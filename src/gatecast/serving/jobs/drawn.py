"""What a chart needs beside a forecast: what was observed before it, and the last held-out forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.forecast import Forecast
from gatecast.workflow import forecast_facts

if TYPE_CHECKING:
    from gatecast.backtesting.result import Evaluation
    from gatecast.workflow import ForecastResult

__all__ = ["held_out_facts", "observed_facts"]

NUMBERS = 300_000  # of the history, over all series
LEAST, MOST = 24, 2_000  # steps of each series


def observed_facts(panel: Panel) -> list[dict[str, Any]]:
    """The newest observed values, an object per series and target, in the order of the forecast."""
    history = observed_part(panel)
    steps = int(np.clip(NUMBERS // max(len(history) * len(history.targets), 1), LEAST, MOST))
    held = dict(history.labels.values)
    found = []
    for n, name in enumerate(history.ids):
        times, values_TC = history.times(n)[-steps:], history.series(n)[-steps:]
        labels = [int(t) if history.frequency.unit == "step" else history.time_label(t) for t in times]
        found += [
            {"series": held.get(name, name), "target": target, "time": labels, "value": values_TC[:, c].tolist()}
            for c, target in enumerate(history.targets)
        ]
    return found


def held_out_facts(made: ForecastResult) -> list[dict[str, Any]]:
    """The forecast from the last held-out origin, as ``forecast`` has them: to be seen beside what came."""
    evaluation = made.evaluation
    if evaluation is None:
        return []
    last_B = _newest(evaluation)
    panel = evaluation.panel.select(evaluation.series_B[last_B])
    before = panel.slice(0, evaluation.origin_B[last_B] - evaluation.panel.first[evaluation.series_B[last_B]] + 1)
    axes = Axes.after(before, evaluation.forecast_BHCQ.shape[1])
    return forecast_facts(Forecast(evaluation.forecast_BHCQ[last_B], made.forecast.quantiles, axes))


def _newest(evaluation: Evaluation) -> np.ndarray:
    """The last window of each series."""
    last = {int(series): b for b, series in enumerate(evaluation.series_B)}
    return np.array([last[series] for series in sorted(last)], np.int64)
