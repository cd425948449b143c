"""The variant of a base that forecasts best by itself: how many seasons it averages, how fast its smoothing follows.

The base alone is judged, without a regression, on the same folds as the probe: that takes a few milliseconds, so that
only one variant of each base goes to the probe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gatecast.data.batches import Framing
from gatecast.data.panel import Panel
from gatecast.data.scaling import Scaling
from gatecast.selection.probe import base_error

__all__ = ["best_variant", "variants"]

DEPTHS = (1, 2, 3, 4)
LEVEL_GAINS = (0.05, 0.1, 0.2, 0.4, 0.7)
SEASON_GAINS = (0.1, 0.2, 0.4)
WORTH = 0.99  # an average of more seasons, or a slower smoothing, has to be better by as much


def variants(scaling: Scaling, seasons: float) -> Iterator[Scaling]:
    """The variants of a base, the plainest first, where a typical series holds so many seasons."""
    if scaling.base == "seasonal":
        yield from (replace(scaling, depth=depth) for depth in DEPTHS if depth == 1 or depth <= seasons)
    elif scaling.base == "smooth":
        gammas = SEASON_GAINS if scaling.season > 1 else (0.0,)
        yield from (replace(scaling, alpha=a, gamma=g) for a in LEVEL_GAINS for g in gammas)
    else:
        yield scaling


def best_variant(panel: Panel, scaling: Scaling, lookback: int, horizon: int) -> Scaling:
    """The variant with the least error of the base alone; the one given where nothing can be checked."""
    candidates = list(variants(scaling, float(np.median(panel.length)) / scaling.season))
    if len(candidates) == 1:
        return scaling
    errors = [base_error(panel, candidate, Framing(lookback, horizon)) for candidate in candidates]
    if not np.isfinite(errors).all():
        return scaling
    best = int(np.argmin(errors))
    if scaling.base == "seasonal" and errors[best] > WORTH * errors[0]:
        return candidates[0]
    return candidates[best]
