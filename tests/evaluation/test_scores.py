"""The score table against loops, and its text."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from gatecast.errors import InputError
from gatecast.evaluation.layout import decimals, percent
from gatecast.evaluation.metrics import coverage, mae, mase, msis, pinball, rmse, rmsse, smape, width, wql
from gatecast.evaluation.scores import Scores

B, H, C = 6, 4, 2


def made(**changes: Any) -> Scores:
    random = np.random.default_rng(3)
    truth = random.uniform(10, 20, (B, H, C)) * [1.0, 100.0]
    truth[0, 2, 1] = math.nan
    truth = changes.pop("truth_BHC", truth)

    def off(size: float) -> np.ndarray:
        return truth + random.normal(0, size, truth.shape) * [1.0, 100.0]

    filled = np.nan_to_num(off(0.5), nan=15.0)
    arguments: dict[str, Any] = {
        "forecasts": {"drift": np.nan_to_num(off(2.0)), "lstm": filled, "naive": np.nan_to_num(off(1.0))},
        "targets": ("rail", "bus"),
        "mase_scale_BC": random.uniform(1, 2, (B, C)) * [1.0, 100.0],
        "rmsse_scale_BC": random.uniform(1, 2, (B, C)) * [1.0, 100.0],
        "quantiles": (0.1, 0.9),
        "quantile_forecasts": {"lstm": filled[..., None] + np.array([-0.5, 0.5])},
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
        f_Q = scores.quantile_forecasts["lstm"][:, :, c]
        assert row["pinball"] == pinball(y, f_Q, [0.1, 0.9])
        assert row["wql"] == pytest.approx(wql(y, f_Q, [0.1, 0.9]))
        assert row["coverage_80"] == coverage(y, f - 0.5, f + 0.5)
        assert row["acd_80"] == abs(row["coverage_80"] - 0.8)
        assert row["width_80"] == pytest.approx(width(y, f - 0.5, f + 0.5))
        assert row["msis_80"] == pytest.approx(
            msis.over_series(y, f - 0.5, f + 0.5, 0.8, scores.mase_scale_BC[:, c])  # type: ignore[index]
        )
    for metric, value in scores.table["lstm"].items():
        assert value == pytest.approx((scores.per_target["rail"]["lstm"][metric] + row[metric]) / 2)
    assert "coverage_80" not in scores.table["naive"]


def test_symmetric_pairs_of_quantiles_are_the_intervals() -> None:
    scores = made(
        quantiles=(0.025, 0.1, 0.5, 0.9, 0.975),
        quantile_forecasts={name: made().forecasts[name][..., None] + np.arange(-2, 3) for name in ("lstm", "naive")},
    )
    assert scores.levels == (0.8, 0.95)
    for name in ("lstm", "naive"):
        low, high = scores.interval(name, 0.95)
        np.testing.assert_allclose(high - low, 4.0)
        assert scores.table[name]["width_80"] == pytest.approx(2.0)
        assert {f"{m}_{level}" for m in ("coverage", "width", "msis", "acd") for level in (80, 95)} <= set(
            scores.table[name]
        )
    assert "pinball" not in scores.table["drift"]
    assert made(quantiles=(0.1, 0.8)).levels == ()
    assert made(quantile_forecasts={}, quantiles=()).levels == ()


def test_rivals_are_shown_and_are_no_naive_forecast() -> None:
    scores = made(rivals=("naive",))
    assert scores.methods == ("lstm", "naive", "drift")
    assert (scores.ranked_rivals, scores.baselines) == (("naive",), ("drift",))
    assert set(scores.skill) == {"drift"}
    silent = scores.forecasts["naive"].copy()
    silent[1] = math.nan  # a rival that failed takes no points away from the others
    assert made(rivals=("naive",), forecasts={**scores.forecasts, "naive": silent}).counts["no_history"] == 0


def test_seconds_have_a_column() -> None:
    lines = str(made(seconds={"lstm": 12.34, "naive": 0.04}, quantile_forecasts={})).splitlines()
    assert lines[0].endswith("seconds")
    assert [line.split()[-1] for line in lines[1:4]] == ["12", "0.0", "-"]


def test_groups_are_scored_like_the_whole() -> None:
    label_B = np.array(["b", "a", "b", "c", "a", "b"])
    scale = np.random.default_rng(5).uniform(1, 2, (B, C))
    scale[3] = 0  # the only window of group c: no MASE there
    scale[0] = 0  # one of three in group b
    scores = made(mase_scale_BC=scale, forecasts={**made().forecasts, "naive2": made().forecasts["drift"] * 1.01})
    grouped = scores.grouped(label_B)
    assert list(grouped) == ["a", "b", "c"]
    for label, table in grouped.items():
        part = label_B == label
        alone = made(
            forecasts={name: f[part] for name, f in scores.forecasts.items()},
            mase_scale_BC=scale[part],
            rmsse_scale_BC=scores.rmsse_scale_BC[part],  # type: ignore[index]
            quantile_forecasts={"lstm": scores.quantile_forecasts["lstm"][part]},
            truth_BHC=scores.truth_BHC[part],
        )
        for name, row in alone.table.items():
            assert table[name] == pytest.approx({k: v for k, v in row.items() if k != "owa"}, nan_ok=True)
    labels, columns = scores.by_group(label_B)
    assert (labels, columns["lstm"]["mae"][2]) == (["a", "b", "c"], grouped["c"]["lstm"]["mae"])
    assert math.isnan(grouped["c"]["lstm"]["mase"])
    with pytest.raises(InputError, match=r"labels have shape \(2,\); one for each of 6 windows"):
        scores.grouped([0, 1])


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
        inside = np.abs(scores.truth_BHC - scores.forecasts["lstm"])[:, h] <= 0.5
        covered = [inside[~np.isnan(error[:, h, c]), c].mean() for c in range(C)]
        assert scores.per_step["lstm"]["coverage_80"][h] == pytest.approx(np.mean(covered))
        assert scores.per_step["lstm"]["width_80"][h] == pytest.approx(1.0)
    assert set(scores.per_step["drift"]) == {"mae", "rmse", "mase"}
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
    assert {"mse", "rmse", "mae", "mase", "smape", "coverage_80", "msis_80"} <= set(data["scores"]["lstm"])
    assert len(data["per_step"]["lstm"]["mae"]) == H


def airline() -> Scores:
    """The sketch's figures: one series, 3 origins of 12 months; each error is the scale times the MASE wanted."""
    truth = np.full((3, 12, 1), 400.0)
    forecasts = {name: truth + 30 * m for name, m in {"naive": 2.5, "lstm": 0.61, "same_category": 1.57}.items()}
    bounds = (truth - 10, np.where(np.arange(12)[:, None] < 10, truth + 10, truth - 5))
    return Scores(
        truth,
        forecasts,
        mase_scale_BC=np.full((3, 1), 30.0),
        quantiles=(0.1, 0.9),
        quantile_forecasts={"lstm": np.stack(bounds, axis=-1)},
        origins=3,
        unit="months",
    )


