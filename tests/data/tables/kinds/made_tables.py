"""Tables that a generator makes: times, keys and numbers by every habit, in every shape and from every source."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
from hypothesis import strategies as st
from tests.data.tables.kinds.made_numbers import numbers
from tests.data.tables.kinds.made_times import AXES, Axis

__all__ = ["SOURCES", "Made", "tables"]

TEXTS = ("csv", "xlsx of text", "ods", "json of text", "frame of text")
SOURCES = (*TEXTS, "xlsx", "parquet", "json", "json lines", "json columns", "pandas", "arrow", "dict")
SIGNS = "abcdefghXYZ ÄöéÑß中日Жé&'.,;|\"\n#%_-/😀"


@dataclass(frozen=True)
class Made:
    """A table and what it holds.

    Args:
        source: what is read.
        kind: what it is made of, for messages.
        axis: the times of all series.
        keys: the columns that name the series.
        names: (N) cells of these columns.
        values: (N, C, T) nan = missing.
        targets: columns to forecast; none where series stand beside each other or in rows.
        options: what is said of it from the start.
        answers: what settles each question that it leaves open.
    """

    source: Any
    kind: str
    axis: Axis
    keys: tuple[str, ...]
    names: list[tuple[Any, ...]]
    values: list[list[list[float]]]
    targets: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        shown = self.source[:3000] if isinstance(self.source, bytes) else self.source
        return f"Made({self.kind}, {self.axis.columns}, {self.names}, {self.options}, {self.answers}, {shown!r})"


@st.composite
def tables(draw: st.DrawFn) -> Made:
    """A table of one of three shapes; what is in its cells follows a seed, for speed."""
    source = draw(st.sampled_from(["csv"] * len(SOURCES) + list(SOURCES)))
    shape = draw(st.sampled_from(["long", "long", "wide", "turned"]))
    of_times = draw(st.sampled_from(kinds_of_times(shape)))
    count = draw(st.integers(5, 30))
    many_keys = draw(st.integers(1, 2)) if shape == "turned" else 1 if shape == "wide" else draw(st.integers(0, 3))
    rng = random.Random(draw(st.integers(0, 2**32)))
    return made(rng, source, shape, of_times, count, many_keys)


@cache
def kinds_of_times(shape: str) -> list[str]:
    """The axes that a table of a shape can have."""
    if shape == "long":
        return list(AXES)
    return [name for name, make in AXES.items() if _one_column(make(random.Random(0), 5), turned=shape == "turned")]


def _one_column(axis: Axis, *, turned: bool) -> bool:
    """Whether times of this kind can stand in one column, or in the names of columns, each but once."""
    cells = list(axis.columns.values())
    alone = len(cells) == 1 and "timezone" not in axis.answers
    return alone and not (turned and (axis.typed or axis.zoned or "week" in axis.columns or _meaningless(cells[0])))


def _meaningless(cells: list[Any]) -> bool:
    """Numbers that only the name of their column makes times."""
    return isinstance(cells[0], float) or (str(cells[0]).isdigit() and len(str(cells[0])) not in (4, 6, 8))


def made(rng: random.Random, source: str, shape: str, of_times: str, count: int, many_keys: int) -> Made:
    axis = AXES[of_times](rng, count)
    names, answers = some_names(rng, many_keys)
    keys = ("store", "item", "region")[:many_keys]
    sign = rng.choice(",.")
    many = rng.randint(1, 3) if shape == "long" else 1
    if shape == "long":  # a column has one style over all series
        T = len(axis.times)
        held = [numbers(rng, T * len(names), sign) for _ in range(many)]
        cells = [[column[n * T : n * T + T] for column, _ in held] for n in range(len(names))]
        values = [[column[n * T : n * T + T] for _, column in held] for n in range(len(names))]
    else:
        drawn = [numbers(rng, len(axis.times), sign, whole_column=False) for _ in names]
        cells, values = [[c] for c, _ in drawn], [[v] for _, v in drawn]
    targets = tuple(f"y{c}" for c in range(many)) if shape == "long" else ()
    typed = source not in TEXTS
    if source == "xlsx":  # the library that writes them keeps 16 digits
        values = [[[float(f"{v:.14g}") for v in column] for column in of] for of in values]
    shown: list[list[list[Any]]] = values if typed else cells  # type: ignore[assignment]
    head, rows = {"long": long, "wide": wide, "turned": turned}[shape](axis, keys, names, shown, targets)
    if shape == "long" and rng.random() < 0.3 and "timezone" not in axis.answers:
        rng.shuffle(rows)
    options = {"target": targets} if targets else {}
    answers = {**answers, **axis.answers, "decimal": sign, "na": "-"}
    if shape == "wide":
        answers |= {"wide": True, "time": tuple(axis.columns), "target": tuple(map(str, head[1:]))}
        del answers["series"]
    if shape == "long":
        answers |= {"time": tuple(axis.columns)}
    what = source_of(rng, source, head, rows, beside=len(axis.columns) if shape == "long" else 1)
    kind = f"{source}, {shape}, {of_times}"
    return Made(what, kind, axis, keys if shape != "wide" else (), names, values, targets, options, answers)


# ---------------------------------------------------------------- shapes


def long(axis: Axis, keys: Any, names: Any, cells: Any, targets: Any) -> tuple[list[str], list[list[Any]]]:
    rows = [
        [*name, *(column[t] for column in axis.columns.values()), *(column[t] for column in of_series)]
        for name, of_series in zip(names, cells, strict=True)
        for t in range(len(axis.times))
    ]
    return [*keys, *axis.columns, *targets], rows


def wide(axis: Axis, keys: Any, names: Any, cells: Any, targets: Any) -> tuple[list[str], list[list[Any]]]:
    (called, labels), *_ = axis.columns.items()
    rows = [[label, *(column[0][t] for column in cells)] for t, label in enumerate(labels)]
    return [called, *(str(name[0]) for name in names)], rows


def turned(axis: Axis, keys: Any, names: Any, cells: Any, targets: Any) -> tuple[list[str], list[list[Any]]]:
    labels = next(iter(axis.columns.values()))
    return [*keys, *map(str, labels)], [[*name, *of[0]] for name, of in zip(names, cells, strict=True)]


def some_names(rng: random.Random, keys: int) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    """Series, each named by so many words or codes; what answers a question for their columns."""
    names: list[tuple[Any, ...]] = [()]
    for k in range(keys):
        kind = rng.choice(["words", "words", "codes", "zeros", "numbers"])
        wanted = rng.randint(1 + (k == 0), 3)
        part: list[Any] = []
        while len(part) < wanted:
            one = _name(rng, kind)
            part += [one] if one not in part else []
        names = [(*name, one) for name in names for one in part]
    return names, {"series": ("store", "item", "region")[:keys]} if keys else {}


def _name(rng: random.Random, kind: str) -> Any:
    if kind == "numbers":
        return rng.randint(1, 5000)
    if kind == "words":
        word = "".join(rng.choice(SIGNS) for _ in range(rng.randint(1, 8))).strip()
        return word if any(sign.isalpha() for sign in word) and word[0].isalpha() else f"k{word}".strip()
    return f"{rng.randint(1, 99):03}" if kind == "zeros" else f"S{rng.randint(1, 99):03}"


# ---------------------------------------------------------------- sources


def source_of(rng: random.Random, kind: str, head: list[str], rows: list[list[Any]], beside: int) -> Any:
    """What is read: bytes of a file, or a frame."""
    if kind == "csv":
        return csv_of(rng, head, rows, beside)
    if kind in ("xlsx of text", "ods"):
        return (xlsx_of if kind.startswith("xlsx") else ods_of)(sheet_of(rng, head, rows))
    rows = [[None if cell == "" or str(cell) == "nan" else cell for cell in row] for row in rows]
    return json_of(kind, head, rows) if kind.startswith("json") else frame_of(kind, head, rows)


def json_of(kind: str, head: list[str], rows: list[list[Any]]) -> bytes:
    """Records, a record to a line, or columns."""
    records = [dict(zip(head, map(_plain, row), strict=True)) for row in rows]
    if kind == "json lines":
        return ("\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n").encode()
    held = {name: [record[name] for record in records] for name in head} if kind == "json columns" else records
    return json.dumps(held).encode()


def frame_of(kind: str, head: list[str], rows: list[list[Any]]) -> Any:
    """A frame of a library, or the file that it writes."""
    columns = {name: [row[k] for row in rows] for k, name in enumerate(head)}
    if kind == "dict":
        return columns
    frame = pl.DataFrame({name: pl.Series(column, strict=False) for name, column in columns.items()})
    if kind in ("xlsx", "parquet"):
        out = io.BytesIO()
        (frame.write_excel if kind == "xlsx" else frame.write_parquet)(out)
        return out.getvalue()
    return frame.to_pandas() if kind == "pandas" else frame.to_arrow() if kind == "arrow" else frame


def _plain(cell: Any) -> Any:
    return cell.isoformat() if hasattr(cell, "isoformat") else cell


def sheet_of(rng: random.Random, head: list[str], rows: list[list[Any]]) -> list[list[Any]]:
    """Cells of a spreadsheet, with what stands around a table there."""
    title = rng.choice([[], [["Report of May"], []], [["Report", "of May"], ["North"], []], [[], []]])
    foot = rng.choice([[], [], [[], ["Source: the till"]]])
    return [*title, head, *rows, *foot]


def csv_of(rng: random.Random, head: list[str], rows: list[list[Any]], beside: int) -> bytes:
    """The bytes of a file of text, with what stands around a table there."""
    keys = len(head) - beside - (len(rows[0]) - len(head))
    separator = rng.choice(",;\t|")
    end = rng.choice(["\n", "\r\n"])
    rows = [list(map(str, row)) for row in rows]
    if rng.random() < 0.15:  # as pandas and R write row numbers
        first = rng.choice([0, 1])
        head, rows = ["", *head], [[str(first + k), *row] for k, row in enumerate(rows)]
    elif rng.random() < 0.15 and keys >= 0:
        rows = [["" for _ in head], *rows] if rng.random() < 0.5 else [*rows, ["" for _ in head]]
    if rng.random() < 0.1:  # a separator at the end of each line
        head, rows = [*head, ""], [[*row, ""] for row in rows]
    out = io.StringIO()
    out.write(rng.choice(["", "", "", f"Report of May{end}{end}", f"# a comment{end}", f"sep={separator}{end}"]))
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerow(head)
    writer.writerows(rows)
    if rng.random() < 0.1:
        out.write(f"{end}Source: the till{end}")
    text = out.getvalue()
    encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"])
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode()


def xlsx_of(rows: list[list[Any]]) -> bytes:
    """A workbook whose cells are texts, or what they are."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    for k, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell != "":
                sheet.write_string(k, c, str(cell)) if isinstance(cell, str) else sheet.write(k, c, cell)
    book.close()
    return out.getvalue()


_ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body>'
    '<office:spreadsheet><table:table table:name="Sheet1">{}</table:table></office:spreadsheet></office:body>'
    "</office:document-content>"
)


def ods_of(rows: list[list[Any]]) -> bytes:
    """The least that is an OpenDocument spreadsheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        body = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        file.writestr("content.xml", _ODS.format(body))
        file.writestr("META-INF/manifest.xml", "<manifest/>")
    return out.getvalue()


def _ods_cell(cell: Any) -> str:
    if cell == "":
        return "<table:table-cell/>"
    text = "</text:p><text:p>".join(escape(str(cell)).split("\n"))
    number = isinstance(cell, int | float)
    kind = f'office:value-type="float" office:value="{cell}"' if number else 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{text}</text:p></table:table-cell>"
