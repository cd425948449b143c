"""No reference at all, and the last value.

none    u_t+h is measured from the location of its window
last    t ──▶ every step after t
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, final

import numpy as np

from gatecast.windows.references.reference import REAL_STEPS, Block, BoundReference, Reference, nothing

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.windows.targets import TargetRows

__all__ = ["LastValue", "NoReference"]


class _Plain(Reference):
    """A reference that takes no value and looks back one row at most."""

    @classmethod
    def parse(cls, argument: str) -> Self:
        nothing(cls.word, argument)
        return cls()

    def describe(self) -> str:
        return self.word

    @property
    def history_needed(self) -> int:
        return REAL_STEPS - 1

    @property
    def walk_rows(self) -> int:
        return 1


@final
@dataclass(frozen=True)
class NoReference(_Plain):
    """There is none: a forecast is measured from the location that its window is scaled by."""

    word: ClassVar[str] = "none"
    anchored: ClassVar[bool] = False
    in_blocks: ClassVar[bool] = True

    def bind(self, panel: Panel, rows: TargetRows) -> BoundReference:
        return _Zero(rows)

    @property
    def reach(self) -> int:
        return 0

    def next(self, u_PTC: np.ndarray, first_P: np.ndarray, at: int) -> np.ndarray:
        return np.zeros_like(u_PTC[:, at])


@final
class _Zero(BoundReference):
    """What stands in where something has to be subtracted."""

    def __init__(self, rows: TargetRows) -> None:
        self._zero_C = np.zeros(rows.shape[1], rows.dtype)

    def at(self, series_B: np.ndarray, first_B1: np.ndarray, origin_BK: np.ndarray, horizon: int) -> np.ndarray:
        return np.broadcast_to(self._zero_C, (*origin_BK.shape, horizon, len(self._zero_C)))

    def blocks(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(block.origin_B), block.lookback + block.horizon, len(self._zero_C))
        every_BK = block.origin_B[:, None] + np.arange(1 - block.origins, 1)
        return np.broadcast_to(self._zero_C, shape), self.at(block.series_B, every_BK, every_BK, block.horizon)


@final
@dataclass(frozen=True)
class LastValue(_Plain):
    """The last value, for all steps ahead: differencing."""

    word: ClassVar[str] = "difference"
    in_blocks: ClassVar[bool] = True
    lead: ClassVar[int] = 1

    def bind(self, panel: Panel, rows: TargetRows) -> BoundReference:
        return _Last(rows)

    @property
    def reach(self) -> int:
        return 1

    def next(self, u_PTC: np.ndarray, first_P: np.ndarray, at: int) -> np.ndarray:
        return u_PTC[:, at]


@final
class _Last(BoundReference):
    def __init__(self, rows: TargetRows) -> None:
        self._u_RC = rows

    def at(self, series_B: np.ndarray, first_B1: np.ndarray, origin_BK: np.ndarray, horizon: int) -> np.ndarray:
        last_BK1C = self._u_RC[origin_BK][:, :, None]
        return np.broadcast_to(last_BK1C, (*origin_BK.shape, horizon, last_BK1C.shape[-1]))

    def blocks(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        u_BTC, lookback, origins = block.u_BTC, block.lookback, block.origins  # u_BTC begins one row before the window
        shape = (len(u_BTC), origins, block.horizon, u_BTC.shape[2])
        origin_BK1C = u_BTC[:, lookback - origins + 1 : lookback + 1, None]
        return u_BTC[:, :lookback], np.broadcast_to(origin_BK1C, shape)
