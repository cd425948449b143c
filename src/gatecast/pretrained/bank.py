"""The bank: what some sixty simple forecasts say of a series, how they did so far, and what the gate reads of it.

    series (T,)  ->  forecasts (H, K)     K experts, in units of the series: (value - last value) / mean absolute step
                     errors (K, 2)        of their forecasts from up to three earlier origins: near steps, far steps
                     channels (T, C)      levels, changes, one-step errors, phase: what the LSTM reads

The experts look at the series as it is, without its season (classical decomposition), and as logarithms without their
season where all values are positive. An expert that a series is too short for, or that has no season to work with,
says nothing: nan. All that is computed for a series depends on its values up to the last one alone.

The compiled kernels do the work (``kernels/bank_series.h``), some 0.02 to 0.1 ms for a series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatecast.errors import InputError
from gatecast.nn.kernels import load
from gatecast.nn.threads import kernel_threads

__all__ = ["CHANNELS", "EXPERTS", "SHORTEST", "Bank", "Seasons", "bank_of", "history_for", "steps_read"]

SHORTEST = 3  # steps that a series needs
STEPS_READ, LEAST_READ, SEASONS_READ = 96, 32, 2  # last steps that the LSTM reads at most; see ``steps_read``

_TRENDS = ("drift", "recent drift", "smoothed level", "theta", "damped trend", "best damped trend")
_LEVELS = (
    "last value", "slow level", "fast level", "quick damped trend", "slow damped trend", "straight line",
)  # fmt: skip
_ADJUSTED = tuple(f"{name}, season apart" for name in (*_TRENDS, *_LEVELS))
_SEASONS = ("seasonal naive", "seasonal naive with drift", "mean of two seasons", "seasonal mean")
_LONG = ("longer season", "longer season, level moved", "mean of two longer seasons")
_LAGS = ("2 lags", "season's lag", "lags around the season", "12 lags", "lags of both seasons")
_AR = tuple(name for lags in _LAGS for name in (f"AR of {lags}", f"AR of changes, {lags}"))
_AR_ADJUSTED = tuple(f"{name}, season apart" for name in ("AR(2)", "ARI(2,1)", "AR(4)", "ARI(4,1)"))
_LOGS = tuple(f"{name} of logarithms" for name in (*_TRENDS, "Holt-Winters", "ARI(2,1)", "ARI(4,1)", "seasonal ARI"))

EXPERTS = (
    *_TRENDS, *_LEVELS, *_ADJUSTED, *_SEASONS, *_LONG, "Holt-Winters", "mean", "recent mean", *_AR, *_AR_ADJUSTED,
    "seasonal ARI", *_LOGS,
)  # fmt: skip
"""Names of the K experts, in the order of the kernels."""
CHANNELS = 15
FARTHEST = 1e3  # units that a forecast may be from the last value
WITHOUT_SEASON, WITH_A_SEASON, WITH_TWO_SEASONS, SEASONS_KEPT = 260, 520, 760, 20


@dataclass(frozen=True)
class Seasons:
    """Seasonal periods in steps.

    Args:
        short: m; 1 = none.
        long: a longer period; 0 = none.
    """

    short: int = 1
    long: int = 0

    @classmethod
    def of(cls, periods: Sequence[int]) -> Seasons:
        """The two that matter of periods in any order.

        >>> Seasons.of((168, 24)), Seasons.of(())
        (Seasons(short=24, long=168), Seasons(short=1, long=0))
        """
        longer = sorted({period for period in periods if period > 1})
        return cls(*longer[:2]) if longer else cls()


def history_for(seasons: Seasons) -> int:
    """Steps of history that a forecast looks at: as many as the longest series of the training of such seasons had.

    >>> history_for(Seasons()), history_for(Seasons(12)), history_for(Seasons(24, 168)), history_for(Seasons(7, 365))
    (260, 260, 760, 760)
    """
    if seasons.long:
        return max(WITH_TWO_SEASONS, 2 * seasons.long + seasons.short)
    return max(WITHOUT_SEASON, min(SEASONS_KEPT * seasons.short, WITH_A_SEASON), 2 * seasons.short + 1)


def steps_read(seasons: Seasons) -> int:
    """Last steps that the LSTM reads: two seasons, within limits; without a season as many as it may.

    >>> steps_read(Seasons()), steps_read(Seasons(12)), steps_read(Seasons(24, 168)), steps_read(Seasons(52))
    (96, 32, 48, 96)
    """
    if seasons.short == 1:
        return STEPS_READ
    return min(STEPS_READ, max(LEAST_READ, SEASONS_READ * seasons.short))


@dataclass(frozen=True)
class Bank:
    """What the bank says of B series.

    Args:
        forecast_BHK: forecasts in units of each series; nan = the expert cannot say.
        error_BK2: mean absolute errors of past forecasts in the same unit, near and far steps; nan = not known.
        channel_BTC: what the LSTM reads; zeros before the begin of a short series.
        last_B: the last value of each series.
        step_B: its mean absolute step, above 0: the unit.
    """

    forecast_BHK: np.ndarray
    error_BK2: np.ndarray
    channel_BTC: np.ndarray
    last_B: np.ndarray
    step_B: np.ndarray

    def in_unit(self, values_BH: np.ndarray) -> np.ndarray:
        """Values in the data's own unit in units of each series."""
        scaled: np.ndarray = (values_BH - self.last_B[:, None]) / self.step_B[:, None]
        return scaled

    def restored(self, units_BHQ: np.ndarray) -> np.ndarray:
        """The way back: (B, H, Q)."""
        values: np.ndarray = self.last_B[:, None, None] + self.step_B[:, None, None] * units_BHQ.astype(np.float64)
        return values


