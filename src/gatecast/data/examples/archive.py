"""Read or unpack a .tgz that nobody vouches for.

    bytes of the file ──gunzip, metered──> tar stream ──every header checked──> members
      <= packed limit     <= unpacked limit              names, types, count

The archive is held in memory (it is small by the limits) and walked once before anything is written, so a refused
archive leaves no trace, and what was checked is what is unpacked.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import IO, cast

from gatecast.errors import DatasetError, listed

__all__ = ["Limits", "extract_safely", "read_archive", "read_member"]

_MEGABYTE = 1024 * 1024
_CHUNK = 64 * 1024
# Below this size a high ratio is harmless: a short file of equal lines packs very well.
_RATIO_FREE = _MEGABYTE
_LATEST = 2.0**33  # seconds since 1970 that the octal digits of a header can say, in the year 2242
_READS_IN_VAIN = 16  # at the end; a whole archive needs a few to be found at its end


@dataclass(frozen=True)
class Limits:
    """What an archive may cost.

    Args:
        packed: bytes of the archive itself.
        unpacked: bytes of all that comes out of it, headers included.
        members: number of files and folders.
        ratio: unpacked / packed bytes, looked at beyond the first MiB.
            Tables of numbers stay below 20; zeros reach 1,000.
    """

    packed: int = 64 * _MEGABYTE
    unpacked: int = 256 * _MEGABYTE
    members: int = 1_000
    ratio: float = 200.0

    def most_unpacked(self, packed: int) -> int:
        """Bytes that may come out of an archive of ``packed`` bytes."""
        return min(self.unpacked, max(_RATIO_FREE, int(self.ratio * packed)))


_DEFAULT = Limits()


class _Metered(io.RawIOBase):
    """The unpacked bytes, up to a limit. It guards the long headers too, which tarfile reads whole into memory.

    tarfile skips a member block by block, beyond the end too: a header that claims 2**80 bytes would keep it busy.
    """

    def __init__(self, source: IO[bytes], most: int) -> None:
        self._source, self._left, self._most = source, most, most
        self._in_vain = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        data = self._source.read(wanted)
        self._left -= len(data)
        if self._left < 0:
            raise DatasetError(f"it unpacks to more than {self._most:,} bytes")
        if not data and wanted:
            self._in_vain += 1
            if self._in_vain > _READS_IN_VAIN:
                raise tarfile.ReadError("it ends before its members do")
        return data


def read_archive(archive: Path, limits: Limits = _DEFAULT) -> bytes:
    """Read the bytes of an archive.

    Raises:
        DatasetError: there is no such file, it cannot be read, or it is larger than ``limits.packed``.
    """
    if not archive.is_file():
        raise DatasetError(f"there is no archive {str(archive)!r}; give the path of a .tgz file.")
    try:
        with archive.open("rb") as file:
            packed = file.read(limits.packed + 1)
    except OSError as error:
        raise DatasetError(f"cannot read the archive {str(archive)!r}: {error.strerror}.") from error
    if len(packed) > limits.packed:
        raise DatasetError(f"the archive {str(archive)!r} is larger than {limits.packed:,} bytes; it was not opened.")
    return packed


def read_member(packed: bytes, ending: str, name: str = "archive", limits: Limits = _DEFAULT) -> bytes:
    """Return the one file in a .tgz whose name ends with ``ending``; nothing is written to disk.

    Args:
        packed: the bytes of the archive.
        ending: how the file's name ends, such as ".csv".
        name: what error messages call the archive.
        limits: what the archive may cost.

    Raises:
        DatasetError: the archive is damaged or hostile, or does not hold exactly one such file.
    """
    found: dict[str, bytes] = {}
    with _named(name):
        for tar, member in _checked(packed, limits):
            if member.isreg() and member.name.endswith(ending) and not member.name.rpartition("/")[2].startswith("."):
                found[member.name] = cast(IO[bytes], tar.extractfile(member)).read()
        if len(found) != 1:
            raise DatasetError(f"it holds {len(found):,} files that end in {ending!r} instead of one")
    return next(iter(found.values()))


def extract_safely(archive: Path, folder: Path, limits: Limits = _DEFAULT) -> list[Path]:
    """Unpack a .tgz into a folder, which is made if need be. Files of the same name are replaced.

    The whole archive is checked before the first byte is written. tarfile's "data" filter (PEP 706) is applied as well:
    it also sees links that lie in the folder already.

    Args:
        archive: path of the .tgz.
        folder: where its members go.
        limits: what the archive may cost.

    Returns:
        The files written, in the archive's order.

    Raises:
        DatasetError: the archive is damaged or hostile, or the folder cannot be written to.
    """
    packed = read_archive(archive, limits)
    with _named(str(archive)):
        for _ in _checked(packed, limits):
            pass
        written = []
        for tar, member in _checked(packed, limits):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                tar.extract(member, folder, filter="data")
            except tarfile.FilterError as error:
                raise DatasetError(str(error)) from error
            except OSError as error:
                raise DatasetError(f"{member.name!r} cannot be written to {str(folder)!r}: {error.strerror}") from error
            if member.isreg():
                written.append(folder / member.name)
    return written


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn what goes wrong inside into one line that names the archive."""
    try:
        yield
    except (
        tarfile.TarError, zlib.error, EOFError, OSError, ValueError, ArithmeticError, LookupError, RecursionError,
    ) as error:  # fmt: skip
        # gzip reports damage as EOFError, OSError or zlib.error, tarfile sometimes as ValueError or, of numbers that
        # are too large, OverflowError; a chain of long headers, which tarfile follows by recursion, as RecursionError.
        reason = " ".join(str(error).split()).rstrip(".")
        raise DatasetError(f"the archive {name!r} is damaged or no .tgz: {reason}. Get a new copy of it.") from error
    except DatasetError as error:
        raise DatasetError(f"the archive {name!r} was refused: {error}.") from error


