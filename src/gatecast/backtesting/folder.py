"""A folder that keeps the finished folds of a backtest, so that an interrupted one goes on where it stopped.

backtest.json               what is backtested: settings, data (SHA-256), origins
fold-000.gatecast           the model of a fold (docs/format.md)
fold-000.safetensors        its forecasts and how training went
fold-000/                   until it is finished: where its trainings stand, see ``storage.checkpoint``
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gatecast.backtesting.folds import Fold
from gatecast.backtesting.record import FoldRecord
from gatecast.data.fingerprint import digest
from gatecast.data.panel import Panel
from gatecast.errors import ModelFileError
from gatecast.storage.codec import decode
from gatecast.storage.files import load, save
from gatecast.storage.fingerprint import settings_of
from gatecast.storage.folder import marked_folder
from gatecast.storage.sealed import read_sealed, write_sealed

if TYPE_CHECKING:
    from gatecast.ensemble.fitted import Fitted
    from gatecast.forecaster import Forecaster

__all__ = ["BacktestFolder"]


class BacktestFolder:
    """Finished folds on disk.

    Args:
        path: an existing folder with a ``backtest.json`` of this backtest.
        panel: the panel of the backtest.
    """

    def __init__(self, path: Path, panel: Panel) -> None:
        self.path = path
        self.panel = panel

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        model: Forecaster,
        panel: Panel,
        origin_NO: np.ndarray,
        refit: bool | int,
        window: str,
        warm: bool,
    ) -> BacktestFolder:
        """Make the folder, or find in it the same backtest.

        Raises:
            ConfigError: the folder holds another backtest, or cannot be used.
        """
        identity = {
            "settings": settings_of(model),
            "data": digest(panel),
            "origins": hashlib.sha256(np.ascontiguousarray(origin_NO - panel.first[:, None]).tobytes()).hexdigest(),
            "refit": refit,
            "window": window,
            "warm": warm,
        }
        return cls(marked_folder(path, "backtest.json", identity, "a backtest"), panel)

    def write(self, record: FoldRecord, fitted: Fitted, forecast_NKHCQ: np.ndarray) -> None:
        """Keep a finished fold: the model first, for what marks the fold as done is the file of its forecasts."""
        save(fitted, self._name(record.fold, "gatecast"))
        write_sealed(self._name(record.fold, "safetensors"), "fold", record, {"forecast": forecast_NKHCQ})
        if (states := self.states_of(record.fold)).is_dir():
            shutil.rmtree(states)  # what is finished needs none

    def read(self, fold: Fold) -> tuple[Fitted, FoldRecord, np.ndarray] | None:
        """A finished fold, its model without data; None where it is not there yet.

        Raises:
            ModelFileError: a file is damaged.
        """
        path = self._name(fold, "safetensors")
        if not path.exists():
            return None
        try:
            record, forecast_NKHCQ = self._forecasts(path, fold)
            return load(self._name(fold, "gatecast")), record, forecast_NKHCQ
        except ModelFileError as error:
            raise ModelFileError(
                f"fold {fold.number} in {self.path} cannot be read: {error} Delete {path.name} there: the fold is then "
                f"trained again."
            ) from error

    def states_of(self, fold: Fold) -> Path:
        """The folder in which the training of a fold keeps where it stands."""
        return self.path / f"fold-{fold.number:03d}"

    def _forecasts(self, path: Path, fold: Fold) -> tuple[FoldRecord, np.ndarray]:
        envelope, arrays = read_sealed(path)
        if envelope.kind != "fold" or set(arrays) != {"forecast"}:
            raise ModelFileError(f"{path.name} holds no forecasts of a fold.")
        record = decode(FoldRecord, envelope.model, "fold")
        if record.fold != fold or arrays["forecast"].shape[:2] != (len(self.panel), fold.end - fold.begin):
            raise ModelFileError(f"{path.name} holds other origins than its name says.")
        return record, arrays["forecast"]

    def _name(self, fold: Fold, kind: str) -> Path:
        return self.path / f"fold-{fold.number:03d}.{kind}"
