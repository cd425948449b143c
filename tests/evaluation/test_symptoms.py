"""Symptoms: each fires on its own illness, and hardly ever on good forecasts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gatecast.evaluation.facts import Facts
from gatecast.evaluation.scores import Scores
from gatecast.evaluation.symptoms import (
    SYMPTOMS,
    bias,
    intervals,
    lag_copy,
    level_shift,
    little_data,
    symptoms,
    unlike_validation,
)

Simulate = Callable[..., Scores]

SHAPES: dict[str, dict[str, int]] = {
    "one step": {"origins": 60},
    "overlapping": {"origins": 24, "horizon": 12},
    "apart": {"origins": 10, "horizon": 12, "stride": 12},
    "panel": {"series": 30, "origins": 3, "horizon": 12, "stride": 12},
    "few": {"origins": 3, "horizon": 12, "stride": 12},
}


def copied(best: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The last value and a little noise: what a badly trained network learns."""
    return last + 0.05 * np.random.default_rng(1).normal(size=last.shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["noise", "autoregressive", "trend", "season"])
def test_the_best_forecast_raises_no_alarm(simulate: Simulate, kind: str, shape: str) -> None:
    alarms = [sentence for seed in range(25) for sentence in simulate(kind, seed, **SHAPES[shape]).symptoms]
    assert len(alarms) <= 3  # tests at 5 % that also ask for a large effect


# ---------------------------------------------------------------- lag copy


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        *(("noise", shape) for shape in SHAPES if shape != "few"),
        *(("season", shape) for shape in SHAPES if shape != "few"),
        *(("autoregressive", shape) for shape in ("apart", "panel")),
    ],
)
def test_a_copy_of_the_last_value_is_named(simulate: Simulate, kind: str, shape: str) -> None:
    sentence = lag_copy(simulate(kind, 3, change=copied, **SHAPES[shape]))
    assert sentence is not None
    assert sentence.startswith("Lag copy: the forecast is the last value moved on by one step (its distance")
    assert "Try a scaling with differences" in sentence


@pytest.mark.parametrize("shape", ["one step", "apart", "panel"])
def test_a_copy_of_a_random_walk_is_as_good_as_it_gets(simulate: Simulate, shape: str) -> None:
    sentences = [lag_copy(simulate("random walk", seed, change=copied, **SHAPES[shape])) for seed in range(20)]
    assert all(sentence is not None for sentence in sentences)
    assert np.mean(["as good as it gets" in str(sentence) for sentence in sentences]) >= 0.9


def test_a_copy_of_a_trend_is_named(simulate: Simulate) -> None:
    assert "Lag copy" in str(lag_copy(simulate("trend", change=copied)))


def test_a_walk_that_a_rival_can_forecast_is_no_random_walk(simulate: Simulate) -> None:
    scores = simulate("random walk", change=copied)
    better = 0.85 * scores.forecasts["lstm"] + 0.15 * scores.truth_BHC
    with_rival = replace(scores, forecasts={**scores.forecasts, "ets": better}, rivals=("ets",))
    assert "as good as it gets" in str(lag_copy(scores))
    assert "Try a scaling with differences" in str(lag_copy(with_rival))


def test_a_small_step_in_the_right_direction_is_no_copy() -> None:
    truth = 0.4 + np.random.default_rng(0).normal(size=(4000, 1, 1))  # after a last value of 0
    forecasts = {"lstm": np.full_like(truth, 0.4), "naive": np.zeros_like(truth)}
    assert lag_copy(Scores(truth, forecasts, origins=4000)) is None
    still = {**forecasts, "lstm": np.full_like(truth, 0.02)}
    assert lag_copy(Scores(truth, still, origins=4000)) is not None


def test_a_correlation_too_small_to_be_worth_a_model_is_none() -> None:
    noise = np.random.default_rng(0).normal(size=(100, 102))
    walk = np.cumsum(noise[:, 1:] + 0.05 * noise[:, :-1], axis=1)
    last, truth = walk[:, :-1].reshape(-1, 1, 1), walk[:, 1:].reshape(-1, 1, 1)
    forecasts = {"lstm": last + 0.01, "naive": last}
    settings: dict[str, Any] = {"series_B": np.repeat(np.arange(100), 100), "origin_B": np.tile(np.arange(100), 100)}
    scores = Scores(truth, forecasts, origins=100, series=100, stride=1, **settings)
    assert "as good as it gets" in str(lag_copy(scores))


