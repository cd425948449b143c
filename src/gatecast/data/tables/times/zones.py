"""Time zones: naive local times as instants, offsets as zones, and clock changes seen in times that name no zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import polars as pl

from gatecast.data.frequency import to_utc, to_wall
from gatecast.errors import Argument, ConfigError, did_you_mean

__all__ = ["check_zone", "fitting_zone", "is_zone", "localised", "zone_of_offsets", "zone_with_changes"]

# One zone for each rule of clock changes that many tables follow.
_COMMON = (
    *("Europe/Berlin", "Europe/London", "Europe/Helsinki", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "Australia/Sydney", "Pacific/Auckland", "America/Sao_Paulo", "America/Santiago"),
    *("Asia/Jerusalem", "Africa/Cairo", "America/Havana", "Asia/Tehran"),
)
HOUR = np.timedelta64(3600, "s")


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether a time zone has this name; offsets such as +05:30 have none."""
    return name in _known()


def check_zone(zone: str | None) -> None:
    """Raise ConfigError for a time zone that nobody knows."""
    if zone is not None and zone not in _known() and not re.fullmatch(r"[+-]\d{2}:\d{2}", zone):
        hint = did_you_mean(zone, _known())
        told = f"={zone!r} is unknown{hint}. Write it as 'Europe/Berlin' or '+01:00'."
        raise ConfigError(Argument("timezone", of="read"), told)


def zone_of_offsets(offset: pl.Series) -> str | None:
    """The zone of one offset for all: "UTC", "+05:30"; None where the offsets differ."""
    different = offset.drop_nulls().unique()
    if len(different) != 1:
        return None
    minutes = int(different[0]) // 60_000_000
    sign = "+" if minutes >= 0 else "-"
    return "UTC" if not minutes else f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def zone_with_changes(wall_T: np.ndarray, instants_T: np.ndarray) -> str | None:
    """A common zone that has these wall times at these UTC instants, whose offsets differ; None if none has."""
    for zone in _COMMON:
        if (to_wall(instants_T, zone) == wall_T).all():
            return zone
    return None


def localised(wall_R: np.ndarray, series_R: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Wall times (R,) as UTC instants, and which of them the zone does not have.

    Of two rows of a series at a wall time that the autumn repeats, the one that the table has first is the first; in a
    table that runs backwards it is the other way round.
    """
    instants_R = to_utc(wall_R, zone).copy()
    gone_R = to_wall(instants_R, zone) != wall_R
    later_R = to_utc(wall_R + HOUR, zone) - instants_R
    twice_R = (later_R > HOUR) & ~gone_R
    rows = np.flatnonzero(twice_R)
    if len(rows):
        backwards = bool((np.diff(wall_R[np.isfinite(wall_R.view(np.int64))].view(np.int64)) < 0).mean() > 0.5)
        rows = rows[::-1] if backwards else rows
        frame = pl.DataFrame({"s": series_R[rows], "t": wall_R[rows]})
        again = frame.select(pl.int_range(pl.len()).over("s", "t").alias("k"))["k"].to_numpy() == 1
        instants_R[rows[again]] += later_R[rows[again]] - HOUR
    return instants_R, gone_R


def fitting_zone(doubled_T: np.ndarray, skipped_T: np.ndarray) -> str | None:
    """A common zone whose clock changes repeat all the doubled wall times and skip all those that have no row."""
    if not len(doubled_T) and not len(skipped_T):
        return None
    for zone in _COMMON:
        if _repeats(doubled_T, zone) and _skips(skipped_T, zone):
            return zone
    return None


def _repeats(wall_T: np.ndarray, zone: str) -> bool:
    rules = ZoneInfo(zone)
    return all(_offset(t, rules, 0) != _offset(t, rules, 1) and not _absent(t, rules) for t in _python(wall_T))


def _skips(wall_T: np.ndarray, zone: str) -> bool:
    rules = ZoneInfo(zone)
    return all(_absent(t, rules) for t in _python(wall_T))


def _python(wall_T: np.ndarray) -> list[datetime]:
    return np.asarray(wall_T, "datetime64[us]").tolist()


def _offset(time: datetime, rules: ZoneInfo, fold: int) -> timedelta | None:
    return time.replace(tzinfo=rules, fold=fold).utcoffset()


def _absent(time: datetime, rules: ZoneInfo) -> bool:
    """Whether the clock skips a wall time."""
    utc = ZoneInfo("UTC")
    return time.replace(tzinfo=rules).astimezone(utc).astimezone(rules).replace(tzinfo=None) != time
