"""The search: trial after trial, each scored on the inner origins alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.engines.options import EngineOptions
from gatecast.errors import GatecastError, TrainingError
from gatecast.forecaster import Forecaster
from gatecast.storage.checkpoint import FitFolder
from gatecast.storage.parcels import executor_of
from gatecast.tuning.clock import Clock
from gatecast.tuning.inner import Inner
from gatecast.tuning.space import merged
from gatecast.tuning.study import Running, Study, Tried, trial_name

__all__ = ["Search", "fitted", "middle_of", "scored", "trained"]

TWINS = 25  # trials in a row that were there before: the space is exhausted


class OutOfTimeError(Exception):
    """A training had no time to finish, so its score would say nothing."""


def fitted(arguments: dict[str, Any], panel: Panel, limit: float | None, states: Path | None = None) -> Forecaster:
    """A Forecaster trained on a panel. Ctrl-C, which ``fit`` survives, ends it here: KeyboardInterrupt."""
    model = trained({**arguments, "progress": False}, panel, limit, states)
    if model.record_["interrupted"]:
        raise KeyboardInterrupt
    return model


def trained(arguments: dict[str, Any], panel: Panel, limit: float | None, states: Path | None) -> Forecaster:
    """A Forecaster trained on a panel within a limit of this call, which is no setting of it.

    Args:
        arguments: of the Forecaster.
        panel: the data.
        limit: seconds; None = none but its own.
        states: folder that keeps where the training stands; None = nowhere.
    """
    model, own = Forecaster(**arguments), arguments["time_limit"]
    folder = None if states is None else FitFolder.open(states, model, panel)
    model.time_limit = min((seconds for seconds in (own, limit) if seconds is not None), default=None)
    model.fit(panel, checkpoint=folder)
    model.time_limit = own
    model.fitted_ = replace(model.fitted_, settings=replace(model.fitted_.settings, time_limit=own))
    return model


def middle_of(model: Forecaster) -> int:
    """Position of the point forecast among the quantiles."""
    return model.fitted_.middle


def scored(
    inner: Inner, number: int, arguments: dict[str, Any], limit: float | None, states: Path | None
) -> tuple[float, bool]:
    """Train before one fold and score on it; also whether the training was cut short."""
    fold = inner.folds[number]
    model = fitted(arguments, inner.train[fold.number], limit, states)
    point_BHC = model.forecast_from(inner.panel, *inner.windows(fold))[..., middle_of(model)]
    cut = model.fitted_.out_of_time
    return inner.score(fold, point_BHC), cut


@dataclass
class Search:
    """Runs trials until there are enough, the time is over, or Ctrl-C comes.

    Args:
        study: asks and remembers.
        inner: where trials are scored.
        arguments: of the user's Forecaster.
        clock: the time limit of the whole call.
        reserve: seconds that the rest of the call will take, by what the trials took so far.
        show: takes the progress line.
    """

    study: Study
    inner: Inner
    arguments: dict[str, Any]
    clock: Clock
    reserve: Callable[[list[Tried]], float]
    show: Callable[[str], None]
    tried: list[Tried] = field(default_factory=list)

    def run(self, most: int | None) -> None:
        """Run trials until ``most`` are finished, those of earlier calls included.

        Raises:
            KeyboardInterrupt: Ctrl-C; the trial under way does not count.
        """
        self.tried = self.study.finished()
        twins = 0
        while (most is None or len(self.tried) < most) and twins < TWINS:
            if self.tried and self._left() <= 0:
                return
            running = self.study.ask()
            try:
                twin = self._known(running)
                twins = 0 if twin is None else twins + 1
                self.tried.append(self._new(running) if twin is None else self._again(running, twin))
            except OutOfTimeError:
                self.study.stop(running)
                return
            except BaseException:
                self.study.stop(running)
                raise
            self.show(self.line())

    def line(self) -> str:
        """Where the search stands, in one line."""
        if not self.tried:
            return "tuning · trial 1, the default settings"
        best = min((t.score for t in self.tried if t.state == "complete"), default=float("nan"))
        return f"tuning · trial {len(self.tried)} · best {best:.3g} (default {self.tried[0].score:.3g})"

    def _left(self) -> float:
        return self.clock.before(self.reserve(self.tried))

    def _known(self, running: Running) -> Tried | None:
        """A finished trial with the same settings."""
        changes = self.study.space.changes(running.params)
        return next((t for t in self.tried if t.changes == changes), None)

    def _again(self, running: Running, twin: Tried) -> Tried:
        for k in range(1, len(twin.folds) + 1):
            running.hopeless(list(twin.folds[:k]))
        return self.study.tell(running, twin.state, list(twin.folds), [], twin.problem)

    def _new(self, running: Running) -> Tried:
        """Train and score on one fold after the other, as long as there is hope."""
        changes = self.study.space.changes(running.params)
        arguments = {**merged(self.arguments, changes), "members": 1, "refit": False}
        scores, spent, count = list[float](), list[float](), len(self.inner.folds)
        for k, got in self._all_folds(arguments, running.number):
            if isinstance(got, GatecastError):
                if not running.number:
                    raise got
                return self.study.tell(running, "failed", scores, spent, str(got))
            scores.append(got[0])
            spent.append(got[1])
            if running.hopeless(scores) and k + 1 < count:
                return self.study.tell(running, "pruned", scores, spent)
        return self.study.tell(running, "complete", scores, spent)

    def _all_folds(
        self, arguments: dict[str, Any], trial: int
    ) -> Iterator[tuple[int, tuple[float, float] | GatecastError]]:
        """Score and seconds of one fold after the other, or why there is none.

        As many folds at a time as there are workers: those after one without hope were in vain, and count for nothing.
        """
        executor = executor_of(EngineOptions(*(arguments[name] for name in ("engine", "workers", "address"))))

        def scored_at(k: int) -> tuple[float, float] | GatecastError:
            started = time.monotonic()
            try:
                return self._score(k, arguments, trial), time.monotonic() - started
            except GatecastError as error:
                return error

        count = len(self.inner.folds)
        for begin in range(0, count, executor.workers):
            numbers = range(begin, min(begin + executor.workers, count))
            yield from zip(numbers, executor.map(scored_at, numbers), strict=True)

    def _score(self, k: int, arguments: dict[str, Any], trial: int) -> float:
        """Score on one fold. The default settings have to be scored on all folds, whatever it takes."""
        limit, first = None, trial == 0
        if self.clock.limit is not None:
            limit = max(self.clock.left / 2 / (len(self.inner.folds) - k) if first else self._left(), 0.05)
        states = self.study.folder.states(f"{trial_name(trial)}-fold-{k}")
        score, cut = scored(self.inner, k, arguments, limit, states)
        if cut and not first:
            raise OutOfTimeError
        if not np.isfinite(score):
            raise TrainingError("no score: there is no truth on the inner origins, or the forecasts are not finite.")
        return score
