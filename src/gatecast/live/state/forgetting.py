"""Rows that no forecast will read are dropped: only where half of those kept are, so that it costs little per row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gatecast.data.panel import Panel
from gatecast.ensemble.fitted import Fitted
from gatecast.live.carried import Remembered
from gatecast.live.kept import Kept
from gatecast.live.memory import Memory

__all__ = ["forget", "known_scale"]

PanelOf = Callable[[np.ndarray], Panel]


def forget(
    memory: Memory, remembered: Remembered, kept: Kept, known_scale: frozenset[str] | None, series: np.ndarray,
    panel_of: PanelOf,
) -> None:  # fmt: skip
    """Drop rows of some series.

    Args:
        memory: what holds the rows.
        remembered: what takes in the dropped ones.
        kept: what has to be kept.
        known_scale: series that may be dropped of; None = all.
        series: places of those that have grown.
        panel_of: all that is kept of the series at some places.
    """
    if kept.most is None:
        return
    targets, full, counts = remembered.ranges.lowest_NC.shape[1], [], []
    for n in series[memory.length[series] > kept.most].tolist():
        if known_scale is not None and memory.ids[n] not in known_scale:
            continue
        at = np.array([n])
        values_TV = memory.gathered(at, memory.dropped[at], memory.observed[at] + 1)
        if count := kept.droppable(values_TV[:, :targets]):
            full.append(n)
            counts.append(count)
    if full and kept.reads is None:
        remembered.drop(panel_of(np.array(full)), np.array(full), np.array(counts))
        return
    for n, count in zip(full, counts, strict=True):
        memory.drop(n, count)


def known_scale(fitted: Fitted) -> frozenset[str] | None:
    """Series whose scale every network knows, as that of others takes all of their steps; None = no scale is fitted."""
    fixed = [frozenset(one.ids) for one in fitted.candidates if one.statistics is not None]
    return frozenset.intersection(*fixed) if fixed else None
