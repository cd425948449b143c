"""Gatecast's Forecaster as a contestant: the model of ``sizes``, and its own defaults."""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np

import gatecast as gc
from benchmarks.speed.panels import synthetic
from benchmarks.speed.sizes import BATCH, HIDDEN, HORIZON, LOOKBACK, RATE
from benchmarks.speed.worker import peak_mb, serve
from gatecast.data.schema import Schema

__all__ = ["Contestant"]

STEPS_PER_EPOCH = 10
BRIEF_SERIES, BRIEF_SECONDS = 300, 60


class Contestant:
    """Fits and predicts."""

    def load(self, series: int, steps: int) -> None:
        """Make the panel. It holds the very array: no copy, as with a panel that ``gatecast.read`` returns."""
        self.panel = gc.Panel(
            values_RV=synthetic(series, steps).reshape(-1, 1),
            first=np.arange(series) * steps,
            length=np.full(series, steps),
            ids=tuple(map(str, range(series))),
            starts=np.zeros(series, np.int64),
            frequency=gc.Frequency("step"),
            schema=Schema(("y",)),
            static_NS=np.zeros((series, 0), np.float32),
        )
        self.one = self.panel.select([0])

    def train(self, steps: int) -> dict[str, Any]:
        """The same work as the peers: random start, no validation, no second training, one network."""
        training = gc.TrainingConfig(
            loss="mae", optimizer="adam", lr=RATE, schedule="constant", clip=None, batch_size=BATCH,
            steps_per_epoch=STEPS_PER_EPOCH, max_epochs=steps // STEPS_PER_EPOCH, validation=0, start="random",
        )  # fmt: skip
        model = gc.Forecaster(
            HORIZON, lookback=LOOKBACK, scaling="standard", network=gc.LSTMConfig(hidden_size=HIDDEN),
            training=training, members=1, quantiles=(0.5,), refit=False, progress=False,
        )  # fmt: skip
        return self._fit(model)

    def default(self) -> dict[str, Any]:
        """Gatecast's own choice of everything."""
        return self._fit(gc.Forecaster(HORIZON, progress=False))

    def brief(self, candidates: int | None) -> str:
        """The defaults, trained on some series and for a limited time: what a forecast costs hangs on neither."""
        some = self.panel.select(np.arange(min(BRIEF_SERIES, len(self.panel))))
        model = gc.Forecaster(HORIZON, candidates=candidates, time_limit=BRIEF_SECONDS, progress=False)
        self.model = model.fit(some)
        return " + ".join(f"{weight:.2f} {what}" for weight, what in self.model.fitted_.blend.described())

    def predict(self, series: int) -> float:
        """All series of the panel; one as a panel of its own."""
        panel = self.one if series == 1 else self.panel
        started = time.perf_counter()
        forecast = self.model.predict(panel)
        seconds = time.perf_counter() - started
        assert len(forecast.values) == series
        return seconds

    def _fit(self, model: gc.Forecaster) -> dict[str, Any]:
        started = time.perf_counter()
        self.model = model.fit(self.panel)
        seconds = time.perf_counter() - started
        return {
            "seconds": seconds,
            "peak_mb": peak_mb(),
            "windows": self._windows_trained(),
            "chosen": model.plan_.describe(),
        }

    def _windows_trained(self) -> int:
        """Windows of all steps of all members, and of the second training on everything where there is one."""
        plan, again = self.model.plan_, self.model.refit and self.model.plan_.training.validation > 0
        steps = plan.training.steps_per_epoch or 0
        epochs = plan.training.max_epochs * plan.members + (sum(self.model.record_["epochs"]) if again else 0)
        return plan.training.batch_size * steps * epochs


if __name__ == "__main__":
    importlib.import_module("gatecast.forecaster")  # with torch, before the memory is first read
    contestant = Contestant()
    serve(
        {
            "load": contestant.load,
            "train": contestant.train,
            "default": contestant.default,
            "brief": contestant.brief,
            "predict": contestant.predict,
        }
    )
