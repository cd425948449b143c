"""The horizon to forecast where the user names none."""

from __future__ import annotations

import numpy as np

from gatecast.data.panel import Panel
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.seasonality import seasonal_periods

__all__ = ["default_horizon"]


def default_horizon(panel: Panel, defaults: Defaults = DEFAULTS) -> int:
    """One season, or 12 steps where there is none; at most a sixth of a typical series, and at least one step."""
    seasons = seasonal_periods(panel, defaults)
    wanted = seasons[0] if seasons else defaults.season.otherwise
    return int(np.clip(int(np.median(panel.length)) // defaults.season.horizon_parts, 1, wanted))
