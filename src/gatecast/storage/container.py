"""The bytes of a model file: safetensors with one text in its metadata, checked by SHA-256, written atomically."""

from __future__ import annotations

import hashlib
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from gatecast.errors import ConfigError, ModelFileError

__all__ = [
    "KEY",
    "AdvisedError",
    "Container",
    "TensorType",
    "digest_of",
    "held_alone",
    "opened",
    "pack",
    "type_of",
    "write_atomically",
]

KEY = "gatecast"
DTYPES = {"float32": "F32", "float64": "F64"}


class AdvisedError(ModelFileError):
    """A failure whose message already says what to do."""


@dataclass(frozen=True)
class TensorType:
    """What the header says of a tensor; dtype as safetensors writes it, "F32" or "F64"."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of its values."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def type_of(array: np.ndarray) -> TensorType:
    """How an array is stored. Raises ModelFileError for a dtype that the format does not have."""
    if array.dtype.name not in DTYPES:
        raise ModelFileError(f"an array of {array.dtype} cannot be written.")
    return TensorType(DTYPES[array.dtype.name], array.shape)


@dataclass(frozen=True)
class Container:
    """An open file: its text, what its tensors are, and a way to read them."""

    text: str
    tensors: dict[str, TensorType]
    file: Any

    def arrays(self) -> dict[str, np.ndarray]:
        """All tensors. Call it only after their types were found right."""
        return {name: self.file.get_tensor(name) for name in self.tensors}


@contextmanager
def opened(path: Path) -> Iterator[Container]:
    """Open a file and read its header alone.

    Raises:
        ModelFileError: there is no such file, or it is no safetensors file with a Gatecast text.
    """
    if not path.exists():
        raise AdvisedError("no such file.")
    if not path.is_file():
        raise AdvisedError("is a folder or device. Give the name of a model file.")
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            if KEY not in metadata:
                raise AdvisedError("is a safetensors file, but not one of Gatecast. Give a file that save() wrote.")
            parts = ((name, file.get_slice(name)) for name in sorted(file.keys()))
            tensors = {name: TensorType(part.get_dtype(), tuple(part.get_shape())) for name, part in parts}
            yield Container(metadata[KEY], tensors, file)
    except SafetensorError as error:
        raise ModelFileError(f"is damaged or no model file ({error}).") from error
    except OSError as error:
        raise AdvisedError(f"cannot be read: {error.strerror or error}.") from error


def digest_of(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the bytes of all tensors, one after the other in the order of their names; 64 hex digits."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def pack(text: str, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The whole file. One metadata key alone, for the order of several is not fixed."""
    ready = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    return safetensors.numpy.save(ready, metadata={KEY: text})


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that at any moment the old or the new one is there, never a part.

    Raises:
        ModelFileError: it cannot be written there.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise AdvisedError(f"cannot be written: there is no folder {str(target.parent)!r}. Make it first.")
    if target.is_dir():
        raise AdvisedError("cannot be written: it is a folder. Give the name of a file.")
    draft = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.tmp")
    try:
        _write_and_sync(draft, data)
        os.replace(draft, target)
    except OSError as error:
        raise AdvisedError(f"cannot be written: {error.strerror or error}. Choose another place.") from error
    finally:
        draft.unlink(missing_ok=True)


def _write_and_sync(path: Path, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def held_alone(path: Path, told: str) -> IO[bytes]:
    """Let this process alone use a file, until what is returned is closed.

    The lock lies beside it, in ``NAME-lock``, for the file itself is replaced at every save. The system gives it free
    when the process ends, however it ends. Without ``fcntl`` (Windows) nothing is locked.

    Raises:
        ConfigError: ``told``, where another process uses it.
    """
    file = path.with_name(f"{path.name}-lock").open("ab")
    try:
        import fcntl
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ConfigError(told) from None
    return file
