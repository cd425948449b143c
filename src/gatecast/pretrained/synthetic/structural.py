"""Levels, trends and seasons that adapt: exponential smoothing models and structural time series."""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import Floats, Seasons, chance, drifts, hourly, log_normal, log_uniform
from gatecast.pretrained.synthetic.filters import autoregress, delayed, oscillate
from gatecast.pretrained.synthetic.noise import innovations
from gatecast.pretrained.synthetic.seasons import active, amplitudes, patterns, seasonal

__all__ = ["ets_additive", "ets_multiplicative", "structural"]


def ets_additive(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of ETS(A, A or Ad or N, A or N) (Hyndman, Koehler, Ord & Snyder 2008), noise of standard deviation 1.

        y_t = l_(t-1) + phi b_(t-1) + s_(t-m) + e_t
        l_t = l_(t-1) + phi b_(t-1) + alpha e_t
        b_t = phi b_(t-1) + beta e_t
        s_t = s_(t-m) + gamma e_t

    All states are linear in e_t, so each is one filter. Several seasons: Taylor (2003). The exponential of such a
    series is one of multiplicative error, trend and season.
    """
    e_BT = innovations(rng, count, steps)
    alpha_B1, beta_B1, phi_B1 = _gains(rng, count, calm=0.6 if hourly(seasons) else 0.28)
    slope_BT = _slopes(rng, e_BT, beta_B1, phi_B1)
    level_BT = np.cumsum(slope_BT + delayed(alpha_B1 * e_BT, 1), axis=1)
    return level_BT + e_BT + _adapting_seasons(rng, e_BT, alpha_B1, seasons)


def _gains(rng: np.random.Generator, count: int, calm: float) -> tuple[Floats, Floats, Floats]:
    """alpha, beta, phi (B, 1): a trend that is damped, lasting or none, and a level that wanders.

    This share of levels is calm: it hardly does.
    """
    calm_B1 = chance(rng, count, calm)
    alpha_B1 = np.where(calm_B1, log_uniform(rng, count, 0.005, 0.3), rng.beta(1.5, 1.0, (count, 1)))
    beta_B1 = alpha_B1 * rng.beta(1.0, 4.0, (count, 1)) * chance(rng, count, 0.6)
    phi_B1 = np.where(chance(rng, count, 0.4), 1.0, 1.0 - log_uniform(rng, count, 0.01, 0.25))
    return alpha_B1, beta_B1, phi_B1


def _slopes(rng: np.random.Generator, e_BT: Floats, beta_B1: Floats, phi_B1: Floats) -> Floats:
    """(B, T) phi b_(t-1), from a first slope that is 0 for a third of the series."""
    count, steps = e_BT.shape
    first_B1 = drifts(rng, count, steps)
    wander_BT = delayed(autoregress(beta_B1 * e_BT, phi_B1), 1)
    return np.asarray(phi_B1 * (wander_BT + first_B1 * phi_B1 ** np.arange(steps)))


def _adapting_seasons(rng: np.random.Generator, e_BT: Floats, alpha_B1: Floats, seasons: Seasons) -> Floats:
    """(B, T) s_(t-m) of all seasons together."""
    count, steps = e_BT.shape
    total_BT = np.zeros_like(e_BT)
    for k, on_B1 in enumerate(active(rng, count, seasons)):
        period = seasons[k]
        gamma_B1 = (1.0 - alpha_B1) * rng.beta(1.0, 8.0, (count, 1)) * chance(rng, count, 0.6)
        start_BM = amplitudes(rng, count, period, first=k == 0) * patterns(rng, count, period)
        drift_BT = delayed(autoregress(gamma_B1 * e_BT, 1.0, lag=period), period)
        total_BT += on_B1 * (start_BM[:, np.arange(steps) % period] + drift_BT)
    return total_BT


def ets_multiplicative(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) above 0 of ETS(M, A or Ad or N, M or N) (Hyndman, Koehler, Ord & Snyder 2008), first level 1.

        y_t = (l_(t-1) + phi b_(t-1)) s_(t-m) (1 + e_t)
        l_t = (l_(t-1) + phi b_(t-1)) (1 + alpha e_t)
        b_t = phi b_(t-1) + beta (l_(t-1) + phi b_(t-1)) e_t
        s_t = s_(t-m) (1 + gamma e_t)

    Errors and slopes are bounded, so that the level stays above 0.
    """
    sigma_B1 = log_uniform(rng, count, 0.002, 0.25)
    e_BT = np.clip(sigma_B1 * innovations(rng, count, steps), -0.7, 1.5)
    alpha_B1, beta_B1, phi_B1 = _gains(rng, count, calm=0.6 if hourly(seasons) else 0.28)
    slope_B = np.clip(sigma_B1 * drifts(rng, count, steps), -0.7 / steps, 6.0 / steps)[:, 0]
    level_BT = _levels(e_BT, alpha_B1[:, 0], beta_B1[:, 0], phi_B1[:, 0], slope_B)
    season_BT = np.zeros_like(e_BT)
    for k, on_B1 in enumerate(active(rng, count, seasons)):
        period = seasons[k]
        gamma_B1 = (1.0 - alpha_B1) * rng.beta(1.0, 8.0, (count, 1)) * chance(rng, count, 0.6)
        swing_B1 = np.minimum(log_normal(rng, count, 0.10, 1.0), 0.7)
        drift_BT = delayed(autoregress(np.log1p(gamma_B1 * e_BT), 1.0, lag=period), period)
        season_BT += on_B1 * (swing_B1 * patterns(rng, count, period)[:, np.arange(steps) % period] + drift_BT)
    return np.asarray(level_BT * np.exp(np.clip(season_BT, -4.0, 4.0)) * (1.0 + e_BT))


def _levels(e_BT: Floats, alpha_B: Floats, beta_B: Floats, phi_B: Floats, slope_B: Floats) -> Floats:
    """(B, T) l_(t-1) + phi b_(t-1). Trends alone bring a level down to an eighth: they fade with it."""
    e_TB = np.ascontiguousarray(e_BT.T)
    expected_TB = np.empty_like(e_TB)
    level_B = np.ones(len(e_BT))
    fastest = -min(2.0 / len(e_TB), 0.2)
    for t, e_B in enumerate(e_TB):
        drift_B = np.maximum(phi_B * slope_B, fastest * level_B)
        expected_TB[t] = level_B + drift_B
        surprise_B = expected_TB[t] * e_B
        level_B = expected_TB[t] + alpha_B * surprise_B
        slope_B = drift_B + beta_B * surprise_B
    return expected_TB.T


def structural(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) structural time series (Harvey 1989): level, slope, cycle and season, each with its own disturbance.

    The level is a random walk, a smooth trend (only its slope is disturbed) or both; a quarter has a stochastic cycle
    of 5 to 144 steps; seasons are trigonometric with coefficients that walk. Irregular part of standard
    deviation 0 to 1.
    """
    strength_B1 = log_uniform(rng, count, 0.03, 3.0) * (0.25 if hourly(seasons) else 1.0)
    level_BT = innovations(rng, count, steps) * strength_B1
    level_BT *= chance(rng, count, 0.75)
    slope_BT = rng.standard_normal((count, steps)) * log_uniform(rng, count, 0.003, 0.6) * chance(rng, count, 0.6)
    damping_B1 = np.where(chance(rng, count, 0.5), 1.0, 1.0 - log_uniform(rng, count, 0.005, 0.1))
    drift_B1 = drifts(rng, count, steps)
    trend_BT = np.cumsum(level_BT + autoregress(slope_BT, damping_B1) + drift_B1, axis=1)
    irregular_BT = innovations(rng, count, steps) * np.minimum(log_uniform(rng, count, 0.03, 4.0), 1.0)
    return trend_BT + irregular_BT + _cycles(rng, count, steps) + _trigonometric(rng, count, steps, seasons)


def _cycles(rng: np.random.Generator, count: int, steps: int) -> Floats:
    radius_B1, period_B1 = 1.0 - log_uniform(rng, count, 0.005, 0.15), log_uniform(rng, count, 5.0, 144.0)
    cycle_BT = oscillate(rng.standard_normal((count, steps)), radius_B1, period_B1)
    strength_B1 = log_uniform(rng, count, 0.5, 8.0) * chance(rng, count, 0.25)
    deviation_B1 = np.maximum(cycle_BT.std(axis=1, keepdims=True), 1e-9)
    return np.asarray(strength_B1 * cycle_BT / deviation_B1)


def _trigonometric(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) fixed seasons, and for half of the series harmonics whose coefficients walk."""
    total_BT = seasonal(rng, count, steps, seasons)
    present_B1 = np.abs(total_BT).max(axis=1, keepdims=True) > 0
    for period in seasons[:1]:
        angle_T = 2 * np.pi * np.arange(steps) / period
        walk_B1 = log_uniform(rng, count, 0.01, 0.3) * chance(rng, count, 0.5) * present_B1
        for j in range(1, min(2, period // 2) + 1):
            a_BT, b_BT = np.cumsum(rng.standard_normal((2, count, steps)), axis=2) * walk_B1 / j
            total_BT += a_BT * np.cos(j * angle_T) + b_BT * np.sin(j * angle_T)
    return total_BT
