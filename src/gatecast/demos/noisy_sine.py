"""noisy-sine: the next value of a noisy curve from the last ones (system 1)."""

from __future__ import annotations

from pathlib import Path

import gatecast as gc
from gatecast.data.examples.datasets import noisy_sine_floor
from gatecast.demos.pictures import draw
from gatecast.demos.result import DemoResult, Span, errors_of

__all__ = ["published", "run"]

FIRST_TARGET = 724  # the article windows the last 80 values by themselves: 4 of them are history only


def published(seed: int) -> gc.Forecaster:
    """4 values as one step of 4 features, LSTM 128, in order, 100 epochs."""
    return gc.Forecaster(
        horizon=1,
        lookback=4,
        scaling="none",
        network=gc.LSTMConfig(hidden_size=128, patch=4, init="uniform"),
        training=gc.TrainingConfig(
            loss="mse", optimizer="adam", lr=1e-4, schedule="constant", clip=None, batch_size=64, shuffle=False,
            max_epochs=100, log_every=10, validation=0, start="random", seed=seed,
        ),
        members=1,
        quantiles=(0.5,),
    )  # fmt: skip


def run(as_published: bool, seed: int, plot: Path | None) -> DemoResult:
    """Train on the first 720 values, score on the targets 724..799."""
    panel = gc.load_example("noisy-sine", seed=seed)
    train, test = panel.split(fraction=0.9)
    model = published(seed) if as_published else gc.Forecaster(horizon=1, seed=seed)
    model.fit(train)
    fit = gc.evaluate(model, train, origins="all", in_sample=True)
    scored = gc.evaluate(model, test if as_published else panel, begin=FIRST_TARGET)
    scored = scored.with_reference("floor", noisy_sine_floor()[FIRST_TARGET:, None, None])
    draw(plot, "noisy-sine", panel, 720, {"train": fit, "test": scored}, model.history_)
    scores = {"train": errors_of(fit), "test": errors_of(scored)}
    ratio = scores["test"]["lstm"]["rmse"] / scores["test"]["floor"]["rmse"]
    notes = [f"Test RMSE is {ratio:.3f} times the floor, the curve without its noise."]
    if as_published:
        log = ", ".join(f"{row['last_loss']:.3f} ({row['epoch']:.0f})" for row in model.history_[1::3])
        notes.append(f"Loss of the last mini-batch (epoch): {log}")
    return DemoResult(
        "noisy-sine", as_published, seed, model.record_["seconds"], scores, model.plan_.describe(),
        "loss 4.1006 (epoch 10) to 0.4821 (epoch 100), on noise of its own.", scored.scores.verdict, tuple(notes),
        {"floor_ratio": ratio}, {"test": Span.of(scored)},
    )  # fmt: skip
