"""What the user may fix, listed once: the arguments of a Forecaster, the options of the commands, the model file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import Any, Literal, TypeVar, get_args

import gatecast  # for the type Scaling, loaded where it is used: the help of a command needs no numpy
from gatecast.data.allowed import Bounds
from gatecast.errors import (
    Argument,
    ConfigError,
    Part,
    Setting,
    did_you_mean,
    joined,
    listed,
    misfits,
    require_seconds,
    shown,
)
from gatecast.model.config import LSTMConfig, NetworkConfig
from gatecast.model.losses import loss_named
from gatecast.model.networks import kind_of
from gatecast.training.config import TrainingConfig

__all__ = ["LONGEST", "Settings", "ascending", "changed", "field_docs", "with_field_docs"]

Preset = Literal["instant", "fast", "standard", "best"]
LONGEST = 2**20  # steps of any span: lookback, horizon, season
OF_TRAINING = ("lookback", "scaling", "network", "training", "members", "candidates", "calendar", "recursive")

Config = TypeVar("Config", LSTMConfig, TrainingConfig)
Kind = TypeVar("Kind", bound=type)


@dataclass(frozen=True)
class Settings:
    """What the user fixed; None = chosen from the data. The field docs are the help of the command line.

    Args:
        horizon: Steps to forecast.
        lookback: Steps of history that the network reads.
        scaling: How values are scaled for the network, such as "log+seasonal-difference:12+standard" (in
            Python also a Scaling).
        network: Sizes of the LSTM: an LSTMConfig fixes all of them, a mapping such as {"hidden_size": 64} single ones.
        training: Settings of the training: a TrainingConfig fixes all of them, a mapping single ones.
        members: Networks trained from different seeds, whose forecasts are averaged.
        candidates: Most candidates to train, of which the best are blended; 1 = the most promising one alone, as also
            where lookback, scaling or the whole network is given.
        calendar: Whether the network reads the time of day, the weekday and the time of year; by default it does,
            unless the whole network is given.
        quantiles: Levels to forecast, 0.5 among them; pairs around it give intervals, by default of 80 and 95 %. A
            point loss without validation gives 0.5 alone.
        recursive: Forecast one step at a time and feed the median back; intervals come from sample paths.
        bounds: Whether forecasts stay in the range of the data: not below 0 where no value of a series is, shares not
            above their top. In Python "auto" or True, "none" or False, or a pair such as (0, 1) or (0, None).
        time_limit: Seconds that training may take, roughly; the choice of candidates gets a quarter of them at most.
        refit: Train once more on all data after the validation.
        seed: Seed of everything random, unless the training has one of its own.
        preset: How much work is done: "instant" trains nothing and forecasts at once, with the gate over simple
            forecasts that comes with the package; "fast" trains one candidate beside it, "standard" as many as the data
            can tell apart, "best" those with twice the networks.
        progress: Show one progress line on a terminal.
    """

    horizon: int
    lookback: int | None = None
    scaling: gatecast.Scaling | None = None
    network: NetworkConfig | Mapping[str, Any] | None = None
    training: TrainingConfig | Mapping[str, Any] | None = None
    members: int | None = None
    candidates: int | None = None
    calendar: bool | None = None
    quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975)
    recursive: bool = False
    bounds: str = "auto"
    time_limit: float | None = None
    refit: bool = True
    seed: int = 0
    preset: Preset = "standard"
    progress: bool = True

    def __post_init__(self) -> None:
        problems = [*self._out_of_range(), *self._wrong_quantiles(), *self._wrong_configurations()]
        problems += [*self._wrong_preset(), *self._wrong_bounds()]
        if problems:
            raise ConfigError(joined(" ", problems))

    def _wrong_preset(self) -> Iterator[Part]:
        if self.preset not in get_args(Preset):
            hint = did_you_mean(str(self.preset), get_args(Preset))
            known = ", ".join(map(repr, get_args(Preset)))
            yield Argument("preset", of="forecaster"), f" must be one of {known}; got {self.preset!r}{hint}."
        elif self.instant and (idle := [name for name in OF_TRAINING if getattr(self, name) not in (None, False)]):
            named = joined(", ", [Argument(name, of="forecaster") for name in idle])
            yield (Setting("preset", "instant", of="forecaster"), " trains nothing: leave out ", *named, ".")

    def _wrong_bounds(self) -> Iterator[Part]:
        try:
            Bounds.of(self.bounds)
        except ConfigError as error:
            yield error

    def _out_of_range(self) -> Iterator[Part]:
        wrong = dict(misfits(self))
        for name, must in wrong.items():
            if name not in ("preset", "time_limit"):
                yield Argument(name, of="forecaster"), f" {must}; got {shown(getattr(self, name))}."
        for name, least in (("horizon", 1), ("lookback", 1), ("members", 1), ("candidates", 1), ("seed", 0)):
            value = getattr(self, name)
            if name in wrong or value is None:
                continue
            if value < least:
                yield Argument(name, of="forecaster"), f" must be at least {least}; got {value}."
            elif value > LONGEST and name in ("horizon", "lookback"):
                yield Argument(name, of="forecaster"), f" must be at most {LONGEST:,}; got {value:,}."
        scaling: Any = self.scaling
        if scaling is not None and not isinstance(scaling, gatecast.Scaling):
            yield Argument("scaling", of="forecaster"), f" must be a text or a Scaling; got {shown(scaling)}."
        try:
            require_seconds(Argument("time_limit", of="forecaster"), self.time_limit)
        except ConfigError as error:
            yield error

    def _wrong_quantiles(self) -> Iterator[Part]:
        levels = self.quantiles
        if not isinstance(levels, tuple) or not all(isinstance(level, int | float) for level in levels):
            yield f"quantiles must be a list of numbers between 0 and 1, such as (0.1, 0.5, 0.9); got {shown(levels)}."
        elif not levels or not all(0 < level < 1 for level in levels) or list(levels) != sorted(set(levels)):
            yield f"quantiles ({listed(levels, len(levels))}) are not ascending numbers between 0 and 1."
        elif 0.5 not in levels:
            whole = Setting("quantiles", tuple(sorted((*map(float, levels), 0.5))), of="forecaster")
            yield "quantiles lack 0.5, which is the point forecast. Add it: ", whole, "."

    def _wrong_configurations(self) -> Iterator[Part]:
        network: NetworkConfig | None = None
        try:
            network = self.network if isinstance(self.network, NetworkConfig) else changed(LSTMConfig(), self.network)
            kind_of(network)
        except ConfigError as error:
            yield error
        try:
            if not isinstance(self.training, TrainingConfig):
                changed(TrainingConfig(), self.training)
        except ConfigError as error:
            yield error
        if network is not None and network.bidirectional:
            yield (
                "a forecaster cannot be bidirectional: at the origin there is no future to read backwards from. "
                "Use SequenceRegressor where the whole sequence is known."
            )

    def plain(self) -> dict[str, Any]:
        """The same as plain data: ``Forecaster(**settings.plain())`` has these settings.

        >>> Settings(3, scaling=gatecast.Scaling(log=True), network=LSTMConfig(skip=2)).plain()["scaling"]
        'log'
        """
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        held["scaling"] = None if self.scaling is None else self.scaling.describe()
        for name in ("network", "training"):
            config = held[name]
            whole = isinstance(config, NetworkConfig | TrainingConfig)
            held[name] = _fields_of(config) if whole else config and dict(config)
        return held

    # ---------------------------------------------------------------- what follows from them

    @property
    def instant(self) -> bool:
        """Nothing is trained."""
        return self.preset == "instant"

    @property
    def most_candidates(self) -> int | None:
        """Candidates to train at most; None = as the data say."""
        return self.candidates or (1 if self.preset == "fast" else None)

    @property
    def times_members(self) -> int:
        """How many times as many networks as usual are trained of each candidate."""
        return 2 if self.preset == "best" else 1

    @property
    def free(self) -> bool:
        """No lookback, scaling or network is asked for, so that a forecast needs no network."""
        return self.lookback is None and self.scaling is None and self.network is None and not self.recursive

    def without_training(self) -> Settings:
        """The same of the instant preset, for data that are too short to train on."""
        return replace(self, preset="instant", training=None, members=None, candidates=None, calendar=None)

    @property
    def direct_horizon(self) -> int:
        """Steps that a network forecasts at once."""
        return 1 if self.recursive else self.horizon

    @property
    def skip(self) -> int | None:
        """Length of the linear part, where the user fixed it."""
        if isinstance(self.network, NetworkConfig):
            return self.network.skip
        return None if self.network is None else self.network.get("skip")

    @property
    def free_readout(self) -> bool:
        """The readout is to be chosen; folded steps have only one."""
        if isinstance(self.network, NetworkConfig):
            return False
        return self.network is None or ("readout" not in self.network and self.network.get("patch", 1) == 1)

    @property
    def blends(self) -> bool:
        """Several candidates may be blended: nothing that tells them apart is fixed, and all steps come directly."""
        fixed = self.scaling is not None or self.lookback is not None or isinstance(self.network, NetworkConfig)
        return not (fixed or self.recursive or self.counts or self.candidates == 1)

    @property
    def reads_calendar(self) -> bool:
        """The network reads where a step lies in the day, week and year; not where all of it was given."""
        return not isinstance(self.network, NetworkConfig) if self.calendar is None else self.calendar

    @property
    def loss(self) -> str:
        """Name of the loss, which is never chosen from the data."""
        if isinstance(self.training, TrainingConfig):
            return self.training.loss
        return str((self.training or {}).get("loss", TrainingConfig.loss))

    @property
    def counts(self) -> bool:
        """The loss is one of counts, which are forecast in their own unit."""
        return loss_named(self.loss).counts

    @property
    def random_start(self) -> bool:
        """No regression gives the first weights."""
        if isinstance(self.training, TrainingConfig):
            return self.training.start == "random"
        return self.training is not None and self.training.get("start") == "random"


def ascending(levels: Any) -> Any:
    """Levels in order; what is no list of numbers stays as it is, for the settings to refuse."""
    if isinstance(levels, str | bytes | Mapping) or not isinstance(levels, Iterable):
        return levels
    given = tuple(levels)
    if not all(isinstance(level, Real) for level in given):
        return list(given)
    return tuple(sorted(level if isinstance(level, int | float) else float(f"{float(level):.7g}") for level in given))


def _fields_of(config: Any) -> dict[str, Any]:
    return {field.name: getattr(config, field.name) for field in fields(config)}


def changed(config: Config, changes: Mapping[str, Any] | None) -> Config:
    """The configuration with single settings replaced; None = as it is.

    Raises:
        ConfigError: a name is unknown, a value is out of range, or two do not go together.

    >>> changed(LSTMConfig(skip=3), {"hidden_size": 64}).skip
    3
    """
    what = "network" if isinstance(config, LSTMConfig) else "training"
    changes = {} if changes is None else changes
    if not isinstance(changes, Mapping):
        raise ConfigError(
            f"{what} takes a mapping of its settings, or {type(config).__name__}(...); got {shown(changes)}."
        )
    known = [field.name for field in fields(config)]
    unknown = [f"{name!r}{did_you_mean(str(name), known)}" for name in changes if name not in known]
    if unknown:
        raise ConfigError(f"{what} has no setting {listed(unknown)}. Known: {listed(known, len(known))}.")
    return replace(config, **changes)


# ---------------------------------------------------------------- what the field docs say


def field_docs(kind: type) -> dict[str, str]:
    """Name of a field -> what the Args of its dataclass say, in one line.

    >>> field_docs(Settings)["refit"]
    'Train once more on all data after the validation.'
    """
    names, found, last = {field.name for field in fields(kind)}, dict[str, str](), ""
    for line in _args_of(kind):
        name, colon, text = line.strip().partition(": ")
        if colon and name in names and line.startswith("    ") and line[4] != " ":
            found[name], last = text, name
        else:
            found[last] += f" {line.strip()}"
    return found


def with_field_docs(*kinds: type) -> Callable[[Kind], Kind]:
    """Class decorator: the Args of dataclasses come first among those of the class."""

    def documented(target: Kind) -> Kind:
        if target.__doc__:  # there is none under python -OO
            rows = "\n".join(row for kind in kinds for row in _args_of(kind))
            target.__doc__ = inspect.cleandoc(target.__doc__).replace("Args:\n", f"Args:\n{rows}\n", 1)
        return target

    return documented


def _args_of(kind: type) -> list[str]:
    """The lines of the Args, which end the docstring; indented by four columns."""
    return inspect.cleandoc(kind.__doc__ or "").partition("Args:\n")[2].splitlines()
