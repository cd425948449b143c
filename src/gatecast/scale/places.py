"""A folder for results that all workers see: a path here, or a URL of any file system that fsspec has a driver for.

out/                       parts are drafts first, then renamed
s3://bucket/out            a part appears whole or not at all: so object stores write
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gatecast.errors import ConfigError
from gatecast.storage.container import write_atomically
from gatecast.storage.folder import identified, marked_folder, require_same_work

__all__ = ["Place", "fetched", "is_url"]


def is_url(where: str | os.PathLike[str]) -> bool:
    """Whether a place is named by a URL."""
    return "://" in os.fspath(where)


@dataclass(frozen=True)
class Place:
    """A folder.

    Args:
        root: an absolute path, or a URL.
    """

    root: str

    @classmethod
    def of(cls, where: str | os.PathLike[str]) -> Place:
        """That of a path or a URL.

        Raises:
            ConfigError: nothing here can read such URLs.
        """
        if not is_url(where):
            return cls(str(Path(where).resolve()))
        place = cls(os.fspath(where).rstrip("/"))
        _ = place._driver
        return place

    @property
    def path(self) -> Path | str:
        """The path, or the URL."""
        return self.root if is_url(self.root) else Path(self.root)

    def file(self, name: str) -> str:
        """The path or the URL of a file in it."""
        return f"{self.root}/{name}" if is_url(self.root) else str(Path(self.root) / name)

    def mark(self, name: str, identity: Mapping[str, Any], what: str) -> None:
        """Make the folder for some work, or find that it was made for the same; see ``marked_folder``.

        Raises:
            ConfigError: the folder holds other work, or cannot be used.
        """
        if not is_url(self.root):
            marked_folder(self.root, name, identity, what)
            return
        identity = identified(identity)
        try:
            if (known := self.read(name)) is None:
                self.write(name, known := json.dumps(identity, indent=1).encode())
            found = json.loads(known)
        except Exception as error:  # each driver has errors of its own
            told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ConfigError(f"{self.root} cannot hold {what}: {told.rstrip('.')}. Choose another folder.") from error
        require_same_work(found, identity, self.root, what)

    def read(self, name: str) -> bytes | None:
        """What a file holds; None where there is none."""
        try:
            if not is_url(self.root):
                return Path(self.file(name)).read_bytes()
            driver, base = self._driver
            return bytes(driver.cat_file(f"{base}/{name}"))
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        if not is_url(self.root):
            path = Path(self.file(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
            return
        driver, base = self._driver
        driver.makedirs(os.path.dirname(f"{base}/{name}"), exist_ok=True)
        driver.pipe_file(f"{base}/{name}", data)

    def remove(self, name: str) -> None:
        """Take a file away, where there is one."""
        if not is_url(self.root):
            Path(self.file(name)).unlink(missing_ok=True)
        elif self.read(name) is not None:
            driver, base = self._driver
            driver.rm_file(f"{base}/{name}")

    @cached_property
    def _driver(self) -> tuple[Any, str]:
        """The file system of a URL, and the path there."""
        scheme = self.root.split("://")[0]
        try:
            from fsspec.core import url_to_fs

            driver, base = url_to_fs(self.root)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"{self.root}: nothing here reads {scheme}:// ({str(error).rstrip('.')}). Install fsspec and its "
                f"driver for {scheme}, or give a folder."
            ) from error
        return driver, str(base).rstrip("/")


def fetched(url: str, suffix: str = ".gatecast") -> Path:
    """A copy of a file in the temporary folder; who asks takes it away."""
    root, _, name = url.rpartition("/")
    data = Place.of(root).read(name)
    if data is None:
        raise ConfigError(
            f"{url} is not there: the workers do not see the same files. Give a place that all of them do."
        )
    with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as file:
        file.write(data)
    return Path(file.name)
