"""ridership: the next day's bus and rail boardings in Chicago, tomorrow's day type known (system 5)."""

from __future__ import annotations

from pathlib import Path

import gatecast as gc
from gatecast.demos.pictures import draw
from gatecast.demos.result import DemoResult, Span, errors_of

__all__ = ["published", "run"]

SPANS = {"validation": ("2019-02-26", "2019-05-31"), "test": ("2019-07-27", None)}  # targets after 56 days of the part
CHOSEN_DAY = "W"  # 2021-12-01 was a Wednesday


def published(seed: int) -> gc.Forecaster:
    """LSTM 32 on millions of riders, Huber, SGD with momentum, 50 epochs, plateau schedule on the validation MAE."""
    return gc.Forecaster(
        horizon=1,
        lookback=56,
        scaling="unit:1e6",
        network=gc.LSTMConfig(hidden_size=32, init="uniform"),
        training=gc.TrainingConfig(
            loss="huber", optimizer="sgd", lr=0.05, momentum=0.95, schedule="plateau", plateau_patience=20,
            plateau_factor=0.1, clip=None, batch_size=32, max_epochs=50, monitor="mae", restore_best=False,
            start="random", track_mae=True, seed=seed,
        ),
        members=1,
        quantiles=(0.5,),
    )  # fmt: skip


def run(as_published: bool, seed: int, plot: Path | None, data: Path | None = None) -> DemoResult:
    """Train on all days before 2019 (as published: from 2016), score on 95 days of 2019 and on 858 later ones."""
    panel = gc.load_example("ridership", data=data)
    shown, check = panel.between("2016-01"), panel.between("2019-01", "2019-05")
    train = (shown if as_published else panel).between(end="2018-12")
    model = published(seed) if as_published else gc.Forecaster(horizon=1, seed=seed)
    model.fit(train, validation=check if as_published else None)
    walks = {name: gc.evaluate(model, panel, begin=begin, end=end, season=7) for name, (begin, end) in SPANS.items()}
    draw(plot, "ridership", shown, len(shown.between(end="2018-12").series(0)), walks, model.history_)
    scores = {name: errors_of(span) for name, span in walks.items()}
    if as_published:  # the article keeps the best epoch of the validation span
        best = 1e6 * min(row["validation_mae"] for row in model.history_)
        scores["validation"]["lstm"] = {"mse": float("nan"), "rmse": float("nan"), "mae": best}
    next_day = model.predict(panel, future={"day_type": CHOSEN_DAY})
    riders = {target: round(float(next_day.values[0, 0, c])) for c, target in enumerate(next_day.targets)}
    alone = {name: {t: row["lstm"] for t, row in walk.scores.per_target.items()} for name, walk in walks.items()}
    notes = [f"MAE, {n}: " + ", ".join(f"{t} {e['mae']:,.0f}" for t, e in rows.items()) for n, rows in alone.items()]
    words = " and ".join(f"{count:,} by {target}" for target, count in riders.items())
    notes.append(f"2021-12-01 as a weekday: {words}.")
    return DemoResult(
        "ridership", as_published, seed, model.record_["seconds"], scores, model.plan_.describe(),
        "validation MAE 0.0266 (epoch 50), test MAE 134,912 riders.", walks["test"].scores.verdict, tuple(notes),
        {"next_day": riders, "per_target": {n: w.scores.per_target for n, w in walks.items()}},
        {name: Span.of(walk) for name, walk in walks.items()},
    )  # fmt: skip
