"""Exponential smoothing at every row: against a plain loop, causal, exact where it has to be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from gatecast.nn.threads import kernels_use
from gatecast.windows import smoothing
from gatecast.windows.smoothing import FEW_READS, Smoothed, SmoothedAsRead, Start


def smoothed(u_RC: np.ndarray, first: np.ndarray, length: np.ndarray, *gains: Any) -> Smoothed:
    """All series."""
    return SmoothedAsRead(u_RC, first, length, *gains).of(np.arange(len(first)))


def plain(u: np.ndarray, m: int, alpha: float, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """One series, step by step."""
    level, season = np.zeros(len(u)), np.zeros(len(u))
    for t in range(len(u)):
        if t < m:
            level[t] = u[: t + 1].mean()
            if t + 1 == m and m > 1:
                season[:m] = u[:m] - level[t]
            continue
        error = u[t] - level[t - 1] - (season[t - m] if m > 1 else 0)
        level[t] = level[t - 1] + max(alpha, 1 / (t + 2)) * error
        if m > 1:
            season[t] = season[t - m] + max(gamma, 1 / (t // m + 1)) * (1 - alpha) * error
    return level, season


@pytest.mark.parametrize("season", [1, 4, 12])
def test_all_series_at_once_are_each_one_alone(season: int) -> None:
    rng = np.random.default_rng(0)
    length = np.array([30, 3, 50, 12, 1, 30])
    first = np.cumsum(length) - length + 2  # rows that belong to nobody lie before
    u_RC = rng.normal(size=(length.sum() + 2, 2)).cumsum(axis=0)
    found = smoothed(u_RC, first, length, season, 0.3, 0.2)
    for begin, steps in zip(first, length, strict=True):
        for c in range(2):
            level, seasons = plain(u_RC[begin : begin + steps, c], season, 0.3, 0.2)
            np.testing.assert_allclose(found.level_RC[begin : begin + steps, c], level)
            np.testing.assert_allclose(found.season_RC[begin : begin + steps, c], seasons)
    assert not found.level_RC[:2].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("season", "columns"), [(1, 1), (4, 2), (12, 1), (52, 3)])
@pytest.mark.parametrize("threads", [1, 3])
def test_kernels_give_the_bits_of_numpy(
    dtype: type, season: int, columns: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoothing, "VALUES_PER_THREAD", 100)
    rng = np.random.default_rng(season)
    length = rng.integers(1, 9 * season + 300, 30)
    first = np.cumsum(length + 3) - length
    u_RC = rng.lognormal(size=(int(length.sum()) + 90, columns)).astype(dtype)
    u_RC[rng.random(u_RC.shape) < 0.2] = 0
    u_RC[first[0] : first[0] + 2] = np.nan  # before a first value
    u_RC[first[-1] + 5 :] = 0  # the level falls below the normal numbers of float32
    order = rng.permutation(30)
    with kernels_use(threads):
        found = smoothed(u_RC, first[order], length[order], season, 0.3, 0.2)
    monkeypatch.setattr(smoothing, "load", lambda: None)
    expected = smoothed(u_RC, first[order], length[order], season, 0.3, 0.2)
    assert found.level_RC.dtype == dtype
    assert found.level_RC.tobytes() == expected.level_RC.tobytes()
    assert found.season_RC.tobytes() == expected.season_RC.tobytes()


def test_rows_do_not_depend_on_what_comes_later() -> None:
    rng = np.random.default_rng(1)
    u_RC = rng.normal(size=(40, 1))
    other = u_RC.copy()
    other[25:] += 100
    a, b = (smoothed(v, np.array([0]), np.array([40]), 6, 0.5, 0.5) for v in (u_RC, other))
    np.testing.assert_array_equal(a.level_RC[:25], b.level_RC[:25])
    np.testing.assert_array_equal(a.season_RC[:25], b.season_RC[:25])
    assert (a.level_RC[25:] != b.level_RC[25:]).all()


def test_a_level_with_a_season_is_forecast_exactly() -> None:
    t = np.arange(48)
    pattern = np.array([3.0, -1.0, 0.0, -2.0])
    u_RC = (10 + pattern[t % 4])[:, None]
    found = smoothed(u_RC, np.array([0]), np.array([48]), 4, 0.4, 0.1)
    for origin in range(3, 43):
        forecast = found.level_RC[origin, 0] + found.season_RC[origin + 1 - 4 : origin + 1, 0]
        np.testing.assert_allclose(forecast, u_RC[origin + 1 : origin + 5, 0], atol=1e-12)


@pytest.mark.parametrize("season", [1, 5])
def test_groups_of_series_give_the_same(season: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    length = rng.integers(1, 30, 12)
    first = np.cumsum(length) - length
    u_RC = rng.normal(size=(length.sum(), 1)).astype(np.float32)
    whole = smoothed(u_RC, first, length, season, 0.3, 0.2)
    monkeypatch.setattr("gatecast.data.rows.ROWS_AT_ONCE", 40)
    parts = smoothed(u_RC, first, length, season, 0.3, 0.2)
    assert whole.level_RC.dtype == whole.season_RC.dtype == np.float32
    np.testing.assert_array_equal(parts.level_RC, whole.level_RC)
    np.testing.assert_array_equal(parts.season_RC, whole.season_RC)


def test_a_constant_has_itself_as_level_and_no_season() -> None:
    u_RC = np.full((500, 1), 0.1, np.float32)
    found = smoothed(u_RC, np.array([0]), np.array([500]), 168, 0.3, 0.2)
    assert (found.level_RC == u_RC).all()
    assert not found.season_RC.any()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, first rows and lengths of forty series, which count as many."""
    monkeypatch.setattr(smoothing, "ROWS_AT_ONCE", 100)
    monkeypatch.setattr(smoothing, "LARGE_BYTES", 1)
    length = np.random.default_rng(0).integers(1, 30, 40)
    return np.random.default_rng(1).normal(size=(length.sum(), 2)), np.cumsum(length) - length, length


