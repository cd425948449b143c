"""What the network reads at every step: the ONE ordered list that readers, sample paths, training and storage go by.

level      (u_t - location) / spread                     C channels
residual   (u_t - its reference, made at t-1) / spread   C channels, where there is a reference
past       past covariates at t                          P channels
future     future covariates at t+1                      F channels (known one step ahead)
static     the series' constants                         S channels
day, ..    waves of the day, the week, the year at t+1   2 channels for each wave, where wanted
observed   1 where the target was there, else 0          1 channel, where values are missing or series are short

A new channel is a class like these and a place in ``CHANNELS``. Shapes: B windows, L lookback, T steps, P paths, C
targets, W width of a channel, F all channels together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Schema, width_of
from gatecast.windows.calendar import Calendar, Cycle, waves_of
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

__all__ = ["CHANNELS", "Blocks", "Channel", "Drawn", "Layout", "Source", "StepChannel", "Steps", "Windows"]


ONE = np.ones((1, 1, 1), np.float32)


# ---------------------------------------------------------------- what channels are read from


@dataclass(frozen=True)
class Source:
    """Where covariates and dates come from.

    Args:
        panel: the data.
        covariates: scale of the covariates, from the training span.
        calendar: of the panel.
    """

    panel: Panel
    covariates: CovariateScale
    calendar: Calendar

    def scaled(self, values_BTX: np.ndarray, columns: slice) -> np.ndarray:
        """Values of some columns of the panel's buffer, scaled; a missing one is the column's mean, which is 0."""
        targets = len(self.panel.targets)
        return self.covariates.scaled(values_BTX, slice(columns.start - targets, columns.stop - targets))


@dataclass(eq=False)  # a frozen one takes several times as long to make, once a batch
class Steps:
    """T steps in a row of each of B series, some of which may lie before their series or after the panel.

    Args:
        source: what is read.
        series_B: the series.
        begin_B: row of the first step.
        count: T.
        first_B1: row where each series begins; nothing before it is read.
    """

    source: Source
    series_B: np.ndarray
    begin_B: np.ndarray
    count: int
    first_B1: np.ndarray | int = 0

    @cached_property
    def row_BT(self) -> np.ndarray:
        """The nearest rows that there are."""
        row_BT = self.begin_B[:, None] + np.arange(self.count)
        return np.clip(row_BT, self.first_B1, len(self.source.panel.values_RV) - 1)

    @cached_property
    def next_BT(self) -> np.ndarray:
        """The steps after these, counted from the first row of each series; they may be below 0."""
        return (self.begin_B - self.source.panel.first[self.series_B])[:, None] + np.arange(1, self.count + 1)

    def columns(self, columns: slice, ahead: int = 0) -> np.ndarray:
        """(B, T, W) scaled covariates, ``ahead`` steps after each."""
        values_RV = self.source.panel.values_RV
        row_BT = np.minimum(self.row_BT + ahead, len(values_RV) - 1)
        return self.source.scaled(values_RV[:, columns][row_BT], columns)

    def static(self) -> np.ndarray:
        """(B, T, S) scaled constants."""
        static_NS, scale = self.source.panel.static_NS, self.source.covariates
        width = static_NS.shape[1]
        static_BS = (static_NS[self.series_B] - scale.location_V[-width:]) / scale.spread_V[-width:]
        return np.broadcast_to(static_BS[:, None], (len(static_BS), self.count, width))

    def next_waves(self, cycle: Cycle) -> np.ndarray:
        """(B, T, 2 waves) where the date of the step after each lies in a cycle."""
        return self.source.calendar.channel(cycle, self.series_B, self.next_BT)


@dataclass(frozen=True)
class Windows:
    """Windows of any kind.

    Args:
        steps: (B, L) steps of the windows.
        level_BLC: scaled levels.
        residual_BLC: scaled residuals, 0 where unknown; no columns where there is no reference.
        seen_BLC: what was observed.
    """

    steps: Steps
    level_BLC: np.ndarray
    residual_BLC: np.ndarray
    seen_BLC: np.ndarray


@dataclass(eq=False)  # a frozen one takes several times as long to make, once a batch
class Blocks:
    """Regular windows: blocks of neighbouring rows, the first one that of the window's first step.

    Args:
        source: where else to read.
        series_B: series of each window.
        origin_B: row of each origin.
        lookback: L.
        values_BTV: columns of the panel; L rows, and those of the horizon where there are future covariates.
        level_BTC: scaled levels of L rows or more.
        residual_BTC: scaled residuals; None without reference.
    """

    source: Source
    series_B: np.ndarray
    origin_B: np.ndarray
    lookback: int
    values_BTV: np.ndarray
    level_BTC: np.ndarray
    residual_BTC: np.ndarray | None

    @cached_property
    def steps(self) -> Steps:
        """The (B, L) steps of the windows."""
        return Steps(self.source, self.series_B, self.origin_B - self.lookback + 1, self.lookback)

    @cached_property
    def future_BTF(self) -> np.ndarray:
        """(B, L - 1 + H, F) scaled future covariates, from those of the window's second step on."""
        columns = self.source.panel.schema.future_slice
        return self.source.scaled(self.values_BTV[:, 1:, columns], columns)


