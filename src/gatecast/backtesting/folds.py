"""Rolling origins in folds: one training serves the origins of a fold.

refit=False   ──────train──────┤ o1   o2   o3   o4         one fold: trained once, before the first origin
refit=2       ──────train──────┤ o1   o2                   two folds; the window expands ...
              ──────train────────────────┤ o3   o4
                        ──train──────────┤ o3   o4         ... or slides along
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.errors import (
    Argument,
    ConfigError,
    WindowError,
    did_you_mean,
    listed,
    optional_count,
    require_count,
    shown,
)

__all__ = [
    "WINDOWS",
    "Fold",
    "long_enough",
    "make_folds",
    "origins_within_half",
    "require_rolling",
    "stride_that_fits",
    "training_panel",
]

WINDOWS = ("expanding", "sliding")


@dataclass(frozen=True)
class Fold:
    """The origins ``begin`` (inclusive) to ``end`` (exclusive) of each series, oldest first."""

    number: int
    begin: int
    end: int

    @property
    def origins(self) -> slice:
        """These origins as a slice of (N, O)."""
        return slice(self.begin, self.end)


def require_rolling(origins: int, stride: int | None, window: str) -> tuple[int, int | None]:
    """Origins and stride as Python's own numbers. Raises ConfigError for one below 1 or an unknown window."""
    if window not in WINDOWS:
        told = f"={window!r} is unknown{did_you_mean(window, WINDOWS)}. Known: {listed(WINDOWS)}."
        raise ConfigError(Argument("window", of="backtest"), told)
    return require_count("origins", origins), optional_count("stride", stride)


def long_enough(panel: Panel, horizon: int, origins: int, stride: int) -> Panel:
    """The series with two steps at least up to the first of their origins. Raises WindowError where there are none."""
    held = horizon + (origins - 1) * stride
    whole = panel.drop_short(held + 2)
    if not len(whole):
        raise WindowError(
            f"no series has more than {held + 1} steps, which {origins} origins of {horizon} steps, {stride} apart, "
            f"need. Use fewer origins, a smaller stride or a shorter horizon."
        )
    return whole


def make_folds(origins: int, refit: bool | int) -> list[Fold]:
    """Folds of ``refit`` origins each; False = all in one, True = each its own.

    >>> [(fold.begin, fold.end) for fold in make_folds(5, 2)]
    [(0, 2), (2, 4), (4, 5)]
    """
    try:
        size = (1 if refit else origins) if isinstance(refit, bool | np.bool_) else require_count("refit", refit)
    except ConfigError as error:
        told = f"refit must be False, True or a number of origins, at least 1; got {shown(refit)}."
        raise ConfigError(told) from error
    return [Fold(k, at, min(at + size, origins)) for k, at in enumerate(range(0, origins, size))]


def training_panel(panel: Panel, origin_NO: np.ndarray, fold: Fold, window: str) -> Panel:
    """What a fold may be trained on: each series up to its first origin in the fold, that step included.

    Args:
        panel: all series.
        origin_NO: (N, O) origin rows.
        fold: which origins.
        window: "expanding" = from the series' begin; "sliding" = as many steps as the first fold had.
    """
    known_N = origin_NO[:, fold.begin] + 1 - panel.first
    begin_N = known_N - (origin_NO[:, 0] + 1 - panel.first) if window == "sliding" else np.zeros_like(known_N)
    return panel.slice(begin_N, known_N)


def stride_that_fits(length_N: np.ndarray, horizon: int, origins: int) -> int:
    """The horizon, or fewer steps where a typical series would lose more than half of its steps to the origins.

    Without a gap between them the origins use every truth once; strides below the horizon use some several times.
    """
    return int(np.clip(_room(length_N, horizon) // max(origins - 1, 1), 1, horizon))


def origins_within_half(panel: Panel, horizon: int, most: int) -> int:
    """As many origins, at most ``most``, as take no more than half of a typical series; one at least."""
    return int(np.clip(_room(panel.length, horizon) + 1, 1, most))


def _room(length_N: np.ndarray, horizon: int) -> int:
    """Steps from the first origin to the last one that half of a typical series has room for."""
    return int(np.median(length_N)) // 2 - horizon
