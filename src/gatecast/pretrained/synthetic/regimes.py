"""Series whose rules change: regimes, shifts, spikes and clustered volatility."""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import (
    Floats,
    Seasons,
    chance,
    choice,
    drifts,
    log_normal,
    log_uniform,
    normal,
    uniform,
)
from gatecast.pretrained.synthetic.filters import autoregress
from gatecast.pretrained.synthetic.noise import coloured, garch, innovations
from gatecast.pretrained.synthetic.seasons import seasonal

__all__ = ["garch_walk", "regime_switching", "shifts_and_spikes"]

STATES = 3


def regime_switching(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of two or three regimes that return (Hamilton 1989), each with its own level, growth and volatility.

    A regime lasts 4 steps to half of the series on average. Noise of standard deviation about 1, partly correlated.
    """
    state_BT = _states(rng, count, steps)
    level_BS = rng.normal(0.0, 1.0, (count, STATES)) * log_uniform(rng, count, 0.5, 8.0) * chance(rng, count, 0.6)
    growth_BS = rng.normal(0.0, 1.0, (count, STATES)) * log_uniform(rng, count, 0.05, 1.0) * chance(rng, count, 0.5)
    volatility_BS = np.exp(rng.normal(0.0, 0.7, (count, STATES)) * chance(rng, count, 0.6))
    noise_BT = innovations(rng, count, steps) * np.take_along_axis(volatility_BS, state_BT, axis=1)
    noise_BT = autoregress(noise_BT, uniform(rng, count, 0.0, 1.0) * chance(rng, count, 0.7))
    trend_BT = np.cumsum(np.take_along_axis(growth_BS, state_BT, axis=1), axis=1)
    level_BT = autoregress(np.take_along_axis(level_BS, state_BT, axis=1), entry_B1 := uniform(rng, count, 0.0, 0.8))
    return level_BT * (1.0 - entry_B1) + trend_BT + noise_BT + seasonal(rng, count, steps, seasons)


def _states(rng: np.random.Generator, count: int, steps: int) -> np.ndarray:
    """(B, T) of 0..2: after each switch a state is drawn; a third of the series knows two."""
    leave_B1 = 1.0 / log_uniform(rng, count, 4.0, max(8.0, steps / 2))
    visit_BT = np.cumsum(rng.random((count, steps)) < leave_B1, axis=1) % steps
    drawn_BT = rng.integers(0, np.where(chance(rng, count, 1 / 3), 2, STATES), (count, steps))
    return np.take_along_axis(drawn_BT, visit_BT, axis=1)


def shifts_and_spikes(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) noise or a slow walk with level shifts, spikes, and changes that fade (Chen & Liu 1993)."""
    base_BT = coloured(rng, count, steps)
    walk_BT = np.cumsum(rng.standard_normal((count, steps)), axis=1) * log_uniform(rng, count, 0.01, 0.5)
    shift_BT = np.cumsum(_events(rng, count, steps, 0.3, 3.0), axis=1) * chance(rng, count, 0.7)
    spike_BT = _events(rng, count, steps, 0.5, 8.0) * chance(rng, count, 0.5)
    one_sided_BT = np.where(chance(rng, count, 0.6), np.abs(spike_BT), spike_BT)
    fading_BT = autoregress(one_sided_BT, uniform(rng, count, 0.3, 0.95) * chance(rng, count, 0.5))
    drift_BT = np.linspace(0.0, 1.0, steps) * normal(rng, count, 4.0) * chance(rng, count, 0.3)
    return base_BT + walk_BT + shift_BT + fading_BT + drift_BT + seasonal(rng, count, steps, seasons)


def _events(rng: np.random.Generator, count: int, steps: int, fewest: float, most: float) -> Floats:
    """(B, T): 0 but for some steps; on average `fewest` to `most` events a series, of 3 to 20 standard deviations."""
    rate_B1 = log_uniform(rng, count, fewest, most) / steps
    size_BT = rng.standard_normal((count, steps)) * log_normal(rng, count, 5.0, 0.6)
    return np.where(rng.random((count, steps)) < rate_B1, size_BT, 0.0)


def garch_walk(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) prices whose steps, or returns and rates whose values, are of a GARCH process (Bollerslev 1986)."""
    return_BT = garch(rng, count, steps)
    price_BT = np.cumsum(return_BT + 0.5 * drifts(rng, count, steps), axis=1)
    reverting_BT = autoregress(return_BT, uniform(rng, count, -0.2, 0.98))
    kind_B1 = choice(rng, count, (0.55, 0.3, 0.15))
    value_BT = np.where(kind_B1 == 0, price_BT, np.where(kind_B1 == 1, reverting_BT, return_BT))
    return value_BT + seasonal(rng, count, steps, seasons, share=0.35)
