"""neuralforecast's LSTM with a direct head, every window scaled by its own mean and spread."""

from __future__ import annotations

from typing import Any

from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE
from neuralforecast.models import LSTM

from benchmarks.peers.accuracy.panel import STEPS, Floats, answer, long_table, quiet


def forecast(series: list[Floats], horizon: int, lookback: int, **_: Any) -> Floats:
    model = LSTM(
        h=horizon, input_size=lookback, encoder_hidden_size=64, encoder_n_layers=2, decoder_hidden_size=64,
        decoder_layers=1, windows_batch_size=128, batch_size=32, loss=MAE(), scaler_type="standard", recurrent=False,
        learning_rate=1e-3, max_steps=STEPS, random_seed=0, accelerator="cpu", enable_progress_bar=False, logger=False,
        enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    forecaster = NeuralForecast(models=[model], freq=1)
    forecaster.fit(long_table(series))
    table = forecaster.predict().sort_values(["unique_id", "ds"])
    values_NH: Floats = table["LSTM"].to_numpy().reshape(len(series), horizon)
    return values_NH


if __name__ == "__main__":
    quiet()
    answer(forecast)
