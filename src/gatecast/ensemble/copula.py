"""The Gaussian copula of forecast errors: how normal scores go together over the steps. numpy only."""

from __future__ import annotations

import numpy as np

__all__ = ["correlation_over_steps", "default_correlation", "known_correlation", "leaned", "root"]

DEFAULT_CORRELATION = 0.8


def default_correlation(horizon: int, neighbours: float = DEFAULT_CORRELATION) -> np.ndarray:
    """(H, H) correlation of a first-order autoregression; 0.8 between neighbours where nothing better is known."""
    steps_H = np.arange(horizon)
    correlation: np.ndarray = neighbours ** np.abs(steps_H[:, None] - steps_H)
    return correlation


def correlation_over_steps(score_MHC: np.ndarray, known_MHC: np.ndarray, windows: int, series: int) -> np.ndarray:
    """(H, H) correlation of the normal scores of errors over the steps.

    Where windows are few it leans to that of a first-order autoregression with the same mean correlation of
    neighbours: H more windows count for half of it, windows of one series that overlap count as one.

    Args:
        score_MHC: normal scores of M windows.
        known_MHC: 1 where they are known, else 0.
        windows: that there are in all.
        series: that the M windows are of.
    """
    horizon = score_MHC.shape[1]
    rows, known = (np.moveaxis(part, 2, 1).reshape(-1, horizon).astype(np.float64) for part in (score_MHC, known_MHC))
    return leaned(known_correlation(rows, known), horizon / (horizon + max(windows / horizon, series)))


def known_correlation(rows_MH: np.ndarray, known_MH: np.ndarray) -> np.ndarray:
    """Correlation of columns over the rows where both are known; 0 where there are none."""
    mean_H = (rows_MH * known_MH).sum(0) / np.maximum(known_MH.sum(0), 1)
    centred_MH = (rows_MH - mean_H) * known_MH
    products_HH = centred_MH.T @ centred_MH
    squares_HH = (centred_MH**2).T @ known_MH  # of the first column, where the second is known
    size_HH = np.sqrt(squares_HH * squares_HH.T)
    return np.divide(products_HH, size_HH, out=np.zeros_like(size_HH), where=size_HH > 0)


def leaned(correlation_HH: np.ndarray, weight: float) -> np.ndarray:
    """A proper correlation between the one given and that of an autoregression."""
    horizon = len(correlation_HH)
    neighbours = float(np.clip(np.mean(np.diag(correlation_HH, 1)), 0, 0.99)) if horizon > 1 else 0.0
    mixed_HH = (1 - weight) * correlation_HH + weight * default_correlation(horizon, neighbours)
    values_H, vectors_HH = np.linalg.eigh(mixed_HH)
    positive_HH = (vectors_HH * np.maximum(values_H, 1e-6)) @ vectors_HH.T
    size_H = np.sqrt(np.diag(positive_HH))
    result_HH: np.ndarray = positive_HH / size_H / size_H[:, None]
    return result_HH


def root(correlation_HH: np.ndarray) -> np.ndarray:
    root_HH: np.ndarray = np.linalg.cholesky(correlation_HH + 1e-9 * np.eye(len(correlation_HH)))
    return root_HH
