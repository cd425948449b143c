"""Is a difference between two methods more than luck? Paired tests over origins and over series.

    errors of two methods, window by window  ->  d (B,)  --mean per origin-->  d (T,)  ->  Diebold-Mariano test
                                                         --mean per series-->  d (N,)  ->  t test

A negative difference says that the model is better. Forecasts from neighbouring origins share truths: windows of H
steps, ``stride`` apart, overlap with ``ceil(H / stride) - 1`` later ones. Their differences are correlated that far,
and the test has to know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatecast.evaluation.student import t_quantile, two_sided_p

if TYPE_CHECKING:
    from gatecast.evaluation.scores import Scores

__all__ = [
    "FEW",
    "Comparison",
    "Outcome",
    "block_bootstrap",
    "compare",
    "diebold_mariano",
    "mean_test",
    "over_origins_alone",
    "overlap_of",
    "window_errors",
    "window_labels",
]

Floats = NDArray[np.float64]

FEW = 5  # a test over fewer groups than this says next to nothing
_MANY = 500  # with more origins of one series the bootstrap adds nothing to the Diebold-Mariano test
_DRAWS = 4999


@dataclass(frozen=True)
class Outcome:
    """What a test says about the mean of paired differences.

    Args:
        method: the test, in words.
        groups: how many differences it had.
        independent: how many of them share no truths, at most.
        better: how many of them are negative.
        difference: their mean.
        error: its standard error.
        low: lower end of the mean's 95 % confidence interval.
        high: its upper end.
        statistic: t value; nan for the bootstrap.
        p_value: two-sided; nan where nothing can be said.
        p_better: one-sided, against the model being no better.
    """

    method: str
    groups: int
    independent: float
    better: int
    difference: float
    error: float
    low: float
    high: float
    statistic: float
    p_value: float

    @property
    def p_better(self) -> float:
        """One-sided p value of "the mean difference is below zero"."""
        return self.p_value / 2 if self.difference < 0 else 1 - self.p_value / 2

    @property
    def significant(self) -> bool:
        """Whether the two-sided p value is below 5 %."""
        return self.p_value < 0.05


@dataclass(frozen=True)
class Comparison(Outcome):
    """The model against one other method; the fields of the test that was most cautious.

    Args:
        baseline: the other method.
        unit: "origins" or "series", what the groups are.
    """

    baseline: str
    unit: str


def compare(scores: Scores, baseline: str, steps: slice = slice(None)) -> Comparison:
    """Test the model against another method by the headline error, over origins and over series.

    Of the Diebold-Mariano test over origins and the t test over series, those with at least 5 groups count, and of
    these the one with the larger p value. One series is tested with the block bootstrap too, and so is what has fewer
    groups than that; four origins never make a difference significant. Series with one common origin are tested as if
    that origin were typical: what happened there to all of them at once, no test can see.

    Args:
        scores: the forecasts; ``series_B``, ``origin_B`` and ``stride`` say how windows belong together. Without them
            the windows are taken series by series, the origins of each in the order of time.
        baseline: the name of the other method.
        steps: the steps ahead that count, all of them by default.
    """
    difference_B = window_errors(scores, scores.model, steps) - window_errors(scores, baseline, steps)
    unit, outcome = mean_test(scores, difference_B)
    return Comparison(**vars(outcome), baseline=baseline, unit=unit)


def mean_test(scores: Scores, value_B: Floats) -> tuple[str, Outcome]:
    """Test whether the mean of a number of each window is zero, as ``compare`` does: (what the groups are, outcome)."""
    known_B = np.isfinite(value_B)
    series_B, origin_B = window_labels(scores)
    over_series, over_origins = (_means(value_B[known_B], label_B[known_B]) for label_B in (series_B, origin_B))
    overlap = overlap_of(scores.horizon, scores.stride)
    outcomes: list[tuple[str, Outcome]] = []
    if len(over_origins) >= FEW:
        outcomes.append(("origins", diebold_mariano(over_origins, overlap, cautious=True)))
    if len(over_series) >= FEW:
        outcomes.append(("series", replace(diebold_mariano(over_series), method="paired t test")))
    if not outcomes or (len(over_series) == 1 and len(over_origins) <= _MANY):
        outcomes.append(("origins", block_bootstrap(over_origins, overlap + 1)))
    answered = [pair for pair in outcomes if not math.isnan(pair[1].p_value)] or outcomes
    return max(answered, key=lambda pair: pair[1].p_value)


def over_origins_alone(scores: Scores, baseline: str) -> Outcome:
    """The t test of the model against another method over the origins' means alone, however few they are."""
    difference_B = window_errors(scores, scores.model) - window_errors(scores, baseline)
    known_B = np.isfinite(difference_B)
    return diebold_mariano(_means(difference_B[known_B], window_labels(scores)[1][known_B]))


