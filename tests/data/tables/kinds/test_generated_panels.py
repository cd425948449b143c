"""Tables of several series, keys and columns that a generator makes, long, wide or turned: every cell comes back.

Each is read, or asked about in one line; what is read equals what was written, cell by cell, time by time.
``HYPOTHESIS_PROFILE=random pytest --hypothesis-seed=0 -k every_cell`` searches further.
"""

from __future__ import annotations

import csv as csv_module
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from tests.data.tables.kinds.test_generated import CLOCKS, DATES, NUMBERS

from gatecast.data.panel import Panel
from gatecast.data.tables.reading import read
from gatecast.errors import GatecastError

MONTHS = ["%Y-%m", "%m/%Y", "%b %Y", "%B %Y", "%Y%m", "%b-%y", "%Y-%m-01", "01.%m.%Y"]
QUARTERS = ["{y}Q{q}", "{y}-Q{q}", "Q{q} {y}", "{q}Q{y}", "Q{q}/{y}"]
MORE_NUMBERS: dict[str, Callable[[float], str]] = {
    "trailing minus": lambda v: f"{v:,.2f}" if v >= 0 else f"{-v:,.2f}-",
    "dollars": lambda v: f"${v:,.2f}" if v >= 0 else f"-${-v:,.2f}",
    "German euros": lambda v: f"{v:,.2f} €".translate(str.maketrans(",.", ".,")),
    "decimal comma": lambda v: f"{v:.2f}".replace(".", ","),
    "one decimal": lambda v: f"{v:.1f}",
    "exponent": lambda v: f"{v:.16e}",
    "spaces": lambda v: f"{v:,.2f}".replace(",", " "),
    "typographic minus": lambda v: f"{v:.2f}".replace("-", "\u2212"),
}
STYLES = NUMBERS | MORE_NUMBERS
WHOLE = {"whole", "whole thousands", "German thousands"}
WITH_COMMA = {"German", "French", "German thousands", "German euros", "decimal comma"}
BY_SIGN = {",": sorted({*WITH_COMMA, "whole"}), ".": sorted(set(STYLES) - WITH_COMMA)}  # a file has one decimal sign
MARKS = ["", "NA", "n/a", "NaN", "?", "-", "..", "null", "#N/A"]
WORDS = st.text("abcdefgh ÄöéÑß&'", min_size=1, max_size=8).map(str.strip).filter(bool)


@dataclass(frozen=True)
class Made:
    """A file and what it holds.

    Args:
        raw: its bytes.
        targets: columns to forecast.
        beside: whether the series stand beside each other, or in rows, so that each has all times.
        times: (T,) times of all series.
        values: name of a series -> (T, C) values, nan = missing; an absent row is nan too.
    """

    raw: bytes
    targets: tuple[str, ...]
    beside: bool
    times: list[dt.datetime]
    values: dict[str, np.ndarray]


