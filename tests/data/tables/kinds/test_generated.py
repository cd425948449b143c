"""Tables that a generator makes: no traceback, and what is read is what was written, in every cell."""

from __future__ import annotations

import csv as csv_module
import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.tables.reading import read
from gatecast.errors import GatecastError

STEPS: dict[str, dt.timedelta] = {"D": dt.timedelta(days=1), "W": dt.timedelta(weeks=1), "h": dt.timedelta(hours=1)}
DATES = [
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%y-%m-%d",
    "%G-W%V-%u",
]
CLOCKS = [" %H:%M", "T%H:%M:%S", " %I:%M %p"]
NUMBERS: dict[str, Callable[[float], str]] = {
    "plain": repr,
    "German": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")),
    "English": lambda v: f"{v:,.2f}",
    "Swiss": lambda v: f"{v:,.2f}".replace(",", "'"),
    "French": lambda v: f"{v:,.2f}".replace(",", "\u202f").replace(".", ","),
    "euros": lambda v: f"€{v:,.2f}" if v >= 0 else f"-€{-v:,.2f}",
    "percent": lambda v: f"{v:.2f} %",
    "accounting": lambda v: f"{v:,.2f}" if v >= 0 else f"({-v:,.2f})",
    "whole thousands": lambda v: f"{round(v):,}",
    "German thousands": lambda v: f"{round(v):,}".replace(",", "."),
    "whole": lambda v: f"{round(v)}",
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, list[dt.datetime], list[float | None]]:
    """The bytes of a file, the times and the values that it holds."""
    step = draw(st.sampled_from(sorted(STEPS)))
    rows = draw(st.integers(2, 40))
    begin = draw(st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2060, 1, 1))).replace(
        minute=0, second=0, microsecond=0
    )
    begin = begin if step == "h" else begin.replace(hour=0)
    times = [begin + i * STEPS[step] for i in range(rows)]
    form = draw(st.sampled_from(DATES)) + (draw(st.sampled_from(CLOCKS)) if step == "h" else "")
    style = draw(st.sampled_from(sorted(NUMBERS)))
    whole = style in ("whole thousands", "German thousands", "whole")
    numbers = st.integers(-3_000_000, 3_000_000) if whole else st.floats(-1e6, 1e6).map(lambda v: round(v, 2))
    values = draw(st.lists(st.none() | numbers, min_size=rows, max_size=rows))
    if style == "German thousands":  # where every number has one dot nothing tells it from decimals
        values = [7, 1_234_567, *values[2:]]
    cells = ["" if v is None else NUMBERS[style](v) for v in values]
    out = io.StringIO()
    writer = csv_module.writer(
        out, delimiter=draw(st.sampled_from(",;\t|")), lineterminator=draw(st.sampled_from(["\n", "\r\n"]))
    )
    out.write(draw(st.sampled_from(["", "Report\n\n", "# a comment\n"])))
    writer.writerow(["date", "y"])
    order = draw(st.permutations(range(rows))) if draw(st.booleans()) else range(rows)
    writer.writerows([f"{times[i]:{form}}", cells[i]] for i in order)
    return out.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))), times, values


def check(raw: bytes, times: list[dt.datetime], values: list[float | None]) -> Panel | None:
    """Read; a question is an answer, a silent change is none."""
    try:
        panel = read(io.BytesIO(raw), dtype=np.float64, target="y")
    except GatecastError as error:
        assert "\n" not in str(error)  # noqa: PT017  a question in one line is an answer
        return None
    given_T = np.array([np.nan if v is None else float(v) for v in values])
    np.testing.assert_array_equal(panel.series(0)[:, 0], given_T)
    np.testing.assert_array_equal(panel.times(0).astype("datetime64[s]"), np.array(times, "datetime64[s]"))
    out = panel.to_frame("polars")
    assert out.height == len(times)
    np.testing.assert_array_equal(out["y"].fill_null(np.nan).to_numpy(), given_T)
    return panel


@given(tables())
def test_what_was_written_is_read(table: tuple[bytes, list[dt.datetime], list[float | None]]) -> None:
    check(*table)


def test_most_generated_tables_are_read() -> None:
    rows = [(dt.datetime(2024, 1, 25) + dt.timedelta(days=i), 1000.5 + i) for i in range(30)]
    for form in DATES:
        for name, write in NUMBERS.items():
            values = [float(round(v)) if "whole" in name or name == "German thousands" else v for _, v in rows]
            text = "date;y\n" + "".join(f"{t:{form}};{write(v)}\n" for (t, _), v in zip(rows, values, strict=True))
            if name in ("whole thousands", "German thousands"):
                continue  # every number has three digits behind its sign: that is a question
            assert check(text.encode(), [t for t, _ in rows], values) is not None, (form, name)


CELLS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | st.binary(max_size=4)
)
CELLS |= (
    st.dates() | st.datetimes() | st.times() | st.timedeltas() | st.lists(st.integers(0, 3), max_size=2) | st.decimals()
)
TEXTS = st.sampled_from(
    ["2024-01-01", "2024-W01", "Q1 2024", "1,5", "-", "€5", "12:00", "TRUE", "x", "", "?", "202401", "１２"]
)


@given(st.dictionaries(st.text(max_size=5), st.lists(CELLS | TEXTS, min_size=3, max_size=3), max_size=4), st.booleans())
@pytest.mark.filterwarnings("ignore")
def test_no_frame_is_a_traceback(columns: dict[str, list[Any]], pandas: bool) -> None:
    import pandas as pd

    try:
        frame: Any = pd.DataFrame(columns) if pandas else pl.DataFrame(columns, strict=False)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return  # the library cannot hold it
    for chosen in ({}, {"wide": True}, {"resample": "sum", "frequency": "D"}):
        try:
            read(frame, **chosen)
        except GatecastError as error:
            assert "\n" not in str(error)  # noqa: PT017  most are refused
            assert len(str(error)) < 4100  # noqa: PT017


@given(st.lists(st.lists(TEXTS | st.text(max_size=6), max_size=4), max_size=8), st.sampled_from(",;\t|"))
def test_no_file_is_a_traceback(rows: list[list[str]], sep: str) -> None:
    out = io.StringIO()
    csv_module.writer(out, delimiter=sep).writerows(rows)
    for raw in (
        out.getvalue().encode(errors="replace"),
        ("date,y\n" + out.getvalue()).encode("utf-16", errors="replace")[:-1],
    ):
        try:
            read(io.BytesIO(raw))
        except GatecastError as error:
            assert "\n" not in str(error)  # noqa: PT017  most are refused


@given(st.binary(max_size=60), st.sampled_from(["", "PAR1", "PK\x03\x04", "\x1f\x8b", "{", "[", "date,y\n"]))
def test_no_bytes_are_a_traceback(raw: bytes, head: str) -> None:
    try:
        read(io.BytesIO(head.encode("latin-1") + raw))
    except GatecastError as error:
        assert "\n" not in str(error)  # noqa: PT017  most are refused
