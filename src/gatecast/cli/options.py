"""The options of the commands, by group. Those of model, network and training come from their dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

from cyclopts import Group, Parameter, Token

from gatecast.engines.options import EngineOptions
from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.model.losses import LOSSES
from gatecast.planning.settings import Settings, field_docs
from gatecast.training.config import TrainingConfig

__all__ = [
    "DATA",
    "MODEL",
    "OUTPUT",
    "DataOptions",
    "FailUnless",
    "Future",
    "Json",
    "MemoryLimit",
    "ModelOptions",
    "NetworkOptions",
    "Origins",
    "Output",
    "PictureOptions",
    "Plot",
    "RunningOptions",
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
RUNNING = Group("Running", sort_key=6)

LOSS_HELP = Parameter(help=f"What is minimised. {'; '.join(f'{loss.name}: {loss.help}' for loss in LOSSES.values())}.")

UNSET: Any = object()  # told apart from None, which means "none" where a setting allows it


class _CheckedHere:
    """A mark of options that pydantic, where a program has loaded it, is not to check: ``UNSET`` is of no type."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.any_schema()


def _whole(_: Any, tokens: tuple[Token, ...]) -> int:
    """A whole number as it is written; nothing is rounded."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ConfigError(f"{tokens[0].keyword} takes a whole number; got {tokens[0].value!r}.") from None


def _whole_or_none(kind: Any, tokens: tuple[Token, ...]) -> int | None:
    """The same, or "none"."""
    if tokens[0].value.lower() == "none":
        return None
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ConfigError(f"{tokens[0].keyword} takes a whole number or none; got {tokens[0].value!r}.") from None


Whole = Annotated[int, Parameter(converter=_whole)]
WholeOrNone = Annotated[int | None, Parameter(converter=_whole_or_none)]
Json = Annotated[bool, Parameter(group=OUTPUT, negative="")]
Future = Annotated[tuple[str, ...], Parameter(group=DATA, negative_iterable="")]
Origins = Annotated[Whole | None, Parameter(group=MODEL)]
Output = Annotated[str | None, Parameter(group=OUTPUT)]
Plot = Annotated[Path | None, Parameter(group=OUTPUT)]
Save = Annotated[Path | None, Parameter(group=OUTPUT)]
MemoryLimit = Annotated[str | None, Parameter(group=DATA)]
Checkpoint = Annotated[Path | None, Parameter(group=OUTPUT)]

FailUnless = Annotated[Literal["better", "undecided"] | None, Parameter(group=OUTPUT)]

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
        series: Column that names the series; may be repeated where several do so together.
        time: Column of dates or whole steps; may be repeated for a date and a clock, or year, month and day.
        target: Column to forecast; may be repeated.
        past: Covariate known until the origin; may be repeated.
        future_columns: Covariate known over the horizon too; may be repeated.
        static: Covariate that is constant in each series; may be repeated.
        frequency: Step of the time column, such as h, 15min, D, B, W, MS.
        gaps: Absent times are an error, missing values, or 0.
        resample: Put rows at any times into steps of --frequency; how those in one step become one value.
        wide: Whether each column of numbers is a series.
        day_first: Whether 01/02/2019 is 1 February.
        year_first: Whether 19-02-01 is 1 February 2019.
        timezone: Zone of times that name none, such as Europe/Berlin.
        decimal: Decimal sign of numbers in text, where the columns do not show it.
        na: Cell that stands for a missing value; may be repeated.
        skip_rows: Rows to leave out at the beginning of the file.
        header: Row of the file that holds the names of the columns, counted from 1; 0 = none does.
        sheet: Sheet of a spreadsheet, by its name or its number; the first that holds something by default.
        query: A SELECT: of the database that FILE is the address of, of FILE as "data", or of files that it names.
    """

    example: Literal["airline", "noisy-sine", "sin-to-cos", "sine", "ridership"] | None = None
    data: Path | None = None
    series: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    future_columns: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    frequency: str | None = None
    gaps: Literal["error", "missing", "zero"] = "error"
    resample: Literal["mean", "sum", "median", "min", "max", "first", "last"] | None = None
    wide: bool | None = None
    day_first: bool | None = None
    year_first: bool | None = None
    timezone: str | None = None
    decimal: Literal[".", ","] | None = None
    na: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True)] = ()
    skip_rows: Whole = 0
    header: Whole | None = None
    sheet: str | None = None
    query: str | None = None


@_group(OUTPUT)
@dataclass(frozen=True)
class PictureOptions:
    """How a forecast is drawn.

    Args:
        plot_title: Title of the picture of --plot.
        plot_size: Its size in pixels, such as 1600x900.
        chart: Draw the first series in the terminal.
    """

    plot_title: str | None = None
    plot_size: str | None = None
    chart: Annotated[bool, Parameter(negative="")] = False


def _optional(
    config: type,
    group: Group,
    without: tuple[str, ...],
    kinds: Mapping[str, Any] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Any:
    """A dataclass with the fields of a configuration, none of which has to be given.

    Args:
        config: its field docs are the help.
        group: of the help.
        without: the fields that are no options.
        kinds: types of those that are typed in another way than the fields have them.
        notes: what the help of single options adds.
    """
    left, typed = [f.name for f in fields(config) if f.name not in without], dict(kinds or {})
    asked = {name: config.__annotations__[name] for name in left if name not in typed}
    shell = type(config.__name__, (), {"__annotations__": asked, "__module__": config.__module__})
    hints = {name: _exact(hint) for name, hint in get_type_hints(shell).items()} | typed
    if "loss" in hints:
        names = hints["loss"]
        hints["loss"] = Annotated[names, LOSS_HELP]
    options = [(name, Annotated[hints[name], _CheckedHere()], field(default=UNSET)) for name in left]
    made: Any = make_dataclass(f"{config.__name__}Options", options, frozen=True)
    made.__module__ = __name__  # cyclopts takes a class of the module "types" for a builtin
    docs, more = field_docs(config), notes or {}
    made.__doc__ = "Options.\n\nArgs:\n" + "".join(f"    {name}: {docs[name]}{more.get(name, '')}\n" for name in left)
    return _group(group)(made)


def _exact(hint: Any) -> Any:
    """Whole numbers stay whole."""
    if hint is int:
        return Whole
    return WholeOrNone if int in get_args(hint) else hint


# The configurations have groups of their own; a command line always validates, trains again and shows its progress.
ModelOptions: Any = _optional(
    Settings,
    MODEL,
    ("network", "training", "refit", "progress"),
    {"scaling": str, "quantiles": str, "recursive": Annotated[bool, Parameter(negative="")], "bounds": bool},
    {"horizon": " One season by default.", "quantiles": " Written as 0.1,0.5,0.9."},
)
# A forecaster cannot look both ways, and the seed is one for everything.
RunningOptions: Any = _optional(EngineOptions, RUNNING, ())
NetworkOptions: Any = _optional(LSTMConfig, NETWORK, ("bidirectional",))
TrainingOptions: Any = _optional(TrainingConfig, TRAINING, ("seed",))


def given(options: Any) -> dict[str, Any]:
    """What the user gave of a group of options."""
    return {f.name: getattr(options, f.name) for f in fields(options) if getattr(options, f.name) is not UNSET}
