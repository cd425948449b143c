"""The settings that are searched: those that the user left open, each around what Gatecast chooses by itself.

A trial is a set of parameters, plain numbers and texts. Where a parameter has its default, the setting is left to the
forecaster, so the first trial, all defaults, is the forecaster as it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.model.losses import loss_named, losses_of
from gatecast.planning.choose import scalings_to_try
from gatecast.planning.defaults import Defaults
from gatecast.planning.plan import Plan
from gatecast.planning.seasonality import seasonal_periods
from gatecast.training.config import TrainingConfig

if TYPE_CHECKING:
    from optuna.trial import Trial

    from gatecast.forecaster import Forecaster

__all__ = ["AUTO", "Dimension", "Params", "Space", "arguments_of", "make_space", "merged"]

AUTO = "auto"  # leave it to the forecaster
DROPOUTS = (0.0, 0.1, 0.2, 0.3)
MOST_LOOKBACKS = 6

Params = dict[str, Any]
Place = Literal["model", "network", "training"]


@dataclass(frozen=True)
class Dimension:
    """One setting.

    Args:
        place: the argument of the Forecaster that holds it; "model" = it is an argument itself.
        name: of the setting.
        default: its value where it is not changed.
        options: the values to choose from; empty = a range.
        doublings: (low, high) the value is the default times 2 to the power of a whole number between these.
        factor: the value lies between the default divided and multiplied by this, on a logarithmic scale.
    """

    place: Place
    name: str
    default: Any
    options: tuple[Any, ...] = ()
    doublings: tuple[int, int] | None = None
    factor: float | None = None

    @property
    def start(self) -> Any:
        """The parameter of the default."""
        return 0 if self.doublings else self.default

    def suggest(self, trial: Trial) -> Any:
        """Ask Optuna for the parameter."""
        if self.doublings:
            return trial.suggest_int(self.name, *self.doublings)
        if self.factor:
            return trial.suggest_float(self.name, self.default / self.factor, self.default * self.factor, log=True)
        return trial.suggest_categorical(self.name, self.options)

    def value(self, parameter: Any) -> Any:
        """The setting that a parameter stands for; two digits are as many as anyone wants to type."""
        if self.doublings:
            return max(round(self.default * 2.0**parameter), 1)
        if self.factor:
            return self.default if parameter == self.default else float(f"{parameter:.2g}")
        return parameter


@dataclass(frozen=True)
class Space:
    """All settings that are searched.

    Args:
        dimensions: one for each.
        layers: LSTM layers where they are not searched; one layer has no dropout.
    """

    dimensions: tuple[Dimension, ...]
    layers: int = 1

    @property
    def start(self) -> Params:
        """The parameters of the first trial: all defaults."""
        return {dimension.name: dimension.start for dimension in self.dimensions}

    def suggest(self, trial: Trial) -> Params:
        """Ask Optuna for all parameters."""
        return {dimension.name: dimension.suggest(trial) for dimension in self.dimensions}

    def changes(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of a Forecaster that differ from the default, those of network and training in mappings."""
        changes: dict[str, Any] = {}
        for dimension in self.dimensions:
            value = dimension.value(params[dimension.name])
            idle = dimension.name == "dropout" and params.get("num_layers", self.layers) == 1
            if value == dimension.default or idle:
                continue
            group = changes if dimension.place == "model" else changes.setdefault(dimension.place, {})
            group[dimension.name] = value
        return changes

    def describe(self) -> list[list[Any]]:
        """What is searched, as plain data that tells one space from another."""
        return [[d.name, d.default, *d.options, *(d.doublings or ()), d.factor] for d in self.dimensions]


def arguments_of(model: Forecaster) -> dict[str, Any]:
    """The arguments of a Forecaster as plain data: ``Forecaster(**arguments)`` gives it again."""
    return model.settings.plain() | vars(model.running)


def merged(arguments: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with changes, those of network and training one by one."""
    both = {**arguments, **changes}
    for name in ("network", "training"):
        if name in changes:
            both[name] = {**(arguments[name] or {}), **changes[name]}
    return both


def make_space(model: Forecaster, plan: Plan, search: Panel, oldest: Panel) -> Space:
    """Everything that the user left open.

    Args:
        model: the forecaster as the user made it.
        plan: what it chooses for ``search``.
        search: all that the search may see.
        oldest: the least that a trial is trained on; lookbacks have to fit it.

    Raises:
        ConfigError: nothing was left open, or the network is no LSTM.
    """
    network, training = plan.network, plan.training
    if not isinstance(network, LSTMConfig):
        raise ConfigError(f"the search knows the settings of an LSTM, not those of a {type(network).__name__}.")
    fixed = _fixed(model)
    wanted = [
        Dimension("model", "lookback", AUTO, (AUTO, *_lookbacks(plan, search, oldest, fixed, model.defaults))),
        Dimension("model", "scaling", AUTO, (AUTO, *_scalings(plan, search, model.defaults))),
        Dimension("network", "hidden_size", network.hidden_size, doublings=(-2, 1)),
        Dimension("network", "num_layers", network.num_layers, (1, 2)),
        Dimension("network", "dropout", network.dropout, DROPOUTS),
        Dimension("training", "loss", training.loss, losses_of("quantile", "likelihood")),
        Dimension("training", "lr", training.lr, factor=10.0),
        Dimension("training", "batch_size", training.batch_size, doublings=(-1, 1)),
        Dimension("training", "max_epochs", training.max_epochs, doublings=(-2, 1)),
    ]
    if "num_layers" in fixed and network.num_layers == 1:
        fixed.add("dropout")
    left = tuple(d for d in wanted if d.name not in fixed and len(d.options) != 1)
    if not left:
        raise ConfigError("there is nothing to tune: all settings are fixed. Leave some of them out.")
    return Space(left, network.num_layers)


def _fixed(model: Forecaster) -> set[str]:
    """Names of the settings that the user gave."""
    fixed = {name for name in ("lookback", "scaling") if getattr(model, name) is not None}
    for config, held in ((LSTMConfig, model.network), (TrainingConfig, model.training)):
        names = vars(config()) if isinstance(held, config) else held or {}
        fixed.update(map(str, names))  # type: ignore[arg-type]
    return fixed


def _lookbacks(plan: Plan, search: Panel, oldest: Panel, fixed: set[str], defaults: Defaults) -> list[int]:
    """Multiples of the season and some round numbers that every window of every fold can fill."""
    horizon, season = plan.framing.horizon, plan.season
    cut_N = plan.cut(oldest)
    most = min(int(cut_N.min()) - horizon, defaults.season.longest)
    least = max([4, *(getattr(plan.network, name) for name in ("skip", "readout", "patch") if name in fixed)])
    seasons = [m * k for m in (season, *seasonal_periods(search, defaults)) if m > 1 for k in (1, 2, 3, 4)]
    rest = [horizon, 2 * horizon, 3 * horizon, 12, 24, 48, 96]
    fits = [steps for steps in dict.fromkeys(seasons or rest) if least <= steps <= most]
    fits += [steps for steps in rest if least <= steps <= most and steps not in fits]
    return sorted(fits[:MOST_LOOKBACKS])


def _scalings(plan: Plan, search: Panel, defaults: Defaults) -> list[str]:
    """The candidates of the default choice, but for the one that it chose."""
    counts = loss_named(plan.training.loss).counts
    candidates = scalings_to_try(search, seasonal_periods(search, defaults), counts, defaults)
    return [s.describe() for s in candidates if s != plan.scaling]
