"""The weights of a blend, from the errors of its candidates on the validation fold.

    all series together   what is best on the fold, as far as that counts; else a prior              common_weights
    each series           those of all, moved towards what did better on its own part of the fold    series_weights

Shapes: K candidates, the trained ones first, the untrained expert last; B windows, N series, H steps, C targets.
"""

from __future__ import annotations

import math

import numpy as np

from gatecast.planning.blend_defaults import WeightDefaults
from gatecast.planning.defaults import DEFAULTS

__all__ = ["common_weights", "mean_error", "series_weights", "sharpness"]


def common_weights(
    error_KBHC: np.ndarray,
    weight_B: np.ndarray,
    measured: float,
    weights: WeightDefaults = DEFAULTS.weights,
) -> np.ndarray:
    """(K,) weights of the trained candidates and, last, of the untrained expert.

    What is best on the fold counts as far as the fold covers several spans of time, one after the other: series of one
    panel meet the same boom or crisis, and a single span cannot tell what the next one will be like. For the rest, most
    goes to the untrained expert, which the fold did not help to train, and candidates that are nearly as good as the
    best one share what is left.

    Args:
        error_KBHC: errors of the candidates.
        weight_B: of each window.
        measured: weight of what was measured, 0 to 1.
        weights: the numbers of this rule.
    """
    errors_K = np.array([mean_error(error_BHC, weight_B) for error_BHC in error_KBHC])
    picks = _picked(error_KBHC, weight_B, weights)
    picked_K = np.bincount(picks, minlength=len(errors_K)) / len(picks)
    near_K = np.where(errors_K[:-1] <= weights.nearly * errors_K[:-1].min(), 1.0, 0.0)
    near_K /= near_K.sum()
    cautious_K = np.append((1 - weights.untrained) * near_K, weights.untrained)
    weight_K = measured * picked_K + (1 - measured) * cautious_K
    weight_K[:-1][weight_K[:-1] < weights.least * weight_K[:-1].max()] = 0  # not worth a second training
    result: np.ndarray = weight_K / weight_K.sum()
    return result


def _picked(error_KBHC: np.ndarray, weight_B: np.ndarray, weights: WeightDefaults) -> list[int]:
    """Candidates to average, one of them perhaps several times: each pick is the one that helps the mean most.

    Greedy selection with replacement: Caruana et al. 2004.
    """
    picks: list[int] = []
    total_BHC, best = np.zeros(error_KBHC.shape[1:]), math.inf
    for _ in range(weights.picks):
        errors = [mean_error((total_BHC + error_BHC) / (len(picks) + 1), weight_B) for error_BHC in error_KBHC]
        k = int(np.argmin(errors))
        if errors[k] >= best:
            break
        picks.append(k)
        total_BHC, best = total_BHC + error_KBHC[k], errors[k]
    return picks


def mean_error(error_BHC: np.ndarray, weight_B: np.ndarray) -> float:
    """Weighted mean absolute error; unknown truths are left out."""
    return float(np.nansum(np.nanmean(np.abs(error_BHC), axis=(1, 2)) * weight_B))


def sharpness(spans_N: np.ndarray, weights: WeightDefaults = DEFAULTS.weights) -> np.ndarray:
    """(N,) how far each series' own errors move its weights.

    Nothing where its part of the fold is one span of time alone, and nothing in a single series: its weights are its
    own already.

    >>> sharpness(np.array([1.0, 4.0])), sharpness(np.array([9.0]))
    (array([0. , 1.5]), array([0.]))
    """
    result: np.ndarray = weights.sharpness * (1 - 1 / np.maximum(spans_N, 1)) * (1 - 1 / len(spans_N))
    return result


def series_weights(
    error_KBHC: np.ndarray, series_B: np.ndarray, weight_K: np.ndarray, sharpness_N: np.ndarray
) -> np.ndarray:
    """(N, K) weights of every series: its own errors multiply the common ones by exp(-sharpness (error / best - 1)).

    Args:
        error_KBHC: errors of the candidates; nan = unknown truth.
        series_B: series of each window.
        weight_K: the common weights; what has none gets none.
        sharpness_N: see ``sharpness``.
    """
    size_KNC = _sizes(error_KBHC, series_B, len(sharpness_N))[weight_K > 0]
    unit_NC = size_KNC.mean(axis=0)
    # targets of other sizes count alike; one that was never wrong, or never seen, tells nothing
    tells_NC = np.isfinite(unit_NC) & (unit_NC > 0)
    relative_KNC = np.where(tells_NC, size_KNC / np.where(tells_NC, unit_NC, 1), 1.0)
    relative_KN = relative_KNC.mean(axis=2)
    best_N = np.maximum(relative_KN.min(axis=0), np.finfo(np.float64).tiny)
    score_KN = np.minimum(relative_KN / best_N - 1, 1e3)
    result_NK = np.zeros((len(sharpness_N), len(weight_K)))
    result_NK[:, weight_K > 0] = (weight_K[weight_K > 0, None] * np.exp(-sharpness_N * score_KN)).T
    return result_NK / result_NK.sum(axis=1, keepdims=True)


def _sizes(error_KBHC: np.ndarray, series_B: np.ndarray, count: int) -> np.ndarray:
    """(K, N, C) mean absolute error in each series; nan where no truth is known."""
    known_BHC = np.isfinite(error_KBHC[0])
    known_NC = np.zeros((count, error_KBHC.shape[-1]))
    np.add.at(known_NC, series_B, known_BHC.sum(axis=1))
    size_KNC = np.zeros((len(error_KBHC), *known_NC.shape))
    for size_NC, error_BHC in zip(size_KNC, error_KBHC, strict=True):
        np.add.at(size_NC, series_B, np.where(known_BHC, np.abs(error_BHC), 0).sum(axis=1))
    return size_KNC / np.where(known_NC > 0, known_NC, np.nan)
