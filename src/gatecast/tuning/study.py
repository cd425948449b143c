"""The study: what Optuna is asked for and told, and the SQLite file that keeps it.

The sampler gets a new seed for every trial, from the number of trials that are finished. So a study that stops and goes
on draws what it would have drawn without the stop; no state of a generator has to be stored.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.errors import ConfigError, listed
from gatecast.tuning.space import Params, Space

if TYPE_CHECKING:
    from optuna.study import Study as OptunaStudy
    from optuna.trial import FrozenTrial, Trial

__all__ = ["Running", "Study", "Tried", "open_study", "quiet", "require_optuna"]

NAME = "gatecast"
RANDOM_TRIALS = 8  # before the sampler begins to learn
UNPRUNED_TRIALS = 4  # before a median means something
HEADER = b"SQLite format 3\x00"


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


class Study:
    """Trials, old and new.

    Args:
        optuna_study: of Optuna.
        space: what is searched.
        seed: of the sampler.
    """

    def __init__(self, optuna_study: OptunaStudy, space: Space, seed: int) -> None:
        self._study = optuna_study
        self.space = space
        self.seed = seed
        self._clear_stopped()

    def finished(self) -> list[Tried]:
        """The trials that came to an end, oldest first; they are counted anew where some were stopped."""
        ended = [
            t for t in self._study.get_trials(deepcopy=False) if "seconds" in t.user_attrs and t.state.is_finished()
        ]
        return [_tried(n, trial) for n, trial in enumerate(ended)]

    def ask(self) -> Running:
        """Begin the next trial: the defaults first, then what the sampler draws."""
        from optuna.samplers import TPESampler

        number = len(self.finished())
        self._study.sampler = TPESampler(
            n_startup_trials=RANDOM_TRIALS, multivariate=False, seed=(self.seed * 100_003 + number) % 2**32
        )
        if number == 0 and not self._waiting():
            self._study.enqueue_trial(self.space.start)
        trial = self._study.ask()
        return Running(trial, self.space.suggest(trial), number)

    def tell(self, running: Running, state: str, scores: list[float], spent: list[float], problem: str = "") -> Tried:
        """End a trial; ``spent`` are the seconds of each fold."""
        from optuna.trial import TrialState

        changes = self.space.changes(running.params)
        score = sum(scores) / len(scores) if scores else float("nan")
        seconds, quickest = round(sum(spent), 3), round(min(spent, default=0.0), 3)
        facts = {
            "scores": scores,
            "changes": changes,
            "fold_seconds": quickest,
            "problem": problem,
            "seconds": seconds,  # the last one: what has it is finished
        }
        for key, value in facts.items():
            running.trial.set_user_attr(key, value)
        states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
        self._study.tell(running.trial, score if state == "complete" else None, state=states[state])
        return Tried(running.number, state, score, tuple(scores), changes, seconds, quickest, problem)

    def stop(self, running: Running) -> None:
        """Give a trial up that Ctrl-C or the time limit ended: it does not count, so the next one is drawn alike."""
        from optuna.trial import TrialState

        self._study.tell(running.trial, state=TrialState.FAIL)

    def _waiting(self) -> bool:
        from optuna.trial import TrialState

        return bool(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def _clear_stopped(self) -> None:
        """A process that was killed left its trial running, and the sampler would keep away from it."""
        from optuna.trial import TrialState

        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)


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


def open_study(path: str | os.PathLike[str] | None, space: Space, seed: int, identity: dict[str, Any]) -> Study:
    """A new study, or the one that a file holds.

    Args:
        path: an SQLite file; None = keep nothing.
        space: what is searched.
        seed: of the sampler.
        identity: all that the scores of trials depend on, as plain data.

    Raises:
        ConfigError: the file holds something else, or cannot be used.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS)
    if path is None:
        return Study(optuna.create_study(direction="minimize", study_name=NAME, pruner=pruner), space, seed)
    file = Path(path)
    _require_study_file(file)
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
        others = [name for name in optuna.get_all_study_names(storage) if name != NAME]
        if others:
            raise ConfigError(f"{file} holds other studies of Optuna ({listed(others)}). Choose another file.")
        study = optuna.create_study(
            storage=storage, study_name=NAME, direction="minimize", pruner=pruner, load_if_exists=True
        )
    except (SQLAlchemyError, RuntimeError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ConfigError(f"{file} cannot hold a study: {reason}. Choose another file.") from error
    _require_same(study, identity, file)
    return Study(study, space, seed)


def _require_study_file(file: Path) -> None:
    """Better said in our words than in those of three libraries."""
    if file.is_dir():
        raise ConfigError(f"{file} is a folder; give the name of a file, such as tuning.db.")
    if not file.parent.is_dir():
        raise ConfigError(f"{file}: the folder {str(file.parent)!r} does not exist. Make it first.")
    if any(letter in str(file) for letter in "?#"):
        raise ConfigError(f"{file}: the name of a study's file cannot hold ? or #. Choose another name.")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ConfigError(f"{file}: no permission to write there.")
    if file.exists() and file.stat().st_size:
        with file.open("rb") as opened:
            if opened.read(len(HEADER)) != HEADER:
                raise ConfigError(f"{file} is no SQLite file. Choose another name for the study.")


def _require_same(study: OptunaStudy, identity: dict[str, Any], file: Path) -> None:
    known = study.user_attrs.get("identity")
    wanted = json.loads(json.dumps(identity))  # as it comes back from the file
    if known is None and not study.get_trials(deepcopy=False):
        study.set_user_attr("identity", wanted)
    elif known != wanted:
        differs = listed([key for key in wanted if (known or {}).get(key) != wanted[key]])
        raise ConfigError(
            f"{file} holds the study of other work ({differs} differ). Choose another file, or repeat the same call "
            f"to go on."
        )


def _tried(number: int, trial: FrozenTrial) -> Tried:
    facts = trial.user_attrs
    scores = facts["scores"]
    return Tried(
        number,
        {"COMPLETE": "complete", "PRUNED": "pruned"}.get(trial.state.name, "failed"),
        sum(scores) / len(scores) if scores else float("nan"),
        tuple(scores),
        facts["changes"],
        facts["seconds"],
        facts["fold_seconds"],
        facts["problem"],
    )
