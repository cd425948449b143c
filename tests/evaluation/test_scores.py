"""The score table against loops, and its text."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from gatecast.errors import InputError
from gatecast.evaluation.layout import decimals, percent
from gatecast.evaluation.metrics import coverage, mae, mase, pinball, rmse, rmsse, smape, wql
from gatecast.evaluation.scores import Scores

B, H, C = 6, 4, 2


def made(**changes: Any) -> Scores:
    random = np.random.default_rng(3)
    truth = random.uniform(10, 20, (B, H, C)) * [1.0, 100.0]
    truth[0, 2, 1] = math.nan

    def off(size: float) -> np.ndarray:
        return truth + random.normal(0, size, (B, H, C)) * [1.0, 100.0]

    filled = np.nan_to_num(off(0.5), nan=15.0)
    arguments: dict[str, Any] = {
        "forecasts": {"drift": np.nan_to_num(off(2.0)), "lstm": filled, "naive": np.nan_to_num(off(1.0))},
        "targets": ("rail", "bus"),
        "mase_scale_BC": random.uniform(1, 2, (B, C)) * [1.0, 100.0],
        "rmsse_scale_BC": random.uniform(1, 2, (B, C)) * [1.0, 100.0],
        "quantiles": (0.1, 0.9),
        "quantile_forecasts_BHCQ": filled[..., None] + np.array([-1.0, 1.0]),
        "interval": (filled - 0.5, filled + 0.5),
        "level": 0.8,
        "origins": 3,
        "series": 2,
        "unit": "days",
    }
    return Scores(truth, **{**arguments, **changes})


def test_the_model_comes_first_then_the_baselines_from_best_to_worst_then_references() -> None:
    scores = made()
    assert scores.methods == ("lstm", "naive", "drift")
    assert scores.headline == "mase"
    assert made(references=("drift",)).methods == ("lstm", "naive", "drift")
    assert made(references=("naive",)).baselines == ("drift",)


def test_each_column_is_scored_alone_and_the_table_is_the_mean() -> None:
    scores = made()
    for c, name in enumerate(("rail", "bus")):
        y, f = scores.truth_BHC[..., c], scores.forecasts["lstm"][..., c]
        row = scores.per_target[name]["lstm"]
        assert row["mae"] == mae(y, f)
        assert row["rmse"] == rmse(y, f)
        assert row["mase"] == mase.over_series(y, f, scores.mase_scale_BC[:, c])  # type: ignore[index]
        assert row["rmsse"] == rmsse.over_series(y, f, scores.rmsse_scale_BC[:, c])  # type: ignore[index]
        assert row["smape"] == smape.over_series(y, f)
        f_Q = scores.quantile_forecasts_BHCQ[:, :, c]  # type: ignore[index]
        assert (row["pinball"], row["wql"]) == (pinball(y, f_Q, [0.1, 0.9]), wql(y, f_Q, [0.1, 0.9]))
        assert row["coverage"] == coverage(y, f - 0.5, f + 0.5)
    for metric, value in scores.table["lstm"].items():
        assert value == pytest.approx((scores.per_target["rail"]["lstm"][metric] + row[metric]) / 2)
    assert "coverage" not in scores.table["naive"]


def test_skill_is_the_share_of_the_error_that_is_saved() -> None:
    scores = made()
    table = scores.table
    assert scores.skill["naive"]["mae"] == 1 - table["lstm"]["mae"] / table["naive"]["mae"]
    perfect = made(forecasts={"lstm": np.ones((B, H, C)), "naive": np.nan_to_num(scores.truth_BHC)})
    assert math.isnan(perfect.skill["naive"]["mae"])


def test_errors_per_step_and_per_window_equal_the_loops() -> None:
    scores = made()
    error = np.abs(scores.truth_BHC - scores.forecasts["drift"])
    for h in range(H):
        by_column = [np.nanmean(error[:, h, c]) for c in range(C)]
        assert scores.per_step["drift"]["mae"][h] == pytest.approx(np.mean(by_column))
        squares = [np.sqrt(np.nanmean(error[:, h, c] ** 2)) for c in range(C)]
        assert scores.per_step["drift"]["rmse"][h] == pytest.approx(np.mean(squares))
    for b in range(B):
        scaled = [np.nanmean(error[b, :, c]) / scores.mase_scale_BC[b, c] for c in range(C)]  # type: ignore[index]
        assert scores.per_window["drift"][b] == pytest.approx(np.mean(scaled))


def test_all_methods_are_scored_on_the_same_points() -> None:
    scores = made()
    silent = scores.forecasts["naive"].copy()
    silent[1] = math.nan  # no history at this origin
    partly = made(forecasts={**scores.forecasts, "naive": silent})
    assert partly.counts == {"points": B * H * C - 1 - H * C, "missing": 1, "no_history": H * C, "no_scale": 0}
    kept = np.arange(B) != 1
    y, f = scores.truth_BHC[kept], scores.forecasts["lstm"][kept]
    assert partly.per_target["rail"]["lstm"]["mae"] == pytest.approx(mae(y[..., 0], f[..., 0]))


def test_a_model_that_says_nothing_does_not_get_a_score() -> None:
    forecast = made().forecasts["lstm"].copy()
    forecast[0, 0, 0] = math.nan
    scores = made(forecasts={**made().forecasts, "lstm": forecast})
    assert math.isnan(scores.table["lstm"]["mae"])
    assert scores.counts["no_history"] == 0


def test_without_scales_mae_is_the_headline_and_mase_is_nan() -> None:
    scores = made(mase_scale_BC=None)
    assert scores.headline == "mae"
    assert math.isnan(scores.table["lstm"]["mase"])
    assert "MASE" not in str(scores).splitlines()[0]
    assert scores.to_dict()["scores"]["lstm"]["mase"] is None


def test_undefined_scales_are_counted() -> None:
    scale = np.ones((B, C))
    scale[2, 0] = 0
    scores = made(mase_scale_BC=scale)
    assert scores.counts["no_scale"] == H
    assert f"{H} of {B * H * C} points have no MASE" in str(scores)


def test_owa_appears_with_naive2() -> None:
    scores = made()
    with_naive2 = made(forecasts={**scores.forecasts, "naive2": scores.forecasts["naive"]})
    assert with_naive2.table["naive2"]["owa"] == 1
    assert with_naive2.table["lstm"]["owa"] < 1
    assert "owa" not in scores.table["lstm"]


def test_plain_data_is_valid_json() -> None:
    data = json.loads(json.dumps(made().to_dict(), allow_nan=False))
    assert list(data["scores"]) == ["lstm", "naive", "drift"]
    assert {"mse", "rmse", "mae", "mase", "smape", "coverage"} <= set(data["scores"]["lstm"])
    assert len(data["per_step"]["lstm"]["mae"]) == H


def airline() -> Scores:
    """The sketch's figures: one series, 3 origins of 12 months; each error is the scale times the MASE wanted."""
    truth = np.full((3, 12, 1), 400.0)
    forecasts = {name: truth + 30 * m for name, m in {"naive": 2.5, "lstm": 0.61, "same_category": 1.57}.items()}
    bounds = (truth - 10, np.where(np.arange(12)[:, None] < 10, truth + 10, truth - 5))
    return Scores(
        truth, forecasts, mase_scale_BC=np.full((3, 1), 30.0), interval=bounds, level=0.8, origins=3, unit="months"
    )


