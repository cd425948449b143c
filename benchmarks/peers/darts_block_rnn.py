"""darts' BlockRNNModel; progress bars, logs and checkpoints off. float32, as all others compute in it."""

from __future__ import annotations

import logging
import time

import torch
from darts import TimeSeries
from darts.models import BlockRNNModel

from benchmarks.speed.panels import synthetic
from benchmarks.speed.sizes import BATCH, HIDDEN, HORIZON, LOOKBACK, RATE
from benchmarks.speed.worker import peak_mb, serve


class Contestant:
    def load(self, series: int, steps: int) -> None:
        self.series = [TimeSeries.from_values(row[:, None]) for row in synthetic(series, steps)]

    def train(self, steps: int) -> dict[str, float | None]:
        started = time.perf_counter()
        self.model = BlockRNNModel(
            LOOKBACK, HORIZON, model="LSTM", hidden_dim=HIDDEN, n_rnn_layers=1, batch_size=BATCH, n_epochs=1,
            loss_fn=torch.nn.L1Loss(), optimizer_kwargs={"lr": RATE}, random_state=0, save_checkpoints=False,
            pl_trainer_kwargs={
                "accelerator": "cpu", "max_steps": steps, "enable_progress_bar": False, "logger": False,
                "enable_checkpointing": False, "enable_model_summary": False,
            },
        )  # fmt: skip
        self.model.fit(self.series, verbose=False)
        assert self.model.trainer.global_step == steps
        return {"seconds": time.perf_counter() - started, "peak_mb": peak_mb()}

    def predict(self, series: int) -> float:
        started = time.perf_counter()
        forecast = self.model.predict(HORIZON, series=self.series[:series], batch_size=1024, verbose=False)
        seconds = time.perf_counter() - started
        assert len(forecast) == series
        return seconds


if __name__ == "__main__":
    for name in ("pytorch_lightning", "lightning.pytorch", "darts"):
        logging.getLogger(name).setLevel(logging.ERROR)
    contestant = Contestant()
    serve({"load": contestant.load, "train": contestant.train, "predict": contestant.predict})
