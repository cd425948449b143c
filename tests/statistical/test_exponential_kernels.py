"""The compiled average of exponential smoothings against numpy's, on data of many kinds, by any number of threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.nn.kernels import load
from gatecast.nn.threads import kernels_use
from gatecast.statistical import exponential
from gatecast.statistical.exponential import exponential_smoothing

KERNELS = load()
pytestmark = pytest.mark.skipif(KERNELS is None, reason="the kernels are not built")
Request = tuple[np.ndarray, np.ndarray, np.ndarray, int, int]


def by_numpy(request: Request) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exponential, "load", lambda: None)
        return exponential_smoothing(*request)


KINDS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {  # of steps, normal numbers and season
    "wave": lambda t, noise, m: 20 + 5 * np.sin(2 * np.pi * t / max(m, 2)) + noise,
    "negative": lambda t, noise, m: 5 * np.sin(2 * np.pi * t / max(m, 2)) + noise,
    "constant": lambda t, noise, m: np.full(len(t), (3.7, 0.1, -2.3, 0.0)[len(t) % 4]),
    "ties": lambda t, noise, m: np.abs(np.round(noise)),
    "rare": lambda t, noise, m: np.where(noise > 1.3, np.exp(noise), 0.0),
    "skewed": lambda t, noise, m: np.exp(3 * noise),
    "growing": lambda t, noise, m: 10 * 1.05 ** np.minimum(t, 300) * (1 + 0.05 * noise),
    "explosive": lambda t, noise, m: np.exp(np.clip(noise.cumsum() * 5, -300, 300)),
    "falling to zero": lambda t, noise, m: np.maximum(20 - 0.5 * t, 0),
}


def values_of(kind: str, rows: int, season: int, rng: np.random.Generator) -> np.ndarray:
    """(R,) one series of a kind."""
    return KINDS[kind](np.arange(rows), rng.normal(size=rows), season)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A few series of one kind, some targets, gaps, origins in any order."""
    season = draw(st.sampled_from([1, 2, 4, 12, 52]))
    kind, longest = draw(st.sampled_from(list(KINDS))), draw(st.sampled_from([3, 2 * season + 3, 60, 700]))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    length, targets = rng.integers(1, longest + 1, draw(st.integers(1, 4))), draw(st.integers(1, 3))
    x_RC = np.stack([np.concatenate([values_of(kind, n, season, rng) for n in length]) for _ in range(targets)], axis=1)
    x_RC[rng.random(x_RC.shape) < draw(st.sampled_from([0.0, 0.05, 0.6]))] = np.nan
    if draw(st.booleans()) and kind != "explosive":
        x_RC = np.asarray(x_RC, np.float32)
    start = np.cumsum(length) - length
    series = rng.integers(len(length), size=draw(st.integers(1, 20)))
    origin = start[series] + rng.integers(length[series])
    return x_RC, start[series], origin, draw(st.integers(1, 2 * season + 2)), season


@settings(max_examples=150, deadline=None)
@given(requests())
def test_kernels_and_numpy_agree(request: Request) -> None:
    x_RC, first, origin, _, _ = request
    got, expected = exponential_smoothing(*request), by_numpy(request)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    for b, (begin, end) in enumerate(zip(first, origin, strict=True)):
        for c in range(x_RC.shape[1]):
            # The average is taken around one of the forecasts: digits below those of the largest value are noise.
            size = np.nanmax(np.abs(x_RC[begin : end + 1, c]), initial=np.abs(np.nan_to_num(expected[b, :, c])).max())
            np.testing.assert_allclose(got[b, :, c], expected[b, :, c], rtol=1e-9, atol=1e-11 * float(size))


@pytest.mark.parametrize("season", [1, 12])
def test_ordinary_series_agree_to_the_last_digits(season: int) -> None:
    rng = np.random.default_rng(0)
    y = np.concatenate([values_of("wave", 500, season, rng) for _ in range(20)])[:, None]
    first = np.arange(20) * 500
    request = (y, first, first + 499, 24, season)
    np.testing.assert_allclose(exponential_smoothing(*request), by_numpy(request), rtol=1e-12)


def test_any_instruction_set_agrees() -> None:
    assert KERNELS is not None
    rng, used = np.random.default_rng(1), KERNELS.variant()
    y = np.stack([values_of(kind, 300, 12, rng) for kind in ("wave", "skewed", "explosive")], axis=1)
    request = (y, np.zeros(3, int), np.array([60, 150, 299]), 30, 12)
    try:
        for name in KERNELS.variants():
            KERNELS.use(name)
            got, expected = exponential_smoothing(*request), by_numpy(request)
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11 * np.abs(y).max())
    finally:
        KERNELS.use(used)


@pytest.mark.parametrize("layout", ["columns of a wider buffer", "every other row", "columns first", "backwards"])
def test_values_are_read_where_they_lie(layout: str) -> None:
    rng = np.random.default_rng(2)
    x_RV = 20 + rng.normal(size=(200, 5))
    view = {
        "columns of a wider buffer": x_RV[:, 1:3],
        "every other row": x_RV[::2],
        "columns first": np.asfortranarray(x_RV),
        "backwards": x_RV[::-1, ::-1],
    }[layout]
    first, origin = np.zeros(2, int), np.array([50, 99])
    copied = exponential_smoothing(np.ascontiguousarray(view), first, origin, 5, 4)
    assert exponential_smoothing(view, first, origin, 5, 4).tobytes() == copied.tobytes()


@pytest.mark.parametrize("threads", [2, 7])
def test_threads_change_no_bit(threads: int) -> None:
    rng = np.random.default_rng(3)
    y = 20 + rng.normal(size=(60 * 90, 2))
    y[rng.random(y.shape) < 0.1] = np.nan
    first = np.repeat(np.arange(60) * 90, 3)
    request = (y, first, first + rng.integers(20, 90, 180), 7, 4)
    with kernels_use(1):
        alone = exponential_smoothing(*request)
    with kernels_use(threads):
        assert exponential_smoothing(*request).tobytes() == alone.tobytes()


def test_numbers_below_the_normal_ones_count() -> None:
    y = np.full((40, 1), 5e-320)
    assert (exponential_smoothing(y, [0], [39], 5, 4) == 5e-320).all()


@pytest.mark.parametrize(
    ("sizes", "lags", "threads"),
    [
        ((1, 1, 3, 0), (1,), 1),
        ((1, 1, 0, 1), (1,), 1),
        ((-1, 1, 3, 1), (1,), 1),
        ((1, 1, 3, 1), (1,), 0),
        ((1, 1, 3, 1), (), 1),
        ((1, 1, 3, 1), (4,), 1),
        ((1, 1, 3, 1), (2, 1), 1),
        ((1, 1, 9, 1), (1, 2, 3, 4, 5, 6, 7), 1),
    ],
)
def test_impossible_sizes_are_refused(sizes: tuple[int, ...], lags: tuple[int, ...], threads: int) -> None:
    assert KERNELS is not None
    buffer = np.zeros(9)
    with pytest.raises(ValueError, match=r"sizes must be|lags must"):
        KERNELS.exponential_smoothing((buffer.ctypes.data,) * 4, (8, 8), True, sizes, lags, threads)
