"""Which series stand on a page, how far back, and how their numbers are written."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.tables.future import extend, observed_part
from gatecast.report.forecasts.totals import year_of

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.forecasts.forecast import Forecast
    from gatecast.workflow import ForecastResult

__all__ = ["Shown", "plain_numbers", "shown_of"]

MOST_SERIES = 200
MOST_NUMBERS = 45_000  # in the data of a page, about 0.4 MB
LEAST_STEPS, MOST_STEPS = 48, 1200  # of history


@dataclass(frozen=True, eq=False)
class Shown:
    """The part of a result that a page holds.

    Args:
        forecast: of the K series shown, in their order on the page.
        history: what was observed of these.
        ahead: their future covariates over the horizon; None where the model has none.
        place_K: (K,) their positions among all N series.
        steps: of history that a chart begins with, at most.
        whole: N.
    """

    forecast: Forecast
    history: Panel
    ahead: Panel | None
    place_K: np.ndarray
    steps: int
    whole: int

    def first(self, count: int) -> Shown:
        """The same page with fewer series."""
        kept = np.arange(count)
        return replace(
            self, forecast=_selected(self.forecast, kept), history=self.history.select(kept),
            ahead=None if self.ahead is None else self.ahead.select(kept), place_K=self.place_K[:count],
        )  # fmt: skip

    @property
    def words(self) -> str:
        """Which series these are; "" where they are all."""
        if len(self.forecast) == self.whole:
            return ""
        return (
            f"The page holds the {len(self.forecast):,} series with the largest forecasts of {self.whole:,}; sums over "
            "all series count every one. The file of --output (Python: result.forecast.to_frame()) has them all."
        )


def shown_of(result: ForecastResult) -> Shown:
    """The series with the largest forecasts, as many as a page can bear."""
    made = result.forecast
    _, horizon, targets, quantiles = made.values_NHCQ.shape
    ahead_cost, asked = horizon * (quantiles + 3), min(len(made), MOST_SERIES)
    least = max(6 * horizon, LEAST_STEPS)
    wanted = min(max(least, 2 * (year_of(made.frequency) or 0)), MOST_STEPS, int(result.panel.length.max()))
    # rather less of the history than fewer series
    steps = max(min(MOST_NUMBERS // (targets * asked) - ahead_cost, wanted), min(least, MOST_STEPS))
    count = max(min(MOST_NUMBERS // (targets * (steps + ahead_cost)), asked), 1)
    size_N = np.abs(made.values.astype(np.float64)).sum(axis=1).max(axis=1)
    place_K = np.argsort(-size_N, kind="stable")[:count]
    panel = result.panel.select(place_K)
    history = observed_part(panel)
    ahead = None
    if panel.schema.future:
        ahead = extend(history, panel, horizon, result.future, keep=1).future.slice(1, horizon + 1)
    return Shown(_selected(made, place_K), history, ahead, place_K, steps, len(made))


def _selected(made: Forecast, place_K: np.ndarray) -> Forecast:
    axes = replace(made.axes, ids=tuple(made.ids[n] for n in place_K), origins=np.asarray(made.origins)[place_K])
    return replace(made, values_NHCQ=made.values_NHCQ[place_K], axes=axes, history=None, guarded=())


def plain_numbers(values: np.ndarray) -> Any:
    """Numbers in the fewest digits that read back as the same value, as nested lists; None for what is not finite.

    >>> plain_numbers(np.array([0.1, np.nan], np.float32))
    [0.1, None]
    """
    if values.ndim > 1:
        return [plain_numbers(part) for part in values]
    return [float(str(value)) if math.isfinite(value) else None for value in values]
