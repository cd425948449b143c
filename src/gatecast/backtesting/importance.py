"""What each covariate contributes: how much worse the forecasts of held-out windows get without what it knows.

    covariate   ──a────b────c────d──┤        the error with it
    moved       ──c────d──a────b────┤        the error without what it says about these times

A covariate is moved around in time by a random number of steps, in each series by another one, so that it keeps its
values and its rhythm and loses what it had to do with the target. Done several times, the growth of the error has a
spread. Breiman 2001, Random Forests, section 10; moved rather than shuffled, for series depend on their own past.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gatecast.backtesting.result import Evaluation
from gatecast.data.panel import Panel
from gatecast.data.quantiles import middle
from gatecast.data.rows import row_ranges, rows_of
from gatecast.data.schema import Column, width_of
from gatecast.data.tables.future import observed_part
from gatecast.evaluation.layout import percent

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["MEANING", "Contribution", "Importance", "covariate_importance"]

REPEATS, MOST_WINDOWS = 20, 120
MEANING = (
    "This says what the model leans on, not what causes what: a covariate that goes along with the true cause counts "
    "as much as the cause, and of two that go together each can look small, because the other stands in for it."
)


@dataclass(frozen=True, eq=False)
class Contribution:
    """One covariate.

    Args:
        covariate: its name.
        kind: "past", "future" or "static".
        growth_R: (R,) share by which the error grew, once for each time that the covariate was moved.
    """

    covariate: str
    kind: str
    growth_R: np.ndarray

    @property
    def mean(self) -> float:
        """Mean growth of the error, as a share: 0.2 is 20 % more."""
        return float(self.growth_R.mean())

    @property
    def spread(self) -> tuple[float, float]:
        """The 10 and the 90 % quantile of the growth."""
        low, high = np.quantile(self.growth_R, (0.1, 0.9))
        return float(low), float(high)

    def __str__(self) -> str:
        low, high = self.spread
        return f"{self.covariate}: {_signed(self.mean)} ({_signed(low)} to {_signed(high)})"


@dataclass(frozen=True, eq=False)
class Importance:
    """What the covariates contribute, the largest first. ``print`` says it, and what it does not mean.

    Args:
        contributions: one for each covariate.
        windows: held-out windows that the errors are taken from.
        repeats: how often each covariate was moved.
    """

    contributions: tuple[Contribution, ...]
    windows: int
    repeats: int

    @property
    def method(self) -> str:
        """How the figures came about, in a sentence."""
        return (
            f"Growth of the error on {self.windows:,} held-out windows when a covariate is moved around in time "
            f"({self.repeats} times; in brackets what 80 % of them gave)."
        )

    def __str__(self) -> str:
        lines = [*textwrap.wrap(self.method, 80), *(f"  {one}" for one in self.contributions)]
        return "\n".join([*lines, *textwrap.wrap(MEANING, 80)])


def covariate_importance(
    model: Forecaster, panel: Panel, evaluation: Evaluation, *, repeats: int = REPEATS, seed: int = 0
) -> Importance | None:
    """Move each covariate in time, and see how much worse the held-out forecasts get.

    Args:
        model: trained on what lies before the origins of the evaluation.
        panel: the data.
        evaluation: of this model; its windows and those between them are scored.
        repeats: how often each covariate is moved.
        seed: the same seed gives the same figures.

    Returns:
        None where the model reads no covariates.
    """
    if model.fitted_.blend.untrained or not (panel.schema.past or panel.schema.future or panel.schema.static):
        return None
    history, series_B, origin_B, scale_BC = _windows(evaluation, observed_part(panel))
    score = _scorer(model, history, series_B, origin_B, scale_BC)
    usual = score(history)
    if not usual > 0:
        return None
    contributions: list[Contribution] = []
    for kind, column, place in _columns(history):
        random = np.random.default_rng((seed, len(contributions)))
        moved = (_moved(history, kind, place, random) for _ in range(repeats))
        growth_R = np.array([score(one) / usual - 1 for one in moved])
        contributions.append(Contribution(column.name, kind, growth_R))
    contributions.sort(key=lambda one: -one.mean)
    return Importance(tuple(contributions), len(series_B), repeats)


# ---------------------------------------------------------------- inside


def _windows(evaluation: Evaluation, history: Panel) -> tuple[Panel, np.ndarray, np.ndarray, np.ndarray]:
    """The windows from the first held-out origin of each series to its last one, at most so many.

    Returns:
        part: the series that they lie in, in a buffer of their own.
        series_B: their series.
        origin_B: the rows of their origins.
        scale_BC: scales of MASE; 1 for all where some series has none.
    """
    first_N, last_N = np.full(len(history), -1), np.full(len(history), -2)
    step_B = evaluation.origin_B - evaluation.panel.first[evaluation.series_B]
    for n in np.unique(evaluation.series_B):
        own = step_B[evaluation.series_B == n]
        first_N[n], last_N[n] = own.min(), own.max()
    count_N = last_N - first_N + 1
    series_B = np.repeat(np.arange(len(history)), np.maximum(count_N, 0))
    step_B = row_ranges(first_N, np.maximum(count_N, 0))
    kept = np.unique(np.linspace(0, len(series_B) - 1, min(len(series_B), MOST_WINDOWS)).astype(np.int64))
    chosen, place_B = np.unique(series_B[kept], return_inverse=True)
    part = _compact(history.select(chosen))
    return part, place_B, part.first[place_B] + step_B[kept], _scales(evaluation, len(history))[series_B[kept]]


def _compact(panel: Panel) -> Panel:
    """The same series in a buffer that holds no others."""
    values_RV = rows_of(panel.values_RV, panel.first, panel.length)
    return replace(panel, values_RV=values_RV, first=np.cumsum(panel.length) - panel.length)


def _scorer(
    model: Forecaster, history: Panel, series_B: np.ndarray, origin_B: np.ndarray, scale_BC: np.ndarray
) -> Callable[[Panel], float]:
    """Mean absolute error over the windows, each in the scale of its series, of forecasts from a panel's covariates."""
    truth_BHC = history.target_RC[origin_B[:, None] + np.arange(1, model.horizon + 1)].astype(np.float64)

    def score(panel: Panel) -> float:
        quantiles_BHCQ = model.forecast_from(panel, series_B, origin_B)
        error_BHC = np.abs(quantiles_BHCQ[..., middle(model.fitted_.levels)] - truth_BHC) / scale_BC[:, None]
        known = error_BHC[np.isfinite(error_BHC)]
        return float(known.mean()) if len(known) else float("nan")

    return score


