"""Fetch a file once, check its SHA-256, and keep it in a folder."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gatecast.errors import DatasetError

__all__ = ["fetch_once", "sha256_of"]

_TIMEOUT = 30
_CHUNK = 64 * 1024
_MOST_BYTES = 64 * 1024 * 1024


def sha256_of(data: bytes) -> str:
    """SHA-256 of some bytes, as 64 hexadecimal digits.

    >>> sha256_of(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()


def fetch_once(name: str, url: str, sha256: str, folder: Path | None = None, *, download: bool = True) -> Path:
    """Return the path of a checked copy of a file; it is downloaded if the folder holds none.

    Args:
        name: the file's name in the folder.
        url: where it comes from: http, https or file.
        sha256: its checksum. A copy with another one is never used; one in the folder is replaced.
        folder: where it is kept; the user's cache folder by default.
        download: False asks for the copy in the folder and leaves the network alone.

    Raises:
        DatasetError: the file cannot be had or is not the right one; the message says what to do.
    """
    import pooch

    remedy = f"pass --data FILE with a copy of {name}, sha256 {sha256}."
    try:
        folder = Path(folder or pooch.os_cache("gatecast")).expanduser()
    except RuntimeError as error:  # a process without HOME, or a user that the machine does not know
        raise DatasetError(f"there is no home folder to keep {name} in: set HOME, or {remedy}") from error
    if not download:
        return _kept(folder / name, sha256, remedy)
    failed = f"could not download {name} from {url}"
    try:
        with _without_log_lines():
            downloader = _Downloader(sha256)
            return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=folder, downloader=downloader))
    except DatasetError as error:
        raise DatasetError(f"{failed}: {error}; {remedy}") from error
    except OSError as error:
        # The downloader has its own errors: what is left comes from the folder.
        reason = f"the folder {str(folder)!r} cannot be used ({error.strerror or type(error).__name__})"
        raise DatasetError(f"{failed}: {reason}; {remedy}") from error


def _kept(file: Path, sha256: str, remedy: str) -> Path:
    if not file.is_file():
        raise DatasetError(f"there is no {file.name} in {str(file.parent)!r}; allow the download, or {remedy}")
    if sha256_of(file.read_bytes()) != sha256:
        raise DatasetError(f"{str(file)!r} is damaged (its checksum differs); allow the download, or {remedy}")
    return file


@contextmanager
def _without_log_lines() -> Iterator[None]:
    """Keep pooch from writing to the terminal; its level is put back afterwards."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Bounded:
    """A file that takes a limited number of bytes, so that a server without end cannot fill the disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, _MOST_BYTES

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise DatasetError(f"it is larger than {_MOST_BYTES:,} bytes")
        return self._file.write(data)


class _Downloader:
    """What pooch calls to fill its temporary file: http, https, and file, which pooch itself does not know.

    It checks the SHA-256 before pooch does, so that a wrong file and a failed transfer can be told apart.
    """

    def __init__(self, sha256: str) -> None:
        self._sha256 = sha256

    def __call__(self, url: str, output: str, _: object) -> None:
        scheme = urlsplit(url).scheme
        with Path(output).open("wb") as file:
            if scheme == "file":
                _copy(url, _Bounded(file))
            elif scheme in {"http", "https"}:
                _get(url, _Bounded(file))
            else:
                raise DatasetError(f"the address has to begin with http, https or file, not {scheme!r}")
        found = sha256_of(Path(output).read_bytes())
        if found != self._sha256:
            raise DatasetError(f"its checksum differs (sha256 {found}), so it was thrown away")


def _copy(url: str, file: _Bounded) -> None:
    try:
        with Path(url2pathname(urlsplit(url).path)).open("rb") as source:
            shutil.copyfileobj(source, file)
    except OSError as error:
        raise DatasetError(str(error.strerror or error)) from error


def _get(url: str, file: _Bounded) -> None:
    # requests comes with pooch, whose own downloader leaves the connection open when the file grows too large.
    import requests

    try:
        with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
            if not response.ok:
                raise DatasetError(f"the server answered with status {response.status_code}")
            for data in response.iter_content(_CHUNK):
                file.write(data)
    except requests.Timeout as error:
        raise DatasetError(f"no answer within {_TIMEOUT} seconds") from error
    except requests.exceptions.SSLError as error:
        raise DatasetError("the server's certificate cannot be trusted") from error
    except requests.ConnectionError as error:
        raise DatasetError("the connection failed") from error
    except requests.RequestException as error:
        raise DatasetError(" ".join(str(error).split())) from error
