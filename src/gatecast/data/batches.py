"""From window numbers to the arrays of one batch: gather, scale, and remember the way back.

level      (u_t - location) / spread                   C channels
surprise   (u_t - base of t made at t-1) / spread      C channels, where there is a base
past       past covariates at t                        P channels
future     future covariates at t+1                    F channels (known one step ahead)
static     the series' constants                       S channels
observed   1 where the target was there, else 0        1 channel, where values are missing or series are short

A series begins with its first observed target: rows that are missing before it count as not there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gatecast.data.base import base_at, category_table
from gatecast.data.panel import Panel
from gatecast.data.scaling import Scaling, location_and_spread, surprise_size

__all__ = ["Batch", "CovariateScale", "Framing", "WindowReader"]

REAL_STEPS = 3  # observed steps (and a season, where there is a seasonal base) before a first forecast is trained


@dataclass(frozen=True)
class Framing:
    """Sizes of a window: lookback L, horizon H, the K last steps whose forecasts are trained, and what is told."""

    lookback: int
    horizon: int
    supervised: int = 1
    observed: bool = False

    @property
    def warm_up(self) -> int:
        """Steps up to and with the first supervised origin: all that the window's statistics may use."""
        return self.lookback - self.supervised + 1


@dataclass(frozen=True)
class Batch:
    """One batch of windows, ready for the network.

    Args:
        context_BLF: (B, L, F) what the LSTM reads.
        future_BKHF: (B, K, H, F) future covariates of every forecast step, F may be 0.
        target_BKHC: (B, K, H, C) scaled truth; 0 where unknown. None when only forecasts are wanted.
        weight_BKHC: (B, K, H, C) 1 where the truth is known, else 0; None where all of it is.
        centre_BKHC: (B, K, H, C) what an output of 0 means, in transformed units.
        spread_BC: (B, C) what an output of 1 adds to it.
        location_BC: (B, C) what a level of 0 means, in transformed units.
        level_BC: (B, C) what a level of 1 adds to it.
    """

    context_BLF: np.ndarray
    future_BKHF: np.ndarray
    target_BKHC: np.ndarray | None
    weight_BKHC: np.ndarray | None
    centre_BKHC: np.ndarray
    spread_BC: np.ndarray
    location_BC: np.ndarray
    level_BC: np.ndarray


@dataclass(frozen=True)
class CovariateScale:
    """Location and spread of the covariate columns, learned on the training span; categories pass as they are."""

    location_V: np.ndarray
    spread_V: np.ndarray

    @classmethod
    def fit(cls, panel: Panel, enabled: bool) -> CovariateScale:
        """Statistics of numeric past, future and static columns over all rows of the panel's series."""
        schema = panel.schema
        columns = [*schema.past, *schema.future, *schema.static]
        numeric_V = np.repeat([c.categories is None and enabled for c in columns], [c.width for c in columns])
        if not numeric_V.any():
            return cls(np.zeros(len(numeric_V), np.float32), np.ones(len(numeric_V), np.float32))
        inside_R = _rows_inside(panel)
        rows_RV = panel.values_RV[inside_R, len(panel.targets) :]
        parts = zip(_mean_and_spread(rows_RV), _mean_and_spread(panel.static_NS), strict=True)
        location_V, spread_V = (np.concatenate(part) for part in parts)
        # in the buffer's own precision: a large location in float32 would shift every value
        kind = panel.values_RV.dtype
        return cls(np.where(numeric_V, location_V, 0).astype(kind), np.where(numeric_V, spread_V, 1).astype(kind))


