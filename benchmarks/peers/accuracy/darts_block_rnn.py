"""darts' BlockRNNModel; every series scaled to 0..1 by itself, as its guide advises, float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import BlockRNNModel

from benchmarks.peers.accuracy.panel import STEPS, Floats, answer, quiet


def forecast(series: list[Floats], horizon: int, lookback: int, **_: Any) -> Floats:
    scaler = Scaler()
    scaled = scaler.fit_transform([TimeSeries.from_values(values[:, None].astype(np.float32)) for values in series])
    model = BlockRNNModel(
        lookback, horizon, model="LSTM", hidden_dim=64, n_rnn_layers=2, batch_size=128, n_epochs=STEPS,
        loss_fn=torch.nn.L1Loss(), optimizer_kwargs={"lr": 1e-3}, random_state=0, save_checkpoints=False,
        pl_trainer_kwargs={
            "accelerator": "cpu", "max_steps": STEPS, "enable_progress_bar": False, "logger": False,
            "enable_checkpointing": False, "enable_model_summary": False,
        },
    )  # fmt: skip
    model.fit([s for s in scaled if len(s) >= lookback + horizon], verbose=False)
    found = scaler.inverse_transform(model.predict(horizon, series=scaled, verbose=False))
    return np.stack([one.values()[:, 0] for one in found])


if __name__ == "__main__":
    quiet()
    answer(forecast)
