"""The published and recalculated tables of the benchmark data, to three decimals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatecast.evaluation.metrics import mae, mape, mase, mse, owa, rmse, smape
from gatecast.evaluation.scales import mase_scale
from gatecast.statistical.naive import BASELINES
from gatecast.statistical.naive2 import naive2

METHODS = {"naive": BASELINES["naive"], "snaive": BASELINES["seasonal_naive"], "naive2": naive2}
M3 = {"yearly": 1, "quarterly": 4, "monthly": 12, "other": 1}

# set: method: (sMAPE, MASE, OWA)
M4_TABLE = {
    ("m4_hourly", 24): {
        "naive": (43.003, 11.608, 3.593),
        "snaive": (13.912, 1.193, 0.628),
        "naive2": (18.383, 2.395, 1),
    },
    ("m4_weekly", 1): dict.fromkeys(METHODS, (9.161, 2.777, 1)),
}
# set: method: (sMAPE, MASE)
M3_TABLE = {
    "yearly": {
        **dict.fromkeys([*METHODS, "published naive2"], (17.880, 3.172)),
        "published theta": (16.974, 2.806),
        "published forecastpro": (17.271, 3.026),
    },
    "quarterly": {
        "naive": (11.323, 1.464),
        "snaive": (11.065, 1.425),
        "naive2": (10.029, 1.252),
        "published naive2": (9.951, 1.238),
        "published theta": (8.956, 1.087),
        "published forecastpro": (9.815, 1.204),
    },
    "monthly": {
        "naive": (18.181, 1.175),
        "snaive": (17.234, 1.146),
        "naive2": (16.764, 1.038),
        "published naive2": (16.891, 1.037),
        "published theta": (13.892, 0.858),
        "published forecastpro": (13.898, 0.848),
    },
    "other": {
        **dict.fromkeys([*METHODS, "published naive2"], (6.302, 3.089)),
        "published theta": (4.410, 1.904),
        "published forecastpro": (4.604, 1.920),
    },
}
# method: (sMAPE, MASE) as the mean over all points, then over all series
M3_OVERALL = {
    "naive": (16.582, 1.503, 15.701, 1.787),
    "snaive": (15.882, 1.477, 15.186, 1.764),
    "naive2": (15.386, 1.373, 14.702, 1.669),
    "published naive2": (15.462, 1.370, 14.742, 1.665),
    "published theta": (13.051, 1.138, 12.762, 1.395),
    "published forecastpro": (13.234, 1.174, 13.056, 1.467),
}
# held-out months: method: (sMAPE, MASE, MAE, RMSE); the last two are given to two decimals
AIRLINE = {
    12: {
        "naive": (16.121, 2.496, 76.00, 102.98),
        "snaive": (10.572, 1.571, 47.83, 50.71),
        "naive2": (7.030, 1.108, 33.73, 38.16),
    },
    24: {
        "naive": (27.751, 4.033, 115.25, 137.33),
        "snaive": (17.013, 2.494, 71.25, 76.99),
        "naive2": (18.757, 2.792, 79.77, 89.33),
    },
    36: {
        "naive": (23.196, 3.106, 94.94, 121.14),
        "snaive": (14.543, 1.965, 60.08, 73.61),
        "naive2": (14.260, 1.972, 60.29, 75.77),
    },
}


@dataclass(frozen=True)
class Group:
    """Series of one length to forecast: truth and forecasts (N, H), scale (N,)."""

    truth: np.ndarray
    scale: np.ndarray
    forecasts: dict[str, np.ndarray]


@lru_cache
def load(folder: Path, name: str, m: int) -> Group:
    train = pl.read_parquet(folder / f"{name}_train.parquet")
    test = pl.read_parquet(folder / f"{name}_test.parquet")
    lengths = train.group_by("unique_id", maintain_order=True).len()
    ids, length = lengths["unique_id"], lengths["len"].to_numpy().astype(np.int64)
    assert ids.equals(test["unique_id"].unique(maintain_order=True))
    buffer, first = train["y"].to_numpy()[:, None], np.cumsum(length) - length
    truth = test["y"].to_numpy().reshape(len(ids), -1)
    forecasts = {
        key: forecast(buffer, first, first + length - 1, truth.shape[1], m)[..., 0] for key, forecast in METHODS.items()
    }
    if name.startswith("m3"):
        entered = pl.read_parquet(folder / "m3_reference_forecasts.parquet")
        entered = test.with_columns(
            step=pl.int_range(1, pl.len() + 1).over("unique_id").cast(entered["step"].dtype)
        ).join(entered, on=["unique_id", "step"], how="left", maintain_order="left")
        for key in ("naive2", "theta", "forecastpro"):
            forecasts[f"published {key}"] = entered[key].to_numpy().reshape(truth.shape)
    return Group(truth, mase_scale(buffer, first, length, m)[:, 0], forecasts)


def rounded(*values: float, digits: int = 3) -> tuple[float, ...]:
    return tuple(round(value, digits) for value in values)


@pytest.mark.parametrize(("name", "m"), M4_TABLE)
def test_m4(shared_data: Path, name: str, m: int) -> None:
    group = load(shared_data, name, m)
    means = {
        key: (smape.over_series(group.truth, f), mase.over_series(group.truth, f, group.scale))
        for key, f in group.forecasts.items()
    }
    measured = {key: rounded(*pair, owa(*pair, *means["naive2"])) for key, pair in means.items()}
    assert measured == M4_TABLE[name, m]


@pytest.mark.parametrize("name", M3)
def test_m3_groups(shared_data: Path, name: str) -> None:
    group = load(shared_data, f"m3_{name}", M3[name])
    measured = {
        key: rounded(smape.over_series(group.truth, f), mase.over_series(group.truth, f, group.scale))
        for key, f in group.forecasts.items()
    }
    assert measured == M3_TABLE[name]


@pytest.mark.parametrize("method", M3_OVERALL)
def test_m3_overall_by_point_and_by_series(shared_data: Path, method: str) -> None:
    # Horizons differ; absent steps are missing truths, which every metric leaves out.
    groups = [load(shared_data, f"m3_{name}", m) for name, m in M3.items()]
    truth = np.full((3003, 18), np.nan)
    forecast, row = truth.copy(), 0
    for group in groups:
        rows, steps = group.truth.shape
        truth[row : row + rows, :steps], forecast[row : row + rows, :steps] = group.truth, group.forecasts[method]
        row += rows
    scale = np.concatenate([group.scale for group in groups])
    by_point = smape(truth, forecast), mase(truth, forecast, scale)
    by_series = smape.over_series(truth, forecast), mase.over_series(truth, forecast, scale)
    assert smape.counts(truth, forecast).points == 37_014
    assert rounded(*by_point, *by_series) == M3_OVERALL[method]


@pytest.mark.parametrize(("method", "percent"), [("theta", 17.42), ("forecastpro", 18.00)])
def test_m3_mape_as_recalculated_by_hyndman(shared_data: Path, method: str, percent: float) -> None:
    groups = [load(shared_data, f"m3_{name}", m) for name, m in M3.items()]
    scores = np.concatenate([mape.per_series(g.truth, g.forecasts[f"published {method}"]) for g in groups])
    assert round(float(scores.mean()), 2) == percent


@pytest.mark.parametrize("horizon", AIRLINE)
def test_airline(shared_data: Path, horizon: int) -> None:
    y = pl.read_csv(shared_data / "airline-passengers.csv")["Passengers"].cast(pl.Float64).to_numpy()
    train, truth = y[:-horizon, None], y[None, -horizon:]
    scale = mase_scale(train, [0], [len(train)], 12)[:, 0]
    for key, forecast in METHODS.items():
        f = forecast(train, [0], [len(train) - 1], horizon, 12)[..., 0]
        relative = rounded(smape(truth, f), mase(truth, f, scale))
        assert (*relative, *rounded(mae(truth, f), rmse(truth, f), digits=2)) == AIRLINE[horizon][key]
        if horizon == 12:  # the same origin inside a longer buffer: what follows is not read
            inside = forecast(y[:, None], [0], [len(train) - 1], horizon, 12)[..., 0]
            np.testing.assert_array_equal(inside, f)


def test_etth1_rolling_origins(shared_data: Path) -> None:
    frame = pl.read_parquet(shared_data / "etth1.parquet").drop("date")
    x = frame.to_numpy().astype(float)
    x = (x - x[:8640].mean(axis=0)) / x[:8640].std(axis=0)
    origin = np.arange(11520 - 1, 14400 - 96)
    truth = x[origin[:, None] + 1 + np.arange(96)]
    for method, season, expected in (("naive", 1, (1.294, 0.713)), ("snaive", 24, (0.512, 0.433))):
        forecast = METHODS[method](x, np.zeros_like(origin), origin, 96, season)
        assert rounded(mse(truth, forecast, step_axis=1), mae(truth, forecast, step_axis=1)) == expected
