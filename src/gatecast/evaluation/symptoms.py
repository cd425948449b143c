"""Named symptoms: what looks wrong in a set of forecasts, each with what to try.

Every symptom is a function of the scores that gives a sentence or None. A false alarm costs as much as a missed one, so
each has to be large enough to matter and larger than luck makes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gatecast.evaluation.layout import percent
from gatecast.evaluation.measures import level_key
from gatecast.evaluation.significance import mean_test, overlap_of, window_labels
from gatecast.evaluation.student import two_sided_p

if TYPE_CHECKING:
    from gatecast.evaluation.scores import Scores

__all__ = [
    "SYMPTOMS",
    "bias",
    "intervals",
    "lag_copy",
    "level_shift",
    "little_data",
    "symptoms",
    "unlike_validation",
    "wanders",
]

Floats = NDArray[np.float64]

_NEAR = 0.5  # a forecast that knows something of the truth is not twice as near to the last value as to the truth
_NO_SKILL = 0.05  # a gain over the last value that nobody would keep an LSTM for
_FAR_BETTER = 0.25  # a gain over the last value that speaks against a random walk, sure or not
_WINDOWS, _POINTS = 5, 20  # with fewer, a flat forecast may be a coincidence
_BIASED = 1 / 3  # below this share of the error, taking the bias away lowers the squared error by under a tenth
_ONE_SIDE = 0.6  # the median forecast of lopsided data misses the mean by rule; then truths still lie on both sides
_SHIFTED = 3.0  # standard deviations; the trend and the season of the training part are inside them
_BEHIND = 0.5  # share of the error that leans away from the shift
_MISSES = 1.5  # times the nominal share of truths outside: 80 % intervals that hold less than 70 %
_SPARED = 0.5  # times the nominal share: 80 % intervals that hold more than 90 %
_UNLIKE = 1.5  # errors of two spans of the same series differ by less than that as a rule
_TARGETS_PER_WEIGHT = 0.1  # penalties and early stopping carry a network that far, seldom further
_SEASONS = 3  # two give each phase one difference only


def symptoms(scores: Scores) -> tuple[str, ...]:
    """Say what looks wrong, in the order in which it should be looked at."""
    if not math.isfinite(scores.table[scores.model][scores.headline]):
        return ()
    found = (symptom(scores) for symptom in SYMPTOMS.values())
    return tuple(sentence for sentence in found if sentence is not None)


def lag_copy(scores: Scores) -> str | None:
    """The forecast is the last observed value, moved on: near to it, far from the truth, and no better than it."""
    last_BC = _last(scores)
    if last_BC is None:
        return None
    scale_B1C = _scale(scores)[:, None]
    truth_BHC, forecast_BHC = scores.scored_BHC, scores.forecasts[scores.model]
    known_BHC = ~np.isnan(truth_BHC) & ~np.isnan(scale_B1C) & ~np.isnan(last_BC)[:, None]
    if known_BHC.sum() < _POINTS or known_BHC.any(axis=(1, 2)).sum() < _WINDOWS:
        return None

    def apart(one: Floats, other: Floats) -> float:
        return float((np.abs(one - other) / scale_B1C)[known_BHC].mean())

    moved, missed = apart(forecast_BHC, last_BC[:, None]), apart(forecast_BHC, truth_BHC)
    steps = apart(truth_BHC, last_BC[:, None])
    if not (moved < _NEAR * missed and missed > (1 - _NO_SKILL) * steps):
        return None
    what = "Lag copy: the forecast is the last value moved on by one step"
    if _random_walk(scores, last_BC):
        return (
            f"{what}, and that is as good as it gets: the series looks like a random walk. "
            "Use repeat last, or add covariates that lead the series."
        )
    return (
        f"{what} (its distance from it is {percent(moved / missed)} of its error). "
        "Try a scaling with differences, a longer lookback, or covariates that lead the series."
    )


def bias(scores: Scores) -> str | None:
    """The forecast of a target is too high or too low on average, by a good share of its error, and not by luck."""
    for c, target in enumerate(scores.per_target):
        error_BH = scores.forecasts[scores.model][..., c] - scores.scored_BHC[..., c]
        scaled_B = _window_means(error_BH) / _scale(scores)[:, c]
        _, outcome = mean_test(scores, scaled_B)
        share, same_side = _lean(scores, c)
        if outcome.significant and abs(share) > _BIASED and same_side > _ONE_SIDE:
            which = f" of {target}" if len(scores.per_target) > 1 else ""
            return (
                f"Bias: the forecast{which} is too {'high' if share > 0 else 'low'} on average, by "
                f"{percent(abs(share))} of its mean absolute error. "
                "Try a scaling that follows the level (differences), more recent training data, or a refit."
            )
    return None


def level_shift(scores: Scores) -> str | None:
    """The truths of a typical series lie far from where its training part ended, and the forecasts did not follow.

    A shift that the forecast follows is none of its troubles: the error has to lean the other way. A random walk has no
    level to shift, unless it moves further than one does.
    """
    facts = scores.facts
    if facts is None or facts.mean_BC is None or facts.spread_BC is None:
        return None
    series_B = np.zeros(len(scores.truth_BHC), np.int64) if scores.series_B is None else scores.series_B
    for c, target in enumerate(scores.per_target):
        spread_B = np.where(facts.spread_BC[:, c] > 0, facts.spread_BC[:, c], np.nan)
        away_B = (_window_means(scores.truth_BHC[..., c]) - facts.mean_BC[:, c]) / spread_B
        known_B = np.isfinite(away_B)
        if not known_B.any():
            continue
        count_N = np.bincount(series_B[known_B])
        total_N = np.bincount(series_B[known_B], away_B[known_B])
        typical = float(np.median(total_N[count_N > 0] / count_N[count_N > 0]))
        share, _ = _lean(scores, c)
        if abs(typical) < (2 * _SHIFTED if wanders(scores) else _SHIFTED):
            continue
        if abs(share) > _BEHIND and (share < 0) == (typical > 0):
            which = f" of {target}" if len(scores.per_target) > 1 else ""
            return (
                f"Level shift: the test span{which} lies {abs(typical):.1f} standard deviations "
                f"{'above' if typical > 0 else 'below'} what was trained on. Try a scaling that follows the level "
                "(differences), or a refit at every origin."
            )
    return None


def intervals(scores: Scores) -> str | None:
    """The model's intervals hold fewer truths than they should, or more, beyond what sampling makes likely."""
    narrow, wide = [], []
    for level in scores.levels if scores.model in scores.quantile_forecasts else ():
        held = scores.table[scores.model][f"coverage_{level_key(level)}"]
        if not math.isfinite(held) or not _beyond_luck(scores, level):
            continue
        words = f"{level_key(level)} % intervals", f"{100 * held:.0f} %"
        if 1 - held > _MISSES * (1 - level):
            narrow.append(words)
        elif 1 - _strictly_inside(scores, level) < _SPARED * (1 - level):
            wide.append(words)
    for found, width, remedy in (
        (narrow, "narrow", "a longer validation span to calibrate on, or a backtest with adaptive=True"),
        (wide, "wide", "a calibration on more recent data, or a backtest with adaptive=True"),
    ):
        if found:
            names, shares = (" and ".join(words) for words in zip(*found, strict=True))
            return f"The {names} are too {width}: they hold {shares} of the truths. Try {remedy}."
    return None


