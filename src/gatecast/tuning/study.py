"""The study: what Optuna is asked for and told, and the files of a folder that keep it.

The sampler gets a new seed for every trial, from the number of trials that are finished. So a study that stops and goes
on draws what it would have drawn without the stop; no state of a generator has to be stored. Optuna keeps it in memory.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatecast.errors import ConfigError, ModelFileError
from gatecast.tuning.folder import TuneFolder
from gatecast.tuning.space import Params, Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial, TrialState

__all__ = ["KeptTrial", "Running", "Study", "Tried", "quiet", "require_optuna", "trial_name"]

RANDOM_TRIALS = 8  # before the sampler begins to learn
UNPRUNED_TRIALS = 4  # before a median means something


@dataclass(frozen=True)
class Tried:
    """One finished trial.

    Args:
        number: in the order of time; 0 has all defaults.
        state: "complete", "pruned" (stopped after a fold that was worse than usual) or "failed".
        score: mean over the folds that were scored; nan where none was.
        folds: the score of each, newest fold first.
        changes: arguments of a Forecaster that differ from the default.
        seconds: what it took.
        fold_seconds: what the quickest fold took: the first training of a process starts torch as well.
        problem: why it failed; "" where it did not.
    """

    number: int
    state: str
    score: float
    folds: tuple[float, ...]
    changes: dict[str, Any]
    seconds: float
    fold_seconds: float
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        plain = dict(vars(self))
        return {**plain, "folds": list(self.folds), "score": None if self.score != self.score else self.score}


@dataclass
class Running:
    """One trial under way."""

    trial: Trial
    params: Params
    number: int

    def hopeless(self, scores: list[float]) -> bool:
        """Report the mean score so far; True where the middle one of the trials before was better by then."""
        self.trial.report(sum(scores) / len(scores), step=len(scores))
        return self.number > 0 and self.trial.should_prune()


@dataclass(frozen=True)
class KeptTrial:
    """A finished trial as a file holds it.

    Args:
        tried: what it was and came to.
        params: what the sampler drew, by name.
        distributions: what from, as Optuna writes them in JSON.
        reported: the mean score after each fold.
    """

    tried: Tried
    params: dict[str, Any]
    distributions: dict[str, str]
    reported: list[float]


class Study:
    """Trials, old and new.

    Args:
        space: what is searched.
        seed: of the sampler.
        folder: keeps the trials.
    """

    def __init__(self, space: Space, seed: int, folder: TuneFolder) -> None:
        import optuna

        self.space, self.seed, self.folder = space, seed, folder
        pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS)
        self._study = optuna.create_study(direction="minimize", pruner=pruner)
        self._finished: list[Tried] = []
        while (kept := folder.read(trial_name(len(self._finished)), KeptTrial)) is not None:
            self._study.add_trial(_again(kept))
            self._finished.append(kept.tried)

    def finished(self) -> list[Tried]:
        """The trials that came to an end, oldest first."""
        return list(self._finished)

    def ask(self) -> Running:
        """Begin the next trial: the defaults first, then what the sampler draws."""
        from optuna.samplers import TPESampler

        number = len(self._finished)
        self._study.sampler = TPESampler(
            n_startup_trials=RANDOM_TRIALS, multivariate=False, seed=(self.seed * 100_003 + number) % 2**32
        )
        if number == 0:
            self._study.enqueue_trial(self.space.start)
        trial = self._study.ask()
        return Running(trial, self.space.suggest(trial), number)

    def tell(self, running: Running, state: str, scores: list[float], spent: list[float], problem: str = "") -> Tried:
        """End a trial; ``spent`` are the seconds of each fold."""
        changes = self.space.changes(running.params)
        score = sum(scores) / len(scores) if scores else float("nan")
        seconds, quickest = round(sum(spent), 3), round(min(spent, default=0.0), 3)
        tried = Tried(running.number, state, score, tuple(scores), changes, seconds, quickest, problem)
        told = self._study.tell(running.trial, score if state == "complete" else None, state=_state(state))
        self.folder.write(trial_name(tried.number), _kept(tried, told))
        self._finished.append(tried)
        return tried

    def stop(self, running: Running) -> None:
        """Give a trial up that Ctrl-C or the time limit ended: it does not count, so the next one is drawn alike."""
        self._study.tell(running.trial, state=_state("failed"))


def trial_name(number: int) -> str:
    """The name of a trial in a folder."""
    return f"trial-{number:03d}"


def require_optuna() -> None:
    """Raise ConfigError where Optuna is not installed; it is not imported."""
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError("tuning needs Optuna: pip install 'gatecast[tune]'.")


@contextmanager
def quiet() -> Iterator[None]:
    """No lines of Optuna's own; its setting is as before afterwards."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _state(name: str) -> TrialState:
    from optuna.trial import TrialState

    return {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}.get(name, TrialState.FAIL)


def _kept(tried: Tried, trial: FrozenTrial) -> KeptTrial:
    from optuna.distributions import distribution_to_json

    ranges = {name: distribution_to_json(drawn) for name, drawn in trial.distributions.items()}
    return KeptTrial(
        tried, trial.params, ranges, [trial.intermediate_values[k] for k in sorted(trial.intermediate_values)]
    )


def _again(kept: KeptTrial) -> FrozenTrial:
    """The trial as Optuna knew it. Raises ModelFileError where its file does not hold one."""
    from optuna.distributions import json_to_distribution
    from optuna.trial import create_trial

    try:
        return create_trial(
            state=_state(kept.tried.state),
            value=kept.tried.score if kept.tried.state == "complete" else None,
            params=kept.params,
            distributions={name: json_to_distribution(text) for name, text in kept.distributions.items()},
            intermediate_values=dict(enumerate(kept.reported, 1)),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{trial_name(kept.tried.number)} of the folder is no trial: {error}") from error
