"""The exponential smoothing as an expert: it needs no training, for it is fitted to the history that it continues."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.statistical.exponential import exponential_smoothing

__all__ = ["SmoothingExpert"]


@dataclass(frozen=True)
class SmoothingExpert:
    """An exponential smoothing of each series, without intervals.

    Args:
        horizon: steps H.
        season: steps of a season; 1 = none.
    """

    horizon: int
    season: int

    median_only = True
    history_needed = None

    def describe(self) -> str:
        """What the screens call it."""
        return "exponential smoothing"

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        """(B, H, C, 1) the medians; nan where a target has no value up to the origin. See ``Expert.forecast``."""
        first_B = panel.first[series_B]
        return exponential_smoothing(panel.target_RC, first_B, origin_B, self.horizon, self.season)[..., None]
