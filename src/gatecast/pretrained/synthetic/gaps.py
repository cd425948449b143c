"""Missing values in made-up series: single ones, blocks, and days on which nothing is ever recorded."""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import Flags, Floats, choice, log_uniform

__all__ = ["with_gaps"]

SHARE, MOST = 0.2, 0.4
"""Of the series that have gaps; of the steps that may be missing."""
_STREAM = 1


def with_gaps(seed: int, index: int, values_BT: Floats) -> Floats:
    """The same values, with nan in about a fifth of the series.

    The first two values and the last one are always there, and at most 40 % of a series is missing.

    Args:
        seed: of all random numbers, 0 or more.
        index: of the batch, 0 or more.
        values_BT: not changed.
    """
    rng = np.random.default_rng([seed, index, _STREAM])
    count, steps = values_BT.shape
    rows = np.flatnonzero(rng.random(count) < SHARE)
    kinds = (_single(rng, len(rows), steps), _blocks(rng, len(rows), steps), _regular(rng, len(rows), steps))
    missing_RT = np.choose(choice(rng, len(rows), (0.45, 0.3, 0.25)), kinds).astype(np.bool_)
    missing_RT[:, :2] = missing_RT[:, -1] = False
    missing_RT &= np.cumsum(missing_RT, axis=1) <= int(MOST * steps)
    out_BT = values_BT.astype(np.float64)
    out_BT[rows] = np.where(missing_RT, np.nan, out_BT[rows])
    return out_BT


def _single(rng: np.random.Generator, count: int, steps: int) -> Flags:
    """(B, T): each step for itself, one to a quarter of them."""
    return rng.random((count, steps)) < log_uniform(rng, count, 1.0 / steps, 0.25 + 1.0 / steps)


def _blocks(rng: np.random.Generator, count: int, steps: int) -> Flags:
    """(B, T): one to three stretches of up to a tenth of the steps each."""
    missing_BT = np.zeros((count, steps), dtype=np.bool_)
    blocks_B1 = rng.integers(1, 4, (count, 1))
    for j in range(3):
        first_B1 = rng.integers(0, steps, (count, 1))
        length_B1 = np.ceil(log_uniform(rng, count, 1.0, max(2.0, steps / 10))) * (j < blocks_B1)
        missing_BT |= (np.arange(steps) >= first_B1) & (np.arange(steps) < first_B1 + length_B1)
    return missing_BT


def _regular(rng: np.random.Generator, count: int, steps: int) -> Flags:
    """(B, T): the same places of every cycle of 3 to 12 steps, half of them the weekends of a week."""
    cycle_B1 = np.where(rng.random((count, 1)) < 0.5, 7, rng.integers(3, 13, (count, 1)))
    width_B1 = np.where(cycle_B1 >= 6, rng.integers(1, 3, (count, 1)), 1)
    return (np.arange(steps) + rng.integers(0, 12, (count, 1))) % cycle_B1 < width_B1
