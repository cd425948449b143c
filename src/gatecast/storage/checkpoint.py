"""A folder that keeps where the trainings of a fit stand, so that the same fit goes on there after it was killed.

fit.json                        what is fitted: settings, data (SHA-256), version
training-3f09c2....safetensors  where one training stands: weights, optimiser, random numbers, errors so far

A file is written whole or not at all. Nothing of the data is stored.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gatecast.data.fingerprint import digest
from gatecast.data.panel import Panel
from gatecast.errors import ModelFileError
from gatecast.storage.codec import decode
from gatecast.storage.fingerprint import settings_of
from gatecast.storage.folder import marked_folder
from gatecast.storage.sealed import read_sealed, write_sealed
from gatecast.training.state import TrainingState

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["FitFolder", "checkpointing"]

KIND = "training"
SECONDS = 5.0  # between two writes: work that may be done twice
MEMORY = "memory."


@dataclass(frozen=True)
class _Numbers:
    """A ``TrainingState`` without its tensors; the random state is JSON text, for its numbers have 128 bits."""

    random: str
    epoch: int
    step: int
    factor: float
    stalled: int
    plateau: float
    best_epoch: int
    best_error: float
    errors: list[float]
    history: list[dict[str, float]]
    row: dict[str, float] | None
    seconds: float


class FitFolder:
    """States of trainings as files of a folder; written some seconds after they were given, or by ``flush``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: dict[str, TrainingState] = {}
        self._written = time.monotonic()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: str | os.PathLike[str], model: Forecaster, *panels: Panel | None) -> FitFolder:
        """Make the folder, or find in it the same fit.

        Args:
            path: of the folder.
            model: what is fitted.
            panels: what it is fitted to, and validated on.

        Raises:
            ConfigError: the folder holds another fit, or cannot be used.
        """
        data = [None if panel is None else digest(panel) for panel in panels]
        identity = {"settings": settings_of(model), "data": data}
        return cls(marked_folder(path, "fit.json", identity, "a fit"))

    def __fspath__(self) -> str:
        return str(self.folder)

    def read(self, key: str) -> TrainingState | None:
        """Where a training stood when it was last written; None = nothing is known of it.

        Raises:
            ModelFileError: the file is damaged.
        """
        path = self._name(key)
        if not path.exists():
            return None
        try:
            envelope, arrays = read_sealed(path)
            if envelope.kind != KIND:
                raise ModelFileError("it holds something else.")
            numbers = decode(_Numbers, envelope.model, "training")
            return _state(numbers, {name: torch.from_numpy(array) for name, array in arrays.items()})
        except (ModelFileError, KeyError, ValueError) as error:
            raise ModelFileError(f"{path} cannot be read: {error} Delete it: that training begins again.") from error

    def keep(self, key: str, state: TrainingState) -> None:
        """Take a state in place of the one before, and write what waits where the last write is some seconds ago."""
        with self._lock:
            self._waiting[key] = state
            if time.monotonic() - self._written >= SECONDS:
                self._write()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        while self._waiting:
            key, state = next(iter(self._waiting.items()))
            arrays = {name: tensor.cpu().numpy() for name, tensor in _tensors(state).items()}
            write_sealed(self._name(key), KIND, _numbers(state), arrays)
            del self._waiting[key]
        self._written = time.monotonic()

    def _name(self, key: str) -> Path:
        return self.folder / f"training-{key[:32]}.safetensors"


@contextmanager
def checkpointing(
    path: str | os.PathLike[str] | None, model: Forecaster, *panels: Panel | None
) -> Iterator[FitFolder | None]:
    """The folder of a fit, with all states written at the end, whatever ends it; None where there is no path.

    A ``FitFolder`` was opened by somebody who knows what the fit depends on.
    """
    if path is None:
        yield None
        return
    folder = path if isinstance(path, FitFolder) else FitFolder.open(path, model, *panels)
    try:
        yield folder
    finally:
        folder.flush()


def _numbers(state: TrainingState) -> _Numbers:
    held = {name: value for name, value in vars(state).items() if name in _Numbers.__dataclass_fields__}
    return _Numbers(**held | {"random": json.dumps(dict(state.random))})


def _tensors(state: TrainingState) -> dict[str, Tensor]:
    memory = {f"{MEMORY}{name}": tensor for name, tensor in state.memory.items()}
    return {"weights": state.weights, "best_weights": state.best_weights, **memory}


def _state(numbers: _Numbers, tensors: dict[str, Tensor]) -> TrainingState:
    memory = {name.removeprefix(MEMORY): tensor for name, tensor in tensors.items() if name.startswith(MEMORY)}
    plain = asdict(numbers) | {"random": json.loads(numbers.random)}
    return TrainingState(weights=tensors["weights"], best_weights=tensors["best_weights"], memory=memory, **plain)
