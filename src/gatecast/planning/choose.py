"""From what the user fixed and what the data show to candidates with all that a training needs."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import all_above, all_observed
from gatecast.engines.executor import Executor, Serial
from gatecast.errors import Argument, ConfigError, WindowError
from gatecast.model.config import LSTMConfig, NetworkConfig
from gatecast.planning.defaults import DEFAULTS, Defaults, SearchDefaults
from gatecast.planning.evidence import worth_training
from gatecast.planning.plan import Plan, Tried
from gatecast.planning.probe import Probe, longest_skip, probe
from gatecast.planning.seasonality import seasonal_periods
from gatecast.planning.settings import Settings
from gatecast.planning.sizes import members_for, network_for, training_for, training_origins_for
from gatecast.planning.variants import best_variant
from gatecast.training.counts import require_counts
from gatecast.windows.calendar import cycles_within, year_waves_within
from gatecast.windows.index import require_steps
from gatecast.windows.reference import Category, LastValue, Seasonal, Smooth
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

__all__ = ["Plan", "candidates", "choose", "scalings_to_try"]

FEWEST_WINDOWS = 3


def choose(panel: Panel, settings: Settings, defaults: Defaults = DEFAULTS) -> Plan:
    """Complete the user's settings from the training panel alone: the first of ``candidates``.

    Raises:
        WindowError: a given lookback does not fit, or no series is long enough to learn from.
    """
    return candidates(panel, settings, defaults)[0]


def candidates(
    panel: Panel,
    settings: Settings,
    defaults: Defaults = DEFAULTS,
    deadline: float = math.inf,
    seasons: tuple[int, ...] | None = None,
    executor: Executor | None = None,
) -> list[Plan]:
    """Plans that differ in the reference of the forecast, the most promising first; one where nothing is to be blended.

    Args:
        panel: the data, observed part only.
        settings: what the user fixed.
        defaults: the numbers that decide what is left open.
        deadline: ``time.monotonic()`` after which nothing further is tried.
        seasons: seasonal periods of the panel; None = find them.
        executor: where they are compared; None = one after the other.

    Raises:
        WindowError: a given lookback does not fit, or no series is long enough to learn from.
    """
    horizon = settings.direct_horizon
    if settings.counts:
        require_counts(settings.loss, panel, settings.scaling)
    found = seasonal_periods(panel, defaults) if seasons is None else seasons
    task = _Task(panel, settings, defaults, deadline, found, executor or Serial())
    if settings.lookback is not None:
        require_steps(panel, settings.lookback, horizon)
        _require_windows(panel, settings.lookback, horizon)
    elif (panel.length < horizon + 2).all():
        require_steps(panel, 2, horizon)
    probes, tried = _probes(task)
    first, *others = _different(probes, defaults.search)
    plan = _plan(task, first, tried)
    most = (settings.most_candidates or worth_training(plan, panel, defaults)) if settings.blends else 1
    return [plan, *(_plan(task, found, tried) for found in others[: most - 1])]


def _require_windows(panel: Panel, lookback: int, horizon: int) -> None:
    """Raise WindowError where a given lookback leaves next to nothing to learn from: such networks run away."""
    windows = int(np.maximum(panel.length - lookback - horizon + 1, 0).sum())
    if windows < FEWEST_WINDOWS:
        raise WindowError(
            f"a lookback of {lookback} and a horizon of {horizon} give {windows} training "
            f"window{'s' * (windows != 1)}, and a network needs {FEWEST_WINDOWS}. Leave out ",
            Argument("lookback", of="forecaster"),
            ", or give more history.",
        )


@dataclass(frozen=True)
class _Task:
    """What a choice depends on: the arguments of ``candidates``, and the seasonal periods of the panel."""

    panel: Panel
    settings: Settings
    defaults: Defaults
    deadline: float
    seasons: tuple[int, ...]
    executor: Executor

    @property
    def horizon(self) -> int:
        """Steps that a network forecasts at once."""
        return self.settings.direct_horizon

    @cached_property
    def typical(self) -> float:
        """Steps of a typical series."""
        return float(np.median(self.panel.length))


def _different(probes: list[Probe], search: SearchDefaults = DEFAULTS.search) -> list[Probe]:
    """The best of every reference, then the same with and without logarithm; none that is clearly worse than the best.

    Forecasts without a reference count only where they are the best of all, for they are not tied to anything.
    """
    usable = [one for one in probes if not one.error > search.clearly_worse * probes[0].error]
    usable = [one for one in usable if one.scaling.reference.anchored or one is probes[0]]
    families: dict[tuple[str, int], Probe] = {}
    pairs: dict[tuple[str, int, bool], Probe] = {}
    for one in usable:
        family = one.scaling.reference.family
        families.setdefault(family, one)
        pairs.setdefault((*family, one.scaling.log), one)
    firsts = list(families.values())
    return firsts + [one for one in pairs.values() if all(one is not first for first in firsts)]


def _plan(task: _Task, found: Probe, tried: Tried) -> Plan:
    panel, settings, defaults, seasons = task.panel, task.settings, task.defaults, task.seasons
    scaling = found.scaling
    own = scaling.reference.main_season if settings.scaling is not None or not seasons else None
    season = own or (seasons or (1,))[0]  # where there are several candidates, one season for all of them
    network = network_for(panel, found.skip, settings.network, defaults)
    lookback, training_origins = _sizes(task, network, found.lookback, season)
    if settings.free_readout and isinstance(network, LSTMConfig):
        network = replace(network, readout=training_origins)
    padded = settings.lookback is None
    short = padded and bool((panel.length < lookback + task.horizon).any())
    calendar = cycles_within(panel, defaults.calendar) if settings.reads_calendar else ()
    waves = year_waves_within(panel, defaults.calendar) if calendar else 1
    framing = Framing(
        lookback, task.horizon, training_origins, short or not all_observed(panel), calendar, waves
    )  # fmt: skip
    training = training_for(panel, settings.seed, settings.training, defaults)
    members = settings.members or settings.times_members * members_for(panel, task.horizon, network.skip, defaults)
    spread = () if found.spread_HC is None else tuple(tuple(map(float, row)) for row in found.spread_HC)
    return Plan(scaling, framing, network, training, members, season, padded, found.penalty, spread, tried)


def _probes(task: _Task) -> tuple[list[Probe], Tried]:
    """The candidates in the order of their errors over the folds; the user's own scaling is the only candidate if there
    is one.

    The probe also finds the penalty of the ridge start and how wide the errors are; it keeps to a linear part that the
    user fixed, and where there is none there is nothing to probe.
    """
    settings, skip = task.settings, task.settings.skip
    if settings.scaling is not None and skip is not None and (settings.random_start or not skip):
        return [Probe(settings.scaling, _lookbacks(task, settings.scaling)[0], skip)], ()
    scalings = _scalings(task)
    ordered = scalings
    if math.isfinite(task.deadline):  # what is tied to a past value is the safest, should time run out
        ordered = sorted(scalings, key=lambda scaling: not scaling.reference.anchored)
    jobs = [(scaling, lookback) for scaling in ordered for lookback in _lookbacks(task, scaling)]
    tested = task.executor.map(lambda job: _probe(task, *job, needed=job is jobs[0]), jobs)
    probes = [found for found in tested if found is not None]
    if not probes:
        scaling = scalings[-1]
        return [Probe(scaling, _lookbacks(task, scaling)[0], 1 if skip is None else skip)], ()
    tried = tuple((f"lookback {p.lookback} · {p.scaling.describe()}", round(p.error, 6)) for p in probes)
    return sorted(probes, key=lambda found: found.error), tried


def _probe(task: _Task, scaling: Scaling, lookback: int, *, needed: bool) -> Probe | None:
    """A scaling with a lookback; None where nothing can be checked, or after the deadline unless it is ``needed``."""
    if not needed and time.monotonic() > task.deadline:
        return None
    skip = task.settings.skip
    skips = _skips(task, scaling, lookback) if skip is None else [min(skip or 1, lookback)]
    return probe(task.panel, scaling, lookback, task.horizon, skips, task.defaults)


def _scalings(task: _Task) -> list[Scaling]:
    """The scalings to probe: of each reference the variant that a quick line does best on."""
    panel, settings, defaults = task.panel, task.settings, task.defaults
    if settings.scaling is not None:
        return [settings.scaling]
    found = scalings_to_try(panel, task.seasons, settings.counts, defaults)
    if settings.recursive:  # paths of single steps cannot follow a smoothing of the whole series
        found = [scaling for scaling in found if not scaling.reference.has_whole_history]
    best: dict[Scaling, Scaling] = {}
    for plain in (scaling for scaling in found if not scaling.log):
        lookback = _lookbacks(task, plain)[0]
        best[plain] = best_variant(panel, plain, lookback, task.horizon, defaults, task.deadline)
    return list(dict.fromkeys(replace(best[replace(scaling, log=False)], log=scaling.log) for scaling in found))


def _lookbacks(task: _Task, scaling: Scaling) -> list[int]:
    """Lengths of history to try, ascending: two seasons; without a season also a longer one, to average noise away."""
    if task.settings.lookback is not None:
        return [task.settings.lookback]
    search, seasons = task.defaults.search, task.seasons
    room = max(math.floor((int(task.typical) - task.horizon) * search.lookback_share + 1e-9), 2)  # 1e-9: rounding
    season = seasons[0] if seasons else scaling.reference.main_season or 1
    short = max(search.seasons_read * season, task.horizon, task.defaults.season.otherwise)
    wanted = (short,) if seasons else (short, max(short, search.long_lookback))
    if scaling.reference.has_whole_history and seasons:
        wanted = (max(season, search.smooth_lookback), short)
    return sorted({min(steps, room, task.defaults.season.longest) for steps in wanted})


def scalings_to_try(
    panel: Panel, seasons: tuple[int, ...], counts: bool, defaults: Defaults = DEFAULTS
) -> list[Scaling]:
    """Scalings worth trying: from the last value, each season, each category; all that also with logarithm.

    Counts go without it, for their distribution lives in their own unit.
    """
    search = defaults.search
    gains = search.level_gain, search.season_gain
    plain = [Scaling(scale="standard"), Scaling(reference=LastValue(), scale="standard")]
    plain += [Scaling(reference=Seasonal(m), scale="standard") for m in seasons]
    if search.smooth_references:
        plain += [Scaling(reference=Smooth(m, *gains), scale="standard") for m in seasons or (1,)]
    plain += [
        Scaling(reference=Category(column.name, search.category_depth), scale="standard")
        for column in panel.schema.future
        if column.categories is not None and 1 < column.width <= search.most_categories
    ]
    if counts or not search.logarithms or not all_above(panel, 0.0):
        return plain
    return plain + [replace(scaling, log=True) for scaling in plain]


def _skips(task: _Task, scaling: Scaling, lookback: int) -> list[int]:
    """Lengths of the linear part to try, ascending, none longer than the lookback or than the data can bear."""
    linear, seasons = task.defaults.linear, task.seasons
    longest = longest_skip(task.panel, scaling, Framing(lookback, task.horizon), linear.columns)
    limit = min(longest, max(task.panel.total // linear.rows_per_step, 2))
    wanted = {*linear.skips} | {m + extra for m in seasons[:2] for extra in (0, 1)} | {2 * m for m in seasons[:1]}
    return sorted(steps for steps in wanted if steps <= limit) or [1]


def _sizes(task: _Task, network: NetworkConfig, warm_up: int, season: int) -> tuple[int, int]:
    """Lookback L and training origins K."""
    settings, horizon = task.settings, task.horizon
    if settings.lookback is not None:
        lookback = settings.lookback
        training_origins = network.readout or lookback
        if settings.free_readout:
            training_origins = max(1, lookback // task.defaults.sizes.origin_parts)
        if training_origins > lookback or network.skip > lookback or network.patch > lookback:
            raise ConfigError(
                f"readout {network.readout}, skip {network.skip} and patch {network.patch} must not exceed "
                f"lookback {lookback}."
            )
        return lookback, training_origins
    room = max(int(task.typical) - horizon, 2)
    warm_up = max(warm_up, network.patch)
    if settings.free_readout:
        training_origins = training_origins_for(task.panel, warm_up, room, horizon, season, task.defaults)
    else:
        training_origins = network.readout
        if not training_origins:  # every step of the window is trained
            return warm_up, warm_up
    return warm_up + training_origins - 1, training_origins
