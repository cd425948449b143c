"""Adaptive conformal intervals: quantiles that follow what was observed from origin to origin.

    origin        o1      o2      o3      o4
    step h=2      ?       ?       o1+2 is known: was it inside?  -> the width at o3, step 2

There is one factor (``forecasts.following``) per step ahead and target column. The series of a panel share it: what
one origin says about a step is the share of its series.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatecast.errors import InputError
from gatecast.forecasts.following import Floats, beyond, followed, widened

__all__ = ["adapted"]

RATE = 0.5  # of the logarithm of a factor: one origin with all truths outside a 90 % quantile widens it by 1.57


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
    origins, horizon = truth_NOHC.shape[1:3]
    factor_HCQ = np.ones((horizon, truth_NOHC.shape[3], len(quantiles)))
    result_NOHCQ = forecast_NOHCQ.copy()
    lag_H = -(-np.arange(1, horizon + 1) // stride)  # origins until step h is known
    for o in range(1, origins):
        for lag in np.unique(lag_H[lag_H <= o]):
            steps_H, seen = np.flatnonzero(lag_H == lag), o - lag
            truth_NHC, made_NHCQ = truth_NOHC[:, seen, steps_H], result_NOHCQ[:, seen, steps_H]
            share_HCQ = _share(beyond(truth_NHC, made_NHCQ, quantiles))
            factor_HCQ[steps_H] = followed(factor_HCQ[steps_H], share_HCQ, quantiles, rate)
        result_NOHCQ[:, o] = widened(forecast_NOHCQ[:, o], factor_HCQ, quantiles)
    return result_NOHCQ


def _share(beyond_NHCQ: Floats) -> Floats:
    """(H, C, Q) mean over the series whose truth is known; NaN where none is."""
    count_HCQ = np.isfinite(beyond_NHCQ).sum(axis=0)
    share_HCQ: Floats = np.nansum(beyond_NHCQ, axis=0) / np.where(count_HCQ > 0, count_HCQ, np.nan)
    return share_HCQ
