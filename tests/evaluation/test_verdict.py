"""The sentence, case by case."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gatecast.evaluation.scores import Scores
from gatecast.evaluation.verdict import verdict


def made(mase: dict[str, float | list[float]], windows: int = 12, **settings: Any) -> Scores:
    """Scores in which each method has the MASE given, or one for each window; errors above and below in turns."""
    truth = np.full((windows, settings.pop("horizon", 4), 1), 50.0)
    side = np.where(np.arange(truth.shape[1]) % 2 == 0, 1.0, -1.0)[:, None]
    forecasts = {
        name: truth + 2 * side * np.broadcast_to(np.reshape(value, (-1, 1, 1)), truth.shape)
        for name, value in mase.items()
    }
    defaults: dict[str, Any] = {"mase_scale_BC": np.full((windows, 1), 2.0), "origins": windows, "unit": "months"}
    return Scores(truth, forecasts, **{**defaults, **settings})


BETTER_12 = " The LSTM is better in 12 of 12 origins (block bootstrap, p < 0.001)."
WORSE_12 = " The LSTM is better in 0 of 12 origins (block bootstrap, p < 0.001)."
NAIVE = {"naive": 2.0, "seasonal_naive": 1.3, "drift": 1.9}

CASES = {
    "better": (
        made({"lstm": 0.507, **NAIVE}),
        "Better than seasonal naive (the best naive forecast) by 61 % over 12 origins of 4 months." + BETTER_12,
    ),
    "better than the only one": (
        made({"lstm": 1.9, "naive": 2.0}),
        "Better than repeat last by 5.0 % over 12 origins of 4 months." + BETTER_12,
    ),
    "worse than one": (
        made({"lstm": 1.45, **NAIVE}),
        "NOT better than seasonal naive: its MASE is 1.30, the LSTM's 1.45 (12 % worse), over 12 origins of 4 months."
        + WORSE_12,
    ),
    "worse than all": (
        made({"lstm": 2.6, **NAIVE}),
        "NOT better than seasonal naive, drift and repeat last: the best MASE of these is 1.30, the LSTM's 2.60 "
        "(100 % worse), over 12 origins of 4 months." + WORSE_12,
    ),
    "hardly better": (
        made({"lstm": 1.2961, **NAIVE}),
        "NOT clearly better than seasonal naive: its MASE is 1.300, the LSTM's 1.296, a difference of 0.3 % over "
        "12 origins of 4 months." + BETTER_12,
    ),
    "hardly worse": (
        made({"lstm": 1.3042, **NAIVE}),
        "NOT clearly better than seasonal naive: its MASE is 1.300, the LSTM's 1.304, a difference of 0.3 % over "
        "12 origins of 4 months." + WORSE_12,
    ),
    "equal": (
        made({"lstm": 1.3, **NAIVE}),
        "NOT clearly better than seasonal naive: its MASE is 1.30, the LSTM's 1.30, no difference over "
        "12 origins of 4 months. The LSTM is better in 0 of 12 origins (Diebold-Mariano test, p = 1.00).",
    ),
    "one origin": (
        made({"lstm": 0.507, **NAIVE}, windows=1),
        "NOT clearly better than seasonal naive: its MASE is 1.30, the LSTM's 0.51 (61 % better), over 1 origin of "
        "4 months; too few origins to be sure.",
    ),
    "three origins that agree": (
        made({"lstm": [0.4, 0.5, 0.621], **NAIVE}, windows=3),
        "NOT clearly better than seasonal naive: its MASE is 1.30, the LSTM's 0.51 (61 % better), over 3 origins of "
        "4 months; too few origins to be sure.",
    ),
    "three origins that do not": (
        made({"lstm": [0.1, 0.1, 1.321], **NAIVE}, windows=3),
        "NOT clearly better than seasonal naive: its MASE is 1.30, the LSTM's 0.51 (61 % better), over 3 origins of "
        "4 months; too few origins to be sure.",
    ),
    "luck": (
        made({"lstm": [0.5, 2.0] * 6, **NAIVE}),
        "NOT clearly better than seasonal naive: its MASE is 1.30, the LSTM's 1.25 (3.8 % better), over 12 origins of "
        "4 months. The LSTM is better in 6 of 12 origins (Diebold-Mariano test, p = 0.83). "
        "Yet seasonal naive is better by RMSE.",
    ),
    "many series": (
        made({"lstm": 0.507, **NAIVE}, windows=36, origins=3, series=12, unit="steps"),
        "Better than seasonal naive (the best naive forecast) by 61 % over 3 origins of 4 steps in 12 series. "
        "The LSTM is better in 12 of 12 series (paired t test, p < 0.001).",
    ),
    "many series at one time": (
        made({"lstm": 0.507, **NAIVE}, origins=1, series=12, unit="steps"),
        "NOT clearly better than seasonal naive: its MASE is 1.30, the LSTM's 0.51 (61 % better), over 1 origin of "
        "4 steps in 12 series; too few origins to be sure. The LSTM is better in 12 of 12 series (paired t test, "
        "p < 0.001).",
    ),
    "worse in three origins": (
        made({"lstm": [1.4, 1.5, 1.6], **NAIVE}, windows=3),
        "NOT clearly better than seasonal naive: its MASE is 1.30, the LSTM's 1.50 (15 % worse), over 3 origins of "
        "4 months; too few origins to be sure.",
    ),
    "no rival": (made({"lstm": 1.0}), "No verdict: there is no naive forecast to compare with."),
    "references do not compete": (
        made({"lstm": 1.0, "floor": 0.5, "naive": 2.0}, references=("floor",)),
        "Better than repeat last by 50 % over 12 origins of 4 months." + BETTER_12,
    ),
    "no forecast": (made({"lstm": math.nan, **NAIVE}), "No verdict: the LSTM's MAE is undefined."),
    "no scale": (
        made({"lstm": 1.45, **NAIVE}, mase_scale_BC=None),
        "NOT better than seasonal naive: its MAE is 2.60, the LSTM's 2.90 (12 % worse), over 12 origins of 4 months."
        + WORSE_12,
    ),
    "a perfect rival": (
        made({"lstm": 1.0, "naive": 0.0}),
        "NOT better than repeat last: its MASE is 0.00, the LSTM's 1.00, over 12 origins of 4 months." + WORSE_12,
    ),
    "another model": (
        made({"ets": 1.45, **NAIVE}, model="ets", titles={"ets": "AutoETS"}),
        "NOT better than seasonal naive: its MASE is 1.30, AutoETS's 1.45 (12 % worse), over 12 origins of 4 months."
        + WORSE_12.replace("The LSTM", "AutoETS"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_sentence(case: str) -> None:
    scores, sentence = CASES[case]
    assert verdict(scores) == sentence
    assert scores.verdict == sentence


def test_a_baseline_that_wins_by_another_metric_is_named() -> None:
    uneven = [0.0] * 11 + [8.4]  # a small mean error, a large squared one
    assert verdict(made({"lstm": uneven, **NAIVE})).endswith(
        "p = 0.61). Yet seasonal naive, drift and repeat last are better by RMSE."
    )


def test_a_baseline_that_wins_on_one_target_is_named() -> None:
    truth, side = np.full((12, 4, 2), 50.0), np.array([1.0, -1.0, 1.0, -1.0])[:, None]
    errors = {"lstm": np.array([1.0, 3.0]), "naive": np.array([9.0, 2.0]), "drift": np.array([9.0, 9.0])}
    forecasts = {name: truth + side * error for name, error in errors.items()}
    sentence = verdict(Scores(truth, forecasts, targets=("rail", "bus"), origins=12, unit="days"))
    assert sentence == (
        f"Better than repeat last (the best naive forecast) by 64 % over 12 origins of 4 days.{BETTER_12} "
        "Yet repeat last is better for bus."
    )


def by_steps(lstm: list[float], naive: list[float], windows: int = 30) -> Scores:
    """Mean absolute errors of each step ahead, with some scatter between the windows."""
    random = np.random.default_rng(0)
    truth = np.zeros((windows, len(lstm), 1))

    def off(sizes: list[float]) -> np.ndarray:
        return truth + random.choice([-1, 1], truth.shape) * random.uniform(0.8, 1.2, truth.shape) * np.c_[sizes]

    forecasts = {"lstm": off(lstm), "naive": off(naive)}
    return Scores(truth, forecasts, mase_scale_BC=np.ones((windows, 1)), origins=windows)


@pytest.mark.parametrize(
    ("lstm", "naive", "words"),
    [
        ([1, 1, 4, 4], [3, 3, 3, 3], "From step 3 on repeat last is better, by 2"),
        ([1, 1, 1, 4], [3, 3, 3, 3], "At the last step repeat last is better, by 2"),
        ([4, 4, 1, 1, 1], [3, 3, 3, 3, 3], "Up to step 2 repeat last is better, by 2"),
        ([5, 1, 1, 1], [3, 3, 3, 3], "At step 1 repeat last is better, by 3"),
        ([1, 1, 6, 6], [3, 3, 3, 3], "Up to step 2 the LSTM is better than repeat last, by 6"),
        ([6, 6, 1, 1], [3, 3, 3, 3], "From step 3 on the LSTM is better than repeat last, by 6"),
    ],
)
def test_steps_where_it_is_the_other_way_are_named(lstm: list[float], naive: list[float], words: str) -> None:
    assert words in by_steps(lstm, naive).verdict


def test_the_same_at_all_steps_needs_no_word() -> None:
    for lstm in ([1, 1, 1, 1], [2, 2, 2.9, 2.9], [5, 5, 5, 5], [1]):
        sentence = by_steps(lstm, [3] * len(lstm)).verdict
        assert not any(words in sentence for words in ("From step", "Up to step", "At step", "At the last"))


def test_steps_that_are_worse_by_luck_are_not_named() -> None:
    named = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        truth = np.zeros((30, 12, 1))
        size = np.repeat([0.6, 1.0], 6)[:, None]  # the last six steps are of the same worth
        forecasts = {"lstm": truth + size * random.normal(size=truth.shape), "naive": random.normal(size=truth.shape)}
        scores = Scores(truth, forecasts, mase_scale_BC=np.ones((30, 1)), origins=30)
        named.append(any(words in scores.verdict for words in ("From step", "Up to step", "At step", "At the last")))
    assert np.mean(named) < 0.15


RIVALS = {"rivals": ("ets", "theta"), "titles": {"ets": "AutoETS", "theta": "AutoTheta"}}


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ({"lstm": 1.0, "ets": 0.95}, "p < 0.001). AutoETS is better still by 5.0 % (p < 0.001)."),
        (
            {"lstm": 1.0, "ets": 0.9, "theta": 0.8},
            "AutoTheta, the best rival, is better still by 20 % (p < 0.001). AutoETS scores better too.",
        ),
        ({"lstm": 1.4, "ets": 1.26}, "AutoETS is better by 10 % (p < 0.001)."),
        ({"lstm": 0.9, "ets": 1.0}, "The LSTM is better than AutoETS by 10 % (p < 0.001)."),
        ({"lstm": 0.9, "ets": 1.0, "theta": 1.2}, "The LSTM is better than AutoETS, the best rival, by 10 %"),
        ({"lstm": 1.0, "ets": 1.004}, "AutoETS is about as good (a difference of 0.4 %, p < 0.001)."),
        ({"lstm": 1.0, "ets": [0.5, 1.4] * 6}, "AutoETS is about as good (5.0 % better, which may be luck: p = 0.7"),
    ],
)
def test_rivals_are_named_and_are_no_naive_forecast(errors: dict[str, Any], words: str) -> None:
    settings = {**RIVALS, "rivals": [name for name in RIVALS["rivals"] if name in errors]}
    scores = made({**errors, **NAIVE}, **settings)
    assert words in scores.verdict
    assert "Auto" not in scores.verdict.split(".")[0]


def test_too_few_origins_for_a_rival() -> None:
    scores = made({"lstm": 1.0, "ets": 0.5, **NAIVE}, windows=2, **{**RIVALS, "rivals": ("ets",)})
    assert "AutoETS is better still by 50 % (too few origins to be sure)." in scores.verdict


def test_origins_that_all_overlap_are_too_few() -> None:
    scores = made({"lstm": 1.0, **NAIVE}, windows=8, stride=1, horizon=12)
    assert scores.verdict.startswith("NOT clearly better than seasonal naive")
    assert scores.verdict.endswith("too few origins to be sure.")


def test_many_origins_that_overlap_are_few() -> None:
    """As for the airline: 24 origins of 12 months, a month apart, hold two years that share nothing."""
    errors = np.concatenate([np.full(4, 2.9), np.full(20, 1.0)])
    made_of = {"windows": 24, "stride": 1, "horizon": 12}
    sentence = made({"lstm": list(errors), "naive": 2.0}, **made_of).verdict
    assert sentence.startswith("NOT clearly better than repeat last")
    assert "(34 % better), over 24 origins of 12 months; too few origins to be sure." in sentence
    assert "The LSTM is better in 20 of 24 origins, which overlap (Diebold-Mariano test, p = 0." in sentence
    errors[:8] = 2.9
    assert made({"lstm": list(errors), "naive": 2.0}, **made_of).verdict.startswith("NOT clearly better")
    sure = made({"lstm": list(np.linspace(0.5, 0.51, 24)), "naive": 2.0}, **made_of).verdict
    assert "too few" not in sure


def test_symptoms_end_the_paragraph_and_are_listed() -> None:
    truth = np.full((12, 4, 1), 50.0)
    scores = Scores(truth, {"lstm": truth + 1, "naive": truth + 3}, mase_scale_BC=np.ones((12, 1)), origins=12)
    assert scores.symptoms
    assert scores.verdict.endswith(scores.symptoms[-1])
    assert scores.to_dict()["symptoms"] == list(scores.symptoms)
    assert scores.to_dict()["significance"]["naive"]["better"] == 12


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
    test = scores.significance[scores.baselines[0]]
    assert not scores.verdict.startswith("Better") or test.significant
