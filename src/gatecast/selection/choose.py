"""From what the user asked for and what the data show to a complete plan."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gatecast.data.batches import Framing
from gatecast.data.calendar import cycles_within, year_waves_within
from gatecast.data.panel import Panel
from gatecast.data.rows import all_above, all_observed
from gatecast.data.scaling import Scaling
from gatecast.data.windows import require_steps
from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.selection.probe import Probe, probe
from gatecast.selection.seasonality import seasonal_periods
from gatecast.selection.sizes import members_for, network_for, supervised_steps, training_for
from gatecast.selection.spans import Spans, validation_cut
from gatecast.selection.variants import best_variant
from gatecast.training.config import TrainingConfig
from gatecast.training.counts import COUNTS, require_counts

__all__ = ["Plan", "Wishes", "choose", "scalings_to_try", "structures"]

SHORT_LOOKBACK = 12
LONG_LOOKBACK = 64
LONGEST_LOOKBACK = 400
LONGER = 1.02  # a long lookback leaves few whole windows and short series padded
UNANCHORED = 1.06  # a forecast that is not tied to a past value drifts off once the level moves: it has to win clearly
CLEARLY_WORSE = 1.4  # a line that is so much worse than the best one promises little for a network
MOST_STRUCTURES = 12
ENOUGH_SEASONS = 3.5
CATEGORY_DEPTH = 6  # one odd day among them does not move a median


Tried = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Wishes:
    """What the user fixed; None = choose. A mapping changes single settings of what is chosen.

    Once ``time.monotonic()`` is past the deadline, no further candidate is tried.
    """

    horizon: int
    lookback: int | None
    scaling: Scaling | None
    network: LSTMConfig | Mapping[str, Any] | None
    training: TrainingConfig | Mapping[str, Any] | None
    members: int | None
    recursive: bool
    seed: int = 0
    deadline: float = math.inf
    structures: int | None = None
    calendar: bool | None = None

    @property
    def skip(self) -> int | None:
        """Length of the linear part, where the user fixed it."""
        if isinstance(self.network, LSTMConfig):
            return self.network.skip
        return None if self.network is None else self.network.get("skip")

    @property
    def free_readout(self) -> bool:
        """The readout is to be chosen; folded steps have only one."""
        if isinstance(self.network, LSTMConfig):
            return False
        return self.network is None or ("readout" not in self.network and self.network.get("patch", 1) == 1)

    @property
    def blends(self) -> bool:
        """Several structures may be blended: nothing that tells them apart is fixed, and all steps come directly."""
        fixed = self.scaling is not None or self.lookback is not None or isinstance(self.network, LSTMConfig)
        return not (fixed or self.recursive or self.counts or self.structures == 1)

    @property
    def tells_calendar(self) -> bool:
        """The network is told where a step lies in the day, week and year; not where all of it was given."""
        return not isinstance(self.network, LSTMConfig) if self.calendar is None else self.calendar

    @property
    def counts(self) -> bool:
        """The loss is that of counts, which are forecast in their own unit."""
        if isinstance(self.training, TrainingConfig):
            return self.training.loss == COUNTS
        return self.training is not None and self.training.get("loss") == COUNTS

    @property
    def random_start(self) -> bool:
        """No regression gives the first weights."""
        if isinstance(self.training, TrainingConfig):
            return self.training.start == "random"
        return self.training is not None and self.training.get("start") == "random"


@dataclass(frozen=True)
class Plan:
    """Everything that a training needs, chosen or given.

    Args:
        scaling: how values are scaled.
        framing: sizes of a window.
        network: sizes of the network.
        training: settings of the training.
        members: networks of different seeds.
        season: the main seasonal period, 1 = none; the baselines use it too.
        padded: short series take part, their windows begin before they do.
        penalty: of the ridge start.
        spread: H rows of C mean absolute errors in output units, out of sample; empty where unknown.
        candidates: (scaling, relative validation error) of all that were tried.
    """

    scaling: Scaling
    framing: Framing
    network: LSTMConfig
    training: TrainingConfig
    members: int
    season: int
    padded: bool
    penalty: float = 1e-2
    spread: tuple[tuple[float, ...], ...] = ()
    candidates: Tried = ()

    @property
    def spans(self) -> Spans:
        """The window ranges of this plan."""
        least = min(self.framing.lookback, 3)
        return Spans(self.framing.lookback, self.framing.horizon, self.padded, least)

    def cut(self, panel: Panel) -> np.ndarray:
        """(N,) steps of each series before the tail that validates."""
        return validation_cut(panel, self.framing.horizon, self.training.validation)

    @property
    def history_needed(self) -> int | None:
        """Steps of history that a forecast reads; None = all, for a usual value or a smoothing began long ago."""
        scaling = self.scaling
        if scaling.base in ("category", "smooth") or scaling.fitted:
            return None
        return self.framing.lookback + scaling.season * (scaling.depth + 1) + self.framing.horizon

    def describe_structure(self) -> str:
        """Lookback and scaling: what distinguishes it from other structures."""
        return f"lookback {self.framing.lookback} · {self.scaling.describe()}"

    def describe(self) -> str:
        """One line: what was chosen."""
        network = self.network
        members = f" · {self.members} members" if self.members > 1 else ""
        skip = f" + linear {network.skip}" if network.skip else ""
        copies = " · made-up copies" if self.training.augment else ""
        return (
            f"lookback {self.framing.lookback} · {self.scaling.describe()} · "
            f"LSTM {network.hidden_size} x {network.num_layers}{skip}{members}{copies}"
        )


def choose(panel: Panel, wishes: Wishes) -> Plan:
    """Complete the user's wishes from the training panel alone: the first of ``structures``.

    Raises:
        WindowError: a given lookback does not fit, or no series is long enough to learn from.
    """
    return structures(panel, wishes)[0]


def structures(panel: Panel, wishes: Wishes) -> list[Plan]:
    """Plans that differ in the base of the forecast, the most promising first; one where nothing is to be blended.

    Raises:
        WindowError: a given lookback does not fit, or no series is long enough to learn from.
    """
    horizon = 1 if wishes.recursive else wishes.horizon
    if wishes.counts:
        require_counts(panel, wishes.scaling)
    seasons = seasonal_periods(panel)
    if wishes.lookback is not None:
        require_steps(panel, wishes.lookback, horizon)
    elif (panel.length < horizon + 2).all():
        require_steps(panel, 2, horizon)
    probes, tried = _probes(panel, wishes, seasons, horizon)
    most = (wishes.structures or MOST_STRUCTURES) if wishes.blends else 1
    return [_plan(panel, wishes, found, seasons, horizon, tried) for found in _different(probes)[:most]]


def _different(probes: list[Probe]) -> list[Probe]:
    """The best of every base, then the same bases with and without logarithm; none that is clearly worse than the best.

    Forecasts without a base count only where they are the best of all, for they are not tied to anything.
    """
    usable = [one for one in probes if not one.error > CLEARLY_WORSE * probes[0].error]
    usable = [one for one in usable if one.scaling.base != "none" or one is probes[0]]
    bases: dict[tuple[str, int, int], Probe] = {}
    twins: dict[tuple[str, int, int, bool], Probe] = {}
    for one in usable:
        base = (one.scaling.base, one.scaling.season, one.scaling.depth)
        bases.setdefault(base, one)
        twins.setdefault((*base, one.scaling.log), one)
    firsts = list(bases.values())
    return firsts + [one for one in twins.values() if all(one is not first for first in firsts)]


def _plan(panel: Panel, wishes: Wishes, found: Probe, seasons: tuple[int, ...], horizon: int, tried: Tried) -> Plan:
    scaling = found.scaling
    given = wishes.scaling is not None and scaling.base == "seasonal"  # else one season for all structures of a blend
    season = scaling.season if given or (scaling.base == "seasonal" and not seasons) else (seasons or (1,))[0]
    network = network_for(panel, found.skip, wishes.network)
    lookback, supervised = _sizes(panel, wishes, network, found.lookback, season)
    if wishes.free_readout:
        network = replace(network, readout=supervised)
    padded = wishes.lookback is None
    short = padded and bool((panel.length < lookback + horizon).any())
    calendar = cycles_within(panel) if wishes.tells_calendar else ()
    observed = short or not all_observed(panel)
    framing = Framing(lookback, horizon, supervised, observed, calendar, year_waves_within(panel) if calendar else 1)
    training = training_for(panel, wishes.seed, wishes.training)
    members = wishes.members or members_for(panel)
    spread = () if found.spread_HC is None else tuple(tuple(map(float, row)) for row in found.spread_HC)
    return Plan(scaling, framing, network, training, members, season, padded, found.penalty, spread, tried)


def _probes(panel: Panel, wishes: Wishes, seasons: tuple[int, ...], horizon: int) -> tuple[list[Probe], Tried]:
    """The candidates in the order of their errors over the folds; the user's own scaling is the only candidate if there
    is one.

    The probe also finds the penalty of the ridge start and how wide the errors are; it keeps to a linear part that the
    user fixed, and where there is none there is nothing to probe.
    """
    skip = wishes.skip
    if wishes.scaling is not None and skip is not None and (wishes.random_start or not skip):
        return [Probe(wishes.scaling, _lookbacks(panel, wishes, wishes.scaling, seasons, horizon)[0], skip)], ()
    candidates = _candidates(panel, wishes, seasons, horizon)
    ordered = candidates
    if math.isfinite(wishes.deadline):  # what is tied to a past value is the safest, should time run out
        ordered = sorted(candidates, key=lambda scaling: scaling.base == "none")
    probes: list[Probe] = []
    for scaling, lookback in ((s, steps) for s in ordered for steps in _lookbacks(panel, wishes, s, seasons, horizon)):
        if probes and time.monotonic() > wishes.deadline:
            break
        skips = _skips(lookback, seasons, panel) if skip is None else [min(skip or 1, lookback)]
        found = probe(panel, scaling, lookback, horizon, skips)
        probes += [] if found is None else [found]
    if not probes:
        scaling = candidates[-1]
        return [
            Probe(scaling, _lookbacks(panel, wishes, scaling, seasons, horizon)[0], 1 if skip is None else skip)
        ], ()
    last_value = min((p.centre_error for p in probes if p.scaling.base == "last"), default=np.inf)
    steps = float(np.median(panel.length))
    tried = tuple((f"lookback {p.lookback} · {p.scaling.describe()}", round(p.error, 6)) for p in probes)
    return sorted(probes, key=lambda found: _handicapped(found, last_value, steps)), tried


def _candidates(panel: Panel, wishes: Wishes, seasons: tuple[int, ...], horizon: int) -> list[Scaling]:
    """The scalings to probe: of each base the variant that a quick line does best on, and means of two seasons."""
    if wishes.scaling is not None:
        return [wishes.scaling]
    candidates = scalings_to_try(panel, seasons, wishes.counts)
    if wishes.recursive:  # paths of single steps cannot follow a smoothing of the whole series
        candidates = [scaling for scaling in candidates if scaling.base != "smooth"]
    best: dict[Scaling, Scaling] = {}
    for plain in (scaling for scaling in candidates if not scaling.log):
        lookback = _lookbacks(panel, wishes, plain, seasons, horizon)[0]
        late = time.monotonic() > wishes.deadline
        best[plain] = plain if late else best_variant(panel, plain, lookback, horizon)
    found = [replace(best[replace(scaling, log=False)], log=scaling.log) for scaling in candidates]
    return list(dict.fromkeys([*found, *(twin for scaling in found for twin in _averaged(panel, scaling, horizon))]))


def _averaged(panel: Panel, scaling: Scaling, horizon: int) -> list[Scaling]:
    """The same seasonal base as a mean of two seasons, which are longer than the horizon and of which there are enough.

    A line seldom sees its worth: it takes noise out of every step, and what it lags behind the network mends.
    """
    long = scaling.season > horizon and float(np.median(panel.length)) >= ENOUGH_SEASONS * scaling.season
    return [replace(scaling, depth=2)] if scaling.base == "seasonal" and long else []


def _handicapped(found: Probe, last_value: float, steps: float) -> float:
    """The error, times what the candidate has to make up for.

    Where the window's mean forecasts better than the last value (``last_value`` is its error) no anchor is missed;
    where a typical series holds several lookbacks (it has ``steps`` steps) a long one does no harm.
    """
    unanchored = UNANCHORED if found.scaling.base == "none" and found.centre_error > last_value else 1
    return found.error * unanchored * (LONGER if found.lookback > steps / 4 else 1)


def _lookbacks(panel: Panel, wishes: Wishes, scaling: Scaling, seasons: tuple[int, ...], horizon: int) -> list[int]:
    """Lengths of history to try, ascending: two seasons; without a season also a longer one, to average noise away."""
    if wishes.lookback is not None:
        return [wishes.lookback]
    room = max((int(np.median(panel.length)) - horizon) * 2 // 3, 2)
    season = seasons[0] if seasons else scaling.season if scaling.base == "seasonal" else 1
    short = max(2 * season, horizon, SHORT_LOOKBACK)
    wanted = (short,) if seasons else (short, max(short, LONG_LOOKBACK))
    if scaling.base == "smooth" and seasons:  # its base has seen all that came before
        wanted = (max(season, 4), short)
    return sorted({min(steps, room, LONGEST_LOOKBACK) for steps in wanted})


def scalings_to_try(panel: Panel, seasons: tuple[int, ...], counts: bool) -> list[Scaling]:
    """Scalings worth trying: from the last value, each season, each category; all that also with logarithm.

    Counts go without it, for their distribution lives in their own unit.
    """
    bases = [Scaling(scale="standard"), Scaling(base="last", scale="standard")]
    bases += [Scaling(base="seasonal", season=m, scale="standard") for m in seasons]
    bases += [Scaling(base="smooth", season=m, alpha=0.2, gamma=0.4, scale="standard") for m in seasons or (1,)]
    bases += [
        Scaling(base="category", category=column.name, depth=CATEGORY_DEPTH, scale="standard")
        for column in panel.schema.future
        if column.categories is not None and 1 < column.width <= 24
    ]
    if counts or not all_above(panel, 0.0):
        return bases
    return bases + [replace(base, log=True) for base in bases]


def _skips(lookback: int, seasons: tuple[int, ...], panel: Panel) -> list[int]:
    """Lengths of the linear part to try, ascending, none longer than the lookback or than the data can bear."""
    limit = min(lookback, max(panel.total // 8, 2))
    wanted = (
        {1, 2, 3, 4, 8, 16, 32, 64}
        | {m + extra for m in seasons[:2] for extra in (0, 1)}
        | {2 * m for m in seasons[:1]}
    )
    return sorted(steps for steps in wanted if steps <= limit) or [1]


def _sizes(panel: Panel, wishes: Wishes, network: LSTMConfig, warm_up: int, season: int) -> tuple[int, int]:
    """Lookback L and supervised steps K."""
    horizon = 1 if wishes.recursive else wishes.horizon
    if wishes.lookback is not None:
        lookback = wishes.lookback
        supervised = network.readout or lookback
        if wishes.free_readout:
            supervised = max(1, lookback // 3)
        if supervised > lookback or network.skip > lookback or network.patch > lookback:
            raise ConfigError(
                f"readout {network.readout}, skip {network.skip} and patch {network.patch} must not exceed "
                f"lookback {lookback}."
            )
        return lookback, supervised
    room = max(int(np.median(panel.length)) - horizon, 2)
    warm_up = max(warm_up, network.patch)
    if wishes.free_readout:
        supervised = supervised_steps(panel, warm_up, room, horizon, season)
    else:
        supervised = network.readout
        if not supervised:  # every step of the window is trained
            return warm_up, warm_up
    return warm_up + supervised - 1, supervised