def _checked(packed: bytes, limits: Limits) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Walk the members in order; raises at the end for unsafe ones, which are never handed out."""
    unsafe = []
    count = 0
    with gzip.open(io.BytesIO(packed)) as unzipped:
        stream = _Metered(cast(IO[bytes], unzipped), limits.most_unpacked(len(packed)))
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                count += 1
                if count > limits.members:
                    raise DatasetError(f"it holds more than {limits.members:,} members")
                fault = _fault(member)
                if fault:
                    unsafe.append(f"{member.name[:80]!r} {fault}")
                else:
                    yield tar, member
        # The checksum of gzip stands at the very end, which tarfile does not read.
        while stream.read(_CHUNK):
            pass
    if unsafe:
        raise DatasetError(f"{listed(unsafe, 3)} ({len(unsafe):,} of {count:,} members are unsafe)")
    if not count:
        raise DatasetError("it is empty")


def _fault(member: tarfile.TarInfo) -> str:
    """What makes a member unsafe, or an empty string. Names are judged by the rules of POSIX and of Windows."""
    name = member.name
    kinds = {
        "is a symbolic link": member.issym(),
        "is a hard link": member.islnk(),
        "is a device or a pipe": member.isdev(),
        "is a sparse file": member.issparse(),
        "is neither a file nor a folder": not (member.isreg() or member.isdir()),
        "has an absolute path": name.startswith(("/", "\\")) or bool(PureWindowsPath(name).drive),
        "leads out of the folder": ".." in re.split(r"[/\\]", name),
        "has control characters in its name": any(ord(letter) < 32 or ord(letter) == 127 for letter in name),
        "has no name": member.isreg() and not name.strip("/. "),
        "has a negative size": member.size < 0,
        "has a time that no file can have": not abs(member.mtime) < _LATEST,  # nan is none either
    }
    return next((fault for fault, holds in kinds.items() if holds), "")
