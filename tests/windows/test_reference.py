"""What forecasts are measured from against plain loops over origins and steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.windows.reference import Category, LastValue, Reference, Seasonal
from gatecast.windows.references.seasonal import MOST_SELECTED, median_of
from gatecast.windows.scaling import Scaling
from gatecast.windows.targets import TargetRows

PanelOf = Callable[..., Panel]


def seasonal_value(values: list[float], origin: int, step: int, season: int, depth: int) -> float:
    """The slow way: walk back by seasons from the target until at or before the origin, then on for more seasons."""
    row = origin + step
    while row > origin:
        row -= season
    if row < 0:
        row = origin
    found = [values[row]]
    while len(found) < depth:
        if row - season >= 0:
            row -= season
        found.append(values[row])
    return float(np.median(found))


def usual_value(values: list[float], kinds: list[int], origin: int, kind: int, depth: int) -> float:
    """The slow way: the last values of one category up to the origin; the first stands in for missing ones."""
    same = [value for value, k in zip(values[: origin + 1], kinds, strict=False) if k == kind]
    if not same:
        return values[origin]
    return float(np.median(([same[0]] * depth + same)[-depth:]))


def at(reference: Reference, panel: Panel, n: int, origins: list[int], horizon: int) -> list[list[float]]:
    """(K, H) of the first target of one series; origins count from its first row."""
    bound = reference.bind(panel, TargetRows(panel, Scaling()))
    origin_1K = panel.first[n] + np.array([origins])
    return bound.at(np.array([n]), panel.first[n : n + 1, None], origin_1K, horizon)[0, :, :, 0].tolist()


Series = st.lists(st.lists(st.integers(-99, 99).map(float), min_size=1, max_size=14), min_size=1, max_size=3)


@settings(max_examples=80, deadline=None)
@given(Series, st.integers(1, 5), st.integers(1, 6), st.integers(1, 4))
def test_seasonal(panel_of: PanelOf, series: list[list[float]], season: int, horizon: int, depth: int) -> None:
    panel = panel_of([np.array(values) for values in series], dtype=np.float64)
    for n, values in enumerate(series):
        origins = list(range(len(values)))
        expected = [[seasonal_value(values, o, h, season, depth) for h in range(1, horizon + 1)] for o in origins]
        assert at(Seasonal(season, depth), panel, n, origins, horizon) == expected


@settings(max_examples=80, deadline=None)
@given(Series, st.integers(1, 3), st.integers(1, 4), st.integers(0, 10**6))
def test_category(panel_of: PanelOf, series: list[list[float]], groups: int, depth: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = [rng.integers(0, groups, len(values)) for values in series]
    tables = [np.column_stack([values, np.eye(groups)[kind]]) for values, kind in zip(series, kinds, strict=True)]
    schema = Schema(("y",), future=(Column("kind", ("a", "b", "c")[:groups]),))
    panel = panel_of(tables, schema, dtype=np.float64)
    for n, values in enumerate(series):
        of = kinds[n].tolist()
        for origin in range(len(values) - 1):
            horizon = len(values) - 1 - origin
            expected = [usual_value(values, of, origin, of[origin + h], depth) for h in range(1, horizon + 1)]
            assert at(Category("kind", depth), panel, n, [origin], horizon) == [expected]


def test_the_last_value_is_that_at_every_step(panel_of: PanelOf) -> None:
    panel = panel_of([[1, 2, 3], [4, 5]])
    assert at(LastValue(), panel, 0, [1, 2], 3) == [[2, 2, 2], [3, 3, 3]]
    assert at(LastValue(), panel, 1, [0, 1], 3) == [[4, 4, 4], [5, 5, 5]]


@pytest.mark.parametrize("depth", [2, 3])
def test_one_odd_value_does_not_move_a_median(panel_of: PanelOf, depth: int) -> None:
    panel = panel_of([[10, 1, 10, 1, 10, 1, 999, 1]])
    assert at(Seasonal(2, depth), panel, 0, [7], 2) == [[10.0 if depth == 3 else 504.5, 1.0]]


@pytest.mark.parametrize("count", [*range(1, 12), MOST_SELECTED, MOST_SELECTED + 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_median_is_that_of_numpy_to_the_last_bit(count: int, dtype: type) -> None:
    rng = np.random.default_rng(count)
    many: np.ndarray = np.concatenate([rng.normal(size=(count, 300)), rng.integers(1, 4, (count, 300))], axis=1)
    many = many.astype(dtype)
    many[rng.random(many.shape) < 0.1 / count] = np.nan
    before = many.copy()
    found = median_of(list(many))
    assert found.dtype == dtype
    assert found.tobytes() == np.median(many, axis=0).tobytes()
    np.testing.assert_array_equal(many, before)
