"""Load a file, a frame of any library, or arrays, as one table of polars columns."""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.forks import about_to_read_a_table
from gatecast.errors import PanelError, listed

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl

__all__ = ["Table", "load"]

_SEPARATORS = ",;\t|"
_KINDS = "Gatecast reads .csv, .tsv, .txt, .parquet, .json, .jsonl and .ndjson, each also with .gz."


@dataclass(frozen=True)
class Table:
    """A table as it came.

    Args:
        frame: its columns, as polars has them; those of a CSV file are all text.
        backend: the library that frames go out in: "pandas", "polars" or "pyarrow".
        file: name of the file, or "" for a frame.
        first_row: number of the first row of data as people count it (the header of a CSV file is row 1).
        decimal_comma: whether 1,5 may be one and a half.
    """

    frame: pl.DataFrame
    backend: str = "polars"
    file: str = ""
    first_row: int = 1
    decimal_comma: bool = False

    @property
    def of_file(self) -> str:
        """What follows a row number in a message; nothing for a frame."""
        return f" of {self.file}" if self.file else ""


def load(source: Any) -> Table:
    """Load a path, a frame or arrays.

    Args:
        source: path of a CSV (comma, semicolon, tab or pipe), Parquet, JSON or JSON-lines file; or a frame or series of
            pandas, polars, pyarrow or anything else that narwhals knows; or numbers, of which nan is missing. (T,) of
            them are one series "y", a (T, N) array is N series "series_1", "series_2", ... side by side, rows being
            time as in a frame, and a list of arrays (T,) is a series each. A Table comes back as it is.

    Raises:
        PanelError: the file is missing, empty or of an unknown kind, or the source is no table.
        ConfigError: a forked process cannot read tables, see ``data.forks``.
    """
    if isinstance(source, Table):
        return source
    about_to_read_a_table()
    if isinstance(source, str | os.PathLike):
        table = _load_file(Path(source))
    elif isinstance(source, np.ndarray | list | tuple):
        table = _load_arrays(source)
    else:
        table = _load_frame(source)
    if not table.frame.width or not table.frame.height:
        raise PanelError(f"{table.file or 'the table'} has no {'rows' if table.frame.width else 'columns'}.")
    return table


# ---------------------------------------------------------------- files


