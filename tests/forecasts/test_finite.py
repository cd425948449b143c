"""A forecast that is no number is told: with the reason, and what to do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.errors import ModelFileError, PanelError, TrainingError
from gatecast.forecaster import Forecaster
from gatecast.forecasts.finite import require_finite
from gatecast.model.config import LSTMConfig


def forecasts(**bad: float) -> np.ndarray:
    values = np.ones((3, 2, 1, 3))
    for name, value in bad.items():
        values[int(name[1:]), 1, 0, 2] = value
    return values


def test_finite_forecasts_pass_whatever_the_history(panel_of: Any) -> None:
    histories = [np.full(9, 1e38), np.r_[np.full(8, np.nan), 1.0], np.zeros(9)]
    require_finite(forecasts(), panel_of(histories), None)
    require_finite(np.zeros((0, 2, 1, 3)), panel_of(histories), None)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_model_is_named_where_the_data_are_usual(panel_of: Any, bad: float) -> None:
    """Missing values and zeros are usual."""
    panel = panel_of([np.arange(9.0), np.r_[np.full(8, np.nan), 1.0], np.zeros(9)])
    with pytest.raises(ModelFileError, match=r"^a/m\.gatecast: .* of 's1' \(1 of 3 series\): .* intact copy"):
        require_finite(forecasts(s1=bad), panel, "a/m.gatecast")
    with pytest.raises(TrainingError, match=re.escape("'s0', 's2' (2 of 3 series): the numbers of the model")):
        require_finite(forecasts(s0=bad, s2=bad), panel, None)


@pytest.mark.parametrize("value", [1e31, -3e38, 1e-39])
def test_the_data_are_named_where_they_are_the_reason(panel_of: Any, value: float) -> None:
    panel = panel_of([np.arange(9.0), np.r_[np.ones(8), value], np.zeros(9)])
    with pytest.raises(PanelError, match=r"of 's1' \(1 of 3 series\): .* another unit"):
        require_finite(forecasts(s0=np.nan, s1=np.nan), panel, "m.gatecast")
    with pytest.raises(ModelFileError, match="of 's0'"):
        require_finite(forecasts(s0=np.nan), panel, "m.gatecast")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, of the overflow
def test_a_model_that_goes_on_with_values_too_large_says_so(panel_of: Any) -> None:
    rng = np.random.default_rng(0)
    short = {"max_epochs": 1, "steps_per_epoch": 2, "device": "cpu"}
    model = Forecaster(
        2, lookback=8, scaling="difference+standard", network=LSTMConfig(hidden_size=4), training=short, members=1
    ).fit(panel_of([rng.normal(size=60)]))
    gappy = np.where(np.arange(30) % 29, np.nan, 1.0)
    assert np.isfinite(model.predict(panel_of([gappy])).values).all()
    huge = panel_of([np.where(np.arange(30) % 2, 3e38, -3e38)])
    for method in (model.predict, model.sample):
        with pytest.raises(PanelError, match=r"no finite forecast of 's0' .*1e\+30"):
            method(huge)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, of the overflow
def test_scores_and_backtests_are_not_made_of_forecasts_that_are_no_numbers(panel_of: Any) -> None:
    rng = np.random.default_rng(0)
    short = {"max_epochs": 1, "steps_per_epoch": 2, "device": "cpu"}
    network = LSTMConfig(hidden_size=4)
    model = Forecaster(2, lookback=8, scaling="difference+standard", network=network, training=short, members=1)
    usual, other = rng.normal(size=60), rng.normal(size=30)
    model.fit(panel_of([usual]))
    huge = panel_of([other, np.where(np.arange(30) % 2, 3e38, -3e38)])
    with pytest.raises(PanelError, match=r"no finite forecast of 's1' \(1 of 2 series\): .*1e\+30"):
        gc.evaluate(model, huge, origins=3, in_sample=True)
    with torch.no_grad():
        next(model.fitted_.blend.trained[0].members[0].network.parameters()).fill_(np.nan)
    with pytest.raises(TrainingError, match="no finite forecast of 's0'"):
        gc.evaluate(model, panel_of([other]), begin=10, in_sample=True)


def test_a_backtest_of_a_damaged_model_says_so(panel_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    short = {"max_epochs": 1, "steps_per_epoch": 2, "device": "cpu"}
    model = Forecaster(2, lookback=8, scaling="standard", network={"hidden_size": 4}, training=short, members=1)
    whole = Forecaster.forecast_from

    def damaged(self: Forecaster, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        return np.where(series_B[:, None, None, None] == 1, np.inf, whole(self, panel, series_B, origin_B))

    monkeypatch.setattr(Forecaster, "forecast_from", damaged)
    panel = panel_of([np.sin(np.arange(40.0) + n) for n in range(3)])
    with pytest.raises(TrainingError, match=r"no finite forecast of 's1' \(1 of 3 series\)"):
        gc.backtest(model, panel, origins=2)
