"""From numbers without level or size to the values that somebody might record: scale, sign, limits, errors, rounding.

The unit of a signal is its mean absolute step; a level of 50 such units is a relative variability of 2 %.
"""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import Flags, Floats, chance, choice, log_normal, log_uniform, normal, uniform
from gatecast.pretrained.synthetic.noise import tails

__all__ = ["LARGEST", "recorded", "sound"]

LARGEST = 1e9
"""No value is as large."""


def recorded(rng: np.random.Generator, signal_BT: Floats, logarithm_B1: Flags, positive_B1: Flags) -> Floats:
    """(B, T) values of any magnitude from signals of any level and size.

    Args:
        rng: draws.
        signal_BT: what the families drew.
        logarithm_B1: these are logarithms of values.
        positive_B1: these are values above 0 already, of which only the magnitude is free.
    """
    step_B1 = _step(signal_BT)
    unit_BT = (signal_BT - np.median(signal_BT, axis=1, keepdims=True)) / step_B1
    unit_BT *= np.where(chance(rng, len(unit_BT), 0.12) & ~logarithm_B1, -1.0, 1.0)
    unit_BT += _errors(rng, unit_BT)
    exponential_B1 = chance(rng, len(unit_BT), 0.5) | logarithm_B1
    values_BT = np.where(exponential_B1, _exponential(rng, unit_BT), _additive(rng, unit_BT))
    values_BT = np.where(positive_B1, signal_BT, values_BT)
    return _rounded(rng, _magnitude(rng, _restricted(rng, values_BT)))


def _step(value_BT: Floats) -> Floats:
    """(B, 1) mean absolute step; 1 where there is none."""
    step_B1 = np.abs(np.diff(value_BT, axis=1)).mean(axis=1, keepdims=True)
    return np.where(step_B1 > 0, step_B1, 1.0)


def _errors(rng: np.random.Generator, unit_BT: Floats) -> Floats:
    """(B, T) errors of measurement and outliers: 0 for most series."""
    count, steps = unit_BT.shape
    error_BT = np.zeros_like(unit_BT)
    noisy = np.flatnonzero(rng.random(count) < 0.12)
    error_BT[noisy] = tails(rng, len(noisy), steps, share=0.7) * log_uniform(rng, len(noisy), 0.05, 1.5)
    odd = np.flatnonzero(rng.random(count) < 0.10)
    rate_R1 = log_uniform(rng, len(odd), 0.7 / steps, 0.03 + 0.7 / steps)
    size_RT = rng.standard_normal((len(odd), steps)) * log_normal(rng, len(odd), 6.0, 0.5)
    error_BT[odd] += np.where(rng.random((len(odd), steps)) < rate_R1, size_RT, 0.0)
    return error_BT


def _variability(rng: np.random.Generator, count: int) -> Floats:
    """(B, 1) step relative to the level; half of them between 1 and 30 %."""
    return np.where(chance(rng, count, 0.5), log_uniform(rng, count, 0.002, 0.5), log_uniform(rng, count, 0.01, 0.3))


def _exponential(rng: np.random.Generator, unit_BT: Floats) -> Floats:
    """(B, T) above 0: growth in percent. The largest is seldom more than a hundred times the smallest."""
    range_B1 = np.maximum(np.ptp(unit_BT, axis=1, keepdims=True), 1e-9)
    widest_B1 = np.minimum(log_normal(rng, len(unit_BT), 1.3, 0.8), 6.0)
    return np.exp(np.minimum(_variability(rng, len(unit_BT)), widest_B1 / range_B1) * unit_BT)


def _additive(rng: np.random.Generator, unit_BT: Floats) -> Floats:
    """(B, T): most have a level that keeps them above 0, some begin near 0, some change sign, some are bounded."""
    count = len(unit_BT)
    range_B1 = np.maximum(np.ptp(unit_BT, axis=1, keepdims=True), 1e-9)
    low_B1 = unit_BT.min(axis=1, keepdims=True)
    above_B1 = np.maximum(1.0 / _variability(rng, count), log_uniform(rng, count, 0.02, 3.0) * range_B1 - low_B1)
    crossing_B1 = normal(rng, count, 0.5) * range_B1
    level_B1 = np.where(chance(rng, count, 0.9), above_B1, crossing_B1)
    bounded_BT = 1.0 / (1.0 + np.exp(-unit_BT * (log_uniform(rng, count, 0.5, 8.0) / range_B1) + normal(rng, count)))
    return np.where(chance(rng, count, 0.07), bounded_BT, unit_BT + level_B1)


