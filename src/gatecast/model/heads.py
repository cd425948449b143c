"""Heads: from raw network outputs to quantiles, and the loss that trains them.

A head is stateless: R raw outputs per step and target; the first is the location, which the linear skip adds to. What
is known of a loss without its head stands in the table of ``losses``, which names the head of each.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gatecast.data.quantiles import middle
from gatecast.errors import ConfigError
from gatecast.model.distributions import (
    gaussian_loss,
    log_softplus,
    negative_binomial_loss,
    negative_binomial_quantile,
    student_t_loss,
    student_t_quantile,
)
from gatecast.model.losses import LOSSES, Loss, loss_named

__all__ = [
    "AbsoluteHead",
    "DistributionHead",
    "GaussianHead",
    "Head",
    "HuberHead",
    "NegativeBinomialHead",
    "PointHead",
    "QuantileHead",
    "SquaredHead",
    "StudentTHead",
    "Units",
    "make_head",
]


@dataclass(frozen=True)
class Units:
    """The way from an output to the data's unit, ``y = centre + spread * output``; broadcast against (..., )."""

    centre: Tensor
    spread: Tensor


class Head(ABC):
    """What the raw outputs mean. A class of its own for each loss, whose row of the table is ``about``.

    ``units`` are needed by heads of counts alone; the other ones ignore them.

    Args:
        quantiles: levels, in any order; ``self.quantiles`` has those that are given out, ascending.
    """

    about: ClassVar[Loss]

    def __init__(self, quantiles: Sequence[float]) -> None:
        self.quantiles = tuple(sorted(quantiles))
        self.raws = self.about.raw_outputs(len(self.quantiles))

    @property
    def counts(self) -> bool:
        """The data are counts."""
        return self.about.counts

    @abstractmethod
    def outputs(self, raw: Tensor, units: Units | None = None) -> Tensor:
        """Raw outputs (..., R) -> quantiles (..., Q), in the order of ``self.quantiles``."""

    @abstractmethod
    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        """Elementwise loss: raw outputs (..., R) and truth (...) -> (...)."""

    @abstractmethod
    def start(self, spread_Y: Tensor) -> Tensor:
        """(Y,) standard deviations -> (Y, R) raw outputs of normal variables with location 0."""


class PointHead(Head):
    """One output, trained with a pointwise loss; it stands for the 0.5 quantile, whatever levels are wanted."""

    def __init__(self, quantiles: Sequence[float] = (0.5,)) -> None:
        super().__init__((0.5,))

    def outputs(self, raw: Tensor, units: Units | None = None) -> Tensor:
        return raw

    def start(self, spread_Y: Tensor) -> Tensor:
        return torch.zeros(len(spread_Y), 1)


class SquaredHead(PointHead):
    """Squared error: the forecast is a mean."""

    about = LOSSES["mse"]

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return (raw[..., 0] - target) ** 2


class AbsoluteHead(PointHead):
    """Absolute error: the forecast is a median."""

    about = LOSSES["mae"]

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return (raw[..., 0] - target).abs()


class HuberHead(PointHead):
    """Half the squared error up to 1, beyond it the absolute error less a half (Huber 1964)."""

    about = LOSSES["huber"]

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return nn.functional.huber_loss(raw[..., 0], target, reduction="none")


SIDE_WEIGHT = 0.1  # of every level but the middle one; kernels/losses.h has the same number, and no other


class QuantileHead(Head):
    """Quantiles that cannot cross: the middle one, and positive steps away from it on either side.

        q_mid = raw_0;   q_(mid+1) = q_mid + softplus(raw) ...;   q_(mid-1) = q_mid - softplus(raw) ...

    Trained with the pinball loss without factor 2 (Koenker and Bassett 1978), as a weighted mean over the levels: 1 for
    the middle one, ``side_weight`` for each other one. All levels share one network, and with equal weights the point
    forecast pays for the intervals: M4 hourly (inner span, five levels) has MASE 1.086 with equal weights, 1.020 with
    these, 1.009 with the median alone (``docs/decisions/0013-the-median-first.md``). The metric ``pinball`` is plain.
    """

    about = LOSSES["pinball"]

    def __init__(self, quantiles: Sequence[float], side_weight: float = SIDE_WEIGHT) -> None:
        super().__init__(quantiles)
        self.side_weight = side_weight
        self._middle = middle(self.quantiles)

    def outputs(self, raw: Tensor, units: Units | None = None) -> Tensor:
        step = nn.functional.softplus(raw[..., 1:].contiguous())  # on a strided view it takes eight times as long
        location = raw[..., :1]
        below = location - step[..., : self._middle].cumsum(-1).flip(-1)
        above = location + step[..., self._middle :].cumsum(-1)
        return torch.cat([below, location, above], -1)

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        levels, middle = self.quantiles, self._middle
        loss: Tensor = _Pinball.apply(raw, target, levels, middle, self.side_weight)  # type: ignore[no-untyped-call]
        return loss

    def start(self, spread_Y: Tensor) -> Tensor:
        normal = torch.special.ndtri(torch.tensor(self.quantiles, dtype=torch.float64))
        step = normal.diff()
        outward = torch.cat([step[: self._middle].flip(0), step[self._middle :]])
        step_YR = spread_Y[:, None].double() * outward
        return torch.cat([torch.zeros(len(spread_Y), 1), _inverse_softplus(step_YR).float()], 1)


