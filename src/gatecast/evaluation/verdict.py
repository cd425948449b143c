"""The verdict: one plain sentence on whether the model is worth its trouble."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gatecast.evaluation.layout import METRIC_TITLES, decimals, percent

if TYPE_CHECKING:
    from gatecast.evaluation.scores import Scores

__all__ = ["verdict"]

_TINY = 0.01  # a smaller difference than this share is called none
_FEW = 3  # with fewer windows nothing can be sure
_SOME = 10  # with fewer windows than this, all of them must agree


def verdict(scores: Scores) -> str:
    """Compare the model with the best naive forecast, and name every naive forecast that still wins.

    The headline metric decides (MASE, or MAE where MASE is undefined). A naive forecast that wins by another metric, or
    on one of several target columns, is named at the end.
    """
    metric = scores.headline
    model = scores.table[scores.model][metric]
    rivals = [name for name in scores.baselines if not math.isnan(scores.table[name][metric])]
    if not rivals:
        return "No verdict: there is no naive forecast to compare with."
    if not math.isfinite(model):
        return f"No verdict: {_subject(scores)}'s {METRIC_TITLES[metric]} is undefined."
    best = rivals[0]
    score = scores.table[best][metric]
    winners = [name for name in rivals if scores.table[name][metric] < model]
    if abs(model - score) <= _TINY * score:
        opening = _level(scores, winners or [best], best)
    elif winners:
        opening = _worse(scores, winners, best)
    else:
        among = " (the best naive forecast)" if len(rivals) > 1 else ""
        gain = percent(scores.skill[best][metric])
        opening = f"Better than {scores.title(best)}{among} by {gain} {_span(scores)}"
    return opening + _elsewhere(scores, set(winners)) + _doubt(scores, best) + "."


def _level(scores: Scores, named: Sequence[str], best: str) -> str:
    whose, ours, theirs, difference = _compared(scores, named, best)
    share = f"a difference of {percent(difference)}" if ours != theirs else "no difference"
    rivals = _names(scores, named)
    return f"NOT clearly better than {rivals}: {whose} is {theirs}, {_own(scores)} {ours}, {share} {_span(scores)}"


def _worse(scores: Scores, winners: Sequence[str], best: str) -> str:
    whose, ours, theirs, difference = _compared(scores, winners, best)
    much = f" ({percent(difference)} worse)" if math.isfinite(difference) else ""
    return (
        f"NOT better than {_names(scores, winners)}: {whose} is {theirs}, {_own(scores)} {ours}{much}, {_span(scores)}"
    )


def _compared(scores: Scores, named: Sequence[str], best: str) -> tuple[str, str, str, float]:
    """Whose score, the model's score, the best rival's, and the relative difference."""
    metric, title = scores.headline, METRIC_TITLES[scores.headline]
    ours, theirs = scores.table[scores.model][metric], scores.table[best][metric]
    places = decimals([ours, theirs], metric)
    while places < 6 and ours != theirs and round(ours, places) == round(theirs, places):
        places += 1
    whose = f"its {title}" if len(named) == 1 else f"the best {title} of these"
    difference = abs(ours - theirs) / theirs if theirs > 0 else math.inf
    return whose, f"{ours:,.{places}f}", f"{theirs:,.{places}f}", difference


def _elsewhere(scores: Scores, already: set[str]) -> str:
    """Name the baselines that win by another metric, or on one target column."""
    places: dict[str, list[str]] = {}
    for name in (n for n in scores.baselines if n not in already):
        for metric, title in METRIC_TITLES.items():
            if metric not in (scores.headline, "owa") and _wins(scores.table, name, scores.model, metric):
                places.setdefault(name, []).append(f"by {title}")
        if len(scores.per_target) > 1:
            on = [t for t, table in scores.per_target.items() if _wins(table, name, scores.model, scores.headline)]
            places.setdefault(name, []).extend(f"for {target}" for target in on)
    groups: dict[str, list[str]] = {}
    for name, where in places.items():
        if where:
            groups.setdefault(_joined(where), []).append(name)
    clauses = [f"{_names(scores, group)} {_is(group)} better {where}" for where, group in groups.items()]
    return f"; {'and' if already else 'yet'} {_joined(clauses)}" if clauses else ""


def _wins(table: dict[str, dict[str, float]], baseline: str, model: str, metric: str) -> bool:
    return metric in table[baseline] and table[baseline][metric] < table[model][metric]


def _doubt(scores: Scores, best: str) -> str:
    """Say so where there are too few windows to tell luck from skill.

    This stands in for a test of significance on the same paired differences (``Scores.per_window``).
    """
    difference_B = scores.per_window[scores.model] - scores.per_window[best]
    difference_B = difference_B[np.isfinite(difference_B)]
    better = int((difference_B < 0).sum())
    agree = better in (0, len(difference_B))
    if len(difference_B) < _FEW or (len(difference_B) < _SOME and not agree):
        return "; too few origins to be sure"
    return ""


def _span(scores: Scores) -> str:
    origins = "1 origin" if scores.origins == 1 else f"{scores.origins:,} origins"
    series = f" in {scores.series:,} series" if scores.series > 1 else ""
    unit = "step" if (scores.horizon, scores.unit) == (1, "steps") else scores.unit
    return f"over {origins} of {scores.horizon:,} {unit}{series}"


def _subject(scores: Scores) -> str:
    return "the LSTM" if scores.model == "lstm" else scores.title(scores.model)


def _own(scores: Scores) -> str:
    return f"{_subject(scores)}'s"


def _names(scores: Scores, names: Sequence[str]) -> str:
    return _joined([scores.title(name) for name in names])


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _joined(items: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))
