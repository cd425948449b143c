"""All that a fit has learned, as one value: saved, loaded, served and streamed without its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from gatecast.data.allowed import Bounds
from gatecast.data.birth import Birth
from gatecast.data.bounds import bounded
from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.quantiles import middle
from gatecast.data.ranges import Ranges
from gatecast.data.schema import Schema
from gatecast.data.tables.future import continued, observed_part
from gatecast.data.tables.intake import require_same_columns
from gatecast.engines.executor import Executor
from gatecast.ensemble.blend import Blend, past_of
from gatecast.ensemble.copula import correlation_over_steps, default_correlation
from gatecast.ensemble.fitting import recalibrated
from gatecast.ensemble.sampling import scores_of, step_correlation
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import ConfigError, Setting
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.plan import Plan
from gatecast.planning.settings import Settings
from gatecast.training.loop import Row
from gatecast.windows.index import require_steps, windows_between
from gatecast.windows.spans import validation_cut

__all__ = ["Dropped", "FitRecord", "Fitted", "Forecasted"]

UNTRAINED_WINDOWS = 256
SHARE_OF_ERRORS = 0.2  # of the data: its end says how errors of one path go together


@dataclass(frozen=True)
class FitRecord:
    """How a fit went.

    Args:
        seconds: it took; None for a model from a file, where they would differ from one fit to the next.
        series: series of the data.
        steps: steps of all series together.
        epochs: the epoch whose weights each member of the main candidate has.
        interrupted: a stop ended it.
    """

    seconds: float | None
    series: int
    steps: int
    epochs: list[int]
    interrupted: bool


@dataclass(frozen=True)
class Forecasted:
    """Forecasts, and what was done to them.

    Args:
        values_BHCQ: quantiles.
        guarded_B: whether a trained network was set aside, see ``guard``.
        bounded_B: whether something lay outside the range of the data, and was moved to its end.
    """

    values_BHCQ: np.ndarray
    guarded_B: np.ndarray
    bounded_B: np.ndarray

    def facts(self, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Names of the series that something was done to, by what was done."""
        marked = {"guarded": self.guarded_B, "bounded": self.bounded_B}
        return {what: tuple(ids[n] for n in np.flatnonzero(which_B).tolist()) for what, which_B in marked.items()}


@dataclass(frozen=True)
class Dropped:
    """What dropped values have shown of the range of each series.

    Args:
        places: place of each series by name.
        ranges: by place.
    """

    places: Mapping[str, int]
    ranges: Ranges

    def of(self, names: Sequence[str]) -> Ranges:
        """Those of some series, which may be named several times."""
        return self.ranges.of(np.array([self.places[name] for name in names], np.int64))


