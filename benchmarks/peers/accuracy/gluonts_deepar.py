"""GluonTS' DeepAR: its own scaling, lags of the frequency, the median of its sample paths.

The dates are made up, so calendar features would say nothing: the lags carry the season, as the age of the series does
the trend.
"""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import pandas as pd
import torch
from gluonts.time_feature import get_lags_for_frequency
from gluonts.torch import DeepAREstimator

from benchmarks.peers.accuracy.panel import STEPS, Floats, answer, quiet

STEPS_PER_EPOCH = 50


def forecast(series: list[Floats], horizon: int, lookback: int, frequency: str, **_: Any) -> Floats:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 (the library draws from it)
    start = pd.Period("2000-01-01", freq="D")
    data = [{"start": start, "target": values.astype(np.float32), "item_id": str(n)} for n, values in enumerate(series)]
    with tempfile.TemporaryDirectory() as folder:  # the estimator insists on checkpoints
        estimator = DeepAREstimator(
            freq="D", prediction_length=horizon, context_length=lookback, num_layers=2, hidden_size=64, lr=1e-3,
            batch_size=64, num_batches_per_epoch=STEPS_PER_EPOCH, lags_seq=get_lags_for_frequency(frequency),
            time_features=[],
            trainer_kwargs={
                "max_epochs": STEPS // STEPS_PER_EPOCH, "accelerator": "cpu", "logger": False,
                "enable_progress_bar": False, "enable_model_summary": False, "default_root_dir": folder,
            },
        )  # fmt: skip
        predictor = estimator.train(data)
        found = list(predictor.predict(data, num_samples=100))
    return np.stack([one.quantile(0.5) for one in found])


if __name__ == "__main__":
    quiet()
    answer(forecast)
