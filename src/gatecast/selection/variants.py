"""The variant of a base that suits the data best: how many seasons it averages, how fast its smoothing follows.

A line on few windows judges them, not the base alone: an average of seasons, or a slow smoothing, lags behind the
level, which the network sees and mends, while the noise of a single season stays in the forecast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from gatecast.data.batches import Framing
from gatecast.data.panel import Panel
from gatecast.data.scaling import Scaling
from gatecast.selection.probe import quick_error

__all__ = ["best_variant"]

DEPTHS = (2, 3, 7)
LEVEL_GAINS = (0.05, 0.1, 0.4, 0.7)
SEASON_GAINS = (0.2,)
WORTH = 0.97  # of the error of the one given: less may be luck


def best_variant(panel: Panel, scaling: Scaling, lookback: int, horizon: int) -> Scaling:
    """The variant with the least error; the one given where nothing can be checked, or where none is better."""
    framing = Framing(lookback, horizon)
    if scaling.base == "seasonal":
        seasons = float(np.median(panel.length)) / scaling.season
        return _best(panel, framing, scaling, (replace(scaling, depth=d) for d in DEPTHS if d <= seasons))
    if scaling.base == "smooth":
        best = _best(panel, framing, scaling, (replace(scaling, alpha=alpha) for alpha in LEVEL_GAINS))
        gammas = SEASON_GAINS if scaling.season > 1 else ()
        return _best(panel, framing, best, (replace(best, gamma=gamma) for gamma in gammas))
    return scaling


def _best(panel: Panel, framing: Framing, first: Scaling, others: Iterable[Scaling]) -> Scaling:
    candidates = [first, *others]
    if len(candidates) == 1:
        return first
    errors = [quick_error(panel, candidate, framing) for candidate in candidates]
    best = int(np.argmin([math.inf if math.isnan(error) else error for error in errors]))
    return candidates[best] if errors[best] < WORTH * errors[0] else first
