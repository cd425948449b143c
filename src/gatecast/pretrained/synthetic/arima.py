"""Autoregressive integrated moving averages, with seasons, and their simplest cases (Box & Jenkins 1970)."""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import (
    Floats,
    Seasons,
    chance,
    choice,
    drifts,
    hourly,
    log_uniform,
    uniform,
)
from gatecast.pretrained.synthetic.filters import autoregress, moving_average, oscillate
from gatecast.pretrained.synthetic.noise import innovations
from gatecast.pretrained.synthetic.seasons import active, amplitudes, patterns, seasonal

__all__ = ["airline", "arima", "random_walk"]

WARM_UP = 40
"""Steps before the first one that is kept: stationary parts have forgotten their start."""


def arima(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of SARIMA(p, d, q)(P, D, Q) (Box & Jenkins 1970): p <= 4, q <= 2, d = 0, 1, 2; P, D, Q = 0, 1.

    Poles are drawn, not coefficients: two real ones, and for a third of the series a pair that makes a stochastic
    cycle. With d = 1 half have a drift; with d = 2 moving averages dampen most of it, else series are too smooth.
    """
    d_B1 = choice(rng, count, (0.6, 0.35, 0.05) if hourly(seasons) else (0.35, 0.5, 0.15))
    x_BT = _stationary(rng, innovations(rng, count, steps + WARM_UP), d_B1)
    x_BT, seasonal_B1 = _seasonal_part(rng, x_BT, seasons)
    x_BT = x_BT[:, WARM_UP:]
    drift_B1 = x_BT.std(axis=1, keepdims=True) * drifts(rng, count, steps, share=0.5)
    once_BT = np.cumsum(x_BT + drift_B1, axis=1)
    x_BT = np.where(d_B1 == 0, x_BT, np.where(d_B1 == 1, once_BT, np.cumsum(once_BT, axis=1)))
    return x_BT + seasonal(rng, count, steps, seasons, share=0.65) * ~seasonal_B1


def _stationary(rng: np.random.Generator, e_BT: Floats, d_B1: np.ndarray) -> Floats:
    """(B, T) of ARMA(4, 2) at most; of smaller orders by chance. Where d = 2 the moving average is strong."""
    count = len(e_BT)
    slow_B1 = np.where(chance(rng, count, 0.75), rng.beta(2.0, 1.2, (count, 1)), -uniform(rng, count, 0.0, 0.8))
    slow_B1 = np.where(d_B1 == 0, slow_B1, 0.8 * slow_B1) * chance(rng, count, 0.75)
    x_BT = autoregress(e_BT, np.minimum(slow_B1, 0.99))
    x_BT = autoregress(x_BT, uniform(rng, count, -0.6, 0.6) * chance(rng, count, 0.4))
    theta_B1 = np.where(d_B1 == 2, uniform(rng, count, -0.98, -0.4), uniform(rng, count, -0.8, 0.6))
    x_BT = moving_average(x_BT, theta_B1 * (chance(rng, count, 0.5) | (d_B1 == 2)))
    x_BT = moving_average(x_BT, uniform(rng, count, -0.9, 0.4) * (chance(rng, count, 0.15) | (d_B1 == 2)))
    rows = np.flatnonzero(rng.random(count) < 1 / 3)
    radius_R1, period_R1 = uniform(rng, len(rows), 0.3, 0.98), log_uniform(rng, len(rows), 2.5, 60.0)
    x_BT[rows] = oscillate(x_BT[rows], radius_R1, period_R1)
    return x_BT


def _seasonal_part(rng: np.random.Generator, x_BT: Floats, seasons: Seasons) -> tuple[Floats, np.ndarray]:
    """Values with a seasonal autoregression and moving average of one period, and which series (B, 1) have it."""
    count = len(x_BT)
    if not seasons:
        return x_BT, np.zeros((count, 1), dtype=np.bool_)
    period = int(rng.choice(seasons))
    on_B1 = chance(rng, count, 0.4)
    pole_B1 = np.where(chance(rng, count, 0.3), 1.0, uniform(rng, count, 0.2, 0.98)) * on_B1
    x_BT = autoregress(x_BT, pole_B1, lag=period)
    return moving_average(x_BT, uniform(rng, count, -0.9, 0.3) * on_B1 * chance(rng, count, 0.6), lag=period), on_B1


def airline(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of the airline model (Box & Jenkins 1970): (1 - L)(1 - L^m) y_t = (1 - theta L)(1 - Theta L^m) e_t.

    From a first pattern and a drift; without seasons it is an IMA(1, 1).
    """
    x_BT = moving_average(innovations(rng, count, steps), -uniform(rng, count, -0.1, 0.95))
    start_BT = np.zeros((count, steps))
    for k, on_B1 in enumerate(active(rng, count, seasons, share=0.9)):
        place_T = np.arange(steps) % seasons[k]
        start_BT += (
            on_B1 * amplitudes(rng, count, seasons[k], first=k == 0) * patterns(rng, count, seasons[k])[:, place_T]
        )
        theta_B1 = np.where(on_B1, -uniform(rng, count, 0.2, 0.98), 0.0)
        x_BT = moving_average(x_BT, theta_B1, seasons[k])
        x_BT = autoregress(x_BT, on_B1.astype(np.float64), lag=seasons[k])
    drift_B1 = drifts(rng, count, steps, share=0.9)
    return np.asarray(np.cumsum(x_BT + drift_B1, axis=1) + start_BT)


def random_walk(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) random walk with drift; steps of a standard deviation of 1, half with a season on top.

    Two fifths are means over periods in which there are many steps: theirs are correlated by 1/4 (Working 1960).
    """
    drift_B1 = drifts(rng, count, steps)
    step_BT = moving_average(innovations(rng, count, steps), np.where(chance(rng, count, 0.4), 0.27, 0.0))
    walk_BT = np.cumsum(step_BT + drift_B1, axis=1)
    return np.asarray(walk_BT + seasonal(rng, count, steps, seasons, share=0.5))
