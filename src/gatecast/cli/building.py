"""From options to panels and forecasters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.cli.options import DataOptions, given
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.forecaster import Forecaster

__all__ = [
    "forecaster",
    "levels",
    "read_future",
    "read_options",
    "read_panel",
    "require_counts",
    "roles_of",
    "settings",
]


def read_panel(file: str | None, options: DataOptions, model: Forecaster | None = None) -> Panel:
    """The panel of a file or of an example, with the columns of a model if one is given."""
    from gatecast.data.examples.datasets import load_example
    from gatecast.data.tables.reading import read
    from gatecast.data.tables.shapes.sources import Layout, load

    if file is None and options.query is not None and options.example is None:
        file = "duckdb://"  # the query names its files itself
    if (file is None) == (options.example is None):
        raise ConfigError("give a FILE or --example NAME, and not both.")
    if options.example is not None:
        if replace(options, example=None, data=None) != DataOptions():
            raise ConfigError("an example has its own columns: options such as --target go with a FILE.")
        return load_example(options.example, data=options.data)
    if options.data is not None:
        raise ConfigError("--data goes with --example ridership.")
    table = load(file, Layout(options.skip_rows, options.header, options.query, options.sheet))
    arguments = read_options(options)
    if model is not None:
        arguments |= roles_of(model, arguments, table.frame.columns)
    return read(table, **arguments)


def read_options(options: DataOptions) -> dict[str, Any]:
    """The options as arguments of ``read``."""
    return {
        "series": options.series or None,
        "time": options.time or None,
        "target": options.target or None,
        "past": options.past,
        "future": options.future_columns,
        "static": options.static,
        "frequency": options.frequency,
        "gaps": options.gaps,
        "resample": options.resample,
        "wide": options.wide,
        **spelling(options),
    }


def spelling(options: DataOptions) -> dict[str, Any]:
    """How times and numbers are written, as far as the user says it."""
    names = ("day_first", "year_first", "timezone", "decimal", "na")
    return {name: getattr(options, name) for name in names}


def roles_of(model: Forecaster, asked: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The columns that a model was trained with, unless the user names others; ``names`` are those of the table."""
    from gatecast.data.tables.intake import stored_names

    fitted = model.fitted_
    schema = fitted.schema
    series, time = stored_names(fitted.names, names)
    columns = (*schema.past, *schema.future, *schema.static)
    known = {
        "series": series,
        "time": time,
        "target": schema.targets if schema.targets != ("y",) else None,
        "past": [column.name for column in schema.past],
        "future": [column.name for column in schema.future],
        "static": [column.name for column in schema.static],
        "frequency": fitted.frequency,
    }
    roles: dict[str, Any] = {name: asked[name] or known[name] for name in known}
    roles["categories"] = {column.name: column.categories for column in columns if column.categories is not None}
    return roles


def levels(text: str) -> tuple[float, ...]:
    """Quantile levels.

    >>> levels("0.1, 0.5,0.9")
    (0.1, 0.5, 0.9)
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--quantiles {text!r} is not understood. Write levels as 0.1,0.5,0.9.") from None
    wrong = [f"{level:g}" for level in found if not 0 < level < 1]
    if wrong or len(set(found)) < len(found):
        raise ConfigError(f"--quantiles {text!r}: levels lie between 0 and 1, each once.")
    if 0.5 not in found:
        raise ConfigError(f"--quantiles {text!r} lacks 0.5, which is the point forecast. Add it.")
    return found


def settings(model: Any, network: Any, training: Any, running: Any = None) -> dict[str, Any]:
    """The arguments of a Forecaster as the options give them, checked without loading torch."""
    from gatecast.data.allowed import Bounds
    from gatecast.engines.options import EngineOptions
    from gatecast.planning.settings import Settings
    from gatecast.windows.scaling import Scaling

    arguments = given(model)
    if "scaling" in arguments:
        arguments["scaling"] = Scaling.parse(arguments["scaling"])
    if "bounds" in arguments:
        arguments["bounds"] = Bounds.of(arguments["bounds"]).text
    if "quantiles" in arguments:
        arguments["quantiles"] = tuple(sorted(levels(arguments["quantiles"])))
    arguments |= {"network": given(network) or None, "training": given(training) or None}
    Settings(**{"horizon": 1, **arguments})  # the data say which horizon it is where none is given
    where = {} if running is None else given(running)
    EngineOptions(**where)
    return arguments | where


def forecaster(panel: Panel, arguments: dict[str, Any]) -> tuple[Forecaster, str]:
    """The forecaster, and a word on the horizon where it was chosen."""
    from gatecast.planning.horizon import default_horizon

    note = ""
    if "horizon" not in arguments:
        chosen = default_horizon(panel)
        arguments = {"horizon": chosen, **arguments}
        note = f"{chosen} {panel.frequency.plural(chosen)} (change it with --horizon)"

    from gatecast.forecaster import Forecaster
    from gatecast.training.device import pick_device

    if arguments["training"] is not None:
        pick_device(arguments["training"].get("device", "auto"))
    return Forecaster(**arguments), note


def read_future(panel: Panel, future: Any, options: DataOptions) -> Any:
    """The future covariates as they were given; a table at any times as a panel with the steps of the other one."""
    from gatecast.data.tables.reading import read_covariates

    if not isinstance(future, str | Path) or not panel.schema.future:
        return future
    resample = options.resample is not None
    return read_covariates(future, panel, resample=resample, **spelling(options))


def require_counts(**counts: int | None) -> None:
    """Raise ConfigError for a number below 1."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ConfigError(f"{name} must be at least 1; got {value}.")
