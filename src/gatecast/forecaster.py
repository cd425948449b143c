"""Forecaster: fit, predict, save, load. Composition only; the maths is elsewhere."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from gatecast.data.allowed import Bounds
from gatecast.data.panel import Panel
from gatecast.data.scan.sample import require_held_back, sampled
from gatecast.data.scan.source import PanelSource
from gatecast.data.tables.future import observed_part, with_dates_read
from gatecast.data.tables.intake import as_panel
from gatecast.engines.options import EngineName, EngineOptions
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.blending import fit_blend, train_blend_again
from gatecast.ensemble.fitted import Fitted
from gatecast.ensemble.fitting import Procedure
from gatecast.errors import ConfigError, WindowError, require_count
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.finite import require_finite
from gatecast.forecasts.forecast import Forecast
from gatecast.forecasts.paths import SamplePaths, drawn
from gatecast.live.live import MOST_MISSING, Live
from gatecast.model.config import NetworkConfig
from gatecast.parameters import Learned
from gatecast.planning.choose import candidates, choose
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.plan import Plan
from gatecast.planning.seasonality import seasonal_periods
from gatecast.planning.settings import Preset, Settings, ascending, with_field_docs
from gatecast.pretrained.expert import PretrainedExpert, untrained_beside
from gatecast.pretrained.weights import is_there
from gatecast.progress import Listener, listening, stopping
from gatecast.storage import files
from gatecast.storage.checkpoint import FitFolder, checkpointing
from gatecast.storage.parcels import executor_of
from gatecast.training.config import TrainingConfig
from gatecast.windows.scaling import Scaling

if TYPE_CHECKING:
    from gatecast.scale.predict import WrittenForecast

__all__ = ["Forecaster", "load"]

VERY_SHORT = 12  # steps of the longest series, below which the pretrained gate speaks where nothing can be trained


@with_field_docs(Settings, EngineOptions)
class Forecaster(Learned):
    """Forecasts panels of time series with LSTMs. Everything but the horizon has a default chosen from the data.

    Args:
        defaults: The numbers that decide the default procedure, for experiments; no model file has them.

    Fitted attributes: ``fitted_`` (all that was learned, as one value), ``plan_`` (what was chosen for the main
    candidate), ``history_`` (list of plain dicts), ``record_`` (how the training went).
    """

    def __init__(
        self,
        horizon: int,
        *,
        lookback: int | None = None,
        scaling: Scaling | str | None = None,
        network: NetworkConfig | Mapping[str, Any] | None = None,
        training: TrainingConfig | Mapping[str, Any] | None = None,
        members: int | None = None,
        candidates: int | None = None,
        calendar: bool | None = None,
        quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975),
        recursive: bool = False,
        bounds: bool | str | tuple[float | None, float | None] = "auto",
        time_limit: float | None = None,
        refit: bool = True,
        seed: int = 0,
        preset: Preset = "standard",
        progress: bool | Listener = True,
        engine: EngineName = "threads",
        workers: int | None = None,
        address: str | None = None,
        defaults: Defaults = DEFAULTS,
    ) -> None:
        held = Settings(
            horizon=horizon, lookback=lookback, scaling=Scaling.parse(scaling) if isinstance(scaling, str) else scaling,
            network=dict(network) if isinstance(network, Mapping) else network,
            training=dict(training) if isinstance(training, Mapping) else training,
            members=members, candidates=candidates, calendar=calendar, quantiles=ascending(quantiles),
            recursive=recursive, bounds=Bounds.of(bounds).text, time_limit=time_limit, refit=refit, seed=seed,
            preset=preset, progress=progress if isinstance(progress, bool) else True,
        )  # fmt: skip
        self.horizon, self.lookback, self.scaling = held.horizon, held.lookback, held.scaling
        self.network, self.training, self.members = held.network, held.training, held.members
        self.candidates, self.calendar, self.quantiles = held.candidates, held.calendar, held.quantiles
        self.recursive, self.bounds, self.time_limit = held.recursive, held.bounds, held.time_limit
        self.refit, self.seed, self.preset = held.refit, held.seed, held.preset
        running = EngineOptions(engine, workers, address)
        self.progress, self.defaults = progress, defaults
        self.engine, self.workers, self.address = running.engine, running.workers, running.address
        self._keep_as_given(scaling=scaling, network=network, training=training, quantiles=quantiles, bounds=bounds)

    @property
    def settings(self) -> Settings:
        """The arguments as one value."""
        held = {field.name: getattr(self, field.name) for field in fields(Settings)}
        shown = self.progress if isinstance(self.progress, bool) else True
        return Settings(**held | {"bounds": Bounds.of(self.bounds).text, "progress": shown})

    @property
    def running(self) -> EngineOptions:
        """Where the work runs, as one value."""
        return EngineOptions(self.engine, self.workers, self.address)

    def clone(self, *, fitted: bool = False) -> Self:
        """A Forecaster with the same settings; also with what was learned, if asked for. The networks are shared."""
        twin = object.__new__(type(self))
        vars(twin).update({name: value for name, value in vars(self).items() if fitted or not name.endswith("_")})
        return twin

    # ---------------------------------------------------------------- fit

    def fit(
        self,
        data: Any,
        validation: Any | None = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        memory_limit: int | str = "1GB",
        held_back: int = 0,
    ) -> Self:
        """Choose what was left open, train, and calibrate.

        Ctrl-C (SIGINT) and SIGTERM end the training, and what was reached by then is kept; a second Ctrl-C raises
        KeyboardInterrupt at once, as a first one does before the training has begun.

        Series that are too short to train on (12 steps and fewer, but a horizon of them) are forecast by the pretrained
        gate alone, as with the instant preset, unless a lookback, scaling or network is asked for.

        Args:
            data: a Panel, or what ``gatecast.read`` takes. Rows at a series' end without targets are future covariates.
                Of a source (``gatecast.scan``) a sample is seen, drawn by length and size with the seed; ``sample_``
                says which.
            validation: a panel to validate on, windows of its own; None = the end of ``data``.
            checkpoint: a folder that keeps where the trainings stand, every few seconds. The same call with the same
                folder goes on there, whatever ended the one before, and its outcome is that of a fit in one go.
            memory_limit: of a source: bytes that the fit may take for the sample, such as "2GB".
            held_back: of a source: last steps of every series that are not seen.

        Raises:
            PanelError, WindowError, CovariateError, ConfigError: the data or a setting do not fit (all are ValueError).
            TrainingError: the loss is no longer finite.
        """
        started = time.monotonic()
        require_held_back(held_back, isinstance(data, PanelSource))
        panel = self._seen_of(data, memory_limit, held_back) if isinstance(data, PanelSource) else as_panel(data)
        history = observed_part(panel)
        limit = math.inf if self.time_limit is None else self.time_limit
        settings, defaults = self.settings, self.defaults
        seasons = seasonal_periods(history, defaults)
        gate = Blend((PretrainedExpert(self.horizon, seasons, settings.quantiles),))
        if settings.instant:
            return self._adopt(gate, panel, history, started)
        try:
            in_time = started + limit * defaults.time.choice
            plans = candidates(history, settings, defaults, in_time, seasons, executor_of(self.running))
        except WindowError:
            if not settings.free or not self.horizon <= history.length.max() <= VERY_SHORT or not is_there():
                raise
            return self._adopt(gate, panel, history, started, settings.without_training())
        checked = None if validation is None else observed_part(as_panel(validation))
        listener = listening(self.progress)
        with checkpointing(checkpoint, self, history, checked) as folder, stopping(listener):
            blend = fit_blend(
                plans, history, checked, self._procedure(listener, folder),
                refit=settings.refit, alone=not settings.blends, deadline=started + limit,
                untrained=untrained_beside(seasons, defaults.weights.pretrained),
            )  # fmt: skip
        return self._adopt(blend, panel, history, started)

    def _seen_of(self, source: PanelSource, memory_limit: int | str, held_back: int) -> Panel:
        """The sample of a source that a fit sees."""
        chosen, self.sample_ = sampled(source, memory_limit, self.seed, held_back + self.horizon + 2)
        panel = source.panel_of(chosen)
        return panel.slice(0, panel.length - held_back) if held_back else panel

    def plan_for(self, data: Any) -> Plan:
        """What ``fit`` would choose for these data, without training; printed by its ``describe()``.

        Args:
            data: a Panel, or what ``gatecast.read`` takes.
        """
        return choose(observed_part(as_panel(data)), self.settings, self.defaults)

    def refit_on(
        self,
        data: Any,
        time_limit: float | None = None,
        *,
        warm: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Train again on other data with all that was chosen before; nothing is validated or chosen anew.

        Args:
            data: a Panel, or what ``gatecast.read`` takes.
            time_limit: seconds that this may take, roughly. Where they do not suffice for half of the epochs, the
                networks stay as they are.
            warm: go on from the weights there are, with a quarter of the epochs, instead of from the start.
            checkpoint: as for ``fit``.
        """
        blend = self._fitted().blend
        if blend.untrained:
            return self.fit(data)
        limit = replace(self.settings, time_limit=time_limit).time_limit
        started = time.monotonic()
        panel = as_panel(data)
        history = observed_part(panel)
        deadline = started + (math.inf if limit is None else limit)
        listener = listening(self.progress)
        with checkpointing(checkpoint, self, history) as folder, stopping(listener):
            blend = train_blend_again(blend, history, self._procedure(listener, folder), deadline, warm=warm)
        return self._adopt(blend, panel, history, started)

    def _procedure(self, listener: Listener, folder: FitFolder | None) -> Procedure:
        return Procedure(self.settings.quantiles, listener, self.defaults, folder, executor_of(self.running))

    def _adopt(
        self, blend: Blend, panel: Panel, history: Panel, started: float, settings: Settings | None = None
    ) -> Self:
        """Take over what was learned: only now, so that a training that failed leaves an earlier one whole."""
        self.fitted_ = Fitted.of(settings or self.settings, blend, history, time.monotonic() - started)
        self.panel_ = panel
        self.file_ = None  # where load() found the model
        return self

    def recalibrate(self, data: Any, *, origins: int = 24) -> Self:
        """Fit the intervals anew to the last origins of newer data; the networks stay as they are.

        Rolling split conformal prediction, for data that come in after the training (see ``calibration``).

        Args:
            data: a Panel, or what ``gatecast.read`` takes. What training is known to have seen does not count.
            origins: last origins of each series that count, at most.

        Raises:
            ConfigError: not fitted, or ``origins`` is not positive.
            WindowError: no series has a horizon of new steps.
        """
        fitted = self._fitted()
        origins = require_count("origins", origins)
        fitted.require_trained("calibrated")
        history = observed_part(self.panel_of(data))
        fitted.require_same_columns(history)
        executor = executor_of(self.running)
        self.fitted_ = fitted.recalibrated(history, origins, self.defaults, executor)
        return self

    # ---------------------------------------------------------------- predict, and follow

    @overload
    def predict(self, data: PanelSource, *, output: str | os.PathLike[str]) -> WrittenForecast: ...

    @overload
    def predict(
        self, data: Any | None = None, *, future: Any | None = None, day_first: bool | None = None
    ) -> Forecast: ...

    def predict(
        self,
        data: Any | None = None,
        *,
        future: Any | None = None,
        day_first: bool | None = None,
        output: str | os.PathLike[str] | None = None,
    ) -> Forecast | WrittenForecast:
        """Forecast the H steps after the last observed target of every series.

        Args:
            data: the history to continue, of known or new series; None = the data of ``fit``. With the instant preset
                no ``fit`` is needed before.
            future: future covariates over the horizon: a panel or table, or constants such as ``{"day_type": "W"}``.
            day_first: whether 01/02/2019 is 1 February in these tables; by default they decide.
            output: folder for the forecasts of a source (``gatecast.scan``), one Parquet file for each shard; the same
                call goes on there after it was ended. Then a ``WrittenForecast`` comes back, else a ``Forecast``.

        Raises:
            CovariateError: a future covariate is missing somewhere in the horizon, or has an unknown category.
            WindowError: a series is shorter than the lookback that was asked for.
            PanelError, ModelFileError, TrainingError: a forecast is not finite (see ``require_finite``).
        """
        if isinstance(data, PanelSource):
            return self._written(data, output, future)
        if output is not None:
            raise ConfigError("output= is for a source (gatecast.scan); write other forecasts with to_frame().")
        history, extended, origin_N = self._history_and_horizon(data, future, day_first)
        fitted = self._fitted()
        made = fitted.forecast_with_facts(extended, np.arange(len(history)), origin_N)
        require_finite(made.values_BHCQ, history, self.file_)
        axes = Axes.after(history, self.horizon)
        return Forecast(made.values_BHCQ, fitted.levels, axes, history, **made.facts(history.ids))

    def _written(self, source: PanelSource, output: str | os.PathLike[str] | None, future: Any) -> WrittenForecast:
        from gatecast.scale.predict import predict_source

        self._fitted()
        if output is None or future is not None:
            raise ConfigError("the forecasts of a source go into a folder: give output=, and future rows in its files.")
        return predict_source(self, source, output)

    def sample(
        self, data: Any | None = None, *, paths: int = 100, future: Any | None = None, seed: int = 0
    ) -> SamplePaths:
        """Draw whole futures of every series: what holds of a sum or a maximum over steps can be counted on them.

        A recursive model reads each draw as if observed and goes on; each path follows one member. A direct model
        draws from the quantiles that ``predict`` gives, correlated over the steps as its errors were on the last
        fifth of the data of ``fit`` (of ``data`` for a loaded model; 0.8 between neighbours where that is too short).

        Args:
            data: the history to continue; None = the data of ``fit``.
            paths: paths S per series.
            future: future covariates, as for ``predict``.
            seed: the same seed gives the same bytes, in whatever order the series come.

        Raises:
            ConfigError: the model gives the median alone, folds steps or uses category-difference while recursive.
            CovariateError, WindowError, PanelError, ModelFileError, TrainingError: as ``predict``.
        """
        paths, seed = require_count("paths", paths), require_count("seed", seed, least=0)
        history, extended, origin_N = self._history_and_horizon(data, future)
        seen = observed_part(self.panel_) if hasattr(self, "panel_") else history
        noise_NSHC = drawn(history, paths, self.horizon, seed)
        values_NSHC = self._fitted().paths(extended, np.arange(len(history)), origin_N, noise_NSHC, seen)
        require_finite(values_NSHC, history, self.file_)
        return SamplePaths(values_NSHC, Axes.after(history, self.horizon))

    def _history_and_horizon(
        self, data: Any | None, future: Any | None, day_first: bool | None = None
    ) -> tuple[Panel, Panel, np.ndarray]:
        """What was observed, what of it a forecast reads (with the future covariates), and the rows (N,) it ends in."""
        if self.preset == "instant" and data is not None and not self.is_fitted:
            self.fit(data)  # there is nothing to be trained that could surprise
        fitted = self._fitted()
        if data is None and not hasattr(self, "panel_"):
            raise ConfigError("a loaded model holds no data: pass the history to predict(...).")
        panel = self.panel_ if data is None else self.panel_of(data, day_first)
        if day_first is not None:
            future = with_dates_read(future, observed_part(panel), day_first)
        return fitted.reading(panel, future)

    def live(
        self, history: Any | None = None, *, held_back: int | None = None, most_missing: int = MOST_MISSING,
        adaptive: bool = False,
    ) -> Live:  # fmt: skip
        """A model that follows its data row by row; see ``Live``. What is trained later does not change it.

        Args:
            history: where to begin; None = the data of ``fit``, and for a loaded model with no series at all.
            held_back: last steps of every series that training did not see: their errors say how odd later rows are;
                None = as many as came after the training. Some 2,000 at most are forecast.
            most_missing: steps that may be missing in a row.
            adaptive: the widths of intervals follow what is observed.

        Raises:
            ConfigError: not fitted, or a number is below 0.
            PanelError, ModelFileError: the history does not have the columns or the frequency of the training.
        """
        panel = self.panel_of(history) if history is not None else getattr(self, "panel_", None)
        return Live.after(self._fitted(), panel, held_back, most_missing, adaptive=adaptive)


def load(path: str | os.PathLike[str]) -> Forecaster:
    """Read a model from a file, checked before anything is built. It holds no data: give ``predict`` the history.

    Raises:
        ModelFileError: there is no such file, or it is damaged, from a newer version, or contradicts itself.
    """
    return Forecaster.around(files.load(path), str(path))
