"""A grid of exponential smoothings, for many series at once: what each expects, and how far off it was so far.

    e_t      = u_t - level_(t-1) - season_(t-m)          what the smoothing did not expect
    level_t  = level_(t-1)  + max(alpha, 1 / (t + 2)) e_t
    season_t = season_(t-m) + (1 - alpha) max(gamma, 1 / (seasons seen + 1)) e_t       (the newest of its place)
    forecast = level_t + season_(t+h-m) + d slope_t (steps_h - 1 + 1 / alpha)

Additive smoothing (Winters 1960, in the error-correction form of Hyndman et al. 2008); of logarithms it is
multiplicative. The first season gives the start, and the early gains make averages of what there is. There are two
trends, of each a part d; 1 / alpha steps make up for the lag of the level:

long     slope of a line through all values so far, steps_h = h: the Theta method (Assimakopoulos & Nikolopoulos 2000)
         as Hyndman & Billah (2003) write it
recent   smoothed step (Holt 1957), steps_h = phi + phi^2 + .. + phi^h: damped (Gardner & McKenzie 1985)

Everything at step t is made of steps 0..t, one after the other and each series for itself. So neither later steps nor
other series can change a bit of it; that is also why no sum here is left to ``np.sum``, whose order depends on shapes.

Shapes: T steps since the start of the window, S series windows, E smoothings (alpha, gamma), D trends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALPHAS", "GAMMAS", "TRENDS", "Grid", "errors_so_far", "forecasts_at", "grid_of", "smoothings"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

ALPHAS = (0.1, 0.2, 0.4, 0.7, 0.95)
GAMMAS = (0.2, 0.5)
LONG, RECENT = 0, 1
TRENDS = ((LONG, 0.0), (LONG, 0.25), (LONG, 0.5), (LONG, 0.75), (RECENT, 0.5), (RECENT, 1.0))
"""(slope, part of it)."""
RECENT_GAIN, PHI = 0.1, 0.95

# A forecast from logarithms stays below e^10 times the highest value so far, and exp() is finite.
_RISE, _LARGEST = 10.0, 700.0


@dataclass(frozen=True)
class Grid:
    """All smoothings of one chunk, in one unit.

    Args:
        season: m; 1 = levels alone.
        alpha_E: gain of the level of each smoothing.
        level_ETS: level known at each step.
        season_ETS: season of each step's own place in the cycle, known from that step on (in the first season from its
            end on); None without a season.
        slope_2TS: both slopes at each step.
        ceiling_TS: the highest logarithm that a forecast may have; None in the data's own unit.
        unit_S: what the logarithms are relative to; None in the data's own unit.
    """

    season: int
    alpha_E: Floats
    level_ETS: Floats
    season_ETS: Floats | None
    slope_2TS: Floats
    ceiling_TS: Floats | None
    unit_S: Floats | None

    @property
    def experts(self) -> int:
        """Smoothings, each with every trend."""
        return len(self.alpha_E) * len(TRENDS)


def smoothings(season: int) -> list[tuple[float, float]]:
    """List (alpha, gamma) of all smoothings; gamma is 0 without a season.

    >>> len(smoothings(12)), smoothings(1)[0]
    (10, (0.1, 0.0))
    """
    return [(alpha, gamma) for alpha in ALPHAS for gamma in (GAMMAS if season > 1 else (0.0,))]


def grid_of(y_TS: Floats, season: int, *, logs: bool) -> Grid:
    """Smooth all series.

    Args:
        y_TS: (T, S) values, all present.
        season: m; T is at least m.
        logs: smooth the logarithms, relative to the first value. From a value <= 0 on the result means nothing, but
            it is finite.
    """
    u_TS = y_TS
    ceiling_TS, unit_S = None, None
    if logs:
        log_TS = np.log(np.where(y_TS > 0, y_TS, 1.0))
        unit_S = np.where(y_TS[0] > 0, y_TS[0], 1.0)
        u_TS = log_TS - log_TS[0]
        ceiling_TS = np.minimum(np.maximum.accumulate(u_TS, axis=0) + _RISE, _LARGEST)
    alpha_E, gamma_E = np.array(smoothings(season)).T
    level_ETS, season_ETS = _smoothed(u_TS, season, alpha_E[:, None], gamma_E[:, None])
    slope_2TS = np.stack([_slope(u_TS), _recent_slope(u_TS)])
    return Grid(season, alpha_E, level_ETS, season_ETS, slope_2TS, ceiling_TS, unit_S)


def _smoothed(u_TS: Floats, season: int, alpha_E1: Floats, gamma_E1: Floats) -> tuple[Floats, Floats | None]:
    """Run the recursion: one step for all smoothings and series at a time."""
    shape = (len(alpha_E1), *u_TS.shape)
    level_ETS = np.empty(shape)
    season_ETS = np.zeros(shape) if season > 1 else None
    level_ES = np.zeros((shape[0], shape[2]))
    for t, u_S in enumerate(u_TS):
        error_ES = u_S - level_ES
        if t < season:
            level_ES = level_ES + error_ES / (t + 1)
        else:
            if season_ETS is not None:
                error_ES -= season_ETS[:, t - season]
                gain_E1 = (1 - alpha_E1) * np.maximum(gamma_E1, 1 / (t // season + 1))
                season_ETS[:, t] = season_ETS[:, t - season] + gain_E1 * error_ES
            level_ES = level_ES + np.maximum(alpha_E1, 1 / (t + 2)) * error_ES
        level_ETS[:, t] = level_ES
        if season_ETS is not None and t + 1 == season:
            season_ETS[:, :season] = u_TS[:season] - level_ES[:, None]
    return level_ETS, season_ETS


def _slope(u_TS: Floats) -> Floats:
    """Least-squares slope of steps 0..t at every t, by running sums; 0 at the first step."""
    t_T1 = np.arange(len(u_TS), dtype=np.float64)[:, None]
    n = t_T1 + 1
    rise_TS = u_TS - u_TS[0]
    sum_TS = np.add.accumulate(rise_TS, axis=0)
    moment_TS = np.add.accumulate(rise_TS * t_T1, axis=0)
    return np.asarray((moment_TS - t_T1 / 2 * sum_TS) * (12 / np.maximum(n * (n * n - 1), 1)))


def _recent_slope(u_TS: Floats) -> Floats:
    """Smoothed step at every t; an average of all steps until there are 1 / gain of them. 0 at the first step."""
    slope_TS = np.zeros_like(u_TS)
    for t in range(1, len(u_TS)):
        before_S = slope_TS[t - 1]
        slope_TS[t] = before_S + max(RECENT_GAIN, 1 / t) * (u_TS[t] - u_TS[t - 1] - before_S)
    return slope_TS


def _ahead(slope: int, h: float | Floats, alpha: float) -> float | Floats:
    """How many times a slope is added to the level for the forecast of step h.

    >>> _ahead(LONG, 3, alpha=0.5), round(_ahead(RECENT, 2, alpha=0.5), 4)
    (4.0, 2.8525)
    """
    steps = h if slope == LONG else PHI * (1 - PHI**h) / (1 - PHI)
    return steps - 1 + 1 / alpha


def _in_data_unit(f: Floats, grid: Grid, ceiling: Floats | None, unit: Floats | None) -> Floats:
    """Turn forecasts into the data's unit; a new array only where they are logarithms."""
    if ceiling is None or unit is None:
        return f
    data = np.minimum(f, ceiling)
    np.exp(data, out=data)
    data *= unit
    return data


