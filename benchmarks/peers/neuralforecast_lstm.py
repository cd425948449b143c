"""neuralforecast's LSTM with a direct head; progress bars, logs and checkpoints off."""

from __future__ import annotations

import logging
import time

import numpy as np
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE
from neuralforecast.models import LSTM

from benchmarks.speed.panels import synthetic
from benchmarks.speed.sizes import BATCH, HIDDEN, HORIZON, LOOKBACK, RATE
from benchmarks.speed.worker import peak_mb, serve


class Contestant:
    def load(self, series: int, steps: int) -> None:
        self.frame = pd.DataFrame(
            {
                "unique_id": np.repeat(np.arange(series), steps),
                "ds": np.tile(np.arange(steps), series),
                "y": synthetic(series, steps).ravel(),
            }
        )
        self.one = self.frame.iloc[:steps]

    def train(self, steps: int) -> dict[str, float | None]:
        started = time.perf_counter()
        model = LSTM(
            h=HORIZON, input_size=LOOKBACK, encoder_hidden_size=HIDDEN, encoder_n_layers=1, decoder_hidden_size=HIDDEN,
            decoder_layers=1, windows_batch_size=BATCH, batch_size=32, loss=MAE(), scaler_type="standard",
            recurrent=False, learning_rate=RATE, max_steps=steps, accelerator="cpu", enable_progress_bar=False,
            logger=False, enable_checkpointing=False, enable_model_summary=False,
        )  # fmt: skip
        self.forecaster = NeuralForecast(models=[model], freq=1)
        self.forecaster.fit(self.frame)
        return {"seconds": time.perf_counter() - started, "peak_mb": peak_mb()}

    def predict(self, series: int) -> float:
        """All series of the training as they are stored; one as a frame of its own."""
        started = time.perf_counter()
        forecast = self.forecaster.predict(df=self.one) if series == 1 else self.forecaster.predict()
        seconds = time.perf_counter() - started
        assert len(forecast) == series * HORIZON
        return seconds


if __name__ == "__main__":
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    contestant = Contestant()
    serve({"load": contestant.load, "train": contestant.train, "predict": contestant.predict})
