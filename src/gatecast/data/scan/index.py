"""Where every series lies in some Parquet files: one pass over them, a file at a time, never the whole panel.

file 0   rows  ├── a ──┤├──── b ────┤├ c ┤        one line of the index for each: file, first row, rows, mean size
file 1         ├──── d ────┤├ e ┤                 shards are runs of such lines
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gatecast.errors import PanelError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Shard", "index_of", "shards_of"]

ROW = "__row__"


@dataclass(frozen=True)
class Shard:
    """Some series that lie one after the other in one file; of scattered series, names instead.

    Args:
        number: from 0.
        file: path of the file.
        first: first row there.
        rows: rows.
        series: number of series.
        keys: where the rows do not lie together: one list of the key columns' values for each series.
    """

    number: int
    file: str
    first: int
    rows: int
    series: int
    keys: tuple[tuple[Any, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def index_of(files: Sequence[str], keys: Sequence[str], time: Sequence[str], target: str | None) -> pl.DataFrame:
    """One row per series: the key columns, file, first, rows, begin, end, size (mean absolute target), together.

    Series are in the order of the files. ``together`` is whether the rows of all series lie one after the other.
    """
    import polars as pl

    parts = []
    for number, file in enumerate(files):
        lazy = pl.scan_parquet(file, row_index_name=ROW)
        size = pl.lit(0.0) if target is None else pl.col(target).cast(pl.Float64, strict=False).abs().mean()
        found = lazy.group_by(list(keys)).agg(
            pl.lit(number).first().alias("file"),
            pl.col(ROW).min().cast(pl.Int64).alias("first"),
            pl.col(ROW).max().cast(pl.Int64).alias("last"),
            pl.len().cast(pl.Int64).alias("rows"),
            *[pl.col(name).min().alias("begin") for name in time[:1]],
            *[pl.col(name).max().alias("end") for name in time[:1]],
            size.fill_null(0.0).alias("size"),
        )
        parts.append(found.collect(engine="streaming").sort("first"))
    whole = pl.concat(parts, how="vertical_relaxed")
    apart = (whole["last"] - whole["first"] + 1 != whole["rows"]).any()
    if apart or whole.select(keys).is_duplicated().any():
        whole = _gathered(whole, keys)
        return whole.with_columns(pl.lit(False).alias("together"))
    return whole.with_columns(pl.lit(True).alias("together"))


def _gathered(whole: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """One row per series, whatever files it is in; in the order of the keys."""
    import polars as pl

    times = [pl.col("begin").min(), pl.col("end").max()] if "begin" in whole.columns else []
    weighted = (pl.col("size") * pl.col("rows")).sum() / pl.col("rows").sum()
    return (
        whole.group_by(list(keys))
        .agg(
            pl.col("file").min(), pl.col("first").min(), pl.col("last").max(), pl.col("rows").sum(), *times,
            weighted.alias("size"),
        )
        .sort(list(keys))
    )  # fmt: skip


def shards_of(index: pl.DataFrame, files: Sequence[str], keys: Sequence[str], most_rows: int) -> list[Shard]:
    """Runs of series with about so many rows each, none over the end of a file. They depend on the files alone."""
    if not index.height:
        raise PanelError("the files hold no row.")
    together = bool(index["together"][0])
    file, first, rows = (index[name].to_list() for name in ("file", "first", "rows"))
    shards: list[Shard] = []
    begin = total = 0
    for n, count in enumerate(rows):
        total += count
        last = n + 1 == len(rows)
        if not last and total < most_rows and (file[n + 1] == file[n] or not together):
            continue
        names = () if together else tuple(index.select(keys).slice(begin, n + 1 - begin).rows())
        shards.append(Shard(len(shards), files[file[begin]], first[begin], total, n + 1 - begin, names))
        begin, total = n + 1, 0
    return shards
