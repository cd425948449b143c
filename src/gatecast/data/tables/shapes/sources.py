"""Load a file, several files, a pipe, a query, a frame of any library, or arrays, as one table of polars columns."""

from __future__ import annotations

import glob
import gzip
import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gatecast.data.forks import about_to_read_a_table
from gatecast.data.tables.databases.address import is_address
from gatecast.data.tables.shapes.arrays import load_arrays
from gatecast.data.tables.shapes.excel import SPREADSHEETS, read_spreadsheet
from gatecast.data.tables.shapes.frames import load_frame
from gatecast.data.tables.shapes.named import load_columns
from gatecast.data.tables.shapes.queries import load_query
from gatecast.data.tables.shapes.table import AS_FOUND, Layout, Table, guarded, plain_types
from gatecast.data.tables.shapes.text import as_utf8, read_text
from gatecast.data.tables.times.read import looks_like_dates
from gatecast.errors import Argument, PanelError, listed

__all__ = ["Layout", "Table", "load"]

_TEXTS = (".csv", ".tsv", ".txt", ".tab", ".dat")
_JSON = (".json", ".jsonl", ".ndjson")
_SUFFIXES = (*_TEXTS, ".parquet", *_JSON, *SPREADSHEETS)
_KINDS = (
    "Gatecast reads .csv, .tsv, .txt, .parquet, .json, .jsonl, .ndjson, .xlsx and .ods, each also with .gz; '-' is "
    "what comes through a pipe."
)


def load(source: Any, layout: Layout = AS_FOUND) -> Table:
    """Load a path, a frame or arrays.

    Args:
        source: path of a CSV (comma, semicolon, tab or pipe), Parquet, JSON, JSON-lines, XLSX or ODS file; a folder or
            a pattern such as "sales-*.csv", whose files are read one below the other; "-" for what comes through a
            pipe; an open file; a dict of columns; or a frame or series of pandas, polars, pyarrow or anything else that
            narwhals knows; or numbers, of which nan is missing. (T,) of them are one series "y", a (T, N) array is N
            series "series_1", "series_2", ... side by side, rows being time as in a frame, and a list of arrays (T,) is
            a series each. A Table comes back as it is.
        layout: where the table lies in a file.

    Raises:
        PanelError: the file is missing, empty or of an unknown kind, or the source is no table.
        ConfigError: a forked process cannot read tables, see ``data.forks``.
    """
    if isinstance(source, Table):
        return source
    about_to_read_a_table()
    if layout.query is not None or is_address(source):
        table = load_query(source, layout)
    elif isinstance(source, str | os.PathLike):
        table = _load_path(os.fspath(source), layout)
    elif isinstance(source, np.ndarray | list | tuple):
        table = load_arrays(source)
    elif isinstance(source, Mapping):
        table = load_columns(source)
    elif callable(getattr(source, "read", None)):
        read = source.read()
        table = _of_bytes(read if isinstance(read, bytes) else str(read).encode(), "the stream", "", layout)
    else:
        table = load_frame(source)
    if not table.frame.width or not table.frame.height:
        raise PanelError(f"{table.file or 'the table'} has no {'rows' if table.frame.width else 'columns'}.")
    return table


def _load_path(text: str, layout: Layout) -> Table:
    if text in ("-", "stdin:"):
        return _of_bytes(sys.stdin.buffer.read(), "the input", "", layout)
    if not text.strip():
        raise PanelError(f"the name of the table is empty. Give its path, or . for this folder. {_KINDS}")
    path = Path(text)
    if path.is_dir():
        inside = sorted(one for one in path.iterdir() if one.is_file() and _kind(one) in _SUFFIXES)
        if not inside:
            raise PanelError(f"{path} is a folder without a table. {_KINDS}")
        return _one_below_the_other(inside, path.name, layout)
    if not path.exists() and glob.has_magic(text):
        inside = sorted(map(Path, glob.glob(text, recursive=True)))
        if not inside:
            raise PanelError(f"no file is called {text}. {_KINDS}")
        return _one_below_the_other(inside, path.name, layout)
    return _load_file(path, layout)


def _load_file(path: Path, layout: Layout) -> Table:
    if not path.exists():
        raise PanelError(f"{path} does not exist. Give the path of a table. {_KINDS}")
    kind = _kind(path)
    pipe = not path.is_file()
    if kind not in _SUFFIXES and not pipe:
        raise PanelError(f"{path.name} has an unknown kind of name. {_KINDS}")
    with guarded(path.name):
        raw = path.read_bytes()
    return _of_bytes(raw, path.name, "" if pipe else kind, layout)


