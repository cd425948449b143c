"""Scores: a model beside the naive forecasts, every method on the same points.

    truth (B, H, C) + {method: forecast (B, H, C)}  ->  method x metric; per target column, step ahead and window

A window is one origin in one series. mse, rmse, mae, pinball, wql and coverage are taken over all points of a target
column; mase, rmsse and smape are means over windows, as M4 takes them. Over several target columns a score is the mean
of the columns' scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatecast.errors import InputError, listed
from gatecast.evaluation.baselines import TITLES
from gatecast.evaluation.metrics import coverage, mae, mase, mse, owa, pinball, rmse, rmsse, smape, wql

__all__ = ["Scores", "Table"]

Floats = NDArray[np.float64]
Table = dict[str, dict[str, float]]

_MODEL_TITLES = {"lstm": "gatecast LSTM"}
_ERRORS = ("mse", "rmse", "mae", "mase", "smape", "rmsse")


@dataclass(frozen=True, eq=False)
class Scores:
    """The truth, the forecasts, and what follows from them. Printing it gives the table and the verdict.

    Points without truth are left out for every method, and so are points where some baseline had no history to start
    from. Where the model itself gives no number, its score is nan.

    Args:
        truth_BHC: (B, H, C) truth of each window; NaN = missing.
        forecasts: name -> (B, H, C) point forecasts: the model's, the baselines', the references'.
        model: the name of the method under test.
        references: names that are shown and do not compete, such as the noise-free curve of a synthetic series.
        targets: the names of the C target columns; "target 1", ... where there are none.
        mase_scale_BC: (B, C) ``mase_scale`` of what each window's series was trained on; without it MASE is nan.
        rmsse_scale_BC: (B, C) ``rmsse_scale`` of it; without it there is no rmsse.
        quantiles: Q levels of the model's quantile forecasts.
        quantile_forecasts_BHCQ: (B, H, C, Q) these forecasts, scored with pinball and wql.
        interval: the model's interval, (low, high), each (B, H, C), scored with coverage.
        level: its nominal coverage, such as 0.8.
        season: the seasonality m of MASE and of the seasonal naive forecast.
        origins: number of distinct forecast origins among the B windows.
        series: number of series among them.
        unit: the word for H steps, such as "months".
        titles: what people read for a name, where it is not the usual title.

    Raises:
        InputError: a name is missing, or the shapes do not fit.
    """

    truth_BHC: Floats
    forecasts: Mapping[str, Floats]
    model: str = field(default="lstm", kw_only=True)
    references: Sequence[str] = field(default=(), kw_only=True)
    targets: Sequence[str] = field(default=(), kw_only=True)
    mase_scale_BC: Floats | None = field(default=None, kw_only=True)
    rmsse_scale_BC: Floats | None = field(default=None, kw_only=True)
    quantiles: Sequence[float] = field(default=(), kw_only=True)
    quantile_forecasts_BHCQ: Floats | None = field(default=None, kw_only=True)
    interval: tuple[Floats, Floats] | None = field(default=None, kw_only=True)
    level: float | None = field(default=None, kw_only=True)
    season: int = field(default=1, kw_only=True)
    origins: int = field(default=1, kw_only=True)
    series: int = field(default=1, kw_only=True)
    unit: str = field(default="steps", kw_only=True)
    titles: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse names and shapes that do not fit, all of them at once."""
        shape = self.truth_BHC.shape
        unknown = [repr(name) for name in (self.model, *self.references) if name not in self.forecasts]
        wrong = [f"{name!r} has {np.shape(f)}" for name, f in self.forecasts.items() if np.shape(f) != shape]
        problems = [f"there is no forecast of {listed(unknown)}"] if unknown else []
        problems += [f"the truth has shape {shape}, {listed(wrong)}"] if wrong or len(shape) != 3 else []
        problems += (
            [f"{len(self.targets)} names for {shape[-1]} targets"] if len(self.targets) not in (0, shape[-1]) else []
        )
        if problems:
            raise InputError(f"these forecasts cannot be scored: {'; '.join(problems)}. All need one shape (B, H, C).")

    # ---------------------------------------------------------------- who takes part

    @property
    def horizon(self) -> int:
        """Steps ahead, H."""
        return int(self.truth_BHC.shape[1])

    @cached_property
    def baselines(self) -> tuple[str, ...]:
        """The naive forecasts, best first by the headline metric; undefined ones last, ties in the order given."""
        names = [name for name in self.forecasts if name != self.model and name not in self.references]
        scores = {name: self.table[name][self.headline] for name in names}
        return tuple(sorted(names, key=lambda name: math.inf if math.isnan(scores[name]) else scores[name]))

    @property
    def methods(self) -> tuple[str, ...]:
        """The model, the baselines from best to worst, the references."""
        return (self.model, *self.baselines, *self.references)

    @cached_property
    def headline(self) -> str:
        """The metric that ranks: "mase", or "mae" where MASE is undefined for the model or for all baselines."""
        others = [name for name in self.forecasts if name != self.model and name not in self.references] or [self.model]
        defined = [not math.isnan(self.table[name]["mase"]) for name in others]
        return "mase" if any(defined) and not math.isnan(self.table[self.model]["mase"]) else "mae"

    def title(self, name: str) -> str:
        """What people read for a method's name."""
        return self.titles.get(name) or _MODEL_TITLES.get(name) or TITLES.get(name, name)

    # ---------------------------------------------------------------- numbers

    @cached_property
    def per_target(self) -> dict[str, Table]:
        """Target column -> method -> metric -> score."""
        names = self.targets or [f"target {c + 1}" for c in range(self.truth_BHC.shape[2])]
        return {name: {m: self._measure(m, c) for m in self.forecasts} for c, name in enumerate(names)}

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

    @cached_property
    def skill(self) -> Table:
        """Baseline -> metric -> 1 - the model's score / the baseline's; nan where the baseline makes no error."""
        model = self.table[self.model]
        return {
            name: {m: _skill(model[m], self.table[name][m]) for m in _ERRORS if m in model} for name in self.baselines
        }

    @cached_property
    def per_step(self) -> dict[str, dict[str, Floats]]:
        """Method -> "mae", "rmse", "mase" -> (H,) error of each step ahead, the mean over target columns."""
        scale_BC, columns = self._scale_BC, range(self.truth_BHC.shape[2])
        result: dict[str, dict[str, Floats]] = {}
        for name, forecast_BHC in self.forecasts.items():
            pairs = [(self._scored_BHC[..., c], forecast_BHC[..., c]) for c in columns]
            result[name] = {
                "mae": np.mean([mae.per_step(y, f) for y, f in pairs], axis=0),
                "rmse": np.mean([rmse.per_step(y, f) for y, f in pairs], axis=0),
                "mase": np.mean([mase.per_step(y, f, scale_BC[:, c]) for c, (y, f) in enumerate(pairs)], axis=0),
            }
        return result

    @cached_property
    def per_window(self) -> dict[str, Floats]:
        """Method -> (B,) headline error of each window, the paired numbers that a test of significance needs."""
        scale_BC = self._scale_BC if self.headline == "mase" else np.ones_like(self._scale_BC)
        return {
            name: mase.per_series(self._scored_BHC, forecast_BHC, scale_BC, step_axis=1).mean(axis=1)
            for name, forecast_BHC in self.forecasts.items()
        }

    @cached_property
    def counts(self) -> dict[str, int]:
        """Points scored, without truth, without a baseline's history, and (of those scored) without a MASE scale."""
        points, left_out, _ = mae.counts(self._scored_BHC, self.truth_BHC, step_axis=1)
        missing = int(np.isnan(self.truth_BHC).sum())
        no_scale = mase.counts(self._scored_BHC, self.truth_BHC, self._scale_BC, step_axis=1).undefined
        return {"points": points, "missing": missing, "no_history": left_out - missing, "no_scale": no_scale}

    @property
    def verdict(self) -> str:
        """One plain sentence: is the model better than the naive forecasts?"""
        from gatecast.evaluation.verdict import verdict

        return verdict(self)

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
            "counts": self.counts,
            "horizon": self.horizon,
            "season": self.season,
            "origins": self.origins,
            "series": self.series,
            "verdict": self.verdict,
        }

    def __str__(self) -> str:
        from gatecast.evaluation.layout import score_table

        return score_table(self)

    # ---------------------------------------------------------------- inside

    @cached_property
    def _scored_BHC(self) -> Floats:
        """The truth where all baselines have a forecast, else NaN."""
        silent = np.zeros(self.truth_BHC.shape, dtype=np.bool_)
        for name, forecast_BHC in self.forecasts.items():
            if name != self.model and name not in self.references:
                silent |= np.isnan(forecast_BHC)
        return np.where(silent, np.nan, self.truth_BHC)

    @property
    def _scale_BC(self) -> Floats:
        batch, _, columns = self.truth_BHC.shape
        return np.full((batch, columns), np.nan) if self.mase_scale_BC is None else self.mase_scale_BC

    def _measure(self, name: str, c: int) -> dict[str, float]:
        """Score one method on one target column."""
        y, f = self._scored_BHC[..., c], self.forecasts[name][..., c]
        row = {
            "mse": mse(y, f),
            "rmse": rmse(y, f),
            "mae": mae(y, f),
            "mase": mase.over_series(y, f, self._scale_BC[:, c]),
            "smape": smape.over_series(y, f),
        }
        if self.rmsse_scale_BC is not None:
            row["rmsse"] = rmsse.over_series(y, f, self.rmsse_scale_BC[:, c])
        if name == self.model and self.quantile_forecasts_BHCQ is not None:
            f_BHQ = self.quantile_forecasts_BHCQ[:, :, c]
            row["pinball"], row["wql"] = pinball(y, f_BHQ, self.quantiles), wql(y, f_BHQ, self.quantiles)
        if name == self.model and self.interval is not None:
            row["coverage"] = coverage(y, *(bound_BHC[..., c] for bound_BHC in self.interval))
        return row


def _skill(score: float, baseline: float) -> float:
    return 1.0 - score / baseline if baseline > 0 else math.nan


def _plain(values: Mapping[str, float | Floats]) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    return {
        key: [number(v) for v in value.tolist()] if isinstance(value, np.ndarray) else number(value)
        for key, value in values.items()
    }
