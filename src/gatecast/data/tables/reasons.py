"""Gaps and doubled rows that have a reason: weekdays on which a series is closed, and changes of the clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.frequency_names import DAY
from gatecast.data.tables.times.zones import fitting_zone
from gatecast.errors import Part, Setting, listed

__all__ = ["ClockChange", "clock_change", "closed_days"]

_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_WEEKS = 3  # for so many a weekday has to be without a row before it is closed
_LOOKED_AT = 200  # times with a doubled row or none, which are looked at for a clock change


@dataclass(frozen=True)
class ClockChange:
    """Naive local times that a clock change doubles or skips.

    Args:
        zone: a common zone with such changes.
        doubled_T: wall times with two rows.
        skipped_T: wall times without a row.
    """

    zone: str
    doubled_T: np.ndarray
    skipped_T: np.ndarray

    def noted(self) -> tuple[Part, ...]:
        """The sentence for a note, where the times were read so."""
        told = f"{self._seen()}: the clock changes then, so these are local times of {self.zone} ("
        return (told, Setting("timezone", self.zone, of="read"), ")")

    def told(self) -> tuple[Part, ...]:
        """The sentence for an error."""
        remedy = Setting("timezone", self.zone, of="read")
        told = f"{self._seen()}: the clock changes then, as in {self.zone}. Pass "
        return (told, remedy, ", or that of your own zone, to read them as local times.")

    def _seen(self) -> str:
        parts = []
        if len(self.doubled_T):
            parts.append(f"two rows for {_shown(self.doubled_T)}")
        if len(self.skipped_T):
            parts.append(f"no row for {_shown(self.skipped_T)}")
        return " and ".join(parts)


def _shown(time_T: np.ndarray) -> str:
    return listed([str(t.astype("datetime64[m]")).replace("T", " ") for t in time_T], 3)


def clock_change(
    doubled_R: np.ndarray, skipped_R: np.ndarray, zone: str | None, frequency: Frequency
) -> ClockChange | None:
    """The clock change that explains doubled and absent times; None if it does not explain all that are doubled.

    Args:
        doubled_R: times with several rows.
        skipped_R: times without a row, those between two rows of a series.
        zone: that of the source; times with a zone have no such troubles.
        frequency: the step.
    """
    if zone is not None or frequency.unit != "fixed" or frequency.count >= DAY:
        return None
    doubled_T, skipped_T = np.unique(doubled_R), np.unique(skipped_R)
    if len(doubled_T) > _LOOKED_AT or len(skipped_T) > _LOOKED_AT:
        return None
    found = fitting_zone(doubled_T, skipped_T)
    return None if found is None else ClockChange(found, doubled_T, skipped_T)


def closed_days(
    times_R: np.ndarray, series_R: np.ndarray, first_N: np.ndarray, length_N: np.ndarray, ids: tuple[str, ...]
) -> tuple[str, np.ndarray]:
    """Weekdays on which a series has no row at all, though it runs over some weeks.

    Args:
        times_R: (R,) times of daily rows, sorted by series.
        series_R: (R,) series of each row.
        first_N: (N,) first row of each series.
        length_N: (N,) rows of each series.
        ids: N names.

    Returns:
        A sentence, "" if there are none, and (N, 7) whether a series is closed on a weekday, Monday first.
    """
    day_R = (times_R.astype("datetime64[D]").astype(np.int64) + 3) % 7
    seen_N7 = np.zeros((len(ids), 7), np.int64)
    np.add.at(seen_N7, (series_R, day_R), 1)
    last_N = times_R[first_N + length_N - 1].astype("datetime64[D]").astype(np.int64)
    weeks_N = (last_N - times_R[first_N].astype("datetime64[D]").astype(np.int64)) / 7
    closed_N7 = (seen_N7 == 0) & (weeks_N >= _WEEKS)[:, None] & ((seen_N7 > 0).sum(axis=1) >= 3)[:, None]
    told = []
    for day in np.flatnonzero(closed_N7.any(axis=0)):
        shut = np.flatnonzero(closed_N7[:, day])
        who = f"series {ids[shut[0]]!r} has" if len(shut) == 1 else f"{len(shut):,} of {len(ids):,} series have"
        told.append(f"{who} no {_DAYS[day]} (closed?)")
    return "; ".join(told), closed_N7
