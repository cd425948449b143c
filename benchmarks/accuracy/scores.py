"""Figures: of one forecast, over groups, and over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatecast.evaluation.metrics import mase, owa, smape

__all__ = ["NAIVE2", "OURS", "Figures", "Outcome", "Outcomes", "figures", "pooled", "summary"]

OURS, NAIVE2 = "gatecast", "naive2"
M_MEASURES = ("smape", "mase", "owa")
Floats = NDArray[np.float64]
Figures = dict[str, float]
Scored = tuple[Figures, tuple[int, int]]  # and the points behind sMAPE and MASE


@dataclass(frozen=True)
class Outcome:
    """One method on one group with one seed.

    Args:
        figures: its errors.
        seconds: of training and forecasting.
        peak_mb: most memory of its process.
        plan: what it chose, in one line.
        points: points that were scored, by measure; the weights of means over groups.
    """

    figures: Figures
    seconds: float | None = None
    peak_mb: float | None = None
    plan: str | None = None
    points: tuple[int, int] = (1, 1)


Outcomes = dict[str, dict[str, list[Outcome]]]  # method -> group -> one for each seed


def figures(truth_NH: Floats, forecast_NH: Floats, scale_N: Floats) -> Scored:
    """M4's sMAPE and MASE, means over series, and the numbers of points behind them; OWA comes with naive2."""
    arguments = (truth_NH, forecast_NH)
    found = {"smape": smape.over_series(*arguments), "mase": mase.over_series(*arguments, scale_N)}
    return found, (smape.counts(*arguments).points, mase.counts(*arguments, scale_N).points)


def pooled(rows: Iterable[Scored]) -> Figures:
    """Means over all points of several groups, as M3's "overall".

    >>> naive2 = (17.880, 3.172), (10.029, 1.252), (16.764, 1.038), (6.302, 3.089)  # yearly, quarterly, monthly, other
    >>> points = 645 * 6, 756 * 8, 1428 * 18, 174 * 8
    >>> rows = [({"smape": s, "mase": m}, (n, n)) for (s, m), n in zip(naive2, points)]
    >>> {name: round(value, 2) for name, value in pooled(rows).items()}  # the table in the data's README: 15.386, 1.373
    {'smape': 15.39, 'mase': 1.37}
    """
    rows = list(rows)
    total: Figures = {}
    for place, name in enumerate(("smape", "mase")):
        weight = [points[place] for _, points in rows]
        total[name] = float(np.average([found[name] for found, _ in rows], weights=weight)) if sum(weight) else math.nan
    return total


def summary(outcomes: Outcomes, groups: Sequence[str], failed: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The methods of the JSON object: means over seeds, and the spread (greatest less least).

    Args:
        outcomes: what was measured.
        groups: the names of all groups of the M sets; () where figures of groups have no common unit.
        failed: method -> group -> why there is no figure.
    """
    base = {group: rows[0].figures for group, rows in outcomes.get(NAIVE2, {}).items()}
    whole = _whole(outcomes.get(NAIVE2, {}), groups, 0)
    methods = {}
    for method in dict.fromkeys((*outcomes, *failed)):
        found = outcomes.get(method, {})
        per_group = {name: _row(rows, base.get(name)) for name, rows in found.items()}
        seeds = min(map(len, found.values()), default=0)
        alls = [_with_owa(row, whole) for seed in range(seeds) if (row := _whole(found, groups, seed))]
        total = {
            **dict.fromkeys(M_MEASURES),
            **_means(alls),
            "seconds": _total(row["seconds"] for row in per_group.values()),
            "peak_mb": max((row["peak_mb"] for row in per_group.values() if row["peak_mb"] is not None), default=None),
            "spread": _spread(alls) or None,
            "per_group": per_group,
        }
        methods[method] = total | ({"error": dict(failed[method])} if failed.get(method) else {})
    return methods


def _whole(found: Mapping[str, Sequence[Outcome]], groups: Sequence[str], seed: int) -> Figures | None:
    """The figures over all groups; None where a group is missing."""
    if not groups or any(name not in found for name in groups):
        return None
    return pooled((found[name][seed].figures, found[name][seed].points) for name in groups)


def _with_owa(found: Figures, base: Figures | None) -> Figures:
    if base is None or "smape" not in found:
        return found
    return found | {"owa": owa(found["smape"], found["mase"], base["smape"], base["mase"])}


def _row(rows: Sequence[Outcome], base: Figures | None) -> dict[str, Any]:
    seeds = [_with_owa(row.figures, base) for row in rows]
    plans = dict.fromkeys(row.plan for row in rows if row.plan)
    return {
        **_means(seeds),
        "seconds": _mean([row.seconds for row in rows]),
        "peak_mb": max((row.peak_mb for row in rows if row.peak_mb is not None), default=None),
        "spread": _spread(seeds),
        **({"plans": list(plans)} if plans else {}),
    }


def _means(seeds: Sequence[Figures]) -> dict[str, float | None]:
    return {name: _mean([row[name] for row in seeds]) for name in (seeds[0] if seeds else ())}


def _spread(seeds: Sequence[Figures]) -> dict[str, float | None]:
    """Greatest less least; None for a single seed."""
    if not seeds:
        return {}
    return {
        name: _finite(max(row[name] for row in seeds) - min(row[name] for row in seeds)) if len(seeds) > 1 else None
        for name in seeds[0]
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _finite(float(np.mean(known))) if known else None


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
