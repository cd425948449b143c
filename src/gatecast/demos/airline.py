"""airline: monthly passengers, one step ahead (system 3)."""

from __future__ import annotations

from pathlib import Path

import gatecast as gc
from gatecast.demos.pictures import draw
from gatecast.demos.result import DemoResult, Span, errors, errors_of
from gatecast.errors import ConfigError

__all__ = ["published", "run"]

TRAIN = 96  # the first 67 % of 144 months


def published(lookback: int, seed: int) -> gc.Forecaster:
    """LSTM 50 on raw passengers, the loss on every step of the window, 2,000 epochs."""
    return gc.Forecaster(
        horizon=1,
        lookback=lookback,
        scaling="none",
        network=gc.LSTMConfig(hidden_size=50, readout=0, init="uniform"),
        training=gc.TrainingConfig(
            loss="mse", optimizer="adam", lr=1e-3, schedule="constant", clip=None, batch_size=8, max_epochs=2000,
            log_every=100, validation=0, start="random", seed=seed,
        ),
        members=1,
        quantiles=(0.5,),
    )  # fmt: skip


def run(as_published: bool, seed: int, plot: Path | None, lookback: int | None = None) -> DemoResult:
    """Train on 96 months, score on the months 97..143 (look-back 1) or 100..143 (otherwise), counted from 0."""
    if lookback not in (None, 1, 4) or (lookback is not None and not as_published):
        raise ConfigError(f"the published look-backs are 1 and 4, with --as-published; got {lookback}.")
    panel = gc.load_example("airline")
    train, test = panel.slice(0, TRAIN), panel.slice(TRAIN, len(panel.series(0)))
    model = published(lookback or 1, seed) if as_published else gc.Forecaster(horizon=1, seed=seed)
    model.fit(train)
    first_target = panel.times(0)[TRAIN + (lookback or 1) if as_published else 100]
    # the article windows the test part by itself; the naive forecasts may look back all the same
    fit = gc.evaluate(model, train, season=12, origins="all", in_sample=True)
    scored = gc.evaluate(model, panel, begin=first_target, season=12)
    draw(plot, "airline", panel, TRAIN, {"train": fit, "test": scored}, model.history_)
    scores = {"train": errors_of(fit), "test": errors_of(scored)}
    if as_published:
        for span, part in ((fit, "train"), (gc.evaluate(model, test, origins="all", in_sample=True), "test")):
            every_BKHC = model.fitted_.every_step(span.panel, span.series_B, span.origin_B)
            row_BK = span.origin_B[:, None] + range(2 - model.plan_.framing.lookback, 2)
            scores[part]["lstm_all_steps"] = errors(panel.target_RC[row_BK], every_BKHC[:, :, 0])
    return DemoResult(
        "airline", as_published, seed, model.record_["seconds"], scores, model.plan_.describe(),
        "look-back 1: train RMSE 225.8 to 23.5, test RMSE 422.2 to 100.2 (epochs 0 to 1900).",
        scored.scores.verdict, ("RMSE in thousands of passengers, one month ahead.",),
        {"lookback": model.plan_.framing.lookback}, {"test": Span.of(scored)},
    )  # fmt: skip