def _kind(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _of_bytes(raw: bytes, file: str, kind: str, layout: Layout) -> Table:
    """A table from the bytes of a file; without a kind they say it themselves."""
    if raw.startswith(b"\x1f\x8b"):
        with guarded(file):
            raw = gzip.decompress(raw)
    elif file.endswith(".gz"):
        raise PanelError(f"{file} cannot be read: it is not compressed by gzip.")
    if not raw.strip():
        raise PanelError(f"{file} is empty.")
    kind = kind or _kind_of(raw)
    if kind in SPREADSHEETS:
        return read_spreadsheet(raw, file, layout)
    if layout.sheet is not None:
        raise PanelError(Argument("sheet", of="read"), f" goes with a spreadsheet, which {file} is none.")
    if kind == ".parquet":
        return _read_parquet(raw, file)
    if kind in _JSON:
        with guarded(file):
            return Table(plain_types(_read_json(as_utf8(raw, file)[0])), file=file)
    return read_text(raw, file, layout)


def _kind_of(raw: bytes) -> str:
    if raw.startswith(b"PAR1"):
        return ".parquet"
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return ".xlsx"
    return ".json" if raw.lstrip()[:1] in (b"[", b"{") else ".csv"


# ---------------------------------------------------------------- several files


def _one_below_the_other(paths: list[Path], name: str, layout: Layout) -> Table:
    """The rows of several files; where they have the same times, the files are the series."""
    tables = [_load_file(path, layout) for path in paths]
    if len(tables) == 1:
        return tables[0]
    names = tables[0].frame.columns
    for path, table in zip(paths, tables, strict=True):
        if set(table.frame.columns) != set(names):
            told = f"{path.name} has the columns {listed([repr(n) for n in table.frame.columns])}"
            raise PanelError(f"{told}, {paths[0].name} has {listed([repr(n) for n in names])}. Read them one by one.")
    with guarded(name):
        frame = pl.concat([table.frame.select(names) for table in tables], how="vertical_relaxed")
    notes = (f"{len(paths):,} files are read, {paths[0].name} to {paths[-1].name}", *tables[0].notes)
    if _share_times(tables) and "file" not in names:
        stems = [path.name.split(".")[0] for path in paths]
        heights = [table.frame.height for table in tables]
        series = pl.Series("file", np.repeat(np.array(stems, dtype=object), heights), dtype=pl.String)
        frame = frame.with_columns(series)
        notes = (*notes, "the files have the same times: each is a series")
    return Table(
        frame,
        file=name,
        decimal_comma=any(table.decimal_comma for table in tables),
        rows=np.concatenate([table.row_R for table in tables]),
        notes=notes,
        exact=all(table.exact for table in tables),
    )


def _share_times(tables: list[Table]) -> bool:
    for name, kind in tables[0].frame.schema.items():
        columns = [table.frame[name].cast(pl.String) for table in tables]
        if kind.is_temporal() or (kind == pl.String and looks_like_dates(columns[0])):
            different = pl.concat(columns).n_unique()
            return different < 0.9 * sum(column.n_unique() for column in columns)
    return False


# ---------------------------------------------------------------- Parquet and JSON


def _read_parquet(raw: bytes, file: str) -> Table:
    """By polars; what it has no type for, such as times at an offset, by pyarrow where that is there."""
    try:
        with guarded(file):
            frame = pl.read_parquet(io.BytesIO(raw))
            return Table(plain_types(frame), file=file)
    except PanelError as error:
        if "time zone" not in str(error):
            raise
        try:
            from pyarrow import parquet
        except ImportError:
            raise error from None
        with guarded(file):
            table = load_frame(parquet.read_table(io.BytesIO(raw)))
        return Table(table.frame, file=file)


def _read_json(raw: bytes) -> pl.DataFrame:
    """Records, a record to a line, or columns: {"ds": [...], "y": [...]}."""
    head = raw.lstrip()[:1]
    lines = raw.strip().count(b"\n")
    if head == b"{" and not (lines and raw.lstrip().split(b"\n")[0].rstrip().endswith(b"}")):
        return _of_object(json.loads(raw))
    if head == b"[":
        try:
            return pl.read_json(io.BytesIO(raw), infer_schema_length=None)
        except pl.exceptions.PolarsError:
            return _of_object(json.loads(raw))
    return pl.read_ndjson(io.BytesIO(raw), infer_schema_length=None)


def _of_object(held: Any) -> pl.DataFrame:
    """The forms that pandas writes: columns of lists, columns by row, split, or a table within."""
    if isinstance(held, dict) and {"columns", "data"} <= set(held):
        return pl.DataFrame(held["data"], schema=held["columns"], orient="row", infer_schema_length=None, strict=False)
    if isinstance(held, dict) and isinstance(held.get("data"), list):
        held = held["data"]
    if isinstance(held, dict) and held and all(isinstance(column, dict) for column in held.values()):
        rows = list(dict.fromkeys(key for column in held.values() for key in column))
        columns = {name: [column.get(row) for row in rows] for name, column in held.items()}
        return pl.DataFrame(columns, strict=False)
    if isinstance(held, list) and held and all(isinstance(row, list) for row in held):
        return pl.DataFrame(held[1:], schema=[str(name) for name in held[0]], orient="row", strict=False)
    if isinstance(held, dict) and not any(isinstance(column, list) for column in held.values()):
        held = [held]
    return pl.DataFrame(held, infer_schema_length=None, strict=False)
