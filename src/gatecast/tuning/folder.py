"""A folder that keeps what a tuning has finished, so that one that was killed goes on where it stopped.

tune.json                  what is tuned: settings, data (SHA-256), origins, seed, space, version
trial-000.safetensors      a finished trial: what it was, its scores, and what the sampler knows of it
search.safetensors         once the search is over: how many trials, and how much time, were asked for
look-0.safetensors         the second look at a trial
default.gatecast           what was trained for the comparison (found-7.gatecast), and in the end (model-0.gatecast)
trial-000-fold-2/          until it is finished: where a training stands, see ``storage.checkpoint``

A file is written whole or not at all. Nothing of the data is stored.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gatecast.errors import ModelFileError
from gatecast.storage.codec import decode
from gatecast.storage.files import load, save
from gatecast.storage.folder import marked_folder
from gatecast.storage.sealed import read_sealed, write_sealed

if TYPE_CHECKING:
    from gatecast.ensemble.fitted import Fitted

__all__ = ["Asked", "TuneFolder"]

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What a search that is over was asked for: the same is answered from the folder, other numbers go on.

    Args:
        trials: at most; None = as many as the time allowed.
        time_limit: seconds; None = none.
    """

    trials: int | None
    time_limit: float | None


@dataclass(frozen=True)
class TuneFolder:
    """What is finished, on disk.

    Args:
        path: a folder with a ``tune.json`` of this tuning; None = nothing is kept.
    """

    path: Path | None

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None, identity: Mapping[str, Any]) -> TuneFolder:
        """Make the folder, or find in it the same tuning.

        Raises:
            ConfigError: the folder holds another tuning, or cannot be used.
        """
        if path is None:
            return cls(None)
        return cls(marked_folder(path, "tune.json", identity, "a tuning"))

    def read(self, name: str, kind: type[T]) -> T | None:
        """What was kept by a name; None where nothing was.

        Raises:
            ModelFileError: the file is damaged.
        """
        file = self._file(f"{name}.safetensors")
        if file is None:
            return None
        try:
            envelope, arrays = read_sealed(file)
            if envelope.kind != _kind(name) or arrays:
                raise ModelFileError("it holds something else.")
            return decode(kind, envelope.model, _kind(name))
        except ModelFileError as error:
            later = ", with the trials after it" if _kind(name) == "trial" else ""
            raise ModelFileError(f"{file} cannot be read: {error} Delete it{later}: that is done again.") from error

    def write(self, name: str, value: Any) -> None:
        """Keep a dataclass by a name, and drop where its trainings stood."""
        if self.path is not None:
            write_sealed(self.path / f"{name}.safetensors", _kind(name), value, {})
            self._drop_states(name)

    def model(self, name: str) -> Fitted | None:
        """A finished training. Raises ModelFileError where its file is damaged."""
        file = self._file(f"{name}.gatecast")
        return None if file is None else load(file)

    def keep_model(self, name: str, fitted: Fitted) -> None:
        """Keep a finished training, and drop where it stood."""
        if self.path is not None:
            save(fitted, self.path / f"{name}.gatecast")
            self._drop_states(name)

    def states(self, name: str) -> Path | None:
        """The folder in which a training of this name, or of this name and a fold, keeps where it stands."""
        return None if self.path is None else self.path / name

    def _file(self, name: str) -> Path | None:
        return None if self.path is None or not (self.path / name).exists() else self.path / name

    def _drop_states(self, name: str) -> None:
        assert self.path is not None
        for folder in [self.path / name, *self.path.glob(f"{name}-fold-*")]:
            if folder.is_dir():
                shutil.rmtree(folder)


def _kind(name: str) -> str:
    return name.partition("-")[0]
