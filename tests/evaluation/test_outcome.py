"""Better, undecided or worse: one rule, and it cannot be lucky for long."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gatecast.evaluation.judgement import OUTCOMES
from gatecast.evaluation.scores import Scores

Simulate = Callable[..., Scores]
OPENINGS = {"better": "Better than ", "undecided": "NOT clearly better than ", "worse": "NOT better than "}
SHAPES: dict[str, dict[str, int]] = {
    "one step": {"origins": 60},
    "year by year": {"origins": 24, "horizon": 12, "stride": 12},
    "overlapping": {"origins": 24, "horizon": 12},
    "eight origins": {"origins": 8, "horizon": 12, "stride": 12},
    "panel": {"series": 20, "origins": 3, "horizon": 12, "stride": 12},
}
FEW = [{"origins": n, "horizon": 12, "stride": 12} for n in (1, 2, 3, 4)] + [
    {"origins": n, "horizon": 12, "stride": 12, "series": 30} for n in (1, 2)
]
every_shape = pytest.mark.parametrize("shape", SHAPES)


def near(best: np.ndarray, last: np.ndarray) -> np.ndarray:
    """A good network: the best forecast and some noise."""
    return best + 0.2 * np.random.default_rng(2).normal(size=best.shape)


def copied(best: np.ndarray, last: np.ndarray) -> np.ndarray:
    return last + 0.05 * np.random.default_rng(1).normal(size=last.shape)


def damped(best: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Between the last value and its mean: on a walk it is now ahead and now behind."""
    return 0.8 * last + 0.2 * last.mean()


def spoilt(best: np.ndarray, last: np.ndarray) -> np.ndarray:
    return best + 5.0


@every_shape
@pytest.mark.parametrize("change", [near, copied, damped])
def test_a_random_walk_is_never_green(simulate: Simulate, shape: str, change: Any) -> None:
    outcomes = [simulate("random walk", seed, change=change, **SHAPES[shape]).outcome for seed in range(20)]
    assert "better" not in outcomes


@every_shape
@pytest.mark.parametrize("change", [near, copied])
def test_noise_is_never_green(simulate: Simulate, shape: str, change: Any) -> None:
    outcomes = [simulate("noise", seed, change=change, **SHAPES[shape]).outcome for seed in range(20)]
    assert "better" not in outcomes


@every_shape
def test_a_copy_of_the_last_value_is_never_green(simulate: Simulate, shape: str) -> None:
    for kind in ("season", "trend", "autoregressive"):
        outcomes = [simulate(kind, seed, change=copied, **SHAPES[shape]).outcome for seed in range(10)]
        assert "better" not in outcomes


@pytest.mark.parametrize("few", FEW, ids=str)
@pytest.mark.parametrize("change", [near, spoilt])
def test_few_origins_decide_nothing(simulate: Simulate, few: dict[str, int], change: Any) -> None:
    for seed in range(5):
        scores = simulate("season", seed, change=change, **few)
        assert (scores.outcome, scores.judgement.reason) == ("undecided", "too few origins")
        assert "too few origins to be sure" in scores.verdict


@pytest.mark.parametrize("shape", ["one step", "year by year", "panel"])
def test_a_real_win_is_green_and_a_real_loss_is_not(simulate: Simulate, shape: str) -> None:
    for seed in range(10):
        assert simulate("season", seed, change=near, **SHAPES[shape]).outcome == "better"
        assert simulate("season", seed, change=spoilt, **SHAPES[shape]).outcome == "worse"


@every_shape
@pytest.mark.parametrize("kind", ["season", "noise", "random walk", "trend"])
def test_words_and_data_say_the_same(simulate: Simulate, shape: str, kind: str) -> None:
    for change in (near, copied, damped, spoilt):
        scores = simulate(kind, 3, change=change, **SHAPES[shape])
        judgement = json.loads(json.dumps(scores.judgement.to_dict()))
        assert scores.verdict.startswith(OPENINGS[judgement["outcome"]])
        assert judgement["outcome"] in OUTCOMES
        assert judgement["against"] == scores.baselines[0]
        assert (judgement["reason"] == "significant") == (judgement["outcome"] != "undecided")


def test_nothing_to_compare_with_decides_nothing() -> None:
    truth = np.full((12, 4, 1), 50.0)
    alone = Scores(truth, {"lstm": truth + 1}, origins=12)
    assert (alone.outcome, alone.judgement.against) == ("undecided", None)
    unknown = Scores(truth, {"lstm": truth * math.nan, "naive": truth + 1}, origins=12)
    assert (unknown.outcome, unknown.judgement.reason) == ("undecided", "undefined")
    assert unknown.judgement.to_dict()["gain"] is None


def test_series_that_move_together_are_no_proof() -> None:
    """Forty walks that share their steps, three origins: a forecast that leans up is right by luck alone."""
    called = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        steps = rng.normal(size=(3, 12)).cumsum(axis=1)[None] + 0.3 * rng.normal(size=(40, 3, 12)).cumsum(axis=2)
        truth = steps.reshape(120, 12, 1)
        forecasts = {"lstm": np.full_like(truth, 0.8), "naive": np.zeros_like(truth)}
        scores = Scores(truth, forecasts, mase_scale_BC=np.ones((120, 1)), origins=3, series=40, stride=12)
        called.append(scores.outcome)
    assert scores.significance["naive"].unit == "series"
    assert np.mean([outcome == "better" for outcome in called]) < 0.05
