"""Forecasts from what is kept: of the steps after the last observed one, and one step ahead of every new row.

panel         ───kept rows───┤ observed │ covariates known ahead │
forecast                     └──▶ as ``Forecaster.predict`` does, by the same functions
one step      ──────origin┤▶t      one short panel for each new row t; they share the rows that they read
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from gatecast.data.labels import Labels
from gatecast.data.panel import Panel
from gatecast.data.quantiles import middle
from gatecast.data.rows import ROWS_AT_ONCE, all_observed, last_observed, row_ranges
from gatecast.data.tables.future import continued, observed_part, recent_part
from gatecast.ensemble.fitted import Fitted, Forecasted
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.live.memory import Memory

__all__ = ["Ahead", "panel_of"]

LEAST_STEPS = 2  # of a cold series, before its steps say how far off a naive forecast may be


def panel_of(fitted: Fitted, memory: Memory, series_M: np.ndarray, dtype: np.dtype[Any], labels: Labels) -> Panel:
    """A panel of all that is kept of some series, a copy."""
    begin_M, length_M = memory.dropped[series_M], memory.length[series_M]
    values_RV = memory.gathered(series_M, begin_M, begin_M + length_M).astype(dtype)
    return Panel(
        values_RV=values_RV,
        first=np.cumsum(length_M) - length_M,
        length=length_M.copy(),
        ids=tuple(memory.ids[n] for n in series_M.tolist()),
        starts=memory.frequency.advance(memory.starts[series_M], begin_M),
        frequency=memory.frequency,
        schema=fitted.schema,
        static_NS=memory.static_NS[series_M].astype(dtype),
        backend=fitted.backend,
        names=fitted.names,
        labels=labels,
    )


@dataclass(frozen=True)
class Ahead:
    """Forecasts of a fitted model.

    Args:
        fitted: what forecasts.
        keep: steps of history that it reads; None = all that are kept.
    """

    fitted: Fitted
    keep: int | None

    # ---------------------------------------------------------------- after the last observed step

    def after(self, panel: Panel, future: Any) -> Forecasted:
        """Forecasts (N, ...) of the steps after the last observed one."""
        fitted = self.fitted
        history = observed_part(panel)
        read, origin_N = continued(history, panel, fitted.horizon, future, self.keep, rows=fitted.recursive)
        return fitted.forecast_with_facts(read, np.arange(len(history)), origin_N)

    def naive_after(self, panel: Panel) -> np.ndarray:
        """(N, H, C, Q) for series that are too short: the last value, with the intervals of a random walk."""
        history = observed_part(panel)
        ahead_H = np.arange(1, self.fitted.horizon + 1)
        return self._naive(history, np.arange(len(history)), history.stop - 1, ahead_H)

    def in_range(self, values_BHCQ: np.ndarray, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """Forecasts whose widths were changed, in the range of what each series has shown up to its origin."""
        return self.fitted.within_bounds(values_BHCQ, panel, series_B, origin_B, axis=2)

    # ---------------------------------------------------------------- one step ahead

    def one_step(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, cold_B: np.ndarray) -> np.ndarray:
        """Quantiles (B, C, Q) of the step after each origin row, from the rows up to it.

        Args:
            panel: of the series, with later rows; covariates known in advance are read from these.
            series_B: series of each origin, ascending.
            origin_B: row of each origin.
            cold_B: origins of series that are too short yet: these get naive forecasts.
        """
        shape = (len(series_B), len(self.fitted.schema.targets), len(self.fitted.levels))
        values_BCQ = np.full(shape, np.nan)
        cold, warm = np.flatnonzero(cold_B), np.flatnonzero(~cold_B)
        if len(cold):
            values_BCQ[cold] = self._naive(panel, series_B[cold], origin_B[cold], np.ones(1, np.int64))[:, 0]
        if len(warm):
            values_BCQ[warm] = self._modelled(panel, series_B[warm], origin_B[warm])
        return values_BCQ

    def _modelled(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, C, Q) by the model, in one pass, or in a few where there are very many rows."""
        if self.keep is None and not self._learns_scale_of(panel):
            padded = _with_room(panel, self.fitted.horizon)
            return self._first(padded, series_B, padded.first[series_B] + origin_B - panel.first[series_B])
        each = panel.select(series_B).slice(0, origin_B + 1 - panel.first[series_B])
        each = each if self.keep is None else recent_part(each, self.keep)
        if not panel.schema.future and all_observed(panel):
            return self._first(each, np.arange(len(each)), each.stop - 1)
        found = []
        for part in _parts(each.length + self.fitted.horizon):
            own, origin_M = _apart(each.select(part), panel.stop[series_B[part]], self.fitted.horizon)
            found.append(self._first(own, np.arange(len(part)), origin_M))
        return np.concatenate(found)

    def _learns_scale_of(self, panel: Panel) -> bool:
        """Whether some network scales one of the series by statistics of all its steps up to the origin."""
        candidates = (one for one in self.fitted.candidates if one.statistics is not None)
        return any(not set(panel.ids) <= set(one.ids) for one in candidates)

    def _first(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, C, Q) of the first step ahead."""
        fitted = self.fitted
        if fitted.recursive:
            return _one_step_of(fitted.main, panel, series_B, origin_B)[:, 0]
        return fitted.forecast(panel, series_B, origin_B)[:, 0]

    # ---------------------------------------------------------------- naive

    def _naive(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, ahead_H: np.ndarray) -> np.ndarray:
        """(B, H, C, Q) the last value; quantiles of a random walk with the steps so far, nan before there are any.

        Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, 5.5.
        """
        first_B, targets_RC = panel.first[series_B], panel.target_RC
        last_BC = last_observed(targets_RC, first_B, origin_B + 1)
        known_BC = last_BC >= first_B[:, None]
        value_BC = np.where(known_BC, targets_RC[np.maximum(last_BC, 0), np.arange(targets_RC.shape[1])], np.nan)
        late_BC = np.where(known_BC, origin_B[:, None] - last_BC, 0)
        size_BC = _step_sizes(targets_RC.astype(np.float64), first_B, origin_B)
        far_BHC = size_BC[:, None] * np.sqrt(ahead_H[:, None] + late_BC[:, None])
        score_Q = np.array([NormalDist().inv_cdf(level) for level in self.fitted.levels])
        values_BHCQ = value_BC[:, None, :, None] + far_BHC[..., None] * score_Q
        values_BHCQ[..., middle(self.fitted.levels)] = np.broadcast_to(value_BC[:, None], far_BHC.shape)
        return values_BHCQ


def _step_sizes(target_RC: np.ndarray, first_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
    """(B, C) root mean square of the steps between neighbouring values up to each origin; nan for fewer than two."""
    square_RC = np.diff(target_RC, axis=0, prepend=np.nan) ** 2
    known_RC = np.isfinite(square_RC)
    total_RC = np.concatenate([np.zeros_like(square_RC[:1]), np.cumsum(np.where(known_RC, square_RC, 0), axis=0)])
    count_RC = np.concatenate([np.zeros_like(square_RC[:1]), np.cumsum(known_RC, axis=0)])
    begin_B = first_B + 1  # the first row's step is that from another series
    count_BC = count_RC[origin_B + 1] - count_RC[begin_B]
    total_BC = np.maximum(total_RC[origin_B + 1] - total_RC[begin_B], 0)
    enough_BC = count_BC >= LEAST_STEPS
    return np.where(enough_BC, np.sqrt(total_BC / np.where(enough_BC, count_BC, 1)), np.nan)


def _one_step_of(main: TrainedCandidate, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
    """Quantiles (B, 1, C, Q) of a network that goes one step at a time."""
    known_N = panel.length.copy()
    np.minimum.at(known_N, series_B, origin_B + 1 - panel.first[series_B])
    return main.forecast(panel, series_B, origin_B, known_N)


# ---------------------------------------------------------------- panels for it


def _parts(length_B: np.ndarray) -> Iterator[np.ndarray]:
    """Neighbouring places with about a million rows together."""
    total_B = np.cumsum(length_B)
    yield from np.split(np.arange(len(length_B)), np.flatnonzero(np.diff(total_B // ROWS_AT_ONCE)) + 1)


def _with_room(panel: Panel, horizon: int) -> Panel:
    """Missing rows after each series where future covariates are read there; else the panel as it is."""
    if not panel.schema.future:
        return panel
    room = panel.length + horizon
    first = np.cumsum(room) - room
    values_RV = np.full((int(room.sum()), panel.values_RV.shape[1]), np.nan, panel.values_RV.dtype)
    values_RV[row_ranges(first, panel.length)] = panel.values_RV[row_ranges(panel.first, panel.length)]
    return replace(panel, values_RV=values_RV, first=first)


def _apart(panel: Panel, stop_B: np.ndarray, horizon: int) -> tuple[Panel, np.ndarray]:
    """Rows of its own for every series, whose ranges may overlap, and the rows that they end in.

    Future covariates of the ``horizon`` rows after each are there as far as the buffer has them before ``stop_B``.
    """
    length = panel.length + horizon
    first = np.cumsum(length) - length
    row_R = row_ranges(panel.first, length)
    beyond_R = row_R >= np.repeat(stop_B, length)
    values_RV = panel.values_RV[np.minimum(row_R, len(panel.values_RV) - 1)]
    values_RV[beyond_R] = np.nan
    origin_B = first + panel.length - 1
    after_R = row_ranges(origin_B + 1, np.full(len(panel), horizon))
    values_RV[after_R, : panel.schema.future_slice.start] = np.nan
    return replace(panel, values_RV=values_RV, first=first, length=length), origin_B
