"""From window numbers to the arrays of one batch: gather, scale, and remember the way back.

What the network reads at each step stands in ``channels``; what it forecasts is measured from a ``reference``.
A series begins with its first observed target: rows that are missing before it count as not there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import ROWS_AT_ONCE
from gatecast.windows.calendar import Calendar
from gatecast.windows.channels import Layout, Source, Steps, Windows
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.index import forked
from gatecast.windows.references.reference import Before
from gatecast.windows.regular_reader import RegularReader
from gatecast.windows.scaling import Scaling, location_and_spread, residual_size
from gatecast.windows.shape import Batch, Framing
from gatecast.windows.targets import TargetRows

__all__ = ["Batch", "CovariateScale", "Framing", "WindowReader"]


class WindowReader:
    """Reads batches of windows from a panel.

    Args:
        panel: where to read; windows may touch any row of a series up to its end.
        scaling: how values are scaled.
        framing: the sizes of a window.
        covariates: scale of the covariates, from the training span.
        fitted: (N, 3, C) location, spread and output spread of each series, for a fitted scaling.
        before: what the reference knows of rows that are not there any more; None = the series are whole.
    """

    def __init__(
        self,
        panel: Panel,
        scaling: Scaling,
        framing: Framing,
        covariates: CovariateScale,
        fitted: np.ndarray | None = None,
        before: Before | None = None,
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
        kind = scaling.reference
        self.reference = kind.bind(panel, self.u_RC) if before is None else kind.resume(panel, self.u_RC, before)
        self.source = Source(panel, covariates, self.calendar)
        self.layout = Layout(panel.schema, scaling, framing, panel.frequency)
        self._regular = RegularReader(self.source, self.u_RC, self.reference, self.layout)

    @property
    def future_width(self) -> int:
        """Channels of the future covariates."""
        return int(self.panel.future_RF.shape[1])

    @property
    def features(self) -> int:
        """Channels F of the context."""
        return self.layout.features

    # ---------------------------------------------------------------- one batch

    def read(
        self, series_B: np.ndarray, origin_B: np.ndarray, *, targets: bool = True, origins: int | None = None
    ) -> Batch:
        """The windows that end in the rows ``origin_B`` of the series ``series_B``.

        The K forecasts of a window are those of its ``origins`` last steps (``framing.training_origins`` if None).
        """
        count = origins or self.framing.training_origins
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
        framing, anchored = self.framing, self.scaling.reference.anchored
        first_B1 = self.first_rows(series_B, origin_B)
        wanted_BL = origin_B[:, None] + np.arange(1 - framing.lookback, 1)
        row_BL = np.maximum(wanted_BL, first_B1)  # before the series' start its first row is repeated ...
        seen_BLC = self.u_RC.seen(row_BL) & (wanted_BL >= first_B1)[:, :, None]  # ... and marked as not observed
        u_BLC = self.u_RC[row_BL]
        residual_BLC, known_BLC = self._residual(series_B, first_B1, row_BL, u_BLC, seen_BLC)
        warm_B = self._warm(first_B1[:, 0], origin_B, origins)
        warm_BL1 = (np.arange(framing.lookback) < warm_B[:, None])[:, :, None]
        location_BC, spread_BC, step_BC = self._statistics(
            series_B, u_BLC, seen_BLC & warm_BL1, residual_BLC, known_BLC & warm_BL1
        )
        level_BLC = (u_BLC - location_BC[:, None]) / spread_BC[:, None]
        if not self.complete:
            level_BLC = np.nan_to_num(level_BLC)  # a target that begins later than the other ones
        steps = Steps(self.source, series_B, wanted_BL[:, 0], framing.lookback, first_B1)
        windows = Windows(steps, level_BLC, residual_BLC / step_BC[:, None] if anchored else residual_BLC, seen_BLC)
        context_BLF = self.layout.joined(lambda channel: channel.general(windows))

        origin_BK = origin_B[:, None] + np.arange(1 - origins, 1)
        reference_BKHC = self._measured_from(series_B, np.maximum(origin_BK, first_B1), first_B1, location_BC)
        target_BKHC, weight_BKHC = None, None
        if targets:
            late_BK = origin_BK >= (origin_B - framing.lookback + warm_B)[:, None]
            target_BKHC, weight_BKHC = self._targets(series_B, origin_BK, late_BK, reference_BKHC, step_BC)
        future_BKHF = self._future(origin_BK)
        return Batch(
            context_BLF, future_BKHF, target_BKHC, weight_BKHC, reference_BKHC, step_BC, location_BC, spread_BC
        )  # fmt: skip

    def after(self, series_B: np.ndarray, origin_B: np.ndarray, steps: int) -> list[np.ndarray | None]:
        """(B, steps, W) of each channel after the origin, in their order; None for those that the values decide."""
        ahead = Steps(self.source, series_B, origin_B + 1, steps)
        return [channel.after(ahead) for channel in self.layout.places]

    def restore(self, batch: Batch, output_BHCQ: np.ndarray) -> np.ndarray:
        """Undo the scaling of the last origin's outputs: (B, H, C, Q) -> (B, H, C, Q) in the data's own unit."""
        last = replace(batch, reference_BKHC=batch.reference_BKHC[:, -1:])
        return self.restore_every(last, output_BHCQ[:, None])[:, 0]

    def restore_every(self, batch: Batch, output_BKHCQ: np.ndarray) -> np.ndarray:
        """Undo the scaling of all K origins' outputs: (B, K, H, C, Q) -> the same in the data's own unit."""
        reference_BKHC1 = batch.reference_BKHC[..., None]
        spread_B11C1 = batch.spread_BC[:, None, None, :, None]
        u_BKHCQ = reference_BKHC1 + spread_B11C1 * output_BKHCQ.astype(reference_BKHC1.dtype)
        values_BKHCQ: np.ndarray = self.scaling.inverse(self.scaling.bound(u_BKHCQ, reference_BKHC1))
        return values_BKHCQ

    def scaled(self, batch: Batch, values_BHC: np.ndarray) -> np.ndarray:
        """The way in for truths of the last origin: data's unit (B, H, C) -> output units (B, H, C)."""
        u_BHC = self.scaling.transform(values_BHC)
        return (u_BHC - batch.reference_BKHC[:, -1]) / batch.spread_BC[:, None]

    # ---------------------------------------------------------------- its parts

    def first_rows(self, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, 1) row where each series begins, seen from the origin: its first observed target, once there is one."""
        begun_B = self.begun[series_B]
        return np.where(begun_B <= origin_B, begun_B, self.panel.first[series_B])[:, None]

    def _residual(
        self, series_B: np.ndarray, first_B1: np.ndarray, row_BL: np.ndarray, u_BLC: np.ndarray, seen_BLC: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the reference made one step before left over, and where that is known: (B, L, C) each."""
        if not self.scaling.reference.anchored:
            return u_BLC[:, :, :0], seen_BLC[:, :, :0]
        known_BL = row_BL - self.scaling.reference.residual_from >= first_B1
        before_BL = np.maximum(row_BL - 1, first_B1)
        residual_BLC = u_BLC - self.reference.at(series_B, first_B1, before_BL, 1)[:, :, 0]
        known_BLC = known_BL[:, :, None] & seen_BLC & np.isfinite(residual_BLC)
        return np.where(known_BLC, residual_BLC, 0), known_BLC

    def _statistics(
        self,
        series_B: np.ndarray,
        u_BLC: np.ndarray,
        seen_BLC: np.ndarray,
        residual_BLC: np.ndarray,
        known_BLC: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Location and spread of the level, spread of the outputs; (B, C) each, from the warm-up or as fitted."""
        if self.fitted is not None:
            location_BC, spread_BC, step_BC = self.fitted[series_B].swapaxes(0, 1)
            return location_BC, spread_BC, step_BC
        return self._measure(u_BLC, seen_BLC, residual_BLC, known_BLC)

    @property
    def _measured(self) -> bool:
        """The statistics are those of the window."""
        return self.scaling.scale != "none" and self.fitted is None

    def _warm(self, first_B: np.ndarray, origin_B: np.ndarray, origins: int) -> np.ndarray:
        """(B,) number of window steps whose values may enter the statistics: those up to the first origin.

        Where the series begins late in the window, a few real steps are waited for; origins before them do not count.
        """
        framing = self.framing
        warm_up = framing.lookback - origins + 1
        if not self._measured:  # no statistics to wait for
            return np.full(len(origin_B), warm_up)
        begin_B = framing.lookback - 1 - (origin_B - first_B)  # window step at which the series begins
        return np.clip(begin_B + self.scaling.reference.real_steps, warm_up, framing.lookback)

    def _measure(
        self, u_BTC: np.ndarray, seen_BTC: np.ndarray, residual_BTC: np.ndarray, known_BTC: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Location, spread, and the spread of the outputs (that of the residuals where there is a reference)."""
        if self.scaling.scale != "none" and not self.complete and not seen_BTC.any(axis=1).all():
            # a gap as long as what may be looked at: the value before it is all that is known
            gap_B1C = ~seen_BTC.any(axis=1, keepdims=True)
            seen_BTC = seen_BTC | (gap_B1C & (np.arange(u_BTC.shape[1]) == 0)[:, None])
            u_BTC = np.where(gap_B1C, np.nan_to_num(u_BTC[:, :1]), u_BTC)
        location_BC, spread_BC = location_and_spread(u_BTC, seen_BTC, self.scaling.scale)
        if not self.scaling.reference.anchored or self.scaling.scale == "none":
            return location_BC, spread_BC, spread_BC
        return location_BC, spread_BC, residual_size(residual_BTC, known_BTC, u_BTC, seen_BTC, self.scaling.log)

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
                residual_BTC, known_BTC = self._residual(group, panel.first[group, None], row_BT, u_BTC, seen_BTC)
                found = np.stack(self._measure(u_BTC, seen_BTC, residual_BTC, known_BTC), axis=1)
                result = np.empty((len(panel), *found.shape[1:]), found.dtype) if result is None else result
                result[group] = found
        assert result is not None
        return result

    def _measured_from(
        self, series_B: np.ndarray, origin_BK: np.ndarray, first_B1: np.ndarray, location_BC: np.ndarray
    ) -> np.ndarray:
        """What an output of 0 means: the reference, or the location where there is none. (B, K, H, C)."""
        horizon = self.framing.horizon
        if self.scaling.reference.anchored:
            reference_BKHC = self.reference.at(series_B, first_B1, origin_BK, horizon)
            if self.complete:
                return reference_BKHC
            last_BK1C = self.u_RC[origin_BK][:, :, None]
            return np.nan_to_num(np.where(np.isnan(reference_BKHC), last_BK1C, reference_BKHC))
        shape = (*origin_BK.shape, horizon, location_BC.shape[1])
        return np.broadcast_to(location_BC[:, None, None], shape)

    def _future(self, origin_BK: np.ndarray) -> np.ndarray:
        """Future covariates of every forecast step, (B, K, H, F)."""
        origins, horizon = origin_BK.shape[1], self.framing.horizon
        if not self.panel.schema.future:
            return np.zeros((*origin_BK.shape, horizon, 0), np.float32)
        row_BT = np.clip(origin_BK[:, :1] + np.arange(1, origins + horizon), 0, len(self.u_RC) - 1)
        columns = self.panel.schema.future_slice
        future_BTF = self.source.scaled(self.panel.values_RV[:, columns][row_BT], columns)
        return forked(future_BTF, 0, origins, horizon).copy()

    def _targets(
        self,
        series_B: np.ndarray,
        origin_BK: np.ndarray,
        late_BK: np.ndarray,
        reference_BKHC: np.ndarray,
        step_BC: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Scaled truths and their weights; what lies outside the series has weight 0. (B, K, H, C) each."""
        origins, horizon = origin_BK.shape[1], self.framing.horizon
        row_BT = origin_BK[:, :1] + np.arange(1, origins + horizon)
        first_B1, stop_B1 = self.panel.first[series_B][:, None], self.panel.stop[series_B][:, None]
        place_BT = np.clip(row_BT, first_B1, stop_B1 - 1)
        u_BKHC = forked(self.u_RC[place_BT], 0, origins, horizon)
        target_BKHC = ((u_BKHC - reference_BKHC) / step_BC[:, None, None]).astype(np.float32)
        trained_BK = late_BK & (origin_BK >= self.begun[series_B][:, None])
        inside_BT = row_BT < stop_B1
        if self.complete and trained_BK.all() and inside_BT.all():
            return target_BKHC, None
        seen_BTC = inside_BT[:, :, None] & self.u_RC.seen(place_BT)
        known_BKHC = trained_BK[:, :, None, None] & forked(seen_BTC, 0, origins, horizon)
        return np.where(known_BKHC, target_BKHC, 0), known_BKHC.astype(np.float32)
