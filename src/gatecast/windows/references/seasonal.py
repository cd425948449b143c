"""The value one season before, or the median of several seasons: seasonal differencing.

season m    t+h-m ──▶ t+h              one season before the target, or more of them if h > m
depth d     t+h-m, t+h-2m, ..          the median of d of them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self, final

import numpy as np

from gatecast.errors import ConfigError
from gatecast.windows.index import forked
from gatecast.windows.references.reference import Block, BoundReference, Periodic, Reference

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.windows.targets import TargetRows

__all__ = ["Seasonal", "ahead_of", "median_of"]

MOST_SELECTED = 31  # the steps of the selection grow with the square of their number


@final
@dataclass(frozen=True)
class Seasonal(Periodic):
    """The value in the same place of the season before; where there is none yet, the last value.

    Args:
        season: steps of one season.
        depth: the median over that many seasons (1 = the latest one alone).
    """

    season: int
    depth: int = 1

    word: ClassVar[str] = "seasonal-difference"
    in_blocks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.season < 1 or self.depth < 1:
            raise ConfigError(f"{self.word} needs season >= 1 and depth >= 1; got {self.season}/{self.depth}.")

    @classmethod
    def parse(cls, argument: str) -> Self:
        season, slash, depth = argument.partition("/")
        return cls(int(season), int(depth) if slash else 1)

    def describe(self) -> str:
        return f"{self.word}:{self.season}{f'/{self.depth}' if self.depth > 1 else ''}"

    def bind(self, panel: Panel, rows: TargetRows) -> BoundReference:
        return _SeasonalRows(self, rows)

    @property
    def reach(self) -> int:
        return self.season * self.depth

    @property
    def history_needed(self) -> int:
        return self.season * (self.depth + 1)

    @property
    def main_season(self) -> int:
        return self.season

    @property
    def walk_rows(self) -> int:
        return self.season * self.depth

    def next(self, u_PTC: np.ndarray, first_P: np.ndarray, at: int) -> np.ndarray:
        paths, steps, targets = u_PTC.shape
        begin_P1 = np.arange(paths)[:, None] * steps
        first_P1 = begin_P1 + np.maximum(first_P, 0)[:, None]
        return self.of_rows(u_PTC.reshape(-1, targets), first_P1, begin_P1 + at, 1)[:, 0, 0]

    def of_rows(
        self, u_RC: np.ndarray | TargetRows, first_B1: np.ndarray, origin_BK: np.ndarray, horizon: int
    ) -> np.ndarray:
        """(B, K, H, C) median over the seasons of any rows; those that are missing repeat the nearest one."""
        steps_H = np.arange(1, horizon + 1)
        first_B11, origin_BK1 = first_B1[:, :, None], origin_BK[:, :, None]
        row_BKH = origin_BK1 + steps_H - self.season * -(-steps_H // self.season)
        row_BKH = np.where(row_BKH >= first_B11, row_BKH, origin_BK1)
        values = [u_RC[row_BKH]]
        for _ in range(self.depth - 1):
            earlier_BKH = row_BKH - self.season
            row_BKH = np.where(earlier_BKH >= first_B11, earlier_BKH, row_BKH)
            values.append(u_RC[row_BKH])
        return median_of(values)

    @property
    def family(self) -> tuple[str, int]:
        return f"{self.word}/{self.depth}", self.season

    def variants(self, field: str, values: Iterable[float], steps: float) -> tuple[Reference, ...]:
        """Medians of other numbers of seasons, as far as a typical series has them."""
        if field != "depth":
            return ()
        return tuple(replace(self, depth=int(depth)) for depth in values if depth <= steps / self.season)


@final
class _SeasonalRows(BoundReference):
    def __init__(self, reference: Seasonal, rows: TargetRows) -> None:
        self._reference, self._rows = reference, rows

    def at(self, series_B: np.ndarray, first_B1: np.ndarray, origin_BK: np.ndarray, horizon: int) -> np.ndarray:
        return self._reference.of_rows(self._rows, first_B1, origin_BK, horizon)

    def blocks(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        season = self._reference.season
        begin_B, steps = block.origin_B - block.lookback + 1, block.lookback + min(block.horizon, season)
        reference_BTC = median_of(
            [self._rows.windows(begin_B - back * season, steps) for back in range(1, self._reference.depth + 1)]
        )
        return reference_BTC, ahead_of(reference_BTC, block, season)


def ahead_of(season_BTC: np.ndarray, block: Block, season: int) -> np.ndarray:
    """(B, K, H, C) of every step ahead the newest season, from rows that lie one season after what they hold."""
    horizon = block.horizon
    whole_BKHC = forked(season_BTC, block.lookback - block.origins + 1, block.origins, min(horizon, season))
    if horizon <= season:
        return whole_BKHC
    return np.concatenate([whole_BKHC[:, :, : horizon - at] for at in range(0, horizon, season)], axis=2)


def median_of(values: list[np.ndarray]) -> np.ndarray:
    """Median, place by place, of a few arrays of one shape; the numbers of ``np.median``, many times as fast.

    Of any n // 2 + 2 of n values neither the smallest nor the largest can be in the middle. So these two are left out
    and the next one is taken in, until one is left, or the two whose mean it is. NaN goes through.
    """
    if len(values) > MOST_SELECTED:
        return np.asarray(np.median(np.stack(values), axis=0))
    most = len(values) // 2 + 2
    kept, later = values[:most], values[most:]
    while len(kept) > 2:
        kept = [*_without_extremes(kept), *later[:1]]
        later = later[1:]
    return kept[0] if len(kept) == 1 else np.asarray((kept[0] + kept[1]) / 2)


def _without_extremes(values: list[np.ndarray]) -> list[np.ndarray]:
    """All but the smallest and the largest of each place."""
    low, high = np.minimum(values[0], values[-1]), np.maximum(values[0], values[-1])
    inner = []
    for value in values[1:-1]:
        not_low, low = np.maximum(low, value), np.minimum(low, value)
        inner.append(np.minimum(not_low, high))
        high = np.maximum(not_low, high)
    return inner
