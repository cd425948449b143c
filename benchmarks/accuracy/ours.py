"""One fit of Gatecast in a process of its own, so that its memory is its own; started by ``run``."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import numpy as np

import gatecast as gc
from benchmarks.accuracy import systems
from benchmarks.accuracy.sets import Group
from benchmarks.accuracy.spans import ETTH1_ROWS, etth1, training
from benchmarks.speed.worker import peak_mb, serve

__all__ = ["forecast", "reference", "rolling"]

Reply = dict[str, Any]
Arguments = dict[str, Any]


def forecast(group: list[Any], folder: str, inner: bool, seed: int, settings: Arguments) -> Reply:
    """Fit a group of series and forecast the H steps after each."""
    part = Group(*group)
    panel = training(part, Path(folder), inner)
    started = time.perf_counter()
    model = _forecaster(part.horizon, seed, settings).fit(panel)
    found = model.predict()
    seconds = time.perf_counter() - started
    return _reply(seconds, model.plan_.describe(), ids=list(found.ids), forecast=found.values[:, :, 0].tolist())


def rolling(group: list[Any], folder: str, inner: bool, seed: int, settings: Arguments) -> Reply:
    """Fit ETTh1 once and forecast from every origin whose targets lie in the scored rows."""
    part, (begin, end) = Group(*group), ETTH1_ROWS[inner]
    panel = etth1(Path(folder), inner)
    started = time.perf_counter()
    model = _forecaster(part.horizon, seed, settings).fit(panel.slice(0, begin))
    origin_W = np.arange(begin - 1, end - part.horizon)
    series_B = np.repeat(np.arange(len(panel)), len(origin_W))
    origin_B = (panel.first[:, None] + origin_W).ravel()
    values_BHCQ = model.forecast_from(panel, series_B, origin_B)
    seconds = time.perf_counter() - started
    point_BH = values_BHCQ[:, :, 0, model.quantiles.index(0.5) if values_BHCQ.shape[-1] > 1 else 0]
    truth_BH = panel.target_RC[origin_B[:, None] + np.arange(1, part.horizon + 1), 0]
    return _reply(seconds, model.plan_.describe(), figures=systems.errors(truth_BH, point_BH))


def reference(system: str, folder: str, inner: bool, seed: int, settings: Arguments) -> Reply:
    """One reference system; ``spans`` is span -> method -> errors, the naive forecasts among them."""
    where = Path(folder)
    found = systems.inner(system, where, seed, settings) if inner else systems.test(system, where, seed)
    return _reply(found.seconds, found.plan, spans=found.spans)


def _forecaster(horizon: int, seed: int, settings: Arguments) -> gc.Forecaster:
    return gc.Forecaster(horizon, seed=seed, progress=False, **settings)


def _reply(seconds: float, plan: str, **more: Any) -> Reply:
    return {"seconds": seconds, "peak_mb": peak_mb(), "plan": plan, **more}


if __name__ == "__main__":
    importlib.import_module("gatecast.forecaster")  # with torch: imports are not timed
    serve({"forecast": forecast, "rolling": rolling, "reference": reference})