def test_the_text_is_the_table_and_the_verdict() -> None:
    assert str(airline()) == "\n".join(
        [
            "                            MASE   sMAPE    MAE   RMSE   80 % covers   skill",
            "gatecast LSTM               0.61     4.5   18.3   18.3          83 %       -",
            "last of the same category   1.57    11.1   47.1   47.1             -    61 %",
            "repeat last                 2.50    17.1   75.0   75.0             -    76 %",
            "Better than last of the same category (the best naive forecast) by 61 % over 3",
            "origins of 12 months.",
        ]
    )


@pytest.mark.parametrize("size", [1e-9, 1e-4, 1.0, 1e4, 1e9, 1e14])
def test_the_text_stays_within_80_columns(size: float) -> None:
    plain = made()
    forecasts = {name: f * size for name, f in plain.forecasts.items()}
    forecasts |= {"same_category": forecasts["naive"] + size, "naive2": forecasts["naive"] * 3}
    text = str(Scores(plain.truth_BHC * size, forecasts, mase_scale_BC=plain.mase_scale_BC * size, level=0.8))  # type: ignore[operator]
    assert max(map(len, text.splitlines())) <= 80
    assert "nan" not in text


def test_what_does_not_fit_is_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"no forecast of 'lstm'.*'naive' has \(1,\).*1 names for 2 targets"):
        Scores(np.zeros((1, 2, 2)), {"naive": np.zeros(1)}, targets=["a"])


def test_numbers_keep_their_digits() -> None:
    assert decimals([]) == 0
    assert decimals([0.0005, 0.1]) == 6
    assert decimals([1e-30]) == 6
    assert percent(-0.5) == "-50 %"
    assert percent(1.0) == "100 %"


def test_what_was_left_out_stays_within_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"points": 1_234_567, "missing": 2_345_678, "no_history": 1_234_567, "no_scale": 1_000_000}
    monkeypatch.setattr(Scores, "counts", counts)
    text = str(made())
    assert "no history for a naive forecast and are left out." in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
