"""Heads: from raw network outputs to quantiles, and the loss that trains them.

A head is stateless: R raw outputs per step and target; the first is the location, which the linear skip adds to.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gatecast.errors import ConfigError, did_you_mean
from gatecast.model.distributions import (
    gaussian_loss,
    log_softplus,
    negative_binomial_loss,
    negative_binomial_quantile,
    student_t_loss,
    student_t_quantile,
)
from gatecast.model.shapes import raw_outputs

__all__ = [
    "LOSSES",
    "DistributionHead",
    "GaussianHead",
    "Head",
    "NegativeBinomialHead",
    "PointHead",
    "QuantileHead",
    "StudentTHead",
    "Units",
    "make_head",
]

LOSSES = ("mse", "mae", "huber", "pinball", "gaussian", "student-t", "negative-binomial")


@dataclass(frozen=True)
class Units:
    """The way from an output to the data's unit, ``y = centre + spread * output``; broadcast against (..., )."""

    centre: Tensor
    spread: Tensor


class Head(ABC):
    """What the raw outputs mean.

    ``units`` are needed by heads of counts alone (``counts``); the other ones ignore them.
    """

    quantiles: tuple[float, ...]
    raws: int
    counts = False

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
    """One output, trained with a pointwise loss; it stands for the 0.5 quantile."""

    quantiles = (0.5,)
    raws = 1

    def __init__(self, loss: str) -> None:
        self._elementwise: Callable[[Tensor, Tensor], Tensor] = {
            "mse": lambda forecast, truth: (forecast - truth) ** 2,
            "mae": lambda forecast, truth: (forecast - truth).abs(),
            "huber": lambda forecast, truth: nn.functional.huber_loss(forecast, truth, reduction="none"),  # delta 1
        }[loss]

    def outputs(self, raw: Tensor, units: Units | None = None) -> Tensor:
        return raw

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        return self._elementwise(raw[..., 0], target)

    def start(self, spread_Y: Tensor) -> Tensor:
        return torch.zeros(len(spread_Y), 1)


SIDE_WEIGHT = 0.1  # of every level but the middle one; kernels/losses.h has the same number


class QuantileHead(Head):
    """Quantiles that cannot cross: the middle one, and positive steps away from it on either side.

        q_mid = raw_0;   q_(mid+1) = q_mid + softplus(raw) ...;   q_(mid-1) = q_mid - softplus(raw) ...

    Trained with the pinball loss without factor 2 (Koenker and Bassett 1978), as a weighted mean over the levels: 1 for
    the middle one, ``SIDE_WEIGHT`` for each other one. All levels share one network, and with equal weights the point
    forecast pays for the intervals: M4 hourly (inner span, five levels) has MASE 1.086 with equal weights, 1.020 with
    these, 1.009 with the median alone (``docs/decisions/0013-the-median-first.md``). The metric ``pinball`` is plain.
    """

    def __init__(self, quantiles: Sequence[float]) -> None:
        self.quantiles = tuple(sorted(quantiles))
        self.raws = len(self.quantiles)
        self._middle = min(range(self.raws), key=lambda q: abs(self.quantiles[q] - 0.5))

    def outputs(self, raw: Tensor, units: Units | None = None) -> Tensor:
        step = nn.functional.softplus(raw[..., 1:].contiguous())  # on a strided view it takes eight times as long
        location = raw[..., :1]
        below = location - step[..., : self._middle].cumsum(-1).flip(-1)
        above = location + step[..., self._middle :].cumsum(-1)
        return torch.cat([below, location, above], -1)

    def loss(self, raw: Tensor, target: Tensor, units: Units | None = None) -> Tensor:
        loss: Tensor = _Pinball.apply(raw, target, self.quantiles, self._middle)  # type: ignore[no-untyped-call]
        return loss

    def start(self, spread_Y: Tensor) -> Tensor:
        normal = torch.special.ndtri(torch.tensor(self.quantiles, dtype=torch.float64))
        step = normal.diff()
        outward = torch.cat([step[: self._middle].flip(0), step[self._middle :]])
        step_YR = spread_Y[:, None].double() * outward
        return torch.cat([torch.zeros(len(spread_Y), 1), _inverse_softplus(step_YR).float()], 1)


class _Pinball(torch.autograd.Function):
    """Pinball loss of ``QuantileHead.outputs``, weighted over the levels, with its gradient in one go.

        (loss_mid + SIDE_WEIGHT * sum of the others) / (1 + SIDE_WEIGHT * (Q - 1))

    The loss is linear in every output, so that both come from the same few passes: level by level outwards from the
    middle, one plane of memory per raw output. Under autograd this costs as much as the LSTM.
    """

    @staticmethod
    def forward(ctx: Any, raw: Tensor, target: Tensor, levels: tuple[float, ...], middle: int) -> Tensor:
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
                loss.add_(added, alpha=SIDE_WEIGHT)
                gradient_R[0].add_(pull, alpha=SIDE_WEIGHT)
                behind.append(pull)
            for place in range(len(behind) - 1, -1, -1):  # a step moves its own output and all beyond it
                if place + 1 < len(behind):
                    behind[place] += behind[place + 1]
                torch.mul(behind[place], -sign, out=gradient_R[1 + first + place])
        gradient_R[1:] *= torch.expm1(-step_S).mul_(-SIDE_WEIGHT)  # the slope of softplus is -expm1(-softplus)
        ctx.save_for_backward(gradient_R)
        weights = 1 + SIDE_WEIGHT * (len(levels) - 1)
        ctx.weights = weights
        return loss / weights

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient_R,) = ctx.saved_tensors
        return (gradient_R * (weight / ctx.weights)).movedim(0, -1), None, None, None


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
        self.quantiles = tuple(sorted(quantiles))
        self._score_Q = torch.special.ndtri(torch.tensor(self.quantiles, dtype=torch.float64))

    def outputs(self, raw: Tensor, units: Units | None = None) -> Tensor:
        return self.at_scores(raw, self._score_Q, units)

    @abstractmethod
    def at_scores(self, raw: Tensor, score: Tensor, units: Units | None = None) -> Tensor:
        """Raw outputs (..., R) and normal scores ``ndtri(level)`` (S,) or (..., S) -> quantiles (..., S)."""


class GaussianHead(DistributionHead):
    """Mean and standard deviation, which both depend on the state (Nix and Weigend 1994)."""

    raws = 2

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

    raws = 3
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

    raws = 2
    counts = True
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


def make_head(loss: str, quantiles: Sequence[float]) -> Head:
    """The head for a loss. Raises ConfigError for an unknown loss or levels outside 0..1."""
    if loss not in LOSSES:
        raise ConfigError(f"unknown loss {loss!r}{did_you_mean(loss, LOSSES)}. Known: {', '.join(LOSSES)}.")
    wrong = [q for q in quantiles if not 0 < q < 1 or math.isnan(q)]
    if wrong or len(set(quantiles)) != len(quantiles) or not quantiles:
        raise ConfigError(f"quantiles must be different numbers between 0 and 1; got {tuple(quantiles)}.")
    makers: dict[str, Callable[[Sequence[float]], Head]] = {
        "pinball": QuantileHead,
        "gaussian": GaussianHead,
        "student-t": StudentTHead,
        "negative-binomial": NegativeBinomialHead,
    }
    head = makers[loss](quantiles) if loss in makers else PointHead(loss)
    assert head.raws == raw_outputs(loss, len(head.quantiles))
    return head
