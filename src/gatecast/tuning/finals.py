"""What the search found has to prove itself: a second look with a fresh seed, then origins that it never saw.

1  second look   the default and the best trials, trained again with another seed, on the inner origins
2  outer         the default and the winner of 1, whole, on the origins that were kept back
3  all data      the one that is kept
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gatecast.backtesting.assess import score_forecasts
from gatecast.data.panel import Panel
from gatecast.errors import GatecastError
from gatecast.evaluation.scores import Scores
from gatecast.forecaster import Forecaster
from gatecast.statistical.rivals import Rival
from gatecast.tuning.clock import Clock
from gatecast.tuning.evidence import Look
from gatecast.tuning.folder import TuneFolder
from gatecast.tuning.inner import Inner
from gatecast.tuning.search import fitted, scored, trained
from gatecast.tuning.space import merged
from gatecast.tuning.study import Tried
from gatecast.windows.index import last_origins

__all__ = ["FINALISTS", "Finals", "challengers", "reserve"]

FINALISTS = 2  # beside the default: the first of many is often only the luckiest
FRESH_SEED = 7919  # far from the seeds of members, which are 1000 apart


def challengers(tried: list[Tried]) -> list[Tried]:
    """The best finished trials that were better than the default, best first."""
    whole = [t for t in tried if t.state == "complete" and t.score < tried[0].score and t.changes]
    first: dict[str, Tried] = {}
    for trial in sorted(whole, key=lambda t: (t.score, t.number)):
        first.setdefault(repr(trial.changes), trial)
    return list(first.values())[:FINALISTS]


def reserve(tried: list[Tried], members: int, refit: bool) -> float:
    """Seconds that all of this will take, by what the trials took.

    Args:
        tried: the trials so far.
        members: networks of the default settings.
        refit: whether each of them is trained twice.
    """
    looks, twice = challengers(tried), 2 if refit else 1
    default = tried[0].fold_seconds
    one = max([default, *(t.fold_seconds for t in looks)])  # any of them may win
    second = len(tried[0].folds) * sum(t.fold_seconds for t in (tried[0], *looks)) if looks else 0.0
    outer = members * (default + (one if looks else 0.0))
    return twice * (second + outer + members * one)


@dataclass
class Finals:
    """Runs the three steps, each of which Ctrl-C may end.

    Args:
        arguments: of the user's Forecaster.
        inner: where the second look is taken.
        whole: the panel with the outer origins.
        before: what lies before them.
        origins: outer origins per series.
        stride: steps between two of them.
        clock: the time limit of the whole call.
        show: takes the progress line.
        folder: keeps what is finished.
    """

    arguments: dict[str, Any]
    inner: Inner
    whole: Panel
    before: Panel
    origins: int
    stride: int
    clock: Clock
    show: Callable[[str], None]
    folder: TuneFolder
    problem: str = field(default="", init=False)

    def second_look(self, tried: list[Tried], members: int) -> list[Look]:
        """The default and its challengers, trained with a fresh seed."""
        runners = [tried[0], *challengers(tried)]
        found: list[Look] = []
        for place, trial in enumerate(runners):
            name = f"look-{trial.number}"
            if (known := self.folder.read(name, Look)) is not None:
                found.append(known)
                continue
            self.show(f"tuning · second look · {place + 1} of {len(runners)}")
            arguments = self._reseeded({**merged(self.arguments, trial.changes), "members": 1})
            waiting = (len(runners) - place) * len(self.inner.folds) + 3 * members  # trainings, of this step and later
            try:
                score = self._look(name, arguments, waiting)
            except GatecastError:
                if not trial.number:
                    raise
                score = float("nan")  # what fails with another seed is no winner
            found.append(Look(trial.number, score))
            self.folder.write(name, found[-1])
        return found

    def _look(self, name: str, arguments: dict[str, Any], waiting: int) -> float:
        def one(k: int) -> float:
            states = self.folder.states(f"{name}-fold-{k}")
            return scored(self.inner, k, arguments, self.clock.share(1 / (waiting - k)), states)[0]

        return float(np.mean([one(k) for k in range(len(self.inner.folds))]))

    def _reseeded(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The same with another seed, wherever it was given."""
        training = arguments["training"]
        if training and "seed" in training:
            training = {**training, "seed": training["seed"] + FRESH_SEED}
        return {**arguments, "seed": arguments["seed"] + FRESH_SEED, "training": training}

    def compare(self, tried: Tried | None) -> Scores:
        """Default, found (if any) and naive forecasts on the outer origins.

        The model of the scores is what was found, with the default as its rival; or the default where there is none.
        Settings that fail on the outer origins leave their message in ``problem``.
        """
        self.show("tuning · default settings on the held-out origins")
        started = time.monotonic()
        default = self._before("default", {}, 1 / 3 if tried else 1 / 2)
        origin_NO = last_origins(self.whole, default.horizon, self.origins, self.stride)
        series_B, origin_B = np.repeat(np.arange(len(self.whole)), self.origins), origin_NO.ravel()
        plain_BHCQ = default.forecast_from(self.whole, series_B, origin_B)
        seconds = time.monotonic() - started

        def scores(model: Forecaster, forecast_BHCQ: np.ndarray, rivals: dict[str, Rival]) -> Scores:
            return score_forecasts(
                model, self.whole, series_B, origin_B, forecast_BHCQ, self.inner.season, self.origins, rivals
            ).scores

        if tried is None:
            return scores(default, plain_BHCQ, {})
        self.show("tuning · what was found on the held-out origins")
        try:
            found = self._before(f"found-{tried.number}", tried.changes, 1 / 2)
            found_BHCQ = found.forecast_from(self.whole, series_B, origin_B)
        except GatecastError as error:
            self.problem = str(error)
            return scores(default, plain_BHCQ, {})
        same = default.fitted_.levels == found.fitted_.levels
        point_BHC = plain_BHCQ[..., default.fitted_.middle].astype(np.float64)
        return scores(found, found_BHCQ, {"default": Rival(point_BHC, plain_BHCQ if same else None, seconds)})

    def _before(self, name: str, changes: dict[str, Any], share: float) -> Forecaster:
        """A forecaster trained on what lies before the outer origins."""
        arguments = merged(self.arguments, changes)
        return self._once(
            name, arguments, self.before, lambda states: fitted(arguments, self.before, self.clock.share(share), states)
        )

    def on_everything(self, tried: Tried | None, panel: Panel) -> Forecaster:
        """What is kept, a trial or the default, trained on all data; Ctrl-C leaves what was reached."""
        self.show("tuning · training on all data")
        name, changes = ("model-0", {}) if tried is None else (f"model-{tried.number}", tried.changes)
        arguments = merged(self.arguments, changes)
        return self._once(
            name, arguments, panel, lambda states: trained(arguments, panel, self.clock.share(1.0), states)
        )

    def _once(
        self, name: str, arguments: dict[str, Any], panel: Panel, train: Callable[[Path | None], Forecaster]
    ) -> Forecaster:
        """What was trained by this name before, or is now, and kept where nothing ended it early."""
        known = self.folder.model(name)
        if known is None:
            model = train(self.folder.states(name))
            if not model.record_["interrupted"]:
                self.folder.keep_model(name, model.fitted_)
            return model
        model = Forecaster(**arguments)
        model.fitted_, model.panel_, model.file_ = known, panel, None
        return model
