"""An LSTM network as nodes: the layers, the readout, and the linear skip beside them.

ONNX keeps the four gates in the order input, output, forget, cell; torch in the order input, forget, cell, output.
"""

from __future__ import annotations

import numpy as np
import torch

from gatecast.export.graph import Value, concat
from gatecast.model.lstm import LSTMNetwork

__all__ = ["linear", "lstm_layers", "numbers_of", "raw_outputs"]

TORCH, ONNX = "ifgo", "iofg"


def raw_outputs(network: LSTMNetwork, context_BLF: Value, lookback: int, future_BHF: Value | None) -> Value:
    """Raw outputs (B, H, C, R) after the last step, float32.

    Args:
        network: forwards.
        context_BLF: what it reads.
        lookback: L.
        future_BHF: future covariates of the steps to forecast.
    """
    config = network.config
    whole = lookback // config.patch
    folded_BLF = context_BLF
    if config.patch > 1:
        kept_BLF = context_BLF[:, lookback - whole * config.patch :]
        folded_BLF = kept_BLF.reshape(0, whole, config.patch * network.features)
    _, last_ZBD, _ = lstm_layers(network.lstm, folded_BLF.transpose(1, 0, 2))
    hidden_BD = last_ZBD[-1:].reshape(-1, config.hidden_size)
    raw_BHCR = linear(network.readout, hidden_BD).reshape(-1, *network.shape)
    if network.skip is not None:
        raw_BHCR = raw_BHCR + _from_skip(network, context_BLF, lookback)
    if network.steps is not None and future_BHF is not None:
        raw_BHCR = raw_BHCR + _from_future(network, hidden_BD, future_BHF)
    return raw_BHCR


def lstm_layers(
    lstm: torch.nn.LSTM, read_TBF: Value, h0_ZBD: Value | None = None, c0_ZBD: Value | None = None
) -> tuple[Value, Value, Value]:
    """Outputs (T, B, D) of the last layer, and h and c (Z, B, D) of the Z layers after the last step.

    Args:
        lstm: in one direction.
        read_TBF: what the first layer reads.
        h0_ZBD: output of the layers before the first step; None = zeros.
        c0_ZBD: their memory.
    """
    graph, hidden = read_TBF.graph, lstm.hidden_size
    last_h, last_c = [], []
    for layer in range(lstm.num_layers):
        from_input, from_hidden, *biases = (numbers_of(weights) for weights in lstm.all_weights[layer])
        biases = biases or [np.zeros(4 * hidden, np.float32)] * 2
        given = [_reordered(from_input), _reordered(from_hidden), np.concatenate([_reordered(b) for b in biases])]
        before = (None if state is None else state[layer : layer + 1] for state in (h0_ZBD, c0_ZBD))
        constants = [graph.constant(array[None]) for array in given]
        every_T1BD, h_1BD, c_1BD = graph.nodes(
            "LSTM", (read_TBF, *constants, None, *before), 3, hidden_size=hidden
        )  # fmt: skip
        read_TBF = every_T1BD.reshape(0, -1, hidden)
        last_h.append(h_1BD)
        last_c.append(c_1BD)
    return read_TBF, concat(last_h, 0), concat(last_c, 0)


def _from_skip(network: LSTMNetwork, context_BLF: Value, lookback: int) -> Value:
    """(B, H, C, R) what the linear skip adds: to the first raw output alone."""
    assert network.skip is not None
    horizon, targets, raws = network.shape
    steps, features = min(network.config.skip, lookback), network.features
    weight_YX = numbers_of(network.skip.weight)[:, -steps * features :]  # steps before the window read as zeros
    recent_BX = context_BLF[:, lookback - steps :].reshape(-1, steps * features)
    location_BHC1 = (recent_BX @ weight_YX.T).reshape(-1, horizon, targets, 1)
    return location_BHC1 * np.eye(1, raws, dtype=np.float32)[0]


def _from_future(network: LSTMNetwork, hidden_BD: Value, future_BHF: Value) -> Value:
    """(B, H, C, R) what the future covariates of each step add."""
    steps = network.steps
    assert steps is not None
    from_state_B1I = linear(steps.from_state, hidden_BD).reshape(0, 1, steps.from_state.out_features)
    inner_BHI = (from_state_B1I + linear(steps.from_future, future_BHF)).function("Tanh")
    return linear(steps.out, inner_BHI).reshape(0, *network.shape)


def linear(layer: torch.nn.Linear, value: Value) -> Value:
    """A linear layer."""
    product = value @ numbers_of(layer.weight).T
    return product if layer.bias is None else product + numbers_of(layer.bias)


def numbers_of(tensor: torch.Tensor) -> np.ndarray:
    """The numbers of a tensor."""
    array: np.ndarray = tensor.detach().cpu().float().numpy()
    return array


def _reordered(weights: np.ndarray) -> np.ndarray:
    """The blocks of the four gates along the first axis, from torch's order to that of ONNX."""
    blocks = dict(zip(TORCH, np.split(weights, 4), strict=True))
    return np.concatenate([blocks[gate] for gate in ONNX])
