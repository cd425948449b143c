"""Heads: from raw network outputs to quantiles, and the loss that trains them.

A head is stateless: R raw outputs per step and target; the first is the location, which the linear skip adds to.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gatecast.errors import ConfigError, did_you_mean

__all__ = ["LOSSES", "Head", "PointHead", "QuantileHead", "make_head"]

LOSSES = ("mse", "mae", "huber", "pinball")


class Head(ABC):
    """What the raw outputs mean."""

    quantiles: tuple[float, ...]
    raws: int

    @abstractmethod
    def outputs(self, raw: Tensor) -> Tensor:
        """Raw outputs (..., R) -> quantiles (..., Q), in the order of ``self.quantiles``."""

    @abstractmethod
    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """Elementwise loss: raw outputs (..., R) and truth (...) -> (...)."""

    @abstractmethod
    def start(self, spread_Y: Tensor) -> Tensor:
        """(Y,) standard deviations -> (Y, R) raw outputs of normal variables with location 0."""


class PointHead(Head):
    """One output, trained with a pointwise loss; it stands for the 0.5 quantile."""

    quantiles = (0.5,)
    raws = 1

    def __init__(self, loss: str) -> None:
        self._elementwise: Callable[[Tensor, Tensor], Tensor] = {
            "mse": lambda forecast, truth: (forecast - truth) ** 2,
            "mae": lambda forecast, truth: (forecast - truth).abs(),
            "huber": lambda forecast, truth: nn.functional.huber_loss(forecast, truth, reduction="none"),  # delta 1
        }[loss]

    def outputs(self, raw: Tensor) -> Tensor:
        return raw

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        return self._elementwise(raw[..., 0], target)

    def start(self, spread_Y: Tensor) -> Tensor:
        return torch.zeros(len(spread_Y), 1)


class QuantileHead(Head):
    """Quantiles that cannot cross: the middle one, and positive steps away from it on either side.

        q_mid = raw_0;   q_(mid+1) = q_mid + softplus(raw) ...;   q_(mid-1) = q_mid - softplus(raw) ...

    Trained with the pinball loss without factor 2 (Koenker and Bassett 1978), averaged over the levels.
    """

    def __init__(self, quantiles: Sequence[float]) -> None:
        self.quantiles = tuple(sorted(quantiles))
        self.raws = len(self.quantiles)
        self._middle = min(range(self.raws), key=lambda q: abs(self.quantiles[q] - 0.5))

    def outputs(self, raw: Tensor) -> Tensor:
        step = nn.functional.softplus(raw[..., 1:])
        location = raw[..., :1]
        below = location - step[..., : self._middle].cumsum(-1).flip(-1)
        above = location + step[..., self._middle :].cumsum(-1)
        return torch.cat([below, location, above], -1)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        error = target[..., None] - self.outputs(raw)
        level = torch.tensor(self.quantiles, dtype=raw.dtype, device=raw.device)
        return torch.maximum(level * error, (level - 1) * error).mean(-1)

    def start(self, spread_Y: Tensor) -> Tensor:
        normal = torch.special.ndtri(torch.tensor(self.quantiles, dtype=torch.float64))
        step = normal.diff()
        outward = torch.cat([step[: self._middle].flip(0), step[self._middle :]])
        step_YR = (spread_Y[:, None].double() * outward).clamp_min(1e-8)
        inverse_softplus_YR = step_YR + torch.log(-torch.expm1(-step_YR))
        return torch.cat([torch.zeros(len(spread_Y), 1), inverse_softplus_YR.float()], 1)


def make_head(loss: str, quantiles: Sequence[float]) -> Head:
    """The head for a loss. Raises ConfigError for an unknown loss or levels outside 0..1."""
    if loss not in LOSSES:
        raise ConfigError(f"unknown loss {loss!r}{did_you_mean(loss, LOSSES)}. Known: {', '.join(LOSSES)}.")
    wrong = [q for q in quantiles if not 0 < q < 1 or math.isnan(q)]
    if wrong or len(set(quantiles)) != len(quantiles) or not quantiles:
        raise ConfigError(f"quantiles must be different numbers between 0 and 1; got {tuple(quantiles)}.")
    return QuantileHead(quantiles) if loss == "pinball" else PointHead(loss)
