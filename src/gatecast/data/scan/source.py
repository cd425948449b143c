"""``gc.scan``: Parquet files as a source of panels, for data that are larger than memory."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.scan.index import Shard, index_of, shards_of
from gatecast.data.schema import Schema
from gatecast.data.tables.intake import KEY_JOIN
from gatecast.data.tables.reading import read
from gatecast.errors import PanelError, listed

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SHARD_ROWS", "PanelSource", "as_panel_of", "files_of", "frame_of", "scan"]

SHARD_ROWS = 500_000  # of a shard: some 100 MB while it is forecast
MAGIC = b"PAR1"
HEAD_ROWS = 20_000  # that say what the columns mean


@dataclass(frozen=True, eq=False)
class PanelSource:
    """Parquet files, and where each series lies in them; the values stay on disk.

    Args:
        files: their paths, in order.
        reading: how rows become series, as ``gatecast.read`` takes it.
        head: a panel of the first rows, which has the columns and the frequency of all.
        index: a polars frame with a row per series: key columns, file, first, rows, begin, end, size.
        shard_rows: about as many rows are read at a time.
    """

    files: tuple[str, ...]
    reading: Mapping[str, Any]
    head: Panel
    index: pl.DataFrame
    shard_rows: int = SHARD_ROWS

    def __len__(self) -> int:
        """Number of series N."""
        return self.index.height

    def __repr__(self) -> str:
        return f"<PanelSource {self.describe()}>"

    @property
    def rows(self) -> int:
        """Number of rows of all series together."""
        return int(self.index["rows"].sum())

    @property
    def lengths(self) -> Any:
        """(N,) rows of each series."""
        return self.index["rows"].to_numpy()

    @property
    def schema(self) -> Schema:
        """The columns and what they mean."""
        return self.head.schema

    @property
    def frequency(self) -> Frequency:
        """The step between two rows, as the first rows show it or ``frequency=`` says; each shard is checked for it."""
        return self.head.frequency

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name the series."""
        return tuple(self.reading["series"])

    @property
    def together(self) -> bool:
        """The rows of each series lie one after the other, so that each row is read once."""
        return bool(self.index["together"].all())

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        """The parts that are read one at a time; they depend on the files and ``shard_rows`` alone."""
        return tuple(shards_of(self.index, self.files, self.keys, self.shard_rows))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the files' names, sizes and times of change, and of how they are read."""
        found = hashlib.sha256(repr((sorted(self.reading.items()), self.shard_rows)).encode())
        for file in self.files:
            stat = Path(file).stat()
            found.update(f"{file}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        return found.hexdigest()

    def describe(self) -> str:
        """One line for people."""
        low, high = int(self.index["rows"].min() or 0), int(self.index["rows"].max() or 0)  # type: ignore[arg-type]
        steps = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        files = f"{len(self.files):,} file{'s' if len(self.files) > 1 else ''}"
        return f"{len(self):,} series · {steps} {self.frequency.plural(high)} · {self.rows:,} rows in {files}"

    def panels(self) -> Iterator[Panel]:
        """All series, a shard at a time."""
        for shard in self.shards:
            yield as_panel_of(frame_of(shard, self.files, self.keys), self.reading)

    def panel_of(self, chosen: pl.DataFrame) -> Panel:
        """The series of some rows of the index as a panel, in the order of the files."""
        import polars as pl

        keys = chosen.select(self.keys)
        parts = [
            pl.scan_parquet(file).join(keys.lazy(), on=list(self.keys), how="semi").collect(engine="streaming")
            for number, file in enumerate(self.files)
            if not self.together or (chosen["file"] == number).any()
        ]
        return as_panel_of(pl.concat(parts, how="vertical_relaxed"), self.reading)


def as_panel_of(frame: pl.DataFrame, reading: Mapping[str, Any]) -> Panel:
    """Rows as a panel, read as a source says."""
    return read(frame, **reading)


def frame_of(shard: Shard, files: Sequence[str], keys: Sequence[str]) -> pl.DataFrame:
    """The rows of a shard: a slice of one file, or, where series are scattered, what all files have of them."""
    import polars as pl

    if not shard.keys:
        return pl.scan_parquet(shard.file).slice(shard.first, shard.rows).collect()
    wanted = pl.DataFrame([list(key) for key in shard.keys], schema=list(keys), orient="row").lazy()
    parts = [pl.scan_parquet(file).join(wanted, on=list(keys), how="semi") for file in files]
    return pl.concat([part.collect(engine="streaming") for part in parts], how="vertical_relaxed")


def scan(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    series: str | Sequence[str] | None = None,
    time: str | Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    past: str | Sequence[str] = (),
    future: str | Sequence[str] = (),
    static: str | Sequence[str] = (),
    frequency: str | None = None,
    gaps: str = "error",
    shard_rows: int = SHARD_ROWS,
) -> PanelSource:
    """Look through Parquet files that are larger than memory, once; values are read later, a shard at a time.

    Args:
        source: a pattern such as "sales/*.parquet", a folder, a file, or a list of files. Files in which the rows of
            each series lie together are read once; others once for every shard.
        series: column that names the series, or several that do so together; found in the first rows by default.
        time: column of dates, periods or whole steps; found by default.
        target: column(s) to forecast; by default "y", or the only column of numbers.
        past: covariates known until the origin only.
        future: covariates known over the horizon too.
        static: covariates that are constant in each series.
        frequency: "h", "D", "W", "MS", ...; found in the first rows by default.
        gaps: what absent times are, as for ``gatecast.read``.
        shard_rows: about as many rows are in memory at a time, for each worker.

    Raises:
        PanelError: there is no such file, or its columns make no series.

    >>> import polars as pl, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> table = pl.DataFrame({"id": ["a"] * 3 + ["b"] * 3, "step": [1, 2, 3] * 2, "y": [1.0, 2, 3, 4, 5, 6]})
    >>> table.write_parquet(f"{folder}/part-0.parquet")
    >>> scan(folder, series="id", time="step")
    <PanelSource 2 series · 3 steps · 6 rows in 1 file>
    """
    import polars as pl

    files = files_of(source)
    reading: dict[str, Any] = {
        "series": series, "time": time, "target": target, "past": past, "future": future, "static": static,
        "frequency": frequency, "gaps": gaps,
    }  # fmt: skip
    head = read(pl.scan_parquet(files[0]).head(HEAD_ROWS).collect(), **reading)
    keys, times = (tuple(name.split(KEY_JOIN)) for name in head.names)
    known = pl.scan_parquet(files[0]).collect_schema().names()
    if any(name not in known for name in (*keys, *times)):
        raise PanelError(f"{files[0]} names no series: {keys[0]!r} is no column of it. A source needs a series column.")
    reading |= {
        "series": keys, "time": times, "target": head.targets, "frequency": head.frequency.to_text(),
        "dtype": head.values_RV.dtype.name,  # a part may not decide otherwise
    }  # fmt: skip
    index = index_of(files, keys, times, head.targets[0] if head.targets[0] in known else None)
    return PanelSource(tuple(files), reading, head, index, shard_rows)


def files_of(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """The files of a pattern, a folder or a list, in the order of their names."""
    if not source or not isinstance(source, str | os.PathLike | Sequence):
        raise PanelError(f"{source!r} names no Parquet files. Give a pattern, a folder, a file, or a list of files.")
    if not isinstance(source, str | os.PathLike):
        found = [os.fspath(one) for one in source]
    elif Path(source).is_dir():
        found = sorted(str(path) for path in Path(source).rglob("*.parquet"))
    else:
        found = sorted(glob.glob(os.fspath(source), recursive=True))
    missing = next((name for name in found if not Path(name).is_file()), None)
    if missing or not found:
        raise PanelError(f"{missing or str(source)!r}: there is no such Parquet file.")
    other = [name for name in found if not _is_parquet(name)]
    if other:
        raise PanelError(
            f"{listed(other, 3)}: {len(other):,} of {len(found):,} files are no Parquet, or cut short. Write the table "
            f"as Parquet, sorted by series, or read it whole."
        )
    return [str(Path(name).resolve()) for name in found]


def _is_parquet(name: str) -> bool:
    """Whether a file begins and ends as Parquet does."""
    with open(name, "rb") as file:
        begin, size = file.read(4), file.seek(0, os.SEEK_END)
        file.seek(max(size - 4, 0))
        return begin == file.read(4) == MAGIC
