"""What if a future covariate had another value? A page cannot run a model, so some answers are made beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.schema import Column
from gatecast.report.forecasts.shown import MOST_NUMBERS

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.report.forecasts.shown import Shown
    from gatecast.workflow import ForecastResult

__all__ = ["Alternative", "alternatives"]

MOST_VALUES, MOST_ALTERNATIVES = 5, 18
LEVELS = {"low": 0.1, "middle": 0.5, "high": 0.9}  # of the past values of a covariate with many


@dataclass(frozen=True, eq=False)
class Alternative:
    """Forecasts with one covariate held at one value over the whole horizon.

    Args:
        covariate: its name.
        word: the category, "low" and so on; "" where the number says all.
        value_K: (K,) the number in each of the series shown; nan for a category.
        point_KHC: (K, H, C) the point forecasts.
    """

    covariate: str
    word: str
    value_K: np.ndarray
    point_KHC: np.ndarray

    def first(self, count: int) -> Alternative:
        """The same of fewer series."""
        return replace(self, value_K=self.value_K[:count], point_KHC=self.point_KHC[:count])


def alternatives(result: ForecastResult, shown: Shown) -> list[Alternative]:
    """A few values of each future covariate, all else as it was given.

    None where the model has no such covariate or reads none, for nothing was trained, or something else forecasts.
    """
    if shown.ahead is None or not result.used.is_model or result.model.fitted_.blend.untrained:
        return []
    made, held = [], shown.forecast.values.size
    most = min(MOST_ALTERNATIVES, max(MOST_NUMBERS // held, 1))
    for covariate, word, block_KW in islice(_values(shown.history), most):
        ahead = _with(shown.ahead, covariate, block_KW)
        point_KHC = result.model.predict(shown.history, future=ahead).values
        value_K = block_KW[:, 0] if covariate.categories is None else np.full(len(block_KW), np.nan)
        made.append(Alternative(covariate.name, word, value_K, point_KHC))
    return made


def _values(history: Panel) -> Iterator[tuple[Column, str, np.ndarray]]:
    """Covariate, word, and its encoded value (K, width) in each series."""
    start = 0
    for column in history.schema.future:
        place = slice(start, start + column.width)
        start += column.width
        if column.categories is None:
            yield from _numbers(history, column, place.start)
            continue
        often = np.nansum(history.future_RF[:, place], axis=0)
        for k in np.sort(np.argsort(-often, kind="stable")[:MOST_VALUES]):
            one_hot = np.eye(column.width, dtype=np.float32)[k]
            yield column, column.categories[k], np.tile(one_hot, (len(history), 1))


def _numbers(history: Panel, column: Column, place: int) -> Iterator[tuple[Column, str, np.ndarray]]:
    """All values where they are few; else a low, a middle and a high one of each series' own past."""
    past = [history.future_RF[history.rows(n), place] for n in range(len(history))]
    past = [values[np.isfinite(values)] for values in past]
    all_values = np.concatenate(past)
    found = np.unique(all_values)
    if len(found) <= MOST_VALUES:
        for value in found:
            yield column, "", np.full((len(history), 1), value, np.float32)
        return
    for word, level in LEVELS.items():
        of_series = [np.quantile(values if len(values) else all_values, level) for values in past]
        yield column, word, np.array([[float(f"{value:.3g}")] for value in of_series], np.float32)


def _with(ahead: Panel, column: Column, block_KW: np.ndarray) -> Panel:
    """The future with a covariate held at a value."""
    start = 0
    for one in ahead.schema.future:
        if one.name == column.name:
            break
        start += one.width
    values_RF = ahead.values_RV.copy()
    for k in range(len(ahead)):
        values_RF[ahead.rows(k), start : start + column.width] = block_KW[k]
    return replace(ahead, values_RV=values_RF)