def test_the_text_is_the_table_and_the_verdict() -> None:
    assert str(airline()) == "\n".join(
        [
            "                            MASE   sMAPE    MAE   RMSE   80 % covers   skill",
            "gatecast LSTM               0.61     4.5   18.3   18.3          83 %       -",
            "last of the same category   1.57    11.1   47.1   47.1             -    61 %",
            "repeat last                 2.50    17.1   75.0   75.0             -    76 %",
            "NOT clearly better than last of the same category: its MASE is 1.57, the LSTM's",
            "0.61 (61 % better), over 3 origins of 12 months; too few origins to be sure.",
        ]
    )


@pytest.mark.parametrize("size", [1e-9, 1e-4, 1.0, 1e4, 1e9, 1e14])
def test_the_text_stays_within_80_columns(size: float) -> None:
    plain = made()
    forecasts = {name: f * size for name, f in plain.forecasts.items()}
    forecasts |= {"same_category": forecasts["naive"] + size, "naive2": forecasts["naive"] * 3}
    for quantiles in ((0.5,), (0.1, 0.5, 0.9), (0.025, 0.1, 0.5, 0.9, 0.975), (0.01, 0.025, 0.1, 0.9, 0.975, 0.99)):
        spread = forecasts["lstm"][..., None] + np.array(quantiles) * size
        scores = Scores(
            plain.truth_BHC * size,
            forecasts,
            mase_scale_BC=plain.mase_scale_BC * size,  # type: ignore[operator]
            quantiles=quantiles,
            quantile_forecasts={"lstm": spread},
            seconds=dict.fromkeys(forecasts, 1234.5),
            rivals=("naive2",),
        )
        text = str(scores)
        assert max(map(len, text.splitlines())) <= 80
        assert "nan" not in text
        for level in scores.levels[:2]:
            assert f"{100 * level:g} % covers" in text


def test_what_does_not_fit_is_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"no forecast of 'lstm'.*'naive' has \(1,\).*1 names for 2 targets"):
        Scores(np.zeros((1, 2, 2)), {"naive": np.zeros(1)}, targets=["a"])
    with pytest.raises(
        InputError, match=r"do not ascend.*need the shape \(6, 4, 2, 2\).*series numbers have shape \(1,"
    ):
        made(quantiles=(0.9, 0.1), quantile_forecasts={"lstm": np.zeros(3)}, series_B=np.zeros(1))
    with pytest.raises(InputError, match="no forecast of 'AutoETS'"):
        made(rivals=("AutoETS",))


def test_numbers_keep_their_digits() -> None:
    assert decimals([]) == 0
    assert decimals([0.0005, 0.1]) == 6
    assert decimals([1e-30]) == 6
    assert percent(-0.5) == "-50 %"
    assert percent(1.0) == "100 %"
    assert percent(-0.0001) == "0.0 %"


def test_what_was_left_out_stays_within_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"points": 1_234_567, "missing": 2_345_678, "no_history": 1_234_567, "no_scale": 1_000_000}
    monkeypatch.setattr(Scores, "counts", counts)
    text = str(made())
    assert "no history for a naive forecast and are left out." in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
