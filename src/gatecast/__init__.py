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
    "Backtest": "backtesting.backtest",
    "Check": "backtesting.newer.check",
    "Drift": "live.drift",
    "Evaluation": "backtesting.result",
    "Forecast": "forecasts.forecast",
    "ForecastResult": "workflow",
    "Forecaster": "forecaster",
    "Frequency": "data.frequency",
    "GateWindow": "live.state.gates",
    "GatecastError": "errors",
    "GroupedForecaster": "groups.grouped",
    "GroupedScores": "groups.scores",
    "Importance": "backtesting.importance",
    "LSTMConfig": "model.config",
    "LeakageReport": "backtesting.leakage",
    "Listener": "progress",
    "Live": "live.live",
    "Observed": "live.observed",
    "Panel": "data.panel",
    "PanelSource": "data.scan.source",
    "Refresh": "refreshing.refresh",
    "Plan": "planning.plan",
    "SamplePaths": "forecasts.paths",
    "Scaling": "windows.scaling",
    "Scores": "evaluation.scores",
    "StreamedBacktest": "scale.backtest",
    "StreamedScores": "evaluation.streamed",
    "WrittenForecast": "scale.predict",
    "scan": "data.scan.source",
    "SequenceRegressor": "regressor",
    "TrainingConfig": "training.config",
    "Tuning": "tuning.result",
    "Update": "backtesting.newer.update",
    "backtest": "backtesting.backtest",
    "check": "backtesting.newer.check",
    "evaluate": "backtesting.assess",
    "film": "report.film",
    "forecast": "workflow",
    "leakage_check": "backtesting.leakage",
    "load": "forecaster",
    "load_example": "data.examples.datasets",
    "load_groups": "groups.grouped",
    "load_live": "live.files",
    "read": "data.tables.reading",
    "tune": "tuning.tune",
    "update": "backtesting.newer.update",
}

__all__ = [
    "Backtest",
    "Check",
    "Drift",
    "Evaluation",
    "Forecast",
    "ForecastResult",
    "Forecaster",
    "Frequency",
    "GateWindow",
    "GatecastError",
    "GroupedForecaster",
    "GroupedScores",
    "Importance",
    "LSTMConfig",
    "LeakageReport",
    "Listener",
    "Live",
    "Observed",
    "Panel",
    "PanelSource",
    "Plan",
    "Refresh",
    "SamplePaths",
    "Scaling",
    "Scores",
    "SequenceRegressor",
    "StreamedBacktest",
    "StreamedScores",
    "TrainingConfig",
    "Tuning",
    "Update",
    "WrittenForecast",
    "backtest",
    "check",
    "evaluate",
    "film",
    "forecast",
    "leakage_check",
    "load",
    "load_example",
    "load_groups",
    "load_live",
    "read",
    "scan",
    "tune",
    "update",
]

if TYPE_CHECKING:
    from gatecast.backtesting.assess import evaluate
    from gatecast.backtesting.backtest import Backtest, backtest
    from gatecast.backtesting.importance import Importance
    from gatecast.backtesting.leakage import LeakageReport, leakage_check
    from gatecast.backtesting.newer.check import Check, check
    from gatecast.backtesting.newer.update import Update, update
    from gatecast.backtesting.result import Evaluation
    from gatecast.data.examples.datasets import load_example
    from gatecast.data.frequency import Frequency
    from gatecast.data.panel import Panel
    from gatecast.data.scan.source import PanelSource, scan
    from gatecast.data.tables.reading import read
    from gatecast.errors import GatecastError
    from gatecast.evaluation.scores import Scores
    from gatecast.evaluation.streamed import StreamedScores
    from gatecast.forecaster import Forecaster, load
    from gatecast.forecasts.forecast import Forecast
    from gatecast.forecasts.paths import SamplePaths
    from gatecast.groups.grouped import GroupedForecaster, load_groups
    from gatecast.groups.scores import GroupedScores
    from gatecast.live.drift import Drift
    from gatecast.live.files import load_live
    from gatecast.live.live import Live
    from gatecast.live.observed import Observed
    from gatecast.live.state.gates import GateWindow
    from gatecast.model.config import LSTMConfig
    from gatecast.planning.plan import Plan
    from gatecast.progress import Listener
    from gatecast.refreshing.refresh import Refresh
    from gatecast.regressor import SequenceRegressor
    from gatecast.report.film import film
    from gatecast.scale.backtest import StreamedBacktest
    from gatecast.scale.predict import WrittenForecast
    from gatecast.training.config import TrainingConfig
    from gatecast.tuning.result import Tuning
    from gatecast.tuning.tune import tune
    from gatecast.windows.scaling import Scaling
    from gatecast.workflow import ForecastResult, forecast


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gatecast' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gatecast.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
