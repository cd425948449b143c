"""Windows well inside their series with nothing missing: blocks of neighbouring rows, cut by plain slices.

rows            ..[ lookback L .................. o ][ horizon H ]
a season before   [ the same rows, m earlier .............. ]       the base of each row (smooth: its season)
targets                          [ h = 1 .. H ]                     of the origins o-K+1 .. o: one block, K views
                                   [ h = 1 .. H ]

No row has to be clamped and no value masked, so that a window costs about as much as copying it. All others go the
long way in ``batches``; both give the same numbers, up to the order of sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gatecast.data.base import median_of
from gatecast.data.calendar import Calendar
from gatecast.data.covariate_scale import CovariateScale
from gatecast.data.framing import Batch, Framing
from gatecast.data.panel import Panel
from gatecast.data.rows import TargetRows, windows_at
from gatecast.data.scaling import Scaling, location_and_spread, surprise_size
from gatecast.data.smoothing import SmoothedAsRead

__all__ = ["REAL_STEPS", "RegularReader", "forked"]

REAL_STEPS = 3  # observed steps (and a season, where there is a seasonal base) before a first forecast is trained


def forked(values_BTX: np.ndarray, begin: int, origins: int, horizon: int) -> np.ndarray:
    """(B, K, H, X) view of the rows begin + k + h, for k = 0 .. K-1 and h = 0 .. H-1.

    >>> forked(np.arange(6).reshape(1, 6, 1), 1, 2, 3)[0, :, :, 0]
    array([[1, 2, 3],
           [2, 3, 4]])
    """
    batch, steps, width = values_BTX.shape
    assert begin + origins + horizon - 1 <= steps, "the block is too short"
    of_batch, of_step, of_column = values_BTX.strides
    return np.lib.stride_tricks.as_strided(
        values_BTX[:, begin:], (batch, origins, horizon, width), (of_batch, of_step, of_step, of_column),
        writeable=False,
    )  # fmt: skip


@dataclass(frozen=True)
class RegularReader:
    """Reads regular windows; says which ones are.

    Args:
        panel: where to read.
        rows: its transformed targets.
        scaling: how values are scaled.
        framing: the sizes of a window.
        covariates: scale of the covariates.
        calendar: of the panel.
    """

    panel: Panel
    rows: TargetRows
    scaling: Scaling
    framing: Framing
    covariates: CovariateScale
    calendar: Calendar

    @property
    def reach(self) -> int:
        """Rows of its series before a window that its bases look at."""
        season, depth = self.scaling.season, self.scaling.depth
        return {"none": 0, "last": 1, "seasonal": season * depth, "category": 0, "smooth": season}[self.scaling.base]

    @cached_property
    def smooth(self) -> SmoothedAsRead:
        """Level and season at every row of the series that are read; a series begins with its first observed target."""
        stop, scaling = self.panel.stop, self.scaling
        begun_N = np.minimum(self.rows.begun, stop - 1)
        return SmoothedAsRead(self.rows, begun_N, stop - begun_N, scaling.season, scaling.alpha, scaling.gamma)

    def finds(
        self, series_B: np.ndarray, first_B: np.ndarray, origin_B: np.ndarray, origins: int, *, measured: bool,
        targets: bool,
    ) -> np.ndarray:  # fmt: skip
        """(B,) which windows are regular.

        Args:
            series_B: series of each window.
            first_B: row where it begins.
            origin_B: row of each origin.
            origins: K.
            measured: the statistics are those of the window.
            targets: the truth is wanted too.
        """
        lookback, horizon = self.framing.lookback, self.framing.horizon
        if self.scaling.base == "category":
            return np.zeros(len(origin_B), bool)
        history = lookback - 1 + self.reach
        if measured:  # the first steps of a series are waited for
            needed = REAL_STEPS + (self.scaling.season if self.scaling.base in ("seasonal", "smooth") else 0)
            history = max(history, origins + needed - 2)
        regular_B = origin_B - first_B >= history
        ahead = horizon if targets else 0
        if targets:
            regular_B &= origin_B + horizon < self.panel.stop[series_B]
        if self.panel.schema.future:
            regular_B &= origin_B + horizon < len(self.rows)
        if self.rows.seen_RC is not None:
            inside = np.flatnonzero(regular_B)
            before = 0 if self.scaling.base == "smooth" else self.reach  # smoothing goes through gaps
            begin_M = origin_B[inside] - lookback + 1 - before
            seen_MTC = windows_at(self.rows.seen_RC, begin_M, before + lookback + ahead)
            regular_B[inside] = seen_MTC.all(axis=(1, 2))
        return regular_B

    def read(
        self, series_B: np.ndarray, origin_B: np.ndarray, origins: int, fitted: np.ndarray | None, *, targets: bool
    ) -> Batch:
        """As ``WindowReader.read``; all windows are regular."""
        lookback, horizon, count = self.framing.lookback, self.framing.horizon, len(self.panel.targets)
        lead = 1 if self.scaling.base == "last" else 0
        ahead = horizon if targets or self.panel.schema.future else 0
        block_BTV = windows_at(self.panel.values_RV, origin_B - lookback + 1 - lead, lead + lookback + ahead)
        u_BTC = self.scaling.apply(block_BTV[:, : lead + lookback + (horizon if targets else 0), :count])
        told = slice(0, lookback - origins + 1)
        level_BTC, (base_BTC, centre_BKHC) = u_BTC[:, lead:], self._bases(u_BTC, series_B, origin_B, origins)
        surprise_BTC = None if base_BTC is None else _minus(level_BTC, base_BTC)
        location_BC, spread_BC, step_BC = self._statistics(
            None if fitted is None else fitted[series_B], level_BTC[:, told],
            None if surprise_BTC is None else surprise_BTC[:, told],
        )  # fmt: skip
        scaled_BTC = _scaled(level_BTC, location_BC, spread_BC)
        channels = [scaled_BTC[:, :lookback]]
        if surprise_BTC is not None:
            channels.append(_scaled(surprise_BTC[:, :lookback], None, step_BC))
        future_BTF = self._covariates(channels, block_BTV[:, lead:], series_B)
        next_B1 = (origin_B - self.panel.first[series_B] + 1)[:, None]
        channels += self.calendar.channels(series_B, next_B1 + np.arange(1 - lookback, 1))
        context_BLF = _joined(channels, (len(origin_B), lookback), self.framing.observed)
        first = lookback - origins
        if centre_BKHC is None:
            centre_BKHC = np.broadcast_to(location_BC[:, None, None], (len(origin_B), origins, horizon, count))
        target_BKHC = None
        if targets:
            if surprise_BTC is None:
                target_BKHC = forked(scaled_BTC, first + 1, origins, horizon).copy()
            elif self.scaling.base == "seasonal" and horizon <= self.scaling.season:
                ahead_BTC = _scaled(surprise_BTC[:, first + 1 :], None, step_BC)
                target_BKHC = forked(ahead_BTC, 0, origins, horizon).copy()
            else:
                target_BKHC = forked(level_BTC, first + 1, origins, horizon) - centre_BKHC
                target_BKHC /= step_BC[:, None, None]
                target_BKHC = target_BKHC.astype(np.float32, copy=False)
        if future_BTF is None:
            future_BKHF = np.zeros((len(origin_B), origins, horizon, 0), np.float32)
        else:
            future_BKHF = forked(future_BTF, first, origins, horizon).copy()
        return Batch(
            context_BLF, future_BKHF, target_BKHC, None, centre_BKHC, step_BC, location_BC, spread_BC
        )  # fmt: skip

    def _bases(
        self, u_BTC: np.ndarray, series_B: np.ndarray, origin_B: np.ndarray, origins: int
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """What was expected of each row one step before, and what an output of 0 means: a view wherever that says it.

        (B, L, C) or, where there are seasons, beyond the origin; and (B, K, H, C). None where there is no base.
        """
        lookback, horizon, base = self.framing.lookback, self.framing.horizon, self.scaling.base
        if base == "none":
            return None, None
        if base == "last":
            shape = (len(u_BTC), origins, horizon, u_BTC.shape[2])
            return u_BTC[:, :lookback], np.broadcast_to(u_BTC[:, lookback - origins + 1 : lookback + 1, None], shape)
        if base == "smooth":
            return self._smooth_bases(series_B, origin_B, origins)
        steps, begin_B = lookback + min(horizon, self.scaling.season), origin_B - lookback + 1
        base_BTC = median_of(
            [
                self.scaling.apply(windows_at(self.panel.target_RC, begin_B - back * self.scaling.season, steps))
                for back in range(1, self.scaling.depth + 1)
            ]
        )
        return base_BTC, self._ahead(base_BTC, origins)

    def _smooth_bases(self, series_B: np.ndarray, origin_B: np.ndarray, origins: int) -> tuple[np.ndarray, np.ndarray]:
        """As ``_bases``: the level of the step before (of the origin), and the place's season one season before."""
        lookback, horizon, season = self.framing.lookback, self.framing.horizon, self.scaling.season
        smooth = self.smooth.of(series_B)
        level_BTC = windows_at(smooth.level_RC, origin_B - lookback, lookback + 1)
        before_BLC, origin_BK1C = level_BTC[:, :lookback], level_BTC[:, lookback + 1 - origins :, None]
        if season == 1:
            shape = (len(origin_B), origins, horizon, level_BTC.shape[2])
            return before_BLC, np.broadcast_to(origin_BK1C, shape)
        begin_B = origin_B - lookback + 1 - season
        season_BTC = windows_at(smooth.season_RC, begin_B, lookback + min(horizon, season))
        return before_BLC + season_BTC[:, :lookback], origin_BK1C + self._ahead(season_BTC, origins)

    def _ahead(self, season_BTC: np.ndarray, origins: int) -> np.ndarray:
        """(B, K, H, C) of every step ahead the newest season, from rows that lie one season after what they hold."""
        lookback, horizon, season = self.framing.lookback, self.framing.horizon, self.scaling.season
        whole_BKHC = forked(season_BTC, lookback - origins + 1, origins, min(horizon, season))
        if horizon <= season:
            return whole_BKHC
        return np.concatenate([whole_BKHC[:, :, : horizon - at] for at in range(0, horizon, season)], axis=2)

    def _statistics(
        self, fitted_B3C: np.ndarray | None, level_BTC: np.ndarray, surprise_BTC: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Location and spread of the level, spread of the outputs; (B, C) each."""
        if fitted_B3C is not None:
            return fitted_B3C[:, 0], fitted_B3C[:, 1], fitted_B3C[:, 2]
        location_BC, spread_BC = location_and_spread(level_BTC, None, self.scaling.scale)
        if surprise_BTC is None or self.scaling.scale == "none":
            return location_BC, spread_BC, spread_BC
        return location_BC, spread_BC, surprise_size(surprise_BTC, None, level_BTC, None, self.scaling.log)

    def _covariates(self, channels: list[np.ndarray], block_BTV: np.ndarray, series_B: np.ndarray) -> np.ndarray | None:
        """Add past covariates at t, future ones at t+1 and statics; (B, L - 1 + H, F) scaled future covariates."""
        schema, lookback, targets = self.panel.schema, self.framing.lookback, len(self.panel.targets)
        future_BTF = None
        if schema.past:
            columns = schema.past_slice
            scale = slice(columns.start - targets, columns.stop - targets)
            channels.append(self.covariates.scaled(block_BTV[:, :lookback, columns], scale))
        if schema.future:
            columns = schema.future_slice
            scale = slice(columns.start - targets, columns.stop - targets)
            future_BTF = self.covariates.scaled(block_BTV[:, 1 : lookback + self.framing.horizon, columns], scale)
            channels.append(future_BTF[:, :lookback])
        if width := self.panel.static_NS.shape[1]:
            scale_V = self.covariates
            static_BS = (self.panel.static_NS[series_B] - scale_V.location_V[-width:]) / scale_V.spread_V[-width:]
            channels.append(np.broadcast_to(static_BS[:, None], (len(series_B), lookback, width)))
        return future_BTF


def _minus(level_BTC: np.ndarray, base_BTC: np.ndarray) -> np.ndarray:
    """The surprises, as far as both are known."""
    steps = min(level_BTC.shape[1], base_BTC.shape[1])
    return level_BTC[:, :steps] - base_BTC[:, :steps]


def _scaled(values_BTC: np.ndarray, location_BC: np.ndarray | None, spread_BC: np.ndarray) -> np.ndarray:
    """(value - location) / spread in float32."""
    shifted_BTC = values_BTC if location_BC is None else values_BTC - location_BC[:, None]
    scaled: np.ndarray = (shifted_BTC / spread_BC[:, None]).astype(np.float32, copy=False)
    return scaled


def _joined(channels: list[np.ndarray], shape: tuple[int, int], observed: bool) -> np.ndarray:
    """All channels beside each other, (B, L, F) float32, with that of what was observed where it is told."""
    widths = [part.shape[2] for part in channels]
    if widths == [1] and not observed:
        return np.ascontiguousarray(channels[0])
    context_BLF = np.empty((*shape, sum(widths) + int(observed)), np.float32)
    at = 0
    for part, width in zip(channels, widths, strict=True):
        context_BLF[:, :, at : at + width] = part
        at += width
    if observed:
        context_BLF[:, :, -1] = 1
    return context_BLF
