"""The average of exponential smoothings against a plain loop, and what must not change it."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.errors import InputError
from gatecast.statistical import exponential
from gatecast.statistical.exponential import exponential_smoothing

# ---------------------------------------------------------------- the plain loop: one origin, one expert, one step


def one_smoothing(u: Sequence[float], m: int, alpha: float, gamma: float) -> tuple[list[float], list[float]]:
    """Level and season at every step, one step after the other."""
    level, season = [], [0.0] * len(u)
    for t, value in enumerate(u):
        if t < m:
            level.append(sum(u[: t + 1]) / (t + 1))
            if t == m - 1 and m > 1:
                season[:m] = [x - level[-1] for x in u[:m]]
            continue
        error = value - level[-1] - (season[t - m] if m > 1 else 0.0)
        if m > 1:
            season[t] = season[t - m] + (1 - alpha) * max(gamma, 1 / (t // m + 1)) * error
        level.append(level[-1] + max(alpha, 1 / (t + 2)) * error)
    return level, season


def one_expert(
    y: Sequence[float], m: int, horizon: int, lags: list[int], warm: int, setting: tuple[float, float, str, float, bool]
) -> tuple[list[float], float]:
    """Forecasts (H,) from the last value, and the sum of the errors of earlier ones."""
    alpha, gamma, trend, part, logs = setting
    u = [math.log(value) for value in y] if logs else list(y)
    level, season = one_smoothing(u, m, alpha, gamma)
    line = [0.0] + [float(np.polyfit(np.arange(t + 1), u[: t + 1], 1)[0]) for t in range(1, len(u))]
    step = [0.0]
    for t in range(1, len(u)):
        step.append(step[-1] + max(0.1, 1 / t) * (u[t] - u[t - 1] - step[-1]))

    def ahead(t: int, h: int) -> float:
        place = season[t + h - m * math.ceil(h / m)] if m > 1 else 0.0
        rise = line[t] * h if trend == "long" else step[t] * sum(0.95**k for k in range(1, h + 1))
        f = level[t] + place + part * (rise + (line if trend == "long" else step)[t] * (1 / alpha - 1))
        return math.exp(min(f, max(u[: t + 1]) + 10)) if logs else f

    last = len(y) - 1
    errors = [abs(y[t + h] - ahead(t, h)) for h in lags for t in range(warm, last - h + 1)]
    return [ahead(last, h) for h in range(1, horizon + 1)], sum(errors)


def plain(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Forecast (H,) from the end of a history."""
    y: list[float] = []
    for value in history.tolist():
        if not math.isnan(value) or y:
            y.append(y[-1] if math.isnan(value) else value)
    if not y:
        return np.full(horizon, np.nan)
    keep = max(12 * season, 240)
    y = y[keep * max(0, (len(y) - 1) // keep - 1) :]
    m = 1 if len(y) < 2 * season else season
    warm, lags = min(m + 2, len(y) // 2), sorted({round(h) for h in np.linspace(1, horizon, min(horizon, 6))})
    experts = [
        one_expert(y, period, horizon, lags, warm, (alpha, gamma, trend, part, logs))
        for logs in ((False, True) if min(y) > 0 else (False,))
        for period in sorted({1, m})
        for alpha in (0.1, 0.2, 0.4, 0.7, 0.95)
        for gamma in ((0.2, 0.5) if period > 1 else (0.0,))
        for trend, parts in (("long", (0, 0.25, 0.5, 0.75)), ("recent", (0.5, 1)))
        for part in parts
    ]
    n = sum(max(0, len(y) - h - warm) for h in lags) / len(lags)  # origins
    error = np.array([e for _, e in experts])
    weight = np.exp(-15 * n / (n + 10) * (error / (error.min() or 1) - 1))
    return np.asarray(weight @ np.array([f for f, _ in experts]) / weight.sum())


def wave(steps: int, m: int = 4, seed: int = 0, level: float = 20.0) -> np.ndarray:
    """A season, a trend and noise."""
    t, rng = np.arange(steps), np.random.default_rng(seed)
    return np.asarray(level + 5 * np.sin(2 * np.pi * t / m) + 0.1 * t + rng.normal(size=steps))


def column(*series: np.ndarray) -> np.ndarray:
    return np.concatenate(series)[:, None]


@pytest.fixture(params=["kernels", "numpy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of computing."""
    if request.param == "numpy":
        monkeypatch.setattr(exponential, "load", lambda: None)
    elif exponential.load() is None:
        pytest.skip("the kernels are not built")


@pytest.mark.parametrize(("season", "horizon"), [(1, 1), (1, 7), (4, 3), (4, 11), (5, 8)])
@pytest.mark.parametrize("level", [20.0, 0.0])
@pytest.mark.usefixtures("way")
def test_equals_the_plain_loop(season: int, horizon: int, level: float) -> None:
    lengths = [1, 2, 3, 5, 8, 9, 10, 11, 14, 31]
    series = [wave(n, seed=n, level=level) for n in lengths]
    end = np.cumsum(lengths)
    got = exponential_smoothing(column(*series), end - lengths, end - 1, horizon, season)
    for y, forecast in zip(series, got, strict=True):
        np.testing.assert_allclose(forecast[:, 0], plain(y, horizon, season), rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("way")
def test_equals_the_plain_loop_at_every_origin_of_one_series_with_gaps() -> None:
    y = wave(24)
    y[[0, 1, 7, 8, 15]] = np.nan
    y[20] = -3.0
    got = exponential_smoothing(y[:, None], np.zeros(24, int), np.arange(24), 5, 4)[..., 0]
    np.testing.assert_allclose(got, np.stack([plain(y[: o + 1], 5, 4) for o in range(24)]), rtol=1e-9)


@pytest.mark.parametrize("origin", [479, 480, 719, 720])
def test_equals_the_plain_loop_on_a_long_history(origin: int) -> None:
    y = wave(721)
    got = exponential_smoothing(y[:, None], [0], [origin], 3)[0, :, 0]
    np.testing.assert_allclose(got, plain(y[: origin + 1], 3, 1), rtol=1e-9)


# ---------------------------------------------------------------- what must not change a forecast


@st.composite
def requests(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    """Values (R, 2) of a few series, one of them long, with gaps; first rows and origins in any order."""
    lengths = np.array([*draw(st.lists(st.integers(1, 30), min_size=1, max_size=4)), draw(st.integers(1, 800))])
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.lognormal(size=(lengths.sum(), 2)) - draw(st.sampled_from([0.0, 0.05]))
    values[rng.random(values.shape) < draw(st.sampled_from([0.0, 0.3]))] = np.nan
    start = np.cumsum(lengths) - lengths
    series = rng.integers(len(lengths), size=draw(st.integers(1, 12)))
    origin = start[series] + rng.integers(lengths[series])
    return values, start[series], origin, draw(st.integers(1, 9)), draw(st.sampled_from([1, 3, 4]))


@settings(max_examples=25, deadline=None)
@given(requests(), st.sampled_from([np.nan, -1.0, 0.0, 1e30]))
def test_nothing_after_an_origin_is_read(
    request: tuple[np.ndarray, np.ndarray, np.ndarray, int, int], future: float
) -> None:
    values, first, origin, horizon, season = request
    forecast = exponential_smoothing(values, first, origin, horizon, season)
    for b, o in enumerate(origin):
        changed = values.copy()
        changed[: first[b]] = changed[o + 1 :] = future  # nor is the series before
        alone = exponential_smoothing(changed, first[[b]], [o], horizon, season)
        assert alone.tobytes() == forecast[[b]].tobytes()


@pytest.mark.parametrize("season", [1, 4])
def test_later_values_do_not_change_earlier_origins_of_the_same_run(season: int) -> None:
    y = wave(400)[:, None]
    origin = np.arange(300)
    forecast = exponential_smoothing(y, np.zeros(300, int), origin, 6, season)
    for future in (np.nan, -7.0, 1e30):
        changed = y.copy()
        changed[200:] = future
        again = exponential_smoothing(changed, np.zeros(300, int), origin, 6, season)
        assert again[:200].tobytes() == forecast[:200].tobytes()
        assert again[200:].tobytes() != forecast[200:].tobytes()


@settings(max_examples=25, deadline=None)
@given(requests(), st.randoms(use_true_random=False), st.sampled_from([None, 1, 40, 2**15]))
def test_a_forecast_depends_neither_on_the_others_nor_on_chunks(
    request: tuple[np.ndarray, np.ndarray, np.ndarray, int, int], random: Random, cells: int | None
) -> None:
    values, first, origin, horizon, season = request
    chosen = [random.randint(0, len(origin) - 1) for _ in range(5)]
    with pytest.MonkeyPatch.context() as patch:
        if cells:  # chunks are numpy's
            patch.setattr(exponential, "load", lambda: None)
        forecast = exponential_smoothing(values, first, origin, horizon, season)
        patch.setattr(exponential, "_CELLS", cells)
        some = exponential_smoothing(values, first[chosen], origin[chosen], horizon, season)
        one_target = exponential_smoothing(values[:, 1:], first, origin, horizon, season)
    assert some.tobytes() == forecast[chosen].tobytes()
    assert one_target.tobytes() == forecast[:, :, 1:].tobytes()


def test_rows_between_an_origin_and_another_series_are_not_read() -> None:
    y = wave(200)[:, None]
    changed = y.copy()
    changed[21:100] = np.inf  # whatever is computed of it warns
    first, origin = [0, 100], [20, 199]
    forecast = exponential_smoothing(y, first, origin, 6, 4)
    assert exponential_smoothing(changed, first, origin, 6, 4).tobytes() == forecast.tobytes()


def test_steps_before_the_window_do_not_count() -> None:
    y = wave(1000)[:, None]
    changed = y.copy()
    changed[:720] = 1e9  # 999 // 240 - 1 = 3 windows
    origin = [999]
    forecast = exponential_smoothing(y, [0], origin, 4, 4)
    assert exponential_smoothing(changed, [0], origin, 4, 4).tobytes() == forecast.tobytes()
    changed[720] = 1e9
    assert exponential_smoothing(changed, [0], origin, 4, 4).tobytes() != forecast.tobytes()


def test_types_and_categories_make_no_difference() -> None:
    y = np.round(wave(40)).astype(np.int64)[:, None]
    forecast = exponential_smoothing(y.astype(float), [0], [39], 5, 4)
    assert forecast.dtype == np.float64
    for same in (y, y.astype(np.float32), y.tolist(), y.astype(object), np.asfortranarray(y)):
        labels = ["a"] * 45
        assert exponential_smoothing(same, [0], [39], 5, 4, category_R=labels).tobytes() == forecast.tobytes()


# ---------------------------------------------------------------- gaps, short and odd series


def test_gaps_are_filled_with_the_last_value_also_at_the_start_of_a_window() -> None:
    y = wave(800)
    y[:3] = np.nan  # the windows of a series begin at its first observation, row 3
    y[240:250] = y[600] = np.nan
    filled = y.copy()
    filled[240:250], filled[600] = y[239], y[599]
    origin = np.array([260, 490, 600, 799])
    first = np.zeros(4, int)
    got = exponential_smoothing(y[:, None], first, origin, 5, 4)
    expected = exponential_smoothing(filled[:, None], first, origin, 5, 4)
    assert got.tobytes() == expected.tobytes()
    assert got.tobytes() == exponential_smoothing(filled[3:, None], first, origin - 3, 5, 4).tobytes()


def test_nan_only_without_an_observation() -> None:
    nan = np.nan
    values = [[1.0, 4.0], [nan, nan], [nan, 5.0], [2.0, nan]]  # two series of two steps
    got = exponential_smoothing(values, [0, 0, 2, 2], [0, 1, 2, 3], 2, 3)
    expected = [[1.0, 4.0], [1.0, 4.0], [nan, 5.0], [2.0, 5.0]]
    np.testing.assert_array_equal(got, np.repeat(np.array(expected)[:, None], 2, axis=1))


@pytest.mark.parametrize("value", [3.7, 0.1, 0.0, -2.3, 1e30, 1e-30, 1e-300])
@pytest.mark.parametrize("steps", [1, 2, 9, 50, 300])
def test_a_constant_is_repeated_exactly(value: float, steps: int) -> None:
    got = exponential_smoothing(np.full((steps, 1), value), [0], [steps - 1], 9, 4)
    assert (got == value).all()


def test_a_series_shorter_than_two_seasons_has_no_season() -> None:
    y = wave(8)[:, None]
    short, long = ([exponential_smoothing(y, [0], [o], 6, m) for m in (4, 1)] for o in (6, 7))
    assert short[0].tobytes() == short[1].tobytes()
    assert long[0].tobytes() != long[1].tobytes()


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e250, 1e-280, -1.0])
def test_the_unit_of_the_data_does_not_matter(scale: float) -> None:
    y = column(wave(60), wave(60, seed=1, level=0.0))
    if scale < 0:  # logarithms exist on one side alone
        y[0] = y[60] = 0.0
    origin = np.array([30, 59, 90, 119])
    first = np.array([0, 0, 60, 60])
    got = exponential_smoothing(y * scale, first, origin, 9, 4)
    np.testing.assert_allclose(got / scale, exponential_smoothing(y, first, origin, 9, 4), rtol=1e-9)


def test_a_value_that_is_not_positive_turns_logarithms_off_from_there_on() -> None:
    y = wave(40)[:, None]
    y[20] = 0.0
    got, shifted = (exponential_smoothing(x, np.zeros(40, int), np.arange(40), 5, 4) for x in (y, y - 100))
    np.testing.assert_allclose(got[20:], shifted[20:] + 100)  # smoothing in the data's own unit moves with the data
    assert (np.abs(got - shifted - 100)[5:20].max(axis=(1, 2)) > 1e-6).all()


def test_logarithms_follow_growth_by_a_factor() -> None:
    y = 10 * 1.1 ** np.arange(40.0)
    y_log = exponential_smoothing(y[:, None], [0], [39], 6)[0, :, 0]
    y_plain = exponential_smoothing(y[:, None] - 10, [0], [39], 6)[0, :, 0] + 10  # begins at 0
    truth = 10 * 1.1 ** np.arange(40.0, 46.0)
    assert np.abs(y_log - truth).mean() < 0.6 * np.abs(y_plain - truth).mean()


def test_a_season_is_found_and_repeats_beyond_itself() -> None:
    y = 10 + 3 * np.sin(2 * np.pi * np.arange(96) / 12)
    got = exponential_smoothing(y[:72, None], [0], [71], 24, 12)[0, :, 0]
    np.testing.assert_allclose(got, y[72:], atol=0.15)
    np.testing.assert_allclose(got[12:] - got[:12], got[12] - got[0], atol=0.01)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.floats(-1e289, 1e289), st.floats(1e-300, 1e289), st.integers(1, 9).map(float)), max_size=40),
    st.sampled_from([1, 2, 5]),
)
def test_any_finite_values_give_finite_forecasts(values: list[float], season: int) -> None:
    y, n = np.array(values).reshape(-1, 1), len(values)
    assert np.isfinite(exponential_smoothing(y, np.zeros(n, int), np.arange(n), 30, season)).all()


def test_explosive_growth_stays_finite() -> None:
    y = 10.0 ** np.arange(-280, 280, 8)
    got = exponential_smoothing(y[:, None], np.zeros(len(y), int), np.arange(len(y)), 300, 4)
    assert np.isfinite(got).all()
    assert got[-1].max() < 1e290
    alone = exponential_smoothing(y[:, None], [0], [20], 300, 4)
    assert alone.tobytes() == got[[20]].tobytes()  # the limit is that of the values so far


# ---------------------------------------------------------------- shapes, errors, memory


def test_no_origins_and_no_targets() -> None:
    assert exponential_smoothing(np.ones((5, 2)), [], [], 3).shape == (0, 3, 2)
    assert exponential_smoothing(np.ones((0, 2)), [], [], 3).shape == (0, 3, 2)
    assert exponential_smoothing(np.ones((5, 0)), [0], [4], 3).shape == (1, 3, 0)


@pytest.mark.parametrize(
    ("shape", "first", "origin", "horizon", "season"),
    [
        ((5, 1), [0], [5], 1, 1),
        ((5, 1), [3], [2], 1, 1),
        ((5, 1), [0], [4], 0, 1),
        ((5, 1), [0], [4], 1, 0),
        ((5,), [0], [4], 1, 1),
        ((5, 1), [0, 0], [4], 1, 1),
    ],
)
def test_what_cannot_be_forecast_is_refused(
    shape: tuple[int, ...], first: list[int], origin: list[int], horizon: int, season: int
) -> None:
    with pytest.raises(InputError):
        exponential_smoothing(np.ones(shape), first, origin, horizon, season)


@pytest.mark.parametrize("horizon", [18, 1500])
def test_memory_is_bounded(horizon: int) -> None:
    y = np.abs(np.random.default_rng(0).normal(size=(200_000, 1))).astype(np.float32)
    first = np.concatenate([np.arange(400) * 500, np.zeros(1200, int)])
    origin = np.concatenate([np.arange(400) * 500 + 499, np.arange(1200) + 100])
    tracemalloc.start()
    try:
        forecast = exponential_smoothing(y, first, origin, horizon, 12)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6 + 2.2 * forecast.nbytes, (peak, forecast.nbytes)  # 2: different origins, and all that are asked
