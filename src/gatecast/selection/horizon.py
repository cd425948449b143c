"""The horizon to forecast where the user names none."""

from __future__ import annotations

import numpy as np

from gatecast.data.panel import Panel
from gatecast.selection.seasonality import seasonal_periods

__all__ = ["default_horizon"]

WITHOUT_SEASON = 12
SHARE = 6


def default_horizon(panel: Panel) -> int:
    """One season, or 12 steps where there is none; at most a sixth of a typical series, and at least one step."""
    seasons = seasonal_periods(panel)
    wanted = seasons[0] if seasons else WITHOUT_SEASON
    return int(np.clip(int(np.median(panel.length)) // SHARE, 1, wanted))
