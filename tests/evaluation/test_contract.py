"""What every metric and every baseline must keep, whatever it computes."""

from __future__ import annotations

import ast
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import gatecast.evaluation
from gatecast.evaluation.metrics import METRICS
from gatecast.statistical.naive import BASELINES
from gatecast.statistical.naive2 import naive2

FORECASTS = {**BASELINES, "naive2": naive2}
HORIZON, SEASON = 4, 3

values = st.one_of(st.integers(1, 9).map(float), st.just(math.nan))


# ---------------------------------------------------------------- baselines


@st.composite
def panels(draw: st.DrawFn) -> dict:
    """Three series with one origin or two in each, and categories for all rows and H more."""
    lengths = draw(st.lists(st.integers(2, 14), min_size=3, max_size=3))
    bounds = np.cumsum([0, *lengths])
    series = np.array([0, 1, 2, 1])
    origin = [draw(st.integers(int(bounds[n]), int(bounds[n + 1]) - 1)) for n in series]
    rows = int(bounds[-1])
    return {
        "values": draw(arrays(float, (rows, 2), elements=values)),
        "first": bounds[series],
        "origin": np.array(origin),
        "category": draw(arrays(np.int64, rows + HORIZON, elements=st.integers(0, 2))),
    }


def forecast(name: str, panel: dict) -> np.ndarray:
    return FORECASTS[name](
        panel["values"], panel["first"], panel["origin"], HORIZON, SEASON, category_R=panel["category"]
    )


every_baseline = pytest.mark.parametrize("name", FORECASTS)


@every_baseline
@settings(max_examples=15, deadline=None)
@given(panel=panels(), seed=st.integers(0, 99))
def test_nothing_outside_the_history_changes_a_forecast(name: str, panel: dict, seed: int) -> None:
    together = forecast(name, panel)
    random = np.random.default_rng(seed)
    for b, (first, origin) in enumerate(zip(panel["first"], panel["origin"], strict=True)):
        outside = np.ones(len(panel["values"]), dtype=bool)
        outside[first : origin + 1] = False
        changed = {**panel, "values": panel["values"].copy(), "category": panel["category"].copy()}
        changed["values"][outside] = random.choice([1e12, -7.0, math.nan], (outside.sum(), 2))
        beyond = np.ones(len(panel["category"]), dtype=bool)
        beyond[first : origin + HORIZON + 1] = False
        changed["category"][beyond] = random.integers(0, 5, beyond.sum())
        np.testing.assert_array_equal(forecast(name, changed)[b], together[b])  # to the bit


@every_baseline
@settings(max_examples=10, deadline=None)
@given(panel=panels())
def test_origins_one_by_one_and_in_any_order_give_the_same_bits(name: str, panel: dict) -> None:
    together = forecast(name, panel)
    for b in range(len(panel["first"])):
        alone = {**panel, "first": panel["first"][[b]], "origin": panel["origin"][[b]]}
        np.testing.assert_array_equal(forecast(name, alone)[0], together[b])
    turned = {**panel, "first": panel["first"][::-1], "origin": panel["origin"][::-1]}
    np.testing.assert_array_equal(forecast(name, turned), together[::-1])


@every_baseline
@settings(max_examples=10, deadline=None)
@given(panel=panels())
def test_shape_type_and_nan_only_without_a_history(name: str, panel: dict) -> None:
    before = {key: np.array(value) for key, value in panel.items()}
    result = forecast(name, panel)
    assert result.shape == (4, HORIZON, 2)
    assert result.dtype == np.float64
    for b, (first, origin) in enumerate(zip(panel["first"], panel["origin"], strict=True)):
        observed = ~np.isnan(panel["values"][first : origin + 1])
        expected = np.broadcast_to(~observed.any(axis=0), (HORIZON, 2))
        np.testing.assert_array_equal(np.isnan(result[b]), expected)
    for key, value in before.items():
        np.testing.assert_array_equal(panel[key], value)


@every_baseline
def test_a_shifted_or_stretched_history_shifts_or_stretches_the_forecast(name: str) -> None:
    panel = {"first": np.array([0]), "origin": np.array([19]), "category": np.arange(24) % 3}
    x = np.random.default_rng(0).uniform(5, 9, (20, 2))
    plain = forecast(name, {**panel, "values": x})
    np.testing.assert_allclose(forecast(name, {**panel, "values": 4 * x}), 4 * plain)
    if name != "naive2":  # its seasonal factors multiply
        np.testing.assert_allclose(forecast(name, {**panel, "values": x + 100}), plain + 100)


