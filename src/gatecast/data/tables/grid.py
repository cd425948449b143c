"""Put the rows of a table on a regular grid: sort, find duplicates, frequency and gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gatecast.data.frequency import Frequency, to_utc, to_wall
from gatecast.data.frequency_names import DAY
from gatecast.data.tables.dominant_step import clear_frequency
from gatecast.data.tables.infer import infer_frequency, with_month_end
from gatecast.data.tables.problems import Problems
from gatecast.data.tables.reasons import clock_change, closed_days
from gatecast.data.tables.resampling import Bins, Rule, make_bins
from gatecast.data.tables.resampling_grid import Binning, binning
from gatecast.errors import PanelError

__all__ = ["Grid", "make_binned_grid", "make_grid"]

_SHOWN = 3
_CLOCK_GAPS = 200  # times without a row that clock changes may explain


@dataclass(frozen=True)
class Grid:
    """Where each row of the table goes in the panel.

    Args:
        source_R: (R,) row of the table for each row of the panel, -1 for a filled gap; None: as they stand.
        first: (N,) first row of each series in the panel.
        length: (N,) rows of each series.
        starts: (N,) first time of each series.
        frequency: the step.
        bins: what is aggregated into each row of the panel, in place of ``source_R``; None: nothing is.
    """

    source_R: np.ndarray | None
    first: np.ndarray
    length: np.ndarray
    starts: np.ndarray
    frequency: Frequency
    bins: Bins | None = None

    def place(self, values_RV: np.ndarray, rule: Rule) -> np.ndarray:
        """Rows of the table in the order of the panel, nan where a gap was filled; ``rule`` is that of the bins."""
        if self.bins is not None:
            return self.bins.aggregate(values_RV, rule)
        if self.source_R is None:
            return values_RV
        taken_RV: np.ndarray = values_RV[self.source_R]
        taken_RV[self.source_R < 0] = np.nan
        return taken_RV

    def without_row(self) -> np.ndarray:
        """(R,) rows of the panel that no row of the table stands behind."""
        if self.bins is not None:
            empty_R = np.ones(int(self.length.sum()), bool)
            empty_R[self.bins.place_B] = False
            return empty_R
        return np.zeros(int(self.length.sum()), bool) if self.source_R is None else self.source_R < 0

    def of_rows(self, kept: np.ndarray) -> Grid:
        """The same grid, made of some rows of the table, with its source rows as rows of the whole table."""
        if self.bins is not None:
            return replace(self, bins=replace(self.bins, source_R=kept[self.bins.source_R]))
        source_R = self.source_R
        return replace(self, source_R=kept if source_R is None else np.where(source_R < 0, -1, kept[source_R]))


def make_grid(
    series_R: np.ndarray,
    times_R: np.ndarray,
    row_R: np.ndarray,
    ids: tuple[str, ...],
    *,
    problems: Problems,
    zone: str | None = None,
    frequency: Frequency | None = None,
    fill: bool = False,
) -> Grid | None:
    """Sort the rows and check that each series runs over a regular grid.

    Args:
        series_R: (R,) series of each row, 0 .. N-1.
        times_R: (R,) int64 or datetime64[us] (UTC instants with a zone).
        row_R: (R,) row numbers for messages.
        ids: N names.
        problems: what is found wrong is added here.
        zone: time zone of the source.
        frequency: the step, if the user named it.
        fill: whether gaps are filled.

    Returns:
        The grid, or None where problems do not let one be made.
    """
    order = _sorted_order(series_R, times_R)
    if order is not None:
        series_R, times_R, row_R = series_R[order], times_R[order], row_R[order]
    again_R = np.zeros(len(series_R), bool)
    again_R[1:] = (series_R[1:] == series_R[:-1]) & (times_R[1:] == times_R[:-1])
    rows = _Sorted(series_R, times_R, row_R, ids)
    single = rows.without(again_R) if again_R.any() else rows
    order = None if again_R.any() else order  # then no panel is made; only more problems are looked for
    length = np.bincount(single.series_R, minlength=len(ids))
    first = np.cumsum(length) - length
    try:
        frequency = _settle(frequency, single.times_R, zone, first, length, ids)
    except PanelError as error:
        problems.duplicates(again_R, times_R, series_R, row_R, ids)
        problems.found.append(error)
        return None
    stored_R = _stored(single.times_R, frequency, first)
    starts = stored_R[first]
    if not again_R.any() and _all_alike(stored_R, length, frequency):
        return Grid(order, first, length, starts, frequency)
    index_R, on_R = frequency.position(starts[single.series_R], stored_R)
    step_R = np.diff(index_R, prepend=0)
    step_R[first] = 1
    found = _Found(frequency, single, stored_R, step_R, first, length, fill)
    change = None
    if on_R.all() and times_R.dtype.kind == "M":
        change = clock_change(times_R[again_R], found.skipped(), zone, frequency)
    if change is not None and len(change.doubled_T):
        problems.change = change
        return None
    if change is not None:
        problems.found.append(change.told())
    else:
        problems.duplicates(again_R, times_R, series_R, row_R, ids)
        _tell_off_grid(problems, on_R, stored_R, single.series_R, single.row_R, ids, frequency)
        if not fill and on_R.all():
            _tell_gaps(problems, found)
    grid = Grid(order, first, length, starts, frequency)
    return _filled(grid, index_R, single.series_R) if fill and on_R.all() and (step_R > 1).any() else grid


@dataclass(frozen=True)
class _Sorted:
    """Rows by series and time: (R,) series, times and row numbers, and N names."""

    series_R: np.ndarray
    times_R: np.ndarray
    row_R: np.ndarray
    ids: tuple[str, ...]

    def without(self, gone_R: np.ndarray) -> _Sorted:
        kept_R = ~gone_R
        return _Sorted(self.series_R[kept_R], self.times_R[kept_R], self.row_R[kept_R], self.ids)


@dataclass(frozen=True)
class _Found:
    """What was found of the steps of sorted rows.

    Args:
        frequency: the step.
        rows: the rows.
        stored_R: (R,) their times in the stored form.
        step_R: (R,) steps since the row before; 1 for the first of a series.
        first: (N,) first row of each series.
        length: (N,) rows of each series.
        filled: whether gaps are filled, and so are no trouble.
    """

    frequency: Frequency
    rows: _Sorted
    stored_R: np.ndarray
    step_R: np.ndarray
    first: np.ndarray
    length: np.ndarray
    filled: bool

    def skipped(self) -> np.ndarray:
        """Times without a row, if gaps are short and few; none where they are filled."""
        gaps = np.flatnonzero(self.step_R > 1)
        missing = self.step_R[gaps] - 1
        if self.filled or not len(gaps) or missing.sum() > _CLOCK_GAPS:
            return np.empty(0, "datetime64[us]") if self.filled or not len(gaps) else self.stored_R
        before = np.repeat(gaps - 1, missing)
        steps = np.arange(len(before)) - np.repeat(np.cumsum(missing) - missing, missing) + 1
        return self.frequency.advance(self.stored_R[before], steps)


def make_binned_grid(
    series_R: np.ndarray,
    times_R: np.ndarray,
    ids: tuple[str, ...],
    *,
    problems: Problems,
    zone: str | None = None,
    frequency: Frequency | None = None,
    text: str | None = None,
    origin: np.ndarray | None = None,
) -> Grid | None:
    """Sort the rows and put them into the bins of a frequency; times may be irregular and doubled.

    Args:
        series_R: (R,) series of each row, 0 .. N-1.
        times_R: (R,) int64 or datetime64[us] (UTC instants with a zone).
        ids: N names.
        problems: what is found wrong is added here.
        zone: time zone of the source.
        frequency: the step, if the user named it; else the median step, where it is clear.
        text: the frequency as the user wrote it, which may say where the bins begin (see ``binning``).
        origin: a time at which a bin begins, in the stored form; by default as ``binning`` says.

    Returns:
        The grid with its bins, or None where problems do not let one be made.
    """
    order = _sorted_order(series_R, times_R)
    order_R = np.arange(len(series_R)) if order is None else order
    series_R, times_R = series_R[order_R], times_R[order_R]
    try:
        frequency = _with_zone(frequency or _clear(series_R, times_R, zone, ids), times_R, zone)
        chosen = binning(frequency, text) if origin is None else Binning(frequency, origin)
    except PanelError as error:
        problems.found.append(error)
        return None
    local = frequency.timezone is not None and not frequency.stores_utc
    stored_R = to_wall(times_R, frequency.timezone or "UTC") if local else times_R
    bins = make_bins(series_R, stored_R, order_R, ids, bins=chosen, problems=problems)
    if bins is None:
        return None
    first = np.cumsum(bins.length) - bins.length
    return Grid(None, first, bins.length, bins.starts, frequency, bins)


def _clear(series_R: np.ndarray, times_R: np.ndarray, zone: str | None, ids: tuple[str, ...]) -> Frequency:
    """The median step of sorted rows; PanelError where it is not clear."""
    length_N = np.bincount(series_R, minlength=len(ids))
    wall_R = times_R if zone is None else to_wall(times_R, zone)
    return clear_frequency(wall_R, np.cumsum(length_N) - length_N, length_N, ids)


def _all_alike(stored_R: np.ndarray, length: np.ndarray, frequency: Frequency) -> bool:
    """Whether all series have the same times, without a gap: the common case, which needs one look at one series."""
    T = int(length[0])
    if not (length == T).all() or not (stored_R.reshape(-1, T) == stored_R[:T]).all():
        return False
    return bool((frequency.advance(stored_R[0], np.arange(T)) == stored_R[:T]).all())


def _sorted_order(series_R: np.ndarray, times_R: np.ndarray) -> np.ndarray | None:
    """The order by series and time; None where the rows are in it already."""
    later = (series_R[1:] > series_R[:-1]) | ((series_R[1:] == series_R[:-1]) & (times_R[1:] >= times_R[:-1]))
    return None if later.all() else np.lexsort((times_R, series_R))


def _settle(
    given: Frequency | None,
    times_R: np.ndarray,
    zone: str | None,
    first: np.ndarray,
    length: np.ndarray,
    ids: tuple[str, ...],
) -> Frequency:
    if given is not None:
        zoned = _with_zone(given, times_R, zone)
        return with_month_end(zoned, times_R) if zone is None else zoned
    if zone is None:
        return infer_frequency(times_R, first, length, ids)
    found = replace(infer_frequency(to_wall(times_R, zone), first, length, ids), timezone=zone)
    if not found.stores_utc:
        return found
    return replace(infer_frequency(times_R, first, length, ids), timezone=_exact(zone))


def _with_zone(given: Frequency, times_R: np.ndarray, zone: str | None) -> Frequency:
    """The frequency that the user named, with the zone of the times. PanelError where the two do not go together."""
    dated = times_R.dtype.kind == "M"
    if dated != (given.unit != "step"):
        kinds = ("dates", "whole numbers") if dated else ("whole numbers", "dates")
        raise PanelError(f"the times are {kinds[0]} and frequency {given.to_text()!r} is for {kinds[1]}.")
    if given.timezone and zone is None and dated:
        raise PanelError(f"the times have no time zone and frequency {given.to_text()!r} has one. Add it to the times.")
    zoned = replace(given, timezone=given.timezone or zone)
    return replace(zoned, timezone=_exact(zone)) if zone and zoned.stores_utc and not given.timezone else zoned


def _exact(zone: str) -> str:
    """Steps below a day are counted in UTC where the table names an offset, which is no zone with clock changes."""
    return "UTC" if zone[0] in "+-" else zone


def _stored(times_R: np.ndarray, frequency: Frequency, first: np.ndarray) -> np.ndarray:
    """UTC instants to wall times where the frequency keeps those.

    Where a clock change skips midnight, the day's row stands an hour later; it is moved back onto the grid.
    """
    zone = frequency.timezone
    if zone is None or frequency.stores_utc or times_R.dtype.kind != "M":
        return times_R
    wall_R = to_wall(times_R, zone)
    date_R = wall_R.astype("datetime64[D]").astype("datetime64[us]")
    clock_R = wall_R - date_R
    clocks, counts = np.unique(clock_R, return_counts=True)
    if len(clocks) == 1:
        return wall_R
    usual_R = date_R + clocks[counts.argmax()]
    return np.asarray(np.where(to_utc(usual_R, zone) == times_R, usual_R, wall_R))


def _tell_off_grid(
    problems: Problems,
    on_R: np.ndarray,
    times_R: np.ndarray,
    series_R: np.ndarray,
    row_R: np.ndarray,
    ids: tuple[str, ...],
    frequency: Frequency,
) -> None:
    off = np.flatnonzero(~on_R)[:_SHOWN]
    labels = [str(times_R[r]).removesuffix(".000000").replace("T", " ").removesuffix(" 00:00:00") for r in off]
    where = [f"series {ids[series_R[r]]!r} (row {row_R[r]}{problems.of_file})" for r in off]
    problems.off_grid(~on_R, labels, where, len(on_R), frequency)


def _tell_gaps(problems: Problems, found: _Found) -> None:
    frequency, rows = found.frequency, found.rows
    gaps = np.flatnonzero(found.step_R > 1)
    if not len(gaps):
        return
    closed, shut_N7 = "", np.zeros((len(rows.ids), 7), bool)
    if frequency == Frequency("fixed", DAY, timezone=frequency.timezone):
        closed, shut_N7 = closed_days(found.stored_R, rows.series_R, found.first, found.length, rows.ids)
    open_gaps = [r for r in gaps if not closed or not _only_closed(found, int(r), shut_N7)]
    told = []
    for r in open_gaps[:_SHOWN]:
        absent = int(found.step_R[r]) - 1
        begin = frequency.label(frequency.advance(found.stored_R[r - 1 : r], 1)[0])
        end = frequency.label(frequency.advance(found.stored_R[r - 1 : r], absent)[0])
        span = begin if absent == 1 else f"{begin} to {end}"
        words = f"{absent:,} {frequency.plural(absent)}"
        told.append(f"series {rows.ids[rows.series_R[r]]!r} has no row for {span} ({words})")
    series = len(np.unique(rows.series_R[gaps]))
    problems.gaps(closed, told, len(gaps), int((found.step_R[gaps] - 1).sum()), series)


def _only_closed(found: _Found, r: int, shut_N7: np.ndarray) -> bool:
    """Whether all days of a gap are weekdays on which its series is closed."""
    days = found.stored_R[r - 1].astype("datetime64[D]").astype(np.int64) + np.arange(1, found.step_R[r])
    return bool(shut_N7[found.rows.series_R[r], (days + 3) % 7].all())


def _filled(grid: Grid, index_R: np.ndarray, series_R: np.ndarray) -> Grid:
    length = index_R[grid.first + grid.length - 1] + 1
    first = np.cumsum(length) - length
    source_R = np.full(int(length.sum()), -1)
    source_R[first[series_R] + index_R] = np.arange(len(series_R)) if grid.source_R is None else grid.source_R
    return replace(grid, source_R=source_R, first=first, length=length)
