"""Forecast metrics: a metric is an elementwise formula and an aggregation of its terms.

    truth (..., H), forecast (..., H)  --formula-->  one term per point  --aggregation-->  a number

A formula gives each point a term and a weight; every score is ``sum(terms) / sum(weights)`` over some points:

    metric(...)              all points together                       M3's "overall"
    metric.per_series(...)   the points of each series                 one number per series
    metric.over_series(...)  the mean of those                         M4's group score
    metric.per_step(...)     the points of each step ahead             H numbers

Three rules hold for all of them:

- A point without truth (NaN) is left out and counted as *missing*.
- A point where the formula has no value (a percentage of zero, a scale of zero) is left out and counted as *undefined*;
  a score with no point left is nan, never 0.
- A forecast that is missing where the truth is known cannot be scored: the score is nan. Otherwise a method could gain
  by staying silent on the hard points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatecast.errors import InputError

__all__ = [
    "METRICS",
    "Counts",
    "Metric",
    "Terms",
    "acd",
    "coverage",
    "crps",
    "interval_score",
    "mae",
    "mape",
    "mase",
    "mse",
    "msis",
    "owa",
    "pinball",
    "rmse",
    "rmsse",
    "smape",
    "width",
    "wql",
]

Floats = NDArray[np.float64]


class Terms(NamedTuple):
    """What a formula makes of each point, all of shape (..., H)."""

    values: Floats
    weight: Floats
    defined: NDArray[np.bool_]


class Counts(NamedTuple):
    """How many points were scored, had no truth, and had no defined term."""

    points: int
    missing: int
    undefined: int


@dataclass(frozen=True)
class Metric:
    """A formula with its aggregations.

    Args:
        name: the lower-case name.
        about: the definition and its source, in one line.
        takes: what the formula wants after the truth: "forecast", "low" and "high" have the shape of the truth,
            "scale" that shape without the step axis (or a number), "quantile_forecasts" one more axis Q at the end,
            "paths" one more axis S, "quantiles" is the Q levels, "level" the nominal coverage of an interval.
        formula: from these arrays, steps last, to ``Terms``.
        root: whether the square root of the mean is the score.

    All methods take the truth, then what ``takes`` names, then ``step_axis``, the truth's axis of the H steps: the last
    one for (..., H), 1 for (N, H, C). They raise InputError where shapes do not fit.

    >>> mae([1.0, 2.0, float("nan")], [2.0, 4.0, 9.0])
    1.5
    """

    name: str
    about: str
    takes: tuple[str, ...]
    formula: Callable[..., Terms]
    root: bool = False

    def __call__(self, truth: ArrayLike, *arguments: ArrayLike, step_axis: int = -1) -> float:
        """Score over all points together: every point weighs the same."""
        return float(self._mean(self.terms(truth, *arguments, step_axis=step_axis), None)[0])

    def per_series(self, truth: ArrayLike, *arguments: ArrayLike, step_axis: int = -1) -> Floats:
        """Score of each series: the truth's shape without the step axis."""
        return self._mean(self.terms(truth, *arguments, step_axis=step_axis), -1)[0]

    def over_series(self, truth: ArrayLike, *arguments: ArrayLike, step_axis: int = -1) -> float:
        """Mean of the series' scores: every series with a defined score weighs the same."""
        scores, defined = self._mean(self.terms(truth, *arguments, step_axis=step_axis), -1)
        return float(scores[defined].mean()) if defined.any() else float("nan")

    def per_step(self, truth: ArrayLike, *arguments: ArrayLike, step_axis: int = -1) -> Floats:
        """Score of each step ahead: (H,), step 1 first."""
        terms = self.terms(truth, *arguments, step_axis=step_axis)
        return self._mean(terms, tuple(range(terms.values.ndim - 1)))[0]

    def counts(self, truth: ArrayLike, *arguments: ArrayLike, step_axis: int = -1) -> Counts:
        """Count the points that are scored, that have no truth, and that have no defined term."""
        terms, observed = self._terms(truth, arguments, step_axis)
        scored = int(terms.defined.sum())
        return Counts(scored, int((~observed).sum()), int(observed.sum()) - scored)

    def terms(self, truth: ArrayLike, *arguments: ArrayLike, step_axis: int = -1) -> Terms:
        """One term per point, steps last; what is not scored has the term 0 and the weight 0."""
        return self._terms(truth, arguments, step_axis)[0]

    def ratio(self, total: ArrayLike, weight: ArrayLike) -> Floats:
        """Scores from sums of terms and sums of weights of one shape; nan where the weight is 0."""
        total, weight = np.asarray(total), np.asarray(weight)
        mean = np.full(total.shape, np.nan)
        np.divide(total, weight, out=mean, where=weight > 0)
        return np.sqrt(mean) if self.root else mean

    def _terms(
        self, truth: ArrayLike, arguments: tuple[ArrayLike, ...], step_axis: int
    ) -> tuple[Terms, NDArray[np.bool_]]:
        if len(arguments) != len(self.takes):
            raise InputError(
                f"{self.name} takes the truth and {', '.join(self.takes)}; {len(arguments) + 1} were given."
            )
        y = np.asarray(truth, dtype=np.float64)
        axis = step_axis % y.ndim
        aligned = [_align(kind, value, y.shape, axis) for kind, value in zip(self.takes, arguments, strict=True)]
        y = np.moveaxis(y, axis, -1)
        observed = ~np.isnan(y)
        # A missing forecast is nan by rule, and infinite ones may be: neither is worth a warning on the way.
        with np.errstate(invalid="ignore", over="ignore"):
            values, weight, defined = self.formula(np.where(observed, y, 0.0), *aligned)
        kept = observed & defined
        return Terms(np.where(kept, values, 0.0), np.where(kept, weight, 0.0), kept), observed

    def _mean(self, terms: Terms, axis: int | tuple[int, ...] | None) -> tuple[Floats, NDArray[np.bool_]]:
        weight = np.asarray(terms.weight.sum(axis=axis))
        return self.ratio(terms.values.sum(axis=axis), weight), weight > 0


