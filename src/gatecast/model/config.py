"""The sizes of a network: what every one says of itself, and those of the LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gatecast.errors import Argument, ConfigError, joined, misfits, shown

__all__ = ["LSTMConfig", "NetworkConfig"]


class NetworkConfig:
    """Sizes of a network; a frozen dataclass below this one has them as fields (see ``model.networks``).

    What is no field of it has the value given here.
    """

    @property
    def readout(self) -> int:
        """Last steps of the window whose outputs are trained: 1 = the last step alone, 0 = every step."""
        return 1

    @property
    def skip(self) -> int:
        """Last steps of the window that a linear connection reads beside the state; 0 = none."""
        return 0

    @property
    def patch(self) -> int:
        """Values folded into one step of the network; 1 = one step per value."""
        return 1

    @property
    def bidirectional(self) -> bool:
        """Reads the sequence both ways, which no forecast can."""
        return False

    def describe(self) -> str:
        """A few words: which network, how large."""
        return repr(self)


@dataclass(frozen=True)
class LSTMConfig(NetworkConfig):
    """Sizes of the LSTM network. The field docs are the help of the command line.

    Args:
        hidden_size: Units per LSTM layer.
        num_layers: Stacked LSTM layers.
        dropout: Dropout rate between the layers; without effect with one layer.
        readout: Last steps of the window that are training origins, from which a forecast is trained; 1 = the last
            step alone, 0 = every step.
        skip: Last steps of the window that a linear skip connection reads beside the LSTM; 0 = no connection.
        patch: Values that make up one LSTM step (patch length); 1 = one step per value.
        init: Initialisation of the LSTM's weights: orthogonal with a forget gate bias of 1, or uniform as in torch.
        bidirectional: Read the sequence in both directions; for sequence regression only.
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
        if wrong := [_wrong(name, getattr(self, name), must) for name, must in misfits(self)]:
            raise ConfigError("network settings of another type: ", joined(", ", wrong), ".")
        problems = [
            _wrong(name, value, f"at least {low}")
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
            problems.append(_wrong("dropout", self.dropout, "0 to below 1"))
        if self.patch > 1 and self.readout != 1:
            why = f"with readout = {self.readout} (folded steps are read at the end: 1)"
            problems.append(ConfigError(Argument("patch", of="network"), f" = {self.patch} {why}"))
        if problems:
            raise ConfigError("network settings out of range: ", joined(", ", problems), ".")

    def describe(self) -> str:
        """A few words, such as "LSTM 32 x 1 + linear 12"."""
        linear = f" + linear {self.skip}" if self.skip else ""
        return f"LSTM {self.hidden_size} x {self.num_layers}{linear}"


def _wrong(name: str, value: object, limit: str) -> ConfigError:
    return ConfigError(Argument(name, of="network"), f" = {shown(value)} ({limit})")
