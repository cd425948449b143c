"""What speaks for the settings that were found, and the rule that decides.

Found settings are kept where they are clearly better than the default ones on the inner origins, trained again with a
fresh seed, AND better on the outer origins. Else the default is kept, and the verdict says which of the two failed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from gatecast.evaluation.judgement import Judgement, undecided
from gatecast.evaluation.layout import percent
from gatecast.evaluation.outcome import judge
from gatecast.evaluation.scores import Scores
from gatecast.tuning.study import Tried

__all__ = ["CLEARLY", "Evidence", "Look"]

CLEARLY = (
    0.02  # share of the default's inner score: two seeds of the same settings differ by less only half of the time
)


@dataclass(frozen=True)
class Look:
    """One trial, trained again.

    Args:
        number: of the trial; 0 = the default.
        score: with a fresh seed, mean over the inner folds; nan where that failed.
    """

    number: int
    score: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """Trials, second looks and the comparison on the outer origins.

    Args:
        tried: the trials, the default first.
        looks: the second look at the default and the best trials; empty where none was better, or Ctrl-C came.
        scores: of what was found, with the default as "default"; or of the default alone; None after Ctrl-C.
        problem: why what was found could not be compared; "" where it could.
        interrupted: Ctrl-C came.
    """

    tried: tuple[Tried, ...]
    looks: tuple[Look, ...] = ()
    scores: Scores | None = None
    problem: str = ""
    interrupted: bool = False

    @property
    def look_scores(self) -> dict[int, float]:
        """Number of the trial -> score in the second look."""
        return {look.number: look.score for look in self.looks}

    @cached_property
    def found(self) -> Tried | None:
        """The trial that did best in the second look; None where there is none beside the default."""
        others = [look for look in self.looks if look.number and math.isfinite(look.score)]
        return self.tried[min(others, key=lambda look: look.score).number] if others else None

    @property
    def inner_gain(self) -> float:
        """Share by which the found settings are better than the default in the second look; nan without one."""
        return math.nan if self.found is None else _gain(self.look_scores[self.found.number], self.look_scores[0])

    @property
    def outer_gain(self) -> float:
        """The same on the outer origins, by the headline error."""
        if self.scores is None or "default" not in self.scores.table:
            return math.nan
        table, metric = self.scores.table, self.scores.headline
        return _gain(table[self.scores.model][metric], table["default"][metric])

    @property
    def helped(self) -> bool:
        """Whether the found settings are kept."""
        return self.inner_gain >= CLEARLY and self.outer_gain > 0

    @property
    def judgement(self) -> Judgement:
        """The found settings against the default ones, by the rule of every verdict; undecided where not kept."""
        if self.scores is None or "default" not in self.scores.table:
            return undecided("nothing found")
        told = judge(self.scores, "default")
        if told.outcome == "better" and not self.helped:
            return replace(told, outcome="undecided", reason="no better on the inner origins")
        return told

    @property
    def verdict(self) -> str:
        """Did tuning help? In one sentence or a few."""
        stopped = f"Stopped by Ctrl-C after {len(self.tried):,} trials." if self.interrupted else ""
        return " ".join(filter(None, (self._did_it(), self._naive_is_better(), stopped)))

    def _did_it(self) -> str:
        if self.found is None:
            return f"Tuning did NOT help: {self._nothing_found()}; the default is kept."
        if self.problem:
            return (
                f"Tuning did NOT help: what was found fails on the held-out origins, so the default is kept. "
                f"({self.problem})"
            )
        if math.isnan(self.outer_gain):
            return "Tuning did NOT help: what was found could not be compared on unseen origins; the default is kept."
        outer = f"{_words(self.outer_gain)} than the default on {self._unseen()}"
        if self.helped:
            return f"Tuning helped: {outer}.{self._luck()}"
        if self.inner_gain < CLEARLY:
            return (
                f"Tuning did NOT help: trained again with a fresh seed, the best trial is {_words(self.inner_gain)} "
                f"than the default on the inner origins, where {percent(CLEARLY)} are asked for ({outer}); the "
                f"default is kept."
            )
        looked = f"what looked {_words(self.inner_gain)} in the search"
        return f"Tuning did NOT help: {looked} is {outer}; the default is kept."

    def _nothing_found(self) -> str:
        count = len(self.tried) - 1
        if not count:
            return "there was no time for a trial beside the default"
        if self.interrupted and any(t.score < self.tried[0].score for t in self.tried if t.state == "complete"):
            return "Ctrl-C came before the best trial could be checked"
        if count == 1:
            return "the one other trial was no better than the default"
        return f"none of {count:,} other trials was better than the default"

    def _unseen(self) -> str:
        assert self.scores is not None
        count, series = self.scores.origins, self.scores.series
        return f"{_counted(count, 'origin')}{f' of {series:,} series' * (series > 1)} that neither saw"

    def _luck(self) -> str:
        """How sure the outer difference is."""
        assert self.scores is not None
        p_value = self.scores.significance["default"].p_value
        if math.isnan(p_value):
            return " So few origins cannot rule out luck."
        return "" if p_value < 0.05 else f" It may be luck (p = {p_value:.2g})."

    def _naive_is_better(self) -> str:
        if self.scores is None or not self.scores.baselines:
            return ""
        scores, naive = self.scores, self.scores.baselines[0]
        kept = "default" if "default" in scores.table and not self.helped else scores.model
        if not scores.table[naive][scores.headline] < scores.table[kept][scores.headline]:
            return ""
        return f"NOT better than the naive forecast '{scores.title(naive)}' there, which costs nothing."


def _gain(score: float, default: float) -> float:
    return 1 - score / default if default > 0 else math.nan


def _words(gain: float) -> str:
    """A gain in words.

    >>> _words(0.04), _words(-0.11)
    ('4.0 % better', '11 % worse')
    """
    return f"{percent(abs(gain))} {'better' if gain > 0 else 'worse'}"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"
