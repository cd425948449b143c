"""The base of a forecast against plain loops over origins and steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.base import MOST_SELECTED, base_at, category_table, median_of
from gatecast.data.panel import Panel
from gatecast.data.scaling import Scaling

PanelOf = Callable[..., Panel]


def seasonal_base(values: list[float], origin: int, step: int, season: int, depth: int) -> float:
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


def in_a_panel(panel_of: PanelOf, series: list[list[float]]) -> tuple[Panel, np.ndarray]:
    panel = panel_of([np.array(values) for values in series], dtype=np.float64)
    return panel, panel.target_RC


Series = st.lists(st.lists(st.integers(-99, 99).map(float), min_size=1, max_size=14), min_size=1, max_size=3)


@settings(max_examples=80, deadline=None)
@given(Series, st.integers(1, 5), st.integers(1, 6), st.integers(1, 4))
def test_seasonal_base(panel_of: PanelOf, series: list[list[float]], season: int, horizon: int, depth: int) -> None:
    panel, u_RC = in_a_panel(panel_of, series)
    scaling = Scaling(base="seasonal", season=season, depth=depth)
    for n, values in enumerate(series):
        origin_BK = panel.first[n] + np.arange(len(values)).reshape(-1, 1)
        first_B1 = np.full_like(origin_BK, panel.first[n])
        base_BKHC = base_at(u_RC, first_B1, origin_BK, horizon, scaling, u_RC, u_RC)
        expected = [
            [seasonal_base(values, o, h, season, depth) for h in range(1, horizon + 1)] for o in range(len(values))
        ]
        assert base_BKHC[:, 0, :, 0].tolist() == expected


@settings(max_examples=80, deadline=None)
@given(Series, st.integers(1, 3), st.integers(1, 4), st.integers(0, 10**6))
def test_category_base(panel_of: PanelOf, series: list[list[float]], groups: int, depth: int, seed: int) -> None:
    panel, u_RC = in_a_panel(panel_of, series)
    kind_R = np.random.default_rng(seed).integers(0, groups, len(u_RC))
    table = category_table(u_RC, panel.first, panel.length, kind_R, groups, depth)
    scaling = Scaling(base="category", category="kind", depth=depth)
    for n, values in enumerate(series):
        first, count = int(panel.first[n]), len(values)
        for origin in range(count - 1):
            horizon = count - 1 - origin
            rows = np.array([[first + origin]])
            base = base_at(u_RC, np.array([[first]]), rows, horizon, scaling, table, kind_R)[0, 0, :, 0]
            kinds = kind_R[first : first + count].tolist()
            expected = [usual_value(values, kinds, origin, kinds[origin + h], depth) for h in range(1, horizon + 1)]
            assert base.tolist() == expected


def test_last_base_is_the_last_value_at_every_step(panel_of: PanelOf) -> None:
    panel, u_RC = in_a_panel(panel_of, [[1, 2, 3], [4, 5]])
    base = base_at(u_RC, panel.first[:, None], np.array([[1, 2], [3, 4]]), 3, Scaling(base="last"), u_RC, u_RC)
    assert base[..., 0].tolist() == [[[2, 2, 2], [3, 3, 3]], [[4, 4, 4], [5, 5, 5]]]


@pytest.mark.parametrize("depth", [2, 3])
def test_one_odd_value_does_not_move_a_median(panel_of: PanelOf, depth: int) -> None:
    panel, u_RC = in_a_panel(panel_of, [[10, 1, 10, 1, 10, 1, 999, 1]])
    base = base_at(
        u_RC, panel.first[:, None], np.array([[7]]), 2, Scaling(base="seasonal", season=2, depth=depth), u_RC, u_RC
    )
    assert base[0, 0, :, 0].tolist() == [10.0 if depth == 3 else 504.5, 1.0]


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
