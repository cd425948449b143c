"""The model of one group, with what it was worth on the steps that were held out."""

from __future__ import annotations

from dataclasses import dataclass

from gatecast.backtesting.held_out import HeldOut
from gatecast.ensemble.fitted import Fitted
from gatecast.evaluation.judgement import Judgement
from gatecast.forecaster import Forecaster

__all__ = ["Part", "Parts"]


@dataclass(frozen=True, eq=False)
class Part:
    """The model of one group.

    Args:
        model: a Forecaster as any other: save it, stream it, export it.
        judgement: its verdict as data; None where nothing was held out.
        verdict: the same in words, or why there is none.
    """

    model: Forecaster
    judgement: Judgement | None = None
    verdict: str = ""

    @classmethod
    def of(cls, fitted: Fitted, file: str, judgement: Judgement | None, verdict: str) -> Part:
        """That of a file."""
        return cls(Forecaster.around(fitted, file), judgement, verdict)

    @classmethod
    def after(cls, model: Forecaster, found: HeldOut) -> Part:
        """That of a model that was scored and trained."""
        made, problem = found
        if made is not None:
            return cls(model, made.scores.judgement, made.verdict)
        return cls(model, None, f"No verdict: {problem or 'nothing was held out.'}")

    @property
    def outcome(self) -> str:
        """The verdict in a word: better, undecided, worse, or none."""
        return "none" if self.judgement is None else self.judgement.outcome


Parts = dict[str, Part]
