"""Windows well inside their series with nothing missing: blocks of neighbouring rows, cut by plain slices.

rows            ..[ lookback L .................. o ][ horizon H ]
a season before   [ the same rows, m earlier .............. ]       the reference of each row (smooth: its season)
targets                          [ h = 1 .. H ]                     of the origins o-K+1 .. o: one block, K views
                                   [ h = 1 .. H ]

No row has to be clamped and no value masked, so that a window costs about as much as copying it. All others go the
long way in ``reader``; both give the same numbers, up to the order of sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.rows import windows_at
from gatecast.windows.channels import Blocks, Layout, Source
from gatecast.windows.index import forked
from gatecast.windows.reference import Block, BoundReference
from gatecast.windows.scaling import location_and_spread, residual_size
from gatecast.windows.shape import Batch
from gatecast.windows.targets import TargetRows

__all__ = ["RegularReader"]


@dataclass(frozen=True)
class RegularReader:
    """Reads regular windows; says which ones are.

    Args:
        source: where to read.
        rows: its transformed targets.
        reference: what forecasts are measured from, over these rows.
        layout: the channels, and the settings that they come of.
    """

    source: Source
    rows: TargetRows
    reference: BoundReference
    layout: Layout

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
        framing, kind, panel = self.layout.framing, self.layout.scaling.reference, self.source.panel
        lookback, horizon = framing.lookback, framing.horizon
        if not kind.in_blocks:
            return np.zeros(len(origin_B), bool)
        history = lookback - 1 + kind.reach
        if measured:  # the first steps of a series are waited for
            history = max(history, origins + kind.real_steps - 2)
        regular_B = origin_B - first_B >= history
        ahead = horizon if targets else 0
        if targets:
            regular_B &= origin_B + horizon < panel.stop[series_B]
        if panel.schema.future:
            regular_B &= origin_B + horizon < len(self.rows)
        if self.rows.seen_RC is not None:
            inside = np.flatnonzero(regular_B)
            before = kind.observed_reach
            begin_M = origin_B[inside] - lookback + 1 - before
            seen_MTC = windows_at(self.rows.seen_RC, begin_M, before + lookback + ahead)
            regular_B[inside] = seen_MTC.all(axis=(1, 2))
        return regular_B

    def read(
        self, series_B: np.ndarray, origin_B: np.ndarray, origins: int, fitted: np.ndarray | None, *, targets: bool
    ) -> Batch:
        """As ``WindowReader.read``; all windows are regular."""
        scaling, panel, count = self.layout.scaling, self.source.panel, len(self.layout.schema.targets)
        lookback, horizon, lead = self.layout.framing.lookback, self.layout.framing.horizon, scaling.reference.lead
        ahead = horizon if targets or panel.schema.future else 0
        block_BTV = windows_at(panel.values_RV, origin_B - lookback + 1 - lead, lead + lookback + ahead)
        u_BTC = scaling.apply(block_BTV[:, : lead + lookback + (horizon if targets else 0), :count])
        level_BTC, residual_BTC, reference_BKHC = u_BTC[:, lead:], None, None
        if scaling.reference.anchored:
            block = Block(u_BTC, series_B, origin_B, lookback, horizon, origins)
            reference_BTC, reference_BKHC = self.reference.blocks(block)
            residual_BTC = _minus(level_BTC, reference_BTC)
        warm = slice(0, lookback - origins + 1)
        location_BC, spread_BC, step_BC = self._statistics(
            None if fitted is None else fitted[series_B], level_BTC[:, warm],
            None if residual_BTC is None else residual_BTC[:, warm],
        )  # fmt: skip
        scaled_BTC = _scaled(level_BTC, location_BC, spread_BC)
        blocks = Blocks(
            self.source, series_B, origin_B, lookback, block_BTV[:, lead:], scaled_BTC,
            None if residual_BTC is None else _scaled(residual_BTC[:, :lookback], None, step_BC),
        )  # fmt: skip
        context_BLF = self.layout.joined(lambda channel: channel.regular(blocks))
        if reference_BKHC is None:
            reference_BKHC = np.broadcast_to(location_BC[:, None, None], (len(origin_B), origins, horizon, count))
        target_BKHC = None
        if targets:
            target_BKHC = self._targets(level_BTC, scaled_BTC, residual_BTC, reference_BKHC, step_BC)
        if panel.schema.future:
            future_BKHF = forked(blocks.future_BTF, lookback - origins, origins, horizon).copy()
        else:
            future_BKHF = np.zeros((len(origin_B), origins, horizon, 0), np.float32)
        return Batch(
            context_BLF, future_BKHF, target_BKHC, None, reference_BKHC, step_BC, location_BC, spread_BC
        )  # fmt: skip

    def _targets(
        self,
        level_BTC: np.ndarray,
        scaled_BTC: np.ndarray,
        residual_BTC: np.ndarray | None,
        reference_BKHC: np.ndarray,
        step_BC: np.ndarray,
    ) -> np.ndarray:
        """(B, K, H, C) scaled truths; one block of rows, seen from each origin, wherever that says it."""
        lookback, (_, origins, horizon, _) = self.layout.framing.lookback, reference_BKHC.shape
        first = lookback - origins + 1
        if residual_BTC is None:
            return forked(scaled_BTC, first, origins, horizon).copy()
        if residual_BTC.shape[1] == lookback + horizon:
            return forked(_scaled(residual_BTC[:, first:], None, step_BC), 0, origins, horizon).copy()
        target_BKHC = forked(level_BTC, first, origins, horizon) - reference_BKHC
        target_BKHC /= step_BC[:, None, None]
        return target_BKHC.astype(np.float32, copy=False)

    def _statistics(
        self, fitted_B3C: np.ndarray | None, level_BTC: np.ndarray, residual_BTC: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Location and spread of the level, spread of the outputs; (B, C) each."""
        scaling = self.layout.scaling
        if fitted_B3C is not None:
            return fitted_B3C[:, 0], fitted_B3C[:, 1], fitted_B3C[:, 2]
        location_BC, spread_BC = location_and_spread(level_BTC, None, scaling.scale)
        if residual_BTC is None or scaling.scale == "none":
            return location_BC, spread_BC, spread_BC
        return location_BC, spread_BC, residual_size(residual_BTC, None, level_BTC, None, scaling.log)


def _minus(level_BTC: np.ndarray, reference_BTC: np.ndarray) -> np.ndarray:
    """The residuals, as far as both are known."""
    steps = min(level_BTC.shape[1], reference_BTC.shape[1])
    return level_BTC[:, :steps] - reference_BTC[:, :steps]


def _scaled(values_BTC: np.ndarray, location_BC: np.ndarray | None, spread_BC: np.ndarray) -> np.ndarray:
    """(value - location) / spread in float32."""
    shifted_BTC = values_BTC if location_BC is None else values_BTC - location_BC[:, None]
    scaled: np.ndarray = (shifted_BTC / spread_BC[:, None]).astype(np.float32, copy=False)
    return scaled
