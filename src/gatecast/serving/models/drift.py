"""Drift: whether the newest errors of a series are those that the model expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gatecast.live.drift import Wagers
from gatecast.serving.store.observed_rows import Scored

__all__ = ["drift_of"]

LEAST = 10  # scores, below which nothing is said
LEVEL = 0.01


def drift_of(scores: Sequence[Scored]) -> dict[str, Any]:
    """Coverage, error and the test of the newest scores of a target, in the order of time."""
    anomaly_R1 = np.array([[one.anomaly] for one in scores if one.anomaly is not None]).reshape(-1, 1)
    errors = [abs(one.value - one.forecast) for one in scores if one.value is not None and one.forecast is not None]
    wagers = Wagers(targets=1)
    wagers.add(1)
    wagers.bet(np.zeros(len(anomaly_R1), np.int64), anomaly_R1)
    drift = wagers.drift([""], LEVEL) if len(anomaly_R1) >= LEAST else None
    return {
        "rows": len(scores),
        "inside_80": _share([one.inside_80 for one in scores]),
        "inside_95": _share([one.inside_95 for one in scores]),
        "error": sum(errors) / len(errors) if errors else None,
        "p_value": None if drift is None else drift.p_value,
        "direction": drift.direction if drift is not None and drift.alarm else "",
        "drifting": drift is not None and drift.alarm,
    }


def _share(held: Sequence[bool | int | None]) -> float | None:
    known = [bool(one) for one in held if one is not None]
    return sum(known) / len(known) if known else None
