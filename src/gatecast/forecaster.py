"""Forecaster: fit, predict, save, load. Composition only; the maths is elsewhere."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

import numpy as np

from gatecast.data.batches import WindowReader
from gatecast.data.future import continued, observed_part
from gatecast.data.intake import as_panel, require_same_columns
from gatecast.data.panel import Panel
from gatecast.data.scaling import Scaling
from gatecast.data.windows import require_steps
from gatecast.errors import ConfigError
from gatecast.forecast import Forecast
from gatecast.model.config import LSTMConfig
from gatecast.model.heads import make_head
from gatecast.paths import SamplePaths
from gatecast.progress import Progress
from gatecast.sampling import step_correlation, stepwise_paths, with_spread
from gatecast.selection.choose import Plan, Wishes, choose, structures
from gatecast.selection.settings import changed
from gatecast.selection.spans import validation_cut
from gatecast.training.blend import Blend, fit_blend, past_of, trained_again
from gatecast.training.config import TrainingConfig
from gatecast.training.ensemble import Ensemble, recalibrated

__all__ = ["Forecaster"]

SHARE_OF_ERRORS = 0.2  # of the data: its end says how errors of one path go together


class Forecaster:
    """Forecasts panels of time series with LSTMs. Everything but the horizon has a default chosen from the data.

    Args:
        horizon: steps H to forecast.
        lookback: steps L that the network reads.
        scaling: a ``Scaling`` or its text, such as "log+seasonal-difference:12+standard" (see ``Scaling``).
        network: sizes of the LSTM, all of them; or a mapping such as ``{"hidden_size": 64}`` that changes single ones.
        training: settings of the training; or a mapping as for ``network``.
        members: networks of different seeds whose forecasts are averaged.
        structures: scalings that are trained at most, for a mean of those that do best together on the validation tail
            (on three tails of data below 5,000 steps), with an exponential smoothing where that helps; 1 = the most
            promising one, alone. Where ``lookback``, ``scaling`` or the whole ``network`` are given there is one.
        calendar: tell the network the time of day, the weekday and the time of year (of which the data hold one and a
            half); by default yes, save where the whole ``network`` is given.
        quantiles: levels to forecast, 0.5 (the point forecast) among them; symmetric ones around it give intervals,
            those of 80 and 95 % by default. A point loss (mse, mae, huber) without validation gives 0.5 alone: nobody
            knows its errors.
        recursive: forecast one step at a time and feed the median back, instead of all steps directly; intervals then
            come from sample paths.
        time_limit: seconds that ``fit`` may take, roughly; the best reached by then is kept. At most a quarter of them
            goes into the choice.
        refit: after choosing on the validation tail, train once more on all data.
        seed: seed of everything random, where ``training`` does not give one.
        progress: show one progress line on a terminal.

    Fitted attributes: ``plan_`` (what was chosen), ``history_`` (list of plain dicts), ``record_`` (how training went).
    """

    def __init__(
        self,
        horizon: int,
        *,
        lookback: int | None = None,
        scaling: Scaling | str | None = None,
        network: LSTMConfig | Mapping[str, Any] | None = None,
        training: TrainingConfig | Mapping[str, Any] | None = None,
        members: int | None = None,
        structures: int | None = None,
        calendar: bool | None = None,
        quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975),
        recursive: bool = False,
        time_limit: float | None = None,
        refit: bool = True,
        seed: int = 0,
        progress: bool = True,
    ) -> None:
        self.horizon = horizon
        self.lookback = lookback
        self.scaling = Scaling.parse(scaling) if isinstance(scaling, str) else scaling
        self.network = dict(network) if isinstance(network, Mapping) else network
        self.training = dict(training) if isinstance(training, Mapping) else training
        self.members = members
        self.structures = structures
        self.calendar = calendar
        self.quantiles = tuple(sorted(quantiles))
        self.recursive = recursive
        self.time_limit = time_limit
        self.refit = refit
        self.seed = seed
        self.progress = progress
        self._check()

    def _check(self) -> None:
        for name in ("horizon", "lookback", "members", "structures"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1; got {value}.")
        _require_positive(self.time_limit)
        network = changed(LSTMConfig(), self.network) if isinstance(self.network, dict) else self.network
        if isinstance(self.training, dict):
            changed(TrainingConfig(), self.training)
        if network is not None and network.bidirectional:
            raise ConfigError(
                "a forecaster cannot be bidirectional: at the origin there is no future to read backwards from. "
                "Use SequenceRegressor where the whole sequence is known."
            )
        make_head("pinball", self.quantiles)
        if 0.5 not in self.quantiles:
            whole = ", ".join(f"{level:g}" for level in sorted((*self.quantiles, 0.5)))
            raise ConfigError(f"quantiles lack 0.5, which is the point forecast. Add it: quantiles=({whole}).")

    def clone(self, *, fitted: bool = False) -> Self:
        """A Forecaster with the same settings; also with what was learned, if asked for. The networks are shared."""
        twin = object.__new__(type(self))
        kept = {name: value for name, value in vars(self).items() if fitted or not name.endswith("_")}
        twin.__dict__.update(kept)
        return twin

    # ---------------------------------------------------------------- fit

    def fit(self, data: Any, validation: Any | None = None) -> Self:
        """Choose what was left open, train, and calibrate.

        Args:
            data: a Panel, or what ``gatecast.read`` takes. Rows at a series' end without targets are future covariates.
            validation: a panel to validate on, windows of its own; None = the end of ``data``.

        Raises:
            PanelError, WindowError, CovariateError, ConfigError: the data or a setting do not fit (all are ValueError).
            TrainingError: the loss is no longer finite.
        """
        started = time.monotonic()
        panel = as_panel(data)
        history = observed_part(panel)
        limit = math.inf if self.time_limit is None else self.time_limit
        wishes = self._wishes(started + limit / 4)
        blend = fit_blend(
            structures(history, wishes),
            history,
            None if validation is None else observed_part(as_panel(validation)),
            quantiles=self.quantiles,
            refit=self.refit,
            alone=not wishes.blends,
            deadline=started + limit,
            progress=Progress(self.progress),
        )
        self.panel_ = panel  # only now: a training that failed leaves an earlier one whole
        return self._adopt(blend, history, time.monotonic() - started)

    def plan_for(self, data: Any) -> Plan:
        """What ``fit`` would choose for these data, without training; printed by its ``describe()``.

        Args:
            data: a Panel, or what ``gatecast.read`` takes.

        Raises:
            PanelError, WindowError, ConfigError: the data or a setting do not fit.
        """
        return choose(observed_part(as_panel(data)), self._wishes(math.inf))

    def refit_on(self, data: Any, time_limit: float | None = None, *, warm: bool = False) -> Self:
        """Train again on other data with all that was chosen before; nothing is validated or chosen anew.

        Args:
            data: a Panel, or what ``gatecast.read`` takes.
            time_limit: seconds that this may take, roughly. Where they do not suffice for half of the epochs, the
                networks stay as they are.
            warm: go on from the weights there are, with a quarter of the epochs, instead of from the start.
        """
        self._require_fitted()
        _require_positive(time_limit)
        started = time.monotonic()
        panel = as_panel(data)
        history = observed_part(panel)
        deadline = started + (math.inf if time_limit is None else time_limit)
        blend = trained_again(self.blend_, history, Progress(self.progress), deadline, warm=warm)
        self.panel_ = panel
        return self._adopt(blend, history, time.monotonic() - started)

    def _adopt(self, blend: Blend, history: Panel, seconds: float) -> Self:
        self.blend_ = blend
        self.schema_ = history.schema
        self.frequency_ = history.frequency
        self.names_, self.backend_ = history.names, history.backend
        self.history_ = self.ensemble_.history
        self.record_: dict[str, Any] = {
            "seconds": round(seconds, 3),
            "series": len(history),
            "steps": history.total,
            "epochs": self.ensemble_.epochs,
            "interrupted": blend.interrupted,
        }
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
        self._require_fitted()
        if origins < 1:
            raise ConfigError(f"origins must be at least 1; got {origins}.")
        history = observed_part(as_panel(data, self.schema_, self.frequency_, self.names_))
        self.require_same_columns(history)
        windows = self.record_["steps"] / self.plan_.framing.horizon
        trained = self.trained_until()
        seen_N = [int((history.times(n) <= trained[i]).sum()) if i in trained else 0 for n, i in enumerate(history.ids)]
        begin_N = np.maximum(history.length - self.plan_.framing.horizon - origins + 1, seen_N)
        self.blend_ = self.blend_.each(
            lambda part: recalibrated(part.plan, part.ensemble, history, begin_N, self.quantiles, windows)
        )
        return self

    def _wishes(self, deadline: float) -> Wishes:
        asked = {field.name: getattr(self, field.name) for field in fields(Wishes) if field.name != "deadline"}
        return Wishes(**asked, deadline=deadline)

    @property
    def plan_(self) -> Plan:
        """What was chosen; of a blend the plan of its main structure."""
        return self.blend_.parts[0].plan

    @property
    def ensemble_(self) -> Ensemble:
        """The trained members; of a blend those of its main structure."""
        return self.blend_.parts[0].ensemble

    # ---------------------------------------------------------------- predict

    def predict(self, data: Any | None = None, *, future: Any | None = None) -> Forecast:
        """Forecast the H steps after the last observed target of every series.

        Args:
            data: the history to continue, of known or new series; None = the data of ``fit``.
            future: future covariates over the horizon: a panel or table, or constants such as ``{"day_type": "W"}``.

        Raises:
            CovariateError: a future covariate is missing somewhere in the horizon, or has an unknown category.
            WindowError: a series is shorter than the lookback that was asked for.
        """
        history, extended, origin_N = self._history_and_horizon(data, future)
        values_NHCQ = self.forecast_from(extended, np.arange(len(history)), origin_N)
        return Forecast(
            values_NHCQ,
            self.ensemble_.calibration.quantiles,
            history.ids,
            history.targets,
            history.frequency.advance(history.starts, history.length - 1),
            history.frequency,
            history.backend,
            history.names,
            history,
        )

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
            CovariateError, WindowError: as ``predict``.
        """
        if paths < 1:
            raise ConfigError(f"paths must be at least 1; got {paths}.")
        history, extended, origin_N = self._history_and_horizon(data, future)
        series = np.arange(len(history))
        place_N = np.argsort(np.argsort(np.array(history.ids)))
        noise = np.random.default_rng(seed).standard_normal((len(series), paths, self.horizon, len(history.targets)))
        if self.recursive:
            reader, predictor = self._reader(extended, series, origin_N), self.ensemble_.predictor
            values_NSHC = stepwise_paths(predictor, reader, series, origin_N, noise[place_N])
        else:
            seen = observed_part(self.panel_) if hasattr(self, "panel_") else history
            tail = self.plan_.spans.tail_windows(seen, validation_cut(seen, self.horizon, SHARE_OF_ERRORS))
            joint = step_correlation(self.ensemble_.predictor, self.ensemble_.reader(self.plan_, seen), tail)
            past, known_N = past_of(extended, series, origin_N)
            values_NSHC = self.blend_.paths(past, series, origin_N, known_N, noise[place_N], joint)
        return SamplePaths(
            values_NSHC,
            history.ids,
            history.targets,
            history.frequency.advance(history.starts, history.length - 1),
            history.frequency,
            history.backend,
            history.names,
        )

    def _history_and_horizon(self, data: Any | None, future: Any | None) -> tuple[Panel, Panel, np.ndarray]:
        """What was observed, what of it a forecast reads (with the future covariates), and the rows (N,) it ends in."""
        self._require_fitted()
        if data is None and not hasattr(self, "panel_"):
            raise ConfigError("a loaded model holds no data: pass the history to predict(...).")
        panel = self.panel_ if data is None else as_panel(data, self.schema_, self.frequency_, self.names_)
        self.require_same_columns(panel)
        history = observed_part(panel)
        if not self.plan_.padded:
            require_steps(history, self.plan_.framing.lookback, 0)
        keep = self.blend_.history_needed
        return history, *continued(history, panel, self.horizon, future, keep, rows=self.recursive)

    def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Quantiles (B, H, C, Q) after any origin rows of a panel, in one pass; rows after an origin are not used.

        Future covariates of the H steps after each origin are read from the panel.
        """
        self._require_fitted()
        if not self.recursive:
            past, known_N = past_of(panel, series_B, origin_B)
            return self.blend_.forecast(past, series_B, origin_B, known_N)
        reader, predictor = self._reader(panel, series_B, origin_B), self.ensemble_.predictor
        values_BHCQ = predictor.recursive(reader, series_B, origin_B, self.horizon)
        return with_spread(predictor, reader, series_B, origin_B, values_BHCQ)

    def _reader(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> WindowReader:
        """Reads the windows of some origins; of nothing after the last origin of a series."""
        return self.ensemble_.reader(self.plan_, *past_of(panel, series_B, origin_B))

    def every_step_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Point forecasts (B, K, H, C) after each of the last K steps of the windows that end at the origin rows.

        K is the network's readout. The last of them is what ``forecast_from`` gives; the others saw a shorter past.
        Of a blend they are those of its main structure.
        """
        self._require_fitted()
        return self.ensemble_.predictor.every_step(self._reader(panel, series_B, origin_B), series_B, origin_B)

    def trained_until(self) -> dict[str, Any]:
        """Last timestamp that training saw, by series; empty for a loaded model, whose file holds no data."""
        if not hasattr(self, "panel_"):
            return {}
        seen = observed_part(self.panel_)
        last_N = seen.frequency.advance(seen.starts, seen.length - 1)
        return dict(zip(seen.ids, last_N, strict=True))

    # ---------------------------------------------------------------- file

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file, without data; ``gatecast.load`` reads it. See ``docs/format.md``.

        Raises:
            ConfigError: the model is not fitted.
            ModelFileError: the file cannot be written.
        """
        from gatecast.files import save

        save(self, path)

    # ---------------------------------------------------------------- checks

    def _require_fitted(self) -> None:
        if not hasattr(self, "blend_"):
            raise ConfigError("this Forecaster is not fitted yet: call fit() first, or gatecast.load() a model file.")

    def require_same_columns(self, panel: Panel) -> None:
        """Raise ModelFileError, ConfigError or WindowError where a panel does not fit the training."""
        require_same_columns(self.schema_, panel.schema)
        if panel.frequency != self.frequency_:
            raise ConfigError(
                f"the model was trained on steps of one {self.frequency_.name}; this panel has steps of one "
                f"{panel.frequency.name}."
            )
        if not self.plan_.padded:
            require_steps(panel, self.plan_.framing.lookback, 0)


def _require_positive(time_limit: float | None) -> None:
    if time_limit is not None and not time_limit > 0:
        raise ConfigError(f"time_limit must be above 0 seconds; got {time_limit}.")
