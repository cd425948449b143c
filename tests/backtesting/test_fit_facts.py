"""Facts of a fitted model and of the data before its first origin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import gatecast as gc
from gatecast.backtesting.fit_facts import recent_level
from gatecast.data.panel import Panel

PanelOf = Callable[..., Panel]


def test_the_recent_level_is_that_before_the_first_origin(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    long, short, gaps = rng.normal(5, 2, 100), rng.normal(-3, 1, 30), rng.normal(0, 1, 60)
    gaps[10:50] = np.nan
    panel = panel_of([long, short, gaps], dtype=np.float64)
    series_B, origin_B = np.array([0, 0, 1, 1, 2]), np.array([80, 70, 125, 121, 189])
    mean_BC, spread_BC = recent_level(panel, series_B, origin_B, steps=9, horizon=3)
    # twice ten steps between the origins and three steps ahead: 26 steps, or all that there are
    expected = [long[70 - 25 : 71], long[70 - 25 : 71], short[:22], short[:22], np.r_[gaps[50:]]]
    np.testing.assert_allclose(mean_BC[:, 0], [part.mean() for part in expected])
    np.testing.assert_allclose(spread_BC[:, 0], [part.std() for part in expected])


def test_a_series_without_an_observation_has_no_level(panel_of: PanelOf) -> None:
    y = np.r_[np.full(30, np.nan), 1.0, 2.0]
    mean_BC, spread_BC = recent_level(panel_of([y], dtype=np.float64), np.array([0]), np.array([29]), 5, 1)
    assert np.isnan(mean_BC).all()
    assert np.isnan(spread_BC).all()


def test_an_assessment_holds_the_facts() -> None:
    airline = gc.load_example("airline")
    quick = {"max_epochs": 1, "steps_per_epoch": 2}
    network = gc.LSTMConfig(hidden_size=4, skip=2)
    model = gc.Forecaster(3, lookback=12, scaling="difference", network=network, training=quick, members=1)
    facts = gc.evaluate(model, airline, origins=2).scores.facts
    assert facts is not None
    np.testing.assert_array_equal(facts.last_BC, airline.target_RC[[137, 140]])
    assert (facts.training_steps, facts.training_windows, facts.season) == (138, 138 - 12 - 3 + 1, model.plan_.season)
    weights = model.fitted_.main.members[0].network.parameters()
    assert facts.parameters == sum(w.numel() for w in weights) > 100
