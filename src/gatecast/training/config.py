"""TrainingConfig: how a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gatecast.errors import Argument, ConfigError, Part, joined, misfits, shown
from gatecast.model.losses import LOSSES, loss_named

__all__ = ["COUNTS", "TrainingConfig"]

COUNTS = "negative-binomial"  # the loss of counts
MOST_COPIES = 20

if TYPE_CHECKING:
    LossName = str
else:
    LossName = Literal[tuple(LOSSES)]  # what the command line and the model file take, from the table


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of the training loop. The field docs are the help of the command line.

    Args:
        loss: What is minimised; pinball trains every quantile; mse, mae and huber one point forecast; gaussian,
            student-t and negative-binomial (for counts) the parameters of a distribution.
        optimizer: Way of updating the weights.
        lr: Learning rate (the highest one of its schedule).
        momentum: Momentum of sgd.
        weight_decay: Decay of the weights (decoupled in adamw).
        schedule: How the learning rate moves: plateau divides it when validation stalls; cosine and one-cycle go to 0.
        plateau_patience: Epochs without improvement before the plateau schedule lowers the rate.
        plateau_factor: What the plateau schedule multiplies the rate by.
        clip: Largest gradient norm; none = not clipped.
        batch_size: Windows per step.
        shuffle: Draw the windows of an epoch in random order.
        max_epochs: Most passes over the windows.
        steps_per_epoch: Steps of random windows that count as one epoch; none = every window once.
        patience: Epochs without improvement of the validation error before training stops; none = never.
        stop_below: Stop once the training loss of an epoch is below this; none = never.
        augment: Augmented series for each series (its values with random level shifts and outliers), trained beside
            it; none = one for each of a few long positive series with a stable level, when one step is forecast,
            unless the validation error gets worse by it.
        validation: Share of each series' end that is held out to validate on; 0 = none.
        monitor: Which validation error counts: the loss, or the mean absolute error.
        restore_best: Go back to the weights with the best validation error.
        start: Weights to begin with: random, or a ridge regression for the linear part and the readout.
        track_mae: Also record the mean absolute training error of every epoch.
        seed: Seed of everything random.
        device: Where to compute: auto, cpu, cuda, mps.
        log_every: Epochs between two rows of the history.
    """

    loss: LossName = "pinball"
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = 3e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Literal["constant", "plateau", "cosine", "one-cycle"] = "one-cycle"
    plateau_patience: int = 10
    plateau_factor: float = 0.1
    clip: float | None = 1.0
    batch_size: int = 128
    shuffle: bool = True
    max_epochs: int = 20
    steps_per_epoch: int | None = None
    patience: int | None = None
    stop_below: float | None = None
    augment: int | None = None
    validation: float = 0.2
    monitor: Literal["loss", "mae"] = "loss"
    restore_best: bool = True
    start: Literal["random", "ridge"] = "ridge"
    track_mae: bool = False
    seed: int = 0
    device: str = "auto"
    log_every: int = 1

    def __post_init__(self) -> None:
        wrong: list[Part] = [
            _wrong(name, getattr(self, name), must)
            for name, must in misfits(self)
            if name != "loss" or not isinstance(self.loss, str)
        ]
        if wrong:
            raise ConfigError("training settings of another type: ", joined(", ", wrong), ".")
        counts = loss_named(self.loss).counts
        if not self.lr > 0:
            wrong.append(_wrong("lr", self.lr, "above 0"))
        if not 0 <= self.validation < 1:
            wrong.append(_wrong("validation", self.validation, "0 to below 1"))
        if not 0 < self.plateau_factor < 1:
            wrong.append(_wrong("plateau_factor", self.plateau_factor, "between 0 and 1"))
        if self.clip is not None and not self.clip > 0:
            wrong.append(_wrong("clip", self.clip, "above 0"))
        if self.augment and self.augment > MOST_COPIES:  # they lie in memory beside the data
            wrong.append(_wrong("augment", self.augment, f"at most {MOST_COPIES}"))
        if self.augment and counts:
            wrong.append(_wrong("augment", self.augment, "0 with a loss of counts: made-up numbers are none"))
        whole = ("batch_size", "max_epochs", "steps_per_epoch", "patience", "plateau_patience", "log_every", "augment")
        for name in whole:
            value, low = getattr(self, name), 0 if name in ("max_epochs", "augment") else 1
            if value is not None and value < low:
                wrong.append(_wrong(name, value, f"at least {low}"))
        if wrong:
            raise ConfigError("training settings out of range: ", joined(", ", wrong), ".")


def _wrong(name: str, value: object, limit: str) -> ConfigError:
    return ConfigError(Argument(name, of="training"), f" = {shown(value)} ({limit})")
