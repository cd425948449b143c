"""What the user may fix is listed once, and everything that is wrong with it is said at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from inspect import getdoc, signature
from typing import Any

import pytest

from gatecast.cli.options import ModelOptions
from gatecast.data.panel import Panel
from gatecast.engines.options import EngineOptions
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.planning.settings import Settings, field_docs
from gatecast.training.config import TrainingConfig
from gatecast.windows.scaling import Scaling

PanelOf = Callable[..., Panel]
# Of every setting a value that is not its default.
OTHERS: dict[str, Any] = {
    "horizon": 7,
    "lookback": 9,
    "scaling": Scaling.parse("log+seasonal-difference:4/2+standard"),
    "network": {"hidden_size": 5},
    "training": {"clip": None, "shuffle": False},
    "members": 2,
    "candidates": 3,
    "calendar": False,
    "quantiles": (0.1, 0.5, 0.999),
    "recursive": True,
    "time_limit": 2.5,
    "refit": False,
    "seed": 8,
    "preset": "instant",
    "progress": False,
    "bounds": "0..1",
}
TRAINED = OTHERS | {"preset": "standard"}  # the instant preset goes with few others


def test_a_forecaster_takes_the_settings_and_no_others() -> None:
    taken, listed = (
        {p.name: p.default for p in signature(kind).parameters.values()} for kind in (Forecaster, Settings)
    )
    elsewhere = {"defaults", *(field.name for field in fields(EngineOptions))}  # where the work runs is no setting
    assert {name: value for name, value in taken.items() if name not in elsewhere} == listed


def test_every_setting_reaches_the_settings_of_a_forecaster() -> None:
    assert set(OTHERS) == {field.name for field in fields(Settings)}
    for name, value in OTHERS.items():
        assert getattr(Settings(3), name) != value
        held = Forecaster(**{"horizon": 3, name: value}).settings
        assert held == Settings(**{"horizon": 3, name: value})
        assert getattr(Forecaster(**{"horizon": 3, name: value}), name) == value


def test_plain_settings_give_the_same_ones() -> None:
    settings = Settings(**TRAINED | {"network": LSTMConfig(skip=3), "training": TrainingConfig(loss="mae")})
    again = Forecaster(**settings.plain()).settings
    assert again.plain() == settings.plain()
    assert (again.scaling, again.network) == (settings.scaling, vars(LSTMConfig(skip=3)))
    assert Forecaster(**Settings(**TRAINED).plain()).settings == Settings(**TRAINED)


def test_the_field_docs_are_those_of_the_forecaster_and_of_the_options() -> None:
    docs, text = field_docs(Settings), " ".join((getdoc(Forecaster) or "").split())
    assert list(docs) == [field.name for field in fields(Settings)]
    for name, told in docs.items():
        assert f"{name}: {told}" in text
    for name, told in field_docs(ModelOptions).items():
        assert told.startswith(docs[name])


@pytest.mark.parametrize("config", [LSTMConfig, TrainingConfig], ids=lambda config: config.__name__)
def test_every_field_has_a_doc(config: type) -> None:
    assert list(field_docs(config)) == [field.name for field in fields(config)]
    assert all(field_docs(config).values())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lookback": 0, "members": -1, "time_limit": 0.0}, ["lookback must", "members must", "time_limit must"]),
        ({"candidates": 0, "quantiles": (0.1,)}, ["candidates must", "quantiles lack 0.5"]),
        ({"quantiles": (0.5, 0.1)}, ["(0.5, 0.1) are not ascending"]),
        ({"quantiles": ()}, ["are not ascending"]),
        ({"quantiles": (0.5, float("nan"))}, ["are not ascending"]),
        ({"quantiles": (0.5, 0.5)}, ["are not ascending"]),
        ({"quantiles": (0.5, 1.0)}, ["are not ascending"]),
        ({"network": {"hidden": 1}, "training": {"lr": 0}}, ["network has no setting 'hidden'", "lr = 0"]),
        ({"network": LSTMConfig(bidirectional=True), "horizon": 0}, ["bidirectional", "horizon must"]),
    ],
    ids=str,
)
def test_all_problems_are_told_at_once(wrong: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings(**{"horizon": 3, **wrong})
    assert all(word in str(caught.value) for word in words)


def test_a_forecaster_sorts_its_quantiles() -> None:
    assert Forecaster(1, quantiles=(0.9, 0.5, 0.1)).quantiles == (0.1, 0.5, 0.9)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"quantiles": 0.5}, "quantiles must be a list of numbers between 0 and 1"),
        ({"quantiles": ("a", "b")}, "quantiles must be a list of numbers between 0 and 1"),
        ({"quantiles": (0.5, "b")}, "quantiles must be a list of numbers between 0 and 1"),
        ({"time_limit": "soon"}, "time_limit must be a number of seconds; got 'soon'"),
        ({"time_limit": True}, "time_limit must be a number of seconds; got True"),
        ({"time_limit": float("nan")}, "time_limit must be above 0 seconds; got nan"),
        ({"training": 5}, r"training takes a mapping of its settings, or TrainingConfig\(...\); got 5"),
        ({"network": 5}, r"network takes a mapping of its settings, or LSTMConfig\(...\); got 5"),
        ({"scaling": 5}, "scaling must be a text or a Scaling; got 5"),
        ({"horizon": 2.5, "members": "x"}, "horizon must be a whole number; got 2.5. members must be a whole number"),
    ],
)
def test_values_of_another_type_are_refused_in_a_line(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Forecaster(**{"horizon": 3} | settings)
