"""What a tuning came to: the model, the settings, the trials, and whether it was worth it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatecast.evaluation.judgement import Judgement
from gatecast.evaluation.layout import decimals
from gatecast.evaluation.measures import level_key
from gatecast.evaluation.scores import Scores
from gatecast.forecaster import Forecaster
from gatecast.tuning.evidence import Evidence
from gatecast.tuning.study import Tried

__all__ = ["Tuning"]

WIDTH = 80


@dataclass(frozen=True, eq=False)
class Tuning:
    """A search over settings, and what it was worth. Printing it gives the table and the verdict.

    Args:
        model: the settings that are kept, trained on all data, ready to predict.
        settings: these settings as plain data: ``Forecaster(**settings)``.
        evidence: the trials, and what speaks for the best of them.
        inner_naive: name -> score of the naive forecasts on the inner origins.
        metric: what inner scores are: "MASE" or "MAE".
        inner_origins: inner origins per series.
        seconds: what all of it took.
    """

    model: Forecaster
    settings: dict[str, Any]
    evidence: Evidence
    inner_naive: Mapping[str, float]
    metric: str
    inner_origins: int
    seconds: float

    @property
    def trials(self) -> list[dict[str, Any]]:
        """One plain dict per trial: number, state, score, folds, changes, seconds, problem."""
        return [trial.to_dict() for trial in self.evidence.tried]

    @property
    def found(self) -> Tried | None:
        """The best trial beside the default, kept or not; None where no trial was better in the search."""
        return self.evidence.found

    @property
    def scores(self) -> Scores | None:
        """Scores on the outer origins: of what was found, with the default as "default", or of the default alone."""
        return self.evidence.scores

    @property
    def helped(self) -> bool:
        """Whether what was found is kept."""
        return self.evidence.helped

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C came."""
        return self.evidence.interrupted

    @property
    def judgement(self) -> Judgement:
        """What was found against the default settings: better, undecided or worse."""
        return self.evidence.judgement

    @property
    def verdict(self) -> str:
        """Did tuning help? In one sentence or a few."""
        return self.evidence.verdict

    def table(self, width: int = WIDTH) -> str:
        """The best found beside the default settings and the best naive forecast.

        Args:
            width: letters of a line; the last columns are left out for it.
        """
        looks, tried, found = self.evidence.look_scores, self.evidence.tried, self.found
        names, inner, kinds = ["default settings"], [looks.get(0, tried[0].score)], ["default"]
        if found is not None:
            names.insert(0, f"best found (trial {found.number})")
            inner.insert(0, looks[found.number])
            kinds.insert(0, "found")
        if self.scores is not None and self.scores.baselines:
            names.append(self.scores.title(self.scores.baselines[0]))
            inner.append(self.inner_naive.get(self.scores.baselines[0], math.nan))
            kinds.append("naive")
        columns = [("", names), (f"inner {self.metric}", _cells(inner, "mase")), *self._outer(kinds)]
        while _width(columns) > width:
            columns.pop()
        widths = [max(map(len, (head, *cells))) for head, cells in columns]
        rows = zip(*((head, *cells) for head, cells in columns), strict=True)
        return "\n".join(_line(row, widths) for row in rows)

    def _outer(self, kinds: list[str]) -> list[tuple[str, list[str]]]:
        """Columns of the outer origins."""
        if self.scores is None:
            return []
        scores, both = self.scores, "default" in self.scores.table
        names = {"found": scores.model, "default": "default" if both else scores.model, "naive": ""}
        if scores.baselines:
            names["naive"] = scores.baselines[0]
        rows = [scores.table[names[kind]] if both or kind != "found" else {} for kind in kinds]
        columns = []
        for metric, title in ((scores.headline, f"outer {scores.headline.upper()}"), ("smape", "sMAPE")):
            columns.append((title, _cells([row.get(metric, math.nan) for row in rows], metric)))
        for level in scores.levels:
            shares = [row.get(f"coverage_{level_key(level)}", math.nan) for row in rows]
            cells = ["-" if math.isnan(share) else f"{100 * share:.0f} %" for share in shares]
            columns.append((f"in {level_key(level)} %", cells))
        return columns

    def __str__(self) -> str:
        return "\n".join([self.table(), *textwrap.wrap(self.verdict, WIDTH, break_long_words=False)])

    def to_dict(self) -> dict[str, Any]:
        """Everything but the model as plain data for JSON."""
        found = self.found
        return {
            "settings": {**self.settings, "quantiles": list(self.settings["quantiles"])},
            "helped": self.helped,
            "verdict": {**self.judgement.to_dict(), "text": self.verdict},
            "metric": self.metric,
            "inner_origins": self.inner_origins,
            "inner_gain": _number(self.evidence.inner_gain),
            "outer_gain": _number(self.evidence.outer_gain),
            "found": None if found is None else found.to_dict(),
            "second_look": {str(number): _number(score) for number, score in self.evidence.look_scores.items()},
            "inner_naive": {name: _number(score) for name, score in self.inner_naive.items()},
            "outer": None if self.scores is None else self.scores.to_dict(),
            "trials": self.trials,
            "interrupted": self.interrupted,
            "seconds": self.seconds,
        }


def _cells(values: list[float], metric: str) -> list[str]:
    places = max(decimals(values, metric), 3 if metric == "mase" else 0)  # a gain of 2 % has to be seen
    return ["-" if math.isnan(value) else f"{value:,.{places}f}" for value in values]


def _width(columns: list[tuple[str, list[str]]]) -> int:
    return sum(max(map(len, (head, *cells))) + 3 for head, cells in columns) - 3


def _line(texts: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = [t.rjust(w) if k else t.ljust(w) for k, (t, w) in enumerate(zip(texts, widths, strict=True))]
    return "   ".join([first, *rest]).rstrip()


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
