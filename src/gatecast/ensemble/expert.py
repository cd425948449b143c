"""What takes part in a blend: anything that forecasts any origin of a panel; the simplest one is a smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gatecast.data.panel import Panel
from gatecast.statistical.exponential import exponential_smoothing

if TYPE_CHECKING:
    from gatecast.ensemble.trained import TrainedCandidate

__all__ = ["Expert", "SmoothingExpert", "smoothing_beside"]


class Expert(Protocol):
    """A fitted forecaster. A trained candidate is one, the exponential smoothing is one.

    Shapes: B forecasts, N series of the panel, H steps, C targets, Q quantiles.
    """

    @property
    def median_only(self) -> bool:
        """It gives the median and no other quantile: in a blend it moves the median, and the intervals with it."""
        ...

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of its quantiles, ascending."""
        ...

    @property
    def season(self) -> int:
        """The main seasonal period that it works with; 1 = none."""
        ...

    @property
    def history_needed(self) -> int | None:
        """Steps of history that a forecast reads; None = all of it."""
        ...

    def describe(self) -> str:
        """What tells it from other experts, in a few words."""
        ...

    def median(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, H, C) point forecasts in the data's own unit, float64; all of the panel may be taken for statistics."""
        ...

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        """Quantiles (B, H, C, Q) of the H steps after each origin row, in the data's own unit; nan = cannot say.

        Args:
            panel: what may be read: nothing after the last origin of a series but future covariates.
            series_B: series of each forecast.
            origin_B: row of each origin.
            known_N: steps of each series that statistics of its own may be taken from.
        """
        ...

    def paths(
        self,
        panel: Panel,
        series_B: np.ndarray,
        origin_B: np.ndarray,
        known_N: np.ndarray,
        noise_BSHC: np.ndarray,
        joint_HH: np.ndarray,
    ) -> np.ndarray:
        """Sample paths (B, S, H, C) that have the quantiles of ``forecast``; of one with the median alone, that.

        Args:
            panel: as in ``forecast``.
            series_B: series of each forecast.
            origin_B: row of each origin.
            known_N: as in ``forecast``.
            noise_BSHC: independent standard normal numbers.
            joint_HH: correlation of the normal scores over the steps.
        """
        ...


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
