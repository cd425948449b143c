"""What the tests of tuning share: a small panel, a forecaster that trains in a blink, and a fake score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.data.panel import Panel

PanelOf = Callable[..., Panel]
TINY: dict[str, Any] = {
    "scaling": "difference+standard",
    "network": {"hidden_size": 4, "skip": 1, "num_layers": 1},
    "training": {"max_epochs": 1, "steps_per_epoch": 2, "batch_size": 8},
    "members": 1,
    "quantiles": (0.1, 0.5, 0.9),
    "progress": False,
}


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Small networks are slower on more threads."""


@pytest.fixture
def panel(panel_of: PanelOf) -> Panel:
    """Two series of 90 steps with a season of 6."""
    rng = np.random.default_rng(0)
    steps = np.arange(90)
    return panel_of([20 + n + 5 * np.sin(steps * np.pi / 3) + rng.normal(size=90) for n in range(2)])


@pytest.fixture
def tiny() -> Callable[..., gc.Forecaster]:
    """A forecaster whose loss, lr and lookback are left open."""

    def make(horizon: int = 3, **changes: Any) -> gc.Forecaster:
        return gc.Forecaster(horizon, **{**TINY, **changes})

    return make
