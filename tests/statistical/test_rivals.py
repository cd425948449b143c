"""Rivals: the library's own forecasts, nothing read behind an origin, gaps and failures handled as promised."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from gatecast.errors import ConfigError, GatecastError, InputError
from gatecast.statistical import rival_fits, rival_workers, rivals
from gatecast.statistical.rivals import RIVALS, rival_forecasts, rivals_installed, worthwhile

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
QUICK = ("auto_ets", "auto_theta")
needs_library = pytest.mark.skipif(not rivals_installed(), reason="statsforecast is not installed: gatecast[rivals]")


@pytest.fixture(scope="module")
def series() -> np.ndarray:
    """Two columns of 60 rows: a trend with a season of 4 and noise, and a noisy level."""
    rng = np.random.default_rng(5)
    t = np.arange(60)
    season = np.array([3.0, -1.0, -4.0, 2.0])[t % 4]
    return np.stack([50 + 0.5 * t + season + rng.normal(0, 0.5, 60), 20 + rng.normal(0, 1, 60)], axis=1)


def same(a: rivals.Rival, b: rivals.Rival) -> None:
    np.testing.assert_array_equal(a.point_BHC, b.point_BHC)
    np.testing.assert_array_equal(a.quantiles_BHCQ, b.quantiles_BHCQ)


# ---------------------------------------------------------------- against the library and against known answers


@needs_library
@pytest.mark.parametrize("name", RIVALS)
def test_forecast_is_the_librarys_own(series: np.ndarray, name: str) -> None:
    models: Any = pytest.importorskip("statsforecast.models")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        direct = getattr(models, RIVALS[name])(season_length=4).forecast(y=series[:50, 0].copy(), h=5, level=[80, 95])
    found = rival_forecasts(series[:, :1], [0], [49], 5, 4, [name], LEVELS)[name]
    np.testing.assert_array_equal(found.point_BHC[0, :, 0], direct["mean"])
    assert found.quantiles_BHCQ is not None
    keys = ["lo-95", "lo-80", "mean", "hi-80", "hi-95"]
    expected = np.sort([direct[key] for key in keys], axis=0)
    np.testing.assert_array_equal(found.quantiles_BHCQ[0, :, 0].T, expected)
    assert (found.fallbacks, found.problem) == (0, "")
    assert found.seconds > 0


@needs_library
@pytest.mark.parametrize("name", ["auto_ets", "auto_arima", "auto_theta"])
def test_a_line_goes_on(name: str) -> None:
    line = 10 + 2.0 * np.arange(40)[:, None]
    found = rival_forecasts(line, [0], [39], 3, 1, [name])[name]
    np.testing.assert_allclose(found.point_BHC[0, :, 0], [90, 92, 94], rtol=1e-3)
    assert found.quantiles_BHCQ is None


@needs_library
def test_season_is_found_and_ets_drops_one_above_24(series: np.ndarray) -> None:
    wave = 10 + np.sin(2 * np.pi * np.arange(100) / 25)[:, None]
    found = rival_forecasts(wave, [0], [99], 25, 25, ["auto_ets", "mstl"])
    without = rival_forecasts(wave, [0], [99], 25, 1, ["auto_ets"])["auto_ets"]
    np.testing.assert_array_equal(found["auto_ets"].point_BHC, without.point_BHC)
    np.testing.assert_allclose(found["mstl"].point_BHC[0, :, 0], wave[:25, 0], atol=0.05)


@needs_library
def test_mstl_models_several_seasons_and_needs_one() -> None:
    t = np.arange(120)
    two = (10 + np.sin(2 * np.pi * t / 4) + 3 * np.sin(2 * np.pi * t / 12))[:, None]
    found = rival_forecasts(two[:108], [0], [107], 12, (12, 4), ["mstl", "auto_ets"])
    np.testing.assert_allclose(found["mstl"].point_BHC[0, :, 0], two[108:, 0], atol=0.2)
    only_four = rival_forecasts(two[:108], [0], [107], 12, 4, ["auto_ets"])["auto_ets"]
    np.testing.assert_array_equal(found["auto_ets"].point_BHC, only_four.point_BHC)
    assert list(rival_forecasts(two, [0], [50], 2, 1, ["mstl", "auto_theta"])) == ["auto_theta"]


# ---------------------------------------------------------------- windows


@needs_library
def test_nothing_behind_an_origin_is_read(series: np.ndarray) -> None:
    origin = [30, 45]
    before = rival_forecasts(series, [0, 0], origin, 4, 4, QUICK, LEVELS)
    changed = series.copy()
    changed[46:] = 1e6
    one = rival_forecasts(changed, [0, 0], origin, 4, 4, QUICK, LEVELS)
    changed[31:] = np.nan
    other = rival_forecasts(changed, [0], [30], 4, 4, QUICK, LEVELS)
    for name in QUICK:
        same(before[name], one[name])
        pair = before[name].quantiles_BHCQ, other[name].quantiles_BHCQ
        np.testing.assert_array_equal(pair[0][:1], pair[1])  # type: ignore[index, arg-type]


@needs_library
def test_rows_before_the_series_are_not_read(series: np.ndarray) -> None:
    moved = np.concatenate([np.full((7, 2), -1e6), series])
    for name in QUICK:
        here = rival_forecasts(series, [0], [40], 4, 4, [name], LEVELS)[name]
        same(here, rival_forecasts(moved, [7], [47], 4, 4, [name], LEVELS)[name])


@needs_library
def test_order_of_windows_and_columns_and_processes_is_irrelevant(series: np.ndarray) -> None:
    origin, first = np.array([30, 59, 45]), np.array([0, 10, 5])
    seen: list[tuple[int, int]] = []
    one = rival_forecasts(series, first, origin, 4, 4, QUICK, LEVELS, processes=1)
    turned = rival_forecasts(
        series[:, ::-1],
        first[::-1],
        origin[::-1],
        4,
        4,
        QUICK[::-1],
        LEVELS,
        processes=2,
        on_progress=lambda *step: seen.append(step),
    )
    assert list(turned) == list(QUICK[::-1])
    assert seen == [(n, 12) for n in range(1, 13)]
    for name in QUICK:
        np.testing.assert_array_equal(one[name].point_BHC, turned[name].point_BHC[::-1, :, ::-1])
        same = one[name].quantiles_BHCQ, turned[name].quantiles_BHCQ
        np.testing.assert_array_equal(same[0], same[1][::-1, :, ::-1])  # type: ignore[index, arg-type]


@needs_library
def test_no_windows_no_forecasts(series: np.ndarray) -> None:
    found = rival_forecasts(series, [], [], 4, 4, QUICK, LEVELS)["auto_ets"]
    assert found.point_BHC.shape == (0, 4, 2)
    assert found.quantiles_BHCQ is not None
    assert found.quantiles_BHCQ.shape == (0, 4, 2, 5)


# ---------------------------------------------------------------- quantiles


@needs_library
def test_quantiles_are_ordered_and_mean_what_they_say(series: np.ndarray) -> None:
    names = ("auto_ets", "auto_theta", "auto_arima", "mstl")
    found = rival_forecasts(series, [0], [59], 6, 4, names, LEVELS)
    shuffled = rival_forecasts(series, [0], [59], 6, 4, names, (0.9, 0.5, 0.3, 0.025))
    for name in names:
        quantiles, some = found[name].quantiles_BHCQ, shuffled[name].quantiles_BHCQ
        assert quantiles is not None
        assert some is not None
        assert (np.diff(quantiles, axis=-1) >= 0).all()
        np.testing.assert_array_equal(some[..., [3, 1, 0]], quantiles[..., [0, 2, 3]])
        assert ((quantiles[..., 1] <= some[..., 2]) & (some[..., 2] <= quantiles[..., 2])).all()
    ends = found["auto_arima"].quantiles_BHCQ
    assert ends is not None
    # normal ends: 1.96 and 1.28 standard errors
    ratio = (ends[..., 4] - ends[..., 0]) / (ends[..., 3] - ends[..., 1])
    np.testing.assert_allclose(ratio, 1.959964 / 1.281552, rtol=1e-5)


@needs_library
def test_levels_are_asked_for_once() -> None:
    assert rivals._levels(LEVELS) == (80.0, 95.0)
    assert rivals._levels((0.5,)) == ()
    assert rivals._levels((0.3,)) == (40.0,)


# ---------------------------------------------------------------- what is missing, short or constant


@needs_library
def test_gaps_are_interpolated_cut_off_or_run_over(series: np.ndarray) -> None:
    whole, gappy = series[:40, :1].copy(), series[:40, :1].copy()
    gappy[[10, 11]] = np.nan
    whole[[10, 11]] = whole[9] + (whole[12] - whole[9]) * np.array([[1 / 3], [2 / 3]])
    gappy = np.concatenate([np.full((3, 1), np.nan), gappy, np.full((2, 1), np.nan)])
    found = rival_forecasts(gappy, [0], [44], 3, 4, QUICK, LEVELS)
    expected = rival_forecasts(whole, [0], [39], 5, 4, QUICK, LEVELS)  # two steps of gap, then three
    for name in QUICK:
        np.testing.assert_allclose(found[name].point_BHC, expected[name].point_BHC[:, 2:], rtol=1e-9)


@needs_library
@pytest.mark.parametrize("name", RIVALS)
def test_short_constant_and_empty_histories_do_not_stop_the_others(name: str) -> None:
    rng = np.random.default_rng(1)
    columns = np.full((48, 5), np.nan)
    columns[-1:, 0] = 7.0  # one value
    columns[-3:, 1] = [1.0, 2.0, 4.0]
    columns[:, 2] = 5.0  # constant
    columns[:, 3] = 30 + np.tile([0.0, 5, 9, 2], 12) + rng.normal(0, 1, 48)
    state = np.random.get_state()[1]  # noqa: NPY002 -- the library seeds this one
    found = rival_forecasts(columns, [0], [47], 4, 4, [name], LEVELS)[name]
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002 -- and leaves it as it was
    assert np.isfinite(found.point_BHC[..., :4]).all()
    assert np.isnan(found.point_BHC[..., 4]).all()
    np.testing.assert_allclose(found.point_BHC[0, :, 0], 7.0)
    np.testing.assert_allclose(found.point_BHC[0, :, 2], 5.0)
    expected = {"auto_arima": 0}.get(name, 2)
    assert found.fallbacks == expected
    assert bool(found.problem) == bool(expected)


@needs_library
def test_fallback_is_seasonal_where_there_are_two_seasons(monkeypatch: pytest.MonkeyPatch, series: np.ndarray) -> None:
    def refuse(*_: Any) -> Any:
        raise RuntimeError("no model\nable to be fitted")

    monkeypatch.setattr(rival_fits, "_model", refuse)
    found = rival_forecasts(series[:, :1], [0, 0], [49, 6], 4, 4, ["auto_ets"], LEVELS, processes=1)["auto_ets"]
    np.testing.assert_array_equal(found.point_BHC[0, :, 0], series[46:50, 0])
    np.testing.assert_array_equal(found.point_BHC[1, :, 0], np.full(4, series[6, 0]))
    assert (found.fallbacks, found.problem) == (2, "RuntimeError: no model able to be fitted")


@needs_library
def test_a_forecast_that_is_not_finite_falls_back(monkeypatch: pytest.MonkeyPatch, series: np.ndarray) -> None:
    class Broken:
        def forecast(self, **_: Any) -> dict[str, np.ndarray]:
            return dict.fromkeys(["mean", "lo-80.0", "hi-80.0", "lo-95.0", "hi-95.0"], np.full(4, np.inf))

    monkeypatch.setattr(rival_fits, "_model", lambda *_: Broken())
    found = rival_forecasts(series[:, :1], [0], [49], 4, 4, ["auto_ets"], LEVELS)["auto_ets"]
    assert found.fallbacks == 1
    assert "not finite" in found.problem
    np.testing.assert_array_equal(found.point_BHC[0, :, 0], series[46:50, 0])


# ---------------------------------------------------------------- processes


@needs_library
def test_workers_end_when_the_caller_stops(monkeypatch: pytest.MonkeyPatch, series: np.ndarray) -> None:
    started: list[subprocess.Popen[str]] = []
    start = rival_workers._start
    monkeypatch.setattr(rival_workers, "_start", lambda: started.append(start()) or started[-1])

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rival_forecasts(series, [0] * 3, [30, 40, 50], 4, 4, QUICK, processes=2, on_progress=interrupt)
    assert len(started) == 2
    assert all(process.poll() == -signal.SIGKILL for process in started)


@needs_library
def test_a_worker_that_ends_early_is_an_error(monkeypatch: pytest.MonkeyPatch, series: np.ndarray) -> None:
    monkeypatch.setattr(rival_workers, "_PROGRAM", "gatecast.no_such_module")
    with pytest.raises(GatecastError, match=r"ended early \(.*no_such_module"):
        rival_forecasts(series, [0] * 2, [30, 40], 4, 4, ["auto_theta"], processes=2)


# ---------------------------------------------------------------- refusals, and what is worth its time


def test_missing_library_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, series: np.ndarray) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not rivals_installed()
    with pytest.raises(ConfigError, match=r"^the statistical rivals need .* pip install 'gatecast\[rivals\]'\.$"):
        rival_forecasts(series, [0], [30], 4, 4, QUICK)
    assert worthwhile(1) == ((), "No statistical rivals: " + rivals.INSTALL)


@needs_library
def test_impossible_settings_are_refused(series: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="no such rival: 'auto_est' \\(did you mean 'auto_ets'"):
        rival_forecasts(series, [0], [30], 4, 4, ["auto_est"])
    with pytest.raises(ConfigError, match="level 95 is not between 0 and 1"):
        rival_forecasts(series, [0], [30], 4, 4, QUICK, [95])
    with pytest.raises(ConfigError, match=r"season is \[0\]"):
        rival_forecasts(series, [0], [30], 4, 0, QUICK)
    with pytest.raises(ConfigError, match="processes is 0"):
        rival_forecasts(series, [0], [30], 4, 4, QUICK, processes=0)
    with pytest.raises(InputError, match="origin 0 is row 60"):
        rival_forecasts(series, [0], [60], 4, 4, QUICK)


@needs_library
def test_worthwhile_keeps_to_a_minute() -> None:
    four = ("auto_ets", "auto_theta", "mstl", "auto_arima")
    assert worthwhile(24, 12, length=144) == (four, "")
    assert worthwhile(100, 12, length=132).names == four
    assert worthwhile(24, 1, length=100).names == ("auto_ets", "auto_theta", "auto_arima")
    some = worthwhile(300, 12, length=120)
    assert some.names[:2] == ("auto_ets", "auto_theta")
    assert "AutoARIMA (about 108 s)" in some.note
    assert worthwhile(10**6, 12).names == ()
    assert "auto_arima" not in worthwhile(24, 168, length=700).names


def test_nothing_of_the_library_is_imported_before_it_is_needed() -> None:
    program = (
        "import sys, gatecast.statistical.rivals as r; r.rivals_installed(); r.worthwhile(3);"
        "print(sorted({'statsforecast', 'pandas', 'polars', 'torch'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "[]"
