"""Rolling origins: train fold after fold, and forecast all origins of a fold in one pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatecast.backtesting.adaptive import adapted
from gatecast.backtesting.folder import BacktestFolder
from gatecast.backtesting.folds import Fold, training_panel
from gatecast.backtesting.record import FoldRecord
from gatecast.data.panel import Panel
from gatecast.errors import Setting, WindowError
from gatecast.forecasts.finite import require_finite
from gatecast.progress import Listener, stopping
from gatecast.storage.parcels import executor_of

if TYPE_CHECKING:
    from gatecast.ensemble.fitted import Fitted
    from gatecast.forecaster import Forecaster

__all__ = ["Rolling", "forecast_fold"]

Done = tuple["Forecaster", FoldRecord, np.ndarray]


@dataclass
class Rolling:
    """Trains and forecasts fold after fold; what is done stays when a stop comes."""

    model: Forecaster
    panel: Panel
    origin_NO: np.ndarray
    window: str
    warm: bool
    kept: BacktestFolder | None
    listener: Listener

    def __post_init__(self) -> None:
        self.records: list[FoldRecord] = []
        self.learned: list[Fitted] = []
        self.last: Forecaster = self.model

    @property
    def seconds(self) -> float:
        """Training and forecasting of all folds."""
        return sum(record.seconds for record in self.records)

    def adapted(self, stride: int) -> np.ndarray:
        """(N, O, H, C, Q) forecasts so far, each corrected by what was observed up to its origin."""
        done = self.records[-1].fold.end
        truth_NOHC = self.panel.target_RC[self.origin_NO[:, :done, None] + np.arange(1, self.model.horizon + 1)]
        quantiles = self.last.fitted_.levels
        return np.asarray(adapted(self.forecast_NOHCQ[:, :done], truth_NOHC, quantiles, stride))

    def folds(self, folds: Sequence[Fold]) -> None:
        """Run all folds, or as many as a stop allows, but one at least."""
        count = len(folds)

        def done(fold: Fold) -> Done | None:
            if fold.number and self.listener.stop.is_set():
                return None
            if count > 1:
                self.listener.on_progress("backtest · fold", fold.number + 1, count)
            return self._known(fold) or self._new(fold)

        with stopping(self.listener):
            # a warm fold goes on from the one before
            several = map(done, folds) if self.warm else executor_of(self.model.running).map(done, folds)
            for one in several:
                if one is None:
                    break
                self._keep(*one)
                if self.last.record_["interrupted"]:  # what was trained later may be cut short as well
                    break
        self.listener.end()

    def _known(self, fold: Fold) -> tuple[Forecaster, FoldRecord, np.ndarray] | None:
        """A fold that the folder holds already; its model gets back its data, which files do not hold."""
        found = None if self.kept is None else self.kept.read(fold)
        if found is None:
            return None
        learned, record, forecast_NKHCQ = found
        fitted = self.model.clone()
        fitted.file_ = None
        fitted.fitted_, fitted.panel_ = learned, training_panel(self.panel, self.origin_NO, fold, self.window)
        return fitted, record, forecast_NKHCQ

    def _new(self, fold: Fold) -> tuple[Forecaster, FoldRecord, np.ndarray]:
        train = training_panel(self.panel, self.origin_NO, fold, self.window)
        started = time.monotonic()
        states = None if self.kept is None else self.kept.states_of(fold)
        if fold.number and self.warm:
            fitted = self._heard(self.last.clone(fitted=True)).refit_on(train, warm=True, checkpoint=states)
        else:
            fitted = self._heard(self.model.clone()).fit(train, checkpoint=states)
        fitted.progress = self.model.progress
        origin_NK = self.origin_NO[:, fold.origins]
        forecast_NKHCQ = forecast_fold(fitted, self.panel, origin_NK)
        seconds = round(time.monotonic() - started, 3)
        learned = fitted.fitted_
        record = FoldRecord(
            fold, train.total, seconds, learned.describe(), learned.record.epochs, learned.history
        )  # fmt: skip
        if self.kept is not None and not fitted.record_["interrupted"]:
            self.kept.write(record, learned, forecast_NKHCQ)
        return fitted, record, forecast_NKHCQ

    def _heard(self, model: Forecaster) -> Forecaster:
        """A model whose training tells, and is stopped by, the listener of the whole."""
        model.progress = self.listener
        return model

    def _keep(self, fitted: Forecaster, record: FoldRecord, forecast_NKHCQ: np.ndarray) -> None:
        if not self.records:
            shape = (*self.origin_NO.shape, *forecast_NKHCQ.shape[2:])
            self.forecast_NOHCQ = np.full(shape, np.nan, forecast_NKHCQ.dtype)
        if self.forecast_NOHCQ.shape[-1] != forecast_NKHCQ.shape[-1]:
            raise WindowError(
                "what lies before the first origin is too short to hold something back, so that a point loss gives no "
                "intervals there, as it does later. Use fewer origins, the loss pinball, or ",
                Setting("validation", 0, of="training"),
                ".",
            )
        self.forecast_NOHCQ[:, record.fold.origins] = forecast_NKHCQ
        self.records.append(record)
        self.learned.append(fitted.fitted_)
        self.last = fitted


def forecast_fold(fitted: Forecaster, panel: Panel, origin_NK: np.ndarray) -> np.ndarray:
    """(N, K, H, C, Q) forecasts from K origins of each series, in one pass. Raises where one is not finite."""
    series_B = np.repeat(np.arange(len(panel)), origin_NK.shape[1])
    forecast_BHCQ = fitted.forecast_from(panel, series_B, origin_NK.ravel())
    require_finite(forecast_BHCQ, panel, fitted.file_, series_B)
    return forecast_BHCQ.reshape(*origin_NK.shape, *forecast_BHCQ.shape[1:])
