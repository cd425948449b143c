"""Models of every kind of scaling, head and blend, and tables to follow with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.expert import SmoothingExpert
from gatecast.forecaster import Forecaster
from gatecast.live.scoring import HeldBack
from gatecast.live.state.alarms import RATE
from gatecast.model.config import LSTMConfig
from gatecast.pretrained.expert import gate_beside
from gatecast.training.config import TrainingConfig

PanelOf = Callable[..., Panel]
H = 3
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
SCHEMA = Schema(("y", "z"), past=(Column("rain"),), future=(Column("kind", ("a", "b")),))
QUICK = TrainingConfig(max_epochs=2, steps_per_epoch=2, batch_size=16)
LOOKBACK = 8

TRAINED: dict[str, dict[str, Any]] = {
    "as it is": {"scaling": "none"},
    "difference": {"scaling": "difference+standard", "members": 2},
    "log season": {"scaling": "log+seasonal-difference:4/2+standard"},
    "fitted": {"scaling": "log+standard+fitted"},
    "fitted difference": {"scaling": "difference+standard+fitted"},
    "category": {"scaling": "category-difference:kind/3+standard"},
    "smooth": {"scaling": "log+smooth:4/0.3/0.2+standard"},
    "smooth level": {"scaling": "smooth:1/0.3/0+mean"},
    "smooth fitted": {"scaling": "smooth:4/0.3/0.2+standard+fitted"},
    "point loss": {"scaling": "last", "training": replace(QUICK, loss="mae")},
    "gaussian": {"scaling": "difference+mean", "training": replace(QUICK, loss="gaussian")},
    "student-t": {"scaling": "seasonal-difference:4+last", "training": replace(QUICK, loss="student-t")},
    "deep": {"scaling": "mean", "network": LSTMConfig(hidden_size=3, num_layers=2, skip=2)},
    "padded": {"scaling": "difference+standard", "lookback": None},
    "recursive": {"scaling": "difference+standard", "recursive": True},
}
BLENDS = {
    "with gate": ("difference", "gate"),
    "smooth with gate": ("smooth", "gate"),
    "level with gate": ("smooth level", "gate"),
    "with smoothing": ("log season", "smoothing"),
    "all of them": ("difference", "smooth", "category", "gate", "smoothing"),
}
NAMES = (*TRAINED, *BLENDS, "instant")


def numbers(seed: int, steps: int, gaps: float = 0.0) -> np.ndarray:
    """(T, 5) positive walks with a season of four steps, a past covariate and a category that is known ahead."""
    rng = np.random.default_rng(seed)
    season_T = 0.3 * np.sin(np.arange(steps) * np.pi / 2)
    walks_TC = np.exp(2 + 0.05 * rng.normal(size=(steps, 2)).cumsum(axis=0) + season_T[:, None])
    walks_TC[1:-1][rng.random((steps - 2, 2)) < gaps] = np.nan
    return np.column_stack([walks_TC, rng.normal(size=steps), np.eye(2)[rng.integers(0, 2, steps)]])


def table(panel_of: PanelOf, seed: int, lengths: tuple[int, ...], gaps: float = 0.0) -> Panel:
    """A panel of such series."""
    return panel_of([numbers(seed + 10 * n, steps, gaps) for n, steps in enumerate(lengths)], SCHEMA)


@cache
def model_of(panel_of: PanelOf, name: str) -> Forecaster:
    """A model by its name; tests leave it as it is."""
    usual: dict[str, Any] = {
        "lookback": LOOKBACK, "network": LSTMConfig(hidden_size=4, skip=2), "training": QUICK, "members": 1,
        "quantiles": LEVELS, "progress": False,
    }  # fmt: skip
    if name == "instant":
        return Forecaster(H, preset="instant", quantiles=LEVELS).fit(table(panel_of, 0, (60, 45, 52)))
    if name not in BLENDS:
        return Forecaster(H, **usual | TRAINED[name]).fit(table(panel_of, 0, (60, 45, 52)))
    parts = BLENDS[name]
    model = model_of(panel_of, parts[0]).clone(fitted=True)
    main = model.fitted_.main
    others = {"gate": lambda: gate_beside((4,), main), "smoothing": lambda: SmoothingExpert(H, 4)}
    experts = [others[part]() if part in others else model_of(panel_of, part).fitted_.main for part in parts]
    weights = tuple(np.full(len(experts), 1 / len(experts)).tolist())
    model.fitted_ = replace(model.fitted_, blend=Blend(tuple(experts), weights))
    return model


@pytest.fixture
def model(panel_of: PanelOf, request: pytest.FixtureRequest) -> Forecaster:
    """That of the name that a test is parametrised by."""
    return model_of(panel_of, request.param)


def scores_of(held: HeldBack, z_R: np.ndarray) -> np.ndarray:
    """Anomaly scores of rows that come one after the other, of one series without echoes."""
    return held.judged(z_R, lambda _, chance: (chance < RATE, False))[0]
