"""The sentence, case by case."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gatecast.evaluation.scores import Scores
from gatecast.evaluation.verdict import verdict


def made(mase: dict[str, float | list[float]], windows: int = 12, **settings: Any) -> Scores:
    """Scores in which each method has the MASE given, or one for each window."""
    truth = np.full((windows, 4, 1), 50.0)
    forecasts = {
        name: truth + 2 * np.broadcast_to(np.reshape(value, (-1, 1, 1)), truth.shape) for name, value in mase.items()
    }
    defaults: dict[str, Any] = {"mase_scale_BC": np.full((windows, 1), 2.0), "origins": windows, "unit": "months"}
    return Scores(truth, forecasts, **{**defaults, **settings})


NAIVE = {"naive": 2.0, "seasonal_naive": 1.3, "drift": 1.9}

CASES = {
    "better": (
        made({"lstm": 0.507, **NAIVE}),
        "Better than seasonal naive (the best naive forecast) by 61 % over 12 origins of 4 months.",
    ),
    "better than the only one": (
        made({"lstm": 1.9, "naive": 2.0}),
        "Better than repeat last by 5.0 % over 12 origins of 4 months.",
    ),
    "worse than one": (
        made({"lstm": 1.45, **NAIVE}),
        "NOT better than seasonal naive: its MASE is 1.30, the LSTM's 1.45 (12 % worse), over 12 origins of 4 months.",
    ),
    "worse than all": (
        made({"lstm": 2.6, **NAIVE}),
        "NOT better than seasonal naive, drift and repeat last: the best MASE of these is 1.30, the LSTM's 2.60 "
        "(100 % worse), over 12 origins of 4 months.",
    ),
    "hardly better": (
        made({"lstm": 1.2961, **NAIVE}),
        "NOT clearly better than seasonal naive: its MASE is 1.300, the LSTM's 1.296, a difference of 0.3 % over "
        "12 origins of 4 months.",
    ),
    "hardly worse": (
        made({"lstm": 1.3042, **NAIVE}),
        "NOT clearly better than seasonal naive: its MASE is 1.300, the LSTM's 1.304, a difference of 0.3 % over "
        "12 origins of 4 months.",
    ),
    "equal": (
        made({"lstm": 1.3, **NAIVE}),
        "NOT clearly better than seasonal naive: its MASE is 1.30, the LSTM's 1.30, no difference over "
        "12 origins of 4 months.",
    ),
    "one origin": (
        made({"lstm": 0.507, **NAIVE}, windows=1),
        "Better than seasonal naive (the best naive forecast) by 61 % over 1 origin of 4 months; "
        "too few origins to be sure.",
    ),
    "three origins that agree": (
        made({"lstm": [0.4, 0.5, 0.621], **NAIVE}, windows=3),
        "Better than seasonal naive (the best naive forecast) by 61 % over 3 origins of 4 months.",
    ),
    "three origins that do not": (
        made({"lstm": [0.1, 0.1, 1.321], **NAIVE}, windows=3),
        "Better than seasonal naive (the best naive forecast) by 61 % over 3 origins of 4 months; "
        "too few origins to be sure.",
    ),
    "many series": (
        made({"lstm": 0.507, **NAIVE}, origins=1, series=12, unit="steps"),
        "Better than seasonal naive (the best naive forecast) by 61 % over 1 origin of 4 steps in 12 series.",
    ),
    "no rival": (made({"lstm": 1.0}), "No verdict: there is no naive forecast to compare with."),
    "references do not compete": (
        made({"lstm": 1.0, "floor": 0.5, "naive": 2.0}, references=("floor",)),
        "Better than repeat last by 50 % over 12 origins of 4 months.",
    ),
    "no forecast": (made({"lstm": math.nan, **NAIVE}), "No verdict: the LSTM's MAE is undefined."),
    "no scale": (
        made({"lstm": 1.45, **NAIVE}, mase_scale_BC=None),
        "NOT better than seasonal naive: its MAE is 2.60, the LSTM's 2.90 (12 % worse), over 12 origins of 4 months.",
    ),
    "a perfect rival": (
        made({"lstm": 1.0, "naive": 0.0}),
        "NOT better than repeat last: its MASE is 0.00, the LSTM's 1.00, over 12 origins of 4 months.",
    ),
    "another model": (
        made({"ets": 1.45, **NAIVE}, model="ets", titles={"ets": "AutoETS"}),
        "NOT better than seasonal naive: its MASE is 1.30, AutoETS's 1.45 (12 % worse), over 12 origins of 4 months.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_sentence(case: str) -> None:
    scores, sentence = CASES[case]
    assert verdict(scores) == sentence
    assert scores.verdict == sentence


def test_a_baseline_that_wins_by_another_metric_is_named() -> None:
    uneven = [0.0] * 11 + [8.4]  # a small mean error, a large squared one
    sentence = verdict(made({"lstm": uneven, **NAIVE}))
    assert sentence == (
        "Better than seasonal naive (the best naive forecast) by 46 % over 12 origins of 4 months; "
        "yet seasonal naive, drift and repeat last are better by RMSE."
    )


def test_a_baseline_that_wins_on_one_target_is_named() -> None:
    truth = np.full((12, 4, 2), 50.0)
    forecasts = {"lstm": truth + np.array([1.0, 3.0]), "naive": truth + np.array([9.0, 2.0]), "drift": truth + 9.0}
    sentence = verdict(Scores(truth, forecasts, targets=("rail", "bus"), origins=12, unit="days"))
    assert sentence == (
        "Better than repeat last (the best naive forecast) by 64 % over 12 origins of 4 days; "
        "yet repeat last is better for bus."
    )


@pytest.mark.parametrize("seed", range(20))
def test_every_baseline_that_beats_the_model_is_named(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.uniform(10, 20, (5, 3, 2))
    names = ("lstm", "naive", "seasonal_naive", "drift", "mean", "same_category")
    forecasts = {name: truth + random.normal(0, random.uniform(0.5, 2), truth.shape) for name in names}
    scores = Scores(truth, forecasts, mase_scale_BC=np.ones((5, 2)))
    model = scores.table["lstm"]
    for name in scores.baselines:
        if any(scores.table[name][metric] < model[metric] for metric in ("mase", "smape", "mae", "rmse")):
            assert scores.title(name) in scores.verdict
    beaten = all(scores.table[name]["mase"] > model["mase"] for name in scores.baselines)
    assert scores.verdict.startswith(("Better", "NOT clearly") if beaten else "NOT")
