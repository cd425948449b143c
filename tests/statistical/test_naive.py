"""Every naive forecast against a plain loop over origins, steps and rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatecast.errors import CovariateError, InputError
from gatecast.statistical.naive import BASELINES, TITLES, baseline_forecasts, mean, naive, same_category
from gatecast.statistical.naive2 import naive2

values = st.one_of(st.integers(-9, 9).map(float), st.just(math.nan))


@st.composite
def panels(draw: st.DrawFn) -> dict:
    """Series below each other in one buffer, some origins, and categories that go on behind the last series."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    starts = np.cumsum([0, *lengths])
    rows, columns, horizon = int(starts[-1]), draw(st.integers(1, 2)), draw(st.integers(1, 5))
    series = draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=5))
    return {
        "values": draw(arrays(float, (rows, columns), elements=values)),
        "first": np.array([starts[n] for n in series]),
        "origin": np.array([draw(st.integers(int(starts[n]), int(starts[n + 1]) - 1)) for n in series]),
        "horizon": horizon,
        "season": draw(st.integers(1, 4)),
        "category": np.array(draw(st.lists(st.integers(0, 2), min_size=rows + horizon, max_size=rows + horizon))),
    }


# ---------------------------------------------------------------- the oracles: one origin, one column, one step


def seen(x: list[float]) -> list[tuple[int, float]]:
    return [(t, v) for t, v in enumerate(x) if not math.isnan(v)]


def last_value(x: list[float], step: int, m: int, past: list[int], target: int) -> float:
    return seen(x)[-1][1] if seen(x) else math.nan


def last_of_phase(x: list[float], step: int, m: int, past: list[int], target: int) -> float:
    same_phase = [v for t, v in seen(x) if (len(x) - 1 + step - t) % m == 0]
    return same_phase[-1] if same_phase else last_value(x, step, m, past, target)


def line(x: list[float], step: int, m: int, past: list[int], target: int) -> float:
    if len(seen(x)) < 2:
        return last_value(x, step, m, past, target)
    (t0, v0), (t1, v1) = seen(x)[0], seen(x)[-1]
    return v1 + (v1 - v0) / (t1 - t0) * (len(x) - 1 + step - t1)


def average(x: list[float], step: int, m: int, past: list[int], target: int) -> float:
    return sum(v for _, v in seen(x)) / len(seen(x)) if seen(x) else math.nan


def last_of_category(x: list[float], step: int, m: int, past: list[int], target: int) -> float:
    alike = [v for t, v in seen(x) if past[t] == target]
    return alike[-1] if alike else last_value(x, step, m, past, target)


ORACLES = {
    "naive": last_value,
    "seasonal_naive": last_of_phase,
    "drift": line,
    "mean": average,
    "same_category": last_of_category,
}


def oracle(name: str, panel: dict) -> np.ndarray:
    columns = panel["values"].shape[1]
    result = np.zeros((len(panel["first"]), panel["horizon"], columns))
    for b, (first, origin) in enumerate(zip(panel["first"], panel["origin"], strict=True)):
        past = panel["category"][first : origin + 1].tolist()
        for c in range(columns):
            x = panel["values"][first : origin + 1, c].tolist()
            for h in range(panel["horizon"]):
                target = panel["category"][origin + 1 + h]
                result[b, h, c] = ORACLES[name](x, h + 1, panel["season"], past, target)
    return result


def run(forecast: object, panel: dict) -> np.ndarray:
    keys = ("values", "first", "origin", "horizon", "season")
    return forecast(*(panel[key] for key in keys), category_R=panel["category"])  # type: ignore[operator]


@pytest.mark.parametrize("name", BASELINES)
@settings(max_examples=60, deadline=None)
@given(panel=panels())
def test_equals_the_loop_over_origins(name: str, panel: dict) -> None:
    np.testing.assert_allclose(run(BASELINES[name], panel), oracle(name, panel), rtol=1e-12, atol=1e-12)


def test_every_baseline_has_a_title() -> None:
    assert set(TITLES) == {*BASELINES, "naive2"}


def test_only_baselines_that_apply_are_computed() -> None:
    x = np.arange(6.0)[:, None]
    assert list(baseline_forecasts(x, [0], [3], 2)) == ["naive", "drift", "mean"]
    assert list(baseline_forecasts(x, [0], [3], 2, season=2)) == ["naive", "seasonal_naive", "drift", "mean"]
    assert list(baseline_forecasts(x, [0], [3], 2, 2, category_R=np.zeros(6))) == list(BASELINES)


def test_a_season_longer_than_all_data_needs_no_memory() -> None:
    x = np.arange(6.0)[:, None]
    forecast = BASELINES["seasonal_naive"](x, [0], [3], 2, season=10**12)
    np.testing.assert_array_equal(forecast, BASELINES["seasonal_naive"](x, [0], [3], 2, season=7))


def test_categories_may_be_text_and_a_missing_one_means_the_last_value() -> None:
    x = np.array([[1.0], [2.0], [3.0]])
    text = np.array(["W", "U", "W", "U", "A"])
    assert same_category(x, [0], [2], 2, category_R=text).ravel().tolist() == [2, 3]
    gaps = np.array([0.0, math.nan, 1.0, math.nan, 0.0])
    assert same_category(x, [0], [2], 2, category_R=gaps).ravel().tolist() == [3, 1]


def test_categories_must_reach_the_last_target_row() -> None:
    x = np.zeros((3, 1))
    with pytest.raises(CovariateError, match="up to 4"):
        same_category(x, [0], [2], 2, category_R=np.zeros(4))
    with pytest.raises(CovariateError, match="needs the category"):
        same_category(x, [0], [2], 2)


@pytest.mark.parametrize(
    ("first", "origin", "horizon", "season", "message"),
    [
        ([0], [3], 1, 1, "origin 0 is row 3 of a series that begins at row 0, in 3 rows"),
        ([0, 2], [1, 1], 1, 1, r"1 of 2 origins are affected"),
        ([0], [1], 0, 1, "horizon is 0"),
        ([0], [1], 1, 0, "season 0"),
        ([0, 0], [1], 1, 1, r"shapes \(3, 1\), \(2,\) and \(1,\)"),
    ],
)
def test_impossible_origins_are_refused(first: list, origin: list, horizon: int, season: int, message: str) -> None:
    for forecast in (*BASELINES.values(), naive2):
        with pytest.raises(InputError, match=message):
            forecast(np.zeros((3, 1)), first, origin, horizon, season, category_R=np.zeros(9))


def test_a_huge_neighbour_does_not_blur_a_mean() -> None:
    x = np.array([[1e17], [3.0], [1.0], [2.0]])
    assert mean(x, [2], [3], 1)[0, 0, 0] == 1.5


def test_float32_input_gives_float64_of_the_same_value() -> None:
    x = np.array([[0.1], [0.2]], dtype=np.float32)
    forecast = naive(x, [0], [1], 1)
    assert forecast.dtype == np.float64
    assert forecast[0, 0, 0] == float(x[1, 0])