def test_of_a_large_panel_what_is_read_is_smoothed(large: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    _, first, length = large
    whole, read = smoothed(*large, 4, 0.3, 0.2), SmoothedAsRead(*large, 4, 0.3, 0.2)
    for series in ([3, 5, 3], [5], [0, 39], []):
        found = read.of(np.array(series, np.int64))
        for n in series:
            rows = slice(first[n], first[n] + length[n])
            assert (found.level_RC[rows] == whole.level_RC[rows]).all()
            assert (found.season_RC[rows] == whole.season_RC[rows]).all()
    assert not found.level_RC[first[7] : first[7] + length[7]].any(), "nobody has asked for it"


def test_who_reads_on_gets_all_series(
    large: tuple[np.ndarray, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, read = smoothed(*large, 4, 0.3, 0.2), SmoothedAsRead(*large, 4, 0.3, 0.2)
    calls, fill = [], SmoothedAsRead._fill

    def counted(self: SmoothedAsRead, series: np.ndarray) -> None:
        calls.append(len(series))
        fill(self, series)

    monkeypatch.setattr(SmoothedAsRead, "_fill", counted)
    for n in range(FEW_READS + 1):
        read.of(np.array([n]))
    assert calls == [1] * FEW_READS + [40 - FEW_READS]
    found = read.of(np.arange(40))
    assert len(calls) == FEW_READS + 1
    assert (found.level_RC == whole.level_RC).all()
    assert (found.season_RC == whole.season_RC).all()


def test_threads_that_read_at_once_find_what_they_asked_for(large: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    _, first, length = large
    whole = smoothed(*large, 4, 0.3, 0.2)
    for _ in range(5):
        read = SmoothedAsRead(*large, 4, 0.3, 0.2)

        def right(n: int, read: SmoothedAsRead = read) -> bool:
            rows = slice(first[n], first[n] + length[n])
            return bool((read.of(np.array([n])).level_RC[rows] == whole.level_RC[rows]).all())

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(right, [*range(40), *range(40)]))


@pytest.mark.parametrize("large_bytes", [1, 1 << 30])
def test_unwritten_is_zeros_to_write_into(large_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing, "LARGE_BYTES", large_bytes)
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        buffer = smoothing._unwritten((1000, 3), dtype)
        assert buffer.shape == (1000, 3)
        assert buffer.dtype == dtype
        assert not buffer.any()
        buffer[7] = 1
        assert buffer.sum() == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("season", [1, 4, 12])
@pytest.mark.parametrize("compiled", [True, False])
def test_a_series_that_goes_on_has_the_bits_of_the_whole_one(
    dtype: type, season: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of five series one begins, the others have lost some rows: less than a season, or many."""
    if not compiled:
        monkeypatch.setattr(smoothing, "load", lambda: None)
    rng = np.random.default_rng(season)
    length, lost = np.array([60, 90, 70, 200, 60]), np.array([0, 1, 2 * season, 101, season])
    first = np.cumsum(length) - length
    u_RC = rng.normal(size=(length.sum(), 2)).cumsum(axis=0).astype(dtype)
    whole = smoothed(u_RC, first, length, season, 0.3, 0.2)
    row_NM = (first + lost)[:, None] + np.arange(season)
    start = Start(lost, whole.level_RC[row_NM], whole.season_RC[row_NM])
    going_on = smoothed(u_RC, first + lost, length - lost, season, 0.3, 0.2, start)
    for begin, stop in zip(first + lost, first + length, strict=True):
        np.testing.assert_array_equal(going_on.level_RC[begin:stop], whole.level_RC[begin:stop])
        np.testing.assert_array_equal(going_on.season_RC[begin:stop], whole.season_RC[begin:stop])
