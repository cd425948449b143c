"""How a user's program is typed: what comes back for a panel, and what for a source.

Checked by mypy (``files`` in pyproject.toml), never run.
"""

from __future__ import annotations

from typing import assert_type

import pandas as pd

import gatecast as gc


def forecasts(model: gc.Forecaster, groups: gc.GroupedForecaster, panel: gc.Panel, source: gc.PanelSource) -> None:
    assert_type(model.predict(), gc.Forecast)
    assert_type(model.predict(panel, future={"promo": 1}), gc.Forecast)
    assert_type(model.predict(pd.DataFrame()), gc.Forecast)
    assert_type(model.predict(source, output="out"), gc.WrittenForecast)
    assert_type(groups.predict(panel), gc.Forecast)
    assert_type(groups.predict(source, output="out"), gc.WrittenForecast)


def scores(model: gc.Forecaster, groups: gc.GroupedForecaster, panel: gc.Panel, source: gc.PanelSource) -> None:
    assert_type(gc.evaluate(model, panel, origins="all", begin="2024"), gc.Evaluation)
    assert_type(gc.evaluate(model, pd.DataFrame(), origins=3), gc.Evaluation)
    assert_type(gc.evaluate(model, source, origins=3), gc.StreamedScores)
    assert_type(gc.backtest(model, panel, origins=3, rivals="auto"), gc.Backtest)
    assert_type(gc.backtest(model, source, refit=2, memory_limit="2GB"), gc.StreamedBacktest)
    assert_type(gc.evaluate(groups, panel), gc.GroupedScores)
    assert_type(gc.evaluate(groups, source), gc.StreamedScores)


def mistakes(model: gc.Forecaster, source: gc.PanelSource, panel: gc.Panel) -> None:
    gc.evaluate(model, panel, origin=3)  # type: ignore[call-overload]
    gc.backtest(model, panel, origin=3)  # type: ignore[call-overload]
    model.predict(source, output="out", future={})  # type: ignore[call-overload]
