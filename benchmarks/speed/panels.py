"""Synthetic panels; numpy only, for the peers' environment makes them too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["synthetic"]


def synthetic(series: int, steps: int, seed: int = 0) -> NDArray[np.float32]:
    """(series, steps) float32: a level, a daily season and a random walk; all above zero.

    Made in blocks, so that the making needs little memory beside the result.
    """
    values_NT = np.empty((series, steps), np.float32)
    rng = np.random.default_rng(seed)
    season_T = np.sin(2 * np.pi * np.arange(steps) / 24).astype(np.float32)
    for at in range(0, series, 1000):
        block_BT = values_NT[at : at + 1000]
        count = len(block_BT)
        block_BT[:] = np.cumsum(rng.standard_normal((count, steps), np.float32), axis=1)
        block_BT += rng.uniform(2, 20, (count, 1)).astype(np.float32) * season_T
        block_BT += rng.uniform(300, 600, (count, 1)).astype(np.float32)
        np.maximum(block_BT, 1, out=block_BT)
    return values_NT