def _align(kind: str, value: ArrayLike, shape: tuple[int, ...], axis: int) -> Floats:
    """Bring one argument into the layout of a truth whose steps are last. Raises InputError for a wrong shape."""
    array = np.asarray(value)
    # float32 stays as it is: the formulas widen it point by point, and a copy of all quantiles would be large.
    array = array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
    series_shape = shape[:axis] + shape[axis + 1 :]
    if kind == "scale" and array.shape in ((), series_shape):
        return array[..., None]
    if kind == "quantiles" and array.ndim == 1 and bool(((array > 0) & (array < 1)).all()):
        return array
    if kind == "level" and array.ndim == 0 and 0 < array < 1:
        return array
    if kind in ("quantile_forecasts", "paths") and array.shape[:-1] == shape and array.shape[-1] > 0:
        return np.moveaxis(array, axis, -2)
    if kind in ("forecast", "low", "high") and array.shape == shape:
        return np.moveaxis(array, axis, -1)
    wanted = {
        "scale": f"shape {series_shape}, one number per series",
        "quantiles": "one axis of levels between 0 and 1",
        "level": "one number between 0 and 1",
        "quantile_forecasts": f"shape {shape} and one more axis for the quantiles",
        "paths": f"shape {shape} and one more axis for the paths",
    }.get(kind, f"shape {shape}")
    raise InputError(f"the {kind.replace('_', ' ')} has shape {array.shape}; beside this truth it needs {wanted}.")


# ---------------------------------------------------------------- formulas: steps last, truth without NaN


def _everywhere(values: Floats) -> Terms:
    return Terms(values, np.ones_like(values), np.ones(values.shape, dtype=np.bool_))


def _divided(numerator: Floats, denominator: Floats) -> Terms:
    """Return terms that are undefined where the denominator is zero or not finite."""
    denominator = np.broadcast_to(denominator, numerator.shape)
    defined = np.isfinite(denominator) & (denominator > 0)
    values = numerator / np.where(defined, denominator, 1.0)
    return Terms(values, np.ones_like(values), defined)


def _squared(y: Floats, f: Floats) -> Terms:
    return _everywhere((y - f) ** 2)


def _absolute(y: Floats, f: Floats) -> Terms:
    return _everywhere(np.abs(y - f))


def _absolute_percentage(y: Floats, f: Floats) -> Terms:
    return _divided(100.0 * np.abs(y - f), np.abs(y))


def _symmetric_percentage(y: Floats, f: Floats) -> Terms:
    size = np.abs(y) + np.abs(f)
    return _everywhere(200.0 * np.abs(y - f) / np.where(size == 0, 1.0, size))  # 0/0 counts 0, as in M4


def _scaled(y: Floats, f: Floats, scale: Floats) -> Terms:
    return _divided(np.abs(y - f), scale)


def _scaled_squared(y: Floats, f: Floats, scale: Floats) -> Terms:
    values, weight, defined = _divided(np.abs(y - f), scale)
    return Terms(values**2, weight, defined)


def _pinball(y: Floats, f_Q: Floats, quantiles: Floats) -> Terms:
    if f_Q.shape[-1] != len(quantiles):
        raise InputError(
            f"there are {f_Q.shape[-1]} quantile forecasts for {len(quantiles)} levels. Give one per level."
        )
    total = np.zeros_like(y)
    for q, level in enumerate(quantiles):  # a few levels; all at once would need Q times the memory
        error = y - f_Q[..., q]
        total += np.maximum(level * error, (level - 1.0) * error)
    return _everywhere(total / len(quantiles))


def _weighted_quantile(y: Floats, f_Q: Floats, quantiles: Floats) -> Terms:
    # The weight |y| is the same at every level, so the mean over levels may come first.
    values, _, defined = _pinball(y, f_Q, quantiles)
    return Terms(2.0 * values, np.abs(y), defined)


def _inside(y: Floats, low: Floats, high: Floats) -> Terms:
    inside = ((low <= y) & (y <= high)).astype(np.float64)
    return _everywhere(np.where(np.isnan(low) | np.isnan(high), np.nan, inside))


