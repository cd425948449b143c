"""Statistical rivals: AutoETS, AutoTheta, AutoARIMA, MSTL and the dynamic optimised Theta, through ``statsforecast``.

The library is an extra: ``pip install 'gatecast[rivals]'``. Nothing of it is imported before a rival is fitted. Every
window is fitted anew on its own history, as these methods are meant to be used; what follows an origin is never handed
over. The arguments are those of the naive forecasts (see ``baselines``).

A history may have gaps, the methods may not: missing values before the first observation are cut off, those between two
observations are interpolated linearly, and where the last values before the origin are missing, the forecast starts at
the last observation and runs over that gap too.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatecast.errors import ConfigError, did_you_mean
from gatecast.nn.threads import cores
from gatecast.statistical.naive import checked
from gatecast.statistical.rival_fits import MOST_ETS_SEASON, Fitted, Setup, Task
from gatecast.statistical.rival_workers import fits_in_processes

__all__ = [
    "RIVALS",
    "Rival",
    "Worthwhile",
    "require_rivals",
    "rival_forecasts",
    "rivals_installed",
    "worthwhile",
    "worthwhile_at",
]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

RIVALS: Mapping[str, str] = MappingProxyType(
    {
        "auto_ets": "AutoETS",
        "auto_theta": "AutoTheta",
        "auto_arima": "AutoARIMA",
        "mstl": "MSTL",
        "optimized_theta": "DynamicOptimizedTheta",
    }
)
"""Name -> what people read for it."""

INSTALL = "the statistical rivals need statsforecast: pip install 'gatecast[rivals]'."

_BY_DEFAULT = ("auto_ets", "auto_theta", "mstl", "auto_arima")  # first come, first kept where time is short
_LIMIT = 60.0  # seconds on one core
_START = 3.0  # seconds in which a process starts and imports the library


@dataclass(frozen=True, eq=False)
class Rival:
    """What one rival forecast.

    Args:
        point_BHC: (B, H, C) point forecasts; nan where a history has no observation at all.
        quantiles_BHCQ: (B, H, C, Q) quantile forecasts, in the order of the levels asked for; None where none were.
        seconds: time of all its fits, added up over processes.
        fallbacks: in how many of the B x C histories the model could not be fitted, and the seasonal naive forecast
            (the naive one where there are less than two seasons) stands in its place.
        problem: what the model said the first time; "" where there was no fallback.
    """

    point_BHC: Floats
    quantiles_BHCQ: Floats | None
    seconds: float
    fallbacks: int = 0
    problem: str = ""


class Worthwhile(NamedTuple):
    """The rivals that a command should fit unasked, and a sentence on those left out ("" where there are none)."""

    names: tuple[str, ...]
    note: str


def rivals_installed() -> bool:
    """Whether ``statsforecast`` is there; it is not imported."""
    return importlib.util.find_spec("statsforecast") is not None


def require_rivals(names: Sequence[str]) -> None:
    """Raise ConfigError for a name that is unknown, or where the library is missing."""
    if names:
        _check(names, (), (1,), None)


def rival_forecasts(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int | Sequence[int] = 1,
    names: Sequence[str] = _BY_DEFAULT,
    quantiles: Sequence[float] = (),
    *,
    on_progress: Callable[[int, int], None] | None = None,
    processes: int | None = None,
    workers: int | None = None,
) -> dict[str, Rival]:
    """Fit rivals to every window and forecast.

    AutoETS, AutoARIMA: Hyndman & Khandakar (2008). AutoTheta, DynamicOptimizedTheta: Fiorucci et al. (2016). MSTL:
    Bandara, Hyndman & Bergmeir (2021), with a non-seasonal ETS for the trend. Intervals are the library's own.

    Args:
        values_RC: (R, C) flat buffer of all series; NaN = missing.
        first_B: (B,) the first row of the series of each window.
        origin_B: (B,) its last row that may be used.
        horizon: H, steps ahead.
        season: the seasonal period, 1 for none. Of several, MSTL models all and the others take the shortest. AutoETS
            knows none above 24 and then forecasts without one. AutoARIMA becomes slow above 24: minutes for a fit.
        names: which rivals, of ``RIVALS``. "mstl" is left out where there is no season.
        quantiles: levels between 0 and 1. 0.5 is the point forecast, any other one the end of the central interval of
            the level that ends there. They are put in order at every point, so none cross.
        on_progress: called with fits done and fits to do.
        processes: how many work side by side; None = as many as there are workers and the work is worth. The forecasts
            do not depend on it.
        workers: processes at most; None = one for each core.

    Returns:
        Name -> forecasts, in the order of ``names``.

    Raises:
        ConfigError: statsforecast is not installed, or a name, a level, the season or the processes are impossible.
        InputError: rows, horizon or season do not fit, as with the naive forecasts.
        GatecastError: a worker process ended early.
    """
    seasons = (season,) if isinstance(season, int | np.integer) else tuple(sorted(season))
    _check(names, quantiles, seasons, processes)
    x_RC, first, origin = checked(values_RC, first_B, origin_B, horizon, seasons[0])
    wanted = [name for name in dict.fromkeys(names) if name != "mstl" or seasons[0] > 1]
    setup = Setup(int(horizon), _levels(quantiles), tuple(int(m) for m in seasons))
    places, tasks = _tasks(x_RC, first, origin, wanted)
    if processes is None:
        work = sum(_seconds(task.name, len(task.history), setup.seasons[0]) for task in tasks)
        processes = max(1, min(workers or cores(), int(work / _START)))
    found: list[Fitted | None] = [None] * len(tasks)
    for done, (number, fitted) in enumerate(fits_in_processes(setup, tasks, min(processes, len(tasks))), start=1):
        found[number] = fitted
        if on_progress is not None:
            on_progress(done, len(tasks))
    fitted_of = {
        name: {place: f for (key, place), f in zip(places, found, strict=True) if key == name and f is not None}
        for name in wanted
    }
    shape = (len(origin), setup.horizon, x_RC.shape[1])
    return {name: _rival(fitted_of[name], shape, setup, quantiles) for name in wanted}


def worthwhile(windows: int, season: int = 1, *, length: int | None = None) -> Worthwhile:
    """Choose the rivals that fit within about a minute on one core.

    Times are rough ones, measured on one core of a server; they grow with the history and with the season.

    Args:
        windows: number of fits per rival: windows times target columns.
        season: the seasonal period, 1 for none.
        length: rows of a usual history; 12 seasons and at least 100 where it is not known.

    Returns:
        Names and a note; no names where statsforecast is not installed.

    >>> worthwhile(100_000, 12).names
    ()
    """
    if not rivals_installed():
        return Worthwhile((), "No statistical rivals: " + INSTALL)
    rows = length or max(100, 12 * season)
    cost = {name: windows * _seconds(name, rows, season) for name in _BY_DEFAULT if name != "mstl" or season > 1}
    kept, spent = [], 0.0
    for name, seconds in cost.items():
        if spent + seconds <= _LIMIT:
            kept.append(name)
            spent += seconds
    missing = [f"{RIVALS[name]} (about {_duration(seconds)})" for name, seconds in cost.items() if name not in kept]
    if not missing:
        return Worthwhile(tuple(kept), "")
    return Worthwhile(tuple(kept), f"Left out for their time: {', '.join(missing)}. Name them to have them fitted.")


def worthwhile_at(first_B: ArrayLike, origin_B: ArrayLike, targets: int, season: int) -> Worthwhile:
    """As ``worthwhile``, for windows that begin and end at these rows."""
    rows_B = np.asarray(origin_B) - np.asarray(first_B) + 1
    return worthwhile(len(rows_B) * targets, season, length=int(np.median(rows_B)))


# ---------------------------------------------------------------- what to fit


def _check(names: Sequence[str], quantiles: Sequence[float], seasons: tuple[int, ...], processes: int | None) -> None:
    unknown = [f"{name!r}{did_you_mean(name, RIVALS)}" for name in names if name not in RIVALS]
    if unknown:
        raise ConfigError(f"no such rival: {', '.join(unknown)}. There are {', '.join(RIVALS)}.")
    outside = [q for q in quantiles if not 0 < q < 1]
    if outside:
        raise ConfigError(f"the quantile level {outside[0]} is not between 0 and 1.")
    if not seasons or min(seasons) < 1:
        raise ConfigError(f"season is {list(seasons)}; at least 1 is needed.")
    if processes is not None and processes < 1:
        raise ConfigError(f"processes is {processes}; at least 1 is needed.")
    if not rivals_installed():
        raise ConfigError(INSTALL)


def _level(quantile: float) -> float:
    """The central interval, in percent, that has an end at a quantile; rounded, so that both ends name the same one."""
    return round(100 * abs(1 - 2 * quantile), 9)


def _levels(quantiles: Sequence[float]) -> tuple[float, ...]:
    return tuple(sorted({_level(q) for q in quantiles if q != 0.5}))


def _tasks(
    x_RC: Floats, first: Rows, origin: Rows, names: Sequence[str]
) -> tuple[list[tuple[str, tuple[int, int]]], list[Task]]:
    """One task per name, window and column with an observation, and (name, (window, column)) of each.

    All windows of one name, then those of the next: dealt out in turn, they make shares of equal work.
    """
    histories = {
        (b, c): _without_gaps(x_RC[begin : end + 1, c])
        for b, (begin, end) in enumerate(zip(first, origin, strict=True))
        for c in range(x_RC.shape[1])
    }
    places = [(name, place) for name in names for place, (history, _) in histories.items() if len(history)]
    return places, [Task(name, *histories[place]) for name, place in places]


def _without_gaps(y_T: Floats) -> tuple[Floats, int]:
    """From the first to the last observation, interpolated between; and the missing steps behind the last."""
    known = np.flatnonzero(np.isfinite(y_T))
    if not len(known):
        return y_T[:0], 0
    rows = np.arange(known[0], known[-1] + 1)
    return np.interp(rows, known, y_T[known]), len(y_T) - 1 - int(known[-1])


# ---------------------------------------------------------------- what came of it


def _rival(
    fitted: Mapping[tuple[int, int], Fitted], shape: tuple[int, int, int], setup: Setup, quantiles: Sequence[float]
) -> Rival:
    columns = [0 if q == 0.5 else 1 + 2 * setup.levels.index(_level(q)) + (q > 0.5) for q in quantiles]
    point_BHC, quantiles_BHCQ = np.full(shape, np.nan), np.full((*shape, len(columns)), np.nan)
    for (b, c), one in fitted.items():
        point_BHC[b, :, c] = one.values[:, 0]
        quantiles_BHCQ[b, :, c] = one.values[:, columns]
    # Simulated ends may lie on the wrong side of the point, a negative seasonal factor turns an interval round.
    order = np.argsort(quantiles, kind="stable")
    quantiles_BHCQ[..., order] = np.sort(quantiles_BHCQ, axis=-1)
    problems = [one.problem for one in fitted.values() if one.problem]
    seconds = sum(one.seconds for one in fitted.values())
    return Rival(
        point_BHC, quantiles_BHCQ if columns else None, seconds, len(problems), problems[0] if problems else ""
    )


# ---------------------------------------------------------------- what it costs


def _seconds(name: str, length: int, season: int) -> float:
    """Rough time of one fit on one core."""
    if name == "auto_ets":
        return 1e-4 * length * (1 + (season if 1 < season <= MOST_ETS_SEASON else 0) / 1.6)
    if name == "auto_arima":
        return 3e-3 * length * max(1.0, season / 12) ** 3
    if name == "mstl":
        return 2e-4 * length
    return (1.0 if name == "auto_theta" else 0.4) * (1e-2 + 5e-7 * length**2)


def _duration(seconds: float) -> str:
    """Round seconds for people.

    >>> _duration(75), _duration(10_000)
    ('75 s', '2.8 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
