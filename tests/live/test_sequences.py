"""A sequence regressor on inputs as they come gives what it gives on the whole."""

from __future__ import annotations

import numpy as np
import pytest

import gatecast as gc
from gatecast.errors import ConfigError, PanelError


def fitted(skip: int = 0, layers: int = 1, scaled: bool = True, **settings: object) -> tuple[gc.SequenceRegressor, ...]:
    rng = np.random.default_rng(0)
    a, b = np.cumsum(rng.normal(size=(2, 3, 60)), axis=2)
    table = {"id": np.repeat(["u", "v", "w"], 60), "ds": np.tile(np.arange(60), 3), "a": a.ravel(), "b": b.ravel()}
    table["y"], table["z"] = 3 * np.tanh(table["a"]) + 10, table["a"] - table["b"]
    panel = gc.read(table, target=["y", "z"], past=["a", "b"])
    network = gc.LSTMConfig(hidden_size=6, num_layers=layers, readout=0, skip=skip, **settings)
    training = gc.TrainingConfig(loss="mse", max_epochs=6)
    return gc.SequenceRegressor(network=network, training=training, scaled=scaled, progress=False).fit(panel), panel


@pytest.mark.parametrize("skip", [0, 4])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("scaled", [True, False])
def test_step_by_step_is_the_whole(skip: int, layers: int, scaled: bool) -> None:
    model, panel = fitted(skip, layers, scaled)
    whole = model.predict(panel).reshape(3, 60, 2)
    inputs = panel.values_RV[:, 2:].reshape(3, 60, 2)
    live = model.live(3)
    parts = [live.observe(inputs[:, 0]), *(live.observe(inputs[:, t : t + 7]) for t in range(1, 60, 7))]
    made = np.concatenate([parts[0][:, None], *parts[1:]], axis=1)
    np.testing.assert_allclose(made, whole, rtol=1e-5, atol=1e-5)
    assert live.steps == 60
    assert live.state[0].shape == (layers, 3, 6)


def test_one_sequence_takes_its_steps_without_an_axis_for_it() -> None:
    model, panel = fitted()
    inputs = panel.values_RV[:60, 2:]
    live = model.live()
    first = live.observe(inputs[0])
    assert first.shape == (2,)
    rest = live.observe(inputs[1:])
    np.testing.assert_allclose(np.r_[first[None], rest], model.predict(panel)[:60], rtol=1e-5, atol=1e-5)
    live.reset()
    np.testing.assert_array_equal(live.observe(inputs[0]), first)
    assert live.observe(inputs[:0]).shape == (0, 2)


def test_missing_inputs_count_as_their_mean() -> None:
    model, _ = fitted()
    mean = model.scale_.input_mean_F
    np.testing.assert_allclose(model.live().observe([np.nan, np.nan]), model.live().observe(mean), rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 5, 2), ()])
def test_inputs_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    model, _ = fitted()
    with pytest.raises(PanelError, match="is needed"):
        model.live().observe(np.zeros(shape))


def test_what_cannot_go_on_step_by_step_is_refused() -> None:
    model, _ = fitted(bidirectional=True)
    with pytest.raises(ConfigError, match="reads both ways"):
        model.live()
    with pytest.raises(ConfigError, match="not fitted"):
        gc.SequenceRegressor().live()
    with pytest.raises(ConfigError, match="at least 1"):
        fitted()[0].live(0)
