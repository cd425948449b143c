"""The parameters of a forecaster, and what it says of itself."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.errors import ConfigError


def tiny(**more: object) -> gc.Forecaster:
    settings = {"lookback": 6, "scaling": "standard", "members": 1, "network": {"hidden_size": 2}}
    return gc.Forecaster(2, **{**settings, "training": {"max_epochs": 1}, **more})  # type: ignore[arg-type]


def test_parameters_are_the_arguments_of_the_constructor() -> None:
    model = tiny(time_limit=9.0)
    params = model.get_params()
    assert list(params) == list(inspect.signature(gc.Forecaster).parameters)
    assert (params["horizon"], params["time_limit"], params["seed"]) == (2, 9.0, 0)
    assert gc.Forecaster(**model.get_params(deep=False)).get_params() == params


def test_parameters_are_changed_as_the_constructor_would() -> None:
    model = tiny()
    assert model.set_params(horizon=5, scaling="log+standard", quantiles=(0.9, 0.5, 0.1)) is model
    assert model.horizon == 5
    assert model.scaling == gc.Scaling.parse("log+standard")
    assert model.quantiles == (0.1, 0.5, 0.9)
    assert model.set_params().get_params() == model.get_params()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"scaling": "log+standard", "quantiles": [0.9, 0.5, 0.1]},
        {"scaling": gc.Scaling.parse("standard"), "network": gc.LSTMConfig(hidden_size=3), "training": {"lr": 0.01}},
    ],
    ids=["defaults", "to be read", "mapping"],
)
def test_a_clone_as_scikit_learn_makes_it_keeps_every_argument_itself(given: dict[str, Any]) -> None:
    """See ``sklearn.base.clone``: copies of the parameters go in, and the very same objects have to come out."""
    model = gc.Forecaster(3, **given)
    copies = {name: copy.deepcopy(value) for name, value in model.get_params(deep=False).items()}
    twin = type(model)(**copies)
    assert all(twin.get_params(deep=False)[name] is value for name, value in copies.items())
    assert (twin.scaling, twin.quantiles) == (model.scaling, model.quantiles)
    assert twin.settings == model.settings
    assert twin.clone().get_params() == model.get_params()


def test_parameters_are_those_set_last() -> None:
    model = tiny(scaling="standard", quantiles=(0.9, 0.5, 0.1))
    model.scaling = gc.Scaling.parse("log+standard")
    assert model.get_params()["scaling"] is model.scaling
    assert model.set_params(quantiles=(0.8, 0.5, 0.2)).get_params()["quantiles"] == (0.8, 0.5, 0.2)
    assert model.quantiles == (0.2, 0.5, 0.8)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"member": 2}, r"no parameter 'member' \(did you mean 'members'\?\)\. Known: horizon, lookback"),
        ({"horizon": 3, "members": 0}, "members must be at least 1"),
        ({"horizon": 3, "quantiles": (0.1,)}, r"quantiles=\(0\.1, 0\.5\)"),
    ],
)
def test_what_cannot_be_set_changes_nothing(changes: dict[str, object], told: str) -> None:
    model = tiny()
    with pytest.raises(ConfigError, match=told):
        model.set_params(**changes)
    assert model.get_params() == tiny().get_params()


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (gc.Forecaster(12), "Forecaster(12)"),
        (gc.Forecaster(12, members=3, calendar=False), "Forecaster(12, members=3, calendar=False)"),
        (gc.Forecaster(2, scaling="log+standard"), "Forecaster(2, scaling='log+standard')"),
        (gc.Forecaster(2, network=gc.LSTMConfig(skip=2)), "Forecaster(2, network=LSTMConfig(skip=2))"),
        (gc.Forecaster(2, training={"lr": 0.01}), "Forecaster(2, training={'lr': 0.01})"),
    ],
)
def test_an_unfitted_forecaster_is_its_call(model: gc.Forecaster, text: str) -> None:
    assert repr(model) == text
    assert "not yet" in model._repr_html_()


def test_a_fitted_forecaster_says_what_it_is_and_what_it_saw() -> None:
    values = 10 + np.sin(np.arange(40.0) / 3)
    model = tiny().fit([values, values[:30]])
    said = repr(model)
    assert said.startswith("<Forecaster(2, lookback=6, scaling='standard', ")
    assert said.endswith(f" · fitted to 2 series · 70 steps · {model.plan_.describe()}>")
    html = model._repr_html_()
    assert "<td" in html
    assert "2 series · 70 steps" in html
    assert "lookback=6, scaling=&#x27;standard&#x27;" in html


def test_a_blend_is_named_as_one() -> None:
    values = 10 + np.sin(np.arange(60.0) / 3) + 0.1 * np.random.default_rng(0).standard_normal(60)
    model = gc.Forecaster(2, members=1, candidates=2, network={"hidden_size": 2}, training={"max_epochs": 1})
    model.fit(values)
    assert "60 steps · a blend of " in repr(model)
    assert "pretrained gate" in model._repr_html_()
    assert model.plan_.describe() in model._repr_html_()
