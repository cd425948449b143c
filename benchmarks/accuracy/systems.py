"""The five reference systems one step ahead: the demos' own way on their test spans, and spans inside the training."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import gatecast as gc
from benchmarks.accuracy.scores import NAIVE2, OURS, Figures
from gatecast import demos
from gatecast.backtesting.result import Evaluation
from gatecast.demos.result import errors, errors_of
from gatecast.demos.ridership import SPANS as RIDERSHIP
from gatecast.demos.sin_to_cos import PERIOD
from gatecast.statistical.naive import baseline_forecasts
from gatecast.statistical.naive2 import naive2

__all__ = ["GROWTH", "INNER", "System", "errors", "growth", "inner", "test"]

GROWTH = "growth"
AIRLINE = slice(100, 144)  # the targets of the test span
INNER = {"airline": (76, 100), "noisy-sine": (640, 720), "sin-to-cos": (66, 100), "sine": (700, 810)}  # scored steps
RIDERSHIP_YEARS = (2012, 2014, 2016, 2017, 2018)  # scored on spans inside the training, each after all before it
SEASONS = {"airline": 12, "ridership": 7}
NO_METHODS = ("floor", "lstm_all_steps")
Spans = dict[str, dict[str, Figures]]


class System(NamedTuple):
    """What one run of a system found: errors by span and method."""

    spans: Spans
    plan: str
    seconds: float


def test(system: str, folder: Path, seed: int) -> System:
    """Run a system's demo with Gatecast's defaults and take its scored spans."""
    started = time.perf_counter()
    result = demos.run(system, seed=seed, data=folder / "ridership.tgz" if system == "ridership" else None)
    seconds = time.perf_counter() - started
    spans = {f"ridership-{name}": name for name in RIDERSHIP} if system == "ridership" else {system: "test"}
    named = {span: _named(result.scores[part]) for span, part in spans.items()}
    for span, panel, target_B in _naive_spans(system, folder):
        named[span] |= _more_naive(system, panel, target_B - 1)
    return System(named, result.chosen, seconds)


def inner(system: str, folder: Path, seed: int, settings: dict[str, Any]) -> System:
    """Train on the beginning of the training part and score what follows in it; the test span plays no part."""
    if system == "ridership":
        return _inner_ridership(folder, seed, settings)
    begin, end = INNER[system]
    panel = gc.load_example(system, seed=seed).slice(0, end)
    started = time.perf_counter()
    if system == "sin-to-cos":
        regressor = gc.SequenceRegressor(seed=seed).fit(panel.slice(0, begin))
        found = errors(panel.series(0)[begin:], regressor.predict(panel.slice(begin, end)))
        seconds, origin_B = time.perf_counter() - started, np.arange(begin - 1, end - 1)
        naive = baseline_forecasts(panel.target_RC, np.zeros_like(origin_B), origin_B, 1, PERIOD)
        spans = {name: errors(panel.series(0)[begin:], values[:, 0]) for name, values in naive.items()}
        return System({system: {OURS: found, **spans}}, regressor.describe(), seconds)
    model = gc.Forecaster(1, seed=seed, progress=False, **settings).fit(panel.slice(0, begin))
    scored = gc.evaluate(model, panel, begin=panel.times(0)[begin], season=SEASONS.get(system))
    return System({system: _all(system, scored)}, model.plan_.describe(), time.perf_counter() - started)


def growth(values_R: np.ndarray, origin_B: np.ndarray, season: int) -> np.ndarray:
    """(B,) the last value times the growth that the same step had one season ago.

    >>> growth(np.array([2.0, 6.0, 3.0]), np.array([2]), season=2)
    array([9.])
    """
    return np.asarray(values_R[origin_B] * values_R[origin_B + 1 - season] / values_R[origin_B - season])


def _inner_ridership(folder: Path, seed: int, settings: dict[str, Any]) -> System:
    """Means over five years, each trained anew on all days before it; seconds are those of one."""
    panel = gc.load_example("ridership", data=folder / "ridership.tgz").between(end="2018-12")
    rows: list[dict[str, Figures]] = []
    plans: dict[str, None] = {}
    started = time.perf_counter()
    for year in RIDERSHIP_YEARS:
        model = gc.Forecaster(1, seed=seed, progress=False, **settings).fit(panel.between(end=f"{year - 1}-12"))
        scored = gc.evaluate(model, panel, begin=f"{year}-01", end=f"{year}-12", season=7)
        rows.append(_all("ridership", scored))
        plans[model.plan_.describe()] = None
    seconds = (time.perf_counter() - started) / len(rows)
    spans = {m: {e: float(np.mean([row[m][e] for row in rows])) for e in rows[0][m]} for m in rows[0]}
    return System({"ridership": spans}, " | ".join(plans), seconds)


def _all(system: str, scored: Evaluation) -> dict[str, Figures]:
    return _named(errors_of(scored)) | _more_naive(system, scored.panel, scored.origin_B)


def _named(methods: dict[str, Figures]) -> dict[str, Figures]:
    return {OURS if name == "lstm" else name: row for name, row in methods.items() if name not in NO_METHODS}


def _naive_spans(system: str, folder: Path) -> Iterator[tuple[str, gc.Panel, np.ndarray]]:
    """Span, panel and target rows of the test spans of systems with a season."""
    if system == "airline":
        yield system, gc.load_example(system), np.arange(AIRLINE.start, AIRLINE.stop)
    if system == "ridership":
        panel = gc.load_example(system, data=folder / "ridership.tgz").between("2016-01")
        offset = int(panel.first[0])
        for name, (begin, end) in RIDERSHIP.items():
            first = len(panel.series(0)) - len(panel.between(begin).series(0))
            last = len(panel.between(end=end).series(0)) if end else len(panel.series(0))
            yield f"ridership-{name}", panel, offset + np.arange(first, last)


def _more_naive(system: str, panel: gc.Panel, origin_B: np.ndarray) -> dict[str, Figures]:
    """Naive2, and the growth of last year for airline; nothing for curves around zero."""
    if system not in SEASONS:
        return {}
    season, truth_BC = SEASONS[system], panel.target_RC[origin_B + 1]
    first_B = np.full(len(origin_B), panel.first[0])
    rows = {NAIVE2: errors(truth_BC, naive2(panel.target_RC, first_B, origin_B, 1, season)[:, 0])}
    if system == "airline":
        rows[GROWTH] = errors(truth_BC[:, 0], growth(panel.target_RC[:, 0].astype(np.float64), origin_B, season))
    return rows
