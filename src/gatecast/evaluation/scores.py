"""Scores: a model beside the naive forecasts, every method on the same points.

    truth (B, H, C) + {method: forecast (B, H, C)}  ->  method x metric; per target column, step, window and group

A window is one origin in one series. mse, rmse, mae, pinball, wql, coverage and width are taken over all points of a
target column; mase, rmsse, smape and msis are means over windows, as M4 takes them. Over several target columns a score
is the mean of the columns' scores. The intervals are the symmetric pairs of quantiles: 0.1 and 0.9 bound the 80 % one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatecast.errors import InputError, listed
from gatecast.evaluation.facts import Facts
from gatecast.evaluation.layout import score_html, score_table
from gatecast.evaluation.measures import (
    Measure,
    central_levels,
    interval_measures,
    level_key,
    pair_of,
    point_measures,
)
from gatecast.evaluation.metrics import acd, mae, mase, owa
from gatecast.statistical.naive import TITLES

if TYPE_CHECKING:
    from gatecast.evaluation.judgement import Judgement, OutcomeName
    from gatecast.evaluation.significance import Comparison

__all__ = ["Scores", "Table"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Table = dict[str, dict[str, float]]
Columns = dict[str, dict[str, Floats]]

MODEL_TITLES = {"lstm": "gatecast LSTM", "blend": "mean with rivals"}
_ERRORS = ("mse", "rmse", "mae", "mase", "smape", "rmsse")


@dataclass(frozen=True, eq=False)
class Scores:
    """The truth, the forecasts, and what follows from them. Printing it gives the table and the verdict.

    Points without truth are left out for every method, and so are points where some baseline had no history to start
    from. Where the model itself gives no number, its score is nan.

    Args:
        truth_BHC: (B, H, C) truth of each window; NaN = missing.
        forecasts: name -> (B, H, C) point forecasts: the model's, the baselines', the rivals', the references'.
        model: the name of the method under test.
        rivals: names of the serious competitors, such as AutoETS; what is neither model, rival nor reference is a
            naive forecast, and skill is about those.
        references: names that are shown and do not compete, such as the noise-free curve of a synthetic series.
        targets: the names of the C target columns; "target 1", ... where there are none.
        mase_scale_BC: (B, C) ``mase_scale`` of what each window's series was trained on; without it MASE is nan.
        rmsse_scale_BC: (B, C) ``rmsse_scale`` of it; without it there is no rmsse.
        quantiles: Q ascending levels, the same for all methods that have quantile forecasts.
        quantile_forecasts: name -> (B, H, C, Q) forecasts at these levels, for any of the methods.
        season: the seasonality m of MASE and of the seasonal naive forecast.
        origins: number of distinct forecast origins among the B windows.
        series: number of series among them.
        series_B: (B,) number of each window's series, 0..N-1; the tests of significance group by it.
        origin_B: (B,) number of each window's origin, 0..O-1 in the order of time.
        stride: steps between two neighbouring origins; None = H, so that no truth is forecast twice.
        seconds: name -> what fitting and forecasting took.
        facts: what is known of the training; symptoms are looked for in it.
        unit: the word for H steps, such as "months".
        titles: what people read for a name, where it is not the usual title.

    Raises:
        InputError: a name is missing, or the shapes do not fit.
    """

    truth_BHC: Floats
    forecasts: Mapping[str, Floats]
    model: str = field(default="lstm", kw_only=True)
    rivals: Sequence[str] = field(default=(), kw_only=True)
    references: Sequence[str] = field(default=(), kw_only=True)
    targets: Sequence[str] = field(default=(), kw_only=True)
    mase_scale_BC: Floats | None = field(default=None, kw_only=True)
    rmsse_scale_BC: Floats | None = field(default=None, kw_only=True)
    quantiles: Sequence[float] = field(default=(), kw_only=True)
    quantile_forecasts: Mapping[str, Floats] = field(default_factory=dict, kw_only=True)
    season: int = field(default=1, kw_only=True)
    origins: int = field(default=1, kw_only=True)
    series: int = field(default=1, kw_only=True)
    series_B: Rows | None = field(default=None, kw_only=True)
    origin_B: Rows | None = field(default=None, kw_only=True)
    stride: int | None = field(default=None, kw_only=True)
    seconds: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    facts: Facts | None = field(default=None, kw_only=True)
    unit: str = field(default="steps", kw_only=True)
    titles: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse names and shapes that do not fit, all of them at once."""
        problems = list(_problems(self))
        if problems:
            raise InputError(f"these forecasts cannot be scored: {'; '.join(problems)}. All need one shape (B, H, C).")

    # ---------------------------------------------------------------- who takes part

    @property
    def horizon(self) -> int:
        """Steps ahead, H."""
        return int(self.truth_BHC.shape[1])

    @property
    def levels(self) -> tuple[float, ...]:
        """Nominal coverage of the intervals, narrowest first: one for each symmetric pair of quantiles."""
        return central_levels(self.quantiles) if self.quantile_forecasts else ()

    def interval(self, name: str, level: float) -> tuple[Floats, Floats]:
        """(low, high), each (B, H, C), of a method that has quantile forecasts."""
        low, high = pair_of(self.quantiles, level)
        return self.quantile_forecasts[name][..., low], self.quantile_forecasts[name][..., high]

    @cached_property
    def baselines(self) -> tuple[str, ...]:
        """The naive forecasts, best first by the headline metric; undefined ones last, ties in the order given."""
        return self._ranked(self._naive)

    @cached_property
    def ranked_rivals(self) -> tuple[str, ...]:
        """The rivals, best first in the same way."""
        return self._ranked(self.rivals)

    @property
    def methods(self) -> tuple[str, ...]:
        """The model, the rivals and the baselines, each from best to worst, the references."""
        return (self.model, *self.ranked_rivals, *self.baselines, *self.references)

    @cached_property
    def headline(self) -> str:
        """The metric that ranks: "mase", or "mae" where MASE is undefined for the model or for all baselines."""
        others = self._naive or [self.model]
        defined = [not math.isnan(self.table[name]["mase"]) for name in others]
        return "mase" if any(defined) and not math.isnan(self.table[self.model]["mase"]) else "mae"

    def title(self, name: str) -> str:
        """What people read for a method's name."""
        return self.titles.get(name) or MODEL_TITLES.get(name) or TITLES.get(name, name)

    # ---------------------------------------------------------------- numbers

    @cached_property
    def per_target(self) -> dict[str, Table]:
        """Target column -> method -> metric -> score."""
        return {target: {name: self._row(name, c) for name in self.forecasts} for c, target in enumerate(self._targets)}

    @cached_property
    def table(self) -> Table:
        """Method -> metric -> score, the mean over target columns; owa too where "naive2" is among the methods."""
        columns = list(self.per_target.values())
        result = {
            name: {metric: float(np.mean([table[name][metric] for table in columns])) for metric in columns[0][name]}
            for name in self.forecasts
        }
        if "naive2" in result:
            naive2 = result["naive2"]
            for row in result.values():
                row["owa"] = owa(row["smape"], row["mase"], naive2["smape"], naive2["mase"])
        return result

    def by_group(self, labels_B: ArrayLike) -> tuple[list[Any], Columns]:
        """Score groups of windows: each series with ``series_B``, each origin with ``origin_B``.

        Args:
            labels_B: (B,) the group of each window.

        Returns:
            The G labels in ascending order, and method -> metric -> (G,) scores, aggregated as in ``table``.

        Raises:
            InputError: there is not one label for each window.
        """
        labels = np.asarray(labels_B)
        if labels.shape != self.truth_BHC.shape[:1]:
            raise InputError(f"the labels have shape {labels.shape}; one for each of {len(self.truth_BHC):,} windows.")
        found, group_B = np.unique(labels, return_inverse=True)
        columns: Columns = {}
        for name, of_targets in self.measures.items():
            measured = [{key: m.grouped(group_B, len(found)) for key, m in one.items()} for one in of_targets]
            rows = [_with_acd(one, self.levels) for one in measured]
            columns[name] = {key: np.mean([row[key] for row in rows], axis=0) for key in rows[0]}
        return found.tolist(), columns

    def grouped(self, labels_B: ArrayLike) -> dict[Any, Table]:
        """Label -> method -> metric -> score; see ``by_group``, which gives the same as arrays."""
        labels, columns = self.by_group(labels_B)
        return {
            label: {name: {key: float(x[g]) for key, x in row.items()} for name, row in columns.items()}
            for g, label in enumerate(labels)
        }

    @cached_property
    def skill(self) -> Table:
        """Baseline -> metric -> 1 - the model's score / the baseline's; nan where the baseline makes no error."""
        model = self.table[self.model]
        return {
            name: {m: _skill(model[m], self.table[name][m]) for m in _ERRORS if m in model} for name in self.baselines
        }

    @cached_property
    def per_step(self) -> dict[str, dict[str, Floats]]:
        """Method -> metric -> (H,) score of each step ahead, the mean over target columns.

        The metrics are mae, rmse and mase, and coverage and width of each level where there are quantile forecasts.
        """
        return {
            name: {
                key: np.mean([one[key].per_step for one in of_targets], axis=0)
                for key in of_targets[0]
                if key in ("mae", "rmse", "mase") or key.startswith(("coverage_", "width_"))
            }
            for name, of_targets in self.measures.items()
        }

    @cached_property
    def per_window(self) -> dict[str, Floats]:
        """Method -> (B,) headline error of each window, the paired numbers that a test of significance needs."""
        return {name: self.window_scores(name, self.headline) for name in self.forecasts}

    def window_scores(self, name: str, metric: str) -> Floats:
        """(B,) score of each window of one method, the mean over target columns; nan where one has none."""
        return np.asarray(np.mean([one[metric].per_window for one in self.measures[name]], axis=0))

    @cached_property
    def counts(self) -> dict[str, int]:
        """Points scored, without truth, without a baseline's history, and (of those scored) without a MASE scale."""
        points, left_out, _ = mae.counts(self.scored_BHC, self.truth_BHC, step_axis=1)
        missing = int(np.isnan(self.truth_BHC).sum())
        no_scale = mase.counts(self.scored_BHC, self.truth_BHC, self._scale_BC, step_axis=1).undefined
        return {"points": points, "missing": missing, "no_history": left_out - missing, "no_scale": no_scale}

    @cached_property
    def significance(self) -> dict[str, Comparison]:
        """Baseline or rival -> the paired test of the model against it, by the headline metric."""
        from gatecast.evaluation.significance import compare

        return {name: compare(self, name) for name in (*self.ranked_rivals, *self.baselines)}

    @cached_property
    def symptoms(self) -> tuple[str, ...]:
        """A sentence for each thing that looks wrong, with what to try."""
        from gatecast.evaluation.symptoms import symptoms

        return symptoms(self)

    @cached_property
    def verdict(self) -> str:
        """One plain paragraph: is the model better than the others, how sure is that, and what looks wrong?"""
        from gatecast.evaluation.verdict import verdict

        return verdict(self)

    @cached_property
    def judgement(self) -> Judgement:
        """Better, undecided or worse than the best naive forecast, and why; see ``evaluation.outcome``."""
        from gatecast.evaluation.outcome import judge

        return judge(self)

    @property
    def outcome(self) -> OutcomeName:
        """The verdict in one word: "better", "undecided" or "worse"."""
        return self.judgement.outcome

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data that JSON can hold: undefined scores are None."""
        return {
            "scores": {name: _plain(self.table[name]) for name in self.methods},
            "per_target": {
                target: {name: _plain(table[name]) for name in self.methods}
                for target, table in self.per_target.items()
            },
            "per_step": {name: _plain(self.per_step[name]) for name in self.methods},
            "skill": {name: _plain(self.skill[name]) for name in self.baselines},
            "significance": {name: _plain_test(test) for name, test in self.significance.items()},
            "symptoms": list(self.symptoms),
            "rivals": list(self.ranked_rivals),
            "levels": list(self.levels),
            "seconds": dict(self.seconds),
            "counts": self.counts,
            "horizon": self.horizon,
            "season": self.season,
            "origins": self.origins,
            "series": self.series,
            "verdict": {**self.judgement.to_dict(), "text": self.verdict},
        }

    def __str__(self) -> str:
        return score_table(self)

    def _repr_html_(self) -> str:
        return score_html(self)

    # ---------------------------------------------------------------- inside

    @cached_property
    def _naive(self) -> list[str]:
        return [name for name in self.forecasts if name not in (self.model, *self.rivals, *self.references)]

    @cached_property
    def _targets(self) -> list[str]:
        return list(self.targets) or [f"target {c + 1}" for c in range(self.truth_BHC.shape[2])]

    @cached_property
    def scored_BHC(self) -> Floats:
        """The truth where all baselines have a forecast, else NaN."""
        silent = np.zeros(self.truth_BHC.shape, dtype=np.bool_)
        for name in self._naive:
            silent |= np.isnan(self.forecasts[name])
        return np.where(silent, np.nan, self.truth_BHC)

    @property
    def _scale_BC(self) -> Floats:
        nothing_BC = np.full((len(self.truth_BHC), self.truth_BHC.shape[2]), np.nan)
        return nothing_BC if self.mase_scale_BC is None else self.mase_scale_BC

    @cached_property
    def measures(self) -> dict[str, list[dict[str, Measure]]]:
        """Method -> one entry per target column -> metric -> its sums; one pass, from which all scores are made."""
        return {name: [self._measure(name, c) for c in range(self.truth_BHC.shape[2])] for name in self.forecasts}

    def _measure(self, name: str, c: int) -> dict[str, Measure]:
        y, scale = self.scored_BHC[..., c], self._scale_BC[:, c]
        rmsse_scale = None if self.rmsse_scale_BC is None else self.rmsse_scale_BC[:, c]
        found = point_measures(y, self.forecasts[name][..., c], scale, rmsse_scale)
        if name in self.quantile_forecasts:
            found |= interval_measures(y, self.quantile_forecasts[name][:, :, c], self.quantiles, scale)
        return found

    def _row(self, name: str, c: int) -> dict[str, float]:
        return _with_acd({key: measure.overall for key, measure in self.measures[name][c].items()}, self.levels)

    def _ranked(self, names: Sequence[str]) -> tuple[str, ...]:
        scores = {name: self.table[name][self.headline] for name in names}
        return tuple(sorted(names, key=lambda name: math.inf if math.isnan(scores[name]) else scores[name]))


def _problems(scores: Scores) -> Iterator[str]:
    """Say what does not fit in names and shapes."""
    shape = scores.truth_BHC.shape
    named = (scores.model, *scores.rivals, *scores.references, *scores.quantile_forecasts)
    unknown = [repr(name) for name in named if name not in scores.forecasts]
    if unknown:
        yield f"there is no forecast of {listed(unknown)}"
    wrong = [f"{name!r} has {np.shape(f)}" for name, f in scores.forecasts.items() if np.shape(f) != shape]
    if wrong or len(shape) != 3:
        yield f"the truth has shape {shape}, {listed(wrong)}"
    if len(scores.targets) not in (0, shape[-1]):
        yield f"{len(scores.targets)} names for {shape[-1]} targets"
    levels = np.asarray(scores.quantiles, dtype=np.float64)
    if not bool(((levels > 0) & (levels < 1)).all() and (np.diff(levels) > 0).all()):
        yield f"the quantiles {tuple(scores.quantiles)} do not ascend between 0 and 1"
    wanted = (*shape, len(scores.quantiles))
    wrong = [f"{name!r} have {np.shape(f)}" for name, f in scores.quantile_forecasts.items() if np.shape(f) != wanted]
    if wrong:
        yield f"quantile forecasts need the shape {wanted}, those of {listed(wrong)}"
    for word, label_B in (("series", scores.series_B), ("origin", scores.origin_B)):
        if label_B is not None and np.shape(label_B) != shape[:1]:
            yield f"the {word} numbers have shape {np.shape(label_B)}, not {shape[:1]}"


def _with_acd(row: dict[str, Any], levels: Sequence[float]) -> dict[str, Any]:
    """Add to a row of scores what follows from its coverage."""
    keys = [(level_key(level), level) for level in levels if f"coverage_{level_key(level)}" in row]
    return {**row, **{f"acd_{key}": acd(row[f"coverage_{key}"], level) for key, level in keys}}


def _plain_test(test: Comparison) -> dict[str, Any]:
    numbers = {"difference": test.difference, "low": test.low, "high": test.high, "p_value": test.p_value}
    return {"test": test.method, "over": test.unit, "groups": test.groups, "better": test.better, **_plain(numbers)}


def _skill(score: float, baseline: float) -> float:
    return 1.0 - score / baseline if baseline > 0 else math.nan


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    return {
        key: [number(v) for v in value.tolist()] if isinstance(value, np.ndarray) else number(value)
        for key, value in values.items()
    }
