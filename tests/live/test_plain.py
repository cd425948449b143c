"""The short way in says what the reader of tables says, or nothing."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency
from gatecast.data.schema import Column, Schema
from gatecast.errors import PanelError
from gatecast.live.rows.given import Incoming, Known
from gatecast.live.rows.incoming import read_rows, read_table
from gatecast.live.rows.plain import FEW, plain_rows

SCHEMA = Schema(("y", "z"), past=(Column("rain"),), future=(Column("price"),), static=(Column("size"),))
DATES, STEPS = Frequency.from_text("hour"), Frequency("step")
MOMENT = datetime.datetime(2024, 2, 3, 4)
TIMES = st.one_of(
    st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1)),
    st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 1, 1)),
    st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1)).map(np.datetime64),
    st.sampled_from(
        ["2024-02-03", "2024-02-03 04:05", "2024-02-03T04:05:06", "2024-13-01", "03.02.2024", "", None, 7, "1999-1-2"]
    ),
)
CELLS = st.one_of(
    st.floats(allow_infinity=True), st.integers(-(2**60), 2**60), st.none(), st.booleans(), st.just("5"), st.just(" "),
    st.floats(width=32).map(np.float32), st.integers(-99, 99).map(np.int64),
)  # fmt: skip


def same(found: Incoming, wanted: Incoming) -> None:
    assert found.ids == wanted.ids
    assert found.labels == wanted.labels
    for name in ("series_R", "times_R", "values_RV", "static_MS"):
        ours, theirs = getattr(found, name), getattr(wanted, name)
        assert ours.dtype == theirs.dtype, name
        np.testing.assert_array_equal(ours, theirs, name)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"unique_id": st.sampled_from("aab"), "ds": TIMES, "y": CELLS, "z": CELLS, "rain": CELLS, "price": CELLS}
        ),
        min_size=1,
        max_size=3,
    )
)
def test_it_says_what_the_reader_says(records: list[dict[str, Any]]) -> None:
    known = Known(SCHEMA, DATES, ("unique_id", "ds"), ("a", "b"))
    for rows in (records, records[0]):
        found = plain_rows(rows, known)
        if found is not None:
            same(found, read_table(rows, known))


ROW: dict[str, Any] = {"unique_id": "a", "ds": MOMENT, "y": 1.0, "z": 2, "rain": None, "price": float("nan")}


@pytest.mark.parametrize(
    "rows",
    [
        ROW,
        [ROW, ROW | {"unique_id": "b", "ds": "2024-02-03 05:00"}],
        {name: [cell, cell] for name, cell in ROW.items()},
        {name: np.array([cell]) for name, cell in ROW.items()},
        ROW | {"ds": np.datetime64("2024-02-03T04")},
        ROW | {"ds": datetime.date(2024, 2, 3), "y": np.float32(0.1), "z": np.int64(3)},
    ],
)
def test_plain_rows_take_it(rows: Any) -> None:
    known = Known(SCHEMA, DATES, ("unique_id", "ds"), ("a", "b"))
    found = plain_rows(rows, known)
    assert found is not None
    same(found, read_table(rows, known))
    same(read_rows(rows, known), found)


@pytest.mark.parametrize(
    "rows",
    [
        ROW | {"y": "5"},
        ROW | {"y": True},
        ROW | {"y": float("inf")},
        ROW | {"unique_id": "c"},
        ROW | {"unique_id": 1},
        ROW | {"ds": "03.02.2024"},
        ROW | {"ds": MOMENT.replace(tzinfo=datetime.UTC)},
        ROW | {"ds": pd.Timestamp(MOMENT)},
        ROW | {"more": 1},
        {name: cell for name, cell in ROW.items() if name != "price"},
        [ROW] * (FEW + 1),
        [ROW | {"y": [1.0]}],
        {name: [cell, [cell]] for name, cell in ROW.items()},
        [450.0],
        [None, ROW],
        ROW | {"y": np.datetime64(5, "ns")},
        ROW | {"ds": "0001-01-01"},
        ROW | {"ds": np.datetime64("20000-01-01")},
        ROW | {"ds": np.datetime64("NaT")},
        [],
    ],
)
def test_others_are_left_to_the_reader(rows: Any) -> None:
    assert plain_rows(rows, Known(SCHEMA, DATES, ("unique_id", "ds"), ("a", "b"))) is None


def test_whole_steps_and_the_only_series() -> None:
    known = Known(Schema(("y",)), STEPS, ("unique_id", "ds"), ("sales",))
    for rows in ({"ds": 61, "y": 2.5}, [{"ds": 61, "y": 2.5}, {"ds": 62, "y": None}], {"ds": [61], "y": [2]}):
        found = plain_rows(rows, known)
        assert found is not None
        same(found, read_table(rows, known))
    assert plain_rows({"ds": 61.0, "y": 2.5}, known) is None
    assert plain_rows({"ds": 61, "y": 1}, Known(Schema(("y",)), STEPS, ("unique_id", "ds"), ("a", "b"))) is None


def test_records_that_are_none_are_refused() -> None:
    known = Known(Schema(("y",)), DATES, ("unique_id", "ds"), ("sales",))
    for rows in (
        [450.0],
        [None],
        [5, {"ds": MOMENT, "y": 1.0}],
        [{"ds": MOMENT, "y": [1.0]}, {"ds": MOMENT, "y": 2.0}],
    ):
        with pytest.raises(PanelError):
            read_rows(rows, known)


@pytest.mark.parametrize("category", [Column("kind", ("a", "b"))])
def test_models_with_categories_or_a_time_zone_are_left_to_it(category: Column) -> None:
    row = {"ds": MOMENT, "y": 1.0, "kind": "a"}
    assert plain_rows(row, Known(Schema(("y",), future=(category,)), DATES, ("unique_id", "ds"), ("a",))) is None
    berlin = Known(Schema(("y",)), Frequency.from_text("hour[Europe/Berlin]"), ("unique_id", "ds"), ("a",))
    assert plain_rows({"ds": MOMENT, "y": 1.0}, berlin) is None


def test_iso_dates_are_never_read_with_the_day_second() -> None:
    """A date and a date with its time in one column: the reader of tables sees two forms."""
    known = Known(Schema(("y",)), DATES, ("unique_id", "ds"), ("sales",))
    rows = {"ds": ["1961-01-01", datetime.datetime(1961, 6, 1, 3)], "y": [1.0, 2.0]}
    wanted = np.array(["1961-01-01", "1961-06-01T03"], "datetime64[us]")
    np.testing.assert_array_equal(read_table(rows, known).times_R, wanted)
    np.testing.assert_array_equal(
        read_table(pd.DataFrame({**rows, "ds": list(map(str, rows["ds"]))}), known).times_R, wanted
    )
