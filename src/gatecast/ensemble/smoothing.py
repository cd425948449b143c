"""The exponential smoothing as an expert: it needs no training, for it is fitted to the history that it continues."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.statistical.exponential import exponential_smoothing

__all__ = ["SmoothingExpert", "smoothing_beside"]


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
    quantiles = (0.5,)
    history_needed = None

    def describe(self) -> str:
        """What the screens call it."""
        return "exponential smoothing"

    def median(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, H, C) the forecasts. See ``Expert.median``."""
        return exponential_smoothing(panel.target_RC, panel.first[series_B], origin_B, self.horizon, self.season)

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        """(B, H, C, 1) the medians; nan where a target has no value up to the origin. See ``Expert.forecast``."""
        return self.median(panel, series_B, origin_B)[..., None]

    def paths(
        self,
        panel: Panel,
        series_B: np.ndarray,
        origin_B: np.ndarray,
        known_N: np.ndarray,
        noise_BSHC: np.ndarray,
        joint_HH: np.ndarray,
    ) -> np.ndarray:
        """(B, S, H, C) the forecast, S times. See ``Expert.paths``."""
        return np.broadcast_to(self.median(panel, series_B, origin_B)[:, None], noise_BSHC.shape)


def smoothing_beside(trained: TrainedCandidate) -> SmoothingExpert:
    """The smoothing that goes with a candidate: the same horizon and season."""
    return SmoothingExpert(trained.plan.framing.horizon, trained.plan.season)
