"""The training series as a file tells them, and how every peer answers. numpy only, besides the peer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.worker import peak_mb, serve

__all__ = ["STEPS", "Floats", "answer", "long_table", "quiet"]

STEPS = 1000  # of training, for each of the networks
Floats = NDArray[np.float64]


def answer(forecast: Callable[..., Floats]) -> None:
    """Serve one call: read the series, time the training and the forecast, give it back."""

    def call(data: str, **told: Any) -> dict[str, Any]:
        with np.load(data, allow_pickle=False) as file:
            series = np.split(file["values"], np.cumsum(file["length"])[:-1])
        started = time.perf_counter()
        values_NH = np.asarray(forecast(series, **told), np.float64)
        seconds = time.perf_counter() - started
        if not np.isfinite(values_NH).all():
            raise ValueError(f"{(~np.isfinite(values_NH)).any(1).sum()} forecasts are not finite")
        return {"seconds": seconds, "peak_mb": peak_mb(), "forecast": values_NH.tolist()}

    serve({"forecast": call})


def long_table(series: list[Floats]) -> Any:
    """A frame with unique_id, ds (steps) and y; the ids in the order of the series."""
    import pandas as pd

    length = [len(values) for values in series]
    steps = np.concatenate([np.arange(1, count + 1) for count in length])
    return pd.DataFrame(
        {"unique_id": np.repeat(np.arange(len(series)), length), "ds": steps, "y": np.concatenate(series)}
    )


def quiet() -> None:
    """No notes of the trainers."""
    for name in ("pytorch_lightning", "lightning", "lightning.pytorch", "lightning.fabric", "darts", "gluonts"):
        logging.getLogger(name).setLevel(logging.ERROR)
