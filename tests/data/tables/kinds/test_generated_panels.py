"""Tables that a generator makes, from every source and in every shape: every cell comes back.

Each is read, or asked about in one line; with the answers to what it asks it is read. What is read equals what was
written, cell by cell, time by time, and so does what goes out again. ``GATECAST_TABLES=10000`` makes as many in all.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from tests.data.tables.kinds.made_tables import Made, tables
from tests.data.tables.kinds.made_times import Axis

from gatecast.data.panel import Panel
from gatecast.data.tables.reading import read
from gatecast.errors import GatecastError

SOME = 60  # here; as many of them as GATECAST_TABLES says
TABLES = int(os.environ.get("GATECAST_TABLES", SOME))
MOST_QUESTIONS = 6
AT_FIRST = 0.5  # of them are read without a question


def answered(made: Made) -> tuple[Panel, int]:
    """The panel, and how many questions it took; each names a setting that settles it."""
    options = dict(made.options)
    for asked in range(MOST_QUESTIONS):
        try:
            source = io.BytesIO(made.source) if isinstance(made.source, bytes) else made.source
            return read(source, dtype=np.float64, **options), asked
        except GatecastError as error:
            assert "\n" not in str(error)  # noqa: PT017  a question in one line is an answer
            wanted = [remedy["setting"] for remedy in error.remedies]
            new = {name: made.answers[name] for name in wanted if name in made.answers and name not in options}
            assert new, f"no answer to: {error}"  # noqa: PT017
            options |= new | ({"wide": True} if "target" in new and "wide" in made.answers else {})
    raise AssertionError("it asks for ever")


def keys_of(panel: Panel, made: Made) -> list[tuple[str, ...]]:
    """What names each series where it goes out: the keys that tell it from the others."""
    columns = [name for name in panel.names[0].split(" · ") if name in made.keys]
    if not columns:
        return [tuple(map(str, name[:1])) for name in made.names] if len(made.names) > 1 else [()]
    return [tuple(str(name[made.keys.index(column)]) for column in columns) for name in made.names]


def require_same(panel: Panel, made: Made) -> None:
    """Every cell and every time is what was written, in the panel and in what is written back.

    Of a series that stands beside others, what is missing at its ends goes.
    """
    keys = keys_of(panel, made)
    assert len(set(keys)) == len(made.names)
    wanted = dict(zip(keys, made.values, strict=True))
    alone = len(panel) == 1
    assert alone or {" · ".join(key) for key in keys} == set(panel.ids)
    times_T = np.array(made.axis.times, "datetime64[us]")
    written = panel.to_frame("polars")
    back = np.column_stack([written[target].fill_null(np.nan).to_numpy() for target in panel.targets])
    row = 0
    for n, name in enumerate(panel.ids):
        key = keys[0] if alone else next(key for key in keys if " · ".join(key) == name)
        values_TC = np.array(wanted[key]).T
        at_S = np.searchsorted(times_T, as_dates(panel.times(n)))
        np.testing.assert_array_equal(as_dates(panel.times(n)), times_T[at_S])
        np.testing.assert_array_equal(panel.series(n), values_TC[at_S], err_msg=name)
        left_out = np.delete(values_TC, at_S, axis=0)
        assert np.isnan(left_out).all()
        assert not made.targets or not len(left_out)
        rows = slice(row, row + len(at_S))
        np.testing.assert_array_equal(back[rows], panel.series(n))
        require_labels(written[rows], panel, made, key, at_S)
        row += len(at_S)
    assert row == written.height


def require_labels(written: pl.DataFrame, panel: Panel, made: Made, key: tuple[str, ...], at_S: np.ndarray) -> None:
    """Keys and times go out as they came."""
    columns = [name for name in panel.names[0].split(" · ") if name in made.keys]
    for column, cell in zip(columns, key, strict=False):
        assert set(written[column].cast(pl.String)) == {cell}
    if made.axis.spelled:
        for column, cells in made.axis.columns.items() if made.targets else [(panel.names[1], labels_of(made.axis))]:
            assert written[column].cast(pl.String).to_list() == [str(cells[t]) for t in at_S]
        return
    cells = written[panel.names[1]] if panel.names[1] in written.columns else None
    if cells is not None and cells.dtype.is_temporal():
        times = [made.axis.times[t].replace(tzinfo=dt.UTC) for t in at_S]
        zoned = cells.cast(pl.Datetime("us", getattr(cells.dtype, "time_zone", None)))
        assert [t.astimezone(dt.UTC) if t.tzinfo else t.replace(tzinfo=dt.UTC) for t in zoned.to_list()] == times


def labels_of(axis: Axis) -> list[Any]:
    return next(iter(axis.columns.values()))


def as_dates(times_T: np.ndarray) -> np.ndarray:
    """Times as they are; of whole steps each is a day."""
    if times_T.dtype.kind == "M":
        return times_T.astype("datetime64[us]")
    return (np.datetime64("1970-01-01", "D") + times_T).astype("datetime64[us]")


def first_is_missing() -> Made:
    """Its second row was taken for a second row of names."""
    quarters = [dt.datetime(2020, month, 1) for month in (1, 4, 7, 10)]
    labels = [f"Q{q} 2020" for q in (1, 2, 3, 4)]
    rows = [["north", "tea", label, cell] for label, cell in zip(labels, ["", "2.50", "3.50", "4.50"], strict=True)]
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([["store", "item", "date", "y0"], *rows])
    axis = Axis(quarters, {"date": labels}, spelled=True)
    raw = f"Report\n\n{out.getvalue()}".encode()
    values = [[[np.nan, 2.5, 3.5, 4.5]]]
    return Made(raw, "first is missing", axis, ("store", "item"), [("north", "tea")], values, ("y0",), {"target": "y0"})


def test_every_cell_comes_back() -> None:
    asked: Counter[int] = Counter()

    @settings(max_examples=TABLES)
    @given(tables())
    @example(first_is_missing())
    def each(made: Made) -> None:
        panel, questions = answered(made)
        asked[min(questions, 1)] += 1
        require_same(panel, made)

    try:
        each()
    finally:
        print(f"{asked[0]:,} tables read at once, {asked[1]:,} after a question that names its answer")
    assert asked[0] > AT_FIRST * asked.total()
