"""Windows are numbers: located by arithmetic, counted as the reference systems count them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.errors import WindowError
from gatecast.windows.index import WindowIndex, last_origins, require_steps, windows_between
from gatecast.windows.spans import Spans

PanelOf = Callable[..., Panel]
Lengths = st.lists(st.integers(1, 12), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(Lengths, st.integers(1, 6), st.integers(1, 4))
def test_locate_is_plain_enumeration(panel_of: PanelOf, lengths: list[int], lookback: int, horizon: int) -> None:
    panel = panel_of([np.zeros(T) for T in lengths])
    index = windows_between(panel.first + lookback - 1, panel.stop - 1 - horizon)
    expected = [
        (n, int(panel.first[n]) + origin)
        for n, T in enumerate(lengths)
        for origin in range(T)
        if origin + 1 >= lookback and origin + horizon < T
    ]
    assert len(index) == len(expected)
    series_B, origin_B = index.locate(np.arange(len(index)))
    assert list(zip(series_B.tolist(), origin_B.tolist(), strict=True)) == expected


@settings(max_examples=40, deadline=None)
@given(Lengths, st.integers(1, 8), st.integers(1, 3), st.data())
def test_tail_windows_have_all_their_targets_behind_the_cut(
    panel_of: PanelOf, lengths: list[int], lookback: int, horizon: int, data: st.DataObject
) -> None:
    panel = panel_of([np.zeros(T) for T in lengths])
    cut = np.array([data.draw(st.integers(1, T)) for T in lengths])
    padded = data.draw(st.booleans())
    spans = Spans(lookback, horizon, padded, least=min(lookback, 3))
    real = min(lookback, 3) if padded else lookback
    expected = [
        (n, int(panel.first[n]) + origin)
        for n, T in enumerate(lengths)
        for origin in range(T)
        if origin + 1 >= real and origin + 1 >= cut[n] and origin + horizon < T
    ]
    tail = spans.tail_windows(panel, cut)
    series_B, origin_B = tail.locate(np.arange(len(tail)))
    assert list(zip(series_B.tolist(), origin_B.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("steps", "lookback", "count"),
    [(720, 4, 716), (80, 4, 76), (96, 1, 95), (48, 1, 47), (1000, 50, 950)],
    ids=["noisy-sine train", "noisy-sine test", "airline train", "airline test", "sine"],
)
def test_window_counts_of_the_reference_systems(panel_of: PanelOf, steps: int, lookback: int, count: int) -> None:
    panel = panel_of([np.zeros(steps)])
    assert len(Spans(lookback, 1, padded=False).all_windows(panel)) == count


def test_a_million_windows_take_no_memory() -> None:
    low = np.array([9, 700_000])
    tracemalloc.start()
    index = windows_between(low, low + 499_999)
    series_B, origin_B = index.locate(np.array([0, 499_999, 500_000, 999_999]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(index) == 1_000_000
    assert series_B.tolist() == [0, 0, 1, 1]
    assert origin_B.tolist() == [9, 500_008, 700_000, 1_199_999]
    assert peak < 50_000


def test_a_panel_without_series_has_no_windows() -> None:
    none = np.zeros(0, np.int64)
    assert len(WindowIndex(none, none)) == 0


def test_last_origins_end_one_horizon_before_the_end(panel_of: PanelOf) -> None:
    panel = panel_of([np.zeros(20), np.zeros(30)])
    assert last_origins(panel, horizon=4, origins=3, stride=2).tolist() == [[11, 13, 15], [41, 43, 45]]


def test_too_short_series_are_told_all_at_once(panel_of: PanelOf) -> None:
    panel = panel_of([np.zeros(5), np.zeros(9), np.zeros(4)])
    require_steps(panel, 3, 1)
    with pytest.raises(WindowError) as told:
        require_steps(panel, 4, 3)
    assert str(told.value) == (
        "series 's2' has 4 steps; lookback 4 + horizon 3 needs 7. "
        "Use lookback <= 1 or panel.drop_short(7). ('s0', 's2': 2 of 3 series affected.)"
    )


@pytest.mark.parametrize(
    ("lookback", "horizon", "words"),
    [
        (4, 0, "lookback 4 needs 4. Use lookback <= 3 or more history."),
        (2, 5, "lookback 2 + horizon 5 needs 7. Use horizon < 3 or more history."),
    ],
)
def test_remedies_fit_the_series(panel_of: PanelOf, lookback: int, horizon: int, words: str) -> None:
    with pytest.raises(WindowError, match=words.replace("+", r"\+")):
        require_steps(panel_of([np.zeros(3)]), lookback, horizon)
