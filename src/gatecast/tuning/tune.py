"""gc.tune: search on the inner origins, prove on the outer ones, train the winner on everything.

data   ────────── train ─────────┤ inner origins ┤ outer origins |
       the search sees all of this               ┤ and never this
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gatecast.backtesting.given import require_model
from gatecast.data.fingerprint import digest
from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.data.tables.intake import as_panel
from gatecast.errors import Argument, ConfigError, Setting, optional_count, require_count, require_seconds
from gatecast.progress import Listener, listening
from gatecast.storage.fingerprint import settings_of
from gatecast.tuning.clock import Clock, Stops
from gatecast.tuning.evidence import Evidence
from gatecast.tuning.finals import Finals, challengers, reserve
from gatecast.tuning.folder import Asked, TuneFolder
from gatecast.tuning.inner import cut_outer, inner_origins, naive_scores, outer_stride
from gatecast.tuning.result import Tuning
from gatecast.tuning.search import Search
from gatecast.tuning.space import arguments_of, make_space
from gatecast.tuning.study import Study, quiet, require_optuna

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster
    from gatecast.tuning.study import Tried

__all__ = ["tune"]


def tune(
    model: Forecaster,
    data: Any,
    *,
    trials: int | None = None,
    time_limit: float | None = 120.0,
    origins: int = 3,
    stride: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: bool | Listener = True,
) -> Tuning:
    """Search for settings better than the default ones, and say whether they are.

    What the forecaster was given stays as it is; what was left open is searched: hidden size, layers, dropout,
    lookback, scaling, loss, learning rate, batch size and epochs. The last origins are never seen by the search. The
    default settings are the first trial, and they are kept unless the best trial beats them clearly on the inner
    origins, trained again with a fresh seed, and also on the outer ones.

    Ctrl-C ends the search and what was reached is compared; a second one ends everything. With a fixed number of
    trials and no time limit the same call gives the same result.

    Args:
        model: a Forecaster, fitted or not; it stays as it is.
        data: a Panel, or what ``gatecast.read`` takes.
        trials: most trials, those in ``checkpoint`` included; None = as many as the time allows.
        time_limit: seconds for all of it, roughly, the comparison and the last training included; None = none.
        origins: outer origins per series.
        stride: steps between two of them; None = the horizon, or less where they would take more than a quarter of a
            typical series.
        checkpoint: a folder that keeps what is finished, and where trainings stand, every few seconds. The same call
            with the same folder goes on there, whatever ended the one before; with a fixed number of trials and no
            time limit its outcome is that of a call in one go. A finished folder answers at once, and more trials or
            another time limit go on from it.
        seed: of the search.
        progress: show one progress line on a terminal.

    Returns:
        The model and its settings, the trials, the table and the verdict.

    Raises:
        ConfigError: Optuna is not installed, a setting is out of range, nothing is left to tune, or ``checkpoint``
            holds the tuning of other data or settings.
        WindowError: the series are too short to be cut in three.

    Source: tree-structured Parzen estimator, Bergstra et al. 2011; median pruning as in Golovin et al. 2017.
    """
    require_model(model, "tune")
    require_optuna()
    _require_sensible(trials, time_limit, origins, stride)
    seed = require_count("seed", seed, least=0)
    clock, stops, line = Clock(time_limit), Stops(), listening(progress)
    panel = observed_part(as_panel(data))
    step = stride or outer_stride(panel, model.horizon, origins)
    before, whole = cut_outer(panel, model.horizon, origins, step)
    plan = model.plan_for(before)
    inner = inner_origins(before, model.horizon, plan.season)
    space = make_space(model, plan, before, inner.train[inner.folds[-1].number])
    identity = {
        "settings": settings_of(model),
        "data": digest(panel),
        "origins": [origins, step],
        "seed": seed,
        "space": space.describe(),
    }
    arguments = arguments_of(model) | {"defaults": model.defaults}
    with quiet():
        folder = TuneFolder.open(checkpoint, identity)
        search = Search(
            Study(space, seed, folder), inner, arguments, clock, lambda t: reserve(t, plan.members, model.refit),
            line.on_progress,
        )  # fmt: skip
        line.on_progress(search.line())
        try:
            _searched(search, folder, Asked(trials, time_limit))
        except KeyboardInterrupt:
            if not search.tried:
                raise
            stops.note()
        finally:
            line.end()
    finals = Finals(search.arguments, inner, whole, before, origins, step, clock, line.on_progress, folder)
    try:
        return _proved(finals, search.tried, plan.members, stops, panel)
    finally:
        line.end()


def _searched(search: Search, folder: TuneFolder, asked: Asked) -> None:
    """Run the search, unless a folder says that it is over."""
    if folder.read("search", Asked) == asked:
        search.tried = search.study.finished()
        return
    search.run(asked.trials)
    folder.write("search", asked)


def _proved(finals: Finals, tried: list[Tried], members: int, stops: Stops, panel: Panel) -> Tuning:
    """The three steps after the search."""
    evidence = Evidence(tuple(tried), interrupted=stops.count > 0)
    try:
        if challengers(tried):
            evidence = replace(evidence, looks=tuple(finals.second_look(tried, members)))
    except KeyboardInterrupt:
        stops.note()
    try:
        scores = finals.compare(evidence.found)
        evidence = replace(evidence, scores=scores, problem=finals.problem)
    except KeyboardInterrupt:
        stops.note()
    model = finals.on_everything(evidence.found if evidence.helped else None, panel)
    if model.record_["interrupted"]:
        stops.note()
    inner = finals.inner
    return Tuning(
        model,
        model.settings.plain(),
        replace(evidence, interrupted=stops.count > 0),
        naive_scores(inner),
        inner.metric,
        inner.origin_NO.shape[1],
        round(finals.clock.spent, 3),
    )


def _require_sensible(trials: int | None, time_limit: float | None, origins: int, stride: int | None) -> None:
    """Raise ConfigError for numbers out of range."""
    optional_count("trials", trials)
    require_count("origins", origins)
    optional_count("stride", stride)
    require_seconds(Argument("time_limit", of="tune"), time_limit)
    if trials is None and time_limit is None:
        trials_, limit = Setting("trials", of="tune"), Setting("time_limit", of="tune")
        raise ConfigError("a search without an end: give ", trials_, " or ", limit, ".")
