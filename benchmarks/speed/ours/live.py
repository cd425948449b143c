"""A live model as a contestant: rows observed, forecasts made, and predict on the whole history beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

import gatecast as gc
from benchmarks.speed.ours.forecaster import Contestant as Forecasting
from benchmarks.speed.worker import serve

__all__ = ["Contestant"]

TRAINED_SERIES, TRAINED_STEPS = 30, 400
ONE_BY_ONE, BLOCK = 20, 200
MANY, OF_MANY = 1000, 2  # from so many series on, so few calls: each has a row of all of them


class Contestant(Forecasting):
    """Fits briefly once; then follows panels of any size."""

    def fit(self, candidates: int | None, seconds: int) -> dict[str, Any]:
        """The defaults, trained for a limited time: what a row costs does not hang on it."""
        self.load(TRAINED_SERIES, TRAINED_STEPS)
        self.model = gc.Forecaster(24, candidates=candidates, time_limit=seconds, progress=False).fit(self.panel)
        network = self.model.plan_.network
        return {
            "blend": " + ".join(f"{weight:.2f} {what}" for weight, what in self.model.fitted_.blend.described()),
            "hidden": network.hidden_size,
            "layers": network.num_layers,
        }

    def follow(self, series: int, steps: int, times: int) -> dict[str, float]:
        """Seconds of beginning, of a row by itself, of a row in a block, of a forecast and of predict; bytes kept."""
        alone, block = (ONE_BY_ONE, BLOCK if series == 1 else 1) if series < MANY else (OF_MANY, 1)
        self.load(series, steps + alone + block)
        history = self.panel.slice(0, steps)
        started = time.perf_counter()
        live = self.model.live(history)
        began = time.perf_counter() - started
        one = [self._observe(live, steps + t, 1) for t in range(alone)]
        together = self._observe(live, steps + alone, block)
        forecast_s, ours = self._timed(live.forecast, times)
        predict_s, theirs = self._timed(lambda: self.model.predict(self.panel), times)
        return {
            "begin_s": began,
            "row_s": median(one) / series,
            "block_row_s": together / (block * series),
            "forecast_s": forecast_s,
            "predict_s": predict_s,
            "bytes": live.nbytes / series,
            "apart": float(np.abs(ours.values_NHCQ / theirs.values_NHCQ - 1).max()),
        }

    def _observe(self, live: gc.Live, begin: int, count: int) -> float:
        rows = self.panel.slice(begin, begin + count)
        columns = {
            "unique_id": np.repeat(np.array(rows.ids), count),
            "ds": np.tile(np.arange(begin, begin + count), len(rows)),
            "y": np.concatenate([rows.series(n)[:, 0] for n in range(len(rows))]),
        }
        started = time.perf_counter()
        live.observe(columns)
        return time.perf_counter() - started

    @staticmethod
    def _timed(call: Callable[[], gc.Forecast], times: int) -> tuple[float, gc.Forecast]:
        """The median seconds of some calls, and what the last one gave."""
        taken = []
        for _ in range(times):
            started = time.perf_counter()
            made = call()
            taken.append(time.perf_counter() - started)
        return median(taken), made


if __name__ == "__main__":
    contestant = Contestant()
    serve({"fit": contestant.fit, "follow": contestant.follow})
