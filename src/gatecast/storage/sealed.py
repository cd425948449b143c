"""Files that Gatecast writes for itself: a document and tensors, sealed so that any change of either is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gatecast.errors import ModelFileError
from gatecast.storage.codec import encode
from gatecast.storage.container import digest_of, opened, pack, write_atomically
from gatecast.storage.document import Envelope, seal, unseal

__all__ = ["read_sealed", "require_untouched", "write_sealed"]


def write_sealed(path: Path, kind: str, document: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file, atomically.

    Args:
        path: of the file.
        kind: what it holds.
        document: a dataclass, or JSON.
        arrays: its tensors, by name.

    Raises:
        ModelFileError: it cannot be written.
    """
    from gatecast import __version__

    text = seal(kind, encode(document), __version__, digest_of(arrays))
    write_atomically(path, pack(text, arrays))


def read_sealed(path: Path) -> tuple[Envelope, dict[str, np.ndarray]]:
    """What a file holds. Raises ModelFileError where it is damaged or was changed."""
    with opened(path) as container:
        envelope, arrays = unseal(container.text), container.arrays()
    require_untouched(envelope, arrays)
    return envelope, arrays


def require_untouched(envelope: Envelope, arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ModelFileError where tensors are not those that were sealed."""
    if digest_of(arrays) != envelope.tensors_sha256:
        raise ModelFileError("its tensors were changed after it was written (SHA-256 differs).")
