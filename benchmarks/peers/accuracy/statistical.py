"""statsforecast's AutoETS and DynamicOptimizedTheta, series by series; processes share the series."""

from __future__ import annotations

from typing import Any

from statsforecast import StatsForecast
from statsforecast.models import AutoETS, DynamicOptimizedTheta, Naive

from benchmarks.peers.accuracy.panel import Floats, answer, long_table

MODELS = {"AutoETS": AutoETS, "DynamicOptimizedTheta": DynamicOptimizedTheta}


def forecast(series: list[Floats], horizon: int, season: int, model: str, threads: int, **_: Any) -> Floats:
    fitted = MODELS[model](season_length=season)
    table = StatsForecast([fitted], freq=1, n_jobs=threads, fallback_model=Naive()).forecast(
        df=long_table(series), h=horizon
    )
    values_NH: Floats = table.sort_values(["unique_id", "ds"])[model].to_numpy().reshape(len(series), horizon)
    return values_NH


if __name__ == "__main__":
    answer(forecast)
