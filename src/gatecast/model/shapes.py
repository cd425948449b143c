"""The parameters of the network by name and shape, from numbers alone: no tensor is made, torch is not needed."""

from __future__ import annotations

from gatecast.model.config import LSTMConfig

__all__ = ["DISTRIBUTIONS", "POINT_LOSSES", "parameter_shapes", "raw_outputs"]

STEP_READOUT = 16
POINT_LOSSES = ("mse", "mae", "huber")  # one raw output each
DISTRIBUTIONS = {"gaussian": 2, "student-t": 3, "negative-binomial": 2}  # parameters of each


def raw_outputs(loss: str, levels: int) -> int:
    """Raw outputs R per step and target of the head for a loss and a number of quantile levels.

    >>> raw_outputs("pinball", 5), raw_outputs("student-t", 5), raw_outputs("mae", 5)
    (5, 3, 1)
    """
    return levels if loss == "pinball" else DISTRIBUTIONS.get(loss, 1)


def parameter_shapes(
    config: LSTMConfig, features: int, horizon: int, targets: int, raws: int, future: int = 0
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of ``LSTMNetwork(config, features, horizon, targets, raws, future).state_dict()``.

    >>> parameter_shapes(LSTMConfig(hidden_size=4), 2, 3, 1, 1)["lstm.weight_ih_l0"]
    (16, 2)
    """
    width = config.hidden_size * (2 if config.bidirectional else 1)
    shapes: dict[str, tuple[int, ...]] = {}
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
