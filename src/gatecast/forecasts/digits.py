"""How many decimals numbers need beside each other, and round numbers for an axis."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["digits_of", "round_ticks"]

MOST_PLACES = 12  # what would need more is noise around zero


def digits_of(values: np.ndarray) -> int:
    """Decimals that show values beside each other: three digits of their range.

    >>> digits_of(np.array([447.2, 622.0])), digits_of(np.array([10.01, 10.05])), digits_of(np.array([3.0, 3.0]))
    (0, 4, 2)
    """
    finite = values[np.isfinite(values)]
    size = float(np.ptp(finite)) if len(finite) else 0.0
    size = size or (float(np.abs(finite).max()) if len(finite) else 0.0)
    places = 2 - math.floor(math.log10(size)) if size > 0 else 0
    return max(places, 0) if places <= MOST_PLACES else 0


def round_ticks(low: float, high: float, count: int) -> list[float]:
    """About so many round numbers between two.

    >>> round_ticks(103, 622, 4)
    [200.0, 400.0, 600.0]
    """
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.999)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
