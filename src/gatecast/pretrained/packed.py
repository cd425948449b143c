"""The gate's layers above its LSTM in the compiled kernels: all steps ahead of a series in one go, without gradients.

``Gate.weigh`` does the same in torch, which it is trained by; the two agree to rounding.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from gatecast.errors import InputError
from gatecast.nn.kernels import load
from gatecast.nn.threads import kernel_threads
from gatecast.pretrained.bank import Bank
from gatecast.pretrained.gate import KNOWN, LEAST_SPREAD, LEVELS, MIDDLE, Gate

__all__ = ["PackedGate", "packed"]


class PackedGate:
    """A gate that forecasts and learns no more: its weights are those of the moment.

    Args:
        gate: the network, on a CPU.

    Raises:
        InputError: there are no compiled kernels here.
    """

    def __init__(self, gate: Gate) -> None:
        kernels = load()
        if kernels is None:
            raise InputError("the pretrained gate needs the compiled kernels.")
        self._kernels = kernels
        both = [weights for layer in gate.layers for weights in (layer.weight, layer.bias)]
        weights = [weight.detach().to(torch.float32).contiguous() for weight in both if weight is not None]
        sizes = (gate.sizes.hidden, gate.logits.out_features, gate.sizes.mixing, len(LEVELS), MIDDLE)
        self._packed = kernels.pack_gate(sizes, (LEAST_SPREAD, KNOWN), tuple(weight.data_ptr() for weight in weights))

    def weigh(self, output_BTD: Tensor, bank: Bank, late: int, season: int) -> tuple[np.ndarray, np.ndarray]:
        """Weigh what the bank says from a step ahead on.

        Args:
            output_BTD: last outputs of the gate's LSTM.
            bank: of the same B series.
            late: first steps of its horizon that are left out.
            season: m; 1 = none.

        Returns:
            (B, H, Q) quantiles at ``LEVELS``, rising, in units of each series, and (B, H, K) weights of the experts.
        """
        output_BTD = output_BTD.to(torch.float32).contiguous()
        count, reach, experts = bank.forecast_BHK.shape
        horizon = reach - late
        quantiles_BHQ = np.empty((count, horizon, len(LEVELS)), np.float32)
        weights_BHK = np.empty((count, horizon, experts), np.float32)
        self._kernels.weigh(
            self._packed,
            (output_BTD.data_ptr(), bank.error_BK2.ctypes.data, bank.forecast_BHK[:, late:].ctypes.data),
            (quantiles_BHQ.ctypes.data, weights_BHK.ctypes.data),
            (count, output_BTD.shape[1], horizon, season, late + 1, reach * experts),
            min(kernel_threads(), count or 1),
        )
        return quantiles_BHQ, weights_BHK


def packed(gate: Gate) -> PackedGate:
    """A gate's layers, packed once where they are those of a trained one, which no longer change."""
    kernels = load()
    learns = gate.mix.weight.requires_grad
    return PackedGate(gate) if learns or kernels is None else _once(gate, kernels.variant())


@lru_cache(maxsize=4)
def _once(gate: Gate, variant: str) -> PackedGate:
    return PackedGate(gate)
