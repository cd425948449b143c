"""The answer in words: what comes in all, how sure that is, and how it compares with the year before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gatecast.evaluation.layout import percent
from gatecast.forecasts.digits import digits_of
from gatecast.report.forecasts.totals import COVERAGE

if TYPE_CHECKING:
    from gatecast.forecasts.forecast import Forecast
    from gatecast.report.forecasts.shown import Shown
    from gatecast.report.forecasts.totals import Totals

__all__ = ["change", "of_all", "of_series", "span_of"]

NEAR = 0.005  # a smaller change is called none
NOTHING = 0.01  # a smaller share is called nothing


def of_series(shown: Shown, sums: Totals, k: int, c: int) -> str:
    """The answer for one of the series shown."""
    made, n = shown.forecast, int(shown.place_K[k])
    digits = digits_of(made.values_NHCQ[k, :, c].astype(np.float64))
    now, before = float(sums.now_NC[n, c]), float(sums.before_NC[n, c])
    said = [_first(made, sums, c, now, before, digits, made.targets[c] if shown.whole == 1 else _name(made, k, c))]
    low, high = float(sums.low_KC[k, c]), float(sums.high_KC[k, c])
    if math.isfinite(low):
        what = "total" if sums.summed_C[c] else "average"
        said.append(
            f"With a probability of {percent(COVERAGE)} the {what} lies between {low:,.{digits}f} and "
            f"{high:,.{digits}f}, going by simulated futures."
        )
        if not low <= now <= high:
            said.append(
                f"The {what} of the single forecasts lies outside: each is the middle of what may come, and large "
                "values are rare here. Plan with the interval."
            )
    return " ".join(said)


def of_all(made: Forecast, sums: Totals, c: int) -> str:
    """The answer for all series together; "" where their sum says nothing."""
    if not sums.summed_C[c] or len(made) < 2:
        return ""
    told_N = np.isfinite(sums.before_NC[:, c])
    now = float(sums.now_NC[:, c].sum())
    digits = digits_of(np.array([now / made.horizon]))
    if told_N.all():
        return _first(made, sums, c, now, float(sums.before_NC[:, c].sum()), digits, _all(made, c))
    said = _first(made, sums, c, now, math.nan, digits, _all(made, c))
    if not told_N.any():
        return said
    part, then = float(sums.now_NC[told_N, c].sum()), float(sums.before_NC[told_N, c].sum())
    return (
        f"{said} The {int(told_N.sum()):,} series with values {sums.earlier} come to {part:,.{digits}f}: "
        f"{change(part, then, digits)}."
    )


def span_of(made: Forecast) -> str:
    """The steps of the horizon in words, with their first and last time."""
    unit, when = made.frequency.plural(made.horizon), _when(made)
    ahead = f"the next {made.horizon:,} {unit}" if made.horizon > 1 else f"the next {unit}"
    return f"{ahead}, {when[0].lower()}{when[1:]}" if when else f"{ahead} of each series"


def change(now: float, before: float, digits: int) -> str:
    """A comparison in words.

    >>> change(110, 100, 0), change(99.9, 100, 0), change(3, 0, 0)
    ('10 % more than 100', 'about the same as 100', '3 more than 0')
    """
    then = f"{before:,.{digits}f}"
    if f"{now:,.{digits}f}" == then or (before and abs(now - before) < NEAR * abs(before)):
        return f"about the same as {then}"
    word = "more" if now > before else "less"
    if before <= 0:
        return f"{abs(now - before):,.{digits}f} {word} than {then}"
    if now < NOTHING * before:
        return f"next to nothing beside {then}"
    if now > 2 * before:
        return f"{now / before:,.1f} times as much as {then}"
    return f"{percent(abs(now / before - 1))} {word} than {then}"


# ---------------------------------------------------------------- inside


def _first(made: Forecast, sums: Totals, c: int, now: float, before: float, digits: int, who: str) -> str:
    """What comes, beside what was; then when, and how much a step."""
    what = " in all" if sums.summed_C[c] else " on average"
    unit = made.frequency.plural(made.horizon)
    ahead = f"{made.horizon:,} {unit}" if made.horizon > 1 else unit
    said = f"{who}: {now:,.{digits}f}{what if made.horizon > 1 else ''} over the next {ahead}"
    if math.isfinite(before):
        said += f", {change(now, before, digits)} {sums.earlier}"
    when = _when(made)
    if sums.summed_C[c] and _single(made):
        name = f"an {made.frequency.name}" if made.frequency.name == "hour" else f"a {made.frequency.name}"
        mean = f"{now / made.horizon:,.{digits}f} {name} on average"
        return f"{said}. {f'{when}: {mean}' if when else mean}."
    return f"{said}. {when}." if when else f"{said}."


def _when(made: Forecast) -> str:
    """First and last time of the horizon; "" where the series end at different times."""
    times = made.times
    if len(np.unique(times[:, 0])) > 1:
        return ""
    first, last = made.axes.time_label(times[0, 0]), made.axes.time_label(times[0, -1])
    return f"From {first} to {last}" if first != last else f"That is {first}"


def _single(made: Forecast) -> bool:
    """Whether a mean per step is of use: several steps, of a plain length."""
    return made.horizon > 1 and " " not in made.frequency.name


def _name(made: Forecast, k: int, c: int) -> str:
    return f"{made.ids[k]} · {made.targets[c]}" if len(made.targets) > 1 else made.ids[k]


def _all(made: Forecast, c: int) -> str:
    return f"{made.targets[c]}, {len(made):,} series together"