@dataclass(frozen=True)
class Drawn:
    """The values that sample paths have drawn for one step, scaled: (P, C) each; residuals are 0 where unknown."""

    level_PC: np.ndarray
    residual_PC: np.ndarray


# ---------------------------------------------------------------- the channels


class Channel(ABC):
    """One kind of number that the network reads at every step. It is a function of rows <= t, or known in advance."""

    name: str

    @abstractmethod
    def width(self, layout: Layout) -> int:
        """Columns W that it takes; 0 = it is not read."""

    @abstractmethod
    def general(self, windows: Windows) -> np.ndarray:
        """(B, L, W) of windows of any kind."""

    @abstractmethod
    def regular(self, blocks: Blocks) -> np.ndarray:
        """The same of regular windows, fast; it may also be what broadcasts to it."""

    @abstractmethod
    def after(self, steps: Steps) -> np.ndarray | None:
        """(B, T, W) of steps after the origin, for sample paths; None where it is a function of what they draw."""

    def drawn(self, drawn: Drawn) -> np.ndarray:
        """(P, W) of a step that was drawn; only where ``after`` gives None."""
        raise NotImplementedError


class StepChannel(Channel):
    """A channel that is a function of series and step alone, read in one way everywhere."""

    @abstractmethod
    def of(self, steps: Steps) -> np.ndarray:
        """(B, T, W), at steps anywhere."""

    def general(self, windows: Windows) -> np.ndarray:
        return self.of(windows.steps)

    def regular(self, blocks: Blocks) -> np.ndarray:
        return self.of(blocks.steps)

    def after(self, steps: Steps) -> np.ndarray:
        return self.of(steps)


@final
class Level(Channel):
    name = "level"

    def width(self, layout: Layout) -> int:
        return len(layout.schema.targets)

    def general(self, windows: Windows) -> np.ndarray:
        return windows.level_BLC

    def regular(self, blocks: Blocks) -> np.ndarray:
        return blocks.level_BTC[:, : blocks.lookback]

    def after(self, steps: Steps) -> None:
        return None

    def drawn(self, drawn: Drawn) -> np.ndarray:
        return drawn.level_PC


@final
class Residual(Channel):
    name = "residual"

    def width(self, layout: Layout) -> int:
        return len(layout.schema.targets) if layout.scaling.reference.anchored else 0

    def general(self, windows: Windows) -> np.ndarray:
        return windows.residual_BLC

    def regular(self, blocks: Blocks) -> np.ndarray:
        assert blocks.residual_BTC is not None
        return blocks.residual_BTC[:, : blocks.lookback]

    def after(self, steps: Steps) -> None:
        return None

    def drawn(self, drawn: Drawn) -> np.ndarray:
        return drawn.residual_PC


