"""Counts: of sales, visits or events, from many in every step to one now and then. They are whole and at least 0."""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import Floats, Seasons, chance, log_uniform, normal, uniform
from gatecast.pretrained.synthetic.filters import autoregress, standardised
from gatecast.pretrained.synthetic.seasons import seasonal

__all__ = ["counts", "intermittent"]


def counts(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) negative binomial about an intensity with trend, season and slow waves; means of 1 to 300."""
    mean_BT = log_uniform(rng, count, 1.0, 300.0) * _intensity(rng, count, steps, seasons)
    return _negative_binomial(rng, mean_BT, log_uniform(rng, count, 0.7, 50.0))


def intermittent(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of many zeros, demands between them (Croston 1972): how often and how large both change with time.

    A demand in 3 to 70 % of steps, and at least four expected; a fifth of the series counts packs of 2 to 12.
    """
    often_B1 = log_uniform(rng, count, min(0.5, max(0.03, 4.0 / steps)), 0.7)
    happens_BT = rng.random((count, steps)) < np.minimum(often_B1 * _intensity(rng, count, steps, seasons), 0.97)
    size_B1 = log_uniform(rng, count, 0.1, 20.0)
    growing_BT = np.exp(normal(rng, count, 0.5) * np.linspace(-0.5, 0.5, steps))
    size_BT = 1.0 + _negative_binomial(rng, size_B1 * growing_BT, log_uniform(rng, count, 0.5, 10.0))
    pack_B1 = np.where(chance(rng, count, 0.2), rng.integers(2, 13, (count, 1)), 1)
    return np.asarray(happens_BT * size_BT * pack_B1)


def _intensity(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of about 1: it grows or declines, follows seasons, and wanders slowly; for a third it is constant."""
    u_T = np.linspace(-0.5, 0.5, steps)
    trend_BT = normal(rng, count, 1.2) * u_T * chance(rng, count, 0.5)
    waves_BT = standardised(autoregress(rng.standard_normal((count, steps)), uniform(rng, count, 0.8, 1.0)))
    cycle_BT = seasonal(rng, count, steps, seasons, share=0.7) * uniform(rng, count, 0.05, 0.4)
    log_BT = trend_BT + waves_BT * uniform(rng, count, 0.05, 0.5) * chance(rng, count, 0.6)
    return np.asarray(np.exp(np.clip(log_BT, -3.0, 3.0) + np.clip(cycle_BT, -2.0, 1.5)))


def _negative_binomial(rng: np.random.Generator, mean_BT: Floats, size_B1: Floats) -> Floats:
    """(B, T): a Poisson whose intensity is of a gamma distribution; variance mean + mean^2 / size."""
    size_BT = np.broadcast_to(size_B1, mean_BT.shape)
    return rng.poisson(rng.standard_gamma(size_BT) / size_B1 * mean_BT).astype(np.float64)
