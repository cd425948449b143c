"""The network: an LSTM, a direct multi-step readout, and a linear skip connection beside them.

    context_BLF ──▶ LSTM ──▶ hidden_BLD ──▶ last K steps ──▶ readout ──┐
         │                                                              +──▶ out_BKHCR
         ├────────▶ last `skip` steps ──▶ linear ──────────────────────┤
    future_BKHF ──────────────────────────▶ step readout ──────────────┘

Every forecast step is read from the state after the WHOLE lookback, and from its own future covariates. K origins of
one window are trained in one pass (forking sequences: Wen et al. 2017, "A multi-horizon quantile recurrent
forecaster"). The linear skip is the autoregressive highway of LSTNet (Lai et al. 2018). The file needs torch, the
layer, the config and one error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig
from gatecast.model.protocol import Network, State
from gatecast.nn import LSTM
from gatecast.nn.blocks import whole_blocks
from gatecast.nn.guards import is_plain
from gatecast.nn.kernels import load

__all__ = ["LSTMNetwork", "LSTMState"]


class LSTMState(NamedTuple):
    """Output and memory of the units, (layers, B, D) each."""

    h: Tensor
    c: Tensor

    def repeat(self, count: int) -> LSTMState:
        """Copies of each window next to each other: (layers, B * count, D)."""
        return LSTMState(self.h.repeat_interleave(count, 1), self.c.repeat_interleave(count, 1))


class LSTMNetwork(Network):
    """An LSTM with a direct readout for H steps, C targets and R raw outputs each (see ``heads``).

    Args:
        config: sizes.
        features: channels F of the context.
        horizon: steps H.
        targets: target columns C.
        raws: raw outputs R per target and step.
        future: channels of the future covariates; 0 = none.
    """

    def __init__(
        self, config: LSTMConfig, features: int, horizon: int, targets: int, raws: int, future: int = 0
    ) -> None:
        super().__init__(config, features, (horizon, targets, raws))
        self.config: LSTMConfig = config
        self.lstm = LSTM(
            features * config.patch,
            config.hidden_size,
            config.num_layers,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
            batch_first=True,
            bidirectional=config.bidirectional,
        )
        width = config.hidden_size * (2 if config.bidirectional else 1)
        self.readout = nn.Linear(width, horizon * targets * raws)
        self.skip = nn.Linear(config.skip * features, horizon * targets, bias=False) if config.skip else None
        # one step ahead the context holds the covariates of t+1 already
        self.steps = StepReadout(width, future, targets * raws) if future and horizon > 1 else None
        if config.init == "orthogonal":
            initialise(self.lstm)

    @property
    def can_step(self) -> bool:
        """Folded steps cannot be gone on by one of them."""
        return self.config.patch == 1

    @property
    def tail(self) -> int:
        """Steps that the linear skip reads, 1 at least."""
        return max(self.config.skip, 1)

    @property
    def direct_columns(self) -> int:
        """What the linear skip reads stands in front of the hidden state."""
        return self.config.skip * self.features

    def forward(
        self,
        context_BLF: Tensor,
        future_BKHF: Tensor | None = None,
        state: State | None = None,
        origins: int | None = None,
    ) -> tuple[Tensor, LSTMState]:
        """Raw outputs (B, K, H, C, R) of the last K steps, and the state after the last one.

        K is ``origins``, else ``config.readout``, where 0 means every step; a step before ``skip`` steps are seen reads
        zeros for them.
        """
        folded_BLF = fold(context_BLF, self.config.patch)
        kept = self.config.readout if origins is None else origins
        before = cast("LSTMState | None", state)
        hidden_BKD, after = self.lstm.last(folded_BLF, before, kept or folded_BLF.shape[1])
        return self._read(hidden_BKD, context_BLF, future_BKHF), LSTMState(*after)

    def last_origin(self, context_BLF: Tensor, future_BKHF: Tensor | None = None) -> Tensor:
        """See ``Network.last_origin``. The kernels keep rows apart by themselves: the readout alone needs blocks."""
        if load() is None or not is_plain(context_BLF):
            return super().last_origin(context_BLF, future_BKHF)
        hidden_B1D, _ = self.lstm.last(fold(context_BLF, self.config.patch), None, 1)
        future_BKHF = None if future_BKHF is None else whole_blocks(future_BKHF)
        raw_BKHCR = self._read(whole_blocks(hidden_B1D), whole_blocks(context_BLF), future_BKHF)
        return raw_BKHCR[: len(context_BLF), -1]

    def step(self, tail_BSF: Tensor, state: State, future_BKHF: Tensor | None = None) -> tuple[Tensor, LSTMState]:
        """Go on by ONE step: raw outputs (B, 1, H, C, R) after it, and the state.

        Args:
            tail_BSF: the last steps of the context with the new one at the end; as many as ``skip`` reads, at least 1.
            state: after the step before the new one.
            future_BKHF: future covariates of the horizon, K = 1.

        Raises:
            ConfigError: the network folds several steps into one.
        """
        if self.config.patch > 1:
            raise ConfigError(f"patch = {self.config.patch} folds steps: such a network cannot go on by one of them.")
        hidden_B1D, after = self.lstm(tail_BSF[:, -1:], cast("LSTMState", state))
        return self._read(hidden_B1D, tail_BSF, future_BKHF), LSTMState(*after)

    def design_matrix(self, context_BLF: Tensor, origins: int) -> Tensor:
        """Rows (B, K, P) at the last K steps: what the skip reads, then the hidden state."""
        hidden_BLD, _ = self.lstm(fold(context_BLF, self.config.patch))
        hidden_BKD = hidden_BLD[:, -origins:]
        if self.skip is None:
            return hidden_BKD
        return torch.cat([recent(context_BLF, self.config.skip, hidden_BKD.shape[1]), hidden_BKD], -1)

    @torch.no_grad()
    def set_linear(self, weight_PY: Tensor, bias_YR: Tensor) -> None:
        """The skip and the readout from one linear map; the other raw outputs are the bias, whatever the state."""
        outputs, raws = bias_YR.shape
        weight_YRD = torch.zeros(outputs, raws, self.readout.in_features)
        weight_YRD[:, 0] = weight_PY[self.direct_columns :].T
        self.readout.weight.copy_(weight_YRD.flatten(0, 1))
        self.readout.bias.copy_(bias_YR.flatten())
        if self.steps is not None:
            self.steps.out.weight.zero_()  # random weights would add noise to the regression; they learn from here
        if self.skip is not None:
            self.skip.weight.copy_(weight_PY[: self.direct_columns].T)

    @torch.no_grad()
    def ignore_input(self, channels: Sequence[int]) -> None:
        """No reaction of the first layer to these channels of the context, in no step of a patch."""
        for channel in channels:
            self.lstm.get_parameter("weight_ih_l0")[:, channel :: self.features] = 0

    def _read(self, hidden_BKD: Tensor, context_BLF: Tensor, future_BKHF: Tensor | None) -> Tensor:
        """Raw outputs (B, K, H, C, R) of the last K steps of a context."""
        batch, origins = hidden_BKD.shape[:2]
        out_BKHCR = self.readout(hidden_BKD).view(batch, origins, *self.shape)
        if self.skip is not None:
            recent_BKX = recent(context_BLF, self.config.skip, origins)
            location_BKHC = self.skip(recent_BKX).view(batch, origins, *self.shape[:2])
            out_BKHCR = out_BKHCR + only_first(location_BKHC, self.shape[2])
        if self.steps is not None and future_BKHF is not None:
            out_BKHCR = out_BKHCR + self.steps(hidden_BKD, future_BKHF).view_as(out_BKHCR)
        return out_BKHCR


class StepReadout(nn.Module):
    """Adds what the future covariates of one step mean, given the state: one small network shared by all steps."""

    def __init__(self, width: int, future: int, outputs: int, inner: int = 16) -> None:
        super().__init__()
        self.from_state = nn.Linear(width, inner)
        self.from_future = nn.Linear(future, inner, bias=False)
        self.out = nn.Linear(inner, outputs, bias=False)

    def forward(self, hidden_BKD: Tensor, future_BKHF: Tensor) -> Tensor:
        """(B, K, D) and (B, K, H, F) -> (B, K, H, outputs)."""
        inner_BKHI = torch.tanh(self.from_state(hidden_BKD)[:, :, None] + self.from_future(future_BKHF))
        out: Tensor = self.out(inner_BKHI)
        return out


def initialise(lstm: nn.LSTM) -> None:
    """Orthogonal recurrent weights, and a forget gate that starts open: bias 1 (Jozefowicz et al. 2015)."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight_hh"):
            for gate_DD in parameter.data.chunk(4):
                nn.init.orthogonal_(gate_DD)
        elif name.startswith("bias"):
            parameter.data.zero_()
            if name.startswith("bias_ih"):
                parameter.data.chunk(4)[1].fill_(1.0)  # gate order i, f, g, o


