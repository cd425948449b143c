"""sin-to-cos: one series in, another out, step by step (system 2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import gatecast as gc
from gatecast.demos.result import DemoResult, Span, errors
from gatecast.forecasts.plots import loss_chart, split_chart
from gatecast.statistical.naive import baseline_forecasts

__all__ = ["published", "run"]

PERIOD = 33  # steps of one turn: 200 points over 6 of them


def published(seed: int) -> gc.SequenceRegressor:
    """Five interleaved sequences of 20 steps, LSTM 16, until the loss is below 1e-4."""
    return gc.SequenceRegressor(
        interleave=5,
        scaled=False,
        network=gc.LSTMConfig(hidden_size=16, readout=0, init="uniform"),
        training=gc.TrainingConfig(
            loss="mse", optimizer="adam", lr=1e-2, schedule="constant", clip=None, max_epochs=10_000, stop_below=1e-4,
            log_every=100, validation=0, start="random", seed=seed,
        ),
    )  # fmt: skip


def run(as_published: bool, seed: int, plot: Path | None) -> DemoResult:
    """Train on the first 100 points, score on the other 100."""
    panel = gc.load_example("sin-to-cos")
    train, test = panel.split(fraction=0.5)
    model = published(seed) if as_published else gc.SequenceRegressor(seed=seed)
    model.fit(train)
    outputs = {"train": model.predict(train), "test": model.predict(test)}
    scores = {"train": {"lstm": errors(train.series(0), outputs["train"])}}
    origins = np.arange(99, 199)
    naive = baseline_forecasts(panel.target_RC, np.zeros(100, np.int64), origins, 1, PERIOD)
    scores["test"] = {"lstm": errors(test.series(0), outputs["test"])}
    scores["test"] |= {name: errors(test.series(0), forecast[:, 0]) for name, forecast in naive.items()}
    forecasts = {"lstm": outputs["test"], **{name: forecast[:, 0] for name, forecast in naive.items()}}
    span = Span(test.times(0), test.series(0), forecasts, panel.targets, panel.frequency)
    best = min(naive, key=lambda name: scores["test"][name]["rmse"])
    gain = 1 - scores["test"]["lstm"]["rmse"] / scores["test"][best]["rmse"]
    word = "Better" if gain > 0 else "NOT better"
    verdict = f"{word} than {best.replace('_', ' ')} on the target: {gain:+.0%} of RMSE."
    if plot is not None:
        parts = {name: (part.times(0), outputs[name][:, 0]) for name, part in (("train", train), ("test", test))}
        split_chart(panel.times(0), panel.series(0)[:, 0], parts, 100, title="sin-to-cos", path=plot / "sin-to-cos.png")
        loss_chart(model.history_, plot / "sin-to-cos-loss.png", "sin-to-cos: loss by epoch")
    last = model.history_[-1] if model.history_ else {"epoch": 0, "train_loss": float("nan")}
    notes = (f"Last epoch {last['epoch']:.0f}, training loss {last['train_loss']:.3g}.",)
    return DemoResult(
        "sin-to-cos", as_published, seed, model.record_["seconds"], scores, model.describe(),
        "stops once the loss is below 1e-4.", verdict, notes,
        {"epochs": int(last["epoch"]), "last_loss": last["train_loss"]}, {"test": span},
    )  # fmt: skip
