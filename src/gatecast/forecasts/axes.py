"""What the numbers of a result stand for: series, targets and times, and how they become a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.labels import PLAIN, Labels
from gatecast.errors import PanelError, did_you_mean

if TYPE_CHECKING:
    from gatecast.data.panel import Panel

__all__ = ["Axes", "WithAxes"]


@dataclass(frozen=True, eq=False)
class Axes:
    """N series, H steps and C targets by their names and times.

    Args:
        ids: N names.
        targets: C names.
        origins: (N,) timestamp of the last value that each forecast used.
        horizon: steps H.
        frequency: step of the timestamps.
        backend: library of the frames given out: "pandas", "polars" or "pyarrow".
        names: names of the series and time columns.
        labels: how the data write their series and times.
    """

    ids: tuple[str, ...]
    targets: tuple[str, ...]
    origins: np.ndarray
    horizon: int
    frequency: Frequency
    backend: str = "polars"
    names: tuple[str, str] = ("unique_id", "ds")
    labels: Labels = PLAIN

    @classmethod
    def after(cls, history: Panel, horizon: int) -> Axes:
        """Those of the steps that follow a panel."""
        last_N = history.frequency.advance(history.starts, history.length - 1)
        kept = history.frequency, history.backend, history.names, history.labels
        return cls(history.ids, history.targets, last_N, horizon, *kept)

    def first(self, count: int) -> Axes:
        """Those of the first series."""
        return replace(self, ids=self.ids[:count], origins=self.origins[:count])

    @property
    def times(self) -> np.ndarray:
        """(N, H) timestamps."""
        steps_H = np.arange(1, self.horizon + 1)
        return self.frequency.advance(np.asarray(self.origins)[:, None], steps_H[None, :])

    def position(self, series: int | str) -> int:
        """Position of a series by name. Raises PanelError for an unknown one."""
        if not isinstance(series, str):
            return int(series)
        if series not in self.ids:
            raise PanelError(f"there is no series {series!r}{did_you_mean(series, self.ids)}.")
        return self.ids.index(series)

    def frame(self, columns: dict[str, np.ndarray], backend: str | None = None) -> Any:
        """Columns as a frame, in the library that the data came from or in the one named."""
        from gatecast.data.frames import table_to_frame, time_column

        times = time_column(self.frequency, columns[self.names[1]])
        return table_to_frame(self.labels.columns(self.names, columns, times), backend or self.backend)

    def time_label(self, time: np.datetime64 | np.int64) -> str:
        """A stored time in short words, as the data write it."""
        return self.labels.text(time) or self.frequency.label(time)


class WithAxes:
    """What every result says of its axes."""

    axes: Axes

    def __len__(self) -> int:
        """Number of series N."""
        return len(self.axes.ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """N names of series."""
        return self.axes.ids

    @property
    def targets(self) -> tuple[str, ...]:
        """C names of targets."""
        return self.axes.targets

    @property
    def origins(self) -> np.ndarray:
        """(N,) timestamp of the last value that each forecast used."""
        return self.axes.origins

    @property
    def frequency(self) -> Frequency:
        """Step of the timestamps."""
        return self.axes.frequency

    @property
    def horizon(self) -> int:
        """Steps H."""
        return self.axes.horizon

    @property
    def times(self) -> np.ndarray:
        """(N, H) timestamps."""
        return self.axes.times

    def position(self, series: int | str) -> int:
        """Position of a series by name. Raises PanelError for an unknown one."""
        return self.axes.position(series)
