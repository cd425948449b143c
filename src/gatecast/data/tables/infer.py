"""Find the frequency of a panel from the times of all its series together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.frequency_names import DAY
from gatecast.errors import PanelError, Setting, listed

__all__ = ["infer_frequency", "with_month_end", "works_on_weekdays"]

# A series is monthly when this share of its rows lies on one day of the month: a few wrong dates must not hide it.
_MOSTLY = 0.8

# Rows that are looked at to find a frequency, of all series together; at least 64 of each.
_ENOUGH = 2_000_000


@dataclass(frozen=True)
class _Rows:
    """Times of all series, sorted, with the series of every row."""

    times_R: np.ndarray
    series_R: np.ndarray
    N: int

    def keep(self, chosen_N: np.ndarray) -> _Rows:
        chosen_R = chosen_N[self.series_R]
        return _Rows(self.times_R[chosen_R], self.series_R[chosen_R], self.N)

    def share(self, true_R: np.ndarray) -> np.ndarray:
        """(N,) share of the rows of each series where something holds; nan without rows."""
        rows_N = np.bincount(self.series_R, minlength=self.N)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.bincount(self.series_R, weights=true_R, minlength=self.N) / rows_N)


def infer_frequency(
    times_R: np.ndarray, first_N: np.ndarray, length_N: np.ndarray, ids: tuple[str, ...] | None = None
) -> Frequency:
    """Find the step between two rows: the commonest difference of each series, which must agree between series.

    Rows that are missing, doubled or off the grid do not mislead it, unless they are most of the rows.

    Args:
        times_R: (R,) int64 or datetime64[us], sorted within each series.
        first_N: (N,) first row of each series; the series lie one after the other.
        length_N: (N,) rows of each series.
        ids: names for the message; by default their numbers.

    Returns:
        A frequency without time zone.

    Raises:
        PanelError: no series has two different times, or the series have different frequencies.
    """
    names = ids or tuple(str(n) for n in range(len(first_N)))
    rows = _leading_rows(times_R, first_N, length_N)
    step_N, count_N = _commonest_steps(rows)
    if not (step_N > 0).any():
        told = "no series has two different times, so the frequency is unknown. Pass "
        raise PanelError(told, Setting("frequency", of="read"), ", e.g. 'D'.")
    if times_R.dtype.kind != "M":
        return _agreed([Frequency("step", max(int(s), 1)) for s in step_N], step_N, count_N, names)
    kinds = [Frequency("fixed", max(int(step), 1)) for step in step_N]
    for n, kind in _monthly(rows, step_N).items():
        kinds[n] = kind
    found = _agreed(kinds, step_N, count_N, names)
    weekdays = works_on_weekdays(found, rows.times_R, rows.series_R) and _only_weekdays(times_R)
    return Frequency("business") if weekdays else found


def works_on_weekdays(found: Frequency, times_R: np.ndarray, series_R: np.ndarray) -> bool:
    """Whether days are business days: none lies on a weekend, and some series goes from a Friday to the next Monday."""
    if found != Frequency("fixed", DAY) or not _only_weekdays(times_R):
        return False
    return _steps_over_weekend(times_R, series_R)


def _leading_rows(times_R: np.ndarray, first_N: np.ndarray, length_N: np.ndarray) -> _Rows:
    """The first rows of each series: enough to know the step, which the reader then checks on every row."""
    N = len(first_N)
    if len(times_R) <= _ENOUGH:
        return _Rows(times_R, np.repeat(np.arange(N), length_N), N)
    head_N = np.minimum(length_N, max(64, _ENOUGH // N))
    series_R = np.repeat(np.arange(N), head_N)
    step_R = np.arange(len(series_R)) - np.repeat(np.cumsum(head_N) - head_N, head_N)
    return _Rows(times_R[first_N[series_R] + step_R], series_R, N)


def _commonest_steps(rows: _Rows) -> tuple[np.ndarray, np.ndarray]:
    """(N,) commonest positive difference of each series (0: none) and (N,) how often it occurs."""
    same_R = rows.series_R[1:] == rows.series_R[:-1]
    step_R = np.diff(rows.times_R.view(np.int64))
    used_R = same_R & (step_R > 0)
    return _commonest(step_R[used_R], rows.series_R[1:][used_R], rows.N)


def _commonest(value_R: np.ndarray, series_R: np.ndarray, N: int) -> tuple[np.ndarray, np.ndarray]:
    """(N,) commonest value of each series, the smallest of equals, and (N,) its count; 0 without rows."""
    best_N, count_N = np.zeros(N, np.int64), np.zeros(N, np.int64)
    if not len(value_R):
        return best_N, count_N
    if (value_R == value_R[0]).all():
        count_N = np.bincount(series_R, minlength=N)
        return np.where(count_N > 0, value_R[0], 0), count_N
    import polars as pl

    pairs = pl.DataFrame({"series": series_R, "value": value_R}).group_by("series", "value").len()
    pairs = pairs.sort("len", "value", descending=[False, True])  # the last write of each series wins below
    best_N[pairs["series"].to_numpy()] = pairs["value"].to_numpy()
    count_N[pairs["series"].to_numpy()] = pairs["len"].to_numpy()
    return best_N, count_N


def _monthly(rows: _Rows, step_N: np.ndarray) -> dict[int, Frequency]:
    """Frequencies of those series that keep a day of the month; the others are left out."""
    long_N = step_N >= 28 * DAY
    if not long_N.any():
        return {}
    rows = rows.keep(long_N)
    month_R = rows.times_R.astype("datetime64[M]")
    day_R = (rows.times_R.astype("datetime64[D]") - month_R.astype("datetime64[D]")).astype(np.int64) + 1
    last_R = ((month_R + 1).astype("datetime64[D]") - month_R.astype("datetime64[D]")).astype(np.int64)
    anchor_N = -_commonest(-day_R, rows.series_R, rows.N)[0]  # the largest of equals: 30 January, 28 February
    late_N = rows.share(day_R > 28) > 0
    end_N = (rows.share(day_R == last_R) >= _MOSTLY) & late_N
    kept_N = rows.share(day_R == np.minimum(anchor_N[rows.series_R], last_R)) >= _MOSTLY
    months_N, _ = _commonest_steps(_Rows(month_R.astype(np.int64), rows.series_R, rows.N))
    day_N = np.where(end_N, 31, np.where(anchor_N > 28, anchor_N, 0))
    found = np.flatnonzero(long_N & (end_N | kept_N) & (months_N > 0))
    return {int(n): Frequency("month", int(months_N[n]), int(day_N[n])) for n in found}


def _steps_over_weekend(times_R: np.ndarray, series_R: np.ndarray) -> bool:
    """Some series goes from a Friday to the next Monday."""
    step_R = np.diff(times_R.astype("datetime64[D]").astype(np.int64))
    friday_R = (_weekday(times_R[:-1]) == 4) & (series_R[1:] == series_R[:-1])
    return bool(((step_R == 3) & friday_R).any())


def _only_weekdays(times_R: np.ndarray) -> bool:
    return bool((_weekday(times_R) < 5).all())


def _weekday(times_R: np.ndarray) -> np.ndarray:
    """0 = Monday."""
    return np.asarray((times_R.astype("datetime64[D]").astype(np.int64) + 3) % 7)


def _agreed(kinds: list[Frequency], step_N: np.ndarray, count_N: np.ndarray, ids: tuple[str, ...]) -> Frequency:
    """The one frequency of all series. Series whose commonest step occurs once only follow the others."""
    known_N = count_N > 1 if (count_N > 1).any() else step_N > 0
    groups: dict[Frequency, list[int]] = {}
    for n in np.flatnonzero(known_N):
        groups.setdefault(kinds[n], []).append(int(n))
    most = sorted(groups, key=lambda kind: -len(groups[kind]))
    if len(most) > 1 and count_N.max() > 1:
        told = [f"{_in_words(kind)} in {len(groups[kind]):,} series (e.g. {ids[groups[kind][0]]!r})" for kind in most]
        raise PanelError(
            f"the series have different frequencies: {listed(told)}. "
            "Read them one kind at a time, or bring them to one step with ",
            Setting("frequency", of="read"),
            " and ",
            Setting("resample", of="read"),
            ".",
        )
    return most[0]


def _in_words(kind: Frequency) -> str:
    anchor = {0: "", 31: " (last day)"}.get(kind.day, f" (day {kind.day})")
    return f"one row per {kind.name}{anchor}" if kind.unit != "step" else f"a row every {kind.plural(kind.count)}"


def with_month_end(frequency: Frequency, times_R: np.ndarray) -> Frequency:
    """Let a monthly frequency that a user named follow the month's last day, where all times do.

    "month" alone keeps the day of the start, which would turn 28 February into 28 March.
    """
    if frequency.unit != "month" or frequency.day or not len(times_R):
        return frequency
    date_R = times_R.astype("datetime64[D]")
    ends = (date_R + 1).astype("datetime64[M]") > date_R.astype("datetime64[M]")
    late = (date_R - date_R.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) >= 28
    if not (ends.all() and late.any()):
        return frequency
    return Frequency("month", frequency.count, 31, frequency.timezone)