def bank_of(
    values_R: np.ndarray, first_B: np.ndarray, length_B: np.ndarray, horizon: int, seasons: Seasons, steps: int
) -> Bank:
    """Ask the bank.

    Args:
        values_R: (R,) values, the series anywhere in it; nan = missing, but not the last value of a series.
        first_B: where each series begins.
        length_B: its steps, ``SHORTEST`` at least.
        horizon: steps H to forecast.
        seasons: periods of all of them.
        steps: last steps T that channels are given of.

    Raises:
        InputError: a series is too short, or its last value is missing.
    """
    values_R = np.ascontiguousarray(values_R, np.float64)
    first_B, length_B = (np.ascontiguousarray(a, np.int64) for a in (first_B, length_B))
    if len(length_B) and length_B.min() < SHORTEST:
        raise InputError(f"the bank needs {SHORTEST} steps of a series; got {length_B.min()}.")
    if not np.isfinite(values_R[first_B + length_B - 1]).all():
        raise InputError("the last value of a series is missing.")
    kernels = load()
    if kernels is None:
        raise InputError("the bank of simple forecasts needs the compiled kernels.")
    count = len(first_B)
    forecast_BHK = np.empty((count, horizon, len(EXPERTS)), np.float32)
    error_BK2 = np.empty((count, len(EXPERTS), 2), np.float32)
    channel_BTC = np.empty((count, steps, CHANNELS), np.float32)
    unit_B2 = np.empty((count, 2))
    given = (values_R, first_B, length_B)
    made = (forecast_BHK, error_BK2, channel_BTC, unit_B2)
    sizes = (count, seasons.short, seasons.long, horizon, steps)
    kernels.bank(
        tuple(a.ctypes.data for a in given),
        tuple(a.ctypes.data for a in made),
        sizes,
        min(kernel_threads(), count or 1),
    )
    np.clip(forecast_BHK, -FARTHEST, FARTHEST, out=forecast_BHK)  # nan stays
    return Bank(forecast_BHK, error_BK2, channel_BTC, unit_B2[:, 0], unit_B2[:, 1])