def errors_so_far(grid: Grid, y_TS: Floats, lags: Sequence[int], warm: int) -> Iterator[Floats]:
    """Add up the absolute errors of past forecasts, by the time at which they were known.

    Args:
        grid: smoothings of these values.
        y_TS: (T, S) values.
        lags: steps ahead that are judged.
        warm: the first step from which a forecast counts.

    Yields:
        For each smoothing (D, T, S): at t, the sum over all forecasts whose truth lies at a step <= t. The array is
        used again for the next smoothing.
    """
    total_DTS = np.empty((len(TRENDS), *y_TS.shape))
    for e in range(len(grid.alpha_E)):
        total_DTS[:] = 0.0
        for h in lags:
            end = len(y_TS) - h
            if end > warm:
                _add_errors(total_DTS[:, warm + h :], grid, e, h, slice(warm, end), y_TS[warm + h :])
        yield np.add.accumulate(total_DTS, axis=1, out=total_DTS)


def _add_errors(total_DTS: Floats, grid: Grid, e: int, h: int, at: slice, truth_TS: Floats) -> None:
    """Add the errors h steps ahead of one smoothing, with each trend, to the totals."""
    f_TS = grid.level_ETS[e, at].copy()
    if grid.season_ETS is not None:
        back = _same_place(h, grid.season)
        f_TS += grid.season_ETS[e, at.start + back : at.stop + back]
    ceiling_TS = None if grid.ceiling_TS is None else grid.ceiling_TS[at]
    error_TS = np.empty_like(f_TS)
    for d, (slope, part) in enumerate(TRENDS):
        np.multiply(grid.slope_2TS[slope, at], part * _ahead(slope, h, grid.alpha_E[e]), out=error_TS)
        error_TS += f_TS
        np.subtract(truth_TS, _in_data_unit(error_TS, grid, ceiling_TS, grid.unit_S), out=error_TS)
        total_DTS[d] += np.abs(error_TS, out=error_TS)


def _same_place(h: int, season: int) -> int:
    """Steps from the origin (0 or less) to the newest season of the place that lies h steps ahead."""
    return (h - 1) % season + 1 - season


def forecasts_at(grid: Grid, step_P: Rows, series_P: Rows, horizon: int) -> Iterator[Floats]:
    """Forecast from chosen steps of chosen series.

    Yields:
        (P, H) in the data's unit, for each smoothing with each trend, in the order of `errors_so_far`. To be read only.
    """
    ahead_H = np.arange(1.0, horizon + 1)
    place_PH = step_P[:, None] + 1 + np.arange(horizon) % grid.season - grid.season
    ceiling_P1 = None if grid.ceiling_TS is None else grid.ceiling_TS[step_P, series_P][:, None]
    unit_P1 = None if grid.unit_S is None else grid.unit_S[series_P][:, None]
    slope_2P1 = grid.slope_2TS[:, step_P, series_P, None]
    for e, alpha in enumerate(grid.alpha_E):
        base_PH = np.repeat(grid.level_ETS[e, step_P, series_P][:, None], horizon, axis=1)
        if grid.season_ETS is not None:
            base_PH += grid.season_ETS[e, place_PH, series_P[:, None]]
        for slope, part in TRENDS:
            trend_PH = slope_2P1[slope] * (part * _ahead(slope, ahead_H, alpha))
            yield _in_data_unit(base_PH + trend_PH, grid, ceiling_P1, unit_P1)
