"""Noise: of Gaussian or heavy tails, of any colour, of changing volatility. Its standard deviation is about 1."""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import Floats, chance, choice, log_uniform, uniform
from gatecast.pretrained.synthetic.filters import autoregress, moving_average, standardised

__all__ = ["coloured", "garch", "innovations", "tails"]


def innovations(rng: np.random.Generator, count: int, steps: int) -> Floats:
    """(B, T) uncorrelated; a quarter with heavy tails, a quarter with a volatility that drifts or jumps."""
    noise_BT = tails(rng, count, steps, share=0.25)
    rows = np.flatnonzero(rng.random(count) < 0.25)
    noise_BT[rows] *= _volatility(rng, len(rows), steps)
    return noise_BT


def tails(rng: np.random.Generator, count: int, steps: int, share: float) -> Floats:
    """(B, T) independent draws; this share of series is of a Student t with 2.5 to 8 degrees of freedom."""
    noise_BT = rng.standard_normal((count, steps))
    rows = np.flatnonzero(rng.random(count) < share)
    freedom_R1 = log_uniform(rng, len(rows), 2.5, 8.0)
    heavy_RT = rng.standard_t(np.broadcast_to(freedom_R1, (len(rows), steps)))
    noise_BT[rows] = np.clip(heavy_RT / np.sqrt(freedom_R1 / (freedom_R1 - 2.0)), -12.0, 12.0)
    return noise_BT


def _volatility(rng: np.random.Generator, count: int, steps: int) -> Floats:
    """(B, T) factor: smoothly wandering (Taylor 1982), growing or falling all along, or changed once."""
    wander_BT = autoregress(rng.standard_normal((count, steps)), uniform(rng, count, 0.8, 0.995))
    u_T = np.linspace(-0.5, 0.5, steps)
    drift_BT = rng.normal(0.0, 1.0, (count, 1)) * u_T
    jump_BT = rng.normal(0.0, 0.7, (count, 1)) * (u_T > uniform(rng, count, -0.4, 0.45))
    kind_B1 = choice(rng, count, (0.5, 0.25, 0.25))
    log_BT = np.where(kind_B1 == 0, 0.4 * standardised(wander_BT), np.where(kind_B1 == 1, drift_BT, jump_BT))
    return np.asarray(np.exp(log_BT))


def coloured(rng: np.random.Generator, count: int, steps: int) -> Floats:
    """(B, T) of any colour: 1 / f^b with b in -0.5..2 (Timmer & Koenig 1995), ARMA(1, 1), or white.

    The spectrum is that of twice the steps, of which one half is kept: its ends do not meet.
    """
    white_BT = innovations(rng, count, steps)
    arma_BT = moving_average(
        autoregress(white_BT, uniform(rng, count, -0.4, 0.98)), uniform(rng, count, -0.5, 0.6)
    )  # from zero on
    spectrum_BF = np.fft.rfft(rng.standard_normal((count, 2 * steps)), axis=1)
    frequency_F = np.maximum(np.arange(spectrum_BF.shape[1]), 1.0)
    power_BT = np.fft.irfft(spectrum_BF * frequency_F ** (-uniform(rng, count, -0.5, 2.0) / 2), axis=1)[:, :steps]
    kind_B1 = choice(rng, count, (0.3, 0.4, 0.3))
    return np.where(kind_B1 == 0, white_BT, np.where(kind_B1 == 1, standardised(arma_BT), standardised(power_BT)))


def garch(rng: np.random.Generator, count: int, steps: int) -> Floats:
    """(B, T) of GARCH(1, 1) (Bollerslev 1986), a third of it with leverage (Glosten, Jagannathan & Runkle 1993).

    Long-run variance 1; persistence 0.7 to 0.99.
    """
    shock_TB = tails(rng, count, steps, share=0.4).T
    persistence_B = 1.0 - log_uniform(rng, count, 0.01, 0.3)[:, 0]
    news_B = persistence_B * uniform(rng, count, 0.03, 0.4)[:, 0]
    leverage_B = np.where(chance(rng, count, 1 / 3)[:, 0], uniform(rng, count, 0.0, 0.8)[:, 0], 0.0)
    impact_TB = news_B * np.square(shock_TB - leverage_B) / (1.0 + np.square(leverage_B)) + (persistence_B - news_B)
    variance_TB = np.ones((steps, count))
    for t in range(1, steps):
        variance_TB[t] = (1.0 - persistence_B) + impact_TB[t - 1] * variance_TB[t - 1]
    return np.asarray((shock_TB * np.sqrt(np.minimum(variance_TB, 100.0))).T)
