"""Sizes that the amount of data can fill: of the network, its windows, its training and the ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatecast.data.panel import Panel
from gatecast.model.config import LSTMConfig, NetworkConfig
from gatecast.model.losses import loss_named
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.settings import changed
from gatecast.training.config import TrainingConfig

__all__ = ["is_heavy", "members_for", "network_for", "training_for", "training_origins_for"]


def network_for(
    panel: Panel, skip: int, wanted: NetworkConfig | Mapping[str, Any] | None, defaults: Defaults = DEFAULTS
) -> NetworkConfig:
    """Sizes that the amount of data can fill, unless the user fixed them."""
    if isinstance(wanted, NetworkConfig):
        return wanted
    sizes = defaults.sizes
    hidden = sizes.hidden[_rank(panel.total, sizes.small, sizes.few)]
    return changed(LSTMConfig(hidden_size=hidden, skip=skip), wanted)


def training_origins_for(
    panel: Panel, warm_up: int, room: int, horizon: int, season: int, defaults: Defaults = DEFAULTS
) -> int:
    """Steps K whose forecasts are trained: half as many as are only read; more of a few long series, a step ahead.

    Of few series, whole seasons and one step: then a window of L = W + K - 1 steps holds whole seasons too, and its
    mean and spread do not depend on the weekday that it begins with.
    """
    sizes = defaults.sizes
    few = panel.total < sizes.few
    most = sizes.most_origins_of_few if few else sizes.most_origins
    most = min(most, max(sizes.steps_ahead // horizon, 1))
    short = min(max(warm_up // sizes.read_per_origin, 1), most, max(room // sizes.origin_parts, 1))
    if not few:
        return short
    long = min(sizes.long_origins * warm_up, sizes.most_trained // horizon, room // sizes.windows)
    most = max(short, long)
    return most // season * season + 1 if 1 < season <= most else most


def training_for(
    panel: Panel, seed: int, wanted: TrainingConfig | Mapping[str, Any] | None, defaults: Defaults = DEFAULTS
) -> TrainingConfig:
    """A short one-cycle training: small data overfit soon, large ones need a few hundred steps."""
    if isinstance(wanted, TrainingConfig):
        return wanted
    sizes, total, wanted = defaults.sizes, panel.total, wanted or {}
    amount = _rank(total, sizes.tiny, sizes.modest, sizes.few, sizes.many)
    lr = TrainingConfig.lr
    likelihood = loss_named(str(wanted.get("loss", TrainingConfig.loss))).kind == "likelihood"
    if not likelihood:  # few steps are to be large ones; likelihoods would go astray
        lr = (*sizes.rates, lr)[_rank(total, sizes.small, sizes.few)]
    chosen = TrainingConfig(
        lr=lr,
        batch_size=sizes.batch[amount],
        max_epochs=sizes.epochs[amount],
        steps_per_epoch=sizes.steps[amount],
        seed=seed,
    )
    return changed(chosen, wanted)


def is_heavy(horizon: int, skip: int, defaults: Defaults = DEFAULTS) -> bool:
    """A training takes seconds, and of so many weights most are the regression's that it starts from."""
    return horizon * skip >= defaults.sizes.heavy


def members_for(panel: Panel, horizon: int, skip: int, defaults: Defaults = DEFAULTS) -> int:
    """More members where one is cheap and the draw matters most."""
    sizes = defaults.sizes
    return 1 if is_heavy(horizon, skip, defaults) else sizes.members[_rank(panel.total, sizes.many)]


def _rank(total: int, *bounds: int) -> int:
    """How many of the ascending bounds the steps in all reach.

    >>> _rank(99, 100, 500), _rank(100, 100, 500)
    (0, 1)
    """
    return sum(total >= bound for bound in bounds)