def _scales(evaluation: Evaluation, count: int) -> np.ndarray:
    """(N, C) scales of MASE; 1 for all where some series has none."""
    scale_BC = evaluation.scores.mase_scale_BC
    scale_NC = np.ones((count, len(evaluation.panel.targets)))
    if scale_BC is not None and (np.isfinite(scale_BC) & (scale_BC > 0)).all():
        scale_NC[evaluation.series_B] = scale_BC
    return scale_NC


def _columns(history: Panel) -> Iterator[tuple[str, Column, slice]]:
    """Kind, covariate and where it lies in its block."""
    schema = history.schema
    blocks = {"past": (schema.past, schema.past_slice.start), "future": (schema.future, schema.future_slice.start)}
    for kind, (columns, start) in (blocks | {"static": (schema.static, 0)}).items():
        for k, column in enumerate(columns):
            begin = start + width_of(columns[:k])
            yield kind, column, slice(begin, begin + column.width)


def _moved(history: Panel, kind: str, place: slice, random: np.random.Generator) -> Panel:
    """The panel with one covariate moved: in time, or between the series where it is constant in each."""
    if kind == "static":
        static_NS = history.static_NS.copy()
        static_NS[:, place] = static_NS[random.permutation(len(history)), place]
        return replace(history, static_NS=static_NS)
    values_RV = history.values_RV.copy()
    for n in range(len(history)):
        rows = history.rows(n)
        steps = int(random.integers(1, max(int(history.length[n]), 2)))
        values_RV[rows, place] = np.roll(values_RV[rows, place], steps, axis=0)
    return replace(history, values_RV=values_RV)


def _signed(share: float) -> str:
    """A growth in percent.

    >>> _signed(0.123), _signed(-0.004), _signed(0)
    ('+12 %', '-0.4 %', '0 %')
    """
    return "0 %" if share == 0 else f"{'+' if share > 0 else '-'}{percent(abs(share))}"
