"""What is known about a model and its training beside its forecasts: the ground of some symptoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Facts"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Facts:
    """Facts about B windows and the model that forecast them. All are optional; what is None asks for no symptom.

    Args:
        mean_BC: (B, C) recent level of what each window's series was trained on, in the unit of the truth.
        spread_BC: (B, C) standard deviation around that level.
        last_BC: (B, C) last observed value at each window's origin; nan where there is none.
        training_windows: windows that the network was trained on.
        parameters: weights of the network.
        validation_error: error on the validation span, of the kind that training stopped on.
        test_error: error of the same kind, in the same unit, on the windows scored here.
        season: seasonal period in steps, 1 for none.
        training_steps: steps of a typical series that the network was trained on.
    """

    mean_BC: Floats | None = None
    spread_BC: Floats | None = None
    last_BC: Floats | None = None
    training_windows: int | None = None
    parameters: int | None = None
    validation_error: float | None = None
    test_error: float | None = None
    season: int | None = None
    training_steps: int | None = None
