"""Uploads that are larger than they look: compressed files are counted as they unpack, before anything reads them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from gatecast.errors import PanelError

__all__ = ["KINDS", "kind_of", "require_size"]

KINDS = (".csv", ".tsv", ".txt", ".tab", ".dat", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".xls", ".ods")
PIECE = 2**20


def kind_of(name: str) -> str:
    """The end of a client's file name that says how it is read; of a name nothing else is used.

    >>> kind_of("../../Sales.CSV.gz"), kind_of("x.exe")
    ('.csv.gz', '')
    """
    text = name.lower()
    packed = ".gz" if text.endswith(".gz") else ""
    kind = Path(text.removesuffix(".gz")).suffix
    return kind + packed if kind in KINDS else ""


def require_size(path: Path, most: int, rows: int) -> None:
    """Raise PanelError for a file that unpacks to more bytes, or more rows, than that."""
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"\x1f\x8b":
        _count(_gzip_sizes(path), most)
    elif head == b"PK\x03\x04":
        _count(_zip_sizes(path), most)
    elif head == b"PAR1":
        _require_rows(path, rows)


def _count(sizes: Iterable[int], most: int) -> None:
    total = 0
    for size in sizes:
        total += size
        if total > most:
            raise PanelError(
                f"the file unpacks to more than {most:,} bytes. Upload fewer rows, or raise the limit "
                "unpacked of the service."
            )


def _gzip_sizes(path: Path) -> Iterator[int]:
    """Sizes of the pieces that a gzip file unpacks to."""
    unpack = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            try:
                while piece:
                    yield len(unpack.decompress(piece, PIECE))
                    piece = unpack.unconsumed_tail
                    if unpack.eof:
                        piece, unpack = unpack.unused_data, zlib.decompressobj(wbits=31)
            except zlib.error:
                return  # the reader says what is wrong


def _zip_sizes(path: Path) -> Iterator[int]:
    """The same of an archive; what its directory says of sizes is not believed."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    while piece := file.read(PIECE):
                        yield len(piece)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, zlib.error):
        return


def _require_rows(path: Path, most: int) -> None:
    try:
        count = pl.scan_parquet(path).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError):
        return
    if count > most:
        raise PanelError(
            f"the file has {count:,} rows; the limit is {most:,}. Upload fewer rows, or raise the limit "
            "table_rows of the service."
        )
