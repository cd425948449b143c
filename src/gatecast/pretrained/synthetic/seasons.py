"""Seasonality: the shapes of a cycle, how they last or change, and the effects of the calendar.

Amplitudes are in units of the noise that a family adds, whose standard deviation is about 1.

Shapes: B series, T steps, M places of a cycle, J harmonics, P peaks of all series.
"""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import (
    Flags,
    Floats,
    Seasons,
    chance,
    choice,
    log_normal,
    log_uniform,
    normal,
    uniform,
)
from gatecast.pretrained.synthetic.filters import standardised

__all__ = ["active", "amplitudes", "calendar_effects", "patterns", "seasonal"]

LONG = 13
"""Places from which on a cycle has no shape of unrelated values: few real ones have."""
TYPICAL = ((4.0, 7.0, 12.0, 24.0, 48.0, 52.0, 365.0), (0.9, 1.5, 2.3, 12.0, 12.0, 4.5, 5.0))
"""Periods, and the median amplitude of each in standard deviations of the noise; between them it is interpolated."""
DAYS_IN_MONTH = (31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0)


def patterns(rng: np.random.Generator, count: int, period: int) -> Floats:
    """(B, M) of mean 0 and standard deviation 1, each with its own phase.

    Smooth (few harmonics), rough (unrelated values), bumps (one to three peaks or troughs), or working (high and low
    stretches, as days of work and weekends); some roughness on all of them.
    """
    rough_BM = rng.standard_normal((count, period))
    kind_B1 = choice(rng, count, (0.40, 0.08, 0.32, 0.20) if period > LONG else (0.32, 0.28, 0.22, 0.18))
    shape_BM = np.select(
        [kind_B1 == 0, kind_B1 == 1, kind_B1 == 2],
        [_harmonics(rng, count, period), rough_BM, _bumps(rng, count, period)],
        _working(rng, count, period),
    )
    most = 0.3 if period > LONG else 0.5
    return standardised(standardised(shape_BM) + rough_BM * log_uniform(rng, count, 0.005, most))