def _width(y: Floats, low: Floats, high: Floats) -> Terms:
    return _everywhere(high.astype(np.float64) - low)


def _interval_loss(y: Floats, low: Floats, high: Floats, level: Floats) -> Floats:
    outside = np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)
    return np.asarray(high.astype(np.float64) - low + (2.0 / (1.0 - level)) * outside)


def _interval_score(y: Floats, low: Floats, high: Floats, level: Floats) -> Terms:
    return _everywhere(_interval_loss(y, low, high, level))


def _scaled_interval_score(y: Floats, low: Floats, high: Floats, level: Floats, scale: Floats) -> Terms:
    return _divided(_interval_loss(y, low, high, level), scale)


def _energy(y: Floats, x_S: Floats) -> Terms:
    """Mean |x - y| less half the mean |x - x'| over all S x S pairs; sorted, the pairs need no pairing."""
    count = x_S.shape[-1]
    rank_S = (2.0 * np.arange(1, count + 1) - count - 1.0) / count**2
    values = np.empty_like(y)
    for h in range(y.shape[-1]):  # one step at a time: the sorted copy stays small
        x = np.sort(x_S[..., h, :].astype(np.float64), axis=-1)
        values[..., h] = np.abs(x - y[..., h, None]).mean(axis=-1) - x @ rank_S
    return _everywhere(values)


# ---------------------------------------------------------------- metrics

_POINT: Any = ("forecast",)
_SCALED: Any = ("forecast", "scale")
_QUANTILE: Any = ("quantile_forecasts", "quantiles")

mse = Metric("mse", "mean (y - f)^2", _POINT, _squared)
rmse = Metric("rmse", "square root of mse", _POINT, _squared, root=True)
mae = Metric("mae", "mean |y - f|", _POINT, _absolute)
mape = Metric("mape", "mean 100 |y - f| / |y|, in percent; undefined where y = 0", _POINT, _absolute_percentage)
smape = Metric(
    "smape",
    "mean 200 |y - f| / (|y| + |f|), in percent, 0..200; 0/0 counts 0 (Makridakis et al. 2020, M4)",
    _POINT,
    _symmetric_percentage,
)
mase = Metric(
    "mase",
    "mean |y - f| / scale, scale = mase_scale of the training part (Hyndman & Koehler 2006)",
    _SCALED,
    _scaled,
)
rmsse = Metric(
    "rmsse",
    "square root of mean ((y - f) / scale)^2, scale = rmsse_scale of the training part (Makridakis et al. 2022, M5)",
    _SCALED,
    _scaled_squared,
    root=True,
)
pinball = Metric(
    "pinball",
    "mean over points and levels q of max(q (y - f), (q - 1) (y - f)); no factor 2 (Koenker & Bassett 1978)",
    _QUANTILE,
    _pinball,
)
wql = Metric(
    "wql", "mean over levels of 2 sum pinball / sum |y|; undefined where all y = 0", _QUANTILE, _weighted_quantile
)
coverage = Metric("coverage", "share of points with low <= y <= high, 0..1", ("low", "high"), _inside)
width = Metric("width", "mean high - low, in the unit of the truth", ("low", "high"), _width)
interval_score = Metric(
    "interval_score",
    "mean (high - low) + 2 / alpha (low - y)+ + 2 / alpha (y - high)+, alpha = 1 - level (Gneiting & Raftery 2007)",
    ("low", "high", "level"),
    _interval_score,
)
msis = Metric(
    "msis",
    "mean interval score / scale, scale = mase_scale of the training part (Makridakis et al. 2020, M4)",
    ("low", "high", "level", "scale"),
    _scaled_interval_score,
)
crps = Metric(
    "crps",
    "mean |x - y| - mean |x - x'| / 2 over the sample paths x and all pairs of them (Gneiting & Raftery 2007, 21)",
    ("paths",),
    _energy,
)

METRICS = {
    metric.name: metric
    for metric in (
        *(mse, rmse, mae, mape, smape, mase, rmsse),
        *(pinball, wql, crps),
        *(coverage, width, interval_score, msis),
    )
}


def acd(coverage: float, level: float) -> float:
    """M4's absolute coverage difference: how far the coverage lies from its nominal level (Makridakis et al. 2020).

    >>> round(acd(0.91, 0.95), 9)
    0.04
    """
    return abs(coverage - level)


def owa(smape: float, mase: float, smape_naive2: float, mase_naive2: float) -> float:
    """M4's overall weighted average, from the means of a group of series (Makridakis et al. 2020).

    Args:
        smape: mean sMAPE of the method over the series of the group.
        mase: its mean MASE.
        smape_naive2: the mean sMAPE of Naive2 on the same series.
        mase_naive2: its mean MASE.

    Returns:
        ``(smape / smape_naive2 + mase / mase_naive2) / 2``; 1 for Naive2 itself, nan where Naive2 makes no error.

    >>> owa(13.912, 1.193, 18.383, 2.395)  # seasonal naive on M4 hourly: 0.628
    0.62745...
    """
    if not (smape_naive2 > 0 and mase_naive2 > 0):
        return float("nan")
    return 0.5 * (smape / smape_naive2 + mase / mase_naive2)
