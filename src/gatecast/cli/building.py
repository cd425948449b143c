"""From options to panels and forecasters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.cli.options import DataOptions, ModelOptions, given
from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.training.config import TrainingConfig

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.forecaster import Forecaster

__all__ = [
    "data_facts",
    "forecaster",
    "levels",
    "read_future",
    "read_panel",
    "require_counts",
    "require_future",
    "settings",
]


def read_panel(file: Path | None, options: DataOptions, model: Forecaster | None = None) -> Panel:
    """The panel of a file or of an example, with the columns of a model if one is given."""
    from gatecast.data.datasets import load_example
    from gatecast.data.files import load
    from gatecast.data.reading import read

    if (file is None) == (options.example is None):
        raise ConfigError("give a FILE or --example NAME, and not both.")
    if options.example is not None:
        if replace(options, example=None, data=None) != DataOptions():
            raise ConfigError("an example has its own columns: options such as --target go with a FILE.")
        return load_example(options.example, data=options.data)
    if options.data is not None:
        raise ConfigError("--data goes with --example ridership.")
    table = load(file)
    roles: dict[str, Any] = {
        "series": options.series,
        "time": options.time,
        "target": options.target or None,
        "past": options.past,
        "future": options.future_columns,
        "static": options.static,
        "frequency": options.frequency,
    }
    if model is not None:
        roles = _roles_of(model, roles, table.frame.columns)
    return read(
        table,
        gaps=options.gaps,
        resample=options.resample,
        wide=options.wide,
        day_first=options.day_first,
        **roles,
    )


def _roles_of(model: Forecaster, asked: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The columns that a model was trained with, unless the user names others; ``names`` are those of the table."""
    from gatecast.data.intake import stored_names

    schema = model.schema_
    series, time = stored_names(model.names_, names)
    columns = (*schema.past, *schema.future, *schema.static)
    known = {
        "series": series,
        "time": time,
        "target": schema.targets if schema.targets != ("y",) else None,
        "past": [column.name for column in schema.past],
        "future": [column.name for column in schema.future],
        "static": [column.name for column in schema.static],
        "frequency": model.frequency_,
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


def settings(model: ModelOptions, network: Any, training: Any) -> dict[str, Any]:
    """The arguments of a Forecaster, checked without loading torch."""
    from gatecast.data.scaling import Scaling
    from gatecast.selection.settings import changed

    net, train = given(network), given(training)
    changed(LSTMConfig(), net)
    changed(TrainingConfig(), train)
    return {
        "lookback": model.lookback,
        "scaling": None if model.scaling is None else Scaling.parse(model.scaling),
        "network": net or None,
        "training": train or None,
        "members": model.members,
        "structures": model.structures,
        "calendar": model.calendar,
        "quantiles": levels(model.quantiles),
        "recursive": model.recursive,
        "time_limit": model.time_limit,
        "seed": model.seed,
    }


def forecaster(panel: Panel, horizon: int | None, arguments: dict[str, Any]) -> tuple[Forecaster, str]:
    """The forecaster, and a word on the horizon where it was chosen."""
    from gatecast.selection.horizon import default_horizon

    chosen = default_horizon(panel) if horizon is None else horizon
    note = "" if horizon is not None else f"{chosen} {panel.frequency.plural(chosen)} (change it with --horizon)"

    from gatecast.forecaster import Forecaster
    from gatecast.training.device import pick_device

    if arguments["training"] is not None:
        pick_device(arguments["training"].get("device", "auto"))
    return Forecaster(chosen, **arguments), note


def read_future(panel: Panel, future: Any, options: DataOptions) -> Any:
    """The future covariates as they were given; a table at any times as a panel with the steps of the other one."""
    from gatecast.data.reading import read_covariates

    if options.resample is None or not isinstance(future, Path) or not panel.schema.future:
        return future
    return read_covariates(future, panel, day_first=options.day_first, resample=True)


def require_future(panel: Panel, horizon: int, future: Any) -> Any:
    """The future covariates, known to be complete over the horizon: better said now than after the training."""
    from gatecast.data.future import extend, observed_part
    from gatecast.data.panel import Panel
    from gatecast.data.reading import read_covariates

    history = observed_part(panel)
    if horizon > int(history.length.max()):
        return future  # no training takes such a horizon, and its rows may not fit into memory
    if future is not None and not isinstance(future, Panel) and panel.schema.future:
        future = read_covariates(future, history, horizon=horizon if isinstance(future, dict) else None)
    extend(history, panel, horizon, future, keep=1)
    return future


def require_counts(**counts: int | None) -> None:
    """Raise ConfigError for a number below 1."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ConfigError(f"{name} must be at least 1; got {value}.")


def data_facts(panel: Panel) -> dict[str, Any]:
    """What a panel is, for JSON."""
    label = panel.frequency.label
    last = panel.frequency.advance(panel.starts, panel.length - 1)
    return {
        "description": panel.describe(),
        "targets": panel.targets,
        "series": len(panel),
        "rows": panel.total,
        "frequency": panel.frequency.to_text(),
        "begin": label(panel.starts.min()),
        "end": label(last.max()),
    }
