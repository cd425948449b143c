"""LSTMConfig: the sizes of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gatecast.errors import ConfigError

__all__ = ["LSTMConfig"]


@dataclass(frozen=True)
class LSTMConfig:
    """Sizes of the LSTM network. The field docs are the help of the command line.

    Args:
        hidden_size: Units per LSTM layer.
        num_layers: LSTM layers on top of each other.
        dropout: Share of values dropped between layers while training; without effect with one layer.
        readout: Last steps of the window whose outputs are trained: 1 = the last step alone, 0 = every step.
        skip: Last steps of the window that a linear skip connection reads beside the LSTM; 0 = none.
        patch: Values folded into one LSTM step; 1 = one step per value.
        init: Start of the LSTM's weights: orthogonal with an open forget gate, or uniform as torch has it.
        bidirectional: Read the sequence both ways; only for sequence regression, never for forecasts.
    """

    hidden_size: int = 32
    num_layers: int = 1
    dropout: float = 0.0
    readout: int = 1
    skip: int = 0
    patch: int = 1
    init: Literal["orthogonal", "uniform"] = "orthogonal"
    bidirectional: bool = False

    def __post_init__(self) -> None:
        problems = [
            f"{name} = {value} (at least {low})"
            for name, value, low in (
                ("hidden_size", self.hidden_size, 1),
                ("num_layers", self.num_layers, 1),
                ("readout", self.readout, 0),
                ("skip", self.skip, 0),
                ("patch", self.patch, 1),
            )
            if value < low
        ]
        if not 0 <= self.dropout < 1:
            problems.append(f"dropout = {self.dropout} (0 to below 1)")
        if self.patch > 1 and self.readout != 1:
            problems.append(f"patch = {self.patch} with readout = {self.readout} (folded steps are read at the end: 1)")
        if problems:
            raise ConfigError(f"network settings out of range: {', '.join(problems)}.")
