"""``SequenceRegressor.export``: a graph that goes on from a state, by one step or by many.

inputs (B, T, F) ──▶ scaling ──▶ LSTM ──▶ readout ──▶ outputs (B, T, C)
h, c (Z, B, D)  ─────────────────▲ └──▶ h_next, c_next           all 0 before the first step
recent (B, S - 1, F) ──▶ what the linear skip reads of earlier steps ──▶ recent_next
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from gatecast.data.schema import Schema
from gatecast.errors import ConfigError, Part, Setting, joined
from gatecast.export.given import column_names
from gatecast.export.graph import Graph, Value, concat, require_onnx
from gatecast.export.network import linear, lstm_layers, numbers_of
from gatecast.model.lstm import LSTMNetwork
from gatecast.storage.container import KEY, write_atomically
from gatecast.storage.files import naming

__all__ = ["Moments", "export_steps"]

FORMAT = "gatecast-observe-1"


class Moments(Protocol):
    """Mean and spread of inputs and targets."""

    @property
    def input_mean_F(self) -> np.ndarray: ...
    @property
    def input_spread_F(self) -> np.ndarray: ...
    @property
    def target_mean_C(self) -> np.ndarray: ...
    @property
    def target_spread_C(self) -> np.ndarray: ...


def export_steps(
    path: str | os.PathLike[str], network: torch.nn.Module, scale: Moments, schema: Schema, interleave: int
) -> None:
    """Write a trained sequence regressor as an ONNX file; see ``SequenceRegressor.export``."""
    require_onnx()
    reasons: list[Part] = []
    if not isinstance(network, LSTMNetwork) or network.config.bidirectional:
        reasons.append(
            ("it reads both ways, so that no step can be told before the last one: fit with ",
             Setting("bidirectional", False, of="network"))
        )  # fmt: skip
    if interleave != 1:
        reasons.append("it reads interleaved sequences: fit with interleave=1")
    if reasons:
        raise ConfigError("this model cannot be exported: ", joined("; ", reasons), ".")
    assert isinstance(network, LSTMNetwork)
    with naming(path, "The model was not exported."):
        write_atomically(Path(path), _written(network, scale, schema))


def _written(network: LSTMNetwork, scale: Moments, schema: Schema) -> bytes:
    import gatecast

    graph, config, columns = Graph(), network.config, column_names((*schema.past, *schema.future))
    rows, features, targets = ("windows", "steps"), len(columns), len(schema.targets)
    given_BTF = graph.input("inputs", np.float64, (*rows, features), "the next steps of each sequence")
    state = (config.num_layers, "windows", config.hidden_size)
    h, c = (graph.input(name, np.float32, state, "state; 0 before the first step") for name in "hc")
    scaled = (given_BTF - scale.input_mean_F) / scale.input_spread_F
    missing = graph.node("IsNaN", scaled, dtype=np.bool_)
    read_BTF = missing.where(0.0, scaled).cast(np.float32)
    hidden_TBD, h_next, c_next = lstm_layers(network.lstm, read_BTF.transpose(1, 0, 2), h, c)
    output_BTC = linear(network.readout, hidden_TBD.transpose(1, 0, 2))
    earlier = max(config.skip - 1, 0)
    if config.skip:
        seen_BSF = read_BTF
        if earlier:
            about = "what the linear skip has read last; 0 before the first step"
            recent = graph.input("recent", np.float32, ("windows", earlier, features), about)
            seen_BSF = concat([recent, read_BTF], 1)
            graph.output("recent_next", seen_BSF[:, -earlier:], ("windows", earlier, features), "to go on with")
        output_BTC = output_BTC + _from_skip(network, seen_BSF)
    outputs = output_BTC.cast(np.float64) * scale.target_spread_C + scale.target_mean_C
    graph.output("outputs", outputs, (*rows, targets), "the targets at these steps")
    graph.output("h_next", h_next, state, "to go on with")
    graph.output("c_next", c_next, state, "to go on with")
    told: dict[str, Any] = {
        "format": FORMAT,
        "gatecast": gatecast.__version__,
        "inputs": columns,
        "targets": schema.targets,
        "layers": config.num_layers,
        "hidden_size": config.hidden_size,
        "recent": earlier,
    }
    texts = {KEY: json.dumps(told, ensure_ascii=False)}
    return graph.written("observe", "Goes on from a state, step by step.", texts, gatecast.__version__)


def _from_skip(network: LSTMNetwork, seen_BSF: Value) -> Value:
    """(B, T, C) what the linear skip adds at each step, from the S - 1 steps before the first one on."""
    assert network.skip is not None
    steps, total = network.config.skip, None
    for place, weight_CF in enumerate(np.split(numbers_of(network.skip.weight), steps, axis=1)):
        stop = place + 1 - steps
        part = seen_BSF[:, place : stop or None] @ weight_CF.T
        total = part if total is None else total + part
    assert total is not None
    return total
