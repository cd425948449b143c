"""Batches of made-up series: every series draws a family, its parameters, and the world that it is recorded in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from gatecast.pretrained.synthetic.draws import Floats, Seasons
from gatecast.pretrained.synthetic.families import BASIC, Family, Unit
from gatecast.pretrained.synthetic.mixing import aggregate, mixup
from gatecast.pretrained.synthetic.worlds import recorded, sound

__all__ = ["FAMILIES", "of_family", "series"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        **BASIC,
        "mixup": Family(mixup, 0.05, 0.04, "Ansari et al. 2024"),
        "aggregate": Family(aggregate, 0.04, 0.07, "Working 1960"),
    }
)


def series(seed: int, index: int, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) made-up series, all finite, none constant, |value| < 1e9.

    A function of its arguments alone: any batch can be made at any time, by any process.

    Args:
        seed: of all random numbers, 0 or more.
        index: of the batch, 0 or more.
        count: series, B.
        steps: T, at least 3.
        seasons: periods in steps, each at least 2, in rising order; () = none. About a fifth of the series of a batch
            with seasons have none all the same.

    Raises:
        ValueError: fewer than 3 steps, or a season of fewer than 2.
    """
    weight_F = np.array([f.weight if seasons else f.weight_without_season for f in FAMILIES.values()])
    rng = np.random.default_rng([seed, index])
    family_B = rng.choice(len(weight_F), count, p=weight_F / weight_F.sum())
    return _made(rng, family_B, steps, seasons)


def of_family(name: str, seed: int, index: int, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) made-up series of one family, recorded in the same worlds as those of `series`.

    Raises:
        KeyError: no family has this name.
        ValueError: as `series`.
    """
    family_B = np.full(count, list(FAMILIES).index(name) if name in FAMILIES else FAMILIES[name])
    return _made(np.random.default_rng([seed, index]), family_B, steps, seasons)


def _made(rng: np.random.Generator, family_B: np.ndarray, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of the given families; a random walk where a series came out unfit for use."""
    if steps < 3 or min(seasons, default=2) < 2:
        raise ValueError(f"{steps} steps and seasons {seasons}: at least 3 steps, and 2 for each season, are needed")
    signal_BT = np.empty((len(family_B), steps))
    units = [family.unit for family in FAMILIES.values()]
    for k, family in enumerate(FAMILIES.values()):
        rows = np.flatnonzero(family_B == k)
        if len(rows):
            signal_BT[rows] = family.draw(rng, len(rows), steps, seasons)
    is_B1 = {unit: np.isin(family_B, [k for k, own in enumerate(units) if own is unit])[:, None] for unit in Unit}
    value_BT = recorded(rng, signal_BT, is_B1[Unit.LOGARITHM], is_B1[Unit.POSITIVE])
    value_BT = np.where(is_B1[Unit.COUNT], signal_BT, value_BT)
    unfit = np.flatnonzero(~sound(value_BT))
    value_BT[unfit] = np.cumsum(rng.standard_normal((len(unfit), steps)), axis=1)
    return value_BT