def test_a_few_windows_are_no_lag_copy(simulate: Simulate) -> None:
    assert lag_copy(simulate("random walk", change=copied, origins=4, horizon=12)) is None
    assert lag_copy(simulate("random walk", change=copied, origins=19)) is None
    assert lag_copy(simulate("random walk", change=copied, origins=20)) is not None


def test_the_last_value_may_come_from_the_facts(simulate: Simulate) -> None:
    scores = simulate("noise", change=copied)
    alone = {name: f for name, f in scores.forecasts.items() if name != "naive"}
    assert lag_copy(replace(scores, forecasts=alone)) is None
    told = replace(scores, forecasts=alone, facts=Facts(last_BC=scores.forecasts["naive"][:, 0]))
    assert lag_copy(told) == lag_copy(scores)


# ---------------------------------------------------------------- bias and level


@pytest.mark.parametrize(("offset", "word"), [(0.8, "high"), (-0.8, "low")])
@pytest.mark.parametrize("shape", ["one step", "apart", "panel"])
def test_a_bias_is_named_with_its_direction(simulate: Simulate, shape: str, offset: float, word: str) -> None:
    sentence = bias(simulate("season", change=lambda best, last: best + offset, **SHAPES[shape]))
    assert sentence is not None
    assert f"Bias: the forecast is too {word} on average, by " in sentence


def test_a_small_bias_is_none_however_sure(simulate: Simulate) -> None:
    scores = simulate("season", change=lambda best, last: best + 0.2, series=30, origins=30, horizon=4, stride=4)
    assert bias(scores) is None


def test_the_size_of_a_bias_is_its_share_of_the_error() -> None:
    truth = np.zeros((20, 2, 2))
    forecast = truth + np.array([[1.0, 1.0], [3.0, -1.0]])  # errors 1 and 3, and 1 and -1
    scores = Scores(truth, {"lstm": forecast, "naive": truth + 1}, targets=("rail", "bus"), origins=20)
    assert "the forecast of rail is too high on average, by 100 %" in str(bias(scores))
    turned = Scores(truth, {"lstm": forecast * [1, -1], "naive": truth + 1}, origins=20)
    assert str(bias(turned)) == str(bias(scores)).replace("rail", "target 1")
    only_bus = Scores(truth[..., 1:], {"lstm": forecast[..., 1:], "naive": truth[..., 1:] + 1}, origins=20)
    assert bias(only_bus) is None


def test_the_median_of_counts_is_not_biased() -> None:
    truth = np.random.default_rng(0).poisson(0.6, (400, 1, 1)).astype(float)  # 55 % are 0
    scores = Scores(truth, {"lstm": np.zeros_like(truth), "naive": np.ones_like(truth)}, origins=400)
    assert bias(scores) is None
    assert "too high" in str(bias(Scores(truth, {"lstm": 2 + 0 * truth, "naive": truth + 1}, origins=400)))


def test_a_bias_of_few_origins_may_be_luck(simulate: Simulate) -> None:
    assert bias(simulate("season", change=lambda best, last: best + 2, origins=4, horizon=4, stride=4)) is None


@pytest.mark.parametrize(("shift", "word"), [(40.0, "above"), (-40.0, "below")])
@pytest.mark.parametrize("shape", ["apart", "panel", "few"])
def test_a_level_shift_is_named(simulate: Simulate, shape: str, shift: float, word: str) -> None:
    sentence = level_shift(simulate("season", shift=shift, **SHAPES[shape]))
    assert sentence is not None
    assert sentence.startswith("Level shift: the test span lies ")
    assert f"standard deviations {word} what was trained on. Try" in sentence


def test_a_shift_that_the_forecast_follows_is_no_trouble(simulate: Simulate) -> None:
    assert level_shift(simulate("season", shift=20.0, change=lambda best, last: best + 20, **SHAPES["apart"])) is None
    assert level_shift(replace(simulate("season", shift=20.0, **SHAPES["apart"]), facts=None)) is None


def test_a_random_walk_has_no_level_to_shift(simulate: Simulate) -> None:
    walks = [simulate("random walk", seed, change=copied, **SHAPES["overlapping"]) for seed in range(40)]
    assert sum(level_shift(scores) is not None for scores in walks) <= 2


# ---------------------------------------------------------------- intervals


@pytest.mark.parametrize(
    ("shape", "spread", "words"),
    [
        *((shape, 0.3, "too narrow") for shape in ("one step", "apart", "panel")),
        *((shape, 4.0, "too wide") for shape in ("one step", "panel")),  # ten windows that hold all are no proof
    ],
)
def test_intervals_of_a_wrong_width_are_named(simulate: Simulate, shape: str, spread: float, words: str) -> None:
    sentence = intervals(simulate("season", spread=spread, **SHAPES[shape]))
    assert sentence is not None
    assert words in sentence
    assert "Try" in sentence


