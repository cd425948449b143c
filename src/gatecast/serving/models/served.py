"""A model that is loaded, with the live model that follows its rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.ensemble.fitted import Fitted
from gatecast.errors import ConfigError, ModelFileError
from gatecast.live.ahead import panel_of
from gatecast.live.files import load_live
from gatecast.live.kept import kept_of_document
from gatecast.live.live import Live
from gatecast.storage.files import describe_file, document_in, load, save

__all__ = ["Served", "about_file", "live_bytes", "live_from", "model_bytes", "opened", "successor"]

LEFT_OUT = ("file", "tensors")


@dataclass(eq=False)
class Served:
    """A model in use.

    Args:
        name: of the model.
        digest: SHA-256 of its file.
        about: what ``gatecast info`` says of it.
        fitted: what was learned.
        live: what follows its rows.
        seq: number of the last observation in ``live`` that the store has.
        saved: that of the last one in the stored live state.
        version: grows with every change of ``live``.
        broken: the store has refused rows that ``live`` has taken: it has to be loaded anew.
    """

    name: str
    digest: str
    about: dict[str, Any]
    fitted: Fitted
    live: Live
    seq: int = 0
    saved: int = 0
    version: int = 0
    broken: bool = False
    forecasts: dict[str, Any] = field(default_factory=dict)  # of single series, until the next row comes

    def changed(self) -> None:
        """Forget what was forecast before."""
        self.version += 1
        self.forecasts.clear()


def opened(content: bytes) -> tuple[Fitted, Live | None]:
    """The model in a file of either kind, and the live model where it is one.

    Raises:
        ModelFileError: the file is damaged or unknown.
    """
    with _as_file(content) as path:
        if describe_file(path)["kind"] == "live":
            live = load_live(path)
            return live.fitted, live
        return load(path), None


def live_from(content: bytes) -> Live:
    """A live model from the bytes of its file."""
    with _as_file(content) as path:
        return load_live(path)


def about_file(content: bytes) -> dict[str, Any]:
    """What a model file holds, as ``gatecast info --json`` says it."""
    with _as_file(content) as path:
        told = describe_file(path)
        kept = kept_of_document(document_in(path)).why
    return {**{name: value for name, value in told.items() if name not in LEFT_OUT}, "live": kept}


def model_bytes(fitted: Fitted) -> bytes:
    """The file of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        save(fitted, path)
        return path.read_bytes()


def live_bytes(live: Live) -> bytes:
    """The file of a live model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "live")
        live.save(path)
        return path.read_bytes()


def successor(fitted: Fitted, before: Live) -> Live:
    """A live model of a new model that has seen what is kept of another one's series.

    Raises:
        ConfigError: the new model has other columns or another step.
    """
    old = before.fitted
    if old.schema != fitted.schema or old.frequency != fitted.frequency:
        raise ConfigError("the model has other columns or another step than the one of this name, which follows rows.")
    return Live.after(fitted, kept_panel(before), 0) if len(before) else Live(fitted)


def kept_panel(live: Live) -> Panel:
    """All rows that a live model keeps, of the series that have a value."""
    series_M = np.flatnonzero(live._memory.observed >= 0)
    return panel_of(live.fitted, live._memory, series_M, live._precision.dtype, live._labels)


@contextmanager
def _as_file(content: bytes) -> Iterator[Path]:
    """Bytes as a file, for as long as it is read; its name is never that of a client."""
    with tempfile.TemporaryDirectory(prefix="gatecast-") as folder:
        path = Path(folder, "model.gatecast")
        path.write_bytes(content)
        try:
            yield path
        except ModelFileError as error:  # the path is nobody's business
            raise ModelFileError(str(error).removeprefix(f"{path}: ")) from error
