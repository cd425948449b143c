"""Honest time-series forecasts with LSTMs.

>>> import gatecast as gc
>>> panel = gc.load_example("airline")
>>> train, test = panel.split(horizon=12)
>>> len(test), test.targets
(1, ('Passengers',))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> where it lives. Loaded on first use, so that `import gatecast` and `gatecast --help` need no torch.
_HOMES = {
    "Forecast": "forecast",
    "Forecaster": "forecaster",
    "Frequency": "data.frequency",
    "GatecastError": "errors",
    "LSTMConfig": "model.config",
    "Panel": "data.panel",
    "SamplePaths": "paths",
    "Scaling": "data.scaling",
    "SequenceRegressor": "regressor",
    "TrainingConfig": "training.config",
    "backtest": "backtesting",
    "evaluate": "assessment",
    "hold_out": "assessment",
    "leakage_check": "leakage",
    "load": "files",
    "load_example": "data.datasets",
    "read": "data.reading",
    "tune": "tuning.tune",
    "walk": "assessment",
}

__all__ = [
    "Forecast",
    "Forecaster",
    "Frequency",
    "GatecastError",
    "LSTMConfig",
    "Panel",
    "SamplePaths",
    "Scaling",
    "SequenceRegressor",
    "TrainingConfig",
    "backtest",
    "evaluate",
    "hold_out",
    "leakage_check",
    "load",
    "load_example",
    "read",
    "tune",
    "walk",
]

if TYPE_CHECKING:
    from gatecast.assessment import evaluate, hold_out, walk
    from gatecast.backtesting import backtest
    from gatecast.data.datasets import load_example
    from gatecast.data.frequency import Frequency
    from gatecast.data.panel import Panel
    from gatecast.data.reading import read
    from gatecast.data.scaling import Scaling
    from gatecast.errors import GatecastError
    from gatecast.files import load
    from gatecast.forecast import Forecast
    from gatecast.forecaster import Forecaster
    from gatecast.leakage import leakage_check
    from gatecast.model.config import LSTMConfig
    from gatecast.paths import SamplePaths
    from gatecast.regressor import SequenceRegressor
    from gatecast.training.config import TrainingConfig
    from gatecast.tuning.tune import tune


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gatecast' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gatecast.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
