"""The step of irregular times, where one is clear: what they are resampled to unless the user names it."""

from __future__ import annotations

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.frequency_names import DAY, HOUR, MINUTE, SECOND, WEEK
from gatecast.data.tables.infer import works_on_weekdays
from gatecast.errors import PanelError, Setting

__all__ = ["clear_frequency"]

_MONTH = 365.2425 * DAY / 12
_USUAL = (
    *((count * SECOND, Frequency("fixed", count * SECOND)) for count in (1, 2, 5, 10, 15, 20, 30)),
    *((count * MINUTE, Frequency("fixed", count * MINUTE)) for count in (1, 2, 3, 5, 10, 15, 20, 30)),
    *((count * HOUR, Frequency("fixed", count * HOUR)) for count in (1, 2, 3, 4, 6, 8, 12)),
    *((size, Frequency("fixed", size)) for size in (DAY, WEEK)),
    *((count * _MONTH, Frequency("month", count)) for count in (1, 3, 6, 12)),
)
_CLOSE = 0.02  # from the median to a usual step: a month of 31 days and one of 30 are months
_NEAR = 0.25  # from a row's step to the median
_MOSTLY = 0.75  # share of the steps that have to be near it

_REMEDY = (
    "Pass ",
    Setting("frequency", of="read"),
    " with the step to resample to, such as ",
    Setting("frequency", "h", of="read"),
    " or ",
    Setting("frequency", "D", of="read"),
    ".",
)


def clear_frequency(times_R: np.ndarray, first_N: np.ndarray, length_N: np.ndarray, ids: tuple[str, ...]) -> Frequency:
    """The usual step (second, 5 minutes, hour, day, business day, week, month, ...) next to the median step.

    It is clear where three steps of four lie within a quarter of the median, and the series' own medians do so too.
    A step that is not a usual one has to be that of three rows of four exactly.

    Args:
        times_R: (R,) int64 or datetime64[us] wall times, sorted within each series.
        first_N: (N,) first row of each series; the series lie one after the other.
        length_N: (N,) rows of each series.
        ids: N names.

    Raises:
        PanelError: no step is clear.
    """
    series_R = np.repeat(np.arange(len(length_N)), length_N)
    step_R = np.diff(times_R.view(np.int64), prepend=0)
    step_R[first_N] = 0
    moved_R = step_R > 0
    if not moved_R.any():
        raise PanelError("no series has two different times, so the frequency is unknown. ", _REMEDY)
    steps, series = step_R[moved_R], series_R[moved_R]
    low, middle, high = (int(np.partition(steps, k)[k]) for k in (len(steps) * q // 4 for q in (1, 2, 3)))
    dated = times_R.dtype.kind == "M"
    near = np.abs(steps - middle) <= _NEAR * middle
    found = Frequency("fixed" if dated else "step", middle)
    usual = [kind for size, kind in _USUAL if dated and abs(middle / size - 1) <= _CLOSE]
    if near.mean() < _MOSTLY or not (usual or (steps == middle).mean() >= _MOSTLY):
        raise PanelError(f"no step between the times is clear ({_spread(low, high, dated)}). ", _REMEDY)
    _require_agreement(steps, series, middle, dated, ids)
    found = usual[0] if usual else found
    return Frequency("business") if works_on_weekdays(found, times_R, series_R) else found


def _require_agreement(steps: np.ndarray, series: np.ndarray, middle: int, dated: bool, ids: tuple[str, ...]) -> None:
    """Raise PanelError where the median step of a series is far from that of all."""
    order = np.lexsort((steps, series))
    there, first, count = np.unique(series[order], return_index=True, return_counts=True)
    own = steps[order][first + count // 2]
    far = np.flatnonzero((np.abs(own - middle) > _NEAR * middle) & (count > 2))
    if len(far):
        told = f"{_words(middle, dated)} over all, {_words(int(own[far[0]]), dated)} in {ids[there[far[0]]]!r}"
        raise PanelError(f"no step between the times is clear for all series ({told}). ", _REMEDY)


def _spread(low: int, high: int, dated: bool) -> str:
    if low == high:
        return f"the usual one is {_words(low, dated)}"
    return f"half of them lie between {_words(low, dated)} and {_words(high, dated)}"


def _words(step: int, dated: bool) -> str:
    """A length of time to about three digits.

    >>> _words(90 * 60 * 1_000_000, True)
    '1.5 hours'
    """
    if not dated:
        return f"{step:,}"
    for size, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")):
        if step >= size:
            return f"{step / size:.3g} {word}{'' if step == size else 's'}"
    return f"{step:,} microseconds"
