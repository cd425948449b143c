"""Ensembles of the airline's size as a contestant."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import gatecast as gc
from benchmarks.speed.worker import serve
from gatecast.demos.airline import TRAIN, published

__all__ = ["apart", "together"]

EPOCHS = 40  # of the published plan: enough for a steady time per step
SEED_STEP = 1000  # between the seeds of two members
PANEL = gc.load_example("airline").slice(0, TRAIN)


def together(plan: str, members: int) -> dict[str, Any]:
    """All members in one fit."""
    model = _model(plan)
    model.members = members
    return _fit([model])


def apart(plan: str, members: int) -> dict[str, Any]:
    """One fit per member, with the seed that it has in an ensemble."""
    models = [_model(plan) for _ in range(members)]
    for member, model in enumerate(models):
        assert isinstance(model.training, gc.TrainingConfig)
        model.training = replace(model.training, seed=model.training.seed + SEED_STEP * member)
    return _fit(models)


def _model(plan: str) -> gc.Forecaster:
    """One network with every setting given."""
    if plan == "published":
        model = published(4, 0)
        assert isinstance(model.training, gc.TrainingConfig)
        model.training = replace(model.training, max_epochs=EPOCHS)
    else:
        chosen = gc.Forecaster(1, progress=False).plan_for(PANEL)
        training = replace(chosen.training, validation=0, start="random")
        model = gc.Forecaster(
            1, lookback=chosen.framing.lookback, scaling=chosen.scaling, network=chosen.network, training=training,
            members=1, progress=False,
        )  # fmt: skip
    model.progress = False
    return model


def _fit(models: list[gc.Forecaster]) -> dict[str, Any]:
    started = time.perf_counter()
    for model in models:
        model.fit(PANEL)
    seconds = time.perf_counter() - started
    last = {(m, row["member"]): row for m, model in enumerate(models) for row in model.history_}
    training = models[0].plan_.training
    windows = len(models[0].plan_.spans.all_windows(PANEL))
    steps = training.max_epochs * (training.steps_per_epoch or -(-windows // training.batch_size))
    return {"seconds": seconds, "steps": steps, "losses": [row["train_loss"] for row in last.values()]}


if __name__ == "__main__":
    serve({"together": together, "apart": apart})
