"""Deterministic trends with season and noise, and the growth curves of populations and economies."""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import (
    Floats,
    Seasons,
    chance,
    choice,
    log_normal,
    log_uniform,
    normal,
    uniform,
)
from gatecast.pretrained.synthetic.filters import autoregress
from gatecast.pretrained.synthetic.noise import coloured, innovations
from gatecast.pretrained.synthetic.seasons import calendar_effects, seasonal

__all__ = ["calendar", "growth", "trend_season_irregular", "trends"]


def trends(rng: np.random.Generator, count: int, steps: int) -> Floats:
    """(B, T) of a rise of about 1, or a fall: linear, quadratic, exponential, logistic, broken lines, or none.

    Logistic curves (Verhulst 1838) may bend before, within or after the series. Broken lines have up to four breaks.
    """
    u_T = np.linspace(0.0, 1.0, steps)
    bend_B1 = uniform(rng, count, -1.0, 1.0)
    rate_B1 = np.where(chance(rng, count, 0.6), 1.0, -1.0) * log_uniform(rng, count, 0.5, 5.0)
    steep_B1 = log_uniform(rng, count, 2.0, 25.0)
    kinds = (
        np.broadcast_to(u_T, (count, steps)),
        u_T + bend_B1 * u_T * (u_T - 1.0) * 3.0,
        np.expm1(rate_B1 * u_T) / np.expm1(np.abs(rate_B1)),
        1.0 / (1.0 + np.exp(-steep_B1 * (u_T - uniform(rng, count, -0.1, 1.2)))),
        _broken_lines(rng, count, u_T),
        np.zeros((count, steps)),
    )
    kind_B1 = choice(rng, count, (0.24, 0.13, 0.14, 0.12, 0.25, 0.12))
    return np.where(chance(rng, count, 0.75), 1.0, -1.0) * np.choose(kind_B1, kinds)


def _broken_lines(rng: np.random.Generator, count: int, u_T: Floats) -> Floats:
    """(B, T) lines through one to four breaks; a third of the breaks are jumps too."""
    line_BT = normal(rng, count) * u_T
    for j in range(4):
        after_BT = np.maximum(u_T - uniform(rng, count, 0.05, 0.97), 0.0)
        change_B1 = normal(rng, count, 1.5) * ((j == 0) | chance(rng, count, 0.4))
        line_BT += change_B1 * after_BT + normal(rng, count, 0.3) * chance(rng, count, 0.15) * (after_BT > 0)
    return line_BT


def trend_season_irregular(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) trend + season + noise of any colour (Persons 1919), noise of standard deviation 1."""
    rise_B1 = log_normal(rng, count, 7.0, 1.2)
    return rise_B1 * trends(rng, count, steps) + seasonal(rng, count, steps, seasons) + coloured(rng, count, steps)


def growth(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) logarithms of a quantity whose growth rates are positively correlated, as in yearly economic data.

    A rate wanders about a mean that is steady (exponential growth), fades (saturation, as Gompertz 1825) or turns
    (rise and decline); shocks hit the rate, and some errors of measurement the level. Rates of standard deviation 1.
    """
    u_T = np.linspace(0.0, 1.0, steps)
    fade_B1 = uniform(rng, count, -0.5, 4.0) * chance(rng, count, 0.5)
    turn_B1 = uniform(rng, count, 0.5, 1.5) * chance(rng, count, 0.25)
    mean_BT = np.exp(-fade_B1 * u_T) * (1.0 - turn_B1 * u_T)
    pole_B1 = uniform(rng, count, 0.0, 0.95)
    rate_BT = autoregress(innovations(rng, count, steps), pole_B1) * np.sqrt(1.0 - np.square(pole_B1))
    sign_B1 = np.where(chance(rng, count, 0.8), 1.0, -1.0)
    rate_BT += sign_B1 * log_uniform(rng, count, 0.1, 6.0) * mean_BT
    measured_BT = rng.standard_normal((count, steps)) * log_uniform(rng, count, 0.01, 0.6)
    return np.cumsum(rate_BT, axis=1) + measured_BT + seasonal(rng, count, steps, seasons, share=0.6)


def calendar(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) trend or walk, season, and effects of the calendar (Cleveland & Devlin 1980), with little noise."""
    walk_BT = np.cumsum(innovations(rng, count, steps), axis=1) * log_uniform(rng, count, 0.02, 0.6)
    level_BT = log_normal(rng, count, 5.0, 1.0) * trends(rng, count, steps) + walk_BT
    noise_BT = innovations(rng, count, steps) * log_uniform(rng, count, 0.15, 1.0)
    effect_BT = calendar_effects(rng, count, steps, seasons)
    return np.asarray(level_BT + noise_BT + effect_BT + seasonal(rng, count, steps, seasons))
