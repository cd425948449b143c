"""The verdict as a command gives it: in its colour, as data, with the command to run next, and as an exit code."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.cli.files import PIPE
from gatecast.cli.options import UNSET
from gatecast.cli.printing import Screen
from gatecast.data.tables.databases.address import without_passwords
from gatecast.evaluation.judgement import OUTCOMES, OutcomeName
from gatecast.planning.typed import typed_option
from gatecast.progress import code_of_stop

if TYPE_CHECKING:
    from gatecast.evaluation.scores import Scores

__all__ = ["COLOURS", "FAILED", "Typed", "exit_code", "show_scores", "table_words", "verdict_facts"]

COLOURS: dict[OutcomeName, str] = {"better": "green", "undecided": "bright_black", "worse": "yellow"}
FAILED = 3


def show_scores(screen: Screen, scores: Scores, onward: str) -> None:
    """The table, the verdict in the colour of its outcome, and the next command."""
    from gatecast.evaluation.layout import score_parts

    table, *left_out, verdict = score_parts(scores, screen.width)
    screen.table(table)
    for sentence in left_out:
        screen.wrapped(sentence)
    screen.wrapped(verdict, COLOURS[scores.outcome])
    screen.onward(onward)


def verdict_facts(scores: Scores, onward: str) -> dict[str, Any]:
    """The verdict as JSON has it."""
    return {**scores.judgement.to_dict(), "text": scores.verdict, "next": onward}


def exit_code(interrupted: bool, outcome: OutcomeName, wanted: OutcomeName | None) -> int:
    """0; that of the stop after an interruption; 3 where the outcome is not as good as was asked for.

    >>> exit_code(False, "undecided", "better"), exit_code(False, "better", "undecided"), exit_code(True, "worse", None)
    (3, 0, 130)
    """
    if interrupted:
        return code_of_stop()
    return 0 if wanted is None or OUTCOMES.index(outcome) <= OUTCOMES.index(wanted) else FAILED


def table_words(file: str | None, example: str | None) -> list[str]:
    """A table as it is typed."""
    if file is None:
        return ["--example", str(example)]
    return ["-" if str(file) == PIPE else str(file)]


@dataclass(frozen=True)
class Typed:
    """What a user typed of the options that all training commands share, to be typed again.

    Args:
        file: the table; None = an example.
        groups: the options: data, model, network, training.
        rolling: those of a backtest alone.
        roles: columns that a saved model knows, by option.
    """

    file: str | None
    groups: tuple[Any, ...]
    rolling: Any = None
    roles: Mapping[str, Any] = field(default_factory=dict)

    def again(self, command: str, *more: str, **changes: Any) -> str:
        """A command on the same table.

        Args:
            command: its name.
            more: words at the end.
            changes: options in place of those typed; None leaves one out.
        """
        table = [] if self.file is None else ["-" if self.file == PIPE else without_passwords(self.file)]
        groups = (*self.groups, *([self.rolling] if self.rolling is not None and command == "backtest" else []))
        given = dict(self.roles) | {name: value for group in groups for name, value in _given(group)} | changes
        words = [word for name, value in given.items() if value is not None for word in typed_option(name, value)]
        return shlex.join(["gatecast", command, *table, *words, *more])

    def after_forecast(self, outcome: OutcomeName, horizon: int, saved: Path | None) -> str:
        """What to run after a forecast."""
        if outcome != "better":
            return self._doubted(outcome, horizon)
        if saved is not None:
            return shlex.join(["gatecast", "predict", str(saved), "NEWER_TABLE"])
        return self.again("forecast", "--save", "model.gatecast", "--output", "forecast.csv", horizon=horizon)

    def after_evaluation(self, outcome: OutcomeName, horizon: int) -> str:
        """What to run after a score on held-out data."""
        return self.again("forecast", horizon=horizon) if outcome == "better" else self._doubted(outcome, horizon)

    def after_check(self, outcome: OutcomeName, model: Path, horizon: int) -> str:
        """What to run after the score of a saved model."""
        if outcome == "better":
            table = [] if self.file is None else [str(self.file)]
            return shlex.join(["gatecast", "predict", str(model), *table])
        return self._doubted(outcome, horizon)

    def after_backtest(self, outcome: OutcomeName, horizon: int, more_origins: int | None) -> str:
        """What to run after a backtest; with more origins where it is undecided and more fit."""
        if outcome == "better":
            return self.again("forecast", horizon=horizon)
        if outcome == "undecided" and more_origins is not None:
            return self.again("backtest", horizon=horizon, origins=more_origins)
        return self._something_else("tune" if outcome == "undecided" else "backtest", horizon)

    def after_too_little(self, horizon: int, fits: int) -> str:
        """What to run where nothing could be held out: a horizon that can, or nothing but the instant preset."""
        if 0 < fits < horizon:
            return self.again("forecast", horizon=fits)
        return self.again("look") if self.file is not None else self.again("forecast", horizon=1)

    def _doubted(self, outcome: OutcomeName, horizon: int) -> str:
        """More origins where it is undecided; else another model."""
        if outcome == "undecided":
            return self.again("backtest", horizon=horizon)
        return self._something_else("backtest", horizon)

    def _something_else(self, command: str, horizon: int) -> str:
        """Other models than the one tried: those without training, and after these a search."""
        instant = any(getattr(group, "preset", None) == "instant" for group in self.groups)
        if instant or command == "tune":
            return self.again("tune", horizon=horizon, preset=None)
        return self.again(command, horizon=horizon, preset="instant")


def _given(group: Any) -> Iterator[tuple[str, Any]]:
    """The options of a group that differ from their default."""
    for one in fields(group):
        value = getattr(group, one.name)
        if value is not UNSET and value != one.default:
            yield one.name, value
