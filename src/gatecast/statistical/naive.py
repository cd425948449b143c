"""Naive forecasts, for many origins at once.

    values_RC   first ........ origin | origin+1 .. origin+H
                     may be read      |      forecast

All have one signature, ``forecast(values_RC, first_B, origin_B, horizon, season, *, category_R=None)`` -> (B, H, C):

- values_RC: (R, C) flat buffer of all series; NaN = missing.
- first_B: (B,) the first row of the series that each origin belongs to.
- origin_B: (B,) the row of the last observation that may be used, ``first <= origin < R``.
- horizon: H, the number of steps to forecast; season: the seasonal period m in steps, 1 for none.
- category_R: labels of the rows, known in advance, up to the last target row; ``same_category`` alone reads it.

The result is float64, and nan only where the history of an origin has no observation at all. Nothing loops over
origins: a table of "the last row with an observation" is built once for the buffer and then read at every origin. It
may reach back into the series before; ``first`` then tells that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatecast.errors import CovariateError, InputError

__all__ = [
    "BASELINES",
    "TITLES",
    "Baseline",
    "baseline_forecasts",
    "checked",
    "drift",
    "mean",
    "naive",
    "same_category",
    "seasonal_naive",
]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Baseline = Callable[..., Floats]

_NONE = -1  # "no such row"


def naive(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int = 1,
    *,
    category_R: ArrayLike | None = None,
) -> Floats:
    """Repeat the last observed value.

    >>> naive([[1.0], [5.0], [9.0]], first_B=[0], origin_B=[1], horizon=2).ravel().tolist()
    [5.0, 5.0]
    """
    x_RC, first, origin = checked(values_RC, first_B, origin_B, horizon, season)
    last_BC = _last_observed(x_RC)[origin]
    return _take(x_RC, np.repeat(last_BC[:, None, :], horizon, axis=1), first)


def seasonal_naive(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int = 1,
    *,
    category_R: ArrayLike | None = None,
) -> Floats:
    """Repeat the last observed value of the same phase; where the phase was never observed, the last value.

    >>> seasonal_naive([[1.0], [5.0], [9.0]], first_B=[0], origin_B=[2], horizon=3, season=2).ravel().tolist()
    [5.0, 9.0, 5.0]
    """
    x_RC, first, origin = checked(values_RC, first_B, origin_B, horizon, season)
    last_RC = _last_observed_of_phase(x_RC, season)
    same_phase_BH = origin[:, None] + 1 + np.arange(horizon) % season - season
    rows_BHC = np.where(same_phase_BH[..., None] >= 0, last_RC[np.maximum(same_phase_BH, 0)], _NONE)
    return _or_last(rows_BHC, x_RC, first, origin)


def drift(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int = 1,
    *,
    category_R: ArrayLike | None = None,
) -> Floats:
    """Extend the line through the first and the last observed value (Hyndman & Athanasopoulos, FPP3, 5.2).

    With one observation it repeats that.

    >>> drift([[1.0], [5.0], [9.0]], first_B=[0], origin_B=[2], horizon=2).ravel().tolist()
    [13.0, 17.0]
    """
    x_RC, first, origin = checked(values_RC, first_B, origin_B, horizon, season)
    end_BC = _last_observed(x_RC)[origin]
    begin_BC = np.where(end_BC >= first[:, None], _next_observed(x_RC)[first], _NONE)
    y_end, y_begin = (_take(x_RC, rows[:, None, :], first) for rows in (end_BC, begin_BC))
    slope = (y_end - y_begin) / np.maximum(end_BC - begin_BC, 1)[:, None, :]
    ahead_BHC = origin[:, None, None] + 1 + np.arange(horizon)[:, None] - end_BC[:, None, :]
    return y_end + slope * ahead_BHC


def mean(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int = 1,
    *,
    category_R: ArrayLike | None = None,
) -> Floats:
    """Mean of all observed values up to the origin.

    The running sums start anew in every series (hence a loop over series), so that no other series can blur the digits.

    >>> mean([[1.0], [5.0], [9.0]], first_B=[0, 0], origin_B=[1, 2], horizon=1).ravel().tolist()
    [3.0, 5.0]
    """
    x_RC, first, origin = checked(values_RC, first_B, origin_B, horizon, season)
    mean_BC = np.full((len(origin), x_RC.shape[1]), np.nan)
    order = np.argsort(first, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(first[order])) + 1):
        if not len(members):
            continue
        begin = int(first[members[0]])
        history = x_RC[begin : int(origin[members].max()) + 1]
        observed = ~np.isnan(history)
        total, count = np.cumsum(np.where(observed, history, 0.0), axis=0), np.cumsum(observed, axis=0)
        at = origin[members] - begin
        mean_BC[members] = np.where(count[at] > 0, total[at] / np.maximum(count[at], 1), np.nan)
    return np.repeat(mean_BC[:, None, :], horizon, axis=1)


def same_category(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int = 1,
    *,
    category_R: ArrayLike | None = None,
) -> Floats:
    """Repeat the last observed value whose category is that of the target row; where there is none, the last value.

    Raises:
        CovariateError: there is no category, or its labels end before the last target row.

    >>> days = ["work", "rest", "work", "rest"]
    >>> same_category([[8.0], [3.0], [9.0]], [0], [2], horizon=1, category_R=days).ravel().tolist()
    [3.0]
    """
    x_RC, first, origin = checked(values_RC, first_B, origin_B, horizon, season)
    code_R = _codes(category_R, int(origin.max(initial=-1)) + horizon)
    wanted_BH = code_R[origin[:, None] + 1 + np.arange(horizon)]
    # Sorted by category, then row: what precedes (wanted category, origin) is the last such row up to the origin.
    known = code_R[: len(x_RC)]
    sorted_R = np.argsort(known, kind="stable")
    span = len(code_R) + 1
    key_R = known[sorted_R] * span + sorted_R
    place_BH = np.searchsorted(key_R, wanted_BH * span + origin[:, None], side="right") - 1
    last_RC = _last_observed(x_RC[sorted_R])[np.maximum(place_BH, 0)]
    rows_BHC = np.where((place_BH[..., None] >= 0) & (last_RC != _NONE), sorted_R[last_RC], _NONE)
    fits = (known[rows_BHC] == wanted_BH[..., None]) & (wanted_BH[..., None] != _NONE)
    return _or_last(np.where(fits, rows_BHC, _NONE), x_RC, first, origin)


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {"naive": naive, "seasonal_naive": seasonal_naive, "drift": drift, "mean": mean, "same_category": same_category}
)
"""The naive forecasts that stand in every score table, by name."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "naive": "repeat last",
        "seasonal_naive": "seasonal naive",
        "drift": "drift",
        "mean": "mean",
        "same_category": "last of the same category",
        "naive2": "Naive2 (M4)",
    }
)
"""What people read for these names."""


