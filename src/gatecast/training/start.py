"""A good start: the linear readout of the random network is fitted in closed form before training.

The first state of a recurrent network is that of an echo state network (Jaeger 2001). A ridge regression from [recent
steps, hidden state] to the scaled targets takes milliseconds and replaces most of the time to accuracy; training then
improves all weights together.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from gatecast.model.heads import Head
from gatecast.model.protocol import Network
from gatecast.training.batch import TensorBatch
from gatecast.training.ridge import Ridge, fit_ridge

__all__ = ["ridge_start"]

Rows = tuple[np.ndarray, np.ndarray]
STATE_PENALTY = 10.0


def ridge_start(
    network: Network, head: Head, train: Iterable[TensorBatch], penalty: float, spread_Y: np.ndarray | None
) -> None:
    """Set the linear readout of a fresh network.

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
    if network.direct_columns:
        # the state of a random network is a rougher guide than the values themselves
        harder_P[network.direct_columns :] = STATE_PENALTY
    ridge = fit_ridge(x_MP, y_MY, (penalty,), harder_P)[0]
    bias_YR = _first_outputs(head, ridge, ridge.error(x_MP, y_MY) if spread_Y is None else spread_Y)
    network.set_linear(torch.from_numpy(ridge.weight_PY).float(), bias_YR)


@torch.no_grad()
def _rows(network: Network, batches: Iterable[TensorBatch]) -> Rows:
    """Regression rows (M, P) and (M, H * C) of all training origins whose truth is known."""
    xs, ys = [], []
    for batch in batches:
        x_MP = network.design_matrix(batch.context_BLF, batch.target_BKHC.shape[1]).flatten(0, 1)
        y_MY = batch.target_BKHC.flatten(2).flatten(0, 1)
        if batch.weight_BKHC is not None:
            known_M = batch.weight_BKHC.flatten(2).flatten(0, 1).bool().all(-1)
            x_MP, y_MY = x_MP[known_M], y_MY[known_M]
        xs.append(x_MP.cpu().numpy())
        ys.append(y_MY.cpu().numpy())
    return np.concatenate(xs), np.concatenate(ys)


def _first_outputs(head: Head, ridge: Ridge, spread_Y: np.ndarray) -> torch.Tensor:
    """(Y, R) raw outputs at an input of zeros: locations from the regression, the others as wide as its errors."""
    # a normal variable with mean absolute value a has standard deviation 1.25 a
    deviation_Y = torch.from_numpy(1.2533 * spread_Y).float().clamp_min(1e-6)
    bias_YR = head.start(deviation_Y)
    bias_YR[:, 0] = torch.from_numpy(ridge.bias_Y).float()
    return bias_YR
