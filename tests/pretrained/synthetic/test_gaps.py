"""Missing values in made-up series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.pretrained.synthetic import with_gaps


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**40), index=st.integers(0, 1000), count=st.integers(1, 60), steps=st.integers(3, 200))
def test_ends_are_there_and_most_values_too(seed: int, index: int, count: int, steps: int) -> None:
    values_BT = np.random.default_rng(0).standard_normal((count, steps))
    before_BT = values_BT.copy()
    gappy_BT = with_gaps(seed, index, values_BT)
    missing_BT = np.isnan(gappy_BT)
    np.testing.assert_array_equal(values_BT, before_BT)
    np.testing.assert_array_equal(gappy_BT[~missing_BT], values_BT[~missing_BT])
    assert not missing_BT[:, [0, 1, -1]].any()
    assert (missing_BT.sum(axis=1) <= 0.4 * steps).all()


@pytest.mark.parametrize("steps", [30, 400])
def test_about_a_fifth_has_gaps_of_all_kinds(steps: int) -> None:
    missing_BT = np.isnan(with_gaps(1, 2, np.zeros((2000, steps))))
    gappy_BT = missing_BT[missing_BT.any(axis=1)]
    assert 0.15 < len(gappy_BT) / 2000 < 0.22
    weekly_B = (gappy_BT[:, 9:-1] == gappy_BT[:, 2:-8]).all(axis=1)
    assert 0.08 < (weekly_B & (gappy_BT.sum(axis=1) > 2)).mean() < 0.3
    assert (gappy_BT.sum(axis=1) == 1).any()


def test_gaps_are_a_function_of_seed_and_index() -> None:
    values_BT = np.random.default_rng(0).standard_normal((50, 80))
    np.testing.assert_array_equal(with_gaps(1, 2, values_BT), with_gaps(1, 2, values_BT))
    assert not np.array_equal(with_gaps(1, 2, values_BT), with_gaps(1, 3, values_BT), equal_nan=True)
    whole = with_gaps(1, 2, np.arange(4000.0).reshape(50, 80))
    assert whole.dtype == np.float64
