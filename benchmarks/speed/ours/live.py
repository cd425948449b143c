"""A live model as a contestant: rows observed, forecasts made, and predict on the whole history beside it."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

import gatecast as gc
from benchmarks.speed.ours.forecaster import Contestant as Forecasting
from benchmarks.speed.worker import serve

__all__ = ["Contestant"]

TRAINED_SERIES, TRAINED_STEPS = 30, 400
ONE_BY_ONE, BLOCK, TIMES = 20, 200, 5


class Contestant(Forecasting):
    """Fits briefly once; then follows panels of any size."""

    def fit(self, candidates: int | None, seconds: int) -> str:
        """The defaults, trained for a limited time: what a row costs does not hang on it."""
        self.load(TRAINED_SERIES, TRAINED_STEPS)
        self.model = gc.Forecaster(24, candidates=candidates, time_limit=seconds, progress=False).fit(self.panel)
        return " + ".join(f"{weight:.2f} {what}" for weight, what in self.model.fitted_.blend.described())

    def follow(self, series: int, steps: int) -> dict[str, float]:
        """Seconds of beginning, of a row by itself, of a row in a block, of a forecast and of predict; bytes kept."""
        self.load(series, steps + ONE_BY_ONE + BLOCK)
        history = self.panel.slice(0, steps)
        started = time.perf_counter()
        live = self.model.live(history)
        began = time.perf_counter() - started
        one = [self._observe(live, steps + t, 1) for t in range(ONE_BY_ONE)]
        block = self._observe(live, steps + ONE_BY_ONE, BLOCK if series == 1 else 1)
        forecasts = [self._seconds(live.forecast) for _ in range(TIMES)]
        whole = self.panel.slice(0, steps + ONE_BY_ONE + (BLOCK if series == 1 else 1))
        predicts = [self._seconds(lambda: self.model.predict(whole)) for _ in range(TIMES)]
        apart = np.abs(live.forecast().values_NHCQ / self.model.predict(whole).values_NHCQ - 1).max()
        return {
            "begin_s": began,
            "row_s": median(one) / series,
            "block_row_s": block / (BLOCK if series == 1 else series),
            "forecast_s": median(forecasts),
            "predict_s": median(predicts),
            "bytes": live.nbytes / series,
            "apart": float(apart),
        }

    def _observe(self, live: gc.Live, begin: int, count: int) -> float:
        rows = self.panel.slice(begin, begin + count)
        columns = {
            "unique_id": np.repeat(np.array(rows.ids), count),
            "ds": np.tile(np.arange(begin, begin + count), len(rows)),
            "y": np.concatenate([rows.series(n)[:, 0] for n in range(len(rows))]),
        }
        return self._seconds(lambda: live.observe(columns))

    @staticmethod
    def _seconds(call: object) -> float:
        assert callable(call)
        started = time.perf_counter()
        call()
        return time.perf_counter() - started


if __name__ == "__main__":
    contestant = Contestant()
    serve({"fit": contestant.fit, "follow": contestant.follow})
