"""Folders that keep the parts of long work: one file in each says which, and only the same goes on there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatecast.errors import ConfigError, shown
from gatecast.storage.container import write_atomically

__all__ = ["how_to_go_on", "identified", "marked_folder", "require_local", "require_same_work"]

URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)  # s3://bucket, or s3:/bucket, as a Path has it


def marked_folder(path: str | os.PathLike[str], mark: str, identity: Mapping[str, Any], what: str) -> Path:
    """Make a folder for some work, or find one that was made for the same, by the same version of Gatecast.

    Args:
        path: of the folder.
        mark: name of the file in it that says what it holds.
        identity: all that the work depends on, as JSON has it.
        what: it is, for messages, such as "a backtest".

    Raises:
        ConfigError: the folder holds other work, cannot be used, or is a URL.
    """
    folder, identity = require_local(path, what), identified(identity)
    file = folder / mark
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            write_atomically(file, json.dumps(identity, indent=1).encode())
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder} cannot hold {what}: {str(error).rstrip('.')}. Choose another folder.") from error
    require_same_work(known, identity, folder, what)
    return folder


def require_local(path: str | os.PathLike[str], what: str) -> Path:
    """A path. Raises ConfigError for what is none, or a URL, which would be taken for the name of a folder.

    >>> require_local("s3://bucket/run", "a fit")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    gatecast.errors.ConfigError: s3://bucket/run is a URL, and a fit is kept on a file system: give a path; ...
    >>> require_local("", "a fit")
    Traceback (most recent call last):
    gatecast.errors.ConfigError: '' is no path, and a fit is kept on a file system: give one, such as 'run-1'.
    >>> require_local("runs/first", "a fit").name
    'first'
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise ConfigError(f"{shown(path)} is no path, and {what} is kept on a file system: give one, such as 'run-1'.")
    if url := URL.fullmatch(os.fspath(path)):
        raise ConfigError(
            f"{url[1]}://{url[2]} is a URL, and {what} is kept on a file system: give a path; where several machines "
            f"work, one that all of them see."
        )
    return Path(path)


def identified(identity: Mapping[str, Any]) -> dict[str, Any]:
    """What some work depends on, the version of Gatecast too."""
    from gatecast import __version__

    return {**identity, "gatecast": __version__}


def how_to_go_on(folder: object) -> str:
    """A sentence for somebody whose work was stopped; ``folder`` keeps where it stands, None = nothing does."""
    return "With a checkpoint the same call would go on there." if folder is None else "The same call goes on there."


def require_same_work(known: Any, identity: Mapping[str, Any], where: object, what: str) -> None:
    """Raise ConfigError where a folder holds other work than the one that is to go on there."""
    if known != identity:
        was = known if isinstance(known, dict) else {}
        differs = ", ".join(key for key in identity if was.get(key) != identity[key])
        raise ConfigError(
            f"{where} holds {what.replace('a ', 'another ', 1)} ({differs} differ). Choose an empty folder, or repeat "
            f"the same command to go on."
        )
