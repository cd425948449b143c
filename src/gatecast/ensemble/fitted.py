"""All that a fit has learned, as one value: saved, loaded, served and streamed without its data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.quantiles import middle
from gatecast.data.schema import Schema
from gatecast.data.tables.future import observed_part
from gatecast.data.tables.intake import require_same_columns
from gatecast.ensemble.blend import Blend, past_of
from gatecast.ensemble.copula import default_correlation, known_correlation, leaned
from gatecast.ensemble.fitting import recalibrated
from gatecast.ensemble.sampling import scores_of, step_correlation
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import ConfigError, Setting
from gatecast.planning.blend_defaults import CalibrationDefaults
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.plan import Plan
from gatecast.planning.settings import Settings
from gatecast.training.loop import Row
from gatecast.windows.index import require_steps, windows_between
from gatecast.windows.spans import validation_cut

__all__ = ["FitRecord", "Fitted"]

UNTRAINED_WINDOWS = 256
SHARE_OF_ERRORS = 0.2  # of the data: its end says how errors of one path go together


@dataclass(frozen=True)
class FitRecord:
    """How a fit went.

    Args:
        seconds: it took.
        series: series of the data.
        steps: steps of all series together.
        epochs: the epoch whose weights each member of the main candidate has.
        interrupted: a stop ended it.
    """

    seconds: float
    series: int
    steps: int
    epochs: list[int]
    interrupted: bool


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
    """

    settings: Settings
    blend: Blend
    schema: Schema
    frequency: Frequency
    names: tuple[str, str]
    backend: str
    record: FitRecord

    @classmethod
    def of(cls, settings: Settings, blend: Blend, history: Panel, seconds: float) -> Fitted:
        """What a blend is after a fit to a history that took some seconds."""
        epochs = [] if blend.untrained else blend.main.epochs
        record = FitRecord(round(seconds, 3), len(history), history.total, epochs, blend.interrupted)
        return cls(
            settings, blend, history.schema, history.frequency, history.names, history.backend, record
        )  # fmt: skip

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
        return self.guarded_forecast(panel, series_B, origin_B)[0]

    def guarded_forecast(
        self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same, and for which (B,) a trained network was set aside, see ``guard``."""
        past, known_N = past_of(panel, series_B, origin_B)
        if self.recursive:
            values_BHCQ = self.main.forecast_recursively(past, series_B, origin_B, known_N, self.horizon)
            return values_BHCQ, np.zeros(len(series_B), np.bool_)
        blended = self.blend.blended(past, series_B, origin_B, known_N)
        return blended.values_BHCQ, blended.guarded_B

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
            return self.main.paths_recursively(past, series_B, origin_B, known_N, noise_BSHC)
        return self.blend.paths(past, series_B, origin_B, known_N, noise_BSHC, self._joint(seen))

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
        independent = max(len(index) / self.horizon, len(np.unique(series_M)))
        return _correlation_of_errors(truth_MHC, values_MHCQ, self.levels, independent)

    # ---------------------------------------------------------------- newer data

    def recalibrated(
        self, history: Panel, begin_N: np.ndarray, numbers: CalibrationDefaults = DEFAULTS.calibration
    ) -> Fitted:
        """The same networks with intervals fitted anew to windows from the steps ``begin_N`` (N,) of each series on."""
        windows = self.record.steps / self.plan.framing.horizon
        blend = self.blend.each(
            lambda one: recalibrated(one, history, begin_N, self.settings.quantiles, windows, numbers)
        )
        return replace(self, blend=blend)

    def require_trained(self, what: str) -> None:
        """Raise ConfigError where nothing was trained, so that there is nothing to be ``what``."""
        if self.blend.untrained:
            raise ConfigError(
                f"a forecaster of the instant preset cannot be {what}: nothing was trained. Fit one with ",
                Setting("preset", "default", of="forecaster"),
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

    def trained_on(self, panel: Panel) -> dict[str, np.datetime64 | np.int64]:
        """Last timestamp that a training on a panel saw, by series."""
        seen = observed_part(panel)
        last_N = seen.frequency.advance(seen.starts, seen.length - 1)
        return dict(zip(seen.ids, last_N, strict=True))


def _correlation_of_errors(
    truth_MHC: np.ndarray, values_MHCQ: np.ndarray, levels: tuple[float, ...], independent: float
) -> np.ndarray:
    """(H, H) as of ``step_correlation``, from truths (nan = unknown) and quantiles in the data's own unit."""
    horizon, widest = truth_MHC.shape[1], values_MHCQ[..., -1:] - values_MHCQ[..., :1]
    known_Q = np.array([NormalDist().inv_cdf(level) for level in levels])
    unit = np.where(widest > 0, widest, 1.0)
    centre = values_MHCQ[..., len(levels) // 2, None]
    scored = scores_of(((truth_MHC[..., None] - centre) / unit)[..., 0], known_Q, (values_MHCQ - centre) / unit)
    known_MHC = np.isfinite(truth_MHC)
    rows, known = (np.moveaxis(a, 2, 1).reshape(-1, horizon) for a in (np.where(known_MHC, scored, 0.0), known_MHC))
    return leaned(known_correlation(rows, known.astype(np.float64)), horizon / (horizon + independent))
