"""Adaptive conformal intervals: quantiles that follow what was observed from origin to origin.

    origin        o1      o2      o3      o4
    step h=2      ?       ?       o1+2 is known: was it inside?  -> the width at o3, step 2

Each quantile keeps its distance from the median times a factor, one per step ahead and target column. The factor grows
while truths fall beyond the quantile more often than its level allows, and shrinks otherwise. The series of a panel
share it: what one origin says about a step is the share of its series. Source: Gibbs and Candès 2021, here with
multiplicative steps on the width instead of steps on the level, which stays finite when every truth lies outside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gatecast.data.quantiles import middle
from gatecast.errors import InputError

__all__ = ["adapted"]

RATE = 0.5  # of the logarithm of a factor: one origin with all truths outside a 90 % quantile widens it by 1.57
NARROWEST, WIDEST = 0.2, 5.0

Floats = NDArray[np.floating]


def adapted(
    forecast_NOHCQ: Floats, truth_NOHC: Floats, quantiles: Sequence[float], stride: int, rate: float = RATE
) -> Floats:
    """Correct the quantiles of rolling origins, each by what was observed up to it.

    Args:
        forecast_NOHCQ: (N, O, H, C, Q) quantiles from O origins of N series, oldest first.
        truth_NOHC: (N, O, H, C) what came; NaN = missing. Row o is used from the origin on that lies behind it.
        quantiles: the Q levels, ascending, 0.5 among them.
        stride: steps between two origins.
        rate: how fast a factor follows.

    Returns:
        (N, O, H, C, Q) quantiles that do not cross; the median and the first origin are unchanged.

    Raises:
        InputError: the shapes do not fit.
    """
    if forecast_NOHCQ.shape[:-1] != truth_NOHC.shape or forecast_NOHCQ.shape[-1] != len(quantiles):
        raise InputError(
            f"forecasts of shape {forecast_NOHCQ.shape} do not go with truths of shape {truth_NOHC.shape} and "
            f"{len(quantiles)} quantiles; (N, O, H, C, Q), (N, O, H, C) and Q are needed."
        )
    level_Q = np.asarray(quantiles)
    beyond_Q = np.minimum(level_Q, 1 - level_Q)  # the share of truths that may lie beyond each quantile
    median_NOHC1 = forecast_NOHCQ[..., [middle(quantiles)]]
    width_NOHCQ = forecast_NOHCQ - median_NOHC1
    error_NOHC1 = (truth_NOHC - median_NOHC1[..., 0])[..., None]
    origins, horizon = truth_NOHC.shape[1:3]
    factor_HCQ = np.ones((horizon, truth_NOHC.shape[3], len(level_Q)))
    factor_OHCQ = np.ones((origins, *factor_HCQ.shape))
    lag_H = -(-np.arange(1, horizon + 1) // stride)  # origins until step h is known
    for o in range(1, origins):
        for lag in np.unique(lag_H[lag_H <= o]):
            steps_H = np.flatnonzero(lag_H == lag)
            seen = o - lag
            share_HCQ = _share_beyond(
                error_NOHC1[:, seen, steps_H], factor_OHCQ[seen, steps_H] * width_NOHCQ[:, seen, steps_H], level_Q
            )
            factor_HCQ[steps_H] *= np.exp(rate * (np.where(np.isnan(share_HCQ), beyond_Q, share_HCQ) - beyond_Q))
        np.clip(factor_HCQ, NARROWEST, WIDEST, out=factor_HCQ)
        factor_OHCQ[o] = factor_HCQ
    result: Floats = np.sort(median_NOHC1 + factor_OHCQ.astype(forecast_NOHCQ.dtype) * width_NOHCQ, axis=-1)
    return result


def _share_beyond(error_NHC1: Floats, width_NHCQ: Floats, level_Q: Floats) -> Floats:
    """(H, C, Q) share of the series whose truth lies beyond each quantile; NaN where no truth is known."""
    beyond_NHCQ = np.where(level_Q > 0.5, error_NHC1 > width_NHCQ, error_NHC1 < width_NHCQ)
    known_NHC1 = np.isfinite(error_NHC1)
    count_HC1 = known_NHC1.sum(axis=0)
    share_HCQ: Floats = (beyond_NHCQ & known_NHC1).sum(axis=0) / np.where(count_HC1 > 0, count_HC1, np.nan)
    return share_HCQ
