"""Naive2 against the recipe written out for one series."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.statistical.naive2 import naive2


def autocorrelation(x: list[float], lag: int) -> float:
    centre = sum(x) / len(x)
    return sum((x[t] - centre) * (x[t - lag] - centre) for t in range(lag, len(x))) / sum((v - centre) ** 2 for v in x)


def seasonal(x: list[float], m: int) -> bool:
    if m == 1 or len(x) < 3 * m or m > math.floor(10 * math.log10(len(x))) or min(x) == max(x):
        return False
    limit = 1.645 * math.sqrt((1 + 2 * sum(autocorrelation(x, i) ** 2 for i in range(1, m))) / len(x))
    return abs(autocorrelation(x, m)) > limit


def centred_average(x: list[float], t: int, m: int) -> float:
    half = m // 2
    if m % 2:
        return sum(x[t - half : t + half + 1]) / m
    return (0.5 * x[t - half] + sum(x[t - half + 1 : t + half]) + 0.5 * x[t + half]) / m


def recipe(x: list[float], horizon: int, m: int) -> list[float]:
    if not seasonal(x, m):
        return [x[-1]] * horizon
    ratios: list[list[float]] = [[] for _ in range(m)]
    for t in range(m // 2, len(x) - m // 2):
        ratios[t % m].append(x[t] / centred_average(x, t, m))
    factors = [sum(r) / len(r) for r in ratios]
    factors = [f / (sum(factors) / m) for f in factors]
    last = len(x) - 1
    return [x[-1] / factors[last % m] * factors[(last + h) % m] for h in range(1, horizon + 1)]


@st.composite
def seasonal_series(draw: st.DrawFn) -> tuple[list[list[float]], int]:
    m = draw(st.integers(1, 7))
    pattern = draw(st.lists(st.integers(1, 9), min_size=m, max_size=m))
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    noise = draw(st.lists(st.integers(0, 3), min_size=sum(lengths), max_size=sum(lengths)))
    bits = iter(noise)
    return [[5.0 + pattern[t % m] + next(bits) for t in range(length)] for length in lengths], m


@settings(max_examples=60, deadline=None)
@given(case=seasonal_series())
def test_equals_the_recipe(case: tuple[list[list[float]], int]) -> None:
    series, m = case
    lengths = np.array([len(x) for x in series])
    first = np.cumsum(lengths) - lengths
    buffer = np.concatenate([np.array(x) for x in series])[:, None]
    forecast = naive2(np.hstack([buffer, 2 * buffer]), first, first + lengths - 1, 9, m)
    expected = np.array([recipe(x, 9, m) for x in series])
    np.testing.assert_allclose(forecast[..., 0], expected, rtol=1e-9)
    np.testing.assert_allclose(forecast[..., 1], 2 * expected, rtol=1e-9)


def test_the_oracle_sees_both_kinds() -> None:
    season = [10.0, 20.0, 30.0, 40.0] * 6
    assert seasonal(season, 4)
    assert naive2(np.array(season)[:, None], [0], [23], 4, 4).ravel() == pytest.approx([10, 20, 30, 40])
    steady = [1.0, 2.0, 1.5, 1.0, 2.0, 2.5, 1.0, 1.5, 2.0, 1.0, 1.0, 2.0, 1.0]
    assert not seasonal(steady, 4)


@pytest.mark.parametrize("break_it", ["zero", "missing", "constant"])
def test_where_the_decomposition_fails_the_last_value_is_repeated(break_it: str) -> None:
    x = np.tile([1.0, -1.0, 2.0, -2.0], 5)  # a trend of zero everywhere
    if break_it == "missing":
        x = np.tile([1.0, 5.0, 2.0, 7.0], 5)
        x[3] = math.nan
    if break_it == "constant":
        x = np.full(20, 3.0)
    assert naive2(x[:, None], [0], [19], 3, 4).ravel().tolist() == [x[-1]] * 3


@pytest.mark.parametrize(("m", "too_short", "enough"), [(7, 20, 21), (24, 250, 252)])
def test_three_seasons_and_the_lags_of_r_are_needed(m: int, too_short: int, enough: int) -> None:
    # 3 * 7 = 21 values for the decomposition; floor(10 log10(251)) = 23 lags for the autocorrelation
    x = np.array([9.0 if t % m == 0 else 1.0 for t in range(enough)])[:, None]
    assert (naive2(x, [0], [too_short - 1], m, m) == x[too_short - 1]).all()
    assert naive2(x, [0], [enough - 1], m, m).max() == pytest.approx(9.0)
