"""Adaptive intervals of a live model: the widths of each series follow its own errors one step ahead.

    row t   quantiles from the row before, times the factors ──▶ what is said of the row
            was it beyond them?                              ──▶ the factors of row t + 1

A backtest has a few origins of many series, and a factor for each step ahead that the series share. Here rows come one
by one in any order, so that a series has its own factors, of each target and quantile, and they hold for all steps
ahead: to know how far off a forecast of step h was takes h rows, and all forecasts of the last h rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatecast.forecasts.following import beyond, followed, widened
from gatecast.live.rows.arrivals import Arrivals

__all__ = ["RATE", "Widths"]

# Of the logarithm of a factor, by row: 80 % intervals cover 71 % in rows 20 to 50 after noise has trebled, and 77 % in
# the 50 after these; at rest widths move by 13 %. A backtest, whose origins are far apart, takes 0.5 (22 %).
RATE = 0.2


class Widths:
    """Factors of the widths of N series.

    Args:
        levels: the Q quantiles of the forecasts.
        factor_NCQ: (N, C, Q) as they are.
    """

    def __init__(self, levels: Sequence[float], factor_NCQ: np.ndarray) -> None:
        self.levels, self.factor_NCQ = tuple(levels), factor_NCQ

    @classmethod
    def of(cls, levels: Sequence[float], targets: int) -> Widths:
        """Those of no series yet."""
        return cls(levels, np.empty((0, targets, len(levels))))

    def add(self, count: int) -> None:
        """So many series more, whose intervals are as the model has them."""
        self.factor_NCQ = np.concatenate([self.factor_NCQ, np.ones((count, *self.factor_NCQ.shape[1:]))])

    def widened(self, series_M: np.ndarray, values_MHCQ: np.ndarray) -> np.ndarray:
        """(M, H, C, Q) forecasts of some series with the widths of now."""
        return widened(values_MHCQ, self.factor_NCQ[series_M][:, None], self.levels)

    def follow(self, came: Arrivals, rows: np.ndarray, warm_B: np.ndarray, values_BCQ: np.ndarray) -> np.ndarray:
        """(B, C, Q) forecasts of rows, each with the widths that the rows before it left.

        Args:
            came: rows, sorted by series and step.
            rows: the B rows that were forecast.
            warm_B: which of them by the model; naive forecasts of cold series stay as they are.
            values_BCQ: quantiles one step ahead.
        """
        made_BCQ, warm = values_BCQ.copy(), np.flatnonzero(warm_B)
        series_W = came.series_R[rows[warm]]
        value_RC = came.values_RV[:, : came.seen_RC.shape[1]]
        truth_BC = np.where(came.seen_RC, value_RC, np.nan)[rows]
        nth_W = np.arange(len(warm)) - np.searchsorted(series_W, series_W)
        for place in np.split(np.argsort(nth_W, kind="stable"), np.cumsum(np.bincount(nth_W))[:-1]):
            if not len(place):
                continue
            at, series_M = warm[place], series_W[place]
            factor_MCQ = self.factor_NCQ[series_M]
            made_BCQ[at] = widened(values_BCQ[at], factor_MCQ, self.levels)
            share_MCQ = beyond(truth_BC[at], made_BCQ[at], self.levels)
            self.factor_NCQ[series_M] = followed(factor_MCQ, share_MCQ, self.levels, RATE)
        return made_BCQ
