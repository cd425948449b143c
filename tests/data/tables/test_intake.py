"""What a user hands over: arrays and lists, as one series or several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.data.tables.intake import as_panel
from gatecast.errors import PanelError

NAN = float("nan")
T = np.arange(6.0)


def values_of(panel: Panel) -> list[list[float]]:
    return [panel.series(n)[:, 0].tolist() for n in range(len(panel))]


SOURCES: dict[str, tuple[Any, tuple[str, ...], list[list[float]]]] = {
    "array": (T, ("y",), [[0, 1, 2, 3, 4, 5]]),
    "array of whole numbers": (np.arange(6, dtype=np.int16), ("y",), [[0, 1, 2, 3, 4, 5]]),
    "float32": (T.astype(np.float32), ("y",), [[0, 1, 2, 3, 4, 5]]),
    "list": ([1, 2.5, 3], ("y",), [[1, 2.5, 3]]),
    "tuple": ((1, 2, 4), ("y",), [[1, 2, 4]]),
    "one column": (T[:3, None], ("y",), [[0, 1, 2]]),
    "columns are series": (np.stack([T[:3], 10 * T[:3]], axis=1), ("series_1", "series_2"), [[0, 1, 2], [0, 10, 20]]),
    "list of arrays": ([T[:3], 7 + T[:2]], ("series_1", "series_2"), [[0, 1, 2], [7, 8]]),
    "list of lists": ([[1, 2, 3], [4, 5, 6]], ("series_1", "series_2"), [[1, 2, 3], [4, 5, 6]]),
    "list of one array": ([T[:3]], ("series_1",), [[0, 1, 2]]),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("take", [gc.read, as_panel])
def test_arrays_become_panels(name: str, take: Any) -> None:
    source, ids, values = SOURCES[name]
    panel = take(source)
    assert panel.ids == ids
    assert panel.targets == ("y",)
    assert values_of(panel) == values
    assert panel.frequency == gc.Frequency("step", 1)
    assert panel.starts.tolist() == [1] * len(ids)
    assert panel.names == ("unique_id", "ds")


def test_many_series_keep_their_order() -> None:
    panel = gc.read([np.arange(2.0 + n % 3) + n for n in range(25)])
    assert panel.ids == tuple(f"series_{n}" for n in range(1, 26))
    assert [panel.series(n)[0, 0] for n in range(25)] == list(range(25))


def test_what_is_missing() -> None:
    inside = gc.read([1, NAN, 3])
    np.testing.assert_array_equal(inside.series(0)[:, 0], [1, NAN, 3])
    masked = gc.read(np.ma.masked_array([1, 2, 3], mask=[False, True, False]))
    np.testing.assert_array_equal(masked.series(0)[:, 0], [1, NAN, 3])
    # the ends of a column are no rows, as in a frame: columns of different lengths are padded with nan
    padded = gc.read(np.array([[NAN, 1], [2, 5], [3, NAN]]))
    assert values_of(padded) == [[2, 3], [1, 5]]
    assert padded.starts.tolist() == [2, 1]


def test_a_series_is_the_same_in_every_form() -> None:
    alone = gc.read(T)
    for other in (gc.read(list(T)), gc.read([T]), gc.read(T[:, None])):
        np.testing.assert_array_equal(other.values_RV, alone.values_RV)
        assert other.values_RV.dtype == alone.values_RV.dtype


REFUSED: dict[str, tuple[Any, str]] = {
    "three dimensions": (np.zeros((2, 3, 4)), r"the array has the shape \(2, 3, 4\)\. Give \(T,\) for one series"),
    "no dimension": (np.array(3.0), r"the array has the shape \(\)"),
    "truths": (np.array([True, False]), "the array holds bool, not numbers"),
    "complex": (np.array([1j, 2]), "the array holds complex128, not numbers"),
    "objects": (np.array([1, None, 2], dtype=object), "holds object, not numbers.* nan where missing"),
    "None in a list": ([1, None, 2], "the list holds object, not numbers"),
    "text": (["a", "b"], "the list holds <U1, not numbers"),
    "dates": (np.array(["2020-01-01", "2020-01-02"], "datetime64[D]"), "not numbers"),
    "empty array": (np.zeros(0), "the array is empty"),
    "no columns": (np.zeros((5, 0)), "the array is empty"),
    "empty list": ([], "the list is empty"),
    "empty series": ([T, T[:0]], "series 2 of the list is empty"),
    "a table in a list": ([T, np.zeros((3, 2))], r"series 2 of the list has the shape \(3, 2\)"),
    "a number among series": ([T, 3.0], r"series 2 of the list has the shape \(\)"),
    "ragged within": ([[[1, 2], [3]], [1]], "series 1 of the list is no array"),
    "infinite": (np.array([1, np.inf, 3]), "inf in column 'y', row 2 is infinite"),
    "beyond all squares": (np.array([1, -1e151, 3]), r"-1e\+151 in column 'y', row 2 is beyond 1e\+150"),
    "nothing but nan": (np.array([[1, NAN], [2, NAN]]), r"columns 'series_2' hold no numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_clear_line(name: str) -> None:
    source, told = REFUSED[name]
    with pytest.raises(PanelError, match=told) as caught:
        gc.read(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wide", [False, True])
def test_fit_and_predict_take_arrays(wide: bool) -> None:
    rng = np.random.default_rng(0)
    values = 10 + np.sin(np.arange(60) / 3)[:, None] + 0.1 * rng.standard_normal((60, 2))
    train = values if wide else values[:, 0]
    model = gc.Forecaster(
        2, lookback=6, scaling="standard", members=1, network={"hidden_size": 2}, training={"max_epochs": 1}
    ).fit(train)
    forecast = model.predict()
    assert forecast.ids == (("series_1", "series_2") if wide else ("y",))
    assert forecast.times.tolist() == [[61, 62]] * len(forecast.ids)
    np.testing.assert_array_equal(model.predict(train).values_NHCQ, forecast.values_NHCQ)
    again = model.predict([values[:50, 0], values[:, 1]])
    assert again.times[:, 0].tolist() == [51, 61]


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_not_this_folder(name: str) -> None:
    with pytest.raises(PanelError, match=r"the name of the table is empty. Give its path, or \. for this folder"):
        gc.read(name)
