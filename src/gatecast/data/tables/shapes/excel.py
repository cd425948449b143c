"""Spreadsheets: the cells as text find the table, the cells as they are typed fill it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import polars as pl

from gatecast.data.tables.shapes.headers import find_body
from gatecast.data.tables.shapes.table import AS_FOUND, Layout, Table, guarded
from gatecast.data.tables.shapes.text import table_of
from gatecast.errors import PanelError, Part, did_you_mean, listed

__all__ = ["SPREADSHEETS", "read_spreadsheet"]

SPREADSHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def read_spreadsheet(raw: bytes, file: str, layout: Layout = AS_FOUND) -> Table:
    """Read the sheet that is asked for, or the first one that holds something.

    Raises:
        PanelError: fastexcel is not there, there is no such sheet, or the file is damaged or empty.
    """
    try:
        import fastexcel
    except ImportError as error:
        told = f"{file} is a spreadsheet, which needs fastexcel: pip install 'gatecast[excel]'. Or save it as CSV."
        raise PanelError(told) from error
    logging.getLogger("fastexcel.types.dtype").setLevel(logging.ERROR)  # a column of no type stays text
    with guarded(file):
        reader = fastexcel.read_excel(raw)
        names = reader.sheet_names
        sheets = ((name, _cells(reader, name)) for name in _wanted(names, file, layout.sheet))
        name, text = next(((name, cells) for name, cells in sheets if cells.height), ("", pl.DataFrame()))
    if not text.height:
        raise PanelError(f"{file} is empty." if layout.sheet is None else f"sheet {layout.sheet!r} of {file} is empty.")
    rows = [(k, [cell or "" for cell in row]) for k, row in enumerate(text.iter_rows(), 1)]
    body = find_body(rows, file, layout)
    notes: list[Part] = []
    if len(names) > 1 and layout.sheet is None:
        notes.append(f"sheet {name!r} of {file} is read, of {listed([repr(one) for one in names])}")
    made = table_of(body, file, False, notes, exact=True)
    begin, end = body.rows[0][0], body.rows[-1][0]
    with guarded(file):
        part = text[begin - 1 : end]
        empty = {k: "string" for k in range(part.width) if part[:, k].null_count() == part.height}
        where: dict[str, Any] = {"header_row": None, "skip_rows": begin - 1, "n_rows": end - begin + 1, "dtypes": empty}
        typed = reader.load_sheet(name, **where).to_polars()
    table = _typed(made, body.names, typed, begin)
    return table if _mixed(reader, name, where, body.names, table.frame) else replace(table, exact=False)


def _mixed(reader: Any, name: str, where: dict[str, Any], names: list[str], frame: pl.DataFrame) -> bool:
    """Whether a column of text may hold numbers that are no text, whose dots are decimal signs."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    if not any(frame[name].str.contains(r"^[+-]?[0-9]*\.[0-9]+$").any() for name in texts):
        return False
    from fastexcel import UnsupportedColumnTypeCombinationError

    try:
        strict = reader.load_sheet(name, **where, dtype_coercion="strict").to_polars()
    except UnsupportedColumnTypeCombinationError:  # texts and numbers in one column
        return True
    return any(kind.is_numeric() and names[k] in texts for k, kind in enumerate(strict.dtypes[: len(names)]))


def _wanted(names: list[str], file: str, sheet: str | int | None) -> list[str]:
    """The names of the sheets that come into question; a name goes before a number."""
    if sheet is None or sheet in names:
        return names if sheet is None else [str(sheet)]
    if str(sheet).isdigit() and 1 <= int(sheet) <= len(names):
        return [names[int(sheet) - 1]]
    shown = listed([repr(name) for name in names])
    raise PanelError(f"{file} has no sheet {sheet!r}{did_you_mean(str(sheet), names)}. It has {shown}.")


def _cells(reader: Any, name: str) -> pl.DataFrame:
    sheet = reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="string", skip_whitespace_tail_rows=True)
    frame = sheet.to_polars()
    assert isinstance(frame, pl.DataFrame)
    return frame


def _typed(table: Table, names: list[str], typed: pl.DataFrame, begin: int) -> Table:
    """The table with the columns that the sheet holds as numbers, dates or truths."""
    if typed.width < len(names) or table.rows is None or typed.height < table.rows[-1] - begin + 1:
        return table
    picked = typed[(table.rows - begin).tolist()]
    columns = {}
    for name in table.frame.columns:
        cells = picked.to_series(names.index(name))
        lost = cells.null_count() > table.frame[name].null_count()
        columns[name] = table.frame[name] if cells.dtype == pl.String or lost else _whole(cells)
    return replace(table, frame=pl.DataFrame(columns))


def _whole(cells: pl.Series) -> pl.Series:
    """Spreadsheets know no whole numbers: what is whole in every cell is one."""
    if not cells.dtype.is_float():
        return cells
    whole = cells.cast(pl.Int64, strict=False)
    same = (whole.cast(pl.Float64) == cells).all() and (cells.abs() < 2**53).all()
    return whole if same and whole.null_count() == cells.null_count() < len(cells) else cells