class WindowReader:
    """Reads batches of windows from a panel.

    Args:
        panel: where to read; windows may touch any row of a series up to its end.
        scaling: how values are scaled.
        framing: the sizes of a window.
        covariates: scale of the covariates, from the training span.
        fitted: (N, 2, 2, C) location and spread of level and surprise per series, for a fitted scaling.
    """

    def __init__(
        self,
        panel: Panel,
        scaling: Scaling,
        framing: Framing,
        covariates: CovariateScale,
        fitted: np.ndarray | None = None,
    ) -> None:
        self.panel = panel
        self.scaling = scaling
        self.framing = framing
        self.covariates = covariates
        self.fitted = fitted
        inside_R = _rows_inside(panel)
        # rows outside the panel's series may lie in the future: they become missing before anything looks at them
        target_RC = panel.target_RC if inside_R.all() else np.where(inside_R[:, None], panel.target_RC, np.nan)
        self.seen_RC = np.isfinite(target_RC)
        self.complete = bool(self.seen_RC[inside_R].all())
        u_RC = scaling.transform(target_RC)
        self.u_RC = u_RC if self.seen_RC.all() else _fill_forward(u_RC, self.seen_RC, panel)
        self.begun = panel.first if self.complete else _first_observed(self.seen_RC, panel)

    @property
    def future_width(self) -> int:
        """Channels of the future covariates."""
        return int(self.panel.future_RF.shape[1])

    @property
    def features(self) -> int:
        """Channels F of the context."""
        targets = len(self.panel.targets) * (1 if self.scaling.base == "none" else 2)
        covariates = self.panel.schema.width - len(self.panel.targets) + self.panel.static_NS.shape[1]
        return targets + covariates + int(self.framing.observed)

    # ---------------------------------------------------------------- one batch

    def read(
        self, series_B: np.ndarray, origin_B: np.ndarray, *, targets: bool = True, origins: int | None = None
    ) -> Batch:
        """The windows that end in the rows ``origin_B`` of the series ``series_B``.

        The K forecasts of a window are those of its ``origins`` last steps (``framing.supervised`` if None).
        """
        framing = self.framing
        first_B1 = self.first_rows(series_B, origin_B)
        wanted_BL = origin_B[:, None] + np.arange(1 - framing.lookback, 1)
        row_BL = np.maximum(wanted_BL, first_B1)  # before the series' start its first row is repeated ...
        seen_BLC = self.seen_RC[row_BL] & (wanted_BL >= first_B1)[:, :, None]  # ... and marked as not observed
        u_BLC = self.u_RC[row_BL]
        surprise_BLC, known_BLC = self._surprise(first_B1, row_BL, u_BLC, seen_BLC)
        told_B = self._told(first_B1[:, 0], origin_B, origins)
        told_BL1 = (np.arange(framing.lookback) < told_B[:, None])[:, :, None]
        location_BC, spread_BC, step_BC = self._statistics(
            series_B, u_BLC, seen_BLC & told_BL1, surprise_BLC, known_BLC & told_BL1
        )
        channels = [(u_BLC - location_BC[:, None]) / spread_BC[:, None]]
        if not self.complete:
            channels[0] = np.nan_to_num(channels[0])  # a target that begins later than the other ones
        if self.scaling.base != "none":
            channels.append(surprise_BLC / step_BC[:, None])
        channels += self._covariates(series_B, row_BL)
        if framing.observed:
            channels.append(seen_BLC.all(axis=2, keepdims=True))
        context_BLF = np.concatenate([c.astype(np.float32, copy=False) for c in channels], axis=2)

        origin_BK = origin_B[:, None] + np.arange(1 - (origins or framing.supervised), 1)
        centre_BKHC = self._centre(np.maximum(origin_BK, first_B1), first_B1, location_BC)
        target_BKHC, weight_BKHC = None, None
        if targets:
            late_BK = origin_BK >= (origin_B - framing.lookback + told_B)[:, None]
            target_BKHC, weight_BKHC = self._targets(series_B, origin_BK, late_BK, centre_BKHC, step_BC)
        future_BKHF = self._future(origin_BK)
        return Batch(
            context_BLF, future_BKHF, target_BKHC, weight_BKHC, centre_BKHC, step_BC, location_BC, spread_BC
        )  # fmt: skip

    def covariates_after(self, series_B: np.ndarray, origin_B: np.ndarray, steps: int) -> np.ndarray:
        """(B, steps, X) the covariate channels of the context's next steps; past covariates are unknown there: 0."""
        row_BT = np.minimum(origin_B[:, None] + np.arange(1, steps + 1), len(self.u_RC) - 1)
        parts = self._covariates(series_B, row_BT)
        if self.panel.schema.past:
            parts[0] = np.zeros_like(parts[0])
        return np.concatenate([np.zeros((*row_BT.shape, 0), np.float32), *parts], axis=2, dtype=np.float32)

    def restore(self, batch: Batch, output_BHCQ: np.ndarray) -> np.ndarray:
        """Undo the scaling of the last origin's outputs: (B, H, C, Q) -> (B, H, C, Q) in the data's own unit."""
        last = replace(batch, centre_BKHC=batch.centre_BKHC[:, -1:])
        return self.restore_every(last, output_BHCQ[:, None])[:, 0]

    def restore_every(self, batch: Batch, output_BKHCQ: np.ndarray) -> np.ndarray:
        """Undo the scaling of all K origins' outputs: (B, K, H, C, Q) -> the same in the data's own unit."""
        centre_BKHC1 = batch.centre_BKHC[..., None]
        spread_B11C1 = batch.spread_BC[:, None, None, :, None]
        u_BKHCQ = centre_BKHC1 + spread_B11C1 * output_BKHCQ.astype(centre_BKHC1.dtype)
        values_BKHCQ: np.ndarray = self.scaling.inverse(self.scaling.bound(u_BKHCQ, centre_BKHC1))
        return values_BKHCQ

    def scaled(self, batch: Batch, values_BHC: np.ndarray) -> np.ndarray:
        """The way in for truths of the last origin: data's unit (B, H, C) -> output units (B, H, C)."""
        u_BHC = self.scaling.transform(values_BHC)
        return (u_BHC - batch.centre_BKHC[:, -1]) / batch.spread_BC[:, None]

    # ---------------------------------------------------------------- its parts

    def first_rows(self, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, 1) row where each series begins, seen from the origin: its first observed target, once there is one."""
        begun_B = self.begun[series_B]
        return np.where(begun_B <= origin_B, begun_B, self.panel.first[series_B])[:, None]

    def _surprise(
        self, first_B1: np.ndarray, row_BL: np.ndarray, u_BLC: np.ndarray, seen_BLC: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the base made one step before did not expect, and where that can be known: (B, L, C) each."""
        if self.scaling.base == "none":
            return u_BLC[:, :, :0], seen_BLC[:, :, :0]
        back = self.scaling.season if self.scaling.base == "seasonal" else 1
        known_BL = row_BL - back >= first_B1
        before_BL = np.maximum(row_BL - 1, first_B1)
        base_BLC = self._base(before_BL, first_B1, 1)[:, :, 0]
        surprise_BLC = u_BLC - base_BLC
        known_BLC = known_BL[:, :, None] & seen_BLC & np.isfinite(surprise_BLC)
        return np.where(known_BLC, surprise_BLC, 0), known_BLC

    def _statistics(
        self,
        series_B: np.ndarray,
        u_BLC: np.ndarray,
        seen_BLC: np.ndarray,
        surprise_BLC: np.ndarray,
        known_BLC: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Location and spread of the level, spread of the outputs; (B, C) each, from the warm-up or as fitted."""
        if self.fitted is not None:
            location_BC, spread_BC, step_BC = self.fitted[series_B].swapaxes(0, 1)
            return location_BC, spread_BC, step_BC
        return self._measure(u_BLC, seen_BLC, surprise_BLC, known_BLC)

    def _told(self, first_B: np.ndarray, origin_B: np.ndarray, origins: int | None) -> np.ndarray:
        """(B,) number of window steps whose values may enter the statistics: those up to the first origin.

        Where the series begins late in the window, a few real steps are waited for; origins before them do not count.
        """
        framing, scaling = self.framing, self.scaling
        warm_up = framing.lookback - (origins or framing.supervised) + 1
        if scaling.scale == "none" or self.fitted is not None:  # no statistics to wait for
            return np.full(len(origin_B), warm_up)
        begin_B = framing.lookback - 1 - (origin_B - first_B)  # window step at which the series begins
        needed = REAL_STEPS + (scaling.season if scaling.base == "seasonal" else 0)
        return np.clip(begin_B + needed, warm_up, framing.lookback)

    def _measure(
        self, u_BTC: np.ndarray, seen_BTC: np.ndarray, surprise_BTC: np.ndarray, known_BTC: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Location, spread, and the spread of the outputs (that of the surprises where there is a base)."""
        if self.scaling.scale != "none" and not self.complete and not seen_BTC.any(axis=1).all():
            # a gap as long as what may be looked at: the value before it is all that is known
            gap_B1C = ~seen_BTC.any(axis=1, keepdims=True)
            seen_BTC = seen_BTC | (gap_B1C & (np.arange(u_BTC.shape[1]) == 0)[:, None])
            u_BTC = np.where(gap_B1C, np.nan_to_num(u_BTC[:, :1]), u_BTC)
        location_BC, spread_BC = location_and_spread(u_BTC, seen_BTC, self.scaling.scale)
        if self.scaling.base == "none" or self.scaling.scale == "none":
            return location_BC, spread_BC, spread_BC
        return location_BC, spread_BC, surprise_size(surprise_BTC, known_BTC, u_BTC, seen_BTC, self.scaling.log)

    def fit_statistics(self) -> np.ndarray:
        """(N, 3, C) location, spread and output spread of every series over all its rows, for a fitted scaling."""
        panel, results = self.panel, []
        for n in range(len(panel)):
            row_1T = np.arange(panel.first[n], panel.stop[n])[None, :]
            first_11 = panel.first[n : n + 1, None]
            u_1TC, seen_1TC = self.u_RC[row_1T], self.seen_RC[row_1T]
            surprise_1TC, known_1TC = self._surprise(first_11, row_1T, u_1TC, seen_1TC)
            results.append(np.stack(self._measure(u_1TC, seen_1TC, surprise_1TC, known_1TC), axis=1))
        return np.concatenate(results)

    def _base(self, origin_BK: np.ndarray, first_B1: np.ndarray, horizon: int) -> np.ndarray:
        usual_RGC, category_R = self._category if self.scaling.base == "category" else (self.u_RC, self.u_RC)
        return base_at(self.u_RC, first_B1, origin_BK, horizon, self.scaling, usual_RGC, category_R)

    def _centre(self, origin_BK: np.ndarray, first_B1: np.ndarray, location_BC: np.ndarray) -> np.ndarray:
        """What an output of 0 means: the base, or the location where there is none. (B, K, H, C)."""
        horizon = self.framing.horizon
        if self.scaling.base != "none":
            base_BKHC = self._base(origin_BK, first_B1, horizon)
            if self.complete:
                return base_BKHC
            last_BK1C = self.u_RC[origin_BK][:, :, None]
            return np.nan_to_num(np.where(np.isnan(base_BKHC), last_BK1C, base_BKHC))
        shape = (*origin_BK.shape, horizon, location_BC.shape[1])
        return np.broadcast_to(location_BC[:, None, None], shape)

    @cached_property
    def _category(self) -> tuple[np.ndarray, np.ndarray]:
        """(R, G, C) usual value of each category, and (R,) the category of each row."""
        assert self.scaling.category is not None
        onehot_RG = self.panel.values_RV[:, self.panel.schema.category_slice(self.scaling.category)]
        category_R = onehot_RG.argmax(axis=1)
        observed_R = np.where(self.seen_RC.all(axis=1), category_R, -1)  # a filled value is that of another category
        table = category_table(
            self.u_RC, self.panel.first, self.panel.length, observed_R, onehot_RG.shape[1], self.scaling.depth
        )
        return table, category_R

    def _covariates(self, series_B: np.ndarray, row_BL: np.ndarray) -> list[np.ndarray]:
        """Past covariates at t, future covariates at t+1 and statics, scaled: (B, L, P), (B, L, F), (B, L, S)."""
        schema, static_NS = self.panel.schema, self.panel.static_NS
        parts = []
        if schema.past:
            parts.append(self._scaled_columns(row_BL, schema.past_slice))
        if schema.future:
            parts.append(self._scaled_columns(np.minimum(row_BL + 1, len(self.u_RC) - 1), schema.future_slice))
        if static_NS.shape[1]:
            width = static_NS.shape[1]
            scale = self.covariates
            static_BS = (static_NS[series_B] - scale.location_V[-width:]) / scale.spread_V[-width:]
            parts.append(np.broadcast_to(static_BS[:, None], (*row_BL.shape, width)))
        return parts

    def _future(self, origin_BK: np.ndarray) -> np.ndarray:
        """Future covariates of every forecast step, (B, K, H, F)."""
        if not self.panel.schema.future:
            return np.zeros((*origin_BK.shape, self.framing.horizon, 0), np.float32)
        row_BKH = origin_BK[:, :, None] + np.arange(1, self.framing.horizon + 1)
        return self._scaled_columns(np.clip(row_BKH, 0, len(self.u_RC) - 1), self.panel.schema.future_slice)

    def _scaled_columns(self, rows: np.ndarray, columns: slice) -> np.ndarray:
        """Covariate columns at some rows, scaled; a missing value is the column's mean, which is 0."""
        targets = len(self.panel.targets)
        scale = slice(columns.start - targets, columns.stop - targets)
        raw = self.panel.values_RV[:, columns][rows]
        scaled = (raw - self.covariates.location_V[scale]) / self.covariates.spread_V[scale]
        filled: np.ndarray = np.nan_to_num(scaled.astype(np.float32, copy=False))
        return filled

    def _targets(
        self,
        series_B: np.ndarray,
        origin_BK: np.ndarray,
        late_BK: np.ndarray,
        centre_BKHC: np.ndarray,
        step_BC: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Scaled truths and their weights; what lies outside the series has weight 0. (B, K, H, C) each."""
        row_BKH = origin_BK[:, :, None] + np.arange(1, self.framing.horizon + 1)
        first_B11 = self.panel.first[series_B][:, None, None]
        stop_B11 = self.panel.stop[series_B][:, None, None]
        trained_BK = late_BK & (origin_BK >= self.begun[series_B][:, None])
        inside_BKH = (row_BKH < stop_B11) & trained_BK[:, :, None]
        row_BKH = np.clip(row_BKH, first_B11, stop_B11 - 1)
        target_BKHC = ((self.u_RC[row_BKH] - centre_BKHC) / step_BC[:, None, None]).astype(np.float32)
        if self.complete and inside_BKH.all():
            return target_BKHC, None
        known_BKHC = inside_BKH[..., None] & self.seen_RC[row_BKH]
        return np.where(known_BKHC, target_BKHC, 0), known_BKHC.astype(np.float32)


def _mean_and_spread(values_RV: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (V,) of what is not missing: 0 and 1 for an empty column, 1 for a constant one."""
    seen_RV = np.isfinite(values_RV)
    count_V = np.maximum(seen_RV.sum(axis=0), 1)
    mean_V = np.where(seen_RV, values_RV, 0).sum(axis=0, dtype=np.float64) / count_V
    spread_V = np.sqrt((np.where(seen_RV, values_RV - mean_V, 0) ** 2).sum(axis=0) / count_V)
    return mean_V, np.where(spread_V > 0, spread_V, 1)


def _rows_inside(panel: Panel) -> np.ndarray:
    """(R,) True for the buffer's rows that belong to a series of this panel."""
    change_R = np.zeros(len(panel.values_RV) + 1, np.int64)
    np.add.at(change_R, panel.first, 1)
    np.add.at(change_R, panel.stop, -1)
    return np.asarray(np.cumsum(change_R)[:-1] > 0)


def _first_observed(seen_RC: np.ndarray, panel: Panel) -> np.ndarray:
    """(N,) row of the first observed target of each series; its end where there is none."""
    rows = len(seen_RC)
    row_R = np.where(seen_RC.any(axis=1), np.arange(rows), rows)
    next_R = np.minimum.accumulate(row_R[::-1])[::-1]
    return np.minimum(next_R[panel.first], panel.stop)


def _fill_forward(u_RC: np.ndarray, seen_RC: np.ndarray, panel: Panel) -> np.ndarray:
    """Repeat the last observed value of the series; before its first one, NaN."""
    row_RC = np.broadcast_to(np.arange(len(u_RC))[:, None], u_RC.shape)
    start_R = np.zeros(len(u_RC), np.int64)
    start_R[panel.first] = panel.first
    start_R = np.maximum.accumulate(start_R)
    last_RC = np.maximum.accumulate(np.where(seen_RC, row_RC, -1), axis=0)
    filled_RC = np.take_along_axis(u_RC, np.maximum(last_RC, 0), axis=0)
    return np.where(last_RC >= start_R[:, None], filled_RC, np.nan).astype(u_RC.dtype)