def _harmonics(rng: np.random.Generator, count: int, period: int) -> Floats:
    """(B, M) of up to five harmonics whose amplitudes fall."""
    angle_M = 2 * np.pi * np.arange(period) / period
    j_J = np.arange(1, min(5, period // 2) + 1)
    heard_BJ = (j_J <= rng.integers(1, 6, (count, 1))) / j_J**0.7
    cosine_BJ, sine_BJ = rng.standard_normal((2, count, len(j_J))) * heard_BJ
    return np.asarray(cosine_BJ @ np.cos(np.outer(j_J, angle_M)) + sine_BJ @ np.sin(np.outer(j_J, angle_M)))


def _bumps(rng: np.random.Generator, count: int, period: int) -> Floats:
    """(B, M) of one to three peaks or troughs, from as wide as half a cycle to one place."""
    angle_M = 2 * np.pi * np.arange(period) / period
    sharpest = max(1.0, min(period * period / 8, 400.0))
    height_P1 = log_normal(rng, 3 * count, 1.0, 0.4) * np.where(chance(rng, 3 * count, 0.75), 1.0, -1.0)
    height_P1[count:] *= chance(rng, 2 * count, 0.4)
    sharpness_P1 = log_uniform(rng, 3 * count, 0.5, 2.0 * sharpest)
    bump_PM = height_P1 * np.exp(sharpness_P1 * (np.cos(angle_M + uniform(rng, 3 * count, 0.0, 2 * np.pi)) - 1.0))
    return bump_PM[:count] + bump_PM[count : 2 * count] + bump_PM[2 * count :]


def _working(rng: np.random.Generator, count: int, period: int) -> Floats:
    """(B, M): low for one stretch of a cycle, high for the rest, both a little tilted."""
    place_BM = (np.arange(period) + rng.integers(0, period, (count, 1))) % period / period
    low_BM = place_BM < uniform(rng, count, 0.8 / period, 0.5)
    return np.asarray(low_BM * np.where(chance(rng, count, 0.8), -1.0, 1.0) + place_BM * normal(rng, count, 0.3))


def amplitudes(rng: np.random.Generator, count: int, period: int, *, first: bool) -> Floats:
    """(B, 1) standard deviations of a seasonality: from negligible to dominating.

    The more steps a cycle has, the larger it is relative to the noise of one step, the most so over the hours of a day;
    a second season is the weaker one.
    """
    median = float(np.interp(period, *TYPICAL))
    return log_normal(rng, count, median if first else 0.6 * median, 1.3)


def active(rng: np.random.Generator, count: int, seasons: Seasons, share: float = 0.8) -> list[Flags]:
    """Which of the seasons each series has: (B, 1) for each of them; this share has at least one, mostly the first."""
    if not seasons:
        return []
    any_B1, first_B1 = chance(rng, count, share), chance(rng, count, 0.9)
    others = [chance(rng, count, 0.7) | ~first_B1 for _ in seasons[1:]]
    return [any_B1 & (first_B1 if others else True), *(any_B1 & other_B1 for other_B1 in others)]


def seasonal(rng: np.random.Generator, count: int, steps: int, seasons: Seasons, share: float = 0.8) -> Floats:
    """(B, T) sum of all seasons; 0 where a series has none.

    Half of them repeat exactly; others grow, shrink, or turn from one shape into another. Where one period is a
    multiple of the other (hours of a day, hours of a week), half of the short cycles are weaker in a part of the long
    one, as at weekends.

    Args:
        rng: draws.
        count: series, B.
        steps: T.
        seasons: periods in steps.
        share: of the series that have a season.
    """
    total_BT = np.zeros((count, steps))
    for k, on_B1 in enumerate(active(rng, count, seasons, share)):
        cycle_BT = _lasting(rng, count, steps, seasons[k])
        longer = [other for other in seasons if other > seasons[k] and other % seasons[k] == 0]
        if longer:
            cycle_BT *= _weekly(rng, count, steps, seasons[k], longer[0])
        total_BT += np.where(on_B1, amplitudes(rng, count, seasons[k], first=k == 0), 0.0) * cycle_BT
    return total_BT


def _lasting(rng: np.random.Generator, count: int, steps: int, period: int) -> Floats:
    """(B, T) cycles of one period."""
    place_T, u_T = np.arange(steps) % period, np.linspace(-0.5, 0.5, steps)
    both_BT = patterns(rng, 2 * count, period)[:, place_T]
    cycle_BT = both_BT[:count]
    kind_B1 = choice(rng, count, (0.55, 0.2, 0.25))
    growing_BT = np.exp(normal(rng, count, 0.9) * u_T)
    turn_BT = 1.0 / (1.0 + np.exp(-log_uniform(rng, count, 2.0, 40.0) * (u_T - uniform(rng, count, -0.4, 0.8))))
    turning_BT = cycle_BT + turn_BT * normal(rng, count, 0.8) * both_BT[count:]
    return np.where(kind_B1 == 0, cycle_BT, np.where(kind_B1 == 1, cycle_BT * growing_BT, turning_BT))


def _weekly(rng: np.random.Generator, count: int, steps: int, short: int, long: int) -> Floats:
    """(B, T) strength of a short cycle: 1, or in two of the short cycles of each long one another."""
    cycle_BT = (np.arange(steps) + rng.integers(0, long, (count, 1))) % long // short
    weekend_BT = cycle_BT < max(1, round(2 * long / short / 7))
    return np.where(weekend_BT & chance(rng, count, 0.5), uniform(rng, count, 0.1, 1.0), 1.0)


def calendar_effects(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of standard deviation about 1: trading days, lengths of months, a holiday that moves.

    The numbers of each weekday in a month or a quarter wobble at the frequencies into which the week folds (Cleveland
    & Devlin 1980): 0.348 cycles a month, and twice that. Without a known length of the steps frequencies are drawn,
    and without seasons there are no holidays.

    Args:
        rng: draws.
        count: series, B.
        steps: T.
        seasons: periods in steps; the longest is taken for a year.
    """
    year = max(seasons, default=0)
    week_B1 = np.full((count, 1), 365.25 / year / 7 % 1) if year in {4, 12} else uniform(rng, count, 0.05, 0.45)
    t_T = np.arange(steps)
    wobble_BT = np.zeros((count, steps))
    for j in (1, 2):
        wobble_BT += normal(rng, count, 1.0 / j) * np.cos(2 * np.pi * (j * week_B1 * t_T + rng.random((count, 1))))
    effect_BT = wobble_BT * log_uniform(rng, count, 0.2, 2.0)
    if year == 12:
        days_M = (np.array(DAYS_IN_MONTH) - 30.4) / 0.8
        effect_BT += log_uniform(rng, count, 0.1, 2.0) * days_M[(t_T + rng.integers(0, 12, (count, 1))) % 12]
    if year:
        effect_BT += _holiday(rng, count, steps, year) * normal(rng, count, 4.0)
    return effect_BT


def _holiday(rng: np.random.Generator, count: int, steps: int, year: int) -> Floats:
    """(B, T): 1 in one step of each year, which in some years is the next step, in others split between the two."""
    years = steps // year + 2
    at_BY = np.arange(years) * year + rng.integers(0, year, (count, 1)) - year
    part_BY = np.clip(rng.uniform(-0.7, 1.7, (count, years)), 0.0, 1.0)
    effect_BT = np.zeros((count, steps + 1))
    row_BY = np.broadcast_to(np.arange(count)[:, None], at_BY.shape)
    for shift, share_BY in ((0, 1.0 - part_BY), (1, part_BY)):
        inside_BY = (at_BY + shift >= 0) & (at_BY + shift < steps)
        effect_BT[row_BY[inside_BY], at_BY[inside_BY] + shift] += share_BY[inside_BY]
    return effect_BT[:, :steps]
