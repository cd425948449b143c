"""Evaluation: which origins are scored, on what, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.backtesting.assess import origins_that_fit, training_part
from gatecast.data.panel import Panel
from gatecast.data.schema import Schema
from gatecast.errors import ConfigError, ModelFileError, WindowError

QUICK = {
    "network": gc.LSTMConfig(hidden_size=4, skip=2),
    "training": gc.TrainingConfig(max_epochs=1, steps_per_epoch=2),
    "members": 1,
}


@pytest.fixture(scope="module")
def airline() -> Panel:
    return gc.load_example("airline")


@pytest.fixture(scope="module")
def model(airline: Panel) -> gc.Forecaster:
    return gc.Forecaster(3, lookback=12, scaling="log+difference+standard", **QUICK).fit(airline.slice(0, 120))


def test_the_last_origins_are_scored(airline: Panel, model: gc.Forecaster) -> None:
    scored = gc.evaluate(model, airline, origins=4, stride=6)
    np.testing.assert_array_equal(scored.origin_B, 143 - 3 - 6 * np.arange(3, -1, -1))
    truth = airline.series(0)[:, 0]
    np.testing.assert_array_equal(scored.scores.truth_BHC[0, :, 0], truth[123:126])
    np.testing.assert_array_equal(scored.baselines["naive"][:, 0, 0], truth[scored.origin_B])
    assert airline.frequency.label(scored.times_BH[-1, -1]) == "1960-12"


def test_one_pass_equals_a_forecast_from_each_origin(airline: Panel, model: gc.Forecaster) -> None:
    scored = gc.evaluate(model, airline, origins=4, stride=6)
    for b, origin in enumerate(scored.origin_B):
        alone = model.predict(airline.slice(0, int(origin) + 1))
        np.testing.assert_allclose(scored.forecast_BHCQ[b], alone.values_NHCQ[0], rtol=1e-6)


def test_mase_is_scaled_by_what_lies_before_the_first_origin(airline: Panel, model: gc.Forecaster) -> None:
    scored = gc.evaluate(model, airline, origins=2, season=12)
    before = airline.series(0)[: scored.origin_B[0] + 1, 0].astype(np.float64)
    scale = np.abs(before[12:] - before[:-12]).mean()
    np.testing.assert_allclose(scored.scores.mase_scale_BC, scale)


def test_data_of_the_training_is_refused(airline: Panel, model: gc.Forecaster) -> None:
    with pytest.raises(ConfigError, match=r"trained on 'airline' until 1958-12, after the origin 1957"):
        gc.evaluate(model, airline, origins=13)


def test_too_many_origins_are_refused(airline: Panel, model: gc.Forecaster) -> None:
    with pytest.raises(WindowError, match="too short for 60 origins"):
        gc.evaluate(model, airline, origins=60)


def test_walk_takes_every_origin_of_a_span(airline: Panel, model: gc.Forecaster) -> None:
    walked = gc.evaluate(model, airline, begin="1960-01", end="1960-12")
    np.testing.assert_array_equal(walked.origin_B, np.arange(131, 141))
    everything = gc.evaluate(model, airline, origins="all", in_sample=True)
    assert everything.origin_B[0] == 11  # the whole lookback of 12 steps
    with pytest.raises(WindowError, match="no window fits"):
        gc.evaluate(model, airline.slice(0, 13), origins="all", in_sample=True)


@pytest.mark.parametrize("chosen", [{"origins": 2}, {"origins": "all"}, {"begin": "1960-01"}])
def test_other_columns_are_refused(airline: Panel, model: gc.Forecaster, chosen: dict[str, Any]) -> None:
    other = replace(airline, schema=Schema(("travellers",)))
    with pytest.raises(ModelFileError, match="travellers"):
        gc.evaluate(model, other, in_sample=True, **chosen)


def test_a_reference_is_shown_and_does_not_compete(airline: Panel, model: gc.Forecaster) -> None:
    walked = gc.evaluate(model, airline, begin="1960-01")
    shown = walked.with_reference("truth", np.asarray(walked.scores.truth_BHC))
    assert shown.scores.methods[-1] == "truth"
    assert shown.scores.table["truth"]["rmse"] == 0
    assert "truth" not in shown.scores.verdict


def test_a_model_that_is_not_fitted_is_trained_before_the_first_origin(airline: Panel) -> None:
    fresh = gc.Forecaster(3, lookback=12, scaling="difference", **QUICK)
    scored = gc.evaluate(fresh, airline, origins=2)
    assert airline.frequency.label(fresh.trained_until()["airline"]) == "1960-06"
    assert scored.origin_B[0] == 137


def test_what_fits(airline: Panel) -> None:
    assert origins_that_fit(airline, 12) == 3
    assert origins_that_fit(airline, 40) == 1
    before, whole = training_part(airline, 12, 3)
    assert (before.length[0], whole.length[0]) == (108, 144)
    with pytest.raises(WindowError, match="no series has more than"):
        training_part(airline, 72, 2)
