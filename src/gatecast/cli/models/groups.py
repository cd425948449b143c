"""One model for each group, on the command line: fitted, scored and described side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.cli.building import forecaster, read_panel
from gatecast.cli.options import DataOptions
from gatecast.cli.printing import Screen
from gatecast.cli.results.verdicts import COLOURS, exit_code
from gatecast.cli.sections import show_panel
from gatecast.errors import ConfigError, WindowError
from gatecast.progress import code_of_stop

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.forecaster import Forecaster
    from gatecast.groups.part import Parts
    from gatecast.scale.models import Model

__all__ = [
    "columns_of",
    "evaluate_groups",
    "fit_groups",
    "is_of_groups",
    "loaded",
    "one_model",
    "require_no",
    "show_groups",
]


def is_of_groups(path: Path) -> bool:
    """Whether a model file has a model for each group."""
    from gatecast.storage.files import kind_of
    from gatecast.storage.groups import GROUPS

    return kind_of(path) == GROUPS


def loaded(path: Path, running: Mapping[str, Any] | None = None) -> Model:
    """The model or the models of a file, to run where the options say: engine, workers, address."""
    from gatecast.groups.grouped import GroupedForecaster
    from gatecast.scale.models import load_model

    model = load_model(path)
    if running:
        (model.model if isinstance(model, GroupedForecaster) else model).set_params(**running)
    return model


def one_model(path: Path, command: str) -> Forecaster:
    """The model of a file. Raises ConfigError where there is one for each group, or the state of a live model."""
    from gatecast.forecaster import load
    from gatecast.storage.files import kind_of, require_no_groups
    from gatecast.storage.live import LIVE

    if kind_of(path) == LIVE:
        raise ConfigError(
            f"{path} holds the state of a live model, and gatecast {command} takes the model that it began with. Give "
            f"that file; gatecast watch and serve go on from a state."
        )
    require_no_groups(path, f"gatecast {command}")
    return load(path)


def columns_of(model: Model) -> Forecaster:
    """The model that says which columns a table needs; those of all groups do alike."""
    from gatecast.forecaster import Forecaster

    return model if isinstance(model, Forecaster) else next(iter(model.parts_.values())).model


def fit_groups(
    screen: Screen, panel: Panel, arguments: dict[str, Any], per: str, save: Path, checkpoint: Path | None
) -> int:
    """Train a model for each group, and say what each is worth."""
    from gatecast.groups.grouped import GroupedForecaster
    from gatecast.workflow import data_facts

    show_panel(screen, panel)
    each, note = forecaster(panel, arguments)
    screen.labelled("horizon", note)
    started = time.monotonic()
    fitted = GroupedForecaster(each, per).fit(panel, checkpoint=checkpoint)
    seconds = time.monotonic() - started
    fitted.save(save)
    show_groups(screen, fitted.parts_)
    screen.labelled("trained", f"{seconds:.1f} s")
    screen.files([save])
    interrupted = any(part.model.record_["interrupted"] for part in fitted.parts_.values())
    screen.result = {
        "command": "fit",
        "data": data_facts(panel),
        "groups": [_facts(name, part) for name, part in fitted.parts_.items()],
        "files": [save],
    }
    return screen.finish(code_of_stop() if interrupted else 0)


def _facts(name: str, part: Any) -> dict[str, Any]:
    from gatecast.workflow import model_facts

    facts = model_facts(part.model, part.model.record_["seconds"])
    judgement = None if part.judgement is None else part.judgement.to_dict()
    return {"name": name, "model": facts, "verdict": {**(judgement or {"outcome": "none"}), "text": part.verdict}}


def show_groups(screen: Screen, parts: Parts) -> None:
    """A verdict for each group, in the colour of its outcome, and what was chosen for it."""
    for name, part in parts.items():
        screen.labelled("group", f"{name} · {part.model.fitted_.describe()}")
        screen.wrapped(part.verdict, None if part.judgement is None else COLOURS[part.judgement.outcome])


def evaluate_groups(
    screen: Screen,
    path: Path,
    file: str | None,
    data: DataOptions,
    origins: int | None,
    stride: int | None,
    fail_unless: Any,
) -> int:
    """Score the saved models on what came after their training."""
    from gatecast.backtesting.assess import evaluate
    from gatecast.backtesting.newer.unseen import unseen_part
    from gatecast.groups.column import members_of
    from gatecast.groups.grouped import load_groups
    from gatecast.groups.scores import GroupedScores
    from gatecast.workflow import data_facts

    models = load_groups(path)
    panel = read_panel(file, data, columns_of(models))
    show_panel(screen, panel)
    found, nothing = {}, list[WindowError]()
    for name, rows in members_of(models.require_known(panel), models.groups).items():
        model = models.parts_[name].model
        try:
            later = unseen_part(model, panel.select(rows), origins, stride)
        except WindowError as error:
            nothing.append(error)
            screen.labelled("left out", f"{name}: {error}", 10)
            continue
        screen.labelled("left out", later.left_out and f"{name}: {later.left_out}", 10)
        found[name] = evaluate(model, later.panel, origins=later.origins, stride=stride)
    if not found:
        raise nothing[0]
    made = GroupedScores(found)
    for line in str(made).splitlines():
        screen.wrapped(line) if len(line) > screen.width else screen.line(line)
    screen.result = {"command": "evaluate", "data": data_facts(panel), "evaluation": made.to_dict()}
    return screen.finish(exit_code(False, made.outcome, fail_unless))


def require_no(why: str = "is for one model, and --per makes one for each group", **options: object) -> None:
    """Raise ConfigError for an option that does not go with others."""
    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"--{name.replace('_', '-')} {why}. Leave it out.")
