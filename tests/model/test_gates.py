"""Gates computed from the weights against what torch's own LSTM gives out."""

from __future__ import annotations

import pytest
import torch

from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.model.gates import gate_activations
from gatecast.model.lstm import LSTMNetwork, fold


def network_of(**settings: object) -> LSTMNetwork:
    torch.manual_seed(3)
    config = LSTMConfig(hidden_size=5, **settings)  # type: ignore[arg-type]
    network = LSTMNetwork(config, features=3, horizon=2, targets=1, raws=1)
    for name, parameter in network.lstm.named_parameters():
        if name.startswith("bias"):  # the start has zeros, which would hide a bias that is left out
            torch.nn.init.normal_(parameter)
    return network


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("patch", [1, 2])
def test_states_of_the_last_layer_are_those_of_torch(layers: int, patch: int) -> None:
    network = network_of(num_layers=layers, patch=patch, dropout=0.5 if layers > 1 else 0.0).eval()
    context_BLF = torch.randn(4, 12, 3)
    with torch.inference_mode():
        hidden_BLD, (h, c) = network.lstm(fold(context_BLF, patch))
    gates = gate_activations(network, context_BLF, layer=layers - 1)
    torch.testing.assert_close(gates.hidden_BLD, hidden_BLD)
    torch.testing.assert_close(gates.hidden_BLD[:, -1], h[-1])
    torch.testing.assert_close(gates.cell_BLD[:, -1], c[-1])


def test_cells_of_every_step_are_those_of_torch() -> None:
    network, context_BLF = network_of(), torch.randn(2, 7, 3)
    gates = gate_activations(network, context_BLF)
    for steps in range(1, 8):
        with torch.inference_mode():
            _, (_, c) = network.lstm(context_BLF[:, :steps])
        torch.testing.assert_close(gates.cell_BLD[:, steps - 1], c[0])


def test_each_gate_is_the_one_it_is_called() -> None:
    """A very large bias opens or closes one gate alone; torch keeps the order i, f, g, o."""
    for k, (name, bias, wanted) in enumerate(
        [("input_BLD", -60.0, 0.0), ("forget_BLD", 60.0, 1.0), ("", 0.0, 0.0), ("output_BLD", -60.0, 0.0)]
    ):
        network = network_of()
        with torch.no_grad():
            network.lstm.bias_ih_l0.chunk(4)[k].fill_(bias)
        gates = gate_activations(network, torch.randn(2, 6, 3))
        for gate in ("input_BLD", "forget_BLD", "output_BLD"):
            values = getattr(gates, gate)
            assert ((values > 0) & (values < 1)).all() or gate == name
            if gate == name:
                torch.testing.assert_close(values, torch.full_like(values, wanted))


def test_other_layers_and_directions_are_refused() -> None:
    with pytest.raises(ConfigError, match="layers 0 to 0"):
        gate_activations(network_of(), torch.randn(1, 4, 3), layer=1)
    with pytest.raises(ConfigError, match="bidirectional"):
        gate_activations(network_of(bidirectional=True), torch.randn(1, 4, 3))


def test_no_gradient_is_kept() -> None:
    assert not gate_activations(network_of(), torch.randn(1, 4, 3)).cell_BLD.requires_grad
