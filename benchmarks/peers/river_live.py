"""river's forecasters, which learn one row after the other: a linear model of 24 lags, and smoothing with a season."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from river import linear_model, preprocessing, time_series

from benchmarks.speed.panels import synthetic
from benchmarks.speed.worker import serve

HORIZON, SEASON = 24, 24
WARM = 50  # rows of each series that are learned first: forecasts need some


def lags() -> Any:
    """SNARIMAX(24, 0, 0): each row is one step of a linear regression on the last 24."""
    return time_series.SNARIMAX(
        p=SEASON, d=0, q=0, regressor=preprocessing.StandardScaler() | linear_model.LinearRegression()
    )


def smoothing() -> Any:
    """Holt-Winters with fixed rates: a few sums a row."""
    return time_series.HoltWinters(alpha=0.3, beta=0.05, gamma=0.1, seasonality=SEASON)


MODELS: dict[str, Callable[[], Any]] = {"SNARIMAX": lags, "HoltWinters": smoothing}


class Contestant:
    """One model for each series."""

    def follow(self, model: str, series: int, steps: int, times: int) -> dict[str, float]:
        """Seconds to learn a row, and to forecast all series; bytes of a model as river counts them.

        The last rows of one series are learned alone, of many the last row of each. What comes before is learned too,
        of a long history of one series its last ``steps``.
        """
        values = synthetic(series, steps).tolist()
        models = [MODELS[model]() for _ in range(series)]
        new = 1 if series > 1 else min(200, steps // 2)
        for one, known in zip(models, values, strict=True):
            for value in known[-WARM - new : -new] if series > 1 else known[:-new]:
                one.learn_one(value)
        started = time.perf_counter()
        for one, known in zip(models, values, strict=True):
            for value in known[-new:]:
                one.learn_one(value)
        learned = (time.perf_counter() - started) / (series * new)
        forecasts = []
        for _ in range(times):
            started = time.perf_counter()
            for one in models:
                one.forecast(horizon=HORIZON)
            forecasts.append(time.perf_counter() - started)
        return {"row_s": learned, "forecast_s": median(forecasts), "bytes": float(models[0]._raw_memory_usage)}


if __name__ == "__main__":
    serve({"follow": Contestant().follow})
