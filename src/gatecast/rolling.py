"""Rolling origins: train fold after fold, and forecast all origins of a fold in one pass."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.folds import Fold, training_panel
from gatecast.data.panel import Panel
from gatecast.errors import WindowError
from gatecast.evaluation.adaptive import adapted
from gatecast.progress import Progress

if TYPE_CHECKING:
    from gatecast.backtest_folder import BacktestFolder
    from gatecast.forecaster import Forecaster

__all__ = ["FoldRecord", "Rolling"]


@dataclass(frozen=True)
class FoldRecord:
    """How one fold went.

    Args:
        fold: its origins.
        steps: steps of all series that it was trained on.
        seconds: of training and forecasting.
        chosen: the plan in one line.
        epochs: the epoch whose weights each member has.
        history: one plain dict per logged epoch and member.
        tail_error: ``Ensemble.tail_error``, which model files do not hold.
    """

    fold: Fold
    steps: int
    seconds: float
    chosen: str
    epochs: list[int]
    history: list[dict[str, float]]
    tail_error: float = math.nan


@dataclass
class Rolling:
    """Trains and forecasts fold after fold; what is done stays when Ctrl-C comes."""

    model: Forecaster
    panel: Panel
    origin_NO: np.ndarray
    window: str
    warm: bool
    kept: BacktestFolder | None
    progress: Progress

    def __post_init__(self) -> None:
        self.records: list[FoldRecord] = []
        self.last: Forecaster = self.model

    @property
    def seconds(self) -> float:
        """Training and forecasting of all folds."""
        return sum(record.seconds for record in self.records)

    def adapted(self, stride: int) -> np.ndarray:
        """(N, O, H, C, Q) forecasts so far, each corrected by what was observed up to its origin."""
        done = self.records[-1].fold.end
        truth_NOHC = self.panel.target_RC[self.origin_NO[:, :done, None] + np.arange(1, self.model.horizon + 1)]
        quantiles = self.last.ensemble_.calibration.quantiles
        return np.asarray(adapted(self.forecast_NOHCQ[:, :done], truth_NOHC, quantiles, stride))

    def folds(self, folds: Sequence[Fold]) -> None:
        """Run all folds, or as many as the user allows, but one at least."""
        for fold in folds:
            if len(folds) > 1:
                self.progress.show(f"backtest · fold {fold.number + 1} of {len(folds)}")
            try:
                fitted, record, forecast_NOHCQ = self._known(fold) or self._new(fold)
            except KeyboardInterrupt:
                if not self.records:
                    raise
                break
            self._keep(fitted, record, forecast_NOHCQ)
            if fitted.record_["interrupted"]:
                break
        self.progress.clear()

    def _known(self, fold: Fold) -> tuple[Forecaster, FoldRecord, np.ndarray] | None:
        """A fold that the folder holds already; its model gets back what files do not hold."""
        found = None if self.kept is None else self.kept.read(fold, FoldRecord)
        if found is not None:
            fitted, record, _ = found
            fitted.panel_ = training_panel(self.panel, self.origin_NO, fold, self.window)
            main, *beside = fitted.blend_.parts
            main = replace(main, ensemble=replace(main.ensemble, tail_error=record.tail_error))
            fitted.blend_ = replace(fitted.blend_, parts=(main, *beside))
            fitted.progress = self.model.progress
        return found

    def _new(self, fold: Fold) -> tuple[Forecaster, FoldRecord, np.ndarray]:
        train = training_panel(self.panel, self.origin_NO, fold, self.window)
        started = time.monotonic()
        if fold.number and self.warm:
            fitted = self.last.clone(fitted=True).refit_on(train, warm=True)
        else:
            fitted = self.model.clone().fit(train)
        origin_NK = self.origin_NO[:, fold.origins]
        series_B = np.repeat(np.arange(len(self.panel)), origin_NK.shape[1])
        forecast_BHCQ = fitted.forecast_from(self.panel, series_B, origin_NK.ravel())
        forecast_NKHCQ = forecast_BHCQ.reshape(*origin_NK.shape, *forecast_BHCQ.shape[1:])
        seconds = round(time.monotonic() - started, 3)
        ensemble, chosen = fitted.ensemble_, fitted.plan_.describe()
        record = FoldRecord(fold, train.total, seconds, chosen, ensemble.epochs, fitted.history_, ensemble.tail_error)
        if self.kept is not None and not fitted.record_["interrupted"]:
            self.kept.write(record, fitted, forecast_NKHCQ)
        return fitted, record, forecast_NKHCQ

    def _keep(self, fitted: Forecaster, record: FoldRecord, forecast_NKHCQ: np.ndarray) -> None:
        if not self.records:
            shape = (*self.origin_NO.shape, *forecast_NKHCQ.shape[2:])
            self.forecast_NOHCQ = np.full(shape, np.nan, forecast_NKHCQ.dtype)
        if self.forecast_NOHCQ.shape[-1] != forecast_NKHCQ.shape[-1]:
            raise WindowError(
                "what lies before the first origin is too short to hold something back, so that a point loss gives no "
                "intervals there, as it does later. Use fewer origins, the loss pinball, or validation=0."
            )
        self.forecast_NOHCQ[:, record.fold.origins] = forecast_NKHCQ
        self.records.append(record)
        self.last = fitted
