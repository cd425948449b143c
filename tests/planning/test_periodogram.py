"""Periods that are there are found, and luck makes none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.planning.periodogram import _largest_of_noise, stands_out
from gatecast.planning.seasonality import seasonal_periods

PanelOf = Callable[..., Panel]


def noise(rng: np.random.Generator, steps: int) -> np.ndarray:
    return rng.normal(size=steps)


def walk(rng: np.random.Generator, steps: int) -> np.ndarray:
    return rng.normal(size=steps).cumsum()


def slow(rng: np.random.Generator, steps: int) -> np.ndarray:
    """An autoregression."""
    made_T = rng.normal(size=steps)
    for t in range(1, steps):
        made_T[t] += 0.7 * made_T[t - 1]
    return made_T


@pytest.mark.parametrize("kind", [noise, walk, slow])
@pytest.mark.parametrize("steps", [20, 40, 100, 300])
def test_noise_has_no_season(panel_of: PanelOf, kind: Callable[..., np.ndarray], steps: int) -> None:
    rng = np.random.default_rng(steps)
    found = [seasonal_periods(panel_of([kind(rng, steps)])) for _ in range(100)]
    assert sum(map(bool, found)) <= 5


@pytest.mark.parametrize("period", [3, 5, 7, 12, 24])
@pytest.mark.parametrize("background", [noise, walk])
def test_a_season_on_noise_or_a_walk_is_found(
    panel_of: PanelOf, period: int, background: Callable[..., np.ndarray]
) -> None:
    rng = np.random.default_rng(period)
    shape = rng.normal(size=period)
    shape *= 2 / shape.std()
    values = [shape[np.arange(12 * period) % period] + background(rng, 12 * period) for _ in range(20)]
    assert sum(seasonal_periods(panel_of([one]))[:1] == (period,) for one in values) >= 17


def test_one_odd_day_a_week_is_a_season() -> None:
    rng = np.random.default_rng(0)
    values_T = 5.0 * (np.arange(140) % 7 == 0) + rng.normal(size=140)
    assert stands_out([values_T], 7)
    assert not stands_out([values_T], 9)


def test_what_one_series_hardly_shows_many_do() -> None:
    rng = np.random.default_rng(1)
    series = [0.5 * np.sin(2 * np.pi * np.arange(120) / 12) + rng.normal(size=120) for _ in range(60)]
    assert sum(stands_out([one], 12) for one in series) < 30
    assert stands_out(series, 12)
    assert not stands_out([rng.normal(size=120) for _ in range(60)], 12)


def test_short_and_constant_series_say_nothing() -> None:
    assert not stands_out([], 4)
    assert not stands_out([np.arange(7.0) % 4], 4)
    assert not stands_out([np.ones(100)], 4)
    assert not stands_out([np.arange(100.0)], 4)


@pytest.mark.parametrize("count", [1, 5, 50])
@pytest.mark.parametrize("beside", [4, 20])
def test_the_threshold_is_exceeded_about_as_often_as_it_says(count: int, beside: int) -> None:
    rng = np.random.default_rng(count)
    others = beside * count
    ratios = rng.gamma(count, size=50_000) / count / (rng.gamma(others, size=50_000) / others)
    assert 0.005 < (ratios > _largest_of_noise(count, others, 0.01)).mean() < 0.02