def _restricted(rng: np.random.Generator, value_BT: Floats) -> Floats:
    """(B, T): some are mirrored, cut at a floor or a capacity, kept until the next change, or begin late."""
    count, steps = value_BT.shape
    out_BT = np.where(chance(rng, count, 0.03), -value_BT, value_BT)
    ordered_BT = np.sort(out_BT, axis=1)
    at_B1 = (log_uniform(rng, count, 0.03, 0.3) * steps).astype(np.intp)
    floor_B1 = np.take_along_axis(ordered_BT, at_B1, axis=1)
    capacity_B1 = np.take_along_axis(ordered_BT, steps - 1 - at_B1, axis=1)
    kind_B1 = choice(rng, count, (0.94, 0.03, 0.03))
    limited_BT = np.where(kind_B1 == 1, np.maximum(out_BT, floor_B1), np.minimum(out_BT, capacity_B1))
    out_BT = np.where(kind_B1 == 0, out_BT, limited_BT)
    return _beginning_late(rng, _kept(rng, out_BT))


def _kept(rng: np.random.Generator, value_BT: Floats) -> Floats:
    """(B, T): a fortieth are set anew now and then only, as prices are."""
    rows = np.flatnonzero(rng.random(len(value_BT)) < 0.025)
    steps = value_BT.shape[1]
    renewed_RT = rng.random((len(rows), steps)) < log_uniform(rng, len(rows), 0.15, 0.9)
    at_RT = np.maximum.accumulate(np.where(renewed_RT, np.arange(steps), 0), axis=1)
    value_BT[rows] = np.take_along_axis(value_BT[rows], at_RT, axis=1)
    return value_BT


def _beginning_late(rng: np.random.Generator, value_BT: Floats) -> Floats:
    """(B, T): a fiftieth of those above 0 are 0 for up to a third of the steps, as before a product was launched."""
    rows = np.flatnonzero((rng.random(len(value_BT)) < 0.02) & (value_BT > 0).all(axis=1))
    steps = value_BT.shape[1]
    before_RT = np.arange(steps) < uniform(rng, len(rows), 0.02, 0.35) * steps
    value_BT[rows] = np.where(before_RT, 0.0, value_BT[rows])
    return value_BT


def _magnitude(rng: np.random.Generator, value_BT: Floats) -> Floats:
    """(B, T) of a mean size of 0.01 to 100,000."""
    size_B1 = np.abs(value_BT).mean(axis=1, keepdims=True)
    return value_BT * (log_uniform(rng, len(value_BT), 1e-2, 1e5) / np.where(size_B1 > 0, size_B1, 1.0))


def _rounded(rng: np.random.Generator, value_BT: Floats) -> Floats:
    """(B, T): a quarter whole numbers, where steps are large enough; a third to a digit that is seldom felt."""
    count = len(value_BT)
    step_B1 = _step(value_BT)
    digit_B1 = 10.0 ** np.floor(np.log10(step_B1) + uniform(rng, count, -2.5, 0.2))
    kind_B1 = choice(rng, count, (0.35, 0.3, 0.35))
    whole_B1 = (kind_B1 == 1) & (step_B1 > log_uniform(rng, count, 0.3, 10.0))
    fine_B1 = np.where(whole_B1, 1.0, digit_B1)
    return np.where(whole_B1 | (kind_B1 == 2), np.round(value_BT / fine_B1) * fine_B1, value_BT)


def sound(value_BT: Floats) -> np.ndarray:
    """(B,) whether values are finite, below 1e9, not constant, and end within 100 times the range they began with.

    Measured from the median of the first 70 % of the steps, over their range; where that is 0, any end is too far.
    """
    head = max(2, int(0.7 * value_BT.shape[1]))
    known_BT = np.where(np.isfinite(value_BT), value_BT, np.inf)
    finite_B = np.abs(known_BT).max(axis=1) < LARGEST
    calm_BT = np.where(finite_B[:, None], value_BT, 0.0)
    range_B = np.ptp(calm_BT[:, :head], axis=1)
    middle_B1 = np.median(calm_BT[:, :head], axis=1, keepdims=True)
    reach_B = np.abs(calm_BT[:, head:] - middle_B1).max(axis=1, initial=0.0)
    level_B = np.abs(calm_BT).max(axis=1)
    return np.asarray(finite_B & (range_B > 1e-9 * level_B) & (reach_B <= 100.0 * range_B))
