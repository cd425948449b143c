"""Sizes that the amount of data can fill: of the network, its windows, its training and the ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatecast.data.panel import Panel
from gatecast.model.config import LSTMConfig
from gatecast.selection.settings import changed
from gatecast.training.config import TrainingConfig
from gatecast.training.counts import COUNTS

__all__ = ["members_for", "network_for", "supervised_steps", "training_for"]

SMALL_STEPS = 5_000  # in all: a narrow network that learns in large steps
FEW_STEPS = 20_000  # in all: a large panel has windows enough, and more steps of each window train it worse
MANY_STEPS = 50_000  # in all: trainings are long, and one member is as good as several
MOST_SUPERVISED = 48  # of a window, times the horizon
MANY_WINDOWS = 12  # of the supervised steps in a typical series
LIKELIHOODS = ("gaussian", "student-t", COUNTS)


def network_for(panel: Panel, skip: int, wanted: LSTMConfig | Mapping[str, Any] | None) -> LSTMConfig:
    """Sizes that the amount of data can fill, unless the user fixed them."""
    if isinstance(wanted, LSTMConfig):
        return wanted
    total = panel.total
    hidden = 16 if total < SMALL_STEPS else 32 if total < FEW_STEPS else 64
    return changed(LSTMConfig(hidden_size=hidden, skip=skip), wanted or {})


def supervised_steps(panel: Panel, warm_up: int, room: int, horizon: int, season: int) -> int:
    """Steps K whose forecasts are trained: half as many as are only read; more of a few long series, a step ahead.

    Of few series, whole seasons and one step: then a window of L = W + K - 1 steps holds whole seasons too, and its
    mean and spread do not depend on the weekday that it begins with.
    """
    few = panel.total < FEW_STEPS
    short = min(max(warm_up // 2, 1), 32 if few else 12, max(room // 3, 1))
    if not few:
        return short
    long = min(3 * warm_up, MOST_SUPERVISED // horizon, room // MANY_WINDOWS)
    most = max(short, long)
    return most // season * season + 1 if 1 < season <= most else most


def training_for(panel: Panel, seed: int, wanted: TrainingConfig | Mapping[str, Any] | None) -> TrainingConfig:
    """A short one-cycle training: small data overfit soon, large ones need a few hundred steps."""
    if isinstance(wanted, TrainingConfig):
        return wanted
    epochs, steps, batch = _amount_of_training(panel.total)
    wanted = wanted or {}
    lr = TrainingConfig.lr
    if wanted.get("loss") not in LIKELIHOODS:  # few steps are to be large ones; likelihoods would go astray
        lr = 1e-2 if panel.total < SMALL_STEPS else 6e-3 if panel.total < FEW_STEPS else lr
    chosen = TrainingConfig(lr=lr, batch_size=batch, max_epochs=epochs, steps_per_epoch=steps, seed=seed)
    return changed(chosen, wanted)


def _amount_of_training(total: int) -> tuple[int, int, int]:
    """Epochs, steps of each and windows of a batch, by the values of all series: more windows for larger data.

    Epochs of small data are short, so that the best one is told finely.
    """
    if total < FEW_STEPS:
        return (20 if total < 300 else 40), (10 if total < 2_000 else 20), 32
    return 20, (25 if total < MANY_STEPS else 50), 128


def members_for(panel: Panel) -> int:
    """More members where one is cheap and the draw matters most."""
    return 3 if panel.total < MANY_STEPS else 1
