"""Types come back as they were; booleans and categories mean the same in every source."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gatecast as gc
from gatecast.data.schema import Column
from gatecast.data.tables.reading import read
from gatecast.forecasts.axes import Axes

DAYS = pd.date_range("2024-01-01", periods=60)

KEYS: dict[str, list[Any]] = {
    "whole": [1, 2],
    "text": ["a", "b"],
    "digits in text": ["001", "002"],
    "truths": [True, False],
    "dates": [pd.Timestamp("2020-01-01").date(), pd.Timestamp("2021-01-01").date()],
}


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("name", KEYS)
def test_keys_keep_their_type(name: str, library: str) -> None:
    frame: Any = pd.DataFrame({"unique_id": np.repeat(np.array(KEYS[name], object), 60), "ds": [*DAYS] * 2, "y": 1.0})
    frame["unique_id"] = frame["unique_id"].infer_objects()
    given = {"pandas": frame, "polars": pl.from_pandas(frame), "pyarrow": pa.Table.from_pandas(frame)}[library]
    panel = read(given, series="unique_id")
    axes = Axes.after(panel, 3)
    made = axes.frame({"unique_id": np.repeat(np.array(panel.ids, object), 3), "ds": axes.times.ravel()})
    ids = made["unique_id"].to_list() if library != "pyarrow" else made["unique_id"].to_pylist()
    assert ids == [key for key in KEYS[name] for _ in range(3)]
    if library == "pandas":
        assert len(made.merge(frame, on="unique_id")) == 2 * 3 * 60


def test_tuples_are_names_of_series() -> None:
    frame = pd.DataFrame({"unique_id": [("a", 1)] * 60 + [("b", 2)] * 60, "ds": [*DAYS] * 2, "y": range(120)})
    assert read(frame).ids == ("('a', 1)", "('b', 2)")


def test_several_keys_keep_their_types() -> None:
    frame = pl.DataFrame({"store": np.repeat([1, 2], 60), "item": ["x"] * 120, "ds": [*DAYS] * 2, "y": range(120)})
    panel = read(frame, series=("store", "item"), target="y")
    out = panel.to_frame()
    assert out.schema["store"] == pl.Int64
    assert out.select("store", "item").equals(frame.select("store", "item"))


SOURCES = ["pandas", "pyarrow", "polars", "csv of pandas", "csv of polars", "json", "parquet"]


@pytest.mark.parametrize("source", SOURCES)
def test_truths_are_the_same_everywhere(source: str, tmp_path: Path) -> None:
    y, promo = [i % 7 + 0.5 for i in range(60)], [i % 9 == 0 for i in range(60)]
    frame = pd.DataFrame({"ds": DAYS, "y": y, "promo": promo})
    polars = pl.from_pandas(frame)
    polars.write_parquet(tmp_path / "t.parquet")
    polars.with_columns(pl.col("ds").cast(pl.String)).write_json(tmp_path / "t.json")
    given: dict[str, Any] = {
        "pandas": frame,
        "polars": polars,
        "pyarrow": pa.Table.from_pandas(frame),
        "csv of pandas": io.StringIO(frame.to_csv(index=False)),
        "csv of polars": io.StringIO(polars.write_csv()),
        "json": tmp_path / "t.json",
        "parquet": tmp_path / "t.parquet",
    }
    panel = read(given[source], target="y", future="promo")
    assert panel.schema.future == (Column("promo"),)
    assert panel.future_RF[:, 0].tolist() == promo


CATEGORIES: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "digits and letters": (["0", "a", "b", "0"], ("0", "a", "b")),
    "mostly digits": ([*"0" * 29, "a"], ("0", "a")),
    "sizes": (["1", "2", "XL"], ("1", "2", "XL")),
    "yes and no": (["Yes", "No"], ("No", "Yes")),
    "codes": (["A1", "B2", "C3"], ("A1", "B2", "C3")),
    "a grade": (["1", "2", "3", "none of these"], ("1", "2", "3", "none of these")),
}


@pytest.mark.parametrize("kind", ["csv", "frame"])
@pytest.mark.parametrize("name", CATEGORIES)
def test_categories_of_digits(name: str, kind: str) -> None:
    cells, categories = CATEGORIES[name]
    frame = pl.DataFrame({"ds": range(120), "y": 1.5, "c": [cells[i % len(cells)] for i in range(120)]})
    source = frame if kind == "frame" else io.StringIO(frame.write_csv())
    assert read(source, target="y", future="c").schema.future == (Column("c", categories),)


def test_one_bad_cell_among_numbers_is_no_category() -> None:
    frame = pl.DataFrame({"ds": range(120), "y": 1.5, "c": [*(str(i) for i in range(119)), "x"]})
    with pytest.raises(gc.errors.PanelError, match="'x' in column 'c', row 120 is no number"):
        read(frame, target="y", past="c")


ODD: dict[str, Any] = {
    "lists": [[1, 2]] * 60,
    "arrays": [np.arange(2)] * 60,
    "bytes": [b"x"] * 60,
    "empty objects": [None] * 60,
    "mixed": [1, "a", 2.5, None] * 15,
    "dicts": [{"a": 1}] * 60,
    "huge numbers": [10**30] * 60,
    "intervals": pd.arrays.IntervalArray.from_breaks(range(61)),
    "complex": [1j] * 60,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_cells_are_no_traceback(name: str) -> None:
    frame = pd.DataFrame({"ds": DAYS, "y": range(60)})
    frame["odd"] = ODD[name]
    assert read(frame, target="y").length.tolist() == [60]
    try:
        read(frame, target="odd")
    except gc.errors.GatecastError as error:
        assert len(str(error)) < 4100  # noqa: PT017  most are refused, huge numbers are not


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame([[1, 2, 3]] * 9, columns=["ds", "y", "y"]),
        pd.DataFrame([[1, 2]] * 9, columns=["a", "a"]),
        pd.DataFrame([[1, 2]] * 9, columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "b")])),
    ],
)
def test_doubled_names_are_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(gc.errors.PanelError, match="several columns"):
        read(frame)


def test_names_of_several_levels_are_joined() -> None:
    frame = pd.DataFrame(np.ones((9, 2)), columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]), index=DAYS[:9])
    assert read(frame).ids == ("a x", "a y")


@pytest.mark.parametrize(
    "settings",
    [{"horizon": 2.5}, {"horizon": "7"}, {"horizon": True}, {"members": 2.0}, {"lookback": 14.0}, {"seed": -1}],
)
def test_settings_that_are_no_whole_numbers(settings: dict[str, Any]) -> None:
    with pytest.raises(gc.errors.ConfigError, match="must be"):
        gc.Forecaster(**{"horizon": 3, **settings})
