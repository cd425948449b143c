"""How odd rows are: tails of quantiles, conformal p-values, and what alarms are worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.live.conftest import LEVELS, H, model_of, scores_of, table

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.live.scoring import HELD_BACK, HeldBack, normal_scores, tail_probability

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
NORMAL = NormalDist()
FIVE = (0.025, 0.1, 0.5, 0.9, 0.975)


def uniform_distance(p: np.ndarray) -> float:
    """The statistic of Kolmogorov and Smirnov, times the root of the number: 1.63 is its 99 % quantile."""
    ordered, n = np.sort(p), len(p)
    return float(max((np.arange(1, n + 1) / n - ordered).max(), (ordered - np.arange(n) / n).max()) * math.sqrt(n))


# ---------------------------------------------------------------- normal scores


@given(st.floats(-30, 30), st.sampled_from([(0.1, 0.5, 0.9), FIVE, LEVELS]))
def test_the_score_of_a_normal_forecast_is_that_of_the_normal_distribution(z: float, levels: tuple[float, ...]) -> None:
    quantiles = np.array([[3 + 2 * NORMAL.inv_cdf(level) for level in levels]])
    assert normal_scores(np.array([3 + 2 * z]), quantiles, levels)[0] == pytest.approx(z, abs=1e-9)


def test_what_several_quantiles_have_in_common_is_in_their_middle() -> None:
    z = [NORMAL.inv_cdf(level) for level in FIVE]
    constant = np.full((3, 5), 7.0)
    scores = normal_scores(np.array([7.0, 8.0, 6.0]), constant, FIVE)
    assert scores[0] == pytest.approx(0)
    assert scores[1:].tolist() == [37.0, -37.0]
    counts = np.array([[0.0, 0.0, 0.0, 1.0, 2.0]])
    assert normal_scores(np.zeros(1), counts, FIVE)[0] == pytest.approx((z[0] + z[2]) / 2)
    assert normal_scores(np.ones(1), counts, FIVE)[0] == pytest.approx(z[3])


def test_nothing_is_said_without_a_value_a_forecast_or_an_interval() -> None:
    assert np.isnan(normal_scores(np.array([np.nan]), np.ones((1, 5)), FIVE)).all()
    assert np.isnan(normal_scores(np.ones(1), np.full((1, 5), np.nan), FIVE)).all()
    assert np.isnan(normal_scores(np.ones(1), np.ones((1, 1)), (0.5,))).all()


def test_tails_are_those_of_the_normal_distribution() -> None:
    z = np.array([[0.0, 1.0], [-3.0, np.nan]])
    expected = [[2 * (1 - NORMAL.cdf(abs(x))) for x in line] for line in z.tolist()]
    np.testing.assert_allclose(tail_probability(z), expected, rtol=1e-9)


# ---------------------------------------------------------------- conformal p-values


def naive_scores(sizes: list[float], tail: float, size: float) -> float:
    return (sum(held >= size for held in sizes) + tail) / (len(sizes) + 1)


@given(st.integers(0, 10**6), st.integers(1, 3))
@settings(max_examples=10)
def test_scores_are_ranks_among_all_rows_before(seed: int, blocks: int) -> None:
    """However many at a time; only rows that are anomalies are left out, here none is."""
    z_R = np.random.default_rng(seed).normal(size=60).clip(-2.5, 2.5).round(1)
    held, found = HeldBack(), list[float]()
    for part in np.array_split(z_R, blocks):
        found += scores_of(held, part).tolist()
    sizes = np.abs(z_R).tolist()
    expected = [naive_scores(sizes[:r], tail_probability(z_R)[r], sizes[r]) for r in range(60)]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("wide", [0.5, 1.0, 3.0])
def test_scores_are_uniform_whatever_the_quantiles_are_worth(wide: float) -> None:
    z_R = np.random.default_rng(1).standard_t(4, size=6000) / wide
    score_R = scores_of(HeldBack(), z_R)
    assert uniform_distance(score_R[2000:]) < 1.63
    assert (score_R[2000:] < 0.001).sum() <= 12, "4 are to be expected"
    assert uniform_distance(tail_probability(z_R)) > 3, "without held-back errors they would not be"


def test_only_the_newest_are_held_back_and_anomalies_are_not() -> None:
    held = HeldBack()
    scores_of(held, np.random.default_rng(0).normal(size=HELD_BACK + 500))
    assert len(held) == HELD_BACK
    before = held.sizes
    assert (scores_of(held, np.full(5, 30.0)) < 0.001).all(), "each of five outages in a row is told"
    np.testing.assert_array_equal(held.sizes, before)
    many = scores_of(held, np.full(200, 30.0))
    assert many[-1] > 0.01, "what comes all the time is no anomaly any more"


def test_scores_begin_with_the_tails_of_the_quantiles() -> None:
    assert scores_of(HeldBack(), np.array([1.959964]))[0] == pytest.approx(0.05, abs=1e-4)
    assert np.isnan(scores_of(HeldBack(), np.array([np.nan]))).all()


# ---------------------------------------------------------------- in a live model


def noise(seed: int, steps: int) -> np.ndarray:
    """A season of 24 steps with normal noise."""
    rng = np.random.default_rng(seed)
    return 50 + 10 * np.sin(np.arange(steps) * 2 * np.pi / 24) + rng.normal(size=steps)


def steady(steps: int = 400, scaling: str = "seasonal-difference:24/5+standard") -> gc.Forecaster:
    training = {"max_epochs": 1, "steps_per_epoch": 2}
    return gc.Forecaster(1, lookback=24, scaling=scaling, members=1, training=training,
                         network={"hidden_size": 2}, progress=False).fit(noise(0, steps))  # fmt: skip


def test_scores_of_calm_data_are_uniform_and_outages_are_found() -> None:
    y = noise(0, 400 + 3000)
    outages = 900 + 100 * np.arange(20)
    y[400 + outages] = 20.0
    live = steady().live()
    told = live.observe({"y": y[400:]})
    score_R = told.anomaly_RC[:, 0]
    assert (score_R[outages] < 0.001).sum() >= 18
    near_R = np.zeros(3000, bool)
    for after in range(6):  # the outage is read one season later too, for a few days
        near_R[np.minimum(outages + 24 * after, 2999)] = True
        near_R[np.minimum(outages + 24 * after + 1, 2999)] = True
    near_R |= np.isin(np.arange(3000), (outages[:, None] + np.arange(25)).ravel())
    assert (score_R[~near_R] < 0.001).sum() <= 6, "2 are to be expected"
    assert uniform_distance(score_R[200:900]) < 1.63


def taxi(seed: int, rows: int) -> np.ndarray:
    """Hourly counts with a day and a week, and noise that goes on for some hours."""
    rng, t = np.random.default_rng(seed), np.arange(rows)
    hour, day = t % 24, t // 24 % 7
    shape = 1 + 0.6 * np.sin(2 * np.pi * (hour - 9) / 24) + 0.25 * np.sin(4 * np.pi * (hour - 3) / 24)
    shape *= np.where(day >= 5, np.where(hour < 5, 1.35, 0.85), 1.0)
    drawn, noise_T = rng.normal(size=rows), np.zeros(rows)
    noise_T[0] = drawn[0]
    for k in range(1, rows):
        noise_T[k] = 0.5 * noise_T[k - 1] + np.sqrt(0.75) * drawn[k]
    return 10_000 * shape * np.exp(0.05 * noise_T)


TRAINED, HELD, WATCHED, OUTAGES = 24 * 7 * 10, 2000, 10_000, 20


def with_outages(y: np.ndarray, seed: int) -> tuple[np.ndarray, list[int]]:
    """The same with 20 outages of 3 to 12 hours that take 70 to 98 % away, and the watched row that each begins at."""
    rng, gap = np.random.default_rng(100 + seed), WATCHED // OUTAGES
    y, begins = y.copy(), list[int]()
    for k in range(OUTAGES):
        begin = k * gap + int(rng.integers(0, gap - 72))
        length = int(rng.integers(3, 13))
        y[TRAINED + HELD + begin :][:length] *= 1 - rng.uniform(0.7, 0.98)
        begins.append(begin)
    return y, begins


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_scores_like_those_of_taxis_are_uniform_and_outages_score_low(seed: int) -> None:
    y = taxi(seed, TRAINED + HELD + WATCHED)
    model = gc.Forecaster(24, progress=False, candidates=1, members=1).fit(y[:TRAINED])

    def scores(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        told = model.live(y[: TRAINED + HELD]).observe({"y": y[TRAINED + HELD :]})
        return told.anomaly_RC[:, 0], told.alarm_RC[:, 0] == 1

    calm, calm_alarm_R = scores(y)
    assert uniform_distance(calm) < 1.63
    assert (calm < 0.001).sum() <= 20, "10 are to be expected"
    broken, begins = with_outages(y, seed)
    score_R, alarm_R = scores(broken)
    assert sum((score_R[begin : begin + 24] < 0.001).any() for begin in begins) >= 18
    far_R = np.ones(WATCHED, np.bool_)
    far_R[(np.array(begins)[:, None] + np.arange(24)).ravel()] = False
    assert (score_R[far_R] < 0.001).sum() < 50, "one season later forecasts read the outages again"
    twice_R = (score_R < 0.001) & (np.concatenate([[1.0], score_R[:-1]]) < 0.001)
    assert (twice_R & far_R).sum() < 2, "two low rows in a row are rare"
    assert sum(alarm_R[begin : begin + 24].any() for begin in begins) >= 18
    assert calm_alarm_R.sum() < 2
    assert (alarm_R & far_R).sum() < 2, "what forecasts read of an outage raises no alarm a week later"


def test_rows_that_training_did_not_see_are_held_back_from_the_beginning() -> None:
    model, y = steady(), noise(0, 700)
    assert [len(held) for held in model.live()._held] == [0]
    later = model.live(y)
    assert [held.rows for held in later._held] == [300]
    assert [held.rows for held in model.live(y, held_back=50)._held] == [50]
    assert later.observe({"y": 1e3}).anomaly_RC[0, 0] < 0.001
    streamed = model.live()
    streamed.observe({"y": y[400:]})
    np.testing.assert_allclose(streamed._held[0].sizes, later._held[0].sizes, rtol=1e-4, atol=1e-6)
    with pytest.raises(gc.GatecastError, match="held_back must be at least 0; got -1"):
        model.live(held_back=-1)


def test_inside_says_what_the_intervals_of_the_forecast_say(panel_of: PanelOf) -> None:
    model, panel = model_of(panel_of, "deep"), table(panel_of, 3, (60, 60))
    live = model.live(panel.slice(0, 40))
    inside, within = [], []
    for t in range(40, 60):
        rows = panel.slice(t, t + 1)
        kinds = {"unique_id": ["s0"] * H + ["s1"] * H, "ds": [*range(t + 1, t + 1 + H)] * 2, "kind": ["a"] * 2 * H}
        for n in range(2):
            kinds["kind"][n * H] = "ab"[int(rows.future_RF[rows.rows(n)][0, 1])]
        low, high = live.forecast(future=pl.DataFrame(kinds)).interval(0.8)
        value_NC = np.stack([rows.series(n)[0] for n in range(2)])
        within.append((value_NC >= low[:, 0]) & (value_NC <= high[:, 0]))
        inside.append(live.observe(rows).inside(0.8))
    np.testing.assert_array_equal(np.array(inside), np.array(within))
    assert 0 < np.mean(within) < 1


def test_a_model_with_the_median_alone_says_the_error_alone(panel_of: PanelOf) -> None:
    y, training = np.random.default_rng(0).normal(size=(60,)), {"max_epochs": 1, "loss": "mae"}
    model = gc.Forecaster(1, lookback=50, scaling="standard", members=1, training=training, progress=False,
                          network={"hidden_size": 2}, refit=False).fit(y)  # fmt: skip
    told = model.live().observe({"y": 1.0})
    assert np.isfinite(told.error_RC).all()
    assert np.isnan(told.anomaly_RC).all() == (len(model.fitted_.levels) == 1)


def test_the_result_is_a_table_in_the_library_of_the_data() -> None:
    frame = pl.DataFrame({"shop": [3] * 40 + [5] * 40, "day": [*range(40)] * 2, "sales": np.arange(80.0)})
    for backend, data in {"polars": frame, "pandas": frame.to_pandas(), "pyarrow": frame.to_arrow()}.items():
        model = gc.Forecaster(2, preset="instant").fit(gc.read(data, series="shop", time="day"))
        told: Any = model.live().observe({"shop": [5, 3], "day": [40, 40], "sales": [80.0, None]})
        made = told.to_frame()
        assert type(made).__module__.split(".")[0] == backend
        assert list(told.columns())[:5] == ["shop", "day", "row", "cold", "sales"]
        assert [*made["shop"].to_numpy()] == [5, 3]
        assert told.kinds.tolist() == ["new", "missing"]
        assert repr(told) == "<Observed 2 rows · 1 new, 1 missing>"
        assert "sales_anomaly" in told._repr_html_()
