"""``gatecast tune``: search for better settings, and say whether they are."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gatecast.cli.building import forecaster, read_panel, require_counts, settings
from gatecast.cli.files import require_writable
from gatecast.cli.options import (
    MODEL,
    Checkpoint,
    DataOptions,
    Json,
    ModelOptions,
    NetworkOptions,
    Origins,
    RunningOptions,
    Save,
    TrainingOptions,
    Whole,
)
from gatecast.cli.printing import Screen
from gatecast.cli.results.verdicts import COLOURS
from gatecast.cli.sections import show_model, show_panel
from gatecast.data.tables.databases.address import without_passwords
from gatecast.planning.settings import Settings
from gatecast.planning.typed import typed_option, typed_settings
from gatecast.progress import code_of_stop

if TYPE_CHECKING:
    from gatecast.tuning.result import Tuning

__all__ = ["tune"]

TIME_LIMIT = 120.0


def tune(
    file: str | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    model: ModelOptions = ModelOptions(),
    trials: Annotated[Whole | None, Parameter(group=MODEL)] = None,
    origins: Origins = None,
    stride: Annotated[Whole | None, Parameter(group=MODEL)] = None,
    checkpoint: Checkpoint = None,
    save: Save = None,
    json: Json = False,
    network: Annotated[NetworkOptions, Parameter(show=False)] = NetworkOptions(),
    training: Annotated[TrainingOptions, Parameter(show=False)] = TrainingOptions(),
    running: RunningOptions = RunningOptions(),
) -> int:
    """Search, compare with the default settings on origins that the search never saw, train the winner on everything.

    Args:
        file: The table: CSV, Parquet, JSON, XLSX, ODS or the address of a database; - for what comes through a pipe.
        trials: Most trials, those in --checkpoint included; as many as fit into --time-limit, which is 120 by default.
        origins: Held-out forecasts per series that the search never sees, 3 by default.
        stride: Steps between two of them.
        checkpoint: Keep what is finished in this folder; the same command goes on there after it was ended.
        save: Write the trained model.
        json: Print one JSON object.
    """
    from gatecast.tuning.study import require_optuna

    require_optuna()
    require_writable(save, (), "--save")
    require_counts(trials=trials, origins=origins, stride=stride)
    arguments = settings(model, network, training, running)
    limit = arguments.pop("time_limit", TIME_LIMIT)  # of the whole search
    screen = Screen(json)
    panel = read_panel(file, data)
    show_panel(screen, panel)
    given, note = forecaster(panel, arguments)
    screen.labelled("horizon", note)

    from gatecast.tuning.tune import tune as search

    made = search(
        given,
        panel,
        trials=trials,
        time_limit=limit,
        origins=origins or 3,
        stride=stride,
        checkpoint=checkpoint,
        seed=given.seed,
    )
    repeat = shlex.join(["gatecast", "forecast", *_words(file, data, made.model.settings)])
    written = [] if save is None else [save]
    if save is not None:
        made.model.save(save)
    _show(screen, made, repeat)
    screen.files(written)
    from gatecast.workflow import data_facts, model_facts

    screen.result = {
        "command": "tune",
        "data": data_facts(panel),
        "model": model_facts(made.model, made.seconds),
        "tuning": made.to_dict(),
        "verdict": {**made.judgement.to_dict(), "text": made.verdict, "next": repeat},
        "repeat": repeat,
        "files": written,
    }
    return screen.finish(code_of_stop() if made.interrupted else 0)


def _show(screen: Screen, made: Tuning, repeat: str) -> None:
    """Trials, table, verdict, and how to have the same again."""
    states = [trial["state"] for trial in made.trials]
    parts = [f"{states.count(state):,} {state}" for state in ("complete", "pruned", "failed") if state in states]
    screen.labelled("trials", f"{len(states):,}: {', '.join(parts)}; {made.inner_origins:,} inner origins")
    if made.found is not None:
        screen.labelled("found", " · ".join(_changes(made.found.changes)))
    show_model(screen, made.model, made.seconds)
    screen.table(made.table(screen.width))
    screen.wrapped(made.verdict, COLOURS[made.judgement.outcome])
    screen.line()
    screen.line("the same settings again:")
    for line in _folded(repeat, screen.width):
        screen.line(line)


def _changes(changes: Mapping[str, Any]) -> Iterator[str]:
    """Changed settings as words.

    >>> list(_changes({"lookback": 24, "training": {"lr": 0.01}}))
    ['lookback 24', 'lr 0.01']
    """
    for name, value in changes.items():
        if isinstance(value, Mapping):
            yield from _changes(value)
        else:
            yield f"{name.replace('_', ' ')} {value}"


def _words(file: str | None, data: DataOptions, settings: Settings) -> Iterator[str]:
    """The words after ``gatecast forecast`` that read these data and give these settings again."""
    if file is not None:
        yield without_passwords(file)
    for option in fields(DataOptions):
        value = getattr(data, option.name)
        if value != option.default:
            yield from typed_option(option.name, value)
    held, usual = settings.plain(), {field.name: field.default for field in fields(Settings)}
    chosen = {option.name: held[option.name] for option in fields(ModelOptions)}
    changed = {name: value for name, value in chosen.items() if value != usual[name]}
    yield from typed_settings(changed)
    for group, values in ((NetworkOptions, held["network"] or {}), (TrainingOptions, held["training"] or {})):
        yield from typed_settings(
            {option.name: values[option.name] for option in fields(group) if option.name in values}
        )


def _folded(command: str, width: int) -> Iterator[str]:
    """A command over several lines, as a shell takes it.

    >>> list(_folded("gatecast forecast sales.csv --horizon 12 --scaling log+standard --target " + "x" * 40, 80))[1:]
    ['    --target xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx']
    """
    pieces = command.split(" --")
    line = "  " + pieces[0]
    for piece in pieces[1:]:
        if len(line) + len(piece) + 5 > width:
            yield f"{line} \\"
            line = f"    --{piece}"
        else:
            line += f" --{piece}"
    yield line
