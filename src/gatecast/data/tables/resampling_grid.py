"""Bins of a frequency: which one holds a time, and by which time it is called.

    whole steps      n steps, counted from 0                       called by the first of them
    fixed times      counted from Monday, 3 January 2000, 00:00    called by their beginning
    business days    a weekend belongs to the Friday before it     called by the (first) day
    months           counted from January 2000                     called by the first day, or by the day named
    month ends       the same calendar months                      called by the last day

Bins depend on nothing but the frequency, so that tables read one by one fall into the same ones. A bin holds its
beginning and not its end. With a time zone the count starts at local midnight; days and longer bins begin at local
midnight always, while shorter ones are an exact length of time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from gatecast.data.frequency import Frequency, to_utc
from gatecast.data.frequency_names import WEEK
from gatecast.errors import PanelError, did_you_mean

__all__ = ["Binning", "binning"]

_MONDAY = np.datetime64("2000-01-03", "D")
_JANUARY = np.datetime64("2000-01", "M")
_BEFORE_ALL = np.datetime64("0001-01-01", "D")  # busday_count does not floor what lies before its first day
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class Binning:
    """The bins of a frequency.

    Args:
        frequency: their length.
        origin: the time by which bin 0 is called, in the stored form.
    """

    frequency: Frequency
    origin: np.ndarray

    def number(self, times_R: np.ndarray) -> np.ndarray:
        """(R,) int64 number of the bin that holds each time; times in the stored form."""
        frequency = self.frequency
        if frequency.unit == "step":
            past_R = np.asarray(times_R, np.int64) - self.origin
        elif frequency.unit == "fixed":
            past_R = (times_R - self.origin).astype(np.int64)
        elif frequency.unit == "business":
            until_R = times_R.astype("datetime64[D]") + 1
            first = self.origin.astype("datetime64[D]") + 1
            past_R = np.busday_count(_BEFORE_ALL, until_R) - np.busday_count(_BEFORE_ALL, first)
        else:
            past_R = self._months(times_R)
        return np.asarray(np.asarray(past_R, np.int64) // frequency.count)

    def _months(self, times_R: np.ndarray) -> np.ndarray:
        """(R,) months since the first one of bin 0; a month begins on the frequency's day."""
        month_R = times_R.astype("datetime64[M]")
        first = self.origin.astype("datetime64[M]")
        if self.frequency.month_end:
            return np.asarray(month_R - first + (self.frequency.count - 1)).astype(np.int64)
        begin_R = self.frequency.advance(month_R.astype("datetime64[us]"), 0)  # the named day, clipped to the month
        return np.asarray((month_R - first).astype(np.int64) - (times_R < begin_R))

    def label(self, number_R: np.ndarray) -> np.ndarray:
        """(R,) times by which bins are called, in the stored form: points of the frequency's grid."""
        return self.frequency.advance(self.origin, number_R)


def binning(frequency: Frequency, text: str | None = None) -> Binning:
    """The bins of a frequency.

    Args:
        frequency: the step, with its time zone.
        text: how the user wrote it; the weekday of "W-SAT" (weeks end on Saturday) and the month of "YS-JUL" or
            "QE-JAN" move the bins. Without one, weeks begin on Monday and years in January.

    Raises:
        PanelError: the text names no weekday or month.
    """
    word, anchor = _anchor(text)
    if frequency.unit == "step":
        return Binning(frequency, np.asarray(0))
    if frequency.unit == "month":
        return Binning(frequency, np.asarray(_first_month(frequency, word, anchor).astype("datetime64[us]")))
    begin = _MONDAY
    if anchor and frequency.unit == "fixed" and frequency.count % WEEK == 0:
        begin = begin + (_position(anchor, _DAYS, "weekday", text) + 1) % 7
    midnight = np.asarray(begin.astype("datetime64[us]"))
    if frequency.stores_utc:
        assert frequency.timezone is not None
        return Binning(frequency, to_utc(midnight[None], frequency.timezone)[0])
    return Binning(frequency, midnight)


def _anchor(text: str | None) -> tuple[str, str]:
    """The word and the anchor of a frequency's text: ("W", "SAT") of "2W-SAT"; empty where there is none."""
    found = re.search(r"([A-Za-z]+)-([A-Z]{3})(?![A-Za-z])", (text or "").partition("[")[0])
    return (found[1], found[2]) if found else ("", "")


def _first_month(frequency: Frequency, word: str, anchor: str) -> np.datetime64:
    """The month by which bin 0 is called: "YS-JUL" begins in July, "YE-JUN" and "Y-JUN" end in June."""
    begin = _JANUARY
    if anchor:
        month = _position(anchor, _MONTHS, "month", f"{word}-{anchor}")
        begin = begin + (month if word.endswith("S") else month - frequency.count + 1)
    return begin + (frequency.count - 1) if frequency.month_end else begin


def _position(anchor: str, known: tuple[str, ...], what: str, text: str | None) -> int:
    if anchor not in known:
        hint = did_you_mean(anchor, known)
        raise PanelError(f"frequency {text!r}: {anchor!r} is no {what}{hint}. Known: {', '.join(known)}.")
    return known.index(anchor)
