"""Rows of a live model: what they are read by, and what they are once they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.schema import Schema

__all__ = ["Incoming", "Known"]


@dataclass(frozen=True)
class Known:
    """What rows are read by.

    Args:
        schema: the columns.
        frequency: the step.
        names: of the series and time columns.
        ids: series that are followed already.
    """

    schema: Schema
    frequency: Frequency
    names: tuple[str, str]
    ids: Sequence[str]


@dataclass(frozen=True)
class Incoming:
    """R rows of M series.

    Args:
        ids: M names.
        series_R: which of them each row belongs to.
        times_R: in the stored form; None = the rows follow the last ones of their series.
        values_RV: targets, past and future covariates, encoded; nan = missing or not given.
        static_MS: static covariates, nan where they were not given.
        labels: what the table holds for each series, by its name (see ``Labels.values``).
    """

    ids: tuple[str, ...]
    series_R: np.ndarray
    times_R: np.ndarray | None
    values_RV: np.ndarray
    static_MS: np.ndarray
    labels: tuple[tuple[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.series_R)
