"""SequenceRegressor: what it learns, how it reads, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, ModelFileError, PanelError

QUICK = gc.TrainingConfig(loss="mse", optimizer="adam", lr=1e-2, max_epochs=5, validation=0)
TINY = gc.LSTMConfig(hidden_size=4, readout=0)


@pytest.fixture(scope="module")
def halves() -> tuple[Panel, Panel]:
    return gc.load_example("sin-to-cos").split(fraction=0.5)


def rmse(model: gc.SequenceRegressor, panel: Panel) -> float:
    return float(np.sqrt(np.mean((model.predict(panel) - panel.series(0)) ** 2)))


def test_the_default_learns_the_cosine(halves: tuple[Panel, Panel]) -> None:
    train, _ = halves
    assert rmse(gc.SequenceRegressor(seed=3).fit(train), train) < 0.005


def test_same_seed_same_bytes(halves: tuple[Panel, Panel]) -> None:
    outputs = [
        gc.SequenceRegressor(network=TINY, training=QUICK).fit(halves[0]).predict(halves[1]).tobytes() for _ in "ab"
    ]
    assert outputs[0] == outputs[1]


def test_interleaving_reads_every_fifth_step(halves: tuple[Panel, Panel]) -> None:
    train, _ = halves
    model = gc.SequenceRegressor(interleave=5, scaled=False, network=TINY, training=QUICK).fit(train)
    sequences = model._sequences(train)
    assert sequences.inputs_BTF.shape == (5, 20, 1)
    sine = train.values_RV[train.rows(0), 1]
    np.testing.assert_allclose(sequences.inputs_BTF[2, :, 0], sine[2::5].astype(np.float32))
    output = model.predict(train)
    alone = model.network_(torch.from_numpy(sequences.inputs_BTF))[0].detach().numpy()
    np.testing.assert_allclose(output[2::5, 0], alone[2, :, 0, 0, 0], rtol=1e-6)


def test_forward_reading_never_sees_what_comes_later(halves: tuple[Panel, Panel]) -> None:
    train, test = halves
    changed = test.values_RV.copy()
    changed[test.rows(0)][50:, 1] += 3
    other = _with_values(test, changed)
    forward = gc.SequenceRegressor(network=TINY, training=QUICK).fit(train)
    both = gc.SequenceRegressor(
        network=gc.LSTMConfig(hidden_size=4, readout=0, bidirectional=True), training=QUICK
    ).fit(train)
    np.testing.assert_array_equal(forward.predict(test)[:50], forward.predict(other)[:50])
    assert (both.predict(test)[:50] != both.predict(other)[:50]).any()


def _with_values(panel: Panel, values_RV: np.ndarray) -> Panel:
    from dataclasses import replace

    return replace(panel, values_RV=values_RV)


def test_missing_targets_do_not_count(halves: tuple[Panel, Panel]) -> None:
    train, _ = halves
    values = train.values_RV.copy()
    values[train.rows(0)][10:20, 0] = np.nan
    model = gc.SequenceRegressor(network=TINY, training=QUICK).fit(_with_values(train, values))
    assert np.isfinite(model.predict(train)).all()


def test_refusals(halves: tuple[Panel, Panel]) -> None:
    train, _ = halves
    with pytest.raises(ConfigError, match="not fitted"):
        gc.SequenceRegressor().predict(train)
    with pytest.raises(ConfigError, match="interleave"):
        gc.SequenceRegressor(interleave=0)
    with pytest.raises(ConfigError, match="readout=0"):
        gc.SequenceRegressor(network=gc.LSTMConfig())
    with pytest.raises(ConfigError, match="one number per step"):
        gc.SequenceRegressor(training=gc.TrainingConfig(loss="pinball")).fit(train)
    with pytest.raises(ConfigError, match="leave augment at 0"):
        gc.SequenceRegressor(training=gc.TrainingConfig(loss="mse", augment=1)).fit(train)
    with pytest.raises(PanelError, match="needs inputs"):
        gc.SequenceRegressor().fit(gc.load_example("airline"))
    fitted = gc.SequenceRegressor(network=TINY, training=QUICK).fit(train)
    with pytest.raises(ModelFileError, match="Missing"):
        fitted.predict(gc.load_example("airline"))
