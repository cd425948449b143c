"""One to twelve values: bounded, with an honest width, or refused in a line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import gatecast as gc
from gatecast.errors import WindowError

SERIES: dict[str, list[float]] = {
    "a line": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
    "a short line": [1, 2, 3],
    "two": [1, 2],
    "flat": [3, 3, 3],
    "noise": [100, 103, 99, 104, 101, 98],
    "doubling": [1, 2, 4, 8, 16],
    "rare": [0, 0, 0, 0, 7],
    "falling": [12, 9, 7, 4, 2, 1],
    "large": [1e9, 1.1e9, 0.9e9],
}


def frame(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"ds": pd.date_range("2024-01-01", periods=len(values), freq="MS"), "y": np.array(values, float)}
    )


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("preset", ["standard", "instant"])
def test_a_forecast_stays_near_what_was_seen(name: str, preset: Any) -> None:
    values = SERIES[name]
    made = gc.Forecaster(2, preset=preset, progress=False, time_limit=3).fit(frame(values)).predict()
    span = max(values) - min(values) or 1.0
    assert min(values) - 1.5 * span <= made.values.min()
    assert made.values.max() <= max(values) + 1.5 * span
    low, high = made.interval(0.95)
    assert (high - low > 0).all() or name == "flat"


def test_a_line_goes_on() -> None:
    made = gc.Forecaster(10, progress=False, time_limit=5).fit(frame(SERIES["a line"])).predict()
    np.testing.assert_allclose(made.values[0, :, 0], np.arange(15, 25), atol=1)


def test_a_model_of_long_series_takes_short_ones() -> None:
    long = frame(list(100 + 10 * np.sin(np.arange(80) * np.pi / 6)))
    model = gc.Forecaster(2, progress=False, time_limit=4).fit(long)
    for values in SERIES.values():
        made = model.predict(frame(values))
        span = max(values) - min(values) or 1.0
        assert np.abs(made.values - np.mean(values)).max() <= 4 * span


@pytest.mark.parametrize("values", [[1, 2, 3], [100, 103, 99, 104]])
def test_a_lookback_that_leaves_nothing_to_learn_is_refused(values: list[float]) -> None:
    with pytest.raises(WindowError, match=r"a network needs 3\. Leave out lookback, or give more history"):
        gc.Forecaster(2, lookback=1, progress=False).fit(frame(values))


def test_the_score_is_that_of_what_forecasts() -> None:
    """The part before the held-out steps is too short to train on, the whole is not: then there is no score."""
    result = gc.forecast(frame([5, 6, 7, 6, 5, 6, 7]), 3, progress=False, time_limit=3)
    assert not result.model.fitted_.blend.untrained
    assert (result.evaluation, result.outcome) == (None, "undecided")
    assert "before the held-out steps there is too little to train on" in result.verdict
    shorter = gc.forecast(frame([5, 6, 7, 6]), 3, progress=False, time_limit=3)
    assert shorter.model.fitted_.blend.untrained
