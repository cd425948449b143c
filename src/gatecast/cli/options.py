"""The options of the commands, by group. Those of network and training come from their dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

from cyclopts import Group, Parameter, Token

from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.training.config import TrainingConfig

__all__ = [
    "DATA",
    "MODEL",
    "OUTPUT",
    "DataOptions",
    "Future",
    "Json",
    "ModelOptions",
    "NetworkOptions",
    "Origins",
    "Output",
    "Plot",
    "Save",
    "TrainingOptions",
    "Whole",
    "given",
    "option_group",
]

DATA = Group("Data", sort_key=1)
MODEL = Group("Model", sort_key=2)
OUTPUT = Group("Output", sort_key=3)
NETWORK = Group("Network", sort_key=4)
TRAINING = Group("Training", sort_key=5)

UNSET: Any = object()  # told apart from None, which means "none" where a setting allows it


def _whole(_: Any, tokens: tuple[Token, ...]) -> int:
    """A whole number as it is written; nothing is rounded."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ConfigError(f"{tokens[0].keyword} takes a whole number; got {tokens[0].value!r}.") from None


Whole = Annotated[int, Parameter(converter=_whole)]
Json = Annotated[bool, Parameter(group=OUTPUT, negative="")]
Future = Annotated[tuple[str, ...], Parameter(group=DATA, negative_iterable="")]
Origins = Annotated[Whole | None, Parameter(group=MODEL)]
Output = Annotated[Path | None, Parameter(group=OUTPUT)]
Plot = Annotated[Path | None, Parameter(group=OUTPUT)]
Save = Annotated[Path | None, Parameter(group=OUTPUT)]

Kind = TypeVar("Kind", bound=type)


def option_group(title: str, place: int) -> Parameter:
    """A group of options of one command, as a decorator of their dataclass."""
    return _group(Group(title, sort_key=place))


def _group(group: Group) -> Parameter:
    return Parameter(name="*", group=group, negative_iterable="", show_default=False)


@_group(DATA)
@dataclass(frozen=True)
class DataOptions:
    """How the table is read.

    Args:
        example: An embedded data set instead of a file.
        data: A local copy of the example ridership.
        series: Column that names the series.
        time: Column of dates or whole steps.
        target: Column to forecast; may be repeated.
        past: Covariate known until the origin; may be repeated.
        future_columns: Covariate known over the horizon too; may be repeated.
        static: Covariate that is constant in each series; may be repeated.
        frequency: Step of the time column, such as h, 15min, D, B, W, MS.
        gaps: Absent times are an error, or missing values.
        resample: Put rows at any times into steps of --frequency; how those in one step become one value.
        wide: Whether each column of numbers is a series.
        day_first: Whether 01/02/2019 is 1 February.
    """

    example: Literal["airline", "noisy-sine", "sin-to-cos", "sine", "ridership"] | None = None
    data: Path | None = None
    series: str | None = None
    time: str | None = None
    target: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    future_columns: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    frequency: str | None = None
    gaps: Literal["error", "missing"] = "error"
    resample: Literal["mean", "sum", "median", "min", "max", "first", "last"] | None = None
    wide: bool | None = None
    day_first: bool | None = None


@_group(MODEL)
@dataclass(frozen=True)
class ModelOptions:
    """What is forecast and how. What is not given is chosen from the data.

    Args:
        horizon: Steps to forecast; one season by default.
        lookback: Steps that the network reads.
        scaling: Such as "log+seasonal-difference:12+standard".
        members: Networks of different seeds that are averaged.
        structures: Scalings that are trained at most and blended; 1 = the most promising one.
        calendar: Whether the network is told the time of day, the weekday and the time of year.
        quantiles: Levels to forecast, such as 0.05,0.5,0.95.
        recursive: Forecast one step at a time and feed it back.
        time_limit: Seconds that the training may take, roughly.
        seed: Seed of everything random.
    """

    horizon: Whole | None = None
    lookback: Whole | None = None
    scaling: str | None = None
    members: Whole | None = None
    structures: Whole | None = None
    calendar: bool | None = None
    quantiles: str = "0.025,0.1,0.5,0.9,0.975"
    recursive: Annotated[bool, Parameter(negative="")] = False
    time_limit: float | None = None
    seed: Whole = 0


def _optional(config: type, group: Group, without: tuple[str, ...]) -> Any:
    """A dataclass with the fields of a configuration, none of which has to be given."""
    hints = get_type_hints(config)
    left = [f.name for f in fields(config) if f.name not in without]
    made: Any = make_dataclass(
        f"{config.__name__}Options", [(name, _exact(hints[name]), field(default=UNSET)) for name in left], frozen=True
    )
    made.__module__ = __name__  # cyclopts takes a class of the module "types" for a builtin
    lines = (config.__doc__ or "").splitlines()
    made.__doc__ = "\n".join(line for line in lines if line.split(":")[0].strip() not in without)
    return _group(group)(made)


def _exact(hint: Any) -> Any:
    """Whole numbers stay whole."""
    if hint is int:
        return Whole
    return Whole | None if int in get_args(hint) else hint


# A forecaster cannot look both ways, and the seed is one for everything.
NetworkOptions: Any = _optional(LSTMConfig, NETWORK, ("bidirectional",))
TrainingOptions: Any = _optional(TrainingConfig, TRAINING, ("seed",))


def given(options: Any) -> dict[str, Any]:
    """What the user gave of network or training."""
    return {f.name: getattr(options, f.name) for f in fields(options) if getattr(options, f.name) is not UNSET}