def test_both_levels_are_named_with_what_they_hold(simulate: Simulate) -> None:
    scores = simulate("noise", spread=0.3, series=10)
    held = [100 * scores.table["lstm"][f"coverage_{level}"] for level in (80, 95)]
    assert str(intervals(scores)).startswith(
        f"The 80 % intervals and 95 % intervals are too narrow: they hold {held[0]:.0f} % and {held[1]:.0f} % of"
    )


def test_intervals_a_little_off_or_on_few_windows_are_left_alone(simulate: Simulate) -> None:
    assert intervals(simulate("noise", spread=0.95, series=50)) is None
    assert intervals(simulate("noise", spread=0.7, origins=5)) is None
    assert intervals(replace(simulate("noise"), quantile_forecasts={}, quantiles=())) is None


def test_all_truths_inside_a_few_windows_prove_nothing(simulate: Simulate) -> None:
    scores = simulate("noise", spread=9, origins=8)
    assert scores.table["lstm"]["coverage_80"] == 1
    assert intervals(scores) is None


def test_intervals_of_counts_hold_more_than_they_say() -> None:
    truth = np.random.default_rng(0).poisson(0.8, (300, 1, 1)).astype(float)
    bounds = np.broadcast_to(np.array([0.0, 1.0, 2.0]), (300, 1, 1, 3))
    made: dict[str, Any] = {"quantiles": (0.1, 0.5, 0.9), "origins": 300}
    scores = Scores(truth, {"lstm": np.ones_like(truth)}, quantile_forecasts={"lstm": bounds}, **made)
    assert scores.table["lstm"]["coverage_80"] > 0.92
    assert intervals(scores) is None
    wide = Scores(truth, {"lstm": np.ones_like(truth)}, quantile_forecasts={"lstm": bounds * 3 - 2}, **made)
    assert "too wide" in str(intervals(wide))


# ---------------------------------------------------------------- what the facts say


@pytest.mark.parametrize(
    ("validation", "test", "words"),
    [(1.0, 2.1, "2.1 times as large"), (2.0, 1.0, "0.5 times as large"), (1.0, 1.4, None), (1.4, 1.0, None)],
)
def test_a_test_span_unlike_the_validation_span(
    simulate: Simulate, validation: float, test: float, words: str | None
) -> None:
    sentence = unlike_validation(simulate("noise", validation_error=validation, test_error=test))
    assert (sentence is None) if words is None else (words in str(sentence))


def test_errors_that_nobody_knows_say_nothing(simulate: Simulate) -> None:
    for unknown in (
        {},
        {"validation_error": 0.0, "test_error": 1.0},
        {"validation_error": 1.0, "test_error": math.nan},
    ):
        assert unlike_validation(simulate("noise", **unknown)) is None


def test_too_little_data_is_named_where_the_network_does_not_win(simulate: Simulate) -> None:
    few: dict[str, Any] = {"training_windows": 90, "parameters": 13_000}
    assert "90 training windows for 13,000 weights. Try a smaller hidden_size" in str(
        little_data(simulate("random walk", **few))
    )
    assert little_data(simulate("season", **few)) is None  # it wins all the same
    assert little_data(simulate("random walk", training_windows=1300, parameters=13_000)) is None
    seasons = simulate("season", change=copied, training_steps=24)
    assert "a typical series was trained on 2.0 seasons" in str(little_data(seasons))
    assert little_data(simulate("season", change=copied, training_steps=36)) is None
    assert little_data(replace(seasons, facts=None)) is None


# ---------------------------------------------------------------- all of them


def test_symptoms_come_in_their_order(simulate: Simulate) -> None:
    scores = simulate("season", change=lambda best, last: best - 5, spread=0.1, validation_error=1.0, test_error=9.0)
    told = symptoms(scores)
    assert told == tuple(s for s in (symptom(scores) for symptom in SYMPTOMS.values()) if s)
    assert [sentence.split()[0] for sentence in told] == ["Bias:", "The", "The"]


def test_without_a_score_there_is_no_symptom(simulate: Simulate) -> None:
    scores = simulate("noise", validation_error=1.0, test_error=9.0)
    silent = replace(scores, forecasts={**scores.forecasts, "lstm": np.full_like(scores.truth_BHC, math.nan)})
    assert symptoms(silent) == ()
