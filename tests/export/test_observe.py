"""A sequence regressor goes on step by step in a graph, and gives what it gives for the whole sequence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.errors import ConfigError

pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = gc.TrainingConfig(loss="mse", max_epochs=2, validation=0)
STATES = ("h", "c", "recent")


def trained(**network: Any) -> tuple[gc.SequenceRegressor, gc.Panel]:
    panel, _ = gc.load_example("sin-to-cos").split(fraction=0.5)
    config = gc.LSTMConfig(**{"hidden_size": 4, "readout": 0} | network)
    return gc.SequenceRegressor(network=config, training=QUICK).fit(panel), panel


def followed(session: Any, inputs_BTF: np.ndarray, blocks: tuple[int, ...]) -> np.ndarray:
    """Outputs (B, T, C) of steps that go in block by block, with the state handed on."""
    shapes = {one.name: [len(inputs_BTF) if size == "windows" else size for size in one.shape] for one in
              session.get_inputs()}  # fmt: skip
    state = {name: np.zeros(shapes[name], np.float32) for name in STATES if name in shapes}
    names, parts, at = [one.name for one in session.get_outputs()], [], 0
    while at < inputs_BTF.shape[1]:
        steps = blocks[len(parts) % len(blocks)]
        given = {"inputs": inputs_BTF[:, at : at + steps], **state}
        told = dict(zip(names, session.run(None, given), strict=True))
        state = {name: told[f"{name}_next"] for name in state}
        parts.append(told["outputs"])
        at += steps
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("network", [{}, {"num_layers": 2}, {"skip": 1}, {"skip": 4}], ids=str)
def test_step_by_step_is_the_whole(tmp_path: Path, network: dict[str, int]) -> None:
    model, panel = trained(**network)
    model.export(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    whole_TC = model.predict(panel)
    inputs_BTF = np.tile(panel.values_RV[None, panel.rows(0), 1:].astype(np.float64), (3, 1, 1))
    for blocks in ((1,), (1, 7, 2), (1000,)):
        outputs_BTC = followed(session, inputs_BTF, blocks)
        assert np.abs(outputs_BTC - whole_TC).max() < 1e-5 * np.abs(whole_TC).max()
    many = followed(session, np.tile(inputs_BTF[:1], (1000, 1, 1)), (1000,))
    assert np.abs(many - whole_TC).max() < 1e-5 * np.abs(whole_TC).max()


def test_metadata(tmp_path: Path) -> None:
    trained(skip=4)[0].export(tmp_path / "model.onnx")
    texts = onnxruntime.InferenceSession(tmp_path / "model.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(texts["gatecast"]) == {
        "format": "gatecast-observe-1", "gatecast": gc.__version__, "inputs": ["sin"], "targets": ["cos"],
        "layers": 1, "hidden_size": 4, "recent": 3,
    }  # fmt: skip


def test_what_has_no_state_to_go_on_from_is_refused(tmp_path: Path) -> None:
    model, panel = trained(bidirectional=True)
    with pytest.raises(ConfigError, match=r"bidirectional=False"):
        model.export(tmp_path / "model.onnx")
    config = gc.LSTMConfig(hidden_size=4, readout=0, bidirectional=True)
    both = gc.SequenceRegressor(interleave=2, network=config, training=QUICK).fit(panel)
    with pytest.raises(ConfigError, match=r"bidirectional=False; .* interleave=1"):
        both.export(tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match="not fitted yet"):
        gc.SequenceRegressor().export(tmp_path / "model.onnx")
