"""Forecasts stay in the range of the data: counts not below zero, shares not above their top, paths included."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import gatecast as gc
from gatecast.data.allowed import Bounds
from gatecast.data.bounds import bounded
from gatecast.errors import ConfigError

TINY: dict[str, Any] = {"members": 1, "candidates": 1, "progress": False, "training": {"max_epochs": 2}}


def panel_of(values_NT: np.ndarray, name: str = "y", **options: Any) -> gc.Panel:
    count, steps = values_NT.shape
    days = np.tile(np.datetime64("2023-01-02", "D") + np.arange(steps), count)
    ids = np.repeat([f"s{n}" for n in range(count)], steps)
    return gc.read(pl.DataFrame({"id": ids, "ds": days, name: values_NT.ravel()}), target=name, **options)


def counts(seed: int, series: int, steps: int = 60) -> np.ndarray:
    """Rare events, steady sales, seasons, bursts, series that die out, and series that begin late."""
    rng, t = np.random.default_rng(seed), np.arange(steps)
    level_N1 = rng.lognormal(0, 1.5, (series, 1))
    shape_NT = np.stack(
        [
            np.ones((series, steps)),
            1 + np.sin(2 * np.pi * t / 7 + rng.uniform(0, 6, (series, 1))),
            np.clip(1 - t / steps * rng.uniform(0.5, 1.5, (series, 1)), 0, None),
            (t > rng.integers(0, steps, (series, 1))) * 1.0,
            rng.gamma(0.2, 5, (series, steps)),
        ]
    )[rng.integers(0, 5, series), np.arange(series)]
    return rng.poisson(level_N1 * shape_NT).astype(float)


def test_counts_are_never_below_zero_on_5000_series() -> None:
    panel = panel_of(counts(0, 5000))
    model = gc.Forecaster(14, preset="instant", progress=False).fit(panel)
    made = model.predict()
    assert made.values_NHCQ.min() >= 0
    assert 100 < len(made.bounded) < 5000
    assert (np.diff(made.values_NHCQ, axis=-1) >= 0).all()
    some = panel.select(np.arange(0, 5000, 100))
    assert model.sample(some, paths=20).values_NSHC.min() >= 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_counts_are_never_below_zero_with_the_defaults(seed: int) -> None:
    made = gc.Forecaster(14, progress=False, time_limit=5).fit(panel_of(counts(seed, 40, 150))).predict()
    assert made.values_NHCQ.min() >= 0


@pytest.mark.parametrize("recursive", [False, True])
def test_trained_networks_paths_and_scores_stay_in_range(recursive: bool) -> None:
    panel = panel_of(counts(3, 6, 80))
    model = gc.Forecaster(7, recursive=recursive, **TINY).fit(panel)
    assert model.predict().values_NHCQ.min() >= 0
    assert model.sample(paths=30).values_NSHC.min() >= 0
    assert model.forecast_from(panel, np.arange(6), panel.stop - 10).min() >= 0
    free = gc.Forecaster(7, recursive=recursive, bounds=False, **TINY).fit(panel)
    assert free.predict().values_NHCQ.min() < 0
    assert free.predict().bounded == ()


def test_a_share_stays_below_its_top() -> None:
    rng = np.random.default_rng(0)
    full_NT = np.clip(rng.normal(0.93, 0.08, (4, 90)), 0, 1)
    made = gc.Forecaster(7, preset="instant").predict(panel_of(full_NT))
    assert made.values_NHCQ.max() == 1
    assert len(made.bounded) == 4
    percent = gc.Forecaster(7, preset="instant").predict(panel_of(98 + np.clip(full_NT, 0.9, 0.99), "load_percent"))
    assert percent.values_NHCQ.max() <= 100


def test_what_is_no_share_may_grow() -> None:
    growing = np.linspace(0.2, 0.99, 60)[None]
    assert gc.Forecaster(12, preset="instant").predict(panel_of(growing)).values.max() > 1
    below_100 = np.round(np.linspace(20, 100, 60))[None]
    assert gc.Forecaster(12, preset="instant").predict(panel_of(below_100)).values.max() > 100


def test_bounds_that_are_given_hold_and_are_kept(tmp_path: Any) -> None:
    panel = panel_of(np.random.default_rng(1).normal(0, 1, (2, 60)))
    model = gc.Forecaster(5, preset="instant", bounds=(-0.5, 0.5)).fit(panel)
    assert np.abs(model.predict().values_NHCQ).max() == 0.5
    assert model.get_params()["bounds"] == (-0.5, 0.5)
    model.save(tmp_path / "m.gatecast")
    again = gc.load(tmp_path / "m.gatecast")
    assert again.predict(panel).values_NHCQ.tobytes() == model.predict(panel).values_NHCQ.tobytes()


@pytest.mark.parametrize("wrong", [(1, 0), (1, 1), "low", (0, 1, 2), 5, None, (float("nan"), 1), ("a", 2)])
def test_bounds_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"bounds must be True, False, or a pair"):
        gc.Forecaster(3, bounds=wrong)


def test_the_future_moves_no_bound() -> None:
    """A value below zero after an origin does not free the forecast at it."""
    values = counts(5, 1, 80)
    later = values.copy()
    later[0, 75:] = -50
    first, second = (
        gc.Forecaster(5, preset="instant").fit(panel).forecast_from(panel, np.array([0]), np.array([70]))
        for panel in (panel_of(values), panel_of(later))
    )
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("overlapping", [False, True])
def test_limits_are_those_of_a_plain_loop(overlapping: bool) -> None:
    rng = np.random.default_rng(2)
    target_RC = np.where(rng.random((400, 2)) < 0.1, np.nan, rng.normal(1, 0.6, (400, 2)).round(1))
    first_B = np.repeat(np.arange(0, 400, 100), 90 if overlapping else 1)
    origin_B = first_B + np.tile(np.arange(5, 95), 4) if overlapping else first_B + 60
    values = rng.normal(0, 2, (len(first_B), 3, 2, 4))
    found = bounded(Bounds("auto"), values, target_RC, first_B, origin_B, ("a", "b"))
    for b in range(len(first_B)):
        for c in range(2):
            seen = target_RC[first_B[b] : origin_B[b] + 1, c]
            low = 0 if np.nanmin(seen) >= 0 else -np.inf
            assert (found[b, :, c] == np.maximum(values[b, :, c], low)).all()


@pytest.mark.parametrize("place", [0, 17, 29])
@pytest.mark.parametrize("copies", [1, 40])
def test_one_value_below_zero_frees_a_series(place: int, copies: int) -> None:
    """Also the first and the last one, whether few origins are looked at or many."""
    target_RC = np.ones((60, 1))
    target_RC[30 + place] = -1.0
    first_B, origin_B = np.repeat([0, 30], copies), np.repeat([29, 59], copies)
    values = np.full((2 * copies, 2, 1, 3), -2.0)
    found = bounded(Bounds("auto"), values, target_RC, first_B, origin_B, ("a",))
    assert (found[:copies] == 0).all()
    assert (found[copies:] == -2).all()
