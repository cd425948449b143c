"""Ridge regression for several penalties at once, in float64.

Source: Hoerl and Kennard 1970; as the readout of a fixed random recurrent network: Jaeger 2001 (echo state networks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatecast.nn.threads import torch_on_one_thread

__all__ = ["PENALTIES", "Ridge", "fit_ridge"]

PENALTIES = (1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
LARGEST_TARGET = 10.0  # in spreads; a wilder target would bend the whole line towards itself


@dataclass(frozen=True)
class Ridge:
    """A linear map ``y = x @ weight_PY + bias_Y``, the penalty that gave it and its mean absolute training error."""

    weight_PY: np.ndarray
    bias_Y: np.ndarray
    penalty: float
    error_Y: np.ndarray

    def predict(self, x_MP: np.ndarray) -> np.ndarray:
        """(M, P) -> (M, Y)."""
        result: np.ndarray = x_MP @ self.weight_PY + self.bias_Y
        return result


def fit_ridge(
    x_MP: np.ndarray, y_MY: np.ndarray, penalties: Sequence[float], harder_P: np.ndarray | None = None
) -> list[Ridge]:
    """One solution per penalty. Columns are standardised, so that one penalty (in units of their variance) fits all.

    ``harder_P`` multiplies the penalty of single columns.
    """
    x_MP, y_MY = x_MP.astype(np.float64), np.clip(y_MY.astype(np.float64), -LARGEST_TARGET, LARGEST_TARGET)
    mean_P, mean_Y = x_MP.mean(axis=0), y_MY.mean(axis=0)
    spread_P = x_MP.std(axis=0)
    scale_P = np.where(spread_P > 1e-9 * (1 + np.abs(mean_P)), spread_P, np.inf)  # a constant column gets weight 0
    scale_P = scale_P if harder_P is None else scale_P * np.sqrt(harder_P)
    z_MP = (x_MP - mean_P) / scale_P
    values_P, vectors_PP, rotated_PY = _principal(z_MP, y_MY - mean_Y)
    solutions = []
    for penalty in penalties:
        shrunk_PY = rotated_PY / (np.maximum(values_P, 0)[:, None] + penalty)
        weight_PY = vectors_PP @ shrunk_PY / scale_P[:, None]
        bias_Y = mean_Y - mean_P @ weight_PY
        error_Y = np.abs(x_MP @ weight_PY + bias_Y - y_MY).mean(axis=0)
        solutions.append(Ridge(weight_PY, bias_Y, penalty, error_Y))
    return solutions


def _principal(z_MP: np.ndarray, y_MY: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues (P,) and vectors (P, P) of z'z / M, and z'y / M in their coordinates.

    Through torch on one thread: these products are too small to share, and a second process would be waited for.
    """
    import torch  # here, for describing a model file must not load it

    with torch_on_one_thread():
        z, y = torch.from_numpy(z_MP), torch.from_numpy(y_MY)
        values, vectors = torch.linalg.eigh(z.T @ z / len(z))
        rotated = vectors.T @ (z.T @ y) / len(z)
    return values.numpy(), vectors.numpy(), rotated.numpy()
