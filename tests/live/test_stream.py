"""A stream of rows leads to what the whole history leads to, however the rows come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.live.conftest import NAMES, H, model_of, table

from gatecast.data.panel import Panel
from gatecast.forecaster import Forecaster
from gatecast.live.live import Live

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
FUTURE = {"kind": "a"}
WHOLE = ("difference", "category", "log season", "all of them")
every_model = pytest.mark.parametrize("name", NAMES)


def blocks(frame: pl.DataFrame, rng: np.random.Generator, most: int) -> Iterator[pl.DataFrame]:
    """The rows of a long table in blocks of random sizes, series interleaved at random, each in its own order."""
    series_R = rng.permutation(frame["unique_id"].to_numpy())
    nth = {name: iter(frame.filter(pl.col("unique_id") == name).iter_slices(1)) for name in set(series_R.tolist())}
    shuffled = pl.concat([next(nth[name]) for name in series_R.tolist()])
    at = 0
    while at < shuffled.height:
        size = int(rng.integers(1, most + 1))
        yield shuffled[at : at + size]
        at += size


def largest_difference(live: Live, model: Forecaster, panel: Panel) -> float:
    """Between the forecasts of a live model and those from the whole history, relative."""
    streamed = live.forecast(panel.ids, future=FUTURE)
    whole = model.predict(panel, future=FUTURE)
    assert streamed.ids == whole.ids
    assert streamed.quantiles == whole.quantiles
    assert not streamed.cold
    np.testing.assert_array_equal(streamed.times, whole.times)
    apart, size = np.abs(streamed.values_NHCQ - whole.values_NHCQ), np.abs(whole.values_NHCQ)
    return float((apart / np.where(size > 0, size, 1)).max())


@pytest.mark.parametrize(("name", "gaps"), [*((name, 0.2) for name in NAMES), *((name, 0.0) for name in WHOLE)])
def test_a_stream_of_rows_forecasts_what_the_whole_history_does(panel_of: PanelOf, name: str, gaps: float) -> None:
    """Two series of the training, and a new one that begins with the first row that is observed."""
    model, rng = model_of(panel_of, name), np.random.default_rng(3)
    panel = table(panel_of, 5, (80, 50, 50), gaps)
    live = model.live(panel.select([0, 1]).slice(0, 40), held_back=0)
    rest = panel.slice(np.array([40, 40, 0]), panel.length).to_frame()
    for block in blocks(rest, rng, 50):
        live.observe(block)
    assert largest_difference(live, model, panel) < 1e-6


@every_model
def test_what_was_forecast_one_step_ahead_is_what_the_history_up_to_there_gives(panel_of: PanelOf, name: str) -> None:
    model, panel = model_of(panel_of, name), table(panel_of, 7, (60, 50))
    live = model.live(panel.slice(0, panel.length - 6), held_back=0)
    rows = panel.slice(panel.length - 6, panel.length)
    told = live.observe(rows.to_frame())
    for r in range(12):
        n, t = divmod(r, 6)
        history = panel.select([n]).slice(0, panel.length[n] - 6 + t)
        ahead = panel.select([n]).slice(panel.length[n] - 6 + t, panel.length[n]).future
        kinds = np.concatenate([ahead.values_RV[ahead.rows(0)], np.tile([1.0, 0.0], (H, 1))])[:H]
        future = {"unique_id": [panel.ids[n]] * H, "ds": panel.length[n] - 5 + t + np.arange(H),
                  "kind": np.array(["a", "b"])[kinds.argmax(axis=1)]}  # fmt: skip
        expected = model.predict(history, future=pl.DataFrame(future))
        np.testing.assert_allclose(told.forecast_RC[r], expected.values[0, 0], rtol=2e-6)


@given(seed=st.integers(0, 10**6), most=st.integers(5, 60), gaps=st.sampled_from([0.0, 0.1, 0.6]), data=st.data())
@settings(max_examples=6)
def test_any_stream(panel_of: PanelOf, seed: int, most: int, gaps: float, data: st.DataObject) -> None:
    model = model_of(panel_of, data.draw(st.sampled_from(NAMES)))
    lengths = tuple(data.draw(st.lists(st.integers(30, 60), min_size=1, max_size=3)))
    panel = table(panel_of, seed % 1000, lengths, gaps)
    live, begin = model.live(panel.select([0]).slice(0, 5), held_back=0), np.zeros(len(panel), np.int64)
    begin[0] = 5
    for block in blocks(panel.slice(begin, panel.length).to_frame(), np.random.default_rng(seed), most):
        live.observe(block)
    assert largest_difference(live, model, panel) < 1e-6


KEPT = {
    "with smoothing": 720,
    "smooth with gate": 520,
    "all of them": 740,
    "smooth": 50,
    "category": 40,
    "log season": 50,
    "smooth fitted": 50,
    "instant": 520,
}


@pytest.mark.parametrize(("name", "most"), KEPT.items())
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_what_is_kept_is_bounded_and_what_was_dropped_is_not_missed(
    panel_of: PanelOf, name: str, most: int, gaps: float
) -> None:
    """Steps of one series are dropped when it begins, those of the other one later."""
    model, panel = model_of(panel_of, name), table(panel_of, 5, (most + 8, most + 300), gaps)
    live = model.live(panel.slice(0, panel.length - 18), held_back=0)
    for begin in (18, 12, 6):
        live.observe(panel.slice(panel.length - begin, panel.length - begin + 8))
    assert live.steps_kept <= 2 * most, "of two series"
    assert largest_difference(live, model, panel) < 1e-6


def test_a_value_below_zero_counts_however_long_ago_it_was(panel_of: PanelOf) -> None:
    """Beside a smoothing that reads the whole history, the gate does so too; its outer levels may reach below 0."""
    model = model_of(panel_of, "level with gate").clone(fitted=True)
    blend, levels = model.fitted_.blend, (0.0001, 0.25, 0.5, 0.75, 0.9999)
    gate = replace(blend.experts[1], quantiles=levels)  # type: ignore[type-var]
    model.fitted_ = replace(model.fitted_, blend=replace(blend, experts=(blend.experts[0], gate), weights=(0.0, 1.0)))
    panel = table(panel_of, 5, (700, 700))
    panel.values_RV[:, 0] = np.tile(0.6 + 0.5 * np.random.default_rng(0).normal(size=700).clip(-1), 2)
    panel.values_RV[3, 0] = -1.0
    live = model.live(panel, held_back=0)
    assert live.steps_kept < 600
    assert largest_difference(live, model, panel) < 1e-6
    low_NH = live.forecast(future=FUTURE).values_NHCQ[:, :, 0, 0]
    assert (low_NH[0] < low_NH[1]).all(), "it made a difference"


@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_a_category_that_comes_seldom_is_remembered(panel_of: PanelOf, gaps: float) -> None:
    """The last steps of category b are dropped long before it comes again."""
    model, panel = model_of(panel_of, "category"), table(panel_of, 6, (200, 150), gaps)
    for n in range(2):
        panel.values_RV[panel.first[n] + 12 : panel.stop[n], 3:] = [1.0, 0.0]
    live = model.live(panel.slice(0, 60), held_back=0)
    for begin in range(60, 200, 20):
        live.observe(panel.slice(begin, begin + 20))
    streamed, whole = (one.values_NHCQ for one in (live.forecast(future={"kind": "b"}),
                                                   model.predict(panel, future={"kind": "b"})))  # fmt: skip
    np.testing.assert_allclose(streamed, whole, rtol=1e-6)
    assert live.steps_kept < 70