@final
class Past(Channel):
    name = "past"

    def width(self, layout: Layout) -> int:
        return width_of(layout.schema.past)

    def general(self, windows: Windows) -> np.ndarray:
        return windows.steps.columns(windows.steps.source.panel.schema.past_slice)

    def regular(self, blocks: Blocks) -> np.ndarray:
        columns = blocks.source.panel.schema.past_slice
        return blocks.source.scaled(blocks.values_BTV[:, : blocks.lookback, columns], columns)

    def after(self, steps: Steps) -> np.ndarray:
        """Unknown after the origin: the mean."""
        return np.zeros((len(steps.series_B), steps.count, width_of(steps.source.panel.schema.past)), np.float32)


@final
class Future(Channel):
    name = "future"

    def width(self, layout: Layout) -> int:
        return width_of(layout.schema.future)

    def general(self, windows: Windows) -> np.ndarray:
        return self.after(windows.steps)

    def regular(self, blocks: Blocks) -> np.ndarray:
        return blocks.future_BTF[:, : blocks.lookback]

    def after(self, steps: Steps) -> np.ndarray:
        return steps.columns(steps.source.panel.schema.future_slice, ahead=1)


@final
class Static(StepChannel):
    name = "static"

    def width(self, layout: Layout) -> int:
        return width_of(layout.schema.static)

    def of(self, steps: Steps) -> np.ndarray:
        return steps.static()


@final
class Phase(StepChannel):
    """Where the next step lies in a cycle of the calendar."""

    def __init__(self, cycle: Cycle) -> None:
        self.name = self._cycle = cycle

    def width(self, layout: Layout) -> int:
        framing = layout.framing
        if self._cycle not in framing.calendar:
            return 0
        return 2 * sum(waves_of((self._cycle,), layout.frequency, framing.year_waves))

    def of(self, steps: Steps) -> np.ndarray:
        return steps.next_waves(self._cycle)


@final
class Observed(Channel):
    name = "observed"

    def width(self, layout: Layout) -> int:
        return int(layout.framing.observed)

    def general(self, windows: Windows) -> np.ndarray:
        return np.asarray(windows.seen_BLC.all(axis=2, keepdims=True))

    def regular(self, blocks: Blocks) -> np.ndarray:
        return ONE

    def after(self, steps: Steps) -> np.ndarray:
        """What is drawn counts as observed."""
        return np.ones((len(steps.series_B), steps.count, 1), np.float32)


CHANNELS: tuple[Channel, ...] = (
    Level(),
    Residual(),
    Past(),
    Future(),
    Static(),
    Phase("day"),
    Phase("week"),
    Phase("year"),
    Observed(),
)


@dataclass(frozen=True)
class Layout:
    """Which channels there are and where each stands: of settings alone, without data.

    Args:
        schema: the columns of the data.
        scaling: how values are scaled.
        framing: the sizes of a window, and what is read beside values.
        frequency: step of the data.
    """

    schema: Schema
    scaling: Scaling
    framing: Framing
    frequency: Frequency

    @cached_property
    def places(self) -> dict[Channel, slice]:
        """The channels that are read, in order, and the columns of each."""
        places, begin = {}, 0
        for channel in CHANNELS:
            if width := channel.width(self):
                places[channel] = slice(begin, begin + width)
                begin += width
        return places

    @property
    def features(self) -> int:
        """Columns F of all channels together."""
        return max(place.stop for place in self.places.values())

    def columns(self, name: str) -> slice:
        """The columns of the channel of that name; an empty slice where it is not read."""
        return next((place for channel, place in self.places.items() if channel.name == name), slice(0, 0))

    def joined(self, read: Callable[[Channel], np.ndarray]) -> np.ndarray:
        """(B, L, F) float32, C-contiguous: what ``read`` gives of each channel, beside each other."""
        parts = [read(channel) for channel in self.places]
        if len(parts) == 1:  # the level, without which there is no window
            return np.ascontiguousarray(parts[0], np.float32)
        context_BLF = np.empty((*parts[0].shape[:2], self.features), np.float32)
        for part, place in zip(parts, self.places.values(), strict=True):
            context_BLF[:, :, place] = part
        return context_BLF
