"""Forecasts are numbers: what to say where a model gives none."""

from __future__ import annotations

import numpy as np

from gatecast.data.panel import Panel
from gatecast.errors import ModelFileError, PanelError, TrainingError, listed

__all__ = ["require_finite"]

# Beyond these a difference, a logarithm or a square of float32 numbers overflows, or is lost.
LARGEST, SMALLEST = 1e30, 1e-30


def require_finite(values: np.ndarray, history: Panel, file: str | None, series_B: np.ndarray | None = None) -> None:
    """Raise where a forecast is NaN or infinite. Missing values of the history do not lead there.

    Args:
        values: forecasts in the data's unit, one row per series or per origin, (B, ...).
        history: the N series that were continued.
        file: the model file where the model comes from one.
        series_B: the series of each row; None = one row per series.

    Raises:
        PanelError: the values of such a series are too large or too small for computing with them.
        ModelFileError: the numbers of a model from a file are damaged.
        TrainingError: those of a trained model are.
    """
    fine_B = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if fine_B.all():
        return
    bad_B = np.flatnonzero(~fine_B)
    bad: list[int] = (bad_B if series_B is None else np.unique(series_B[bad_B])).tolist()
    extreme = [n for n in bad if _is_extreme(history.target_RC[history.rows(n)])]
    if extreme:
        raise PanelError(
            f"no finite forecast of {_named(history, extreme)}: target values beyond {LARGEST:g}, or closer to 0 than "
            f"{SMALLEST:g}, cannot be computed with. Give them in another unit."
        )
    what = f"no finite forecast of {_named(history, bad)}: the numbers of the model are damaged."
    if file is not None:
        raise ModelFileError(f"{file}: {what} Get an intact copy, or train the model again.")
    raise TrainingError(f"{what} Train it again.")


def _is_extreme(values_TC: np.ndarray) -> bool:
    size = np.abs(values_TC[np.isfinite(values_TC) & (values_TC != 0)])
    return bool(((size > LARGEST) | (size < SMALLEST)).any())


def _named(history: Panel, places: list[int]) -> str:
    return f"{listed([repr(history.ids[n]) for n in places], 3)} ({len(places):,} of {len(history):,} series)"