@st.composite
def axes(draw: st.DrawFn) -> tuple[list[dt.datetime], list[str]]:
    """Times one step apart, and how they are written."""
    count = draw(st.integers(4, 30))
    year, month, day = draw(st.integers(1980, 2049)), draw(st.integers(1, 12)), draw(st.integers(1, 28))
    kind = draw(st.sampled_from(["day", "week", "hour", "quarter hour", "month", "quarter", "year"]))
    if kind in ("month", "quarter", "year"):
        step = {"month": 1, "quarter": 3, "year": 12}[kind]
        first = 0 if kind == "year" else 3 * ((month - 1) // 3) if kind == "quarter" else month - 1
        at = [first + i * step for i in range(count)]
        times = [dt.datetime(year + m // 12, 1 + m % 12, 1) for m in at]
        if kind == "quarter":
            form = draw(st.sampled_from(QUARTERS))
            return times, [form.format(y=t.year, q=(t.month + 2) // 3) for t in times]
        form = draw(st.sampled_from(MONTHS if kind == "month" else ["%Y", "%Y-01-01", "31.12.%Y"]))
        if form.startswith("31"):
            times = [t.replace(month=12, day=31) for t in times]
        return times, [f"{t:{form}}" for t in times]
    step_of = {"day": dt.timedelta(1), "week": dt.timedelta(7), "hour": dt.timedelta(hours=1)}
    delta = step_of.get(kind, dt.timedelta(minutes=15))
    times = [dt.datetime(year, month, day) + i * delta for i in range(count)]
    form = draw(st.sampled_from(DATES)) + (draw(st.sampled_from(CLOCKS)) if "hour" in kind else "")
    return times, [f"{t:{form}}" for t in times]


@st.composite
def columns_of_numbers(draw: st.DrawFn, count: int, sign: str) -> tuple[list[float], list[str]]:
    """(count,) values with missing ones, and their cells in one style."""
    style = draw(st.sampled_from(BY_SIGN[sign]))
    places = 1 if style == "one decimal" else 2
    whole = st.integers(-3_000_000, 3_000_000).map(float)
    size = draw(st.sampled_from([1.0, 100.0, 3e3, 1e6]))
    numbers = whole if style in WHOLE else st.floats(-size, size).map(lambda v: round(v, places) + 0.0)
    if draw(st.booleans()):
        numbers = numbers.map(abs)
    mark = draw(st.sampled_from(MARKS))
    numbers = st.just(np.nan) | numbers if draw(st.booleans()) else numbers
    values = draw(st.lists(numbers, min_size=count, max_size=count))
    if style == "German thousands":  # where every number has one dot nothing tells it from decimals
        values[0] = 1_234_567.0
    return values, [mark if np.isnan(v) else STYLES[style](v) for v in values]


@st.composite
def names_of_series(draw: st.DrawFn, keys: int) -> list[tuple[str, ...]]:
    """Some series, each named by so many words."""
    if not keys:
        return [()]
    kind = draw(st.sampled_from(["words", "codes"]))
    word = WORDS if kind == "words" else st.integers(1, 99).map(lambda n: f"S{n:03}")
    parts = [draw(st.lists(word, min_size=1 + (k == 0), max_size=3, unique=True)) for k in range(keys)]
    names: list[tuple[str, ...]] = [()]
    for part in parts:
        names = [(*name, one) for name in names for one in part]
    return names


@st.composite
def tables(draw: st.DrawFn) -> Made:
    """A table of one of three shapes."""
    times, labels = draw(axes())
    shape = draw(st.sampled_from(["long", "long", "wide", "turned"]))
    keys = draw(st.integers(0 if shape == "long" else 1, 2 if shape == "long" else 1))
    series = draw(names_of_series(keys))
    count = draw(st.integers(1, 3)) if shape == "long" else 1
    sign = draw(st.sampled_from(sorted(BY_SIGN)))
    drawn = [[draw(columns_of_numbers(len(times), sign)) for _ in range(count)] for _ in series]
    if shape == "long":  # a column has one style over all series
        held = [draw(columns_of_numbers(len(times) * len(series), sign)) for _ in range(count)]
        cut = [slice(n * len(times), (n + 1) * len(times)) for n in range(len(series))]
        drawn = [[(values[part], cells[part]) for values, cells in held] for part in cut]
    keys_named = ("store", "item")[:keys]
    targets = tuple(f"y{c}" for c in range(count))
    rows: list[list[str]]
    if shape == "long":
        head = [*keys_named, "date", *targets]
        rows = [
            [*name, labels[t], *(cells[t] for _, cells in columns)]
            for name, columns in zip(series, drawn, strict=True)
            for t in range(len(times))
        ]
        if draw(st.booleans()):
            rows = draw(st.permutations(rows)) if len(rows) < 60 else rows[::-1]
    elif shape == "wide":
        head = ["date", *(name[0] for name in series)]
        rows = [[labels[t], *(columns[0][1][t] for columns in drawn)] for t in range(len(times))]
    else:
        head = ["store", *labels]
        rows = [[name[0], *columns[0][1]] for name, columns in zip(series, drawn, strict=True)]
    telling = [k for k in range(keys) if len({name[k] for name in series}) > 1]  # the others are left out, as is told
    values = {
        " · ".join(name[k] for k in telling): np.array([v for v, _ in columns]).T
        for name, columns in zip(series, drawn, strict=True)
    }
    return Made(draw(files(head, rows)), targets if shape == "long" else (), shape != "long", times, values)


@st.composite
def files(draw: st.DrawFn, head: list[str], rows: list[list[str]]) -> bytes:
    """The bytes of a file with these cells."""
    out = io.StringIO()
    out.write(draw(st.sampled_from(["", "", "Report of May\n\n", "# a comment\n"])))
    writer = csv_module.writer(
        out,
        delimiter=draw(st.sampled_from(",;\t|")),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
        quoting=draw(st.sampled_from([csv_module.QUOTE_MINIMAL, csv_module.QUOTE_ALL])),
    )
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))


def read_or_asked(made: Made, **options: object) -> Panel | None:
    """The panel; None where one line asks or refuses."""
    chosen = {"target": made.targets} if made.targets else {}
    try:
        return read(io.BytesIO(made.raw), dtype=np.float64, **chosen, **options)  # type: ignore[arg-type]
    except GatecastError as error:
        assert "\n" not in str(error)  # noqa: PT017  a question in one line is an answer
        return None


def require_same(panel: Panel, made: Made) -> None:
    """Every cell and every time is what was written.

    Of a series that stands beside others, what is missing at its ends goes, and all of it where nothing else is there.
    """
    held = {name: v for name, v in made.values.items() if not (made.beside and np.isnan(v).all())}
    assert len(held) <= len(panel) <= len(made.values)
    assert len(made.values) == 1 or set(held) <= set(panel.ids) <= set(made.values)
    times_T = np.array(made.times, "datetime64[s]")
    for n, name in enumerate(panel.ids):
        wanted_TC = made.values[name] if len(made.values) > 1 else next(iter(made.values.values()))
        at_S = np.searchsorted(times_T, panel.times(n).astype("datetime64[s]"))
        np.testing.assert_array_equal(panel.times(n).astype("datetime64[s]"), times_T[at_S])
        np.testing.assert_array_equal(panel.series(n), wanted_TC[at_S], err_msg=name)
        left_out = np.delete(wanted_TC, at_S, axis=0)
        assert np.isnan(left_out).all()
        assert made.beside or not len(left_out)
    frame = panel.to_frame("polars")
    back = np.column_stack([frame[target].fill_null(np.nan).to_numpy() for target in panel.targets])
    np.testing.assert_array_equal(back, np.concatenate([panel.series(n) for n in range(len(panel))]))


FIRST_IS_MISSING = Made(
    b"Report\n\nstore;item;date;y0\nnorth;tea;Q1 2020;\n"
    + b"".join(b"north;tea;Q%d 2020;%d.50\n" % (q, q) for q in (2, 3, 4)),
    ("y0",),
    beside=False,
    times=[dt.datetime(2020, month, 1) for month in (1, 4, 7, 10)],
    values={"": np.array([[np.nan], [2.5], [3.5], [4.5]])},
)


@given(tables())
@example(FIRST_IS_MISSING)  # was taken for a second row of names
def test_every_cell_comes_back(made: Made) -> None:
    panel = read_or_asked(made)
    if panel is not None:
        require_same(panel, made)