class _Pinball(torch.autograd.Function):
    """Pinball loss of ``QuantileHead.outputs``, weighted over the levels, with its gradient in one go.

        (loss_mid + side_weight * sum of the others) / (1 + side_weight * (Q - 1))

    The loss is linear in every output, so that both come from the same few passes: level by level outwards from the
    middle, one plane of memory per raw output. Under autograd this costs as much as the LSTM.
    """

    @staticmethod
    def forward(
        ctx: Any, raw: Tensor, target: Tensor, levels: tuple[float, ...], middle: int, side_weight: float
    ) -> Tensor:
        plane_R = raw.movedim(-1, 0)
        step_S = nn.functional.softplus(plane_R[1:].contiguous())  # S = R - 1 steps away from the middle
        error = target - plane_R[0]
        gradient_R = torch.empty_like(plane_R, memory_format=torch.contiguous_format)
        loss, pull = _one_level(error, levels[middle])
        gradient_R[0] = pull
        sides = ((range(middle - 1, -1, -1), 0, 1.0), (range(middle + 1, len(levels)), middle, -1.0))
        for positions, first, sign in sides:
            away, behind = error, []
            for place, q in enumerate(positions):
                away = torch.add(away, step_S[first + place], alpha=sign)  # truth minus this output
                added, pull = _one_level(away, levels[q])
                loss.add_(added, alpha=side_weight)
                gradient_R[0].add_(pull, alpha=side_weight)
                behind.append(pull)
            for place in range(len(behind) - 1, -1, -1):  # a step moves its own output and all beyond it
                if place + 1 < len(behind):
                    behind[place] += behind[place + 1]
                torch.mul(behind[place], -sign, out=gradient_R[1 + first + place])
        gradient_R[1:] *= torch.expm1(-step_S).mul_(-side_weight)  # the slope of softplus is -expm1(-softplus)
        ctx.save_for_backward(gradient_R)
        weights = 1 + side_weight * (len(levels) - 1)
        ctx.weights = weights
        return loss / weights

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor, None, None, None, None]:
        (gradient_R,) = ctx.saved_tensors
        return (gradient_R * (weight / ctx.weights)).movedim(0, -1), None, None, None, None


def _one_level(error: Tensor, level: float) -> tuple[Tensor, Tensor]:
    """Pinball loss of errors (truth minus output), and its slope in the output."""
    pull = (error < 0).to(error.dtype).sub_(level)
    return torch.mul(error, pull).neg_(), pull


def _inverse_softplus(positive: Tensor) -> Tensor:
    positive = positive.clamp_min(1e-8)
    return positive + torch.log(-torch.expm1(-positive))


# ---------------------------------------------------------------- distributions

LEAST_SCALE = 1e-4  # in spreads: a perfect fit must not make the density infinite


class DistributionHead(Head):
    """Parameters of a distribution, trained by maximum likelihood; it has every quantile.

    Raw 0 is the location, which is also the median but for counts.
    """

    def __init__(self, quantiles: Sequence[float]) -> None:
        super().__init__(quantiles)
        self._score_Q = torch.special.ndtri(torch.tensor(self.quantiles, dtype=torch.float64))

    def outputs(self, raw: Tensor, units: Units | None = None) -> Tensor:
        return self.at_scores(raw, self._score_Q, units)

    @abstractmethod
    def at_scores(self, raw: Tensor, score: Tensor, units: Units | None = None) -> Tensor:
        """Raw outputs (..., R) and normal scores ``ndtri(level)`` (S,) or (..., S) -> quantiles (..., S)."""


