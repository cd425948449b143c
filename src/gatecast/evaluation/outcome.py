"""The rule of the verdict: better, undecided or worse. Screens, pages and JSON all take it from here.

    the model and the best naive forecast, by the headline error
        the test finds a difference at 5 %, over enough origins    the model is ahead     better
                                                                   the model is behind    worse
        anything else                                                                     undecided

Enough: a test over origins has five of them. One over series has at least three origins, and these agree, for what
happened to all series at one time, no test over series can see. A difference below one percent is none. Where the
forecast copies the last value, or the series looks like a random walk and the gain is small, a lucky test decides
nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from gatecast.evaluation.judgement import Judgement, OutcomeName, undecided
from gatecast.evaluation.significance import FEW, Comparison, over_origins_alone

if TYPE_CHECKING:
    from gatecast.evaluation.scores import Scores

__all__ = ["TINY", "few", "judge"]

TINY = 0.01  # a smaller difference than this share is called none
_FEWEST_ORIGINS = 3  # of many series
_ON_A_WALK = 0.25  # a gain over the last value that a series without any structure does not give


def judge(scores: Scores, against: str | None = None) -> Judgement:
    """Compare the model with another method: the best naive forecast by default."""
    metric = scores.headline
    known = [name for name in scores.baselines if not math.isnan(scores.table[name][metric])]
    best = against or (known[0] if known else None)
    ours = scores.table[scores.model][metric]
    if best is None or not math.isfinite(ours):
        reason = "undefined" if known else "nothing to compare with"
        return replace(undecided(reason), against=best, metric=metric, origins=scores.origins)
    test, theirs = scores.significance[best], scores.table[best][metric]
    outcome, reason = _ruled(scores, test, ours, theirs)
    gain = 1 - ours / theirs if theirs > 0 else math.nan if ours == 0 else -math.inf
    return Judgement(outcome, reason, best, metric, gain, test.p_value, scores.origins)


def _ruled(scores: Scores, test: Comparison, ours: float, theirs: float) -> tuple[OutcomeName, str]:
    """The outcome and the reason."""
    if abs(ours - theirs) <= TINY * theirs:
        return "undecided", "no difference"
    if few(scores, test):
        return "undecided", "too few origins"
    ahead = ours < theirs
    if not test.significant or (test.difference < 0) != ahead or not _origins_agree(scores, test):
        return "undecided", "not significant"
    if not ahead:
        return "worse", "significant"
    doubt = _chance(scores, 1 - ours / theirs)
    return ("undecided", doubt) if doubt else ("better", "significant")


def few(scores: Scores, test: Comparison) -> bool:
    """Whether there are too few origins for this test to decide anything."""
    if test.unit == "series" and scores.origins < _FEWEST_ORIGINS:
        return True
    return test.groups < FEW or (not test.significant and test.independent < FEW)


def _origins_agree(scores: Scores, test: Comparison) -> bool:
    """Whether few origins of many series speak the same language: series move together."""
    if test.unit != "series" or scores.origins >= FEW:
        return True
    return over_origins_alone(scores, test.baseline).significant


def _chance(scores: Scores, gain: float) -> str:
    """Why a significant gain may still be none; "" where nothing speaks against it."""
    from gatecast.evaluation.symptoms import lag_copy, wanders

    if lag_copy(scores):
        return "lag copy"
    return "random walk" if gain < _ON_A_WALK and wanders(scores) else ""
