"""Exponential smoothing of every series at every step, by one recursion over time for all series at once.

    e_t = u_t - level_(t-1) - season_(t-m)        what the smoothing did not expect
    level_t  = level_(t-1)  + alpha e_t
    season_t = season_(t-m) + gamma (1 - alpha) e_t

Additive, without a trend (Winters 1960, in the error-correction form of Hyndman et al. 2008); of logarithms it is
multiplicative. Row t holds what is known at t and nothing later, so a forecast from t reads level_t and the newest
season of each place: level_t + season_(t+h-m). As in Smyl's ES-RNN (2020) the network is given what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Smoothed", "smoothed"]


@dataclass(frozen=True)
class Smoothed:
    """Level and season at every row of a buffer.

    Args:
        level_RC: level known at each row.
        season_RC: season of each row's own place in the cycle, known from that row on (in a series' first season from
            the end of that season on).
    """

    level_RC: np.ndarray
    season_RC: np.ndarray


def smoothed(
    u_RC: np.ndarray, first: np.ndarray, length: np.ndarray, season: int, alpha: float, gamma: float
) -> Smoothed:
    """Smooth all series of a flat buffer.

    The first season gives a start: its mean is the level, the distances from it are the seasons. The gains begin at
    1 / (seasons seen + 1), so that early seasons are averaged, and fall to ``alpha`` and ``gamma``.

    Args:
        u_RC: (R, C) values without NaN inside the series.
        first: (N,) first row of each series.
        length: (N,) its steps.
        season: m; 1 = a level alone.
        alpha: gain of the level, 0 to 1.
        gamma: gain of the season, 0 to 1.
    """
    level_RC, season_RC = np.zeros_like(u_RC), np.zeros_like(u_RC)
    order = np.argsort(-length, kind="stable")
    begin_N, steps_N = first[order], length[order]
    ending = -steps_N  # ascending: how many series are longer than t is found by bisection
    start = 1 if season == 1 else season
    sum_NC = np.zeros((len(first), u_RC.shape[1]), u_RC.dtype)
    for t in range(int(steps_N[0]) if len(steps_N) else 0):
        active = int(np.searchsorted(ending, -t, side="left"))  # series with more than t steps
        row_A = begin_N[:active] + t
        u_AC = u_RC[row_A]
        if t < start:
            sum_NC[:active] += u_AC
            level_RC[row_A] = sum_NC[:active] / (t + 1)
            if t + 1 == start and season > 1:
                first_AM = begin_N[:active, None] + np.arange(season)
                season_RC[first_AM] = u_RC[first_AM] - level_RC[row_A][:, None]
            continue
        error_AC = u_AC - level_RC[row_A - 1]
        if season > 1:
            error_AC -= season_RC[row_A - season]
            gain = max(gamma, 1 / (t // season + 1)) * (1 - alpha)
            season_RC[row_A] = season_RC[row_A - season] + gain * error_AC
        level_RC[row_A] = level_RC[row_A - 1] + max(alpha, 1 / (t + 2)) * error_AC
    return Smoothed(level_RC, season_RC)
