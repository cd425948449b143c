"""The parameters of the LSTM by name and shape, from numbers alone: no tensor is made, torch is not needed."""

from __future__ import annotations

from gatecast.model.config import LSTMConfig

__all__ = ["Shapes", "lstm_multiplications", "lstm_shapes"]

Shapes = dict[str, tuple[int, ...]]

STEP_READOUT = 16


def lstm_multiplications(config: LSTMConfig, features: int) -> int:
    """Multiplications of one step of the first layer for one window."""
    return 4 * config.hidden_size * (config.hidden_size + features)


def lstm_shapes(config: LSTMConfig, features: int, horizon: int, targets: int, raws: int, future: int) -> Shapes:
    """Names and shapes of ``LSTMNetwork(config, features, horizon, targets, raws, future).state_dict()``."""
    width = config.hidden_size * (2 if config.bidirectional else 1)
    shapes: Shapes = {}
    for layer in range(config.num_layers):
        inputs = width if layer else features * config.patch
        for way in ("", "_reverse")[: 2 if config.bidirectional else 1]:
            gates = 4 * config.hidden_size
            shapes[f"lstm.weight_ih_l{layer}{way}"] = (gates, inputs)
            shapes[f"lstm.weight_hh_l{layer}{way}"] = (gates, config.hidden_size)
            shapes[f"lstm.bias_ih_l{layer}{way}"] = (gates,)
            shapes[f"lstm.bias_hh_l{layer}{way}"] = (gates,)
    outputs = horizon * targets
    shapes |= {"readout.weight": (outputs * raws, width), "readout.bias": (outputs * raws,)}
    if config.skip:
        shapes["skip.weight"] = (outputs, config.skip * features)
    if future and horizon > 1:
        shapes |= {"steps.from_state.weight": (STEP_READOUT, width), "steps.from_state.bias": (STEP_READOUT,)}
        shapes |= {
            "steps.from_future.weight": (STEP_READOUT, future),
            "steps.out.weight": (targets * raws, STEP_READOUT),
        }
    return shapes
