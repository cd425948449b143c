"""Values of another type than a field says are named, all at once; numbers of other libraries become Python's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import pytest

import gatecast as gc
from gatecast import Forecaster, LSTMConfig, Scaling, SequenceRegressor, TrainingConfig, backtest, evaluate
from gatecast.errors import ConfigError, misfits, shown

Side = Literal["left", "right"]
SERIES = np.random.default_rng(0).normal(size=60).cumsum()


@dataclass(frozen=True)
class Sizes:
    count: int = 3
    share: float = 0.5
    some: int | None = None
    on: bool = True
    name: str = "a"
    side: Side = "left"
    way: Literal["up", "down"] | None = None
    rest: object = None


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, {}),
        ({"some": 2, "share": 1, "way": "up", "rest": object()}, {}),
        ({"count": 2.0}, {"count": "must be a whole number"}),
        ({"count": True}, {"count": "must be a whole number"}),
        ({"count": None, "some": "x"}, {"count": "must be a whole number", "some": "must be a whole number"}),
        ({"count": np.timedelta64(3, "D")}, {"count": "must be a whole number"}),
        ({"share": "0.5"}, {"share": "must be a number"}),
        ({"share": 10**400}, {"share": "must be a number"}),
        ({"on": "no"}, {"on": "must be True or False"}),
        ({"on": 1}, {"on": "must be True or False"}),
        ({"name": 5}, {"name": "must be a text"}),
        ({"side": "lefft"}, {"side": "must be one of 'left', 'right' (did you mean 'left'?)"}),
        (
            {"side": ["left"], "way": 5},
            {"side": "must be one of 'left', 'right'", "way": "must be one of 'up', 'down'"},
        ),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], wrong: dict[str, str]) -> None:
    assert dict(misfits(Sizes(**values))) == wrong


def test_numbers_of_numpy_become_pythons() -> None:
    given: list[Any] = [np.uint8(3), np.float32(0.5), np.int16(4), np.True_, np.str_("b")]
    sizes = Sizes(*given)
    assert dict(misfits(sizes)) == {}
    assert [type(value) for value in (sizes.count, sizes.share, sizes.some, sizes.on)] == [int, float, int, bool]
    assert sizes == Sizes(3, 0.5, 4, True, "b")


def test_a_value_is_shown_in_one_short_line() -> None:
    assert shown(np.zeros((30, 3))).count("\n") == 0
    assert len(shown("x" * 1000)) <= 60


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (LSTMConfig, {"hidden_size": "64"}, r"hidden_size = '64' \(must be a whole number\)"),
        (LSTMConfig, {"init": "x"}, r"init = 'x' \(must be one of 'orthogonal', 'uniform'\)"),
        (TrainingConfig, {"schedule": "x"}, r"schedule = 'x' \(must be one of"),
        (TrainingConfig, {"optimizer": "adamm"}, "did you mean 'adam'"),
        (TrainingConfig, {"loss": 5}, r"loss = 5 \(must be one of"),
        (TrainingConfig, {"lr": None, "shuffle": "no"}, "lr = None .*shuffle = 'no'"),
        (Scaling, {"scale": "x"}, "scale must be one of 'none', 'standard', 'mean', 'last'; got 'x'"),
        (Scaling, {"reference": 5}, "reference must be one such as LastValue"),
        (Forecaster, {"horizon": None}, "horizon must be a whole number; got None"),
        (Forecaster, {"horizon": 10**12}, "horizon must be at most 1,048,576; got 1,000,000,000,000"),
        (Forecaster, {"horizon": 3, "recursive": "no"}, "recursive must be True or False; got 'no'"),
        (SequenceRegressor, {"network": 5}, r"network takes LSTMConfig\(...\); got 5"),
    ],
)
def test_settings_name_what_is_wrong_with_them(kind: Any, values: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        kind(**values)


def test_progress_is_a_flag_or_a_listener() -> None:
    wrong: Any = "no"
    with pytest.raises(ConfigError, match="progress must be True, False or a Listener; got 'no'"):
        Forecaster(3, progress=wrong, preset="fast").fit(SERIES)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"stride": "1"}, "stride must be at least 1, a whole number; got '1'"),
        ({"stride": -1}, "stride must be at least 1; got -1"),
        ({"season": 1.5}, "season must be at least 1, a whole number; got 1.5"),
        ({"origins": np.array([1, 2])}, "origins must be at least 1, a whole number"),
    ],
)
def test_scoring_names_what_is_wrong(asked: dict[str, Any], told: str) -> None:
    model = Forecaster(3, preset="instant", progress=False)
    for score in (evaluate, backtest):
        with pytest.raises(ConfigError, match=told):
            score(model, SERIES, **asked)


def test_whole_numbers_of_numpy_are_taken() -> None:
    three, four, two, yes = cast("list[Any]", [np.uint8(3), np.uint64(4), np.int16(2), np.True_])
    model = Forecaster(three, preset="instant", progress=False)
    made = backtest(model, SERIES, origins=four, stride=three, refit=yes, progress=False)
    assert len(made.folds) == 4
    assert evaluate(model.fit(SERIES[:40]), SERIES, origins=two).scores.table
    assert model.sample(paths=three, seed=two).values_NSHC.shape == (1, 3, 3, 1)


@pytest.mark.parametrize("checkpoint", [5, ""])
@pytest.mark.parametrize("verb", ["fit", "evaluate", "backtest", "tune", "forecast"])
def test_a_checkpoint_is_a_path(verb: str, checkpoint: Any) -> None:
    model = Forecaster(3, preset="fast", progress=False)
    calls: dict[str, Any] = {
        "fit": lambda: model.fit(SERIES, checkpoint=checkpoint),
        "evaluate": lambda: evaluate(model, SERIES, checkpoint=checkpoint),
        "backtest": lambda: backtest(model, SERIES, checkpoint=checkpoint),
        "tune": lambda: gc.tune(model, SERIES, checkpoint=checkpoint),
        "forecast": lambda: gc.forecast(SERIES, 3, checkpoint=checkpoint, progress=False),
    }
    with pytest.raises(ConfigError, match=f"{checkpoint!r} is no path, and a .* is kept on a file system: give one"):
        calls[verb]()
