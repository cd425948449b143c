"""CSV files of any usual kind: encoding, line ends, separator; plain ones by polars, the others row by row."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import numpy as np
import polars as pl

from gatecast.data.tables.shapes.headers import Body, find_body, looks_like_data
from gatecast.data.tables.shapes.table import AS_FOUND, Layout, Table, refuse_doubled
from gatecast.data.tables.times.words import TOTALS
from gatecast.errors import PanelError, Part, listed

__all__ = ["as_utf8", "read_text"]

_SEPARATORS = ",;\t|"
_SAMPLE = 1 << 16
_HEAD, _MOST_CONTROL = 4096, 0.02  # bytes at the beginning, and how many of them may be signs that no text has
_LONGEST_CELL = 1 << 20
_LONGEST_RECORD = 20  # lines


def read_text(raw: bytes, file: str, layout: Layout = AS_FOUND) -> Table:
    """Read the bytes of a CSV file.

    Raises:
        PanelError: it has no header, no rows, or rows of many widths.
    """
    _refuse_what_is_no_table(raw[:_HEAD], file)
    raw, notes = as_utf8(raw, file)
    raw, separator = _declared(raw)
    sample = raw[:_SAMPLE].decode(errors="ignore")
    separator = separator or _sniff(sample)
    if layout == AS_FOUND:
        table = _plain(raw, sample, separator, file)
        if table is not None:
            return Table(table, file=file, first_row=2, decimal_comma=separator != ",", notes=tuple(notes))
    return _careful(raw.decode(), separator, file, layout, notes)


# ---------------------------------------------------------------- bytes


def _refuse_what_is_no_table(head: bytes, file: str) -> None:
    """Pictures, programs and pages of the web, which would only look like a very ragged table."""
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|body|table)\b", head, re.IGNORECASE):
        raise PanelError(f"{file} cannot be read: it holds a page of the web or XML. Save its table as CSV.")
    signs = np.frombuffer(head, np.uint8)
    odd = ((signs < 9) | ((signs > 13) & (signs < 32))).mean()
    if odd > _MOST_CONTROL and _utf16(head) is None:
        raise PanelError(f"{file} cannot be read: it holds bytes that are no text, as pictures and programs do.")


def as_utf8(raw: bytes, file: str) -> tuple[bytes, list[Part]]:
    """The text of a file in UTF-8, with one kind of line ends."""
    notes: list[Part] = []
    wide = _utf16(raw)
    if wide is not None:
        try:
            raw = raw.decode(wide).lstrip("\ufeff").encode()
        except UnicodeDecodeError as error:
            raise PanelError(f"{file} cannot be read: it is UTF-16 that ends within a character.") from error
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        raw.decode()
    except UnicodeDecodeError:
        raw, name = _of_one_byte(raw)
        notes.append(f"{file} is no UTF-8: it is read as {name}")
    if b"\r" in raw and b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    return raw, notes


def _utf16(raw: bytes) -> str | None:
    """UTF-16 by its mark, or by a zero in every second byte."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = np.frombuffer(raw[:400], np.uint8)
    if len(head) < 8:
        return None
    even, odd = (head[::2] == 0).mean(), (head[1::2] == 0).mean()
    return "utf-16-le" if odd > 0.9 and even < 0.1 else "utf-16-be" if even > 0.9 and odd < 0.1 else None


def _of_one_byte(raw: bytes) -> tuple[bytes, str]:
    """What spreadsheets in western Europe write; five bytes have no character there."""
    try:
        return raw.decode("cp1252").encode(), "Windows-1252"
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode(), "Latin-1"


def _declared(raw: bytes) -> tuple[bytes, str]:
    """The separator that a first line "sep=;" names; the line is made empty, so that rows keep their numbers."""
    line = raw.lstrip(b"\r\n")[:9].split(b"\n")[0].strip(b'\r"')
    sign = line[4:].replace(b"\\t", b"\t")
    if line.lower().startswith(b"sep=") and len(sign) == 1:
        return raw[raw.index(b"\n") if b"\n" in raw else len(raw) :], sign.decode(errors="replace")
    return raw, ""


def _sniff(sample: str) -> str:
    """The separator that cuts the most lines into the same number of fields, several of them."""
    lines = [line for line in _records(sample.splitlines()[:200]) if line.strip()]
    lines = lines if len(lines) < 3 or len(sample) < _SAMPLE - 4 else lines[:-1]
    return max(_SEPARATORS, key=lambda sign: _evenness(lines, sign))


def _evenness(lines: list[str], sign: str) -> tuple[float, int, float, int]:
    """How even the lines are, how many are so (names count), the share of numbers and times, and fields in a line."""
    counts = Counter(_fields(line, sign) for line in lines)
    counts.pop(1, None)
    if not counts:
        return 0.0, 0, 0.0, 0
    width, often = max(counts.items(), key=lambda item: (item[1], item[0]))
    head = _fields(lines[0], sign) == width
    cells = [cell for line in lines[:50] if _fields(line, sign) == width for cell in line.split(sign)]
    data = sum(looks_like_data([cell.strip(' "')]) for cell in cells)
    return round(often / len(lines), 1) + head, often, round(data / max(len(cells), 1), 1), width