def diebold_mariano(difference_T: ArrayLike, overlap: int = 0, *, cautious: bool = False) -> Outcome:
    """Test the mean of a series of differences (Diebold & Mariano 1995; Harvey, Leybourne & Newbold 1997).

    The statistic is the mean over its standard error, from the variance and the first ``overlap`` autocovariances,
    times the small-sample factor of Harvey et al., against Student's t with T - 1 degrees of freedom. Without overlap
    this is the t test. Where the autocovariances add up to a negative variance, they are weighted by Bartlett's
    triangle, which cannot. T <= overlap + 1 has no answer: every difference overlaps every other one.

    Args:
        difference_T: (T,) error of one method less that of the other, in the order of time.
        overlap: autocovariances that are not zero: h - 1 for forecasts h steps ahead from every step.
        cautious: take the larger of both variances, and T / (overlap + 1) degrees of freedom, the number of forecasts
            that share nothing. On simulated differences without skill, whose windows overlap by a half of the origins,
            the published test finds skill 27 times in 100 (T = 24, overlap 11), this one 4 times.
    """
    d = np.asarray(difference_T, dtype=np.float64)
    count, span = len(d), overlap + 1
    method = "Diebold-Mariano test"
    if count <= max(span, 1):
        return _outcome(method, d, span)
    mean, deviation = float(d.mean()), d - d.mean()
    lagged = [float(deviation[k:] @ deviation[: count - k]) / count for k in range(min(span, count))]
    plain = lagged[0] + 2 * sum(lagged[1:])
    bartlett = lagged[0] + 2 * sum((1 - k / span) * g for k, g in enumerate(lagged) if k)
    variance = max(plain, bartlett) if cautious or plain <= 1e-12 * lagged[0] else plain
    factor = math.sqrt((count + 1 - 2 * span + span * (span - 1) / count) / count)
    dof = min(count - 1.0, count / span) if cautious else count - 1.0
    if lagged[0] <= (1e-12 * float(np.abs(d).max())) ** 2:  # all the same
        error, statistic = 0.0, 0.0 if mean == 0 else math.copysign(math.inf, mean)
    else:
        error = math.sqrt(max(variance, 0.0) / count) / factor
        statistic = mean / error
    reach = t_quantile(0.975, dof) * error
    return _outcome(method, d, span, error, mean - reach, mean + reach, statistic, two_sided_p(statistic, dof))


def block_bootstrap(difference_T: ArrayLike, block: int = 1, seed: int = 0) -> Outcome:
    """Resample blocks of neighbouring differences, joined end to start (Politis & Romano 1992).

    With T differences no p value is below 2^(1 - T), the chance that all of them have one sign by luck: resampling
    three equal signs can only give that sign again, and would be certain.

    Args:
        difference_T: (T,) differences in the order of time.
        block: length of a block; with no more differences than that there is no answer.
        seed: of the random blocks.
    """
    d = np.asarray(difference_T, dtype=np.float64)
    count, method = len(d), "block bootstrap"
    if count <= block:
        return _outcome(method, d, block)
    sums = np.cumsum(np.concatenate([[0.0], d, d[:block]]))
    block_T = (sums[block:] - sums[:-block])[:count] / block  # mean of the block that begins at each place
    start = np.random.default_rng(seed).integers(0, count, (_DRAWS, -(-count // block)))
    drawn = block_T[start].mean(axis=1)
    mean = float(d.mean())
    extreme = int((np.abs(drawn - mean) >= abs(mean)).sum())
    p_value = max((extreme + 1) / (_DRAWS + 1), 2.0 ** (1 - count))
    low, high = (float(x) for x in np.quantile(drawn, [0.025, 0.975]))
    return _outcome(method, d, block, float(drawn.std()), low, high, math.nan, p_value)


def overlap_of(horizon: int, stride: int | None) -> int:
    """How many later windows share truths with one: ceil(H / stride) - 1; none where windows follow each other.

    >>> overlap_of(12, 1), overlap_of(12, 5), overlap_of(12, None)
    (11, 2, 0)
    """
    return 0 if stride is None else -(-horizon // stride) - 1


def window_errors(scores: Scores, name: str, steps: slice = slice(None)) -> Floats:
    """(B,) headline error of each window over some of its steps; nan where a target has none."""
    if steps == slice(None):
        return scores.per_window[name]
    error_BHC = np.abs(scores.scored_BHC[:, steps] - scores.forecasts[name][:, steps])
    seen_BHC = ~np.isnan(scores.scored_BHC[:, steps])
    count_BC = seen_BHC.sum(axis=1)
    total_BC = np.where(seen_BHC, error_BHC, 0.0).sum(axis=1)
    scale_BC = scores.mase_scale_BC if scores.headline == "mase" else None
    weight_BC = count_BC * (1.0 if scale_BC is None else np.where(scale_BC > 0, scale_BC, np.nan))
    mean_BC = np.full(total_BC.shape, np.nan)
    np.divide(total_BC, weight_BC, out=mean_BC, where=count_BC > 0)
    return np.asarray(mean_BC.mean(axis=1))


def window_labels(scores: Scores) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The series and the origin of each window, as given or series by series."""
    place = np.arange(len(scores.truth_BHC))
    each = scores.origins if scores.origins * scores.series == len(place) else len(place)
    series_B = place // each if scores.series_B is None else np.asarray(scores.series_B)
    origin_B = place % each if scores.origin_B is None else np.asarray(scores.origin_B)
    return series_B, origin_B


def _means(difference_B: Floats, label_B: NDArray[np.int64]) -> Floats:
    """Mean difference of each group, in the order of the labels."""
    groups, index = np.unique(label_B, return_inverse=True)
    return np.bincount(index, difference_B, len(groups)) / np.bincount(index, minlength=len(groups))


def _outcome(
    method: str,
    d: Floats,
    span: int,
    error: float = math.nan,
    low: float = math.nan,
    high: float = math.nan,
    statistic: float = math.nan,
    p_value: float = math.nan,
) -> Outcome:
    """The outcome; without an error and a p value where there is no answer."""
    mean = float(d.mean()) if len(d) else math.nan
    return Outcome(method, len(d), len(d) / span, int((d < 0).sum()), mean, error, low, high, statistic, p_value)
