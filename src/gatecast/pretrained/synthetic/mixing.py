"""Families that are made of other families: convex combinations, and sums over several finer steps."""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import Floats, Seasons, choice
from gatecast.pretrained.synthetic.families import BASIC, Unit
from gatecast.pretrained.synthetic.filters import standardised

__all__ = ["aggregate", "mixup"]

_BASES = tuple(family for family in BASIC.values() if family.unit is not Unit.COUNT)


def mixup(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) convex combinations of two or three series of standard deviation 1 (TSMixup, Ansari et al. 2024).

    Three families are drawn for all rows, with weights of a Dirichlet distribution for each; half leave one out.
    """
    weight_B3 = rng.dirichlet((1.5, 1.5, 1.5), count)
    weight_B3[:, 2] *= rng.random(count) < 0.5
    weight_B3 /= weight_B3.sum(axis=1, keepdims=True)
    total_BT = np.zeros((count, steps))
    for k in range(3):
        total_BT += weight_B3[:, k : k + 1] * standardised(_drawn(rng, count, steps, seasons))
    return total_BT


def _drawn(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of one family, drawn by weight."""
    weight_F = np.array([family.weight if seasons else family.weight_without_season for family in _BASES])
    return _BASES[rng.choice(len(_BASES), p=weight_F / weight_F.sum())].draw(rng, count, steps, seasons)


def aggregate(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of series with 2 to 5 times as many steps: their means, or the last of each (Working 1960).

    Monthly values are sums of days or the closing ones, and a sum of a random walk is none.
    """
    fine = int(rng.integers(2, 6))
    fine_BTF = _drawn(rng, count, steps * fine, tuple(fine * period for period in seasons)).reshape(count, steps, fine)
    return np.where(choice(rng, count, (0.75, 0.25)) == 0, fine_BTF.mean(axis=2), fine_BTF[:, :, -1])
