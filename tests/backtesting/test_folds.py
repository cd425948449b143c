"""Folds: each origin is served once, and no training reaches behind its first origin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.backtesting.folds import (
    Fold,
    long_enough,
    make_folds,
    origins_within_half,
    require_rolling,
    stride_that_fits,
    training_panel,
)
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, WindowError
from gatecast.windows.index import last_origins

PanelOf = Callable[..., Panel]


@given(st.integers(1, 30), st.one_of(st.booleans(), st.integers(1, 40)))
def test_every_origin_is_in_one_fold(origins: int, refit: bool | int) -> None:
    folds = make_folds(origins, refit)
    assert [fold.number for fold in folds] == list(range(len(folds)))
    assert [o for fold in folds for o in range(fold.begin, fold.end)] == list(range(origins))
    assert [np.arange(origins)[fold.origins].tolist() for fold in folds] == [
        list(range(fold.begin, fold.end)) for fold in folds
    ]
    size = origins if refit is False else int(refit)
    assert all(fold.end - fold.begin == size for fold in folds[:-1])


def test_the_words_for_once_and_always() -> None:
    assert make_folds(3, False) == [Fold(0, 0, 3)]
    assert make_folds(3, True) == make_folds(3, 1) == [Fold(0, 0, 1), Fold(1, 1, 2), Fold(2, 2, 3)]
    with pytest.raises(ConfigError, match="refit must be False, True or a number of origins, at least 1; got 0"):
        make_folds(3, 0)


@pytest.mark.parametrize("window", ["expanding", "sliding"])
def test_training_ends_with_the_first_origin_of_its_fold(panel_of: PanelOf, window: str) -> None:
    panel = panel_of([np.arange(40.0), 100 + np.arange(31.0)])
    origin_NO = last_origins(panel, 3, 5, 4)
    lengths = []
    for fold in make_folds(5, 2):
        train = training_panel(panel, origin_NO, fold, window)
        assert train.values_RV is panel.values_RV, "nothing is copied"
        np.testing.assert_array_equal(train.stop - 1, origin_NO[:, fold.begin])
        # 40 steps: the last origin is row 36, the first one 16 before it; the values are the row numbers
        assert train.series(0)[-1, 0] == 20 + 8 * fold.number
        assert train.series(1)[-1, 0] == 111 + 8 * fold.number
        np.testing.assert_array_equal(train.frequency.advance(train.starts, 0), 1 + train.first - panel.first)
        lengths.append(train.length.tolist())
    grown = [[21, 12], [29, 20], [37, 28]]
    assert lengths == (grown if window == "expanding" else [grown[0]] * 3)


@given(st.integers(3, 300), st.integers(1, 24), st.integers(1, 60))
def test_origins_a_stride_apart_take_half_of_a_series_at_most(steps: int, horizon: int, origins: int) -> None:
    panel = _panel(steps)
    stride = stride_that_fits(panel.length, horizon, origins)
    assert 1 <= stride <= horizon
    held = horizon + (origins - 1) * stride
    assert held <= steps // 2 or stride == 1, "more than half is taken only where no stride is smaller"
    if stride < horizon and origins > 1:
        assert held + origins - 1 > steps // 2, "one step more apart would take more than half"


@given(st.integers(3, 300), st.integers(1, 24), st.integers(1, 20))
def test_as_many_origins_as_half_of_a_series_has_room_for(steps: int, horizon: int, most: int) -> None:
    count = origins_within_half(_panel(steps), horizon, most)
    assert 1 <= count <= most
    assert horizon + count - 1 <= steps // 2 or count == 1
    assert count == most or horizon + count > steps // 2


def _panel(steps: int) -> Panel:
    from gatecast.data.frequency import Frequency
    from gatecast.data.schema import Schema

    return Panel(
        np.zeros((steps, 1), np.float32), np.zeros(1, np.int64), np.array([steps]), ("y",), np.ones(1, np.int64),
        Frequency("step"), Schema(("y",)), np.zeros((1, 0), np.float32),
    )  # fmt: skip


def test_a_typical_series_decides_the_stride(panel_of: PanelOf) -> None:
    lengths = [20, 100, 100, 1000]
    assert stride_that_fits(np.array(lengths), 12, 8) == (50 - 12) // 7


def test_series_without_two_steps_before_the_first_origin_are_dropped(panel_of: PanelOf) -> None:
    panel = panel_of([np.arange(n) for n in (13, 12, 11, 30)])
    kept = long_enough(panel, 3, 4, 2)  # 3 + 3 * 2 steps are held out
    assert kept.ids == ("s0", "s1", "s2", "s3")
    kept = long_enough(panel, 4, 4, 2)
    assert kept.ids == ("s0", "s1", "s3")
    assert (last_origins(kept, 4, 4, 2)[:, 0] >= kept.first + 1).all()
    with pytest.raises(WindowError, match="no series has more than 38 steps, which 4 origins of 4 steps, 11 apart"):
        long_enough(panel, 4, 4, 11)


@pytest.mark.parametrize(
    ("origins", "stride", "window", "words"),
    [
        (0, None, "sliding", "origins must be at least 1; got 0"),
        (1, 0, "sliding", "stride must be at least 1; got 0"),
        ("3", 1, "sliding", "origins must be at least 1, a whole number; got '3'"),
        (1, 1.5, "sliding", "stride must be at least 1, a whole number; got 1.5"),
        (1, 1, "slidin", r"window='slidin' is unknown \(did you mean 'sliding'\?\)"),
    ],
)
def test_settings_out_of_range_are_told(origins: Any, stride: Any, window: str, words: str) -> None:
    require_rolling(1, 1, "expanding")
    with pytest.raises(ConfigError, match=words):
        require_rolling(origins, stride, window)
