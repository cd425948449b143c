"""The future is unreachable: what lies after the origin changes no bit of a forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.pretrained.expert import PretrainedExpert
from gatecast.training.config import TrainingConfig

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")

SCHEMA = Schema(("y", "z"), past=(Column("rain"),), future=(Column("kind", ("a", "b")),))
QUICK = TrainingConfig(max_epochs=2, steps_per_epoch=2, batch_size=16)
MODELS: dict[str, dict[str, object]] = {
    "plain": {"scaling": "none"},
    "standard": {"scaling": "standard", "training": replace(QUICK, loss="huber")},
    "mean fitted": {"scaling": "log+mean+fitted"},
    "last": {"scaling": "last", "network": LSTMConfig(hidden_size=3, num_layers=2, skip=2, readout=4)},
    "difference": {"scaling": "log+difference+standard", "members": 2},
    "seasonal": {"scaling": "seasonal-difference:4/2+standard", "lookback": None},
    "category": {"scaling": "category-difference:kind/3+standard+fitted"},
    "smooth": {"scaling": "log+smooth:3/0.3/0.2+standard"},
    "recursive": {"scaling": "difference+standard", "recursive": True},
    "chosen": {"scaling": None, "network": None, "lookback": None},
}


def make_panel(panel_of: PanelOf, seed: int, lengths: list[int]) -> Panel:
    rng = np.random.default_rng(seed)
    tables = [
        np.column_stack(
            [
                np.exp(rng.normal(size=(T, 2)).cumsum(axis=0) * 0.1 + 2),
                rng.normal(size=T),
                np.eye(2)[rng.integers(0, 2, T)],
            ]
        )
        for T in lengths
    ]
    return panel_of(tables, SCHEMA)


def build(options: dict[str, object]) -> Forecaster:
    standard: dict[str, object] = {
        "lookback": 8,
        "network": LSTMConfig(hidden_size=3, skip=2),
        "training": QUICK,
        "members": 1,
        "progress": False,
    }
    return Forecaster(3, **standard | options)  # type: ignore[arg-type]


@cache
def trained(panel_of: PanelOf, name: str) -> Forecaster:
    return build(MODELS[name]).fit(make_panel(panel_of, 0, [40, 33]))


def test_what_is_chosen_is_a_blend(panel_of: PanelOf) -> None:
    blend = trained(panel_of, "chosen").fitted_.blend
    assert isinstance(blend.experts[-1], PretrainedExpert)
    assert blend.weights[-1] > 0
    assert len(blend.trained) > 1


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0, None]))
def test_nothing_after_the_origin_changes_a_forecast(
    panel_of: PanelOf, name: str, seed: int, put: float | None
) -> None:
    model = trained(panel_of, name)
    rng = np.random.default_rng(seed)
    panel = make_panel(panel_of, seed, [30, 24, 27])
    series_B = np.array([0, 1, 2])
    origin_B = panel.first + rng.integers(9, 20, 3)
    holes_R = rng.random(len(panel.values_RV)) < 0.1
    holes_R[panel.first] = False
    panel.values_RV[holes_R, :2] = np.nan
    before = model.forecast_from(panel, series_B, origin_B)
    assert np.isfinite(before).all()
    changed = panel.values_RV.copy()
    for n, origin in enumerate(origin_B):
        after = slice(origin + 1, int(panel.stop[n]))
        changed[after, :3] = rng.normal(size=(after.stop - after.start, 3)) * 50 if put is None else put
    after_all = model.forecast_from(replace(panel, values_RV=changed), series_B, origin_B)
    assert before.tobytes() == after_all.tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_a_later_origin_in_the_same_call_tells_an_earlier_one_nothing(panel_of: PanelOf, name: str) -> None:
    model = trained(panel_of, name)
    panel = replace(make_panel(panel_of, 3, [30, 24]), ids=("s0", "unseen"))
    series_B, origin_B = np.array([0, 1, 0, 1]), np.array([12, 42, 25, 50])
    before = model.forecast_from(panel, series_B, origin_B)
    changed = panel.values_RV.copy()
    changed[13:30, :3] *= 3
    changed[43:54, :3] *= 3
    after = model.forecast_from(replace(panel, values_RV=changed), series_B, origin_B)
    assert before[:2].tobytes() == after[:2].tobytes()
    assert before[2:].tobytes() != after[2:].tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_training_sees_nothing_after_the_cut_though_the_buffer_is_shared(panel_of: PanelOf, name: str) -> None:
    cut = np.array([31, 27])
    whole = make_panel(panel_of, 1, [40, 33])
    forecasts = []
    for put in (1.0, np.nan, 1e30):
        values = whole.values_RV.copy()
        for n in range(2):
            values[whole.first[n] + cut[n] : whole.stop[n], :3] = put
        part = replace(whole, values_RV=values).slice(0, cut)
        future = part.select([0, 1])
        model = build(MODELS[name]).fit(future)
        kinds = whole.slice(cut, cut + 3).future
        forecasts.append(model.predict(future=kinds).values_NHCQ.tobytes())
    assert forecasts[0] == forecasts[1] == forecasts[2]


@pytest.mark.parametrize("horizon", [1, 5, 12])
def test_the_last_observation_changes_every_step(panel_of: PanelOf, horizon: int) -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=60)
    model = Forecaster(
        horizon,
        lookback=6,
        scaling="none",
        network=LSTMConfig(hidden_size=4),
        training=QUICK,
        members=1,
        progress=False,
    ).fit(panel_of([y]))
    before = model.predict().values
    y[-1] += 1
    assert (model.predict(panel_of([y])).values != before).all()
