"""From window numbers to the arrays of one batch: gather, scale, and remember the way back.

level      (u_t - location) / spread                   C channels
surprise   (u_t - base of t made at t-1) / spread      C channels, where there is a base
past       past covariates at t                        P channels
future     future covariates at t+1                    F channels (known one step ahead)
static     the series' constants                       S channels
calendar   waves of the day, week, year at t+1         where wanted
observed   1 where the target was there, else 0        1 channel, where values are missing or series are short

A series begins with its first observed target: rows that are missing before it count as not there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from gatecast.data.base import base_at, category_table
from gatecast.data.calendar import Calendar
from gatecast.data.covariate_scale import CovariateScale
from gatecast.data.framing import Batch, Framing
from gatecast.data.panel import Panel
from gatecast.data.regular import REAL_STEPS, RegularReader, forked
from gatecast.data.rows import ROWS_AT_ONCE, TargetRows
from gatecast.data.scaling import Scaling, location_and_spread, surprise_size

__all__ = ["Batch", "CovariateScale", "Framing", "WindowReader"]


class WindowReader:
    """Reads batches of windows from a panel.

    Args:
        panel: where to read; windows may touch any row of a series up to its end.
        scaling: how values are scaled.
        framing: the sizes of a window.
        covariates: scale of the covariates, from the training span.
        fitted: (N, 3, C) location, spread and output spread of each series, for a fitted scaling.
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
        self.u_RC = TargetRows(panel, scaling)
        self.complete = self.u_RC.complete
        self.begun = self.u_RC.begun
        self.calendar = Calendar.of(panel, framing.calendar, framing.year_waves)
        self._regular = RegularReader(panel, self.u_RC, scaling, framing, covariates, self.calendar)

    @property
    def future_width(self) -> int:
        """Channels of the future covariates."""
        return int(self.panel.future_RF.shape[1])

    @property
    def features(self) -> int:
        """Channels F of the context."""
        targets = len(self.panel.targets) * (1 if self.scaling.base == "none" else 2)
        covariates = self.panel.schema.width - len(self.panel.targets) + self.panel.static_NS.shape[1]
        return targets + covariates + self.calendar.width + int(self.framing.observed)

    # ---------------------------------------------------------------- one batch

    def read(
        self, series_B: np.ndarray, origin_B: np.ndarray, *, targets: bool = True, origins: int | None = None
    ) -> Batch:
        """The windows that end in the rows ``origin_B`` of the series ``series_B``.

        The K forecasts of a window are those of its ``origins`` last steps (``framing.supervised`` if None).
        """
        count = origins or self.framing.supervised
        regular_B = self._regular.finds(
            series_B,
            self.first_rows(series_B, origin_B)[:, 0],
            origin_B,
            count,
            measured=self._measured,
            targets=targets,
        )
        if not regular_B.any():
            return self._read_any(series_B, origin_B, targets, count)
        if regular_B.all():
            return self._regular.read(series_B, origin_B, count, self.fitted, targets=targets)
        # one of the others stands where a window is not regular, until that takes its place
        stand_in, odd = int(regular_B.argmax()), np.flatnonzero(~regular_B)
        taken_B = np.where(regular_B, np.arange(len(origin_B)), stand_in)
        batch = self._regular.read(series_B[taken_B], origin_B[taken_B], count, self.fitted, targets=targets)
        return batch.with_windows(odd, self._read_any(series_B[odd], origin_B[odd], targets, count))

    def _read_any(self, series_B: np.ndarray, origin_B: np.ndarray, targets: bool, origins: int) -> Batch:
        """Windows of any kind: they may begin before their series does, lack values, or end after the panel."""
        framing = self.framing
        first_B1 = self.first_rows(series_B, origin_B)
        wanted_BL = origin_B[:, None] + np.arange(1 - framing.lookback, 1)
        row_BL = np.maximum(wanted_BL, first_B1)  # before the series' start its first row is repeated ...
        seen_BLC = self.u_RC.seen(row_BL) & (wanted_BL >= first_B1)[:, :, None]  # ... and marked as not observed
        u_BLC = self.u_RC[row_BL]
        surprise_BLC, known_BLC = self._surprise(series_B, first_B1, row_BL, u_BLC, seen_BLC)
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
        channels += self._covariates(series_B, row_BL) + self._calendar(series_B, wanted_BL)
        if framing.observed:
            channels.append(seen_BLC.all(axis=2, keepdims=True))
        context_BLF = np.concatenate([c.astype(np.float32, copy=False) for c in channels], axis=2)

        origin_BK = origin_B[:, None] + np.arange(1 - origins, 1)
        centre_BKHC = self._centre(series_B, np.maximum(origin_BK, first_B1), first_B1, location_BC)
        target_BKHC, weight_BKHC = None, None
        if targets:
            late_BK = origin_BK >= (origin_B - framing.lookback + told_B)[:, None]
            target_BKHC, weight_BKHC = self._targets(series_B, origin_BK, late_BK, centre_BKHC, step_BC)
        future_BKHF = self._future(origin_BK)
        return Batch(
            context_BLF, future_BKHF, target_BKHC, weight_BKHC, centre_BKHC, step_BC, location_BC, spread_BC
        )  # fmt: skip

    def covariates_after(self, series_B: np.ndarray, origin_B: np.ndarray, steps: int) -> np.ndarray:
        """(B, steps, X) the covariate and calendar channels of the context's next steps.

        Past covariates are unknown there: 0.
        """
        row_BT = origin_B[:, None] + np.arange(1, steps + 1)
        parts = self._covariates(series_B, np.minimum(row_BT, len(self.u_RC) - 1))
        if self.panel.schema.past:
            parts[0] = np.zeros_like(parts[0])
        parts += self._calendar(series_B, row_BT)
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
        self, series_B: np.ndarray, first_B1: np.ndarray, row_BL: np.ndarray, u_BLC: np.ndarray, seen_BLC: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the base made one step before did not expect, and where that can be known: (B, L, C) each."""
        if self.scaling.base == "none":
            return u_BLC[:, :, :0], seen_BLC[:, :, :0]
        back = self.scaling.season if self.scaling.base in ("seasonal", "smooth") else 1
        known_BL = row_BL - back >= first_B1
        before_BL = np.maximum(row_BL - 1, first_B1)
        base_BLC = self._base(series_B, before_BL, first_B1, 1)[:, :, 0]
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

    @property
    def _measured(self) -> bool:
        """The statistics are those of the window."""
        return self.scaling.scale != "none" and self.fitted is None

    def _told(self, first_B: np.ndarray, origin_B: np.ndarray, origins: int) -> np.ndarray:
        """(B,) number of window steps whose values may enter the statistics: those up to the first origin.

        Where the series begins late in the window, a few real steps are waited for; origins before them do not count.
        """
        framing, scaling = self.framing, self.scaling
        warm_up = framing.lookback - origins + 1
        if not self._measured:  # no statistics to wait for
            return np.full(len(origin_B), warm_up)
        begin_B = framing.lookback - 1 - (origin_B - first_B)  # window step at which the series begins
        needed = REAL_STEPS + (scaling.season if scaling.base in ("seasonal", "smooth") else 0)
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
        panel, result = self.panel, None
        for steps in np.unique(panel.length):
            alike = np.flatnonzero(panel.length == steps)
            at_once = max(ROWS_AT_ONCE // int(steps), 1)
            for at in range(0, len(alike), at_once):
                group = alike[at : at + at_once]
                row_BT = panel.first[group, None] + np.arange(steps)
                u_BTC, seen_BTC = self.u_RC[row_BT], self.u_RC.seen(row_BT)
                surprise_BTC, known_BTC = self._surprise(group, panel.first[group, None], row_BT, u_BTC, seen_BTC)
                found = np.stack(self._measure(u_BTC, seen_BTC, surprise_BTC, known_BTC), axis=1)
                result = np.empty((len(panel), *found.shape[1:]), found.dtype) if result is None else result
                result[group] = found
        assert result is not None
        return result

    def _base(self, series_B: np.ndarray, origin_BK: np.ndarray, first_B1: np.ndarray, horizon: int) -> np.ndarray:
        none = np.zeros(0)
        usual_RGC, category_R = self._category if self.scaling.base == "category" else (none, none)
        smooth = self._regular.smooth.of(series_B) if self.scaling.base == "smooth" else None
        return base_at(self.u_RC, first_B1, origin_BK, horizon, self.scaling, usual_RGC, category_R, smooth)

    def _centre(
        self, series_B: np.ndarray, origin_BK: np.ndarray, first_B1: np.ndarray, location_BC: np.ndarray
    ) -> np.ndarray:
        """What an output of 0 means: the base, or the location where there is none. (B, K, H, C)."""
        horizon = self.framing.horizon
        if self.scaling.base != "none":
            base_BKHC = self._base(series_B, origin_BK, first_B1, horizon)
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
        seen_RC = self.u_RC.seen_RC  # a filled value is that of another category
        observed_R = category_R if seen_RC is None else np.where(seen_RC.all(axis=1), category_R, -1)
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

    def _calendar(self, series_B: np.ndarray, row_BL: np.ndarray) -> list[np.ndarray]:
        """Waves at t+1, (B, L, 2 waves) of each cycle; a row may lie before or after its series."""
        return self.calendar.channels(series_B, row_BL + 1 - self.panel.first[series_B][:, None])

    def _future(self, origin_BK: np.ndarray) -> np.ndarray:
        """Future covariates of every forecast step, (B, K, H, F)."""
        origins, horizon = origin_BK.shape[1], self.framing.horizon
        if not self.panel.schema.future:
            return np.zeros((*origin_BK.shape, horizon, 0), np.float32)
        row_BT = origin_BK[:, :1] + np.arange(1, origins + horizon)
        future_BTF = self._scaled_columns(np.clip(row_BT, 0, len(self.u_RC) - 1), self.panel.schema.future_slice)
        return forked(future_BTF, 0, origins, horizon).copy()

    def _scaled_columns(self, rows: np.ndarray, columns: slice) -> np.ndarray:
        """Covariate columns at some rows, scaled; a missing value is the column's mean, which is 0."""
        targets = len(self.panel.targets)
        scale = slice(columns.start - targets, columns.stop - targets)
        return self.covariates.scaled(self.panel.values_RV[:, columns][rows], scale)

    def _targets(
        self,
        series_B: np.ndarray,
        origin_BK: np.ndarray,
        late_BK: np.ndarray,
        centre_BKHC: np.ndarray,
        step_BC: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Scaled truths and their weights; what lies outside the series has weight 0. (B, K, H, C) each."""
        origins, horizon = origin_BK.shape[1], self.framing.horizon
        row_BT = origin_BK[:, :1] + np.arange(1, origins + horizon)
        first_B1, stop_B1 = self.panel.first[series_B][:, None], self.panel.stop[series_B][:, None]
        place_BT = np.clip(row_BT, first_B1, stop_B1 - 1)
        u_BKHC = forked(self.u_RC[place_BT], 0, origins, horizon)
        target_BKHC = ((u_BKHC - centre_BKHC) / step_BC[:, None, None]).astype(np.float32)
        trained_BK = late_BK & (origin_BK >= self.begun[series_B][:, None])
        inside_BT = row_BT < stop_B1
        if self.complete and trained_BK.all() and inside_BT.all():
            return target_BKHC, None
        seen_BTC = inside_BT[:, :, None] & self.u_RC.seen(place_BT)
        known_BKHC = trained_BK[:, :, None, None] & forked(seen_BTC, 0, origins, horizon)
        return np.where(known_BKHC, target_BKHC, 0), known_BKHC.astype(np.float32)
