"""The table of all families that do not need others: what draws them, how often, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np

from gatecast.pretrained.synthetic.arima import airline, arima, random_walk
from gatecast.pretrained.synthetic.counts import counts, intermittent
from gatecast.pretrained.synthetic.draws import Floats, Seasons
from gatecast.pretrained.synthetic.gaussian import causal_graph, gaussian_process
from gatecast.pretrained.synthetic.regimes import garch_walk, regime_switching, shifts_and_spikes
from gatecast.pretrained.synthetic.structural import ets_additive, ets_multiplicative, structural
from gatecast.pretrained.synthetic.trends import calendar, growth, trend_season_irregular

__all__ = ["BASIC", "Draw", "Family", "Unit"]

Draw = Callable[[np.random.Generator, int, int, Seasons], Floats]
"""(random numbers, B, T, periods in steps) -> (B, T)."""


class Unit(Enum):
    """What the numbers that a family draws are, which decides what `worlds` may do with them."""

    FREE = "free"
    """Of any level and size: they may be values or logarithms."""
    LOGARITHM = "logarithm"
    """Logarithms of positive values."""
    POSITIVE = "positive"
    """Values above 0, of any magnitude."""
    COUNT = "count"
    """Whole numbers from 0 on, which stay as they are."""


@dataclass(frozen=True)
class Family:
    """One kind of made-up series.

    Args:
        draw: makes them.
        weight: how often it is drawn where there are seasons, relative to the others.
        weight_without_season: the same where there are none: yearly data, above all.
        source: where it was described.
        unit: what its numbers are.
    """

    draw: Draw
    weight: float
    weight_without_season: float
    source: str
    unit: Unit = Unit.FREE


BASIC: Mapping[str, Family] = MappingProxyType(
    {
        "ets_additive": Family(ets_additive, 0.15, 0.11, "Hyndman, Koehler, Ord & Snyder 2008"),
        "ets_multiplicative": Family(
            ets_multiplicative, 0.09, 0.06, "Hyndman, Koehler, Ord & Snyder 2008", Unit.POSITIVE
        ),
        "structural": Family(structural, 0.11, 0.11, "Harvey 1989"),
        "arima": Family(arima, 0.10, 0.11, "Box & Jenkins 1970"),
        "airline": Family(airline, 0.06, 0.01, "Box & Jenkins 1970"),
        "random_walk": Family(random_walk, 0.04, 0.08, "Nelson & Plosser 1982"),
        "trend_season_irregular": Family(trend_season_irregular, 0.10, 0.07, "Persons 1919"),
        "growth": Family(growth, 0.10, 0.26, "Gompertz 1825; Nelson & Plosser 1982", Unit.LOGARITHM),
        "calendar": Family(calendar, 0.02, 0.0, "Cleveland & Devlin 1980"),
        "gaussian_process": Family(gaussian_process, 0.05, 0.05, "Ansari et al. 2024"),
        "causal_graph": Family(causal_graph, 0.03, 0.02, "Xie et al. 2025"),
        "regime_switching": Family(regime_switching, 0.03, 0.03, "Hamilton 1989"),
        "shifts_and_spikes": Family(shifts_and_spikes, 0.04, 0.03, "Chen & Liu 1993"),
        "garch_walk": Family(garch_walk, 0.02, 0.03, "Bollerslev 1986"),
        "counts": Family(counts, 0.02, 0.02, "Hilbe 2011", Unit.COUNT),
        "intermittent": Family(intermittent, 0.02, 0.02, "Croston 1972", Unit.COUNT),
    }
)
