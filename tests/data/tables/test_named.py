"""A dict of columns reads as the frame that it would make."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

import gatecast as gc

MONTHS = ["2020-01", "2020-02", "2020-03", "2020-04"]
DAYS = [datetime.date(2020, 1, day) for day in (1, 2, 3, 4)]


@pytest.mark.parametrize("sales", [[3, 4, 5, 7], (3.0, 4.0, 5.0, 7.0), np.array([3, 4, 5, 7]), pl.Series([3, 4, 5, 7]),
                                   range(3, 7), ["3", "4", "5", "7"]])  # fmt: skip
def test_values_of_any_kind(sales: Any) -> None:
    panel = gc.read({"month": MONTHS, "sales": sales})
    assert panel.targets == ("sales",)
    assert panel.frequency == gc.Frequency.from_text("MS")
    assert panel.series(0)[:, 0].tolist() == [float(cell) for cell in sales]


@pytest.mark.parametrize("days", [DAYS, np.array(DAYS, "datetime64[D]"), np.array(DAYS, "datetime64[ns]"),
                                  [str(day) for day in DAYS], np.array([str(day) for day in DAYS])])  # fmt: skip
def test_times_of_any_kind(days: Any) -> None:
    panel = gc.read({"day": days, "sales": [3, 4, 5, 7]})
    assert panel.frequency == gc.Frequency.from_text("D")
    assert panel.times(0).astype("datetime64[D]").tolist() == DAYS


def test_pandas_columns_with_their_missing_values() -> None:
    pd = pytest.importorskip("pandas")
    panel = gc.read({"day": pd.Series(pd.to_datetime(DAYS)), "sales": pd.Series([3, None, 5, 7])})
    np.testing.assert_array_equal(panel.series(0)[:, 0], [3, np.nan, 5, 7])


def test_it_is_the_same_as_the_frame() -> None:
    columns = {"shop": ["a"] * 4 + ["b"] * 4, "month": MONTHS * 2, "sales": [3, 4, None, 7, 1, 2, 3, 4.5]}
    panel, other = gc.read(columns), gc.read(pl.DataFrame(columns, strict=False))
    assert panel.ids == other.ids == ("a", "b")
    np.testing.assert_array_equal(panel.values_RV, other.values_RV)


def test_masked_values_are_missing() -> None:
    sales = np.ma.masked_array([3, 4, 5, 7], [False, True, False, False])
    np.testing.assert_array_equal(gc.read({"month": MONTHS, "sales": sales}).series(0)[:, 0], [3, np.nan, 5, 7])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"month": MONTHS, "sales": [3, 4]}, "different lengths: 'month' has 4, 'sales' has 2 values"),
        ({"month": "2020-01", "sales": 3}, "'month', 'sales' of the dict are no list of values"),
        ({"month": MONTHS, "sales": np.ones((4, 2))}, "'sales' of the dict is no list of values"),
        ({"month": [], "sales": []}, "has no rows"),
        ({}, "has no columns"),
        ({1: [1, 2], "1": [3, 4]}, "'1'"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(source: dict[Any, Any], told: str) -> None:
    with pytest.raises(gc.GatecastError) as caught:
        gc.read(source)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("role", ["series", "time", "target", "past", "future", "static"])
def test_columns_are_named_by_text(role: str) -> None:
    wrong: dict[str, Any] = {role: [5, "sales"]}
    with pytest.raises(gc.GatecastError, match="columns are named by text; got 5"):
        gc.read({"month": MONTHS, "sales": [3, 4, 5, 6]}, **wrong)
