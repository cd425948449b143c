"""Covariates and the calendar go into a graph as inputs, and mean there what they mean in a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.model.config import LSTMConfig

from .test_forecast import LARGEST, LEVELS, LOOKBACK, QUICK, H, largest_difference, numbers, session_of, told_by

pytestmark = pytest.mark.usefixtures("one_thread")
ROLES: dict[str, Any] = {"series": "id", "time": "t", "target": "y", "past": "rain", "future": ["kind", "price"]}


def table(step: str, steps: int, missing: bool = False) -> pl.DataFrame:
    """Two series with covariates; the last H rows have no targets."""
    parts = []
    for n in range(2):
        rng = np.random.default_rng(n)
        y_T = numbers(n, steps)[:, 0]
        y_T[-H:] = np.nan
        rain_T, price_T = rng.normal(5, 2, size=(2, steps))
        if missing:
            rain_T[rng.random(steps) < 0.3] = np.nan
        time = pl.datetime_range(pl.datetime(2021, 3, 1 + n), pl.datetime(2040, 1, 1), step, eager=True)[:steps]
        columns = {"id": [f"s{n}"] * steps, "t": time, "y": y_T, "rain": rain_T, "price": price_T}
        frame = pl.DataFrame({**columns, "kind": rng.choice(["a", "b", "c"], steps), "size": [n + 1.5] * steps})
        parts.append(frame.with_columns(pl.col("y", "rain").fill_nan(None)))
    return pl.concat(parts)


def given_of(panel: Panel, told: dict[str, Any]) -> dict[str, np.ndarray]:
    """The inputs of a graph, for a panel whose last H rows are the future."""
    schema, rows_N = panel.schema, panel.stop[:, None]
    past_NW, both_NT = (rows_N - H + np.arange(-told["history"], end) for end in (0, H))
    last_N = panel.frequency.advance(panel.starts, panel.length - H - 1)
    unit = "M" if told["time"] == "months since 1970-01" else "us"
    given = {
        "history": panel.target_RC[past_NW],
        "past": panel.values_RV[:, schema.past_slice][past_NW],
        "future": panel.values_RV[:, schema.future_slice][both_NT],
        "static": panel.static_NS,
    }
    given = {name: array.astype(np.float64) for name, array in given.items() if name == "history" or told[name]}
    if told["time"]:
        given["time"] = last_N.astype(f"datetime64[{unit}]").astype(np.int64)
    return given


def difference(model: gc.Forecaster, panel: Panel, path: Path) -> float:
    session = session_of(model, path)
    (forecast,) = session.run(None, given_of(panel, told_by(session)))
    return largest_difference(forecast, model.predict(panel).values_NHCQ)


def model_for(panel: Panel, **settings: Any) -> gc.Forecaster:
    usual: dict[str, Any] = {
        "lookback": LOOKBACK, "network": LSTMConfig(hidden_size=4, skip=2), "training": QUICK, "members": 2,
        "quantiles": LEVELS, "progress": False, "bounds": False,
    }  # fmt: skip
    return gc.Forecaster(H, **usual | settings).fit(panel)


@pytest.mark.parametrize("scaling", ["difference+standard", "log+mean", "seasonal-difference:4/2+standard"])
@pytest.mark.parametrize("missing", [False, True])
def test_covariates(tmp_path: Path, scaling: str, missing: bool) -> None:
    panel = gc.read(table("1d", 60, missing), **ROLES, static="size")
    model = model_for(panel, scaling=scaling, calendar=False)
    for member in model.fitted_.main.members:  # training for two steps leaves what it adds near 0
        member.network.steps.out.weight.data.normal_()
    told = told_by(session_of(model, tmp_path / "model.onnx"))
    assert told["past"] == ["rain"]
    assert told["future"] == ["kind=a", "kind=b", "kind=c", "price"]
    assert told["static"] == ["size"]
    assert difference(model, panel, tmp_path / "model.onnx") < LARGEST


@pytest.mark.parametrize(
    ("step", "steps", "cycles"),
    [
        ("1h", 400, {"day", "week"}),
        ("15m", 1100, {"day", "week"}),
        ("1d", 900, {"week", "year"}),
        ("1mo", 60, {"year"}),
    ],
)
def test_the_calendar(tmp_path: Path, step: str, steps: int, cycles: set[str]) -> None:
    panel = gc.read(table(step, steps).drop("size", "rain"), **{**ROLES, "past": None})
    model = model_for(panel, scaling="standard", calendar=True, network={"hidden_size": 4, "skip": 2})
    assert set(model.plan_.framing.calendar) == cycles
    assert difference(model, panel, tmp_path / "model.onnx") < LARGEST
    for earlier in range(1, 4):
        cut = panel.slice(0, panel.length - earlier)
        target_RC = cut.values_RV[:, :1]
        for stop in cut.stop:
            target_RC[stop - H : stop] = np.nan
        assert difference(model, cut, tmp_path / "model.onnx") < LARGEST


def test_business_days_are_refused(tmp_path: Path) -> None:
    frame = table("1d", 220).filter(pl.col("t").dt.weekday() <= 5).drop("size", "rain", "kind", "price")
    panel = gc.read(frame.drop_nulls(), series="id", time="t", target="y", frequency="B")
    model = model_for(panel, scaling="standard", calendar=True, network={"hidden_size": 4, "skip": 2})
    with pytest.raises(ConfigError, match=r"business days: fit with calendar=False"):
        model.export(tmp_path / "model.onnx")


def test_a_reference_by_category_is_refused(tmp_path: Path) -> None:
    panel = gc.read(table("1d", 60), **ROLES)
    model = model_for(panel, scaling="category-difference:kind/3+standard", calendar=False)
    with pytest.raises(ConfigError, match=r"'category-difference:kind/3' .* scaling='seasonal-difference:7\+standard'"):
        model.export(tmp_path / "model.onnx")
