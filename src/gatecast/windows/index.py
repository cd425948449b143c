"""Windows as index arithmetic: a window is a number, never a copy.

    series rows      first ───────────────────────────────────────────── stop
    one window             [ lookback L ........ origin ][ horizon H ]
    training origins                     o   o   o   o                    the last K steps of the lookback
    next window              [ lookback L ........ origin ][ horizon H ]

The origin is the last row that a forecast may use. All windows of a panel are numbered 0 .. count-1, series after
series; ``locate`` turns numbers into origins, so that only a batch of them ever exists.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.errors import Code, Part, Setting, WindowError, joined, listed

__all__ = ["WindowIndex", "forked", "last_origins", "require_steps", "windows_between"]


@dataclass(frozen=True)
class WindowIndex:
    """The windows of a panel, one per allowed origin.

    Args:
        low: (N,) row of the first allowed origin of each series.
        ends: (N,) running total of the windows, series after series.
    """

    low: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        """Number of windows."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def locate(self, numbers_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Window numbers (B,) -> positions of their series (B,) and rows of their origins (B,)."""
        series_B = np.searchsorted(self.ends, numbers_B, side="right")
        before_B = np.where(series_B > 0, self.ends[series_B - 1], 0)
        return series_B, self.low[series_B] + numbers_B - before_B

    def spread(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Series and origin rows (B,) of all windows, or of ``most`` of them, evenly spread."""
        count = len(self)
        return self.locate(np.linspace(0, max(count - 1, 0), min(most, count)).astype(np.int64))


def windows_between(low: np.ndarray, high: np.ndarray) -> WindowIndex:
    """All windows whose origin row lies in low..high, both inclusive; (N,) each. A series with high < low has none."""
    return WindowIndex(low, np.cumsum(np.maximum(high - low + 1, 0)))


def forked(values_BTX: np.ndarray, begin: int, origins: int, horizon: int) -> np.ndarray:
    """(B, K, H, X) view of the rows begin + k + h, for k = 0 .. K-1 and h = 0 .. H-1.

    >>> forked(np.arange(6).reshape(1, 6, 1), 1, 2, 3)[0, :, :, 0]
    array([[1, 2, 3],
           [2, 3, 4]])
    """
    batch, steps, width = values_BTX.shape
    assert begin + origins + horizon - 1 <= steps, "the block is too short"
    of_batch, of_step, of_column = values_BTX.strides
    return np.lib.stride_tricks.as_strided(
        values_BTX[:, begin:], (batch, origins, horizon, width), (of_batch, of_step, of_step, of_column),
        writeable=False,
    )  # fmt: skip


def last_origins(panel: Panel, horizon: int, origins: int, stride: int) -> np.ndarray:
    """Rows (N, O) of rolling origins, the last one ``horizon`` steps before each series' end, oldest first.

    ────────────────o1·····H·····
    ──────────────────────o2·····H·····          stride between o1 and o2
    ────────────────────────────o3·····H·····|   end
    """
    last_N = panel.stop - 1 - horizon
    return last_N[:, None] - stride * np.arange(origins - 1, -1, -1)[None, :]


def require_steps(panel: Panel, lookback: int, horizon: int) -> None:
    """Raise WindowError, once for all series, where a series has fewer than lookback + horizon steps."""
    needed = lookback + horizon
    short = np.flatnonzero(panel.length < needed)
    if not len(short):
        return
    worst = int(short[np.argmin(panel.length[short])])
    steps = int(panel.length[worst])
    parts = f"lookback {lookback} + horizon {horizon}" if horizon else f"lookback {lookback}"
    fits = steps - horizon
    remedies: list[Part] = []
    if fits > 0:
        remedies.append(Setting("lookback", fits, relation="<=", of="forecaster"))
    elif steps > 1:
        remedies.append(Setting("horizon", steps, relation="<", of="forecaster"))
    dropped = Code(f"panel.drop_short({needed})", f"series of at least {needed:,} steps")
    remedies.append(dropped if len(short) < len(panel) else "more history")
    others = f" ({listed([repr(panel.ids[n]) for n in short], 3)}: {len(short):,} of {len(panel):,} series affected.)"
    raise WindowError(
        f"series {panel.ids[worst]!r} has {steps:,} steps; {parts} needs {needed:,}. Use ",
        joined(" or ", remedies),
        f".{others if len(panel) > 1 else ''}",
    )
