"""Frequency: the step between two rows of a series, and the arithmetic of its time grid.

A series is its start and a frequency; row k lies at ``advance(start, k)``. Times are int64 steps or datetime64[us].
With a time zone, steps shorter than a day are stored as UTC instants and longer ones as local wall times: so the hour
that a clock change skips or repeats is no gap, and local midnight stays midnight.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from gatecast.data import frequency_names as names
from gatecast.data.frequency_names import DAY, HOUR, MINUTE, SECOND, WEEK, Unit
from gatecast.errors import Argument, PanelError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Frequency", "TimeLike", "to_utc", "to_wall", "zone_of"]

TimeLike = str | int | np.datetime64 | datetime.datetime | datetime.date


@dataclass(frozen=True)
class Frequency:
    """The step between two rows.

    Args:
        unit: "step" (integers), "fixed" (a fixed time), "business" (Monday to Friday) or "month".
        count: length of a step in the unit: integers, microseconds, business days, or months.
        day: for months, the day of the month: 0 = that of each series' start, 31 = always the last day.
            A later day than the month has is clipped to the last one.
        timezone: name of the time zone of the source, or None.
    """

    unit: Unit
    count: int = 1
    day: int = 0
    timezone: str | None = None

    def __post_init__(self) -> None:
        if self.unit not in ("step", "fixed", "business", "month") or self.count < 1 or not 0 <= self.day <= 31:
            raise PanelError(f"no frequency has unit {self.unit!r}, count {self.count} and day {self.day}.")

    # ---------------------------------------------------------------- the grid

    @property
    def month_end(self) -> bool:
        """Whether every row lies on the last day of a month."""
        return self.unit == "month" and self.day == 31

    @property
    def stores_utc(self) -> bool:
        """Whether stored times are UTC instants (not wall times)."""
        return self.timezone is not None and self.unit == "fixed" and self.count < DAY

    def advance(self, start: np.ndarray, steps: np.ndarray | int) -> np.ndarray:
        """The times ``steps`` after ``start``; the two broadcast. int64 for steps, else datetime64[us]."""
        if self.unit == "step":
            return np.asarray(np.asarray(start, np.int64) + np.asarray(steps, np.int64) * self.count)
        start = np.asarray(start, "datetime64[us]")
        moved = np.asarray(steps, np.int64) * self.count
        if self.unit == "fixed":
            return np.asarray(start + moved.astype("timedelta64[us]"))
        date = start.astype("datetime64[D]")
        if self.unit == "business":
            shifted = np.busday_offset(date, moved, roll="forward")
        else:
            shifted = self._add_months(date, moved)
        return np.asarray(shifted.astype("datetime64[us]") + (start - date))

    def _add_months(self, date: np.ndarray, months: np.ndarray) -> np.ndarray:
        month = date.astype("datetime64[M]")
        day = self.day - 1 if self.day else (date - month.astype("datetime64[D]")).astype(np.int64)
        moved = month + months
        last = (moved + 1).astype("datetime64[D]") - moved.astype("datetime64[D]")
        clipped = np.minimum(day, last.astype(np.int64) - 1)
        return np.asarray(moved.astype("datetime64[D]") + clipped)

    def position(self, starts: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Steps from each start to each time, and whether the time lies on the grid.

        Args:
            starts: start of the grid; broadcasts against ``times``.
            times: times in the stored form.

        Returns:
            index: int64, the number of steps (of the grid point at or just before the time, if off the grid).
            on_grid: bool.
        """
        index = self._floor(starts, times)
        return index, np.asarray(self.advance(starts, index) == times)

    def _floor(self, starts: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Number of steps to the grid point near each time: never after it, save within its month or weekend."""
        if self.unit == "step":
            gap = np.asarray(times) - np.asarray(starts)
        elif self.unit == "fixed":
            gap = (np.asarray(times, "datetime64[us]") - np.asarray(starts, "datetime64[us]")).astype(np.int64)
        elif self.unit == "business":
            gap = np.busday_count(np.asarray(starts, "datetime64[D]"), np.asarray(times, "datetime64[D]"))
        else:
            gap = (np.asarray(times, "datetime64[M]") - np.asarray(starts, "datetime64[M]")).astype(np.int64)
        return np.asarray(gap, np.int64) // self.count

    def steps_until(self, starts: np.ndarray, label: TimeLike | None, after: bool = False) -> np.ndarray:
        """Number of steps from each start to the first grid point at or after the label.

        Args:
            starts: (N,) times in the stored form.
            label: a step, a date or time, or a partial date such as "2019" or "2019-01".
            after: go to the first grid point after the END of the labelled period instead.

        Returns:
            (N,) int64; negative where the label lies before the start.

        Raises:
            PanelError: the label is no time.
        """
        begin, end = self._period(label)
        bound = end if after else begin
        steps = self._floor(starts, bound)
        steps = steps + (self.advance(starts, steps) < bound)
        return np.asarray(steps - (self.advance(starts, steps - 1) >= bound))

    # ---------------------------------------------------------------- labels

    def _period(self, label: TimeLike | None) -> tuple[np.ndarray, np.ndarray]:
        """Begin (inclusive) and end (exclusive) of the labelled period, in the stored form."""
        if self.unit == "step":
            if isinstance(label, bool) or not re.fullmatch(r"\s*-?\d+\s*", str(label)):
                raise PanelError(f"{label!r} is no step; the times of this panel are whole numbers.")
            return np.asarray(int(str(label))), np.asarray(int(str(label)) + 1)
        if isinstance(label, datetime.datetime) and label.tzinfo is not None:
            time = self._stored_instant(label)
            return np.asarray(time), np.asarray(time + 1)
        period = _read_label(label)
        begin, end = period.astype("datetime64[us]"), (period + 1).astype("datetime64[us]")
        if self.stores_utc:
            assert self.timezone is not None
            begin, end = (to_utc(np.array([time]), self.timezone)[0] for time in (begin, end))
        return np.asarray(begin), np.asarray(end)

    def _stored_instant(self, moment: datetime.datetime) -> np.datetime64:
        if self.timezone is None:
            raise PanelError(f"{moment} has a time zone and the times of this panel have none. Give it without one.")
        zone = datetime.UTC if self.stores_utc else ZoneInfo(zone_of(self.timezone))
        return np.datetime64(moment.astimezone(zone).replace(tzinfo=None), "us")

    def label(self, time: np.datetime64 | np.int64 | int) -> str:
        """A stored time in short words: "1960-12", "1960", "2019-06-01", "2019-06-01 13:00", "17"."""
        if self.unit == "step":
            return str(int(time))
        moment = np.asarray(time, "datetime64[us]")
        if self.stores_utc:
            assert self.timezone is not None
            moment = to_wall(moment[None], self.timezone)[0]
        return str(moment.astype(f"datetime64[{self._label_unit}]")).replace("T", " ")

    @property
    def _label_unit(self) -> str:
        if self.unit == "month":
            return "M" if self.count % 12 else "Y"
        if self.unit == "business" or self.count % DAY == 0:
            return "D"
        if self.count % MINUTE == 0:
            return "m"
        return "s" if self.count % SECOND == 0 else "us"

    # ---------------------------------------------------------------- words

    @property
    def name(self) -> str:
        """One step in words: "month", "quarter", "15 minutes", "business day", "step"."""
        number, word = names.name_of(self.unit, self.count)
        return word if number == 1 else f"{number} {word}s"

    def plural(self, n: int) -> str:
        """The word to put after a number of steps: "months", or "month" for one; "steps of 15 minutes"."""
        number, word = names.name_of(self.unit, self.count)
        if number != 1:
            return f"{'step' if n == 1 else 'steps'} of {number if self.unit == 'step' else self.name}"
        return word if n == 1 else f"{word}s"

    @property
    def seasonal_periods(self) -> tuple[int, ...]:
        """Periods that data of this frequency often have, in steps, smallest first; () where none is usual."""
        if self.unit == "business":
            return (5,) if self.count == 1 else ()
        if self.unit == "month":
            cycles: tuple[int, ...] = (12,)
        elif self.unit == "fixed":
            if self.count == WEEK:
                return (52,)
            cycles = self._fixed_cycles
        else:
            return ()
        return tuple(cycle // self.count for cycle in cycles if cycle % self.count == 0 and cycle >= 2 * self.count)

    @property
    def _fixed_cycles(self) -> tuple[int, ...]:
        """The two natural cycles above a fixed step, in microseconds."""
        if self.count < MINUTE:
            return MINUTE, HOUR
        if self.count < 5 * MINUTE:
            return HOUR, DAY
        return DAY, WEEK

    # ---------------------------------------------------------------- in and out

    @classmethod
    def from_text(cls, text: str) -> Frequency:
        """Read "h", "15min", "D", "B", "W", "MS", "ME", "month", "step", ...; "h[Europe/Berlin]" holds a time zone.

        Raises:
            PanelError: no frequency is called so.

        >>> Frequency.from_text("15min").seasonal_periods
        (96, 672)
        """
        plain, _, zone = text.partition("[")
        return cls(*names.parse(plain), timezone=zone.removesuffix("]") or None)

    @classmethod
    def of(cls, step: Any) -> Frequency:
        """The frequency of a text, a length of time (also of numpy and pandas), an offset of pandas, or a whole number.

        Raises:
            PanelError: it is none of these.

        >>> Frequency.of(datetime.timedelta(hours=1)).to_text(), Frequency.of(2).to_text()
        ('h', '2step')
        """
        if isinstance(step, Frequency):
            return step
        if isinstance(step, datetime.timedelta | np.timedelta64):
            count = int(np.array([step], "timedelta64[us]").view(np.int64)[0])
            if count > 0:
                return cls("fixed", count)
        elif isinstance(step, int | np.integer) and not isinstance(step, bool) and step > 0:
            return cls("step", int(step))
        named = getattr(step, "freqstr", step)
        if isinstance(named, str):
            return cls.from_text(named)
        told = f"={step!r} is no step. Write it as text: 'h', '15min', 'D', 'MS', ..."
        raise PanelError(Argument("frequency", of="read"), told)

    def to_text(self) -> str:
        """The text for files, which ``from_text`` reads back."""
        plain = names.write(names.Parts(self.unit, self.count, self.day))
        return plain if self.timezone is None else f"{plain}[{self.timezone}]"

    def to_timestamps(self, times: np.ndarray) -> np.ndarray:
        """Stored times as given out to users: steps and zone-less times as they are, else UTC instants."""
        if self.timezone is None or self.stores_utc:
            return times
        return to_utc(times, self.timezone)


def _read_label(label: TimeLike | None) -> np.datetime64:
    """A label as a datetime64 whose unit is its precision."""
    period = _read_period(label)
    if period is None or np.isnat(period):
        raise PanelError(f"{label!r} is no date. Write it as '2019', '2019-01', '2019-01-05' or '2019-01-05 13:00'.")
    fine = np.datetime_data(period.dtype)[0] in ("W", "ns", "ps", "fs", "as")
    return period.astype("datetime64[us]") if fine else period


def _read_period(label: TimeLike | None) -> np.datetime64 | None:
    if isinstance(label, np.datetime64 | datetime.date):
        return np.datetime64(label)
    if isinstance(label, bool):
        return None
    text = str(label).strip()  # a whole number is a year
    quarter = re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text)
    if quarter:
        begin: np.datetime64 = np.datetime64(f"{quarter[1]}-{int(quarter[2]) * 3 - 2:02}").astype("datetime64[3M]")
        return begin
    try:
        return np.datetime64(text) if re.match(r"\d{4}(-|$)", text) else None
    except ValueError:
        return None  # the caller says what a label looks like


def to_utc(wall: np.ndarray, zone: str) -> np.ndarray:
    """Wall times (R,) of a time zone to UTC instants, datetime64[us].

    A wall time that a clock change repeats is taken as the first; one that it skips moves on by an hour.
    """
    if zone[0] in "+-":
        return np.asarray(wall, "datetime64[us]") - _offset(zone)
    import polars as pl

    series = pl.Series(np.asarray(wall, "datetime64[us]"))
    known = series.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if known.null_count() > series.null_count():
        hour = datetime.timedelta(hours=1)
        later = (series + hour).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        known = known.fill_null(later)
    return _numpy(known.dt.convert_time_zone("UTC"))


def to_wall(instants: np.ndarray, zone: str) -> np.ndarray:
    """UTC instants (R,) to the wall times of a time zone, datetime64[us]."""
    if zone[0] in "+-":
        return np.asarray(instants, "datetime64[us]") + _offset(zone)
    import polars as pl

    series = pl.Series(np.asarray(instants, "datetime64[us]")).dt.replace_time_zone("UTC")
    return _numpy(series.dt.convert_time_zone(zone))


# Zones that have kept an offset of half hours for decades; those of whole hours have names of their own.
_HALF_HOURS = {
    **{"+05:30": "Asia/Kolkata", "+05:45": "Asia/Kathmandu", "+06:30": "Asia/Yangon", "+04:30": "Asia/Kabul"},
    **{
        "+09:30": "Australia/Darwin",
        "+03:30": "Asia/Tehran",
        "+08:45": "Australia/Eucla",
        "-09:30": "Pacific/Marquesas",
    },
}


def _offset(zone: str) -> np.timedelta64:
    """An offset such as "+05:30" as a length of time."""
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return np.timedelta64(-minutes if zone[0] == "-" else minutes, "m").astype("timedelta64[us]")


def zone_of(timezone: str) -> str:
    """The name, known to every library, of a zone or offset; "UTC" for an offset that no zone has.

    >>> zone_of("Europe/Berlin"), zone_of("+02:00"), zone_of("+05:30")
    ('Europe/Berlin', 'Etc/GMT-2', 'Asia/Kolkata')
    """
    if timezone[0] not in "+-":
        return timezone
    hours, minutes = int(timezone[1:3]), int(timezone[4:6])
    if minutes or hours > 12:
        return _HALF_HOURS.get(timezone, "UTC")
    return f"Etc/GMT{'-' if timezone[0] == '+' else '+'}{hours}"


def _numpy(series: pl.Series) -> np.ndarray:
    return np.asarray(series.dt.replace_time_zone(None).to_numpy(), "datetime64[us]")
