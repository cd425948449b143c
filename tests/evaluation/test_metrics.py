"""Every metric against plain Python loops over the points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatecast.errors import InputError
from gatecast.evaluation.metrics import (
    METRICS,
    acd,
    coverage,
    crps,
    interval_score,
    mae,
    mape,
    mase,
    mse,
    msis,
    owa,
    pinball,
    rmse,
    rmsse,
    smape,
    width,
    wql,
)
from gatecast.evaluation.scales import mase_scale, rmsse_scale

LEVELS = (0.1, 0.5, 0.9)
LEVEL = 0.8
PATHS = 5
numbers = st.one_of(st.just(0.0), st.floats(-1e3, 1e3).map(lambda x: round(x, 3)))
truths = st.one_of(numbers, st.just(math.nan))


@st.composite
def cases(draw: st.DrawFn) -> dict[str, np.ndarray]:
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 4)))
    scale = draw(arrays(float, shape[:1], elements=st.one_of(st.floats(0.01, 50), st.just(0.0), st.just(math.nan))))
    bounds = draw(arrays(float, (*shape, 2), elements=numbers))
    return {
        "truth": draw(arrays(float, shape, elements=truths)),
        "forecast": draw(arrays(float, shape, elements=numbers)),
        "scale": scale,
        "quantile_forecasts": draw(arrays(float, (*shape, len(LEVELS)), elements=numbers)),
        "quantiles": np.array(LEVELS),
        "low": bounds.min(axis=-1),
        "high": bounds.max(axis=-1),
        "level": np.array(LEVEL),
        "paths": draw(arrays(float, (*shape, PATHS), elements=numbers)),
    }


# ---------------------------------------------------------------- the oracles: (numerator, denominator) of one point


def one_pinball(y: float, f: float, q: float) -> float:
    return q * (y - f) if y >= f else (1 - q) * (f - y)


def absolute_percentage(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    return (100 * abs(y - f) / abs(y), 1) if y != 0 else None


def symmetric(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    return (0.0, 1) if y == 0 and f == 0 else (200 * abs(y - f) / (abs(y) + abs(f)), 1)


def scaled(power: int) -> Callable:
    def term(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
        scale = case["scale"][n]
        return ((abs(y - f) / scale) ** power, 1) if scale > 0 else None

    return term


def quantile_term(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    losses = [one_pinball(y, case["quantile_forecasts"][n, h, i], q) for i, q in enumerate(LEVELS)]
    return sum(losses) / len(losses), 1


def weighted_quantile_term(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    losses = [2 * one_pinball(y, case["quantile_forecasts"][n, h, i], q) for i, q in enumerate(LEVELS)]
    return sum(losses) / len(losses), abs(y)


def inside(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    return (1.0 if case["low"][n, h] <= y <= case["high"][n, h] else 0.0), 1


def interval_size(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    return case["high"][n, h] - case["low"][n, h], 1


def interval_term(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    """M4's numerator as its paper and gluonts' ``msis`` write it: the width, and 2 / alpha of each miss."""
    low, high = float(case["low"][n, h]), float(case["high"][n, h])
    alpha = 1 - LEVEL
    penalty = 2 / alpha * (low - y) * (y < low) + 2 / alpha * (y - high) * (y > high)
    return high - low + penalty, 1


def scaled_interval_term(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    scale = case["scale"][n]
    return (interval_term(y, f, case, n, h)[0] / scale, 1) if scale > 0 else None  # type: ignore[index]


def energy_term(y: float, f: float, case: dict, n: int, h: int) -> tuple[float, float] | None:
    """CRPS of an empirical distribution, every pair of paths on its own."""
    x = [float(path) for path in case["paths"][n, h]]
    to_truth = sum(abs(a - y) for a in x) / len(x)
    apart = sum(abs(a - b) for a in x for b in x) / len(x) ** 2
    return to_truth - apart / 2, 1


TERMS: dict[str, Callable] = {
    "mse": lambda y, f, *_: ((y - f) ** 2, 1),
    "rmse": lambda y, f, *_: ((y - f) ** 2, 1),
    "mae": lambda y, f, *_: (abs(y - f), 1),
    "mape": absolute_percentage,
    "smape": symmetric,
    "mase": scaled(1),
    "rmsse": scaled(2),
    "pinball": quantile_term,
    "wql": weighted_quantile_term,
    "coverage": inside,
    "width": interval_size,
    "interval_score": interval_term,
    "msis": scaled_interval_term,
    "crps": energy_term,
}


def points(name: str, case: dict) -> Iterator[tuple[int, int, tuple[float, float]]]:
    for n in range(case["truth"].shape[0]):
        for h in range(case["truth"].shape[1]):
            y = float(case["truth"][n, h])
            term = None if math.isnan(y) else TERMS[name](y, float(case["forecast"][n, h]), case, n, h)
            if term is not None:
                yield n, h, term


def total(name: str, terms: list[tuple[float, float]]) -> float:
    weight = sum(w for _, w in terms)
    if weight == 0:
        return math.nan
    value = sum(v for v, _ in terms) / weight
    return math.sqrt(value) if name in ("rmse", "rmsse") else value


def same(left: object, right: object) -> None:
    np.testing.assert_allclose(np.asarray(left, float), np.asarray(right, float), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_all_aggregations_equal_the_loops(name: str, case: dict[str, np.ndarray]) -> None:
    metric = METRICS[name]
    arguments = (case["truth"], *(case[kind] for kind in metric.takes))
    rows, steps = case["truth"].shape
    scored = list(points(name, case))
    per_series = [total(name, [t for n, _, t in scored if n == row]) for row in range(rows)]
    defined = [s for s in per_series if not math.isnan(s)]

    same(metric(*arguments), total(name, [t for _, _, t in scored]))
    same(metric.per_series(*arguments), per_series)
    same(metric.per_step(*arguments), [total(name, [t for _, h, t in scored if h == step]) for step in range(steps)])
    same(metric.over_series(*arguments), sum(defined) / len(defined) if defined else math.nan)
    missing = int(np.isnan(case["truth"]).sum())
    assert metric.counts(*arguments) == (len(scored), missing, rows * steps - missing - len(scored))


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=10, deadline=None)
@given(case=cases())
def test_steps_may_lie_on_any_axis(name: str, case: dict[str, np.ndarray]) -> None:
    metric = METRICS[name]
    flat = metric.per_series(case["truth"], *(case[kind] for kind in metric.takes))

    def in_columns(kind: str) -> np.ndarray:
        value = case[kind]  # (N, H) -> (1, H, N): the series become target columns
        if kind in ("quantiles", "level"):
            return value
        return value[None] if kind == "scale" else np.moveaxis(value, 0, 1)[None]

    columns = metric.per_series(in_columns("truth"), *(in_columns(kind) for kind in metric.takes), step_axis=1)
    same(columns, flat[None])


def test_known_values() -> None:
    y, f = [100.0, 200.0], [110.0, 180.0]
    assert mse(y, f) == 250
    assert rmse(y, f) == pytest.approx(math.sqrt(250))
    assert mae(y, f) == 15
    assert mape(y, f) == pytest.approx(10)
    assert smape(y, f) == pytest.approx(100 * (10 / 210 + 20 / 380))
    assert mase(y, f, 5.0) == 3
    assert rmsse(y, f, 5.0) == pytest.approx(math.sqrt(10))
    assert pinball([10.0], [[8.0]], [0.9]) == pytest.approx(1.8)  # no factor 2
    assert wql([10.0], [[8.0]], [0.9]) == pytest.approx(0.36)
    assert coverage(y, [90.0, 190.0], [100.0, 195.0]) == 0.5  # a bound belongs to the interval
    assert width(y, [90.0, 190.0], [100.0, 195.0]) == 7.5
    # 10 wide and hit; 5 wide and missed by 5 at alpha 0.2, ten times the miss more
    assert interval_score(y, [90.0, 190.0], [100.0, 195.0], 0.8) == pytest.approx((10 + 55) / 2)
    assert msis(y, [90.0, 190.0], [100.0, 195.0], 0.8, 5.0) == pytest.approx(6.5)
    assert crps([0.0], [[-1.0, 1.0]]) == 0.5
    assert [acd(0.85, 0.8), acd(0.75, 0.8)] == pytest.approx([0.05, 0.05])


def test_crps_of_one_path_is_the_absolute_error_and_of_many_that_of_the_distribution() -> None:
    assert crps([1.0, 5.0], [[3.0], [4.0]]) == 1.5
    normal = np.random.default_rng(0).normal(size=(1, 200_000))
    # CRPS of a standard normal at 0: (sqrt(2) - 1) / sqrt(pi)  (Gneiting & Raftery 2007, 4.2)
    assert crps([0.0], normal) == pytest.approx((math.sqrt(2) - 1) / math.sqrt(math.pi), abs=2e-3)


def test_float32_forecasts_are_widened_and_not_rounded_further() -> None:
    random = np.random.default_rng(1)
    y, f_Q = random.normal(size=(3, 4)), random.normal(size=(3, 4, 3)).astype(np.float32)
    wide = f_Q.astype(np.float64)
    assert pinball(y, f_Q, LEVELS) == pinball(y, wide, LEVELS)
    assert wql(y, f_Q, LEVELS) == wql(y, wide, LEVELS)
    bounds = (f_Q[..., 0], f_Q[..., 2])
    assert coverage(y, *bounds) == coverage(y, *(b.astype(np.float64) for b in bounds))
    assert width(y, *bounds) == width(y, *(b.astype(np.float64) for b in bounds))
    assert interval_score(y, *bounds, 0.8) == interval_score(y, *(b.astype(np.float64) for b in bounds), 0.8)
    assert mae(y, f_Q[..., 0]) == mae(y, wide[..., 0])
    assert smape(y, f_Q[..., 0]) == smape(y, wide[..., 0])


def test_smape_of_zero_and_zero_counts_zero() -> None:
    assert smape([0.0, 1.0], [0.0, 1.0]) == 0
    assert smape([0.0], [1.0]) == 200


def test_undefined_scores_are_nan_and_counted() -> None:
    assert math.isnan(mape([0.0], [1.0]))
    assert math.isnan(mase([[1.0]], [[1.0]], [0.0]))
    assert math.isnan(wql([0.0], [[1.0]], [0.5]))
    assert math.isnan(mae([math.nan], [1.0]))
    assert mase.counts([[1.0, math.nan], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]], [0.0, 2.0]) == (2, 1, 1)


def test_a_missing_forecast_is_never_ignored() -> None:
    assert math.isnan(mae([1.0, 2.0], [1.0, math.nan]))
    assert math.isnan(mae.over_series([[1.0], [2.0]], [[1.0], [math.nan]]))
    assert math.isnan(coverage([1.0, 2.0], [0.0, math.nan], [3.0, 3.0]))
    assert math.isnan(coverage([1.0, 2.0], [0.0, 0.0], [3.0, math.nan]))
    assert mae([1.0, math.nan], [2.0, math.nan]) == 1


def test_owa_is_one_for_naive2_and_nan_without_its_error() -> None:
    assert owa(9.161, 2.777, 9.161, 2.777) == 1
    assert owa(10.0, 1.0, 20.0, 4.0) == 0.375
    assert math.isnan(owa(1.0, 1.0, 0.0, 1.0))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("mae", ([1.0, 2.0], [1.0]), "forecast has shape"),
        ("mae", ([1.0],), "mae takes the truth and forecast; 1 were given"),
        ("mase", ([[1.0]], [[1.0]], [1.0, 2.0]), "scale has shape"),
        ("pinball", ([1.0], [[1.0, 2.0]], [0.5]), "2 quantile forecasts for 1 levels"),
        ("wql", ([1.0], [[1.0]], [1.5]), "levels between 0 and 1"),
        ("wql", ([1.0], [1.0], [0.5]), "one more axis"),
        ("crps", ([1.0], [1.0]), "one more axis for the paths"),
        ("msis", ([1.0], [1.0], [1.0], 95, 1.0), "one number between 0 and 1"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name: str, arguments: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        METRICS[name](*arguments)


@st.composite
def buffers(draw: st.DrawFn) -> tuple[np.ndarray, list[int], list[int], int]:
    rows = draw(st.integers(0, 12))
    values = draw(arrays(float, (rows, draw(st.integers(1, 2))), elements=truths))
    first = draw(st.lists(st.integers(0, rows), max_size=4))
    return values, first, [draw(st.integers(0, rows - at)) for at in first], draw(st.integers(1, 5))


@settings(max_examples=60, deadline=None)
@given(case=buffers())
def test_scales_equal_the_loops(case: tuple[np.ndarray, list[int], list[int], int]) -> None:
    values, first, length, m = case
    for function, power in ((mase_scale, 1), (rmsse_scale, 2)):
        expected = np.full((len(first), values.shape[1]), math.nan)
        for n, (at, count) in enumerate(zip(first, length, strict=True)):
            for c in range(values.shape[1]):
                x = [float(v) for v in values[at : at + count, c]]
                pairs = [abs(x[t] - x[t - m]) ** power for t in range(m, count)]
                pairs = [p for p in pairs if not math.isnan(p)]
                if pairs:
                    expected[n, c] = (sum(pairs) / len(pairs)) ** (1 / power)
        same(function(values, first, length, m), expected)


def test_scales_refuse_what_is_outside() -> None:
    with pytest.raises(InputError, match="ends at row 5"):
        mase_scale(np.zeros((3, 1)), [2], [3], 1)
    with pytest.raises(InputError, match="at least 1"):
        mase_scale(np.zeros((3, 1)), [0], [3], 0)


def test_a_huge_neighbour_does_not_blur_a_scale() -> None:
    values = np.array([[1e17], [-1e17], [1.0], [1.5], [2.0]])
    assert mase_scale(values, [2], [3], 1)[0, 0] == 0.5
