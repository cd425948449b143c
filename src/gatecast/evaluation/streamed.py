"""Scores of more windows than fit into memory: sums of parts, from which the scores over everything follow exactly.

part 1 ──▶ sums ─┐
part 2 ──▶ sums ─┼─▶ added in the order of the parts ──▶ the same scores as of all windows together
part 3 ──▶ sums ─┘
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gatecast.evaluation.judgement import Judgement, OutcomeName
from gatecast.evaluation.layout import percent
from gatecast.evaluation.scores import Scores, Table
from gatecast.statistical.naive import TITLES

__all__ = ["StreamedScores", "sums_of"]

PAIRED = ("mase", "mae")  # what a verdict may rest on
NORMAL_95 = 1.959964
ROOTS = {"rmse"}
Sums = Mapping[str, Any]


def sums_of(scores: Scores) -> dict[str, Any]:
    """What a part adds: plain data, a few kilobytes whatever the number of windows."""
    series_B = np.zeros(len(scores.truth_BHC), np.int64) if scores.series_B is None else scores.series_B
    return {
        "methods": {
            name: [{key: _sum(one) for key, one in measures.items()} for measures in of_targets]
            for name, of_targets in scores.measures.items()
        },
        "paired": {
            name: {metric: _paired(scores, name, metric, series_B) for metric in PAIRED} for name in scores.baselines
        },
        "series": len(np.unique(series_B)),
        "windows": len(series_B),
        "counts": dict(scores.counts),
        "about": [list(scores.targets), scores.horizon, scores.season, scores.origins],
    }


def _sum(measure: Any) -> list[float]:
    """Total and weight of a score over points, or of the scores of windows."""
    if not measure.over_windows:
        return [float(measure.total_B.sum()), float(measure.weight_B.sum())]
    defined = measure.weight_B > 0
    return [float(measure.per_window[defined].sum()), float(defined.sum())]


def _paired(scores: Scores, name: str, metric: str, series_B: np.ndarray) -> list[float]:
    """Series, and sums of the differences of their mean errors (model minus baseline) and of their squares."""
    difference_B = scores.window_scores(scores.model, metric) - scores.window_scores(name, metric)
    known_B = np.isfinite(difference_B)
    count_N = np.bincount(series_B[known_B])
    total_N = np.bincount(series_B[known_B], difference_B[known_B])
    mean_N = total_N[count_N > 0] / count_N[count_N > 0]
    return [float(len(mean_N)), float(mean_N.sum()), float((mean_N**2).sum())]


@dataclass(frozen=True, eq=False)
class StreamedScores:
    """Scores over all series of a source. Printing it gives the table and the verdict.

    They are those of ``Scores`` on all windows together: sums of the shards are added, not means of means. The verdict
    rests on the differences of the series' mean errors, which one event that strikes all series alike can move; it
    says so in ``Judgement.reason``.

    Args:
        parts: sums of each shard, in order.
        problems: (series, kind, reason) of those that could not be scored.
        model: name of the model in ``table``.
    """

    parts: Sequence[Sums]
    problems: Sequence[tuple[str, str, str]] = ()
    model: str = "lstm"

    @property
    def series(self) -> int:
        """Series that were scored."""
        return sum(part["series"] for part in self.parts)

    @property
    def windows(self) -> int:
        """Forecasts that were scored."""
        return sum(part["windows"] for part in self.parts)

    @property
    def origins(self) -> int:
        """Origins per series."""
        return int(self.parts[0]["about"][3])

    @property
    def counts(self) -> dict[str, int]:
        """Points scored, without truth, without a baseline's history, and without a MASE scale."""
        return {key: sum(part["counts"][key] for part in self.parts) for key in self.parts[0]["counts"]}

    @cached_property
    def table(self) -> Table:
        """Method -> metric -> score, the mean over target columns."""
        found: Table = {}
        first, *others = (part["methods"] for part in self.parts)
        for name, of_targets in first.items():
            if not all(name in methods for methods in others):
                continue  # such as the seasonal naive forecast, where one group of series has no season
            rows = [{key: self._score(name, c, key) for key in measures} for c, measures in enumerate(of_targets)]
            found[name] = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        return found

    def _score(self, name: str, c: int, key: str) -> float:
        total, weight = (math.fsum(part["methods"][name][c][key][k] for part in self.parts) for k in (0, 1))
        mean = total / weight if weight > 0 else math.nan
        return math.sqrt(mean) if key in ROOTS else mean

    @property
    def headline(self) -> str:
        """The metric that ranks: "mase", or "mae" where MASE is undefined."""
        return "mase" if math.isfinite(self.table[self.model]["mase"]) else "mae"

    @cached_property
    def baselines(self) -> tuple[str, ...]:
        """The naive forecasts, best first."""
        scores = {name: row[self.headline] for name, row in self.table.items() if name != self.model}
        return tuple(sorted(scores, key=lambda name: math.inf if math.isnan(scores[name]) else scores[name]))

    @cached_property
    def judgement(self) -> Judgement:
        """Better, undecided or worse than the best naive forecast."""
        metric, best = self.headline, self.baselines[0]
        count, total, squares = (
            math.fsum(part["paired"][best][metric][k] for part in self.parts) for k in range(3)
        )  # fmt: skip
        ours, theirs = self.table[self.model][metric], self.table[best][metric]
        gain = 1 - ours / theirs if theirs > 0 else math.nan
        if count < 2:
            return Judgement("undecided", "too few series", best, metric, gain, math.nan, self.origins)
        mean = total / count
        error = math.sqrt(max(squares / count - mean**2, 0.0) / (count - 1))
        p_value = math.erfc(abs(mean) / error / math.sqrt(2)) if error > 0 else (0.0 if mean else 1.0)
        sure = abs(mean) > NORMAL_95 * error
        outcome: OutcomeName = "undecided" if not sure else "better" if mean < 0 else "worse"
        return Judgement(
            outcome, "significant over series" if sure else "not significant", best, metric, gain, p_value, self.origins
        )

    @property
    def outcome(self) -> OutcomeName:
        """The verdict in one word."""
        return self.judgement.outcome

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        found = self.judgement
        against = TITLES.get(str(found.against), str(found.against))
        words = {
            "better": f"better than {against} by {percent(abs(found.gain))} of {str(found.metric).upper()}",
            "worse": f"worse than {against} by {percent(abs(found.gain))} of {str(found.metric).upper()}",
            "undecided": f"not shown to be better or worse than {against}",
        }[found.outcome]
        return f"Over {self.series:,} series the model is {words} (differences of the series' mean errors)."

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data that JSON can hold: undefined scores are None."""
        return {
            "scores": {
                name: {key: value if math.isfinite(value) else None for key, value in row.items()}
                for name, row in self.table.items()
            },
            "series": self.series,
            "windows": self.windows,
            "origins": self.origins,
            "counts": self.counts,
            "problems": len(self.problems),
            "verdict": {**self.judgement.to_dict(), "text": self.verdict},
        }

    def __str__(self) -> str:
        names = (self.model, *self.baselines)
        lines = [f"{'':<24}{'MASE':>10}{'sMAPE':>10}{'MAE':>12}"]
        for name in names:
            row, title = self.table[name], "gatecast LSTM" if name == self.model else TITLES.get(name, name)
            lines.append(f"{title:<24}{row['mase']:>10.3f}{row['smape']:>10.2f}{row['mae']:>12.4g}")
        return "\n".join([*lines, self.verdict])
