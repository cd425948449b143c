"""The way in and the way back as nodes: transformed targets, reference, statistics, and what the network reads.

    history   [ reach ][ lookback L ................... o ]      (B, W, C), W = reach + L
    season      [ the same rows, m earlier ]                     of each row of the lookback

The same numbers as ``windows.regular_reader``, which has the windows of forecasts where nothing is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gatecast.export.graph import Value, concat
from gatecast.windows.channels import Layout
from gatecast.windows.reference import LastValue, Reference, Seasonal
from gatecast.windows.scaling import LARGEST_LOG, LARGEST_LOG_STEP, Scaling

__all__ = ["Window", "rows_read", "window_of"]

NOISE = 4 * np.finfo(np.float64).eps  # of a level: a spread below it is rounding


@dataclass(frozen=True)
class Window:
    """What a candidate reads of a history, and the way back; float64.

    Args:
        scaling: how values are scaled.
        context_BLF: what the network reads, float32.
        reference_BHC: what an output of 0 means, in transformed units; H or 1 steps.
        spread_B1C: what an output of 1 adds to it.
    """

    scaling: Scaling
    context_BLF: Value
    reference_BHC: Value
    spread_B1C: Value

    def restored(self, output_BHCQ: Value, targets: int) -> Value:
        """Outputs in the data's own unit, float64."""
        steps = self.reference_BHC.reshape(0, -1, targets, 1)
        spread = self.spread_B1C.reshape(0, 1, targets, 1)
        u_BHCQ = self._bound(steps + spread * output_BHCQ.cast(np.float64), steps)
        values_BHCQ = u_BHCQ.function("Exp") if self.scaling.log else u_BHCQ
        return values_BHCQ if self.scaling.unit == 1 else values_BHCQ * self.scaling.unit

    def _bound(self, u_BHCQ: Value, reference: Value) -> Value:
        """See ``Scaling.bound``."""
        if not self.scaling.log:
            return u_BHCQ
        if not self.scaling.reference.anchored and self.scaling.scale in ("none", "mean"):
            return u_BHCQ.clip(-LARGEST_LOG, LARGEST_LOG)
        return reference + (u_BHCQ - reference).clip(-LARGEST_LOG_STEP, LARGEST_LOG_STEP)


def rows_read(scaling: Scaling, lookback: int) -> int:
    """Steps W of a history that a forecast reads."""
    return lookback + scaling.reference.reach


def window_of(history_BWC: Value, layout: Layout, channels: Mapping[str, Value], fitted_B3C: Value | None) -> Window:
    """The nodes of one candidate's window.

    Args:
        history_BWC: the last ``rows_read`` steps, float64.
        layout: which channels there are, in what order.
        channels: those that are not read of the targets, (B, L or 1, W) float32.
        fitted_B3C: location and spreads of each window's series, for a fitted scaling.
    """
    scaling, lookback, horizon = layout.scaling, layout.framing.lookback, layout.framing.horizon
    reference = scaling.reference
    u_BWC = history_BWC if scaling.unit == 1 else history_BWC / scaling.unit
    u_BWC = u_BWC.function("Log") if scaling.log else u_BWC
    level_BLC = u_BWC[:, reference.reach :]
    residual_BLC = None if not reference.anchored else level_BLC - _one_step(reference, u_BWC, lookback)
    if fitted_B3C is not None:
        location, spread, step = (fitted_B3C[:, k : k + 1] for k in range(3))
    else:
        location, spread = _location_and_spread(level_BLC, scaling, lookback)
        step = spread
        if residual_BLC is not None and scaling.scale != "none":
            step = _residual_size(residual_BLC, level_BLC, scaling.log, lookback)
    level = ((level_BLC - location) / spread).cast(np.float32)
    zero_BL1 = level[:, :, :1] * 0.0
    found = {"level": level, "observed": zero_BL1 + 1.0} | {name: zero_BL1 + one for name, one in channels.items()}
    if residual_BLC is not None:
        found["residual"] = (residual_BLC / step).cast(np.float32)
    context_BLF = concat([found[channel.name] for channel in layout.places], 2)
    ahead = _ahead(reference, u_BWC, lookback, horizon) if reference.anchored else location
    return Window(scaling, context_BLF, ahead, step)


# ---------------------------------------------------------------- reference


def _one_step(reference: Reference, u_BWC: Value, lookback: int) -> Value:
    """(B, L, C) reference of each row of the lookback, made one step before."""
    if isinstance(reference, LastValue):
        return u_BWC[:, :lookback]
    assert isinstance(reference, Seasonal)
    season, reach = reference.season, reference.reach
    begins = [reach - season * back for back in range(1, reference.depth + 1)]
    return _median([u_BWC[:, begin : begin + lookback] for begin in begins])


def _ahead(reference: Reference, u_BWC: Value, lookback: int, horizon: int) -> Value:
    """(B, H, C) reference of the steps after the last one; (B, 1, C) where it is one for all."""
    if isinstance(reference, LastValue):
        return u_BWC[:, -1:]
    assert isinstance(reference, Seasonal)
    season, origin = reference.season, reference.reach + lookback - 1
    newest = [origin + h - season * -(-h // season) for h in range(1, horizon + 1)]
    return _median([u_BWC.take([row - season * back for row in newest], 1) for back in range(reference.depth)])


def _median(values: list[Value]) -> Value:
    """Place by place; the mean of the two in the middle of an even number."""
    count = len(values)
    if count == 1:
        return values[0]
    graph = values[0].graph
    last = graph.constant(np.array([-1]))
    ordered = concat([graph.node("Unsqueeze", value, last) for value in values], 3).sorted(count)
    low, high = (ordered.take(place, 3) for place in ((count - 1) // 2, count // 2))
    return low if count % 2 else (low + high) / 2.0


# ---------------------------------------------------------------- statistics, (B, 1, C) each


def _location_and_spread(level_BLC: Value, scaling: Scaling, lookback: int) -> tuple[Value, Value]:
    """See ``scaling.location_and_spread``."""
    zero = level_BLC[:, :1] * 0.0
    if scaling.scale == "none":
        return zero, zero + 1.0
    if scaling.scale == "mean":
        size = _mean_size(level_BLC, lookback)
        return zero, _one_where_zero(size, size)
    if scaling.scale == "last":
        size = _mean_size(_steps_of(level_BLC), max(lookback - 1, 1))
        return level_BLC[:, -1:], _one_where_zero(size, size)
    mean = level_BLC.sum(1) / float(lookback)
    apart = level_BLC - mean
    spread = ((apart * apart).sum(1) / float(lookback)).function("Sqrt")
    return mean, _one_where_zero(spread, mean)


def _residual_size(residual_BLC: Value, level_BLC: Value, log: bool, lookback: int) -> Value:
    """See ``scaling.residual_size``."""
    size, level = _mean_size(residual_BLC, lookback), _mean_size(level_BLC, lookback)
    tiny = level * NOISE
    step = _mean_size(_steps_of(level_BLC), max(lookback - 1, 1))
    still = level * 0.0 + 0.01 if log else (level > 0.0).where(level * 0.01, 1.0)
    return (size > tiny).where(size, (step > tiny).where(step, still))


def _steps_of(level_BLC: Value) -> Value:
    return level_BLC[:, 1:] - level_BLC[:, :-1]


def _mean_size(values: Value, count: int) -> Value:
    return values.function("Abs").sum(1) / float(count)


def _one_where_zero(spread: Value, level: Value) -> Value:
    return (spread > level.function("Abs") * NOISE).where(spread, 1.0)
