"""Which windows train and which validate, cut in time.

series      first ───────────────────────────┬─────────────── stop
training    windows whose targets end here   │
validation  windows whose targets lie        └── here; their lookback may reach back
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.windows.index import WindowIndex, windows_between

__all__ = ["Spans", "validation_cut"]


def validation_cut(panel: Panel, horizon: int, share: float) -> np.ndarray:
    """(N,) steps of each series that train; the rest, at least one horizon, validates. Short series only train."""
    tail_N = np.maximum((panel.length * share).astype(np.int64), horizon)
    cut_N = panel.length - tail_N
    return np.where(cut_N >= np.maximum(horizon + 2, panel.length // 3), cut_N, panel.length)


@dataclass(frozen=True)
class Spans:
    """Builds the window ranges of a panel.

    Args:
        lookback: steps of a window.
        horizon: steps forecast.
        padded: windows may begin before the series does, as long as ``least`` steps are real.
        least: real steps that a padded window needs.
    """

    lookback: int
    horizon: int
    padded: bool
    least: int = 1

    def all_windows(self, panel: Panel) -> WindowIndex:
        """Every window whose targets lie inside its series."""
        return windows_between(self._low(panel), panel.stop - 1 - self.horizon)

    def tail_windows(self, panel: Panel, cut_N: np.ndarray) -> WindowIndex:
        """Every window whose targets lie at or after the step ``cut_N`` of its series."""
        return windows_between(np.maximum(self._low(panel), panel.first + cut_N - 1), panel.stop - 1 - self.horizon)

    def _low(self, panel: Panel) -> np.ndarray:
        low: np.ndarray = panel.first + (self.least if self.padded else self.lookback) - 1
        return low
