"""A folder that keeps the finished folds of a backtest, so that an interrupted one goes on where it stopped.

backtest.json               what is backtested: settings, data (SHA-256), origins
fold-000.gatecast           the model of a fold (docs/format.md)
fold-000.safetensors        its forecasts and how training went
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.folds import Fold
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, ModelFileError
from gatecast.files import load, save
from gatecast.fingerprint import digest, settings_of
from gatecast.storage.codec import decode, encode, parse, write
from gatecast.storage.container import opened, pack, write_atomically

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster
    from gatecast.rolling import FoldRecord

__all__ = ["BacktestFolder"]


class BacktestFolder:
    """Finished folds on disk.

    Args:
        path: an existing folder with a ``backtest.json`` of this backtest.
        panel: the panel of the backtest; a model that is read gets its training part back.
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
        folder = Path(path)
        mark = folder / "backtest.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            known = json.loads(mark.read_text("utf-8")) if mark.exists() else None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{folder} cannot hold a backtest: {error}. Choose another folder.") from error
        if known is None:
            write_atomically(mark, json.dumps(identity, indent=1).encode())
        elif known != identity:
            differs = ", ".join(key for key in identity if known.get(key) != identity[key])
            raise ConfigError(
                f"{folder} holds another backtest ({differs} differ). Choose an empty folder, or repeat the same "
                f"command to go on."
            )
        return cls(folder, panel)

    def write(self, record: FoldRecord, model: Forecaster, forecast_NKHCQ: np.ndarray) -> None:
        """Keep a finished fold: the model first, for what marks the fold as done is the file of its forecasts."""
        save(model, self._name(record.fold, "gatecast"))
        text = write(encode(record))
        write_atomically(self._name(record.fold, "safetensors"), pack(text, {"forecast": forecast_NKHCQ}))

    def read(self, fold: Fold, kind: type[FoldRecord]) -> tuple[Forecaster, FoldRecord, np.ndarray] | None:
        """A finished fold; None where it is not there yet.

        Raises:
            ModelFileError: a file is damaged.
        """
        path = self._name(fold, "safetensors")
        if not path.exists():
            return None
        with opened(path) as container:
            record, forecast_NKHCQ = decode(kind, parse(container.text), "fold"), container.arrays()["forecast"]
        if record.fold != fold:
            raise ModelFileError(f"{path} holds other origins than its name says. Delete it: its fold is then trained.")
        return load(self._name(fold, "gatecast")), record, forecast_NKHCQ

    def _name(self, fold: Fold, kind: str) -> Path:
        return self.path / f"fold-{fold.number:03d}.{kind}"
