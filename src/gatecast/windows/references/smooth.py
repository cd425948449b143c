"""Level and season of an exponential smoothing of the whole series so far, see ``gatecast.windows.smoothing``.

at origin t     level_t + the newest season of t+h's place in the cycle
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self, final

import numpy as np

from gatecast.data.rows import windows_at
from gatecast.errors import ConfigError
from gatecast.windows.references.reference import Before, Block, BoundReference, Periodic, Reference, exact
from gatecast.windows.references.seasonal import ahead_of
from gatecast.windows.smoothing import SmoothedAsRead, Start

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.data.schema import Schema
    from gatecast.windows.targets import TargetRows

__all__ = ["Smooth"]


@final
@dataclass(frozen=True)
class Smooth(Periodic):
    """What an exponential smoothing of the whole series so far forecasts.

    Args:
        season: steps of one season (1 = a level alone).
        alpha: gain of the level, above 0 to 1.
        gamma: gain of the season, 0 to 1.
    """

    season: int
    alpha: float
    gamma: float

    word: ClassVar[str] = "smooth"
    wants: ClassVar[str] = "season/alpha/gamma, such as smooth:12/0.2/0.3,"
    has_whole_history: ClassVar[bool] = True
    in_blocks: ClassVar[bool] = True
    goes_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.season < 1:
            raise ConfigError(f"{self.word} needs season >= 1; got {self.season}.")
        if not (0 < self.alpha <= 1 and 0 <= self.gamma <= 1):
            raise ConfigError(f"the gains of {self.word} lie between 0 and 1; got {self.alpha} and {self.gamma}.")

    @classmethod
    def parse(cls, argument: str) -> Self:
        season, alpha, gamma = argument.split("/")
        return cls(int(season), float(alpha), float(gamma))

    def describe(self) -> str:
        return f"{self.word}:{self.season}/{exact(self.alpha)}/{exact(self.gamma)}"

    def bind(self, panel: Panel, rows: TargetRows) -> BoundReference:
        return _SmoothRows(self, panel, rows, None)

    def resume(self, panel: Panel, rows: TargetRows, before: Before) -> BoundReference:
        return _SmoothRows(self, panel, rows, before)

    def state_shape(self, schema: Schema) -> tuple[int, ...]:
        """Level and season at the first rows, as many as a season has."""
        return 2, self.season, len(schema.targets)

    @property
    def reach(self) -> int:
        return self.season

    @property
    def observed_reach(self) -> int:
        return 0  # smoothing goes through gaps

    def variants(self, field: str, values: Iterable[float], steps: float) -> tuple[Reference, ...]:
        """Other gains of the level and, where there is one, of the season."""
        if field == "alpha":
            return tuple(replace(self, alpha=alpha) for alpha in values)
        return tuple(replace(self, gamma=gamma) for gamma in values) if field == "gamma" and self.season > 1 else ()


@final
class _SmoothRows(BoundReference):
    def __init__(self, reference: Smooth, panel: Panel, rows: TargetRows, before: Before | None) -> None:
        self._reference, self._panel, self._rows, self._before = reference, panel, rows, before

    def state_at(self, series_M: np.ndarray, row_M: np.ndarray) -> np.ndarray:
        smooth = self._smooth.of(series_M)
        row_MS = row_M[:, None] + np.arange(self._reference.season)
        return np.stack([smooth.level_RC[row_MS], smooth.season_RC[row_MS]], axis=1)

    @cached_property
    def _smooth(self) -> SmoothedAsRead:
        """Level and season at every row of the series that are read; a series begins with its first observed target."""
        stop, kind = self._panel.stop, self._reference
        begun_N, start = np.minimum(self._rows.begun, stop - 1), None
        if self._before is not None:
            begun_N = np.where(self._before.steps > 0, self._panel.first, begun_N)
            state_N2MC = self._before.state.astype(self._rows.dtype)
            start = Start(self._before.steps, state_N2MC[:, 0], state_N2MC[:, 1])
        return SmoothedAsRead(self._rows, begun_N, stop - begun_N, kind.season, kind.alpha, kind.gamma, start)

    def at(self, series_B: np.ndarray, first_B1: np.ndarray, origin_BK: np.ndarray, horizon: int) -> np.ndarray:
        """Level at the origin plus the newest season of each step's place; in the first season the level alone."""
        season, smooth = self._reference.season, self._smooth.of(series_B)
        first_B11, origin_BK1, steps_H = first_B1[:, :, None], origin_BK[:, :, None], np.arange(1, horizon + 1)
        level_BK1C = smooth.level_RC[origin_BK1]
        if season == 1:
            return np.broadcast_to(level_BK1C, (*origin_BK.shape, horizon, level_BK1C.shape[-1]))
        row_BKH = origin_BK1 + steps_H - season * -(-steps_H // season)
        whole_BK1 = origin_BK1 - first_B11 >= season - 1
        season_BKHC = smooth.season_RC[np.maximum(row_BKH, first_B11)]
        return level_BK1C + np.where(whole_BK1[..., None], season_BKHC, 0)

    def blocks(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """The level of the step before (of the origin), and the place's season one season before."""
        lookback, horizon, origins, origin_B = block.lookback, block.horizon, block.origins, block.origin_B
        season, smooth = self._reference.season, self._smooth.of(block.series_B)
        level_BTC = windows_at(smooth.level_RC, origin_B - lookback, lookback + 1)
        before_BLC, origin_BK1C = level_BTC[:, :lookback], level_BTC[:, lookback + 1 - origins :, None]
        if season == 1:
            shape = (len(origin_B), origins, horizon, level_BTC.shape[2])
            return before_BLC, np.broadcast_to(origin_BK1C, shape)
        season_BTC = windows_at(smooth.season_RC, origin_B - lookback + 1 - season, lookback + min(horizon, season))
        return before_BLC + season_BTC[:, :lookback], origin_BK1C + ahead_of(season_BTC, block, season)
