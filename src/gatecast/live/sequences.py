"""A sequence regressor that reads its inputs as they come, one step at a time, and carries its state.

    inputs of one step ──▶ LSTM (h, c) ──▶ outputs of that step
                              └── carried to the next one

What is kept does not grow: h and c, and the last inputs that a linear skip reads. The outputs are those that
``SequenceRegressor.predict`` gives for the whole sequences, to the rounding of float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gatecast.errors import ConfigError, PanelError
from gatecast.model.lstm import LSTMNetwork, LSTMState

__all__ = ["LiveSequences"]


class LiveSequences:
    """B sequences that go on together. ``SequenceRegressor.live`` makes it.

    Args:
        network: reads one way, a readout at every step.
        scaled: inputs (..., F) as the network reads them.
        in_unit: its outputs (..., C) in the targets' own unit.
        count: B.
    """

    def __init__(
        self,
        network: LSTMNetwork,
        scaled: Callable[[np.ndarray], np.ndarray],
        in_unit: Callable[[np.ndarray], np.ndarray],
        count: int = 1,
    ) -> None:
        if network.config.bidirectional:
            raise ConfigError(
                "the network reads both ways, and what is to come is not known: train one with bidirectional=False."
            )
        if count < 1:
            raise ConfigError(f"sequences must be at least 1; got {count}.")
        self._network, self._scaled, self._in_unit, self._count = network, scaled, in_unit, count
        self.reset()

    def reset(self) -> None:
        """Begin anew, as if nothing had been read."""
        lstm, device = self._network.lstm, next(self._network.parameters()).device
        zeros = torch.zeros(lstm.num_layers, self._count, lstm.hidden_size, device=device)
        self._state = LSTMState(zeros, zeros.clone())
        self._tail_BSF = torch.zeros(self._count, self._network.tail, self._network.features, device=device)
        self.steps = 0

    @property
    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """H and c, (layers, B, D) each, after the last step."""
        return self._state.h.cpu().numpy(), self._state.c.cpu().numpy()

    def observe(self, inputs: np.ndarray) -> np.ndarray:
        """Read further inputs; the outputs of these steps, in the targets' own unit.

        Args:
            inputs: (T, F) of one sequence, (B, T, F) of B; for one step (F,) or (B, F). A missing value counts as the
                mean.

        Returns:
            The outputs in the same shape, with C in the place of F.

        Raises:
            PanelError: the inputs have another shape.
        """
        given = np.asarray(inputs, np.float64)
        scaled_BTF = self._scaled(self._three_axes(given))
        device = self._tail_BSF.device
        with torch.inference_mode():
            parts = [self._step(torch.from_numpy(scaled_BTF[:, t]).to(device)) for t in range(scaled_BTF.shape[1])]
        targets = self._network.shape[1]
        made_BTC = self._in_unit(np.stack(parts, axis=1)) if parts else np.zeros((self._count, 0, targets))
        return made_BTC.reshape(*given.shape[:-1], targets)

    def _step(self, input_BF: Tensor) -> np.ndarray:
        """(B, C) scaled outputs of one step."""
        self._tail_BSF = torch.cat([self._tail_BSF[:, 1:], input_BF[:, None]], 1)
        raw_B1HCR, self._state = self._network.step(self._tail_BSF, self._state)
        self.steps += 1
        outputs: np.ndarray = raw_B1HCR[:, 0, 0, :, 0].cpu().numpy()
        return outputs

    def _three_axes(self, given: np.ndarray) -> np.ndarray:
        features = self._network.features
        wanted = {(features,): (1, 1), (self._count, features): (self._count, 1)}
        if self._count == 1 and given.ndim == 2 and given.shape[1] == features:
            return given[None]
        if given.ndim == 3 and given.shape[::2] == (self._count, features):
            return given
        if (sizes := wanted.get(given.shape)) is not None and sizes[0] == self._count:
            return given.reshape(*sizes, features)
        one = f"({features},) or (T, {features})"
        many = f"({self._count}, {features}) or ({self._count}, T, {features})"
        raise PanelError(f"the inputs have the shape {given.shape}; {one if self._count == 1 else many} is needed.")
