"""Readings of a column of times, and which of them holds.

A reading that reads fewer cells than another is out. Of the others the one holds whose times are regular: a natural
step, hardly a gap. Of two that are, the one that is usual (the lower rank); where that does not decide, the user is
asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from gatecast.data.frequency import Frequency
from gatecast.data.frequency_names import DAY, HOUR, MINUTE, SECOND, WEEK
from gatecast.data.tables.infer import infer_frequency
from gatecast.errors import GatecastError, PanelError, Part, Setting, joined

__all__ = ["Reading", "choose", "regularity"]

_LOOKED_AT = 5000
_MONTH_STEPS = (1, 2, 3, 4, 6, 12, 24, 36, 48, 60, 120)


@dataclass(frozen=True)
class Reading:
    """One way to read the different cells of a column.

    Args:
        times: their times, datetime[us] or int64, null where this is no reading.
        words: what it takes them for: "months", "the day first".
        rank: 0 is the most usual.
        spelling: how such times are written, see ``data.labels``; "" for dates.
        setting: what makes it the reading that holds.
        offset: microseconds east of Greenwich where the cells say it.
        told: whether a note says that it was taken.
    """

    times: pl.Series
    words: str = ""
    rank: int = 0
    spelling: str = ""
    setting: Setting | None = None
    offset: pl.Series | None = field(default=None)
    told: bool = False

    @property
    def read(self) -> int:
        """How many cells it reads."""
        return len(self.times) - self.times.null_count()


def choose(readings: Sequence[Reading], cells: pl.Series, name: str) -> tuple[Reading, bool]:
    """The reading that holds, and whether there was another one to choose from.

    Raises:
        PanelError: two hold equally well; it asks.
    """
    most = max(reading.read for reading in readings)
    left = [reading for reading in readings if reading.read >= most - 0.02 * len(cells) and reading.read]
    if len(left) < 2:
        return (left or list(readings))[0], False
    marks = [regularity(reading.times) for reading in left]
    best = [reading for reading, mark in zip(left, marks, strict=True) if mark > max(marks) - 0.1]
    lowest = min(reading.rank for reading in best)
    usual = [reading for reading in best if reading.rank == lowest]
    if len(usual) > 1 and len(cells) > 1:
        raise _question(usual, cells, name)
    return usual[0], True


def _question(readings: Sequence[Reading], cells: pl.Series, name: str) -> PanelError:
    """Ask which reading holds, with what each makes of the first cell."""
    ways = [reading.times.cast(pl.String).fill_null("") for reading in readings]
    at = int((ways[0] != ways[1]).arg_max() or 0)
    shown = [f"{reading.words} ({_shown(reading.times[at])})" for reading in readings]
    remedies: list[Part] = [reading.setting for reading in readings if reading.setting is not None]
    told = f"times such as {cells[at]!r} in column {name!r} may be {' or '.join(shown)}. Pass "
    return PanelError(told, joined(" or ", remedies), ".")


def _shown(time: object) -> str:
    return str(time).removesuffix(" 00:00:00")


def regularity(times: pl.Series) -> float:
    """0 to 1: how much of the different times, sorted, follows one natural step without a gap."""
    found = times.drop_nulls().unique().sort().head(_LOOKED_AT)
    if len(found) < 2:
        return 0.0
    if found.dtype == pl.Int64:
        steps = np.diff(found.to_numpy())
        return float((steps == np.median(steps)).mean())
    time_T = found.to_numpy().astype("datetime64[us]")
    try:
        frequency = infer_frequency(time_T, np.array([0]), np.array([len(time_T)]))
    except GatecastError:
        return 0.0
    index_T, on_grid_T = frequency.position(time_T[:1], time_T)
    score = float(on_grid_T.mean() * (np.diff(index_T) == 1).mean())
    return score if _natural(frequency, time_T) else 0.3 * score


def _natural(frequency: Frequency, time_T: np.ndarray) -> bool:
    """Whether people keep records at such steps: months on their first or last day, say, and no steps of 13 months."""
    if frequency.unit == "month":
        day_T = (time_T.astype("datetime64[D]") - time_T.astype("datetime64[M]").astype("datetime64[D]")).astype(
            int
        ) + 1
        edge = bool((day_T == 1).all()) or frequency.month_end or frequency.count == 1
        return edge and frequency.count in _MONTH_STEPS
    if frequency.unit == "fixed":
        count = frequency.count
        if count % DAY == 0:
            return count in (DAY, WEEK, 2 * WEEK) or (count // DAY) in (2, 3, 5, 8, 10, 28)
        return any(day % count == 0 for day in (DAY, HOUR, MINUTE, SECOND))
    return True
