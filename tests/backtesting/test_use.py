"""What forecasts in the end: the model, a naive forecast, a rival, their mean, or the best of all."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import gatecast as gc
from gatecast.backtesting.naive_intervals import naive_quantiles
from gatecast.backtesting.use import USES, require_use
from gatecast.errors import ConfigError
from gatecast.statistical.naive import BASELINES
from gatecast.statistical.rivals import rivals_installed

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
needs_rivals = pytest.mark.skipif(not rivals_installed(), reason="statsforecast is not installed")


def forecast_of(use: str, **settings: object) -> gc.ForecastResult:
    return gc.forecast(gc.load_example("airline"), horizon=6, preset="instant", origins=2, use=use, **settings)


@pytest.mark.parametrize("use", sorted(set(BASELINES) - {"same_category"}))
def test_a_naive_forecast_is_the_one_of_the_score_table(use: str) -> None:
    made = forecast_of(use)
    panel = made.panel
    expected = BASELINES[use](panel.target_RC, panel.first, panel.stop - 1, 6, made.scores.season)
    np.testing.assert_allclose(made.forecast.values, expected, rtol=1e-9)
    assert made.used.name == use
    assert made.to_dict()["used"]["name"] == use


@needs_rivals
def test_a_rival_is_scored_and_forecasts() -> None:
    made = forecast_of("auto_ets")
    assert made.scores.rivals == ("auto_ets",)
    assert made.used.title == "AutoETS"
    assert not np.allclose(made.forecast.values, forecast_of("gatecast").forecast.values)


@needs_rivals
def test_the_mean_is_the_mean() -> None:
    made = forecast_of("blend")
    parts = [forecast_of(use).forecast.values_NHCQ for use in ("gatecast", "auto_ets", "auto_theta", "auto_arima")]
    np.testing.assert_allclose(made.forecast.values_NHCQ, np.mean(parts, axis=0), rtol=1e-6)
    assert "blend" in made.scores.rivals


def test_the_best_is_what_had_the_least_error() -> None:
    made = forecast_of("best")
    scores = made.scores
    least = min(scores.table, key=lambda name: scores.table[name][scores.headline])
    assert made.used.name == {"lstm": "gatecast"}.get(least, least)
    assert f"the best of {len(scores.table)} on 2 held-out origins" in made.used.reason


def test_the_best_of_a_random_walk_may_be_naive() -> None:
    walk = np.cumsum(np.random.default_rng(3).normal(size=80))
    made = gc.forecast(walk, horizon=4, preset="instant", origins=3, use="best")
    table = made.scores.table
    assert table["lstm" if made.used.is_model else made.used.name]["mase"] == min(row["mase"] for row in table.values())


def test_counts_stay_counts_whatever_forecasts() -> None:
    rare = np.random.default_rng(0).poisson(0.6, 60)
    made = gc.forecast(rare, horizon=6, preset="instant", origins=1, use="mean")
    assert made.forecast.values_NHCQ.min() >= 0
    assert made.forecast.bounded == made.forecast.ids


def test_a_name_that_nobody_knows_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match=r"use.*must be one of .*'auto_est'.*auto_ets"):
        require_use("auto_est")


def test_a_page_says_what_forecast(tmp_path) -> None:
    made = forecast_of("seasonal_naive")
    made.report(tmp_path / "page.html")
    assert "The forecast is by seasonal naive" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("name", sorted(set(BASELINES) - {"same_category"}))
def test_intervals_hold_on_the_process_that_a_method_is_right_for(name: str) -> None:
    rng = np.random.default_rng(1)
    series, steps, horizon, season = 400, 60, 5, 4
    noise = rng.normal(size=(series, steps + horizon))
    level = {
        "naive": np.cumsum(noise, axis=1),
        "drift": np.cumsum(noise + 0.5, axis=1),
        "mean": noise + 3,
        "seasonal_naive": np.cumsum(noise.reshape(series, -1, 1)[:, : 16 * season].reshape(series, 16, season), axis=1)
        .reshape(series, -1),
    }[name]  # fmt: skip
    history, horizon = level[:, : level.shape[1] - 4], 4
    rows = history.shape[1]
    flat = history.reshape(-1, 1)
    first = np.arange(series) * rows
    made = naive_quantiles(name, flat, first, first + rows - 1, horizon, season, LEVELS)[:, :, 0]
    truth = level[:, -4:]
    inside = ((truth >= made[..., 1]) & (truth <= made[..., 3])).mean()
    assert 0.76 < inside < 0.84


def test_two_values_give_no_width_and_longer_histories_do() -> None:
    short = naive_quantiles("naive", np.array([[1.0], [2.0]]), np.array([0]), np.array([1]), 2, 1, LEVELS)
    assert np.ptp(short) == 0
    long = naive_quantiles("naive", np.array([[1.0], [2.0], [1.0]]), np.array([0]), np.array([2]), 2, 1, LEVELS)
    assert (np.diff(long[0, :, 0]) > 0).all()
    assert np.ptp(long[0, 1]) > np.ptp(long[0, 0])


def test_same_category_has_an_interval_too() -> None:
    values = np.tile([[8.0], [3.0]], (10, 1)) + np.linspace(0, 1, 20)[:, None]
    codes = np.tile([0, 1], 12)
    made = naive_quantiles("same_category", values, np.array([0]), np.array([19]), 4, 1, LEVELS, codes)
    np.testing.assert_allclose(made[0, :2, 0, 2], values[18:20, 0])
    assert (np.diff(made[0, :, 0]) > 0).all()


def test_every_use_is_documented() -> None:
    assert {"gatecast", "best", "blend"} < set(USES)
    assert dataclasses.is_dataclass(forecast_of("gatecast").used)
