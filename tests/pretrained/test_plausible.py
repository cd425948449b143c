"""No absurd forecast, of any short series: none is far outside of what the best simple forecast allows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.forecaster import Forecaster
from gatecast.nn.kernels import load

pytestmark = pytest.mark.skipif(load() is None, reason="the kernels are not built")

PanelOf = Callable[..., Panel]
HORIZON = 6
SCORE_99 = 2.576
STEADY = 0.05  # of the range: what a series that was never wrong may still move in a step


def trend(rng: np.random.Generator, steps: int) -> np.ndarray:
    return rng.normal() * 10 + rng.normal() * np.arange(steps) + rng.normal(size=steps) * rng.choice([0, 0.3])


def jump(rng: np.random.Generator, steps: int) -> np.ndarray:
    return rng.normal() * 5 * (np.arange(steps) >= rng.integers(1, steps)) + rng.normal(size=steps) * 0.1


def cycle(rng: np.random.Generator, steps: int) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(steps) / rng.uniform(3, 20)) * 5 + rng.normal(size=steps) * 0.3


def counts(rng: np.random.Generator, steps: int) -> np.ndarray:
    return rng.poisson(rng.choice([0.3, 2, 20]), steps).astype(np.float64)


def noise(rng: np.random.Generator, steps: int) -> np.ndarray:
    return 0.8 + rng.normal(size=steps) * 0.2


def walk(rng: np.random.Generator, steps: int) -> np.ndarray:
    return 100 + rng.normal(size=steps).cumsum()


def exponential(rng: np.random.Generator, steps: int) -> np.ndarray:
    return np.exp(rng.normal() * 0.1 * np.arange(steps)) * np.exp(rng.normal(size=steps) * 0.02)


KINDS = (trend, jump, cycle, counts, noise, walk, exponential)


def short_series(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [KINDS[n % len(KINDS)](rng, int(rng.integers(3, 61))) for n in range(count)]


def simple(values_T: np.ndarray) -> tuple[np.ndarray, float]:
    """The best of last value, drift, mean and growth on the series: its forecast (H,), and its error in one step."""
    ahead_H, last = np.arange(1, HORIZON + 1), values_T[-1]
    slope = (last - values_T[0]) / (len(values_T) - 1)
    means_T = values_T.cumsum() / np.arange(1, len(values_T) + 1)
    step_T = np.diff(values_T)
    tried = [
        (np.full(HORIZON, last), step_T),
        (last + slope * ahead_H, step_T - slope),
        (np.full(HORIZON, values_T.mean()), values_T[1:] - means_T[:-1]),
    ]
    if values_T.min() > 0:
        rate = float(np.log(last / values_T[0])) / (len(values_T) - 1)
        tried.append((last * np.exp(rate * ahead_H), values_T[1:] - values_T[:-1] * np.exp(rate)))
    forecast_H, error_T = min(tried, key=lambda one: float(np.square(one[1]).mean()))
    return forecast_H, max(float(np.sqrt(np.square(error_T).mean())), STEADY * float(np.ptp(values_T)), 1e-9)


def absurd(values: list[np.ndarray], median_NH: np.ndarray) -> list[int]:
    """Series whose forecast is further from the data and from the simple forecast than three times its 99 % band."""
    found = []
    for n, values_T in enumerate(values):
        forecast_H, error = simple(values_T)
        band_H = 3 * SCORE_99 * error * np.sqrt(np.arange(1, HORIZON + 1))
        low_H = np.minimum(values_T.min(), forecast_H - band_H)
        high_H = np.maximum(values_T.max(), forecast_H + band_H)
        outside_H = (median_NH[n] < low_H) | (median_NH[n] > high_H)
        found += [n] if outside_H.any() else []
    return found


def test_the_check_finds_what_is_absurd() -> None:
    calm = np.array([0.3, 0.9, 1.3, 0.6, 0.8, 1.1, 0.7, 0.9])
    assert absurd([calm], np.array([[1.33, 1.16, 4.87, 2.94, 0.56, -0.81]])) == []  # within three bands of noise
    assert absurd([np.arange(3.0, 15)], np.array([[20.0, 30, 50, 80, 100, 125]])) == [0]
    assert absurd([np.arange(3.0, 15)], np.array([[15.0, 16, 17, 18, 19, 20]])) == []


def test_two_thousand_short_series_at_once(panel_of: PanelOf) -> None:
    values = short_series(2_000)
    model = Forecaster(HORIZON, preset="instant", progress=False).fit(panel_of(values, dtype=np.float64))
    assert absurd(values, model.predict().values[:, :, 0]) == []


@pytest.mark.slow
def test_short_series_each_alone_with_the_defaults(panel_of: PanelOf) -> None:
    for values_T in short_series(14):
        if len(values_T) < HORIZON + 2:
            continue
        made = Forecaster(HORIZON, progress=False).fit(panel_of([values_T], dtype=np.float64)).predict()
        assert absurd([values_T], made.values[:, :, 0]) == [], values_T
