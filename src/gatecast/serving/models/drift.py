"""Drift: whether the newest errors of a series are those that the model expects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gatecast.serving.store.observed_rows import Scored

__all__ = ["drift_of", "uniform_p_value"]

LEAST = 10  # scores, below which nothing is said
LEVEL = 0.01


def drift_of(scores: Sequence[Scored]) -> dict[str, Any]:
    """Coverage, error and the test of the newest scores of a target."""
    anomalies = np.array([one.anomaly for one in scores if one.anomaly is not None])
    errors = [abs(one.value - one.forecast) for one in scores if one.value is not None and one.forecast is not None]
    p_value = uniform_p_value(anomalies) if len(anomalies) >= LEAST else None
    return {
        "rows": len(scores),
        "inside_80": _share([one.inside_80 for one in scores]),
        "inside_95": _share([one.inside_95 for one in scores]),
        "error": sum(errors) / len(errors) if errors else None,
        "p_value": p_value,
        "drifting": p_value is not None and p_value < LEVEL,
    }


def _share(held: Sequence[bool | int | None]) -> float | None:
    known = [bool(one) for one in held if one is not None]
    return sum(known) / len(known) if known else None


def uniform_p_value(score_R: np.ndarray) -> float:
    """P-value of scores being uniform between 0 and 1, against their being smaller.

    Source: one-sided Kolmogorov-Smirnov statistic with the bound of Massart 1990: p <= exp(-2 n d^2).

    >>> uniform_p_value(np.linspace(0.01, 1, 100)) > 0.9, uniform_p_value(np.full(20, 0.01)) < 1e-6
    (True, True)
    """
    sorted_R = np.sort(score_R)
    above = float(np.max(np.arange(1, len(sorted_R) + 1) / len(sorted_R) - sorted_R, initial=0.0))
    return math.exp(-2 * len(sorted_R) * above**2)
