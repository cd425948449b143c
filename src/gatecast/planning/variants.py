"""The variant of a reference that suits the data best: how many seasons it averages, how fast its smoothing follows.

A line on few windows judges them, not the reference alone: an average of seasons, or a slow smoothing, lags behind the
level, which the network sees and mends, while the noise of a single season stays in the forecast.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.probe import quick_error
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

__all__ = ["best_variant"]


def best_variant(
    panel: Panel,
    scaling: Scaling,
    lookback: int,
    horizon: int,
    defaults: Defaults = DEFAULTS,
    deadline: float = math.inf,
) -> Scaling:
    """The variant with the least error; the one given where nothing can be checked, or where none is better.

    After ``deadline``, a ``time.monotonic()``, no further one is tried.
    """
    variants = defaults.variants
    contest = _Contest(panel, Framing(lookback, horizon), defaults, deadline)
    steps, best = float(np.median(panel.length)), scaling
    tried = (("depth", variants.depths), ("alpha", variants.level_gains), ("gamma", variants.season_gains))
    for field, values in tried:
        others = best.reference.variants(field, values, steps)
        best = contest.best(best, [replace(best, reference=other) for other in others])
    return best


@dataclass(frozen=True)
class _Contest:
    panel: Panel
    framing: Framing
    defaults: Defaults
    deadline: float

    def best(self, first: Scaling, others: Sequence[Scaling]) -> Scaling:
        """The other one with the least error, where that is worth a change."""
        if not others or time.monotonic() > self.deadline:
            return first
        usual = self._error(first)
        errors = [self._error(other) for other in others]
        best = int(np.argmin([math.inf if math.isnan(error) else error for error in errors]))
        return others[best] if errors[best] < self.defaults.variants.worth * usual else first

    def _error(self, scaling: Scaling) -> float:
        late = time.monotonic() > self.deadline
        return math.nan if late else quick_error(self.panel, scaling, self.framing, self.defaults)
