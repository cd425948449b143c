"""The variant of a reference that suits the data best: how many seasons it averages, how fast its smoothing follows.

A line on few windows judges them, not the reference alone: an average of seasons, or a slow smoothing, lags behind the
level, which the network sees and mends, while the noise of a single season stays in the forecast.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.probe import quick_error
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

__all__ = ["best_variant"]


def best_variant(panel: Panel, scaling: Scaling, lookback: int, horizon: int, defaults: Defaults = DEFAULTS) -> Scaling:
    """The variant with the least error; the one given where nothing can be checked, or where none is better."""
    framing, variants, steps, best = (
        Framing(lookback, horizon),
        defaults.variants,
        float(np.median(panel.length)),
        scaling,
    )
    tried = (("depth", variants.depths), ("alpha", variants.level_gains), ("gamma", variants.season_gains))
    for field, values in tried:
        others = best.reference.variants(field, values, steps)
        best = _best(panel, framing, best, [replace(best, reference=other) for other in others], defaults)
    return best


def _best(panel: Panel, framing: Framing, first: Scaling, others: Sequence[Scaling], defaults: Defaults) -> Scaling:
    candidates = [first, *others]
    if len(candidates) == 1:
        return first
    errors = [quick_error(panel, candidate, framing, defaults) for candidate in candidates]
    best = int(np.argmin([math.inf if math.isnan(error) else error for error in errors]))
    return candidates[best] if errors[best] < defaults.variants.worth * errors[0] else first
