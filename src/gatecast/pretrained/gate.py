"""The gate: an LSTM that reads a series and weighs the bank's forecasts anew for every step ahead.

    channels (B, T, C) -> LSTM -> state (B, 2 D) ─┐
    errors of the experts (B, K, 2) ──────────────┤-> MLP -> logits (B, H, K) -> softmax: the weights of the experts
    their forecasts (B, H, K), how far ahead ─────┘          a small move of the median, widths of the quantiles

The median is the weighted mean of the experts, moved a little; the other quantiles lie above and below it at distances
that are positive by construction, so they cannot cross. Distances are in units of how far the experts disagree and of
the series' mean step. The mixture of experts by a gate: Jacobs et al. 1991; the combination of simple forecasts by a
network that was trained on other series: FFORMA, Montero-Manso et al. 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor, nn

from gatecast.nn.lstm import LSTM
from gatecast.pretrained.bank import CHANNELS, EXPERTS

__all__ = ["LEVELS", "Gate", "GateSizes", "Weighed", "Widths", "quantiles_around"]

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
MIDDLE = LEVELS.index(0.5)
STATES = 16  # last outputs of the LSTM whose mean is read beside the last one
LEAST_SPREAD = 0.3  # in mean steps: experts that agree may all be wrong
KNOWN, OUT_OF_QUESTION = 0.05, -1e4


@dataclass(frozen=True)
class GateSizes:
    """Sizes of the network.

    Args:
        hidden: units D of each of the two LSTM layers.
        mixing: units of the layers that mix state, errors and forecasts.
    """

    hidden: int = 128
    mixing: int = 192


@dataclass(frozen=True)
class Widths:
    """What the distances of quantiles from the median are multiplied by: real series break off more often.

    Args:
        with_season: for series with a season.
        without: for those without one.
    """

    with_season: float = 1.0
    without: float = 1.0

    def of(self, season: int) -> float:
        """That for a season of m steps; 1 = none."""
        return self.with_season if season > 1 else self.without


@dataclass(frozen=True)
class Weighed:
    """What the gate says.

    Args:
        quantiles_BHQ: at ``LEVELS``, rising, in units of each series.
        weights_BHK: of the experts, 1 in all at each step.
    """

    quantiles_BHQ: Tensor
    weights_BHK: Tensor


class Gate(nn.Module):
    """The network. ``forward`` takes what ``Bank`` holds, as tensors; ``widths`` apply to forecasts of real series."""

    widths = Widths()

    def __init__(self, sizes: GateSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes or GateSizes()
        hidden, mixing, experts = self.sizes.hidden, self.sizes.mixing, len(EXPERTS)
        self.lstm = LSTM(CHANNELS, hidden, num_layers=2, batch_first=True)
        self.lstm.bf16x3 = True  # the suite's scores stay the same to 1e-7
        self.of_series = nn.Linear(2 * hidden + 2 * experts + 3, mixing)
        self.of_step = nn.Linear(experts + 4, mixing, bias=False)
        self.mix = nn.Linear(mixing, mixing)
        self.logits = nn.Linear(mixing, experts)
        self.shape = nn.Linear(mixing, 1 + len(LEVELS))
        self._begin()

    @property
    def layers(self) -> tuple[nn.Linear, ...]:
        """Those above the LSTM, in the order in which they are gone through."""
        return self.of_series, self.of_step, self.mix, self.logits, self.shape

    def _begin(self) -> None:
        """Start from equal weights, no move, and quantiles of a normal distribution."""
        normal = [NormalDist().inv_cdf(level) for level in LEVELS]
        gaps = torch.tensor(np.diff(normal), dtype=torch.float32)
        for linear in (self.logits, self.shape):
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)
        with torch.no_grad():
            self.shape.bias[2:] = torch.log(torch.expm1(gaps))

    def forward(
        self, forecast_BHK: Tensor, error_BK2: Tensor, channel_BTC: Tensor, ahead_H: Tensor, season: int
    ) -> Weighed:
        """Weigh the forecasts.

        Args:
            forecast_BHK: of the bank; nan = the expert cannot say.
            error_BK2: its past errors; nan = not known.
            channel_BTC: what the LSTM reads.
            ahead_H: steps ahead of each forecast, 1 and more.
            season: m; 1 = none.
        """
        return self.weigh(self.read(error_BK2, channel_BTC), forecast_BHK, ahead_H, season)

    def read(self, error_BK2: Tensor, channel_BTC: Tensor) -> Tensor:
        """(B, 2 D + 2 K + 3) what is known of each series: the state of the LSTM, and how the experts did."""
        output_BTD = self.last_outputs(channel_BTC)
        return torch.cat([output_BTD[:, -1], output_BTD.mean(1), _of_errors(error_BK2)], 1)

    def last_outputs(self, channel_BTC: Tensor) -> Tensor:
        """(B, STATES, D) of the LSTM, or as many as there are steps."""
        output_BTD, _ = self.lstm.last(channel_BTC, steps=min(STATES, channel_BTC.shape[1]))
        return output_BTD

    def mixed(self, state_BD: Tensor, forecast_BHK: Tensor, ahead_H: Tensor, season: int) -> Tensor:
        """(B, H, M) what is known of each series and each step ahead, of which weights and quantiles are made."""
        given_BHX = torch.cat([torch.asinh(forecast_BHK), _of_steps(ahead_H, season, len(state_BD))], 2)
        mixed_BHM = nn.functional.gelu(self.of_series(state_BD)[:, None] + self.of_step(given_BHX))
        return nn.functional.gelu(self.mix(mixed_BHM))

    def weigh(self, state_BD: Tensor, forecast_BHK: Tensor, ahead_H: Tensor, season: int) -> Weighed:
        """The weights and quantiles that follow from it; see ``forward``."""
        unusable_BHK = torch.isnan(forecast_BHK)
        forecast_BHK = torch.nan_to_num(forecast_BHK)
        mixed_BHM = self.mixed(state_BD, forecast_BHK, ahead_H, season)
        logits_BHK = self.logits(mixed_BHM)
        weights_BHK = torch.softmax(logits_BHK.masked_fill(unusable_BHK, OUT_OF_QUESTION), -1)
        mean_BH = (weights_BHK * forecast_BHK).sum(-1)
        apart_BH = (weights_BHK * (forecast_BHK - mean_BH[..., None]).abs()).sum(-1)
        return Weighed(quantiles_around(self.shape(mixed_BHM), mean_BH, apart_BH + LEAST_SPREAD), weights_BHK)


def quantiles_around(shape_BHS: Tensor, mean_BH: Tensor, unit_BH: Tensor) -> Tensor:
    """(B, H, Q) rising quantiles from a move, a common width and a distance for each gap between two levels."""
    median_BH1 = (mean_BH + shape_BHS[..., 0] * unit_BH)[..., None]
    width_BH1 = (unit_BH * torch.exp(shape_BHS[..., 1].clamp(-5, 5)))[..., None]
    gap_BHG = nn.functional.softplus(shape_BHS[..., 2:]) * width_BH1
    below = median_BH1 - gap_BHG[..., :MIDDLE].flip(-1).cumsum(-1).flip(-1)
    return torch.cat([below, median_BH1, median_BH1 + gap_BHG[..., MIDDLE:].cumsum(-1)], -1)


def _of_errors(error_BK2: Tensor) -> Tensor:
    """(B, 2 K + 3) logarithms of the past errors beside the best one's; 0 where not known. How good the best are."""
    known_BK2 = ~torch.isnan(error_BK2)
    log_BK2 = torch.log(torch.nan_to_num(error_BK2) + KNOWN)
    best_B12 = torch.where(known_BK2, log_BK2, torch.inf).amin(1, keepdim=True)
    best_B12 = torch.where(torch.isfinite(best_B12), best_B12, 0.0)
    relative_BK2 = torch.where(known_BK2, log_BK2 - best_B12, 0.0).clamp(max=5.0)
    some_B1 = known_BK2[:, :, 0].any(1, keepdim=True).to(log_BK2.dtype)
    return torch.cat([relative_BK2.flatten(1), best_B12[:, 0], some_B1], 1)


def _of_steps(ahead_H: Tensor, season: int, count: int) -> Tensor:
    """(B, H, 4) how far ahead, in steps and in seasons."""
    h = ahead_H.to(torch.float32)
    seasons = torch.clamp(h / season, max=8.0) / 4 if season > 1 else torch.zeros_like(h)
    return torch.stack([torch.log(h) / 3, 1 / h, torch.clamp(h, max=64.0) / 32, seasons], 1).expand(count, -1, -1)