class GaussianHead(DistributionHead):
    """Mean and standard deviation, which both depend on the state (Nix and Weigend 1994)."""

    about = LOSSES["gaussian"]

    def at_scores(self, raw: Tensor, score: Tensor, units: Units | None = None) -> Tensor:
        return raw[..., :1] + _scale(raw[..., 1:2]) * score.to(raw)

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return gaussian_loss(target - raw[..., 0], _scale(raw[..., 1]))

    def start(self, spread_Y: Tensor) -> Tensor:
        return torch.stack([torch.zeros_like(spread_Y), _inverse_softplus(spread_Y)], 1)


class StudentTHead(DistributionHead):
    """Location, scale and degrees of freedom of Student's t: heavy tails (as in DeepAR, Salinas et al. 2020).

    The degrees of freedom are 2 + softplus(raw), so that the variance is finite; at most 1,000.
    """

    about = LOSSES["student-t"]
    START = 8.0  # degrees of freedom, less 2

    def _parameters(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        return _scale(raw[..., 1]), (2 + nn.functional.softplus(raw[..., 2])).clamp_max(1000)

    def at_scores(self, raw: Tensor, score: Tensor, units: Units | None = None) -> Tensor:
        scale, dof = self._parameters(raw)
        return raw[..., :1] + scale[..., None] * student_t_quantile(score, dof).to(raw)

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return student_t_loss(target - raw[..., 0], *self._parameters(raw))

    def start(self, spread_Y: Tensor) -> Tensor:
        scale_Y = spread_Y * math.sqrt(self.START / (self.START + 2))
        dof_Y = _inverse_softplus(torch.full_like(spread_Y, self.START))
        return torch.stack([torch.zeros_like(spread_Y), _inverse_softplus(scale_Y), dof_Y], 1)


class NegativeBinomialHead(DistributionHead):
    """Counts: a mean, and a deviation beyond that of Poisson's law.

        location = centre + spread * raw_0                     in the data's unit
        mean     = s softplus(location / s),  s = spread / 10  the location itself, but never below 0
        variance = mean + (spread * softplus(raw_1))^2         so mean^2 / size is the second part

    The quantiles are whole numbers in the data's unit, given out as outputs. The truth is rounded to whole numbers.
    """

    about = LOSSES["negative-binomial"]
    SOFTNESS = 0.1
    FARTHEST = 1e12

    def _parameters(self, raw: Tensor, units: Units | None) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, its logarithm and the size."""
        assert units is not None, "counts are forecast in the data's unit"
        location = (units.centre + units.spread * raw[..., 0]).clamp(-self.FARTHEST, self.FARTHEST)
        softness = self.SOFTNESS * units.spread
        log_mean = softness.log() + log_softplus(location / softness)
        log_size = 2 * (log_mean - units.spread.log() - log_softplus(raw[..., 1]))
        # so large a size is Poisson's law, so small a one hardly ever anything but 0
        return softness * nn.functional.softplus(location / softness), log_mean, 1e-3 + log_size.clamp_max(14).exp()

    def at_scores(self, raw: Tensor, score: Tensor, units: Units | None = None) -> Tensor:
        mean, _, size = self._parameters(raw, units)
        assert units is not None
        count = negative_binomial_quantile(score, mean, size)
        centre, spread = (part[..., None].cpu().double() for part in (units.centre, units.spread))
        return ((count - centre) / spread).to(raw)

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        parameters = self._parameters(raw, units)
        assert units is not None
        count = (units.centre + units.spread * target).round().clamp_min(0)
        return negative_binomial_loss(count, *parameters)

    def start(self, spread_Y: Tensor) -> Tensor:
        """Half of the variance; the other half is that of Poisson's law."""
        return torch.stack([torch.zeros_like(spread_Y), _inverse_softplus(spread_Y * math.sqrt(0.5))], 1)


def _scale(raw: Tensor) -> Tensor:
    return nn.functional.softplus(raw) + LEAST_SCALE


def make_head(loss: str, quantiles: Sequence[float], side_weight: float = SIDE_WEIGHT) -> Head:
    """The head for a loss. Raises ConfigError for an unknown loss or levels outside 0..1.

    Args:
        loss: a name in the table of losses.
        quantiles: levels.
        side_weight: of every level but the middle one in the pinball loss.
    """
    about = loss_named(loss)
    wrong = [q for q in quantiles if not 0 < q < 1 or math.isnan(q)]
    if wrong or len(set(quantiles)) != len(quantiles) or not quantiles:
        raise ConfigError(f"quantiles must be different numbers between 0 and 1; got {tuple(quantiles)}.")
    kind = about.head_class()
    return kind(quantiles, side_weight) if kind is QuantileHead else kind(quantiles)