def _records(lines: list[str]) -> list[str]:
    """Lines put together where quotes hold the end of a line; quotes that nothing closes hold none."""
    made: list[str] = []
    held = 0  # lines since quotes were opened
    for k, line in enumerate(lines):
        if held:
            made[-1] += "\n" + line
            held = 0 if line.count('"') % 2 else held + 1
            if held == _LONGEST_RECORD:
                return [*made[:-1], *made[-1].split("\n"), *lines[k + 1 :]]
        else:
            made.append(line)
            held = line.count('"') % 2
    return made if not held else [*made[:-1], *made[-1].split("\n")]


def _fields(line: str, sign: str) -> int:
    return 1 + "".join(line.split('"')[::2]).count(sign)


# ---------------------------------------------------------------- plain files


def _plain(raw: bytes, sample: str, separator: str, file: str) -> pl.DataFrame | None:
    """The frame of a file whose first row names the columns of all others; None where more care is needed."""
    lines = sample.lstrip("\r\n").splitlines()[:100]
    if len(lines) < 2 or sample[:1] in "\r\n" or not _is_plain(lines, separator, len(sample) < _SAMPLE - 4):
        return None
    try:
        frame = pl.read_csv(io.BytesIO(raw), separator=separator, infer_schema=False, truncate_ragged_lines=False)
    except pl.exceptions.PolarsError:
        return None  # the careful way says which row is at fault
    if not _even_rows(raw, frame, separator):
        return None
    twice = [name for name in frame.columns if f"{name}_duplicated_0" in frame.columns]
    if twice:
        raise PanelError(f"{file} has several columns {listed([repr(name) for name in twice], 3)}. Give each its name.")
    # polars leaves doubled quotes in names
    named = next(csv.reader(io.StringIO(sample.lstrip("\r\n"), newline=""), delimiter=separator))
    names = [name.strip() for name in (named if len(named) == frame.width else frame.columns)]
    refuse_doubled(names, file)
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    return frame.select([name for name in frame.columns if name or (frame[name].fill_null("") != "").any()])


def _is_plain(lines: list[str], separator: str, whole: bool) -> bool:
    """Whether the first rows are names and data of one width, and the data begin in the second row."""
    rows = list(csv.reader(lines if whole else lines[:-1], delimiter=separator))
    head, body = rows[0], rows[1:]
    if not body or any(len(row) != len(head) for row in body) or head[0].lstrip().startswith(("#", "//", "%%")):
        return False
    if sum(bool(cell.strip()) for cell in head) < max(len(head) - 1, 1) or looks_like_data(head):
        return False
    if any(row and row[0].lstrip().startswith("#") for row in body):
        return False
    return any(looks_like_data([cell]) for cell in body[0] if cell.strip())


def _even_rows(raw: bytes, frame: pl.DataFrame, separator: str) -> bool:
    """Whether no row is shorter than the header, nor a line of words below the data."""
    if frame.width < 2 or not frame.height:
        return True
    first, last = frame.row(0), frame.row(frame.height - 1)
    filled = [cell for cell in last if cell is not None and cell.strip()]
    if len(filled) < 2 or re.match(TOTALS, filled[0], re.IGNORECASE):
        return False
    if looks_like_data([first[0] or ""]) and not looks_like_data([last[0] or ""]):
        return False
    if frame[frame.columns[-1]].null_count() == 0:
        return True
    return b'"' not in raw and raw.count(separator.encode()) == (frame.width - 1) * (frame.height + 1)


# ---------------------------------------------------------------- all others


def _careful(text: str, separator: str, file: str, layout: Layout, notes: list[Part]) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        rows = []
        begin = 1
        for cells in reader:
            rows.append((begin, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise PanelError(f"{file} cannot be read: {error} (line {reader.line_num}).") from error
    finally:
        csv.field_size_limit(before)
    body = find_body(rows, file, layout)
    return table_of(body, file, separator != ",", notes)


def table_of(body: Body, file: str, decimal_comma: bool, notes: list[Part], exact: bool = False) -> Table:
    """A table of text from the rows of a body; columns without name and cells go."""
    columns = [[row[1][k] or None for row in body.rows] for k in range(len(body.names))]
    held = [k for k, name in enumerate(body.names) if name or any(cell and cell.strip() for cell in columns[k])]
    names = [body.names[k] for k in held]
    refuse_doubled(names, file)
    frame = pl.DataFrame({body.names[k]: pl.Series(columns[k], dtype=pl.String) for k in held})
    rows = np.array([number for number, _ in body.rows], dtype=np.int64)
    return Table(frame, file=file, decimal_comma=decimal_comma, rows=rows, notes=(*notes, *body.notes), exact=exact)