def unlike_validation(scores: Scores) -> str | None:
    """The error in the test span is not that of the validation span, on which everything was chosen."""
    facts = scores.facts
    if facts is None or not facts.validation_error or facts.test_error is None:
        return None
    ratio = facts.test_error / facts.validation_error
    if not (math.isfinite(ratio) and (ratio > _UNLIKE or ratio < 1 / _UNLIKE)):
        return None
    return (
        f"The test span is unlike the validation span: the error there is {ratio:.1f} times as large. What was chosen "
        "and calibrated on the one may not suit the other: try more origins, or a longer validation span."
    )


def little_data(scores: Scores) -> str | None:
    """The network has far more weights than there is to learn from, or too few seasons were seen; and it shows."""
    facts = scores.facts
    if facts is None or _clearly_better(scores):
        return None
    remedy = "Try a smaller hidden_size, or train on more series together."
    if facts.training_steps is not None and facts.season is not None and facts.season > 1:
        seasons = facts.training_steps / facts.season
        if seasons < _SEASONS:
            return f"Too little data: a typical series was trained on {seasons:.1f} seasons. {remedy}"
    if facts.training_windows is None or not facts.parameters:
        return None
    if facts.training_windows * scores.horizon < _TARGETS_PER_WEIGHT * facts.parameters:
        return (
            f"Too little data for this network: {facts.training_windows:,} training windows for {facts.parameters:,} "
            f"weights. {remedy}"
        )
    return None


SYMPTOMS: dict[str, Callable[[Scores], str | None]] = {
    "lag_copy": lag_copy,
    "bias": bias,
    "level_shift": level_shift,
    "intervals": intervals,
    "unlike_validation": unlike_validation,
    "little_data": little_data,
}
"""Name -> symptom, in the order in which they are told."""


# ---------------------------------------------------------------- what they measure


def _last(scores: Scores) -> Floats | None:
    """(B, C) last observed value of each window, from the facts or the forecast that repeats it."""
    if scores.facts is not None and scores.facts.last_BC is not None:
        return scores.facts.last_BC
    return scores.forecasts["naive"][:, 0] if "naive" in scores.forecasts else None


def _scale(scores: Scores) -> Floats:
    """(B, C) what errors are divided by, so that large series do not drown the small; nan where there is no scale."""
    if scores.headline != "mase" or scores.mase_scale_BC is None:
        batch, _, columns = scores.truth_BHC.shape
        return np.ones((batch, columns))
    return np.where(scores.mase_scale_BC > 0, scores.mase_scale_BC, np.nan)


