"""What a forecast adds up to over its horizon, how sure that is, and how it compares with the year before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.frequency_names import DAY, WEEK
from gatecast.data.tables.future import observed_part
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.data.frequency import Frequency
    from gatecast.data.panel import Panel
    from gatecast.report.forecasts.shown import Shown
    from gatecast.workflow import ForecastResult

__all__ = ["COVERAGE", "Totals", "totals", "year_before", "year_of"]

COVERAGE = 0.8
PATHS = 400
NO_PATHS = "this model gives no simulated futures, which an interval of a sum has to be counted on"
MOST_DRAWN = 20_000_000  # values of all paths together


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over the horizon; means where a sum says nothing.

    Args:
        now_NC: (N, C) of the point forecasts.
        before_NC: (N, C) of what was observed over the earlier span; nan where it was not.
        earlier: what the earlier span is called, such as "in the same 12 months a year before"; "" where there is none.
        summed_C: (C,) whether values are summed; else ``now`` and ``before`` are means.
        low_KC: (K, C) lower end of the 80 % interval of the series shown; nan where there is none.
        high_KC: (K, C) its upper end.
        no_interval: why there is none; "" where there is one.
    """

    now_NC: np.ndarray
    before_NC: np.ndarray
    earlier: str
    summed_C: np.ndarray
    low_KC: np.ndarray
    high_KC: np.ndarray
    no_interval: str

    def first(self, count: int) -> Totals:
        """The same with intervals of fewer series."""
        return replace(self, low_KC=self.low_KC[:count], high_KC=self.high_KC[:count])


def totals(result: ForecastResult, shown: Shown) -> Totals:
    """The sums of all series, and intervals of those shown, counted on simulated futures."""
    history, made = observed_part(result.panel), result.forecast
    summed_C = np.array([_adds_up(history, made.values, c) for c in range(len(made.targets))])
    before_NC, earlier = _before(history, made.horizon, summed_C)
    low_KC, high_KC, problem = _intervals(result, shown, summed_C)
    return Totals(
        _over(made.values.astype(np.float64), summed_C), before_NC, earlier, summed_C, low_KC, high_KC, problem
    )


def year_before(history: Panel, horizon: int, n: int) -> np.ndarray:
    """(H, C) what a series was so many whole years before each step of the horizon; nan where that is not known."""
    year, steps_H = year_of(history.frequency), np.arange(horizon)
    if year is None or year == 1:
        return np.full((horizon, len(history.targets)), np.nan)
    step_H = int(history.length[n]) + steps_H - (steps_H // year + 1) * year
    values_HC = history.series(n)[np.maximum(step_H, 0)].astype(np.float64)
    return np.where((step_H >= 0)[:, None], values_HC, np.nan)


def year_of(frequency: Frequency) -> int | None:
    """Steps of a year, in whole weeks where steps are shorter than a month; None where there is no such number.

    >>> from gatecast.data.frequency import Frequency
    >>> [year_of(Frequency.from_text(text)) for text in ("MS", "QS", "W", "D", "h", "B")]
    [12, 4, 52, 364, 8736, 260]
    """
    whole = {"month": 12, "business": 260, "fixed": 52 * WEEK if frequency.count >= DAY else 364 * DAY}
    year = whole.get(frequency.unit, 0)
    return year // frequency.count if year and year % frequency.count == 0 else None


# ---------------------------------------------------------------- inside


def _adds_up(history: Panel, values_NHC: np.ndarray, c: int) -> bool:
    """Whether a sum of the values says something: amounts are nowhere negative, and are not all shares of 1."""
    known = history.target_RC[:, c]
    known = known[np.isfinite(known)]
    return bool(len(known) and known.min() >= 0 and known.max() > 1 and np.min(values_NHC[..., c]) >= -known.max())


def _over(values_NHC: np.ndarray, summed_C: np.ndarray) -> np.ndarray:
    """(N, C) sums or means over the steps."""
    result_NC: np.ndarray = np.where(summed_C, values_NHC.sum(axis=-2), values_NHC.mean(axis=-2))
    return result_NC


def _before(history: Panel, horizon: int, summed_C: np.ndarray) -> tuple[np.ndarray, str]:
    """What was observed a year before the horizon where half of the series tell, else just before it."""
    year, unit = year_of(history.frequency), history.frequency.plural(horizon)
    span = f"{horizon:,} {unit}" if horizon > 1 else unit
    if year is not None and year > 1:
        years = -(-horizon // year)
        ago = "a year" if years == 1 else f"{years} years"
        if history.frequency.unit != "month":
            ago = f"{52 * years} weeks"
        seen_NC = _observed(history, years * year, horizon, summed_C)
        if np.isfinite(seen_NC).mean() >= 0.5:
            return seen_NC, f"in the same {span} {ago} before"
    seen_NC = _observed(history, horizon, horizon, summed_C)
    return seen_NC, f"in the {span} before" if np.isfinite(seen_NC).any() else ""


def _observed(history: Panel, back: int, horizon: int, summed_C: np.ndarray) -> np.ndarray:
    """(N, C) over the horizon moved back by so many steps; nan where a value is missing."""
    begin_N = history.stop - back
    there_N = begin_N >= history.first
    rows_NH = np.where(there_N, begin_N, history.first)[:, None] + np.arange(horizon)
    values_NHC = history.target_RC[np.minimum(rows_NH, history.stop[:, None] - 1)].astype(np.float64)
    return np.where(there_N[:, None], _over(values_NHC, summed_C), np.nan)


def _intervals(
    result: ForecastResult, shown: Shown, summed_C: np.ndarray
) -> tuple[np.ndarray, np.ndarray, str]:  # fmt: skip
    """Ends of the interval of each series shown, and why there is none."""
    count, horizon, targets = len(shown.forecast), result.forecast.horizon, len(summed_C)
    none = np.full((count, targets), np.nan)
    if not result.used.is_model:
        return none, none, NO_PATHS
    paths = min(PATHS, MOST_DRAWN // (count * horizon * targets))
    if paths < PATHS / 4:
        return none, none, "the horizon is too long to simulate it often"
    if len(result.forecast.quantiles) == 1:
        return none, none, NO_PATHS
    try:
        drawn = result.model.sample(shown.history, paths=paths, future=shown.ahead)
    except ConfigError:
        return none, none, NO_PATHS
    sums_KSC = _over(drawn.values_NSHC.astype(np.float64), summed_C)
    low_KC, high_KC = np.quantile(sums_KSC, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2), axis=1)
    return low_KC, high_KC, ""
