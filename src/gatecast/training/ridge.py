"""Ridge regression for several penalties at once, in float64.

Source: Hoerl and Kennard 1970; as the readout of a fixed random recurrent network: Jaeger 2001 (echo state networks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gatecast.nn.threads import torch_on_one_thread

__all__ = ["PENALTIES", "Moments", "Ridge", "fit_ridge"]

PENALTIES = (1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
LARGEST_TARGET = 10.0  # in spreads; a wilder target would bend the whole line towards itself


@dataclass(frozen=True)
class Ridge:
    """A linear map ``y = x @ weight_PY + bias_Y`` and the penalty that gave it."""

    weight_PY: np.ndarray
    bias_Y: np.ndarray
    penalty: float

    def predict(self, x_MP: np.ndarray) -> np.ndarray:
        """(M, P) -> (M, Y)."""
        result: np.ndarray = x_MP @ self.weight_PY + self.bias_Y
        return result

    def error(self, x_MP: np.ndarray, y_MY: np.ndarray) -> np.ndarray:
        """(Y,) mean absolute error, wild targets tamed as in the fit."""
        return np.asarray(np.abs(self.predict(x_MP.astype(np.float64)) - _tamed(y_MY)).mean(axis=0))


@dataclass(frozen=True)
class Moments:
    """All that a regression needs of its rows: the columns' means and scales, and their products.

    Args:
        mean_P: means of the columns.
        scale_P: their spreads, infinite for a constant one, whose weight is 0.
        mean_Y: means of the targets.
        gram_PP: mean products of the standardised columns.
        cross_PY: mean products of these with the centred targets.
    """

    mean_P: np.ndarray
    scale_P: np.ndarray
    mean_Y: np.ndarray
    gram_PP: np.ndarray
    cross_PY: np.ndarray

    @classmethod
    def of(cls, x_MP: np.ndarray, y_MY: np.ndarray, harder_P: np.ndarray | None = None) -> Moments:
        """Those of rows (M, P) and (M, Y). ``harder_P`` multiplies the penalty of single columns."""
        x_MP, y_MY = x_MP.astype(np.float64), _tamed(y_MY)
        mean_P, mean_Y = x_MP.mean(axis=0), y_MY.mean(axis=0)
        spread_P = x_MP.std(axis=0)
        scale_P = np.where(spread_P > 1e-9 * (1 + np.abs(mean_P)), spread_P, np.inf)
        scale_P = scale_P if harder_P is None else scale_P * np.sqrt(harder_P)
        gram_PP, cross_PY = _products((x_MP - mean_P) / scale_P, y_MY - mean_Y)
        return cls(mean_P, scale_P, mean_Y, gram_PP, cross_PY)

    def last(self, columns: int) -> Moments:
        """Those of the last columns alone: nested regressions share their products."""
        part = slice(len(self.mean_P) - columns, None)
        return Moments(
            self.mean_P[part], self.scale_P[part], self.mean_Y, self.gram_PP[part, part], self.cross_PY[part]
        )

    def of_targets(self, targets: np.ndarray) -> Moments:
        """Those of some targets alone, by their positions."""
        return replace(self, mean_Y=self.mean_Y[targets], cross_PY=self.cross_PY[:, targets])

    def solve(self, penalties: Sequence[float]) -> list[Ridge]:
        """One solution per penalty, in units of the columns' variance."""
        if len(penalties) == 1 and (solution_PY := _by_cholesky(self.gram_PP, self.cross_PY, penalties[0])) is not None:
            return [self._ridge(solution_PY, penalties[0])]
        values_P, vectors_PP, rotated_PY = _principal(self.gram_PP, self.cross_PY)
        shrinkage_P = np.maximum(values_P, 0)[:, None]
        return [self._ridge(vectors_PP @ (rotated_PY / (shrinkage_P + penalty)), penalty) for penalty in penalties]

    def _ridge(self, solution_PY: np.ndarray, penalty: float) -> Ridge:
        """A solution for standardised columns as a map of the columns themselves."""
        weight_PY = solution_PY / self.scale_P[:, None]
        return Ridge(weight_PY, self.mean_Y - self.mean_P @ weight_PY, penalty)


def fit_ridge(
    x_MP: np.ndarray, y_MY: np.ndarray, penalties: Sequence[float], harder_P: np.ndarray | None = None
) -> list[Ridge]:
    """One solution per penalty. Columns are standardised, so that one penalty (in units of their variance) fits all.

    ``harder_P`` multiplies the penalty of single columns.
    """
    return Moments.of(x_MP, y_MY, harder_P).solve(penalties)


def _tamed(y_MY: np.ndarray) -> np.ndarray:
    return np.clip(y_MY.astype(np.float64), -LARGEST_TARGET, LARGEST_TARGET)


# Through torch on one thread: these products are too small to share, and a second process would be waited for. It is
# imported in the functions, for describing a model file must not load it.


def _products(z_MP: np.ndarray, y_MY: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, P) z'z / M and (P, Y) z'y / M."""
    import torch

    with torch_on_one_thread():
        z, y = torch.from_numpy(z_MP), torch.from_numpy(y_MY)
        return (z.T @ z / len(z)).numpy(), (z.T @ y / len(z)).numpy()


def _principal(gram_PP: np.ndarray, cross_PY: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues (P,) and vectors (P, P) of the products, and (P, Y) cross products in their coordinates."""
    import torch

    with torch_on_one_thread():
        gram, cross = (torch.from_numpy(np.ascontiguousarray(part)) for part in (gram_PP, cross_PY))
        values, vectors = torch.linalg.eigh(gram)
        return values.numpy(), vectors.numpy(), (vectors.T @ cross).numpy()


def _by_cholesky(gram_PP: np.ndarray, cross_PY: np.ndarray, penalty: float) -> np.ndarray | None:
    """(P, Y) the solution for one penalty, a twentieth of the work; None where rounding leaves no positive matrix."""
    import torch

    with torch_on_one_thread():
        gram, cross = (torch.from_numpy(np.ascontiguousarray(part)) for part in (gram_PP, cross_PY))
        factor, failed = torch.linalg.cholesky_ex(gram + penalty * torch.eye(len(gram), dtype=gram.dtype))
        return None if failed else torch.cholesky_solve(cross, factor).numpy()
