"""Which network belongs to which configuration: the one place where a network of another kind is registered.

A configuration is a frozen dataclass below ``NetworkConfig``; what is known from its numbers alone needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatecast.errors import ConfigError, listed
from gatecast.model.config import LSTMConfig, NetworkConfig
from gatecast.model.shapes import Shapes, lstm_multiplications, lstm_shapes

if TYPE_CHECKING:
    from gatecast.model.protocol import Network

__all__ = ["NETWORKS", "NetworkKind", "build_network", "kind_of", "multiplications", "parameter_shapes"]


@dataclass(frozen=True)
class NetworkKind:
    """What is registered for a class of configurations.

    Args:
        build: (config, features F, horizon H, targets C, raw outputs R, future channels) -> a fresh network.
        parameter_shapes: the same numbers -> names and shapes of its ``state_dict``.
        multiplications: (config, features F) -> multiplications of one step of one window.
    """

    build: Callable[[Any, int, int, int, int, int], Network]
    parameter_shapes: Callable[[Any, int, int, int, int, int], Shapes]
    multiplications: Callable[[Any, int], int]


def _build_lstm(config: LSTMConfig, features: int, horizon: int, targets: int, raws: int, future: int) -> Network:
    from gatecast.model.lstm import LSTMNetwork  # here, for describing a model file must not load torch

    return LSTMNetwork(config, features, horizon, targets, raws, future).float()  # whatever torch's default is


NETWORKS: dict[type[NetworkConfig], NetworkKind] = {
    LSTMConfig: NetworkKind(_build_lstm, lstm_shapes, lstm_multiplications),
}


def kind_of(config: NetworkConfig) -> NetworkKind:
    """What is registered for a configuration. Raises ConfigError where nothing is."""
    if type(config) not in NETWORKS:
        known = listed([kind.__name__ for kind in NETWORKS])
        raise ConfigError(f"no network is registered for a {type(config).__name__}. Known: {known}.")
    return NETWORKS[type(config)]


def build_network(
    config: NetworkConfig, features: int, horizon: int, targets: int, raws: int, future: int = 0
) -> Network:
    """A fresh network, which draws its weights from torch's generator.

    Args:
        config: its sizes; their class says which network.
        features: channels F of the context.
        horizon: steps H.
        targets: target columns C.
        raws: raw outputs R per target and step.
        future: channels of the future covariates; 0 = none.
    """
    return kind_of(config).build(config, features, horizon, targets, raws, future)


def parameter_shapes(
    config: NetworkConfig, features: int, horizon: int, targets: int, raws: int, future: int = 0
) -> Shapes:
    """Names and shapes of ``build_network(config, features, horizon, targets, raws, future).state_dict()``.

    >>> parameter_shapes(LSTMConfig(hidden_size=4), 2, 3, 1, 1)["lstm.weight_ih_l0"]
    (16, 2)
    """
    return kind_of(config).parameter_shapes(config, features, horizon, targets, raws, future)


def multiplications(config: NetworkConfig, features: int) -> int:
    """Multiplications of one step of one window: says how many threads are worth while.

    >>> multiplications(LSTMConfig(hidden_size=4), 2)
    96
    """
    return kind_of(config).multiplications(config, features)