@every_baseline
def test_no_origin_gives_no_forecast(name: str) -> None:
    none = np.zeros(0, dtype=np.int64)
    result = FORECASTS[name](np.zeros((5, 2)), none, none, HORIZON, SEASON, category_R=np.zeros(9))
    assert result.shape == (0, HORIZON, 2)


# ---------------------------------------------------------------- metrics

every_metric = pytest.mark.parametrize("name", METRICS)


def arguments(name: str, truth: np.ndarray, shift: float) -> list[np.ndarray]:
    """Forecasts of (N, H) truths that lie ``shift`` above them."""
    made = {
        "forecast": truth + shift,
        "scale": np.full(truth.shape[:1], 2.0),
        "quantile_forecasts": np.repeat((truth + shift)[..., None], 3, axis=-1),
        "quantiles": np.array([0.1, 0.5, 0.9]),
        "low": truth + shift - 0.5,
        "high": truth + shift + 0.5,
        "level": np.array(0.8),
        "paths": np.repeat((truth + shift)[..., None], 3, axis=-1),
    }
    return [np.nan_to_num(made[kind]) for kind in METRICS[name].takes]


@pytest.fixture
def truth() -> np.ndarray:
    y = np.random.default_rng(1).uniform(1, 9, (5, 4))
    y[2, 1] = y[4, 3] = math.nan
    return y


@every_metric
def test_a_perfect_forecast_is_best(name: str, truth: np.ndarray) -> None:
    best = {"coverage": 1.0, "width": 1.0, "interval_score": 1.0, "msis": 0.5}  # the interval is 1 wide, the scale 2
    assert METRICS[name](truth, *arguments(name, truth, 0.0)) == pytest.approx(best.get(name, 0.0), abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"width"}))  # how wide an interval is says nothing of its place
def test_a_worse_forecast_scores_worse(name: str, truth: np.ndarray) -> None:
    near, far = (METRICS[name](truth, *arguments(name, truth, shift)) for shift in (0.4, 3.0))
    assert (far < near) if name == "coverage" else (0 < near < far)


@every_metric
def test_what_stands_where_no_truth_is_does_not_matter(name: str, truth: np.ndarray) -> None:
    given_arguments = arguments(name, truth, 1.0)
    spoilt = [array.copy() for array in given_arguments]
    for array in spoilt:
        if array.shape[:2] == truth.shape:
            array[np.isnan(truth)] = math.nan
    assert METRICS[name](truth, *spoilt) == METRICS[name](truth, *given_arguments)


@every_metric
def test_without_any_truth_every_score_is_nan_and_all_points_are_counted(name: str, truth: np.ndarray) -> None:
    empty = np.full_like(truth, math.nan)
    metric, given_arguments = METRICS[name], arguments(name, truth, 1.0)
    assert math.isnan(metric(empty, *given_arguments))
    assert math.isnan(metric.over_series(empty, *given_arguments))
    assert np.isnan(metric.per_series(empty, *given_arguments)).all()
    assert np.isnan(metric.per_step(empty, *given_arguments)).all()
    assert metric.counts(empty, *given_arguments) == (0, truth.size, 0)


@every_metric
def test_the_order_of_series_does_not_matter(name: str, truth: np.ndarray) -> None:
    metric, given_arguments = METRICS[name], arguments(name, truth, 1.0)
    turned = [
        array if kind in ("quantiles", "level") else array[::-1]
        for kind, array in zip(metric.takes, given_arguments, strict=True)
    ]
    assert metric(truth[::-1], *turned) == pytest.approx(metric(truth, *given_arguments), rel=1e-12)
    np.testing.assert_array_equal(
        metric.per_series(truth[::-1], *turned), metric.per_series(truth, *given_arguments)[::-1]
    )


@every_metric
def test_every_metric_says_what_it_is(name: str) -> None:
    assert METRICS[name].name == name
    assert METRICS[name].about


# ---------------------------------------------------------------- the layer


BELOW = {"gatecast.errors", "gatecast.data.html", "gatecast.statistical.naive"}


def test_the_layer_imports_only_numpy_and_what_lies_below() -> None:
    for path in Path(gatecast.evaluation.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                below = name in BELOW or name.startswith("gatecast.evaluation.")
                assert below or name.split(".")[0] in {"numpy", *sys.stdlib_module_names}, f"{path.name}: {name}"
