"""Panel: a set of regular time series in one flat buffer.

    values_RV   row 0 .. first[0] .. first[0]+length[0] .. first[1] ..             R rows, V columns
                      └──── series 0 ────┘                └── series 1 ──

A series is a range of rows; its timestamps are ``frequency.advance(start, 0..length-1)`` and are not stored. Cutting a
panel moves the ranges and shares the buffer, so a split or a selection copies nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.html import ROWS, html_table, labels
from gatecast.data.labels import PLAIN, Labels
from gatecast.data.schema import Schema
from gatecast.errors import Code, Note, PanelError, Setting, WindowError, did_you_mean, listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gatecast.data.frequency import TimeLike

__all__ = ["Panel"]


@dataclass(frozen=True, eq=False)
class Panel:
    """A set of N regular series.

    Args:
        values_RV: (R, V) float32 or float64, the columns in the order of ``schema``; NaN = missing.
        first: (N,) first row of each series.
        length: (N,) number of rows of each series.
        ids: N names.
        starts: (N,) timestamp of each first row: int64 steps, or datetime64[us] (see ``Frequency``).
        frequency: the step between two rows.
        schema: what the columns mean.
        static_NS: (N, S) static covariates, encoded.
        backend: the library of the frame it came from ("pandas", "polars", "pyarrow"); frames go out the same way.
        names: the names of the series and time columns in the source.
        labels: how the source writes its series and times, so that they go out the same way.
        notes: what was not obvious in reading the source, a line each.
    """

    values_RV: np.ndarray
    first: np.ndarray
    length: np.ndarray
    ids: tuple[str, ...]
    starts: np.ndarray
    frequency: Frequency
    schema: Schema
    static_NS: np.ndarray
    backend: str = "polars"
    names: tuple[str, str] = ("unique_id", "ds")
    labels: Labels = PLAIN
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        """Number of series N."""
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Panel {self.describe()}>"

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the C target columns."""
        return self.schema.targets

    @property
    def target_RC(self) -> np.ndarray:
        """(R, C) view of the targets, all rows of the buffer."""
        return self.values_RV[:, : len(self.targets)]

    @property
    def past_RP(self) -> np.ndarray:
        """(R, P) view of the past covariates, encoded."""
        return self.values_RV[:, self.schema.past_slice]

    @property
    def future_RF(self) -> np.ndarray:
        """(R, F) view of the future covariates, encoded."""
        return self.values_RV[:, self.schema.future_slice]

    @cached_property
    def stop(self) -> np.ndarray:
        """(N,) one past the last row of each series."""
        return self.first + self.length

    @property
    def total(self) -> int:
        """Number of rows of all series together."""
        return int(self.length.sum())

    def rows(self, series: int) -> slice:
        """The rows of one series in the buffer."""
        return slice(int(self.first[series]), int(self.stop[series]))

    def series(self, series: int | str) -> np.ndarray:
        """(T, C) view of one series' targets, by position or name."""
        return self.target_RC[self.rows(self.position(series))]

    def times(self, series: int | str) -> np.ndarray:
        """(T,) timestamps of one series."""
        n = self.position(series)
        return self.frequency.advance(self.starts[n], np.arange(self.length[n]))

    def position(self, series: int | str) -> int:
        """Position of a series by name, or a position itself. Raises PanelError for one that is not there."""
        if not isinstance(series, str):
            if not -len(self) <= series < len(self):
                raise PanelError(f"there is no series {series}: positions run from 0 to {len(self) - 1:,}.")
            return int(series)
        if series not in self._positions:
            raise PanelError(f"there is no series {series!r}{did_you_mean(series, self.ids)}.")
        return self._positions[series]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: n for n, name in enumerate(self.ids)}

    # ---------------------------------------------------------------- cutting: ranges move, the buffer stays

    def slice(self, begin: np.ndarray | int, end: np.ndarray | int) -> Panel:
        """Keep the steps ``begin`` (inclusive) to ``end`` (exclusive) of each series, counted from its first row.

        Both are clipped to the series; series left without a row are dropped.
        """
        begin = np.asarray(np.clip(np.broadcast_to(begin, len(self)), 0, self.length))
        end = np.asarray(np.clip(np.broadcast_to(end, len(self)), begin, self.length))
        starts = self.frequency.advance(self.starts, begin)
        cut = replace(self, first=self.first + begin, length=end - begin, starts=starts)
        return cut if (end > begin).all() else cut.select(np.flatnonzero(end > begin))

    def select(self, series: Sequence[int] | Sequence[str] | np.ndarray) -> Panel:
        """Keep some series, by position or name, in the order given."""
        if isinstance(series, np.ndarray) and series.dtype.kind in "iu":
            index = series.astype(np.int64)
        else:
            index = np.array([self.position(s if isinstance(s, str) else int(s)) for s in series], dtype=np.int64)
        return replace(
            self,
            first=self.first[index],
            length=self.length[index],
            ids=tuple(map(self.ids.__getitem__, index.tolist())),
            starts=self.starts[index],
            static_NS=self.static_NS[index],
        )

    def split(
        self, horizon: int | None = None, *, fraction: float | None = None, at: TimeLike | None = None
    ) -> tuple[Panel, Panel]:
        """Cut every series in two: (before, after).

        Args:
            horizon: the last ``horizon`` steps go into the second part.
            fraction: the first ``int(T * fraction)`` steps go into the first part.
            at: the second part starts with this time (a date label such as "2019-01", or a step).

        Raises:
            WindowError: a series has nothing left in the first part (all such series are named).
        """
        if sum(argument is not None for argument in (horizon, fraction, at)) != 1:
            fraction_, at_ = Setting("fraction", of="split"), Setting("at", of="split")
            one_of = (Setting("horizon", of="split"), ", ", fraction_, " and ", at_)
            raise PanelError("split() takes exactly one of ", one_of, ".")
        if horizon is not None:
            cut = self.length - horizon
        elif fraction is not None:
            cut = (self.length * fraction).astype(np.int64)
        else:
            cut = self.frequency.steps_until(self.starts, at)
        empty = np.flatnonzero(cut <= 0)
        if len(empty):
            raise WindowError(
                f"nothing is left before the split in {listed([repr(self.ids[n]) for n in empty])} "
                f"({len(empty):,} of {len(self):,} series). Split later, or drop the short series",
                Code(" with drop_short()"),
                ".",
            )
        return self.slice(0, cut), self.slice(cut, self.length)

    def between(self, begin: TimeLike | None = None, end: TimeLike | None = None) -> Panel:
        """Keep what lies from ``begin`` to ``end``, both inclusive; labels may be partial dates ("2016-01")."""
        low: np.ndarray | int = 0 if begin is None else self.frequency.steps_until(self.starts, begin)
        high = self.length if end is None else self.frequency.steps_until(self.starts, end, after=True)
        kept = self.slice(low, high)
        if not len(kept):
            raise PanelError(f"nothing lies between {begin} and {end}; the panel is {self.describe()}.")
        return kept

    def drop_short(self, steps: int) -> Panel:
        """Drop the series with fewer than ``steps`` steps."""
        return self.select(np.flatnonzero(self.length >= steps))

    @property
    def future(self) -> Panel:
        """The future covariates alone: what predict(future=...) takes."""
        schema = Schema(targets=(), future=self.schema.future)
        return replace(self, values_RV=self.future_RF, schema=schema, static_NS=self.static_NS[:, :0])

    # ---------------------------------------------------------------- words and frames

    def describe(self) -> str:
        """One line for people: targets, series, steps, span."""
        names = listed(self.targets, 3) if self.targets else "covariates"
        if not len(self):
            return f"{names} · no series"
        low, high = int(self.length.min()), int(self.length.max())
        steps = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        last = self.frequency.advance(self.starts, self.length - 1)
        begin, end = self.time_label(self.starts.min()), self.time_label(last.max())
        return f"{names} · {len(self):,} series · {steps} {self.frequency.plural(high)}, {begin} to {end}"

    def time_label(self, time: np.datetime64 | np.int64) -> str:
        """A stored time in short words, as the source writes it: "2024-01-31", "2024Q1", "17"."""
        return self.labels.text(time) or self.frequency.label(time)

    def _repr_html_(self) -> str:
        shown = self.select(np.arange(min(len(self), ROWS)))
        last = self.frequency.advance(shown.starts, shown.length - 1)
        columns = {
            "series": shown.ids,
            "steps": [f"{length:,}" for length in shown.length],
            "begin": labels(self.frequency, shown.starts),
            "end": labels(self.frequency, last),
            "missing": [f"{int(np.isnan(shown.series(n)).sum()):,}" for n in range(len(shown))],
        }
        left = [f"{len(self) - ROWS:,} more series"] if len(self) > ROWS else []
        return html_table(self.describe(), columns, left)

    def to_frame(self, backend: str | None = None) -> Any:
        """The panel as a long table in the library it came from, or in the one named."""
        from gatecast.data.frames import panel_to_frame

        return panel_to_frame(self, backend or self.backend)

    def plot(self, series: Sequence[int | str] | None = None, path: str | Path | None = None) -> Figure:
        """The targets of the first series, or of those named, over time. Saved to ``path`` if given."""
        from gatecast.forecasts.plots import panel_chart

        return panel_chart(self, series, path)
