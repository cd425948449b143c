"""Tiny backtests that the tests of the report share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gatecast.backtesting.backtest import Backtest, backtest
from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.forecaster import Forecaster
from gatecast.workflow import ForecastResult, forecast

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "a" * 90, "plain & <b>simple</b>", "e")

Make = Callable[..., Backtest]


def waves(series: int = 1, steps: int = 60, targets: int = 1) -> list[np.ndarray]:
    """Noisy waves of period 6 and different size."""
    noise = np.random.default_rng(4)
    wave_T1 = np.sin(np.arange(steps) * 2 * np.pi / 6)[:, None] + np.zeros(targets)
    return [10 * (n + 1) + (n + 1) * wave_T1 + noise.normal(0, 0.3, (steps, targets)) for n in range(series)]


def dated(panel: Panel, text: str = "1mo", start: str = "2001-01-01") -> Panel:
    """The same values at dates."""
    starts = np.full(len(panel), np.datetime64(start, "us"))
    return replace(panel, frequency=Frequency.from_text(text), starts=starts)


@pytest.fixture(scope="session")
def tiny(panel_of: Callable[..., Panel]) -> Make:
    """Makes a backtest that trains for a moment: ``tiny(panel, horizon, **changes)``."""

    def make(panel: Panel | None = None, horizon: int = 4, **changes: Any) -> Backtest:
        settings: dict[str, Any] = {
            "lookback": 12, "scaling": "difference+standard", "network": {"hidden_size": 4, "skip": 2}, "members": 2,
            "training": {"max_epochs": 2, "steps_per_epoch": 2}, "progress": False,
        }  # fmt: skip
        settings |= {key: changes.pop(key) for key in list(changes) if key in (*settings, "quantiles")}
        whole = dated(panel_of(waves())) if panel is None else panel
        return backtest(Forecaster(horizon, **settings), whole, **{"origins": 3, "progress": False} | changes)

    return make


@pytest.fixture(scope="session")
def single(tiny: Make) -> Backtest:
    """One monthly series."""
    return tiny()


@pytest.fixture(scope="session")
def hostile(tiny: Make, panel_of: Callable[..., Panel]) -> Backtest:
    """Five series of two targets whose names try to break the page."""
    schema = Schema(("</script><b>y", "z\u2028<!--"))
    return tiny(replace(panel_of(waves(5, targets=2), schema), ids=HOSTILE), refit=2)


Foretell = Callable[..., ForecastResult]


@pytest.fixture(scope="session")
def foretell() -> Foretell:
    """Makes a forecast without training: ``foretell(panel, horizon, **settings)``."""

    def make(panel: Panel, horizon: int = 4, **settings: Any) -> ForecastResult:
        future = settings.pop("future", None)
        return forecast(panel, horizon, future=future, **{"preset": "instant", "progress": False} | settings)

    return make


@pytest.fixture(scope="session")
def foretold(foretell: Foretell, panel_of: Callable[..., Panel]) -> ForecastResult:
    """One monthly series."""
    return foretell(dated(panel_of(waves(steps=90))), 12)


@pytest.fixture(scope="session")
def foretold_many(foretell: Foretell, panel_of: Callable[..., Panel]) -> ForecastResult:
    """Five series of two targets whose names try to break the page."""
    schema = Schema(("</script><b>y", "z\u2028<!--"))
    return foretell(replace(dated(panel_of(waves(5, targets=2), schema)), ids=HOSTILE))


@pytest.fixture(scope="session")
def foretold_ahead(foretell: Foretell, panel_of: Callable[..., Panel]) -> ForecastResult:
    """One series that follows a price and a kind of day, both known in advance, forecast by a tiny network."""
    noise = np.random.default_rng(5)
    price_T, kind_T = noise.uniform(1, 3, 74), noise.integers(0, 2, 74)
    sales_T = 50 - 8 * price_T + 6 * kind_T
    sales_T[70:] = np.nan
    schema = Schema(("sales",), future=(Column("price"), Column("kind", ("plain", "<i>fair"))))
    values = np.column_stack([sales_T, price_T, kind_T == 0, kind_T == 1]).astype(np.float32)
    settings = {"preset": "standard", "lookback": 8, "members": 1, "network": {"hidden_size": 2, "skip": 1}}
    training = {"max_epochs": 1, "steps_per_epoch": 1}
    return foretell(dated(panel_of([values], schema), "1d"), 4, **settings, training=training)
