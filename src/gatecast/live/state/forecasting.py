"""A forecast of series that are followed, cold ones too."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.finite import require_finite
from gatecast.forecasts.forecast import Forecast
from gatecast.live.ahead import Ahead
from gatecast.live.memory import Memory
from gatecast.live.state.widths import Widths

__all__ = ["forecast_of"]


def forecast_of(
    ahead: Ahead, memory: Memory, series_M: np.ndarray, panel: Panel, future: Any, file: str | None,
    widths: Widths | None,
) -> Forecast:  # fmt: skip
    """Forecast the steps after the last observed target.

    Args:
        ahead: what forecasts.
        memory: of the series.
        series_M: places of those to forecast.
        panel: all that is kept of them.
        future: future covariates, as for ``predict``.
        file: where the model came from, for errors.
        widths: those that intervals have; None = those of the model.
    """
    fitted = ahead.fitted
    cold_M = memory.observed[series_M] + 1 < fitted.least_history
    shape = (len(series_M), fitted.horizon, len(fitted.schema.targets), len(fitted.levels))
    values_NHCQ = np.full(shape, np.nan)
    guarded_N, bounded_N = np.zeros((2, len(series_M)), np.bool_)
    warm, cold = np.flatnonzero(~cold_M), np.flatnonzero(cold_M)
    if len(warm):
        followed = panel.select(warm)
        made = ahead.after(followed, future)
        require_finite(made.values_BHCQ, followed, file)
        found_BHCQ = made.values_BHCQ
        if widths is not None:
            history = observed_part(followed)
            wide_BHCQ = widths.widened(series_M[warm], found_BHCQ)
            found_BHCQ = ahead.in_range(wide_BHCQ, history, np.arange(len(history)), history.stop - 1)
        values_NHCQ = values_NHCQ.astype(found_BHCQ.dtype)
        values_NHCQ[warm], guarded_N[warm], bounded_N[warm] = found_BHCQ, made.guarded_B, made.bounded_B
    if len(cold):
        values_NHCQ[cold] = ahead.naive_after(panel.select(cold))
    last_N = fitted.frequency.advance(memory.starts[series_M], memory.observed[series_M])
    axes = Axes(
        panel.ids, panel.targets, last_N, fitted.horizon, fitted.frequency, fitted.backend, fitted.names, panel.labels
    )  # fmt: skip
    facts = {"guarded": guarded_N, "cold": cold_M, "bounded": bounded_N}
    named = {fact: tuple(panel.ids[n] for n in np.flatnonzero(which_N)) for fact, which_N in facts.items()}
    history = panel.slice(0, memory.observed[series_M] + 1 - memory.dropped[series_M])
    return Forecast(values_NHCQ, fitted.levels, axes, history, **named)