def baseline_forecasts(
    values_RC: ArrayLike,
    first_B: ArrayLike,
    origin_B: ArrayLike,
    horizon: int,
    season: int = 1,
    *,
    category_R: ArrayLike | None = None,
) -> dict[str, Floats]:
    """Forecast with every baseline that applies: seasonal naive needs a season, same_category needs categories.

    Returns:
        Name -> (B, H, C). The arguments are those of every baseline (see the module).
    """
    applies = {"seasonal_naive": season > 1, "same_category": category_R is not None}
    return {
        name: forecast(values_RC, first_B, origin_B, horizon, season, category_R=category_R)
        for name, forecast in BASELINES.items()
        if applies.get(name, True)
    }


# ---------------------------------------------------------------- tables over the flat buffer


def checked(
    values_RC: ArrayLike, first_B: ArrayLike, origin_B: ArrayLike, horizon: int, season: int
) -> tuple[Floats, Rows, Rows]:
    """Return the buffer up to the last origin and the rows as int64. Raises InputError for what cannot be forecast."""
    x_RC = np.asarray(values_RC)
    first, origin = np.asarray(first_B, dtype=np.int64), np.asarray(origin_B, dtype=np.int64)
    if x_RC.ndim != 2 or first.shape != origin.shape or first.ndim != 1:
        raise InputError(
            f"values, first and origin have the shapes {x_RC.shape}, {first.shape} and {origin.shape}; "
            "(R, C), (B,) and (B,) are needed."
        )
    if horizon < 1 or season < 1:
        raise InputError(f"horizon is {horizon} and season {season}; both must be at least 1.")
    wrong = np.flatnonzero((first < 0) | (origin < first) | (origin >= len(x_RC)))
    if len(wrong):
        b = wrong[0]
        raise InputError(
            f"origin {b} is row {origin[b]} of a series that begins at row {first[b]}, in {len(x_RC):,} rows. "
            f"An origin must lie in its series. ({len(wrong):,} of {len(origin):,} origins are affected.)"
        )
    # What lies behind the last origin is cut off here, so that no table can contain it.
    return x_RC[: int(origin.max(initial=-1)) + 1].astype(np.float64), first, origin


