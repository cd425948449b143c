"""Axes of times that a generator writes in every usual way: what a table holds, and the times that it means."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["AXES", "Axis"]

UTC, EPOCH, EXCEL = dt.UTC, dt.datetime(1970, 1, 1), dt.datetime(1899, 12, 30)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(1)
GERMAN = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November"]
GERMAN += ["Dezember"]
FRENCH = ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre"]
FRENCH += ["décembre"]
CLOCKS = [" %H:%M", "T%H:%M:%S", " %I:%M %p", " %H:%M:%S", " %H:%M:%S.000"]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago"]


@dataclass(frozen=True)
class Axis:
    """Times one step apart.

    Args:
        times: (T,) what they are: wall times, or instants in UTC where they have a zone.
        columns: name -> (T,) cells of the columns that make them up.
        answers: what settles a question that the cells leave open.
        spelled: whether they go out again in the very cells that they came in.
        zoned: whether times are instants.
        typed: whether cells are dates or numbers, which a file of text cannot hold.
    """

    times: list[dt.datetime]
    columns: dict[str, list[Any]]
    answers: dict[str, Any] = field(default_factory=dict)
    spelled: bool = False
    zoned: bool = False
    typed: bool = False


Make = Callable[[random.Random, int], Axis]


def after(begin: dt.datetime, step: dt.timedelta, count: int) -> list[dt.datetime]:
    return [begin + i * step for i in range(count)]


def some_day(rng: random.Random) -> dt.datetime:
    return dt.datetime(rng.randint(1980, 2049), rng.randint(1, 12), rng.randint(1, 28))


def some_hour(rng: random.Random) -> dt.datetime:
    return some_day(rng) + rng.randrange(24) * HOUR


def some_months(rng: random.Random, step: int, count: int) -> list[dt.datetime]:
    year, first = rng.randint(1980, 2030), step * rng.randrange(12 // step)
    return [dt.datetime(year + m // 12, 1 + m % 12, 1) for m in range(first, first + step * count, step)]


def some_mondays(rng: random.Random, count: int) -> list[dt.datetime]:
    day = some_day(rng)
    return after(day - day.weekday() * DAY, 7 * DAY, count)


def dates(form: str, step: dt.timedelta = DAY, **answers: Any) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = after(some_day(rng), step, count)
        name = rng.choice(["date", "ds", "Datum", "day", "order_date"])
        return Axis(times, {name: [f"{t:{form}}" for t in times]}, answers)

    return make


def moments(form: str, step: dt.timedelta = HOUR, **answers: Any) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = after(some_hour(rng), step, count)
        full = form + rng.choice(CLOCKS)
        return Axis(times, {"timestamp": [f"{t:{full}}" for t in times]}, answers)

    return make


def written(write: Callable[[dt.datetime], str], step: dt.timedelta = DAY, name: str = "date") -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = after(some_day(rng), step, count)
        return Axis(times, {name: [write(t) for t in times]})

    return make


def months(write: Callable[[dt.datetime], Any], step: int = 1, name: str = "month", *, spelled: bool = False) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = some_months(rng, step, count)
        return Axis(times, {name: [write(t) for t in times]}, spelled=spelled)

    return make


def weeks(write: Callable[[int, int], Any], name: str = "week") -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = some_mondays(rng, count)
        return Axis(times, {name: [write(*t.isocalendar()[:2]) for t in times]}, spelled=True)

    return make


def epochs(per_second: int, begin: dt.datetime = EPOCH) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = after(dt.datetime(rng.randint(2002, 2032), 5, 7, 6), rng.choice([HOUR, DAY]), count)
        return Axis(times, {"timestamp": [int((t - begin).total_seconds()) * per_second for t in times]})

    return make


def serials(step: dt.timedelta) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = after(some_day(rng), step, count)
        days = [(t - EXCEL) / DAY for t in times]
        return Axis(times, {"date": [int(d) for d in days] if step == DAY else days})

    return make


def apart(**parts: Callable[[dt.datetime], Any]) -> Make:
    """Date and clock, or year, month, day and hour, in columns of their own."""

    def make(rng: random.Random, count: int) -> Axis:
        times = after(some_hour(rng), HOUR, count)
        return Axis(times, {name: [write(t) for t in times] for name, write in parts.items()}, spelled=False)

    return make


def of_periods(step: int, **parts: Callable[[dt.datetime], Any]) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = some_months(rng, step, count)
        return Axis(times, {name: [write(t) for t in times] for name, write in parts.items()}, spelled=True)

    return make


def apart_months(**parts: Callable[[dt.datetime], Any]) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = some_months(rng, 1, count)
        return Axis(times, {name: [write(t) for t in times] for name, write in parts.items()})

    return make


def year_and_week(rng: random.Random, count: int) -> Axis:
    times = some_mondays(rng, count)
    held = [t.isocalendar() for t in times]
    return Axis(times, {"year": [h.year for h in held], "week": [h.week for h in held]}, spelled=True)


def around_a_clock_change(rng: random.Random, count: int) -> tuple[str, list[dt.datetime]]:
    """A zone, and hours that begin up to 40 of them before one of its clock changes."""
    zone, year = rng.choice(ZONES), rng.randint(2017, 2023)
    hours = after(dt.datetime(year, 1, 1, tzinfo=UTC), HOUR, 24 * 365)
    offsets = [t.astimezone(ZoneInfo(zone)).utcoffset() for t in hours]
    changes = [k for k in range(1, len(hours)) if offsets[k] != offsets[k - 1]]
    begin = rng.choice(changes) - rng.randint(1, count - 2)
    return zone, after(hours[0] + begin * HOUR, HOUR, count)


def offsets_that_change(rng: random.Random, count: int) -> Axis:
    zone, instants = around_a_clock_change(rng, count)
    cells = [t.astimezone(ZoneInfo(zone)).isoformat() for t in instants]
    return Axis([t.replace(tzinfo=None) for t in instants], {"time": cells}, zoned=True)


def local_times(rng: random.Random, count: int) -> Axis:
    """They name no zone: hours stand twice, or are absent."""
    zone, instants = around_a_clock_change(rng, count)
    cells = [f"{t.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for t in instants]
    return Axis([t.replace(tzinfo=None) for t in instants], {"time": cells}, {"timezone": zone}, zoned=True)


def one_offset(text: str, hours: float) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        times = after(some_hour(rng), HOUR, count)
        cells = [f"{t:%Y-%m-%dT%H:%M:%S}{text}" for t in times]
        return Axis([t - hours * HOUR for t in times], {"time": cells}, zoned=True)

    return make


def ending_at_24(rng: random.Random, count: int) -> Axis:
    times = after(some_hour(rng), HOUR, count)
    cells = [f"{t - DAY:%Y-%m-%d} 24:00" if t.hour == 0 else f"{t:%Y-%m-%d %H:%M}" for t in times]
    return Axis(times, {"time": cells})


def business_days(rng: random.Random, count: int) -> Axis:
    times = [t for t in after(some_day(rng), DAY, 2 * count + 10) if t.weekday() < 5][: max(count, 11)]
    return Axis(times, {"date": [f"{t:%Y-%m-%d}" for t in times]})


def whole_steps(rng: random.Random, count: int) -> Axis:
    first = rng.choice([0, 1, 17])
    steps = list(range(first, first + count))
    return Axis([EPOCH + s * DAY for s in steps], {"step": steps}, spelled=True)


def years_of_two(rng: random.Random, count: int) -> Axis:
    times = [dt.datetime(year, 1, 1) for year in range(1985, 1985 + count)]
    return Axis(times, {"fiscal year": [f"{t.year}/{(t.year + 1) % 100:02}" for t in times]}, spelled=True)


def years(write: Callable[[int], Any], name: str = "year", *, spelled: bool = True) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        first = rng.randint(1900, 1990)
        times = [dt.datetime(year, 1, 1) for year in range(first, first + count)]
        return Axis(times, {name: [write(t.year) for t in times]}, spelled=spelled)

    return make


def ends(step: int) -> Make:
    def make(rng: random.Random, count: int) -> Axis:
        begins = some_months(rng, step, count + 1)[1:]
        times = [t - DAY for t in begins]
        return Axis(times, {"date": [f"{t:%d.%m.%Y}" for t in times]})

    return make


def objects(kind: str) -> Make:
    """Dates and times as such."""

    def make(rng: random.Random, count: int) -> Axis:
        times = after(some_day(rng), DAY if kind == "date" else 6 * HOUR, count)
        return Axis(times, {"ds": [t.date() for t in times] if kind == "date" else list(times)}, typed=True)

    return make


def quarter(t: dt.datetime) -> int:
    return (t.month + 2) // 3


AXES: dict[str, Make] = {
    **{form: dates(form) for form in ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%d-%b-%Y", "%B %d, %Y", "%Y%m%d")},
    **{form: dates(form) for form in ("%G-W%V-%u", "%a, %d %b %Y", "%Y-%j", "%A %d %B %Y", "%d. %b. %y")},
    "day first": dates("%d/%m/%Y", day_first=True),
    "month first": dates("%m/%d/%Y", day_first=False),
    "short year first": dates("%y-%m-%d", year_first=True),
    "short day first": dates("%d.%m.%y", day_first=True),
    "weeks by dates": dates("%Y-%m-%d", 7 * DAY),
    "weeks by days first": dates("%d/%m/%Y", 7 * DAY, day_first=True),
    "German days": written(lambda t: f"{t.day}. {GERMAN[t.month - 1]} {t.year}"),
    "French days": written(lambda t: f"{t.day} {FRENCH[t.month - 1]} {t.year}"),
    "Japanese days": written(lambda t: f"{t.year}年{t.month}月{t.day}日"),
    "RFC 2822": written(lambda t: f"{t:%a, %d %b %Y %H:%M:%S}", 12 * HOUR),
    "hours": moments("%Y-%m-%d"),
    "hours, points": moments("%d.%m.%Y"),
    "hours, day first": moments("%d/%m/%Y", day_first=True),
    "hours, month first": moments("%m/%d/%Y", day_first=False),
    "hours, days of weeks": moments("%G-W%V-%u"),
    "hours, words": moments("%d %b %Y"),
    "quarters of hours": moments("%Y-%m-%d", HOUR / 4),
    "spans": written(lambda t: f"{t:%d.%m.%Y %H:%M} - {t + HOUR:%H:%M}", HOUR, "period"),
    "24:00": ending_at_24,
    "ten digits": written(lambda t: f"{t:%Y%m%d%H}", HOUR, "time"),
    "packed": written(lambda t: f"{t:%Y%m%dT%H%M}", HOUR, "time"),
    "date and clock": apart(date=lambda t: f"{t:%Y-%m-%d}", time=lambda t: f"{t:%H:%M}"),
    "date and hour": apart(Datum=lambda t: f"{t:%d.%m.%Y}", hour=lambda t: t.hour),
    "year to hour": apart(year=lambda t: t.year, month=lambda t: t.month, day=lambda t: t.day, hour=lambda t: t.hour),
    "offsets that change": offsets_that_change,
    "local times": local_times,
    "+05:30": one_offset("+05:30", 5.5),
    "-0300": one_offset("-0300", -3),
    "Z": one_offset("Z", 0),
    "UTC": one_offset(" UTC", 0),
    "seconds": epochs(1),
    "milliseconds": epochs(1000),
    "microseconds": epochs(10**6),
    "nanoseconds": epochs(10**9),
    "serials": serials(DAY),
    "serials of hours": serials(6 * HOUR),
    "business days": business_days,
    **{form: months(lambda t, form=form: f"{t:{form}}") for form in ("%Y-%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%y")},
    **{form: months(lambda t, form=form: f"{t:{form}}") for form in ("%Y-%m-01", "01.%m.%Y", "%Y/%m", "%b '%y")},
    "six digits": months(lambda t: t.year * 100 + t.month, spelled=True),
    "German months": months(lambda t: f"{GERMAN[t.month - 1][:3]} {t:%y}", name="Monat"),
    "month codes": months(lambda t: f"{t.year}M{t.month:02}"),
    "months after the point": months(lambda t: f"{t.year}.{t.month:02}"),
    "Japanese months": months(lambda t: f"{t.year}年{t.month}月"),
    "year and month": of_periods(1, year=lambda t: t.year, month=lambda t: t.month),
    "year and name": apart_months(Jahr=lambda t: t.year, Monat=lambda t: GERMAN[t.month - 1]),
    "2024Q1": months(lambda t: f"{t.year}Q{quarter(t)}", 3, "quarter", spelled=True),
    "2024-Q1": months(lambda t: f"{t.year}-Q{quarter(t)}", 3, "date", spelled=True),
    "Q1 2024": months(lambda t: f"Q{quarter(t)} {t.year}", 3, "period", spelled=True),
    "1Q2024": months(lambda t: f"{quarter(t)}Q{t.year}", 3, "quarter", spelled=True),
    "Q1/24": months(lambda t: f"Q{quarter(t)}/{t:%y}", 3, "quarter", spelled=True),
    "20241": months(lambda t: t.year * 10 + quarter(t), 3, "quarter", spelled=True),
    "year and quarter": of_periods(3, year=lambda t: t.year, quarter=lambda t: f"Q{quarter(t)}"),
    "H1 2024": months(lambda t: f"H{(t.month + 5) // 6} {t.year}", 6, "half", spelled=True),
    "2024S1": months(lambda t: f"{t.year}S{(t.month + 5) // 6}", 6, "date", spelled=True),
    "2024-W05": weeks(lambda y, w: f"{y}-W{w:02}"),
    "2024W05": weeks(lambda y, w: f"{y}W{w:02}", "date"),
    "Week 5, 2024": weeks(lambda y, w: f"Week {w}, {y}"),
    "KW 05/2024": weeks(lambda y, w: f"KW {w:02}/{y}", "Kalenderwoche"),
    "202405": weeks(lambda y, w: y * 100 + w),
    "year and week": year_and_week,
    "years": years(lambda y: y),
    "FY2024": years(lambda y: f"FY{y}", "fiscal year"),
    "ends of years": ends(12),
    "ends of months": ends(1),
    "2023/24": years_of_two,
    "steps": whole_steps,
    "dates as such": objects("date"),
    "times as such": objects("datetime"),
}
