"""A good start: the linear skip and the readout of the random LSTM are fitted in closed form before training.

The LSTM's first state is that of an echo state network (Jaeger 2001). A ridge regression from [recent steps, hidden
state] to the scaled targets takes milliseconds and replaces most of the time to accuracy; training then improves all
weights together.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from gatecast.model.heads import Head
from gatecast.model.lstm import LSTMNetwork, fold, recent
from gatecast.training.batch import TensorBatch
from gatecast.training.ridge import Ridge, fit_ridge

__all__ = ["ridge_start"]

Rows = tuple[np.ndarray, np.ndarray]
STATE_PENALTY = 10.0


def ridge_start(
    network: LSTMNetwork, head: Head, train: Iterable[TensorBatch], penalty: float, spread_Y: np.ndarray | None
) -> None:
    """Set the skip and the readout of a fresh network.

    Args:
        network: freshly initialised.
        head: what its outputs mean.
        train: training batches.
        penalty: of the regression, in units of the columns' variance.
        spread_Y: (H * C,) mean absolute error out of sample, for the width of the quantiles; None = that in sample.
    """
    network.eval()
    x_MP, y_MY = _rows(network, train)
    if len(x_MP) < 2:
        return
    harder_P = np.ones(x_MP.shape[1])
    if network.config.skip:
        # the state of a random LSTM is a rougher guide than the values themselves
        harder_P[-network.readout.in_features :] = STATE_PENALTY
    ridge = fit_ridge(x_MP, y_MY, (penalty,), harder_P)[0]
    _set_weights(network, head, ridge, ridge.error_Y if spread_Y is None else spread_Y)


@torch.no_grad()
def _rows(network: LSTMNetwork, batches: Iterable[TensorBatch]) -> Rows:
    """Regression rows (M, P) and (M, H * C) of all supervised origins whose truth is known."""
    xs, ys = [], []
    for batch in batches:
        hidden_BLD, _ = network.lstm(fold(batch.context_BLF, network.config.patch))
        hidden_BKD = hidden_BLD[:, -batch.target_BKHC.shape[1] :]
        parts = [hidden_BKD]
        if network.config.skip:
            parts.insert(0, recent(batch.context_BLF, network.config.skip, hidden_BKD.shape[1]))
        x_MP = torch.cat(parts, -1).flatten(0, 1)
        y_MY = batch.target_BKHC.flatten(2).flatten(0, 1)
        if batch.weight_BKHC is not None:
            known_M = batch.weight_BKHC.flatten(2).flatten(0, 1).bool().all(-1)
            x_MP, y_MY = x_MP[known_M], y_MY[known_M]
        xs.append(x_MP.cpu().numpy())
        ys.append(y_MY.cpu().numpy())
    return np.concatenate(xs), np.concatenate(ys)


@torch.no_grad()
def _set_weights(network: LSTMNetwork, head: Head, ridge: Ridge, spread_Y: np.ndarray) -> None:
    """Locations from the regression; the other raw outputs as wide as its errors, whatever the state."""
    horizon, targets, raws = network.shape
    readout, skip = network.readout, network.skip
    split = len(ridge.weight_PY) - readout.in_features
    weight_YRD = torch.zeros(horizon * targets, raws, readout.in_features)
    weight_YRD[:, 0] = torch.from_numpy(ridge.weight_PY[split:].T).float()
    # a normal variable with mean absolute value a has standard deviation 1.25 a
    deviation_Y = torch.from_numpy(1.2533 * spread_Y).float().clamp_min(1e-6)
    bias_YR = head.start(deviation_Y)
    bias_YR[:, 0] = torch.from_numpy(ridge.bias_Y).float()
    readout.weight.copy_(weight_YRD.flatten(0, 1))
    readout.bias.copy_(bias_YR.flatten())
    if network.steps is not None:
        network.steps.out.weight.zero_()  # random weights would add noise to the regression; they learn from here
    if skip is not None:
        skip.weight.copy_(torch.from_numpy(ridge.weight_PY[:split].T).float())
