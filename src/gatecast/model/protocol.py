"""Network: what training and forecasting ask of a network, whatever it is made of.

    context_BLF ──▶ forward ──▶ raw_BKHCR, state ──▶ step ──▶ raw_B1HCR, state ──▶ step ──▶ ...
                     all of the lookback              one more step of it

    design_BKP = design_matrix(context_BLF)     raw location = design @ weight + bias  after  set_linear(weight, bias)

B windows, K origins (the last steps of each), L steps of lookback, F channels, H steps ahead, C targets, R raw outputs,
P columns of the linear readout, Y = H * C.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, Self

from torch import Tensor, nn

from gatecast.model.config import NetworkConfig
from gatecast.nn.blocks import whole_blocks

__all__ = ["Network", "State"]


class State(Protocol):
    """What a network remembers of B windows; only the network that made it looks into it."""

    def repeat(self, count: int) -> Self:
        """The states of B windows -> those of B * count, copies of one window next to each other."""
        ...


class Network(nn.Module, ABC):
    """A network that forecasts all H steps of every origin at once, from all steps of the context up to it.

    Args:
        config: its sizes.
        features: channels F of the context.
        shape: (H, C, R): steps, targets, and raw outputs of each (see ``heads``).
    """

    def __init__(self, config: NetworkConfig, features: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.config: Any = config  # of the class that the network is registered for
        self.features = features
        self.shape = shape

    @property
    def can_step(self) -> bool:
        """Whether ``step`` can go on by one step."""
        return True

    @property
    def tail(self) -> int:
        """The last steps of the context that ``step`` reads, 1 or more."""
        return 1

    @property
    def direct_columns(self) -> int:
        """How many columns of the design matrix, the first ones, hold values of the context as they are."""
        return 0

    @abstractmethod
    def forward(
        self,
        context_BLF: Tensor,
        future_BKHF: Tensor | None = None,
        state: State | None = None,
        origins: int | None = None,
    ) -> tuple[Tensor, State]:
        """Raw outputs (B, K, H, C, R) of the last K steps, and the state after the last one.

        Args:
            context_BLF: scaled inputs.
            future_BKHF: future covariates of each origin's H steps; None without any.
            state: after the steps before the context; None = there were none.
            origins: K; None = ``config.readout``, where 0 means every step.
        """

    def last_origin(self, context_BLF: Tensor, future_BKHF: Tensor | None = None) -> Tensor:
        """Raw outputs (B, H, C, R) of the last step; those of a window are the same to the bit beside any others."""
        future_BKHF = None if future_BKHF is None else whole_blocks(future_BKHF)
        raw_BKHCR, _ = self(whole_blocks(context_BLF), future_BKHF, origins=1)
        last_BHCR: Tensor = raw_BKHCR[: len(context_BLF), -1]
        return last_BHCR

    @abstractmethod
    def step(self, tail_BSF: Tensor, state: State, future_BKHF: Tensor | None = None) -> tuple[Tensor, State]:
        """Go on by ONE step: raw outputs (B, 1, H, C, R) after it, and the state.

        Args:
            tail_BSF: the last ``tail`` steps of the context with the new one at the end.
            state: after the step before the new one.
            future_BKHF: future covariates of the horizon, K = 1.

        Raises:
            ConfigError: the network cannot, see ``can_step``.
        """

    @abstractmethod
    def design_matrix(self, context_BLF: Tensor, origins: int) -> Tensor:
        """Rows (B, K, P) that the linear readout reads at the last K steps, with the weights as they are."""

    @abstractmethod
    def set_linear(self, weight_PY: Tensor, bias_YR: Tensor) -> None:
        """Set the linear readout: raw 0 is ``design_matrix @ weight_PY + bias_YR[:, 0]``, raw r the bias alone.

        Future covariates have no effect afterwards; training finds it.
        """

    @abstractmethod
    def ignore_input(self, channels: Sequence[int]) -> None:
        """Set the weights of the state on these channels of the context to zero."""
