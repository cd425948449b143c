"""The verdict as data: an outcome, why, and the figures behind it. The rule that finds it is in ``outcome``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["OUTCOMES", "Judgement", "OutcomeName", "undecided"]

OutcomeName = Literal["better", "undecided", "worse"]
OUTCOMES: tuple[OutcomeName, ...] = ("better", "undecided", "worse")


@dataclass(frozen=True)
class Judgement:
    """What the rule says, as data.

    Args:
        outcome: better, undecided or worse.
        reason: why, in a word or two: "significant", "not significant", "too few origins", "no difference",
            "lag copy", "random walk", "nothing to compare with", "nothing held out" or "undefined".
        against: the best naive forecast; None where there is none.
        metric: the headline error.
        gain: share of its error that the model saves; negative = the model's is larger; nan = undefined.
        p_value: of the paired test; nan where there is no answer.
        origins: that were scored.
    """

    outcome: OutcomeName
    reason: str
    against: str | None
    metric: str | None
    gain: float
    p_value: float
    origins: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: what is undefined is None."""
        number = {name: value if math.isfinite(value := getattr(self, name)) else None for name in ("gain", "p_value")}
        return vars(self) | number


def undecided(reason: str) -> Judgement:
    """The judgement where there is nothing to compare."""
    return Judgement("undecided", reason, None, None, math.nan, math.nan, 0)
