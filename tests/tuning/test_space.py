from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.tuning.space import AUTO, arguments_of, make_space, merged

PanelOf = Callable[..., Panel]


def space_of(model: gc.Forecaster, panel: Panel, oldest: Panel | None = None) -> Any:
    return make_space(model, model.plan_for(panel), panel, oldest or panel)


def test_everything_that_is_open_is_searched(panel: Panel) -> None:
    space = space_of(gc.Forecaster(3), panel)
    assert [d.name for d in space.dimensions] == [
        "lookback", "scaling", "hidden_size", "num_layers", "dropout", "loss", "lr", "batch_size", "max_epochs",
    ]  # fmt: skip
    assert space.changes(space.start) == {}


def test_parameters_become_settings(panel: Panel) -> None:
    space = space_of(gc.Forecaster(3), panel)
    params = {**space.start, "hidden_size": 1, "max_epochs": -2, "lr": 0.0123456, "loss": "gaussian", "dropout": 0.2}
    changes = space.changes(params)
    assert changes == {"network": {"hidden_size": 32}, "training": {"max_epochs": 5, "lr": 0.012, "loss": "gaussian"}}
    assert space.changes({**params, "num_layers": 2})["network"]["dropout"] == 0.2


def test_one_layer_has_no_dropout(panel: Panel) -> None:
    one = space_of(gc.Forecaster(3, network={"num_layers": 1}), panel)
    two = space_of(gc.Forecaster(3, network={"num_layers": 2}), panel)
    assert "dropout" not in one.start
    assert two.changes({**two.start, "dropout": 0.3}) == {"network": {"dropout": 0.3}}


def test_lookbacks_fit_every_training_and_follow_the_season(panel: Panel) -> None:
    model = gc.Forecaster(3)
    oldest = panel.slice(0, 30)
    options = next(d for d in space_of(model, panel, oldest).dimensions if d.name == "lookback").options
    assert options[0] == AUTO
    assert {6, 12, 18} <= set(options)
    for lookback in options[1:]:
        gc.Forecaster(3, lookback=lookback, scaling="standard", members=1, progress=False,
                      training={"max_epochs": 1, "steps_per_epoch": 1}).fit(oldest)  # fmt: skip
    assert max(options[1:]) + 3 <= 30 * 0.8


def test_scalings_are_those_of_the_default_choice_but_for_the_one_chosen(panel: Panel) -> None:
    model = gc.Forecaster(3)
    options = next(d for d in space_of(model, panel).dimensions if d.name == "scaling").options
    assert model.plan_for(panel).scaling.describe() not in options
    assert "log+difference+standard" in options
    signed = Panel(**{**{f: getattr(panel, f) for f in Panel.__dataclass_fields__}, "values_RV": panel.values_RV - 20})
    options = next(d for d in space_of(model, signed).dimensions if d.name == "scaling").options
    assert not any("log" in text for text in options)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"lookback": 7, "scaling": "log+difference+standard", "network": {"skip": 2}},
        {"network": gc.LSTMConfig(hidden_size=4), "training": gc.TrainingConfig(loss="mse"), "members": 2},
    ],
)
def test_arguments_are_plain_and_give_the_forecaster_again(panel: Panel, arguments: dict[str, Any]) -> None:
    model = gc.Forecaster(3, **arguments)
    plain = arguments_of(model)
    again = gc.Forecaster(**plain)
    assert arguments_of(again) == plain
    assert again.plan_for(panel) == model.plan_for(panel)
    assert not {type(value) for value in plain.values()} - {int, str, dict, tuple, bool, type(None)}


def test_merging_keeps_what_was_given() -> None:
    base = {"lookback": None, "network": {"skip": 1}, "training": None}
    both = merged(base, {"lookback": 5, "network": {"hidden_size": 8}, "training": {"lr": 0.1}})
    assert both == {"lookback": 5, "network": {"skip": 1, "hidden_size": 8}, "training": {"lr": 0.1}}
    assert base["network"] == {"skip": 1}


def test_scores_are_those_of_the_metric(panel_of: PanelOf) -> None:
    from gatecast.evaluation.scales import mase_scale
    from gatecast.tuning.inner import inner_origins

    rng = np.random.default_rng(1)
    values = [rng.normal(size=60).cumsum(), np.r_[rng.normal(size=50), [np.nan] * 3, rng.normal(size=7)]]
    panel = panel_of(values, dtype=np.float64)
    inner = inner_origins(panel, 3, 2)
    scale = [mase_scale(v[:, None], [0], [inner.origin_NO[n, 0] + 1 - 60 * n], 2)[0, 0] for n, v in enumerate(values)]
    without_truth = 0
    for fold in inner.folds:
        series_B, origin_B = inner.windows(fold)
        expected = []
        for n, origin in zip(series_B, origin_B, strict=True):
            truth = values[n][origin - 60 * n + 1 : origin - 60 * n + 4]
            if np.isfinite(truth).any():
                expected.append(np.nanmean(np.abs(truth)) / scale[n])
        without_truth += len(series_B) - len(expected)
        assert inner.score(fold, np.zeros((len(series_B), 3, 1))) == pytest.approx(np.mean(expected))
    assert without_truth
    assert inner.metric == "MASE"
    constant = inner_origins(panel_of([np.r_[np.ones(50), 2 * np.ones(10)]]), 3, 1)
    assert constant.metric == "MAE"
    assert constant.score(constant.folds[0], np.ones((4, 3, 1))) == 1.0