def _load_file(path: Path) -> Table:
    import polars as pl

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise PanelError(f"{path} {what}. Give the path of a table. {_KINDS}")
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind not in (".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".ndjson"):
        raise PanelError(f"{path.name} has an unknown kind of name. {_KINDS}")
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.name.endswith(".gz") else raw
        if not raw.strip():
            raise PanelError(f"{path.name} is empty.")
        if kind == ".parquet":
            return Table(_plain_types(pl.read_parquet(io.BytesIO(raw))), file=path.name)
        if kind in (".json", ".jsonl", ".ndjson"):
            return Table(_plain_types(_read_json(raw)), file=path.name)
        return _read_csv(raw, path.name)
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        raise PanelError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error


def _read_json(raw: bytes) -> pl.DataFrame:
    import polars as pl

    if raw.lstrip()[:1] == b"[":
        return pl.read_json(io.BytesIO(raw), infer_schema_length=None)
    return pl.read_ndjson(io.BytesIO(raw), infer_schema_length=None)


def _read_csv(raw: bytes, file: str) -> Table:
    import polars as pl

    raw = _as_utf8(raw)
    header = raw.lstrip(b"\r\n").split(b"\n", 1)[0].decode().strip("\r")
    separator = _sniff(header)
    frame = pl.read_csv(io.BytesIO(raw), separator=separator, infer_schema=False, truncate_ragged_lines=False)
    frame = frame.rename({name: name.strip() for name in frame.columns})
    frame = frame.select([name for name in frame.columns if name or frame[name].null_count() < frame.height])
    _check_header(frame, file)
    return Table(frame, file=file, first_row=2, decimal_comma=separator != ",")


def _as_utf8(raw: bytes) -> bytes:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16").encode()
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode()  # what spreadsheets in western Europe write
    return raw


def _sniff(header: str) -> str:
    """The separator that cuts the header into the most fields, quoted text left out."""
    outside = "".join(header.split('"')[::2])
    return max(_SEPARATORS, key=outside.count)


def _check_header(frame: pl.DataFrame, file: str) -> None:
    """A first row of nothing but numbers and dates is data: the header is missing."""
    import polars as pl

    from gatecast.data.tables.dates import looks_like_dates

    # polars reads a second column "y" as "y_duplicated_0"
    twice = [name for name in frame.columns if f"{name}_duplicated_0" in frame.columns]
    if twice:
        raise PanelError(f"{file} has several columns {listed([repr(name) for name in twice], 3)}. Give each its name.")
    names = pl.Series(frame.columns)
    numbers = names.cast(pl.Float64, strict=False).is_not_null()
    dated = pl.Series([looks_like_dates(names[i : i + 1]) for i in range(min(len(names), 20))], dtype=pl.Boolean)
    if numbers.all() or (dated.any() and (numbers[: len(dated)] | dated).all()):
        shown = listed([repr(name) for name in frame.columns], 3)
        raise PanelError(f"the first row of {file} holds {shown} where column names should be. Add a header row.")


# ---------------------------------------------------------------- arrays


def _load_arrays(source: np.ndarray | list[Any] | tuple[Any, ...]) -> Table:
    """One array, or a list of arrays of one series each, which begin together."""
    import polars as pl

    if not isinstance(source, np.ndarray) and any(isinstance(i, list | tuple) or np.ndim(i) > 0 for i in source):
        return Table(_long([_as_numbers(item, f"series {n} of the list", 1) for n, item in enumerate(source, 1)]))
    values = _as_numbers(source, "the array" if isinstance(source, np.ndarray) else f"the {type(source).__name__}", 2)
    if values.ndim == 1:
        return Table(pl.DataFrame({"y": values}))
    columns = {f"series_{n}": column_T for n, column_T in enumerate(values.T, 1)} if values.shape[1] > 1 else {}
    return Table(pl.DataFrame({"ds": np.arange(1, len(values) + 1), **(columns or {"y": values[:, 0]})}))


def _long(series: list[np.ndarray]) -> pl.DataFrame:
    """Series of any lengths, one below the other."""
    import polars as pl

    length_N = [len(values_T) for values_T in series]
    names = np.array([f"series_{n}" for n in range(1, len(series) + 1)], dtype=object)
    times = [np.arange(1, length + 1) for length in length_N]
    return pl.DataFrame(
        {"unique_id": np.repeat(names, length_N), "ds": np.concatenate(times), "y": np.concatenate(series)}
    )


def _as_numbers(values: Any, what: str, most: int) -> np.ndarray:
    """(T,) or, with ``most`` 2, (T, N) float64 with nan for what is masked. Raises PanelError."""
    try:
        array = np.ma.asanyarray(values)
    except ValueError as error:  # lists of different lengths within a list
        raise PanelError(f"{what} is no array: {error}.") from error
    if not 1 <= array.ndim <= most:
        give = "(T,) for one series, (T, N) for N series side by side" if most > 1 else "(T,) for each series"
        raise PanelError(f"{what} has the shape {array.shape}. Give {give}, or a list of series.")
    if not array.size:
        raise PanelError(f"{what} is empty. Give at least two values.")
    if array.dtype.kind not in "iuf":
        raise PanelError(f"{what} holds {array.dtype}, not numbers. Give floats or integers, with nan where missing.")
    return np.ma.filled(array.astype(np.float64), np.nan)


# ---------------------------------------------------------------- frames


def _load_frame(source: Any) -> Table:
    import narwhals as nw
    import polars as pl

    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    try:
        frame = nw.from_native(source, allow_series=True)
    except TypeError as error:
        raise PanelError(
            f"cannot read a {type(source).__name__}. Give a path, a frame of pandas, polars or pyarrow, or an array."
        ) from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    frame = _with_index(frame.to_frame() if isinstance(frame, nw.Series) else frame)
    library = frame.implementation
    backend = "pandas" if library.is_pandas_like() else "pyarrow" if library.is_pyarrow() else "polars"
    return Table(_plain_types(_to_polars(frame)), backend=backend)


def _with_index(frame: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Turn a pandas index that holds something, such as the dates, into columns; unnamed ones become "ds"."""
    import narwhals as nw

    if not frame.implementation.is_pandas_like():
        return frame
    native = frame.to_native()
    if all(isinstance(name, str) for name in native.columns) is False:
        native = native.rename(columns=lambda name: "y" if name is None or len(native.columns) == 1 else str(name))
    index = native.index
    held = [name for name in index.names if name is not None]
    dated = type(index).__name__ in ("DatetimeIndex", "PeriodIndex", "DatetimeTZIndex")
    if type(index).__name__ == "PeriodIndex":
        native = native.set_axis(index.to_timestamp())
    if held or dated:
        native = native.rename_axis("ds") if not held else native
        clash = [name for name in held if name in native.columns]
        native = native.reset_index(drop=bool(clash))
    return nw.from_native(native, eager_only=True)


def _to_polars(frame: nw.DataFrame[Any]) -> pl.DataFrame:
    """Columns one by one through numpy for pandas, so that pandas alone is enough; else as the library offers."""
    import polars as pl

    if frame.implementation.is_polars():
        native = frame.to_native()
        assert isinstance(native, pl.DataFrame)
        return native
    if not frame.implementation.is_pandas_like():
        return frame.to_polars()
    return pl.DataFrame([_pandas_column(frame[name]) for name in frame.columns])


def _pandas_column(column: nw.Series[Any]) -> pl.Series:
    import narwhals as nw
    import polars as pl

    kind = column.dtype
    if isinstance(kind, nw.Datetime):
        plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else column
        times = pl.Series(column.name, plain.to_numpy().astype("datetime64[us]"))
        zone = kind.time_zone
        return times.dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else times
    if kind.is_numeric() and not column.is_null().any():
        return pl.Series(column.name, column.to_numpy())
    if kind.is_numeric():
        return pl.Series(column.name, column.cast(nw.Float64).to_numpy())
    values = [None if gone else value for value, gone in zip(column.to_list(), column.is_null().to_list(), strict=True)]
    mixed = len({type(value) for value in values if value is not None}) > 1
    if mixed:
        values = [None if value is None else str(value) for value in values]
    return pl.Series(column.name, values)


def _plain_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Categories as text and decimals as floats."""
    import polars as pl
    from polars import selectors as cs

    return frame.with_columns(
        cs.categorical().cast(pl.String), cs.enum().cast(pl.String), cs.decimal().cast(pl.Float64)
    )
