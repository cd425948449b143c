"""A table as it came, whatever the source, and how its cells are to be taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatecast.errors import GatecastError, PanelError, Part, listed

if TYPE_CHECKING:
    import polars as pl

__all__ = ["AS_FOUND", "Layout", "Table", "guarded", "plain_types", "refuse_doubled"]


@dataclass(frozen=True)
class Layout:
    """What the user says of the shape of a file.

    Args:
        skip: rows to leave out at its beginning.
        header: the row that holds the names of the columns, counted from 1; 0 = none does; None = it is found.
        sheet: of a spreadsheet, by its name or its number from 1; None = the first that holds something.
        query: the rows of a database that are meant, or of the files: a SELECT.
    """

    skip: int = 0
    header: int | None = None
    query: str | None = None
    sheet: str | int | None = None


AS_FOUND = Layout()


@dataclass(frozen=True)
class Table:
    """A table as it came.

    Args:
        frame: its columns, as polars has them; those of a CSV file are all text.
        backend: the library that frames go out in: "pandas", "polars" or "pyarrow".
        file: name of the file, or "" for a frame.
        first_row: number of the first row of data as people count it (the header of a CSV file is row 1).
        decimal_comma: whether 1,5 may be one and a half.
        rows: (R,) numbers of the rows, where they do not simply follow each other.
        notes: what was not obvious in reading it.
        exact: whether numbers in text come from typed cells, whose dots are decimal signs.
        turned: whether its columns were times.
    """

    frame: pl.DataFrame
    backend: str = "polars"
    file: str = ""
    first_row: int = 1
    decimal_comma: bool = False
    rows: np.ndarray | None = None
    notes: tuple[Part, ...] = ()
    exact: bool = False
    turned: bool = False

    @property
    def of_file(self) -> str:
        """What follows a row number in a message; nothing for a frame."""
        return f" of {self.file}" if self.file else ""

    @property
    def row_R(self) -> np.ndarray:
        """(R,) numbers of the rows as people count them."""
        return self.rows if self.rows is not None else np.arange(self.frame.height) + self.first_row


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Tell whatever another library raises on a damaged table as one PanelError.

    polars raises a panic of Rust as a BaseException.
    """
    try:
        yield
    except (GatecastError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise PanelError(f"{what} cannot be read: {lines[0][:300]}") from error


def refuse_doubled(names: list[str], of: str) -> None:
    """Raise PanelError for several columns of one name."""
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise PanelError(f"{of} has several columns {listed([repr(name) for name in twice], 3)}. Give each its name.")


def plain_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Categories as text, decimals as floats, lists and other nested cells as the text of them."""
    import polars as pl
    from polars import selectors as cs

    frame = frame.with_columns(
        cs.categorical().cast(pl.String), cs.enum().cast(pl.String), cs.decimal().cast(pl.Float64)
    )
    nested = [n for n, kind in frame.schema.items() if kind.is_nested() or kind in (pl.Object, pl.Binary)]
    told = {n: [None if cell is None else str(cell) for cell in frame[n].to_list()] for n in nested}
    lengths = frame.select(cs.duration().dt.total_microseconds())
    return frame.with_columns(
        *lengths.get_columns(), *(pl.Series(n, cells, dtype=pl.String) for n, cells in told.items())
    )
