"""What an LSTM layer does at each step: its gates and its memory.

    input   i = sigmoid(W_i x + U_i h + b_i)      how much of what is new is taken in
    forget  f = sigmoid(W_f x + U_f h + b_f)      how much of the memory is kept
    output  o = sigmoid(W_o x + U_o h + b_o)      how much of the memory is shown
    cell    c = f * c + i * tanh(W_g x + U_g h + b_g)
    hidden  h = o * tanh(c)

``nn.LSTM`` gives h of every step and the last c alone, so the layer is computed here once more from its weights
(Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gatecast.errors import ConfigError
from gatecast.model.lstm import LSTMNetwork, fold
from gatecast.model.protocol import Network

__all__ = ["Gates", "gate_activations"]


@dataclass(frozen=True, eq=False)
class Gates:
    """Activations of one layer, (B, L, D) each; L counts folded steps where the network folds them.

    Args:
        input_BLD: input gate, 0 (closed) to 1 (open).
        forget_BLD: forget gate, 0 (lets go) to 1 (keeps).
        output_BLD: output gate, 0 to 1.
        cell_BLD: cell state after each step, unbounded.
        hidden_BLD: hidden state after each step, -1 to 1: what the next layer or the readout sees.
    """

    input_BLD: Tensor
    forget_BLD: Tensor
    output_BLD: Tensor
    cell_BLD: Tensor
    hidden_BLD: Tensor


@torch.inference_mode()
def gate_activations(network: Network, context_BLF: Tensor, layer: int = 0) -> Gates:
    """Compute the gates of one layer over a window, from a state of zeros; dropout is off.

    Args:
        network: an LSTM that reads forwards.
        context_BLF: (B, L, F) scaled inputs, as the network gets them.
        layer: 0 is the layer that reads the context.

    Raises:
        ConfigError: the network is no LSTM, reads both ways, or has no such layer.
    """
    if not isinstance(network, LSTMNetwork):
        raise ConfigError(f"gates are shown of an LSTM; this network is a {type(network).__name__}.")
    if network.config.bidirectional:
        raise ConfigError("gates are shown of networks that read forwards; this one is bidirectional.")
    if not 0 <= layer < network.config.num_layers:
        raise ConfigError(f"layer {layer} does not exist; the network has layers 0 to {network.config.num_layers - 1}.")
    gates = _layer(network, 0, fold(context_BLF, network.config.patch))
    for number in range(1, layer + 1):
        gates = _layer(network, number, gates.hidden_BLD)
    return gates


def _layer(network: LSTMNetwork, layer: int, read_BLF: Tensor) -> Gates:
    """One layer; what does not depend on the state is computed for all steps at once."""
    from_input, from_hidden, *biases = network.lstm.all_weights[layer]
    given_BLG = read_BLF @ from_input.T + sum(biases)
    hidden_BD = read_BLF.new_zeros(len(read_BLF), network.config.hidden_size)
    cell_BD = hidden_BD
    steps = []
    for given_BG in given_BLG.unbind(1):
        # torch keeps the four in the order i, f, g, o
        i_BD, f_BD, g_BD, o_BD = (given_BG + hidden_BD @ from_hidden.T).chunk(4, dim=1)
        i_BD, f_BD, o_BD = i_BD.sigmoid(), f_BD.sigmoid(), o_BD.sigmoid()
        cell_BD = f_BD * cell_BD + i_BD * g_BD.tanh()
        hidden_BD = o_BD * cell_BD.tanh()
        steps.append((i_BD, f_BD, o_BD, cell_BD, hidden_BD))
    return Gates(*(torch.stack(one, dim=1) for one in zip(*steps, strict=True)))
