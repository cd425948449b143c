"""What the models of all groups are worth: each by itself, and all windows together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gatecast.backtesting.result import Evaluation
from gatecast.evaluation.judgement import OutcomeName
from gatecast.evaluation.streamed import StreamedScores, sums_of

__all__ = ["GroupedScores"]


@dataclass(frozen=True, eq=False)
class GroupedScores:
    """Scores of one model for each group. Printing it gives a line for each group, and the table of all together.

    Args:
        groups: group -> the evaluation of its model.
    """

    groups: Mapping[str, Evaluation]

    @cached_property
    def total(self) -> StreamedScores:
        """Scores of all windows together; the season of MASE is that of each group, unless one was given."""
        return StreamedScores([sums_of(made.scores) for made in self.groups.values()])

    @property
    def outcome(self) -> OutcomeName:
        """The verdict over all groups in one word."""
        return self.total.outcome

    @property
    def verdict(self) -> str:
        """The verdict over all groups in a sentence."""
        return self.total.verdict

    def to_dict(self) -> dict[str, Any]:
        """Everything but the forecasts as plain data for JSON."""
        return {"groups": {name: made.to_dict() for name, made in self.groups.items()}, "total": self.total.to_dict()}

    def __str__(self) -> str:
        wide = max(len("group"), *(len(name) for name in self.groups))
        lines = [f"{'group':<{wide}}  {'series':>7}  verdict"]
        for name, made in self.groups.items():
            first = made.verdict.split(". ")[0].rstrip(".")
            lines.append(f"{name:<{wide}}  {made.scores.series:>7,}  {first}.")
        return "\n".join([*lines, "", str(self.total)])