def fold(context_BLF: Tensor, patch: int) -> Tensor:
    """Fold ``patch`` steps into one: (B, L, F) -> (B, L / patch, patch * F); oldest steps that fill no patch drop."""
    if patch == 1:
        return context_BLF
    batch, lookback, features = context_BLF.shape
    kept = lookback // patch
    return context_BLF[:, lookback - kept * patch :].reshape(batch, kept, patch * features)


def recent(context_BLF: Tensor, steps: int, origins: int) -> Tensor:
    """The last ``steps`` steps before each of the last ``origins`` origins: (B, L, F) -> (B, K, steps * F)."""
    lookback = context_BLF.shape[1]
    missing = steps + origins - 1 - lookback
    if missing > 0:
        context_BLF = nn.functional.pad(context_BLF, (0, 0, missing, 0))
    used_BTF = context_BLF[:, -(steps + origins - 1) :]
    recent_BKFS = used_BTF.unfold(1, steps, 1)
    return recent_BKFS.transpose(2, 3).flatten(2)


def only_first(location_BKHC: Tensor, raws: int) -> Tensor:
    """(B, K, H, C) -> (B, K, H, C, R): the location goes into the first raw output, the others get 0."""
    return nn.functional.pad(location_BKHC[..., None], (0, raws - 1))
