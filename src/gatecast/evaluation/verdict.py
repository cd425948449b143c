"""The verdict: one plain paragraph on whether the model is worth its trouble.

First sentence: the model and the best naive forecast. Then what the test says, the steps ahead where it is otherwise,
the naive forecasts that win by another metric, the best rival, and the symptoms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gatecast.evaluation.layout import METRIC_TITLES, decimals, percent
from gatecast.evaluation.outcome import TINY, few
from gatecast.evaluation.significance import FEW, Comparison, compare

if TYPE_CHECKING:
    from gatecast.evaluation.scores import Scores

__all__ = ["verdict"]

_DOUBTS = {
    "too few origins": "; too few origins to be sure",
    "lag copy": ", which may be luck: the forecast copies the last value",
    "random walk": ", which may be luck: the series looks like a random walk",
}


def verdict(scores: Scores) -> str:
    """Compare the model with the best naive forecast and the best rival, and say how sure that is.

    The headline metric decides (MASE, or MAE where MASE is undefined), and a paired test, by the rule of ``outcome``:
    the first sentence begins with "Better than", "NOT better than" (worse) or "NOT clearly better than" (undecided).
    """
    metric = scores.headline
    known = [name for name in scores.baselines if not math.isnan(scores.table[name][metric])]
    if not known:
        return _paragraph(
            ["No verdict: there is no naive forecast to compare with.", *_rival(scores), *scores.symptoms]
        )
    if not math.isfinite(scores.table[scores.model][metric]):
        return f"No verdict: {_subject(scores)}'s {METRIC_TITLES[metric]} is undefined."
    winners = [name for name in known if scores.table[name][metric] < scores.table[scores.model][metric]]
    test = scores.significance[known[0]]
    sentences = [_opening(scores, known, winners, test), *_evidence(scores, test), *_by_step(scores, known, winners)]
    return _paragraph([*sentences, *_elsewhere(scores, set(winners)), *_rival(scores), *scores.symptoms])


# ---------------------------------------------------------------- the first sentence


def _opening(scores: Scores, known: Sequence[str], winners: Sequence[str], test: Comparison) -> str:
    best, outcome = known[0], scores.judgement.outcome
    doubt = _DOUBTS.get(scores.judgement.reason, "")
    model, score = (scores.table[name][scores.headline] for name in (scores.model, best))
    if abs(model - score) <= TINY * score:
        return (
            f"{_level(scores, winners or [best], best)}{'; too few origins to be sure' if few(scores, test) else ''}."
        )
    if outcome == "undecided":
        return f"{_perhaps(scores, winners or [best], best)}{doubt}."
    if outcome == "worse":
        return f"{_worse(scores, winners, best)}."
    among = " (the best naive forecast)" if len(known) > 1 else ""
    gain = percent(scores.skill[best][scores.headline])
    return f"Better than {scores.title(best)}{among} by {gain} {_span(scores)}."


def _level(scores: Scores, named: Sequence[str], best: str) -> str:
    whose, ours, theirs, difference = _compared(scores, named, best)
    share = f"a difference of {percent(difference)}" if ours != theirs else "no difference"
    names = _names(scores, named)
    return f"NOT clearly better than {names}: {whose} is {theirs}, {_own(scores)} {ours}, {share} {_span(scores)}"


def _perhaps(scores: Scores, named: Sequence[str], best: str) -> str:
    whose, ours, theirs, difference = _compared(scores, named, best)
    much = f" ({percent(difference)} {_ahead(scores, best)})" if math.isfinite(difference) else ""
    return f"NOT clearly better than {_names(scores, named)}: {whose} is {theirs}, {_own(scores)} {ours}{much}, " + (
        _span(scores)
    )


def _ahead(scores: Scores, best: str) -> str:
    ours, theirs = (scores.table[name][scores.headline] for name in (scores.model, best))
    return "better" if ours < theirs else "worse"


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


# ---------------------------------------------------------------- what follows


def _evidence(scores: Scores, test: Comparison) -> Iterator[str]:
    """Say in how many groups the model was better, and what the test makes of it."""
    if _tested(test):
        overlap = ", which overlap" if test.independent < test.groups else ""
        share = f"{test.better:,} of {test.groups:,} {test.unit}{overlap}"
        yield f"{_it(scores)} is better in {share} ({test.method}, {_p(test)})."


def _by_step(scores: Scores, known: Sequence[str], winners: Sequence[str]) -> Iterator[str]:
    """Name the first or last steps ahead where it is the other way round, where that is more than luck."""
    if scores.horizon == 1:
        return
    for name in known if not winners else known[:1]:
        found = _other_way(scores, name, worse=not winners)
        if found:
            steps, share = found
            yield (
                f"{steps} {scores.title(name)} is better, by {percent(share)}."
                if not winners
                else f"{steps} {_subject(scores)} is better than {scores.title(name)}, by {percent(share)}."
            )
            return


def _other_way(scores: Scores, name: str, worse: bool) -> tuple[str, float] | None:
    """The run of first or of last steps in which the model is worse (or better), and by what share of the errors."""
    metric = "mase" if scores.headline == "mase" else "mae"
    ours_H, theirs_H = (scores.per_step[method][metric] for method in (scores.model, name))
    loss_H = np.nan_to_num(ours_H - theirs_H) * (1 if worse else -1)
    first, last = np.cumsum(loss_H), np.cumsum(loss_H[::-1])[::-1]
    until, since = int(first.argmax()) + 1, int(last.argmax())
    for steps, words in (
        (slice(since, None), f"From step {since + 1} on" if since < scores.horizon - 1 else "At the last step"),
        (slice(0, until), f"Up to step {until}" if until > 1 else "At step 1"),
    ):
        errors = float(ours_H[steps].sum()), float(theirs_H[steps].sum())
        share = _gain(min(errors), max(errors)) if loss_H[steps].sum() > 0 else 0.0
        whole = len(loss_H[steps]) == scores.horizon
        if share > TINY and not whole:
            test = compare(scores, name, steps)
            if test.significant and (test.difference > 0) == worse:
                return words, share
    return None


def _elsewhere(scores: Scores, already: set[str]) -> Iterator[str]:
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
    if clauses:
        yield f"{'And' if already else 'Yet'} {_joined(clauses)}."


def _wins(table: dict[str, dict[str, float]], baseline: str, model: str, metric: str) -> bool:
    return metric in table[baseline] and table[baseline][metric] < table[model][metric]


def _rival(scores: Scores) -> Iterator[str]:
    """How the model stands against the best of the rivals."""
    metric = scores.headline
    known = [name for name in scores.ranked_rivals if math.isfinite(scores.table[name][metric])]
    ours = scores.table[scores.model][metric]
    if not known or not math.isfinite(ours):
        return
    best, theirs = known[0], scores.table[known[0]][metric]
    title = f"{scores.title(best)}, the best rival," if len(known) > 1 else scores.title(best)
    test = scores.significance[best]
    share = _gain(min(ours, theirs), max(ours, theirs))
    sure = ", ".join([*([_p(test)] if _tested(test) else []), *(["too few origins to be sure"] if _few(test) else [])])
    if share <= TINY:
        yield f"{title} is about as good (a difference of {percent(share)}, {sure})."
    elif not _settled(test):
        hint = "better" if theirs < ours else "worse"
        yield f"{title} is about as good ({percent(share)} {hint}, which may be luck: {sure})."
    elif theirs < ours:
        others = [name for name in known[1:] if _gain(scores.table[name][metric], ours) > TINY]
        too = f" {_names(scores, others)} {_scores(others)} better too." if others else ""
        yield f"{title} is better{' still' if _clear_of_naive(scores) else ''} by {percent(share)} ({sure}).{too}"
    else:
        yield f"{_it(scores)} is better than {title} by {percent(share)} ({sure})."


def _gain(better: float, worse: float) -> float:
    """The share of an error that the better method saves."""
    return 1 - better / worse if worse > 0 else 0.0


def _clear_of_naive(scores: Scores) -> bool:
    return bool(scores.baselines) and scores.skill[scores.baselines[0]].get(scores.headline, 0.0) > TINY


# ---------------------------------------------------------------- words


def _tested(test: Comparison) -> bool:
    """Whether there is a p value that large differences could have made small."""
    return test.groups >= FEW and not math.isnan(test.p_value)


def _few(test: Comparison) -> bool:
    """Whether the test found nothing and hardly could have: too few groups, or groups that overlap too much."""
    return not test.significant and test.independent < FEW


def _settled(test: Comparison) -> bool:
    """Whether one of the two is called better: by the test, or by nearly all of few groups."""
    agreeing = test.better if test.difference < 0 else test.groups - test.better
    return test.significant or (_few(test) and agreeing >= 0.8 * test.groups)


def _p(test: Comparison) -> str:
    return "p < 0.001" if test.p_value < 0.001 else f"p = {test.p_value:.{3 if test.p_value < 0.095 else 2}f}"


def _span(scores: Scores) -> str:
    origins = "1 origin" if scores.origins == 1 else f"{scores.origins:,} origins"
    series = f" in {scores.series:,} series" if scores.series > 1 else ""
    unit = "step" if (scores.horizon, scores.unit) == (1, "steps") else scores.unit
    return f"over {origins} of {scores.horizon:,} {unit}{series}"


def _paragraph(sentences: Sequence[str]) -> str:
    return " ".join(sentences)


def _subject(scores: Scores) -> str:
    return "the LSTM" if scores.model == "lstm" else scores.title(scores.model)


def _it(scores: Scores) -> str:
    subject = _subject(scores)
    return subject[0].upper() + subject[1:]


def _own(scores: Scores) -> str:
    return f"{_subject(scores)}'s"


def _names(scores: Scores, names: Sequence[str]) -> str:
    return _joined([scores.title(name) for name in names])


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _scores(names: Sequence[str]) -> str:
    return "scores" if len(names) == 1 else "score"


def _joined(items: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))