def _last_observed(x_RC: Floats) -> Rows:
    """For each row and column, the last row up to it that holds a value, or -1."""
    row_R1 = np.arange(len(x_RC))[:, None]
    return np.maximum.accumulate(np.where(np.isnan(x_RC), _NONE, row_R1), axis=0)


def _next_observed(x_RC: Floats) -> Rows:
    """For each row and column, the first row from it on that holds a value, or one past the end."""
    row_R1 = np.arange(len(x_RC))[:, None]
    return np.minimum.accumulate(np.where(np.isnan(x_RC), len(x_RC), row_R1)[::-1], axis=0)[::-1]


def _last_observed_of_phase(x_RC: Floats, season: int) -> Rows:
    """For each row and column, the last row up to it, a whole number of seasons back, that holds a value, or -1."""
    rows, columns = x_RC.shape
    season = min(season, max(rows, 1))  # the table holds one season at least, and no row has one before it then
    seasons = -(-rows // season)
    table = np.full((seasons * season, columns), _NONE)
    table[:rows] = np.where(np.isnan(x_RC), _NONE, np.arange(rows)[:, None])
    by_season = table.reshape(seasons, season, columns)
    return np.maximum.accumulate(by_season, axis=0).reshape(-1, columns)[:rows]


def _take(x_RC: Floats, rows_BHC: Rows, first_B: Rows) -> Floats:
    """Read the values at rows (B, H, C); nan where a row lies before the series."""
    if not len(x_RC):
        return np.zeros(rows_BHC.shape)
    inside = rows_BHC >= first_B[:, None, None]
    return np.where(inside, x_RC[np.where(inside, rows_BHC, 0), np.arange(x_RC.shape[1])], np.nan)


def _or_last(rows_BHC: Rows, x_RC: Floats, first_B: Rows, origin_B: Rows) -> Floats:
    """Read the values at rows (B, H, C), and the last observed value where a row lies before the series."""
    last_B1C = _last_observed(x_RC)[origin_B][:, None, :]
    return _take(x_RC, np.where(rows_BHC >= first_B[:, None, None], rows_BHC, last_B1C), first_B)


def _codes(category_R: ArrayLike | None, last_row: int) -> Rows:
    """Number the labels 0, 1, ...; a missing one (nan) becomes -1. Raises CovariateError if they end too early."""
    if category_R is None:
        raise CovariateError("'last of the same category' needs the category of every row up to the last target row.")
    labels = np.asarray(category_R)
    if labels.ndim != 1 or len(labels) <= last_row:
        raise CovariateError(
            f"the categories have shape {labels.shape}; the forecast needs one label for each row up to {last_row:,}."
        )
    codes = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    missing = np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(len(labels), dtype=np.bool_)
    return np.where(missing, _NONE, codes)