@dataclass(frozen=True)
class Fitted:
    """A fitted forecaster without its data.

    Args:
        settings: what the user fixed.
        blend: what forecasts.
        schema: the columns and their categories.
        frequency: the step.
        names: of the series and time columns in the source of the data.
        backend: library of its frame: "pandas", "polars" or "pyarrow".
        record: how the fit went.
        birth: what it has seen: where each series ended, a fingerprint of the data, versions.
        dropped: what values have shown that the panels of forecasts have no more; None = they have all. No file has it.
    """

    settings: Settings
    blend: Blend
    schema: Schema
    frequency: Frequency
    names: tuple[str, str]
    backend: str
    record: FitRecord
    birth: Birth
    dropped: Dropped | None = None

    @classmethod
    def of(cls, settings: Settings, blend: Blend, history: Panel, seconds: float) -> Fitted:
        """What a blend is after a fit to a history that took some seconds."""
        epochs = [] if blend.untrained else blend.main.epochs
        record = FitRecord(round(seconds, 3), len(history), history.total, epochs, blend.interrupted)
        source = history.schema, history.frequency, history.names, history.backend
        return cls(settings, blend, *source, record, Birth.of(history))

    # ---------------------------------------------------------------- what it is

    @property
    def horizon(self) -> int:
        """Steps H of a forecast."""
        return self.settings.horizon

    @property
    def recursive(self) -> bool:
        """One step at a time, each median read as if observed."""
        return self.settings.recursive

    @property
    def main(self) -> TrainedCandidate:
        """The trained candidate with the largest weight in the blend."""
        return self.blend.main

    @property
    def plan(self) -> Plan:
        """The plan of the main candidate."""
        return self.main.plan

    @property
    def candidates(self) -> tuple[TrainedCandidate, ...]:
        """All trained candidates of the blend, the heaviest first."""
        return self.blend.trained

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels of the forecasts: the median alone where nothing could be measured for a point loss."""
        return self.blend.levels

    @property
    def middle(self) -> int:
        """Position of the point forecast among ``levels``."""
        return middle(self.levels)

    @property
    def season(self) -> int:
        """The main seasonal period; 1 = none."""
        return self.blend.experts[0].season

    @property
    def history(self) -> list[Row]:
        """The logged epochs of the main candidate's members, one plain dict each."""
        return [] if self.blend.untrained else self.main.history

    @property
    def least_history(self) -> int:
        """Steps that a forecast needs to say anything: the lookback, or a season where a window may be padded."""
        if self.blend.untrained:
            return self.season + 1
        lookback = self.plan.framing.lookback
        return min(lookback, self.season + 1) if self.plan.padded else lookback

    @property
    def blended(self) -> bool:
        """More than one expert forecasts."""
        return len(self.blend.experts) > 1

    @property
    def out_of_time(self) -> bool:
        """The time limit ended a training of the main candidate."""
        return not self.blend.untrained and self.main.out_of_time

    def describe(self) -> str:
        """What was chosen, in one line."""
        return self.blend.experts[0].describe() if self.blend.untrained else self.plan.describe()

    # ---------------------------------------------------------------- forecasts

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Quantiles (B, H, C, Q) after any origin rows of a panel, in one pass; rows after an origin are not used.

        Future covariates of the H steps after each origin are read from the panel.
        """
        return self.forecast_with_facts(panel, series_B, origin_B).values_BHCQ

    def forecast_with_facts(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> Forecasted:
        """The same, with what was done to it."""
        past, known_N = past_of(panel, series_B, origin_B)
        guarded_B = np.zeros(len(series_B), np.bool_)
        if self.recursive:
            free_BHCQ = self.main.forecast_recursively(past, series_B, origin_B, known_N, self.horizon)
        else:
            blended = self.blend.blended(past, series_B, origin_B, known_N)
            free_BHCQ, guarded_B = blended.values_BHCQ, blended.guarded_B
        values_BHCQ = self.within_bounds(free_BHCQ, panel, series_B, origin_B, axis=2)
        bounded_B = (
            np.zeros_like(guarded_B) if values_BHCQ is free_BHCQ else (values_BHCQ != free_BHCQ).any(axis=(1, 2, 3))
        )
        return Forecasted(values_BHCQ, guarded_B, bounded_B)

    def within_bounds(
        self, values: np.ndarray, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, axis: int
    ) -> np.ndarray:
        """Values (B, ...) in the range of what each series has shown up to its origin; see ``data.bounds``."""
        first_B = panel.first[series_B]
        bounds = Bounds(self.settings.bounds)
        before = None if self.dropped is None else self.dropped.of([panel.ids[n] for n in series_B])
        return bounded(bounds, values, panel.target_RC, first_B, np.asarray(origin_B), panel.targets, axis, before)

    def continued(self, history: Panel, panel: Panel, future: Any) -> tuple[Panel, np.ndarray]:
        """What a forecast reads of a history, with the future covariates after it, and the rows (N,) it ends in.

        Args:
            history: the observed part of ``panel``.
            panel: its rows at the end without targets are future covariates.
            future: others, see ``tables.future.continued``.
        """
        return continued(history, panel, self.horizon, future, self.blend.history_needed, rows=self.recursive)

    def reading(self, panel: Panel, future: Any = None) -> tuple[Panel, Panel, np.ndarray]:
        """What was observed of a panel, what of it a forecast reads, and the rows (N,) that it ends in.

        Args:
            panel: its rows at the end without targets are future covariates.
            future: others, see ``tables.future.continued``.

        Raises:
            ModelFileError, ConfigError, WindowError: the panel does not fit the training, or a series is too short.
        """
        self.require_same_columns(panel)
        history = observed_part(panel)
        self.require_lookback(history)
        return (history, *self.continued(history, panel, future))

    def every_step(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Point forecasts (B, K, H, C) of the main candidate after each of the last K steps of the windows."""
        past, known_N = past_of(panel, series_B, origin_B)
        return self.main.every_step(past, series_B, origin_B, known_N)

    def paths(
        self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, noise_BSHC: np.ndarray, seen: Panel
    ) -> np.ndarray:
        """Sample paths (B, S, H, C) after the origin rows.

        Args:
            panel: as in ``forecast``.
            series_B: series of each path's origin.
            origin_B: row of each origin.
            noise_BSHC: independent standard normal numbers.
            seen: data whose end says how the errors of one path go together.
        """
        past, known_N = past_of(panel, series_B, origin_B)
        if self.recursive:
            paths_BSHC = self.main.paths_recursively(past, series_B, origin_B, known_N, noise_BSHC)
        else:
            paths_BSHC = self.blend.paths(past, series_B, origin_B, known_N, noise_BSHC, self._joint(seen))
        return self.within_bounds(paths_BSHC, panel, series_B, origin_B, axis=3)

    def _joint(self, seen: Panel) -> np.ndarray:
        """(H, H) correlation of the normal scores of one path's errors over the steps."""
        if self.blend.untrained:
            return self._joint_of_untrained(seen)
        end = self.plan.spans.tail_windows(seen, validation_cut(seen, self.horizon, SHARE_OF_ERRORS))
        return step_correlation(self.main.predictor, self.main.reader(seen), end)

    def _joint_of_untrained(self, seen: Panel) -> np.ndarray:
        """The same of what needs no training: its forecasts of the end of the data are made anew."""
        begin_N = seen.first + np.maximum((seen.length * (1 - SHARE_OF_ERRORS)).astype(np.int64), 1) - 1
        index = windows_between(begin_N, seen.stop - 1 - self.horizon)
        if len(index) < 2 or len(self.levels) == 1:
            return default_correlation(self.horizon)
        series_M, origin_M = index.spread(UNTRAINED_WINDOWS)
        truth_MHC = seen.target_RC[origin_M[:, None] + np.arange(1, self.horizon + 1)].astype(np.float64)
        values_MHCQ = self.forecast(seen, series_M, origin_M).astype(np.float64)
        return _correlation_of_errors(truth_MHC, values_MHCQ, self.levels, len(index), len(np.unique(series_M)))

    # ---------------------------------------------------------------- newer data

    def recalibrated(
        self,
        history: Panel,
        origins: int,
        defaults: Defaults = DEFAULTS,
        executor: Executor | None = None,
    ) -> Fitted:
        """The same networks with intervals fitted anew to the last origins of each series, as far as they are new."""
        seen_N = history.length - self.new_steps(history)
        begin_N = np.maximum(history.length - self.plan.framing.horizon - origins + 1, seen_N)
        windows = self.record.steps / self.plan.framing.horizon
        blend = self.blend.each(
            lambda one: recalibrated(one, history, begin_N, self.settings.quantiles, windows, defaults), executor
        )
        return replace(self, blend=blend)

    def require_trained(self, what: str) -> None:
        """Raise ConfigError where nothing was trained, so that there is nothing to be ``what``."""
        if self.blend.untrained:
            raise ConfigError(
                f"a forecaster of the instant preset cannot be {what}: nothing was trained. Fit one with ",
                Setting("preset", "standard", of="forecaster"),
                ".",
            )

    def require_same_columns(self, panel: Panel) -> None:
        """Raise ModelFileError, ConfigError or WindowError where a panel does not fit the training."""
        require_same_columns(self.schema, panel.schema)
        if panel.frequency != self.frequency:
            raise ConfigError(
                f"the model was trained on steps of one {self.frequency.name}; this panel has steps of one "
                f"{panel.frequency.name}."
            )
        self.require_lookback(panel)

    def require_lookback(self, panel: Panel) -> None:
        """Raise WindowError where a series is shorter than a lookback that was asked for."""
        if not self.blend.untrained and not self.plan.padded:
            require_steps(panel, self.plan.framing.lookback, 0)

    def trained_until(self) -> dict[str, np.datetime64 | np.int64]:
        """Last time that the training saw, by series."""
        return self.birth.until(self.frequency)

    def new_steps(self, panel: Panel) -> np.ndarray:
        """(N,) steps of each series that the training has not seen; all of a series that it does not know."""
        trained, new_N = self.trained_until(), panel.length.copy()
        for n, name in enumerate(panel.ids):
            if name in trained:
                new_N[n] = int((panel.times(n) > trained[name]).sum())
        return np.asarray(new_N)


def _correlation_of_errors(
    truth_MHC: np.ndarray, values_MHCQ: np.ndarray, levels: tuple[float, ...], windows: int, series: int
) -> np.ndarray:
    """As ``correlation_over_steps``, from truths (nan = unknown) and quantiles in the data's own unit."""
    widest = values_MHCQ[..., -1:] - values_MHCQ[..., :1]
    known_Q = np.array([NormalDist().inv_cdf(level) for level in levels])
    unit = np.where(widest > 0, widest, 1.0)
    centre = values_MHCQ[..., len(levels) // 2, None]
    scored = scores_of(((truth_MHC[..., None] - centre) / unit)[..., 0], known_Q, (values_MHCQ - centre) / unit)
    known_MHC = np.isfinite(truth_MHC)
    return correlation_over_steps(np.where(known_MHC, scored, 0.0), known_MHC, windows, series)