def _lean(scores: Scores, c: int) -> tuple[float, float]:
    """Mean error of a target over its mean absolute error, and the share of forecasts that miss on that side."""
    error_BH = scores.forecasts[scores.model][..., c] - scores.scored_BHC[..., c]
    scaled_BH = error_BH / _scale(scores)[:, c, None]
    scaled = scaled_BH[np.isfinite(scaled_BH)]
    size = float(np.abs(scaled).sum())
    if not size > 0:
        return 0.0, 0.0
    lean = float(scaled.sum()) / size
    return lean, float((scaled * lean > 0).mean())


def _window_means(values_BH: Floats) -> Floats:
    """(B,) mean of what is known in each window, nan where nothing is."""
    known_BH = ~np.isnan(values_BH)
    count_B = known_BH.sum(axis=1)
    total_B = np.where(known_BH, values_BH, 0.0).sum(axis=1)
    return np.where(count_B > 0, total_B / np.maximum(count_B, 1), np.nan)


def wanders(scores: Scores) -> bool:
    """Whether the series looks like a random walk, as far as the scored windows show."""
    last_BC = _last(scores)
    return last_BC is not None and _random_walk(scores, last_BC)


def _random_walk(scores: Scores, last_BC: Floats) -> bool:
    """Whether nothing is known to beat the last value, and the steps of the series do not go together.

    The steps are tested by Ljung & Box (1978) at 5 %. Too few of them give no evidence of a random walk.
    """
    metric = scores.headline
    naive = scores.table["naive"][metric] if "naive" in scores.table else scores.table[scores.model][metric]
    for name, test in scores.significance.items():
        gain = 1 - scores.table[name][metric] / naive if naive > 0 else 0.0
        if gain > _FAR_BETTER or (gain > _NO_SKILL and test.significant and test.difference > 0):
            return False
    step_NTC = _steps(scores, last_BC)
    count = int(np.isfinite(step_NTC).sum())
    lags = min(max(2 * scores.season, 10), step_NTC.shape[1] // 3)
    if count < _POINTS or lags < 1:
        return False
    known_NTC = np.isfinite(step_NTC)
    step_NTC = np.where(known_NTC, step_NTC - step_NTC[known_NTC].mean(), 0.0)
    variance = float((step_NTC**2).sum()) / count
    correlations = [float((step_NTC[:, k:] * step_NTC[:, :-k]).sum()) / count / variance for k in range(1, lags + 1)]
    statistic = sum(count * (count + 2) / (count - k) * r**2 for k, r in enumerate(correlations, 1))
    return statistic < _chi_square_95(lags) or max(map(abs, correlations)) < 0.1  # too small to be worth a model


def _steps(scores: Scores, last_BC: Floats) -> Floats:
    """(N, T, C) scaled changes of each series from step to step, over all that its windows show; else nan."""
    series_B, origin_B = window_labels(scores)
    names, series_B = np.unique(series_B, return_inverse=True)
    stride = scores.stride or scores.horizon
    path_BHC = np.concatenate([last_BC[:, None], scores.scored_BHC], axis=1) / _scale(scores)[:, None]
    time_BH = (origin_B - origin_B.min())[:, None] * stride + np.arange(scores.horizon + 1)
    path_NTC = np.full((len(names), int(time_BH.max()) + 1, path_BHC.shape[2]), np.nan)
    path_NTC[series_B[:, None], time_BH] = path_BHC
    return np.diff(path_NTC, axis=1)


def _chi_square_95(dof: int) -> float:
    """The value that a chi-square variable exceeds once in twenty (Wilson & Hilferty 1931)."""
    part = 2 / (9 * dof)
    return float(dof * (1 - part + 1.644854 * math.sqrt(part)) ** 3)


def _strictly_inside(scores: Scores, level: float) -> float:
    """Share of truths off both bounds: where many lie on one, as counts do, no interval can hold what it should."""
    low_BHC, high_BHC = scores.interval(scores.model, level)
    truth_BHC = scores.scored_BHC
    return float(((low_BHC < truth_BHC) & (truth_BHC < high_BHC)).sum() / max((~np.isnan(truth_BHC)).sum(), 1))


def _beyond_luck(scores: Scores, level: float) -> bool:
    """Whether coverage differs from its level at 5 %, windows and not points being what is independent.

    The standard error is at least that of one truth per window that overlaps no other: with all truths inside, the
    windows themselves would show no scatter at all.
    """
    inside_B = scores.window_scores(scores.model, f"coverage_{level_key(level)}")
    _, outcome = mean_test(scores, inside_B - level)
    windows = np.isfinite(inside_B).sum() / (1 + overlap_of(scores.horizon, scores.stride))
    least = math.sqrt(level * (1 - level) / windows) if windows else math.inf
    error = max(least, outcome.error) if math.isfinite(outcome.error) else least
    off = float(np.nanmean(inside_B)) - level if windows else 0.0
    return two_sided_p(off / error, max(windows, 1.0)) < 0.05


def _clearly_better(scores: Scores) -> bool:
    """Whether the model beats the best naive forecast beyond doubt."""
    if not scores.baselines:
        return False
    test = scores.significance[scores.baselines[0]]
    return test.difference < 0 and test.significant
