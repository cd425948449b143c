"""A live model that is trained further while it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.backtesting.test_check import other_shape, trained  # noqa: F401 -- a fixture
from tests.live.conftest import SCHEMA, model_of, numbers, table

import gatecast as gc
from gatecast.backtesting.newer import update as updating
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, PanelError, TrainingError, WindowError
from gatecast.refreshing import refresh

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
FUTURE = {"kind": "b"}


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The training begins when this is set."""
    go, usual = threading.Event(), updating.update

    def later(*arguments: object, **options: object) -> gc.Update:
        assert go.wait(60)
        return usual(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(refresh, "update", later)
    yield go
    go.set()


def test_a_better_model_takes_over_and_knows_the_rows_observed_meanwhile(
    trained: gc.Forecaster, held_up: threading.Event, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    values = other_shape(250)
    live = trained.live(values[:230])
    before = live.forecast().values.copy()
    going = live.refresh(values[:200])
    assert not going.done()
    with pytest.raises(ConfigError, match="a refresh of this live model goes on"):
        live.refresh()
    with pytest.raises(TimeoutError, match=r"goes on after 0\.01 seconds"):
        going.result(0.01)
    np.testing.assert_array_equal(live.forecast().values, before)
    live.observe({"y": values[230:]})
    held_up.set()
    made = going.result(60)
    assert made.better
    assert ": kept." in str(made)
    assert ": kept." in repr(going)
    whole = made.model.predict(values).values
    np.testing.assert_allclose(live.forecast().values, whole, rtol=1e-6)
    assert not np.allclose(whole, trained.predict(values).values)
    assert live.drift().rows == 0, "it is about the new model"
    assert live._held[0].rows == made.before.scores.origins * made.model.horizon
    live.save(tmp_path / "s.live")
    np.testing.assert_array_equal(gc.load_live(tmp_path / "s.live").forecast().values, live.forecast().values)
    made.model.save(tmp_path / "m.gatecast")


@pytest.mark.parametrize("name", ["as it is", "log season", "category", "smooth", "smooth fitted", "all of them"])
def test_after_the_swap_stream_equals_batch(panel_of: PanelOf, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nearly all steps have been dropped, and the training has seen the whole history by the panel."""
    monkeypatch.setattr(gc.Update, "errors", (2.0, 1.0))
    model, panel = model_of(panel_of, name), table(panel_of, 4, (190, 170))
    live = model.live(panel.slice(0, panel.length - 9))
    made = live.refresh(panel.slice(0, panel.length - 30)).result(60)
    assert made.better
    assert made.model.record_["steps"] == panel.total - 18
    live.observe(panel.slice(panel.length - 9, panel.length))
    whole = made.model.predict(panel, future=FUTURE).values_NHCQ
    np.testing.assert_allclose(live.forecast(future=FUTURE).values_NHCQ, whole, rtol=1e-6)


def test_a_model_that_is_no_better_stays(
    trained: gc.Forecaster, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setattr(gc.Update, "errors", (1.0, 2.0))
    live = trained.live(other_shape(240))
    before, fitted = live.forecast().values, live.fitted
    made = live.refresh(other_shape(230)).result(60)
    assert not made.better
    assert "not better" in str(made)
    assert live.fitted is fitted
    np.testing.assert_array_equal(live.forecast().values, before)


def test_a_stopped_training_changes_nothing(
    trained: gc.Forecaster, held_up: threading.Event, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setattr(gc.Update, "errors", (2.0, 1.0))
    live = trained.live(other_shape(240))
    fitted, going = live.fitted, live.refresh(other_shape(230))
    going.stop()
    held_up.set()
    assert not going.result(60).better
    assert live.fitted is fitted


def test_an_error_of_the_training_surfaces(
    trained: gc.Forecaster, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    def broken(*_: object, **__: object) -> gc.Update:
        raise TrainingError("the loss is no longer finite.")

    monkeypatch.setattr(refresh, "update", broken)
    live = trained.live(other_shape(240))
    going = live.refresh(other_shape(230))
    assert going.wait(60)
    with pytest.raises(TrainingError, match="no longer finite"):
        going.result()
    live.refresh(other_shape(230)).wait(60)


def test_too_little_gives_one_line(panel_of: PanelOf, trained: gc.Forecaster) -> None:  # noqa: F811
    with pytest.raises(WindowError, match=r"3 steps came after the training, until .* more than 4 are needed"):
        trained.live(other_shape(75)).refresh()
    live = model_of(panel_of, "difference").live(table(panel_of, 4, (190, 170)))
    with pytest.raises(WindowError, match=r"0 windows before the newest \d+ steps.*Give the history too: refresh\(pan"):
        live.refresh()
    with pytest.raises(ConfigError, match="instant preset cannot be trained further"):
        model_of(panel_of, "instant").live(table(panel_of, 4, (90,))).refresh()
    with pytest.raises(ConfigError, match=r"time_limit.* must be above 0 seconds; got 0"):
        live.refresh(time_limit=0)


def test_a_panel_that_does_not_go_with_what_was_observed_is_refused(panel_of: PanelOf) -> None:
    live = model_of(panel_of, "difference").live(table(panel_of, 4, (190,)), most_missing=20)
    with pytest.raises(PanelError, match=r"more than 20 steps are missing between the panel and .*: 's0'"):
        live.refresh(table(panel_of, 4, (100,)))


def test_what_was_observed_counts_where_a_panel_says_something_else(panel_of: PanelOf) -> None:
    model = model_of(panel_of, "difference")
    live = model.live(panel_of([numbers(4, 190)], SCHEMA))
    changed = panel_of([numbers(4, 190), numbers(5, 90)], SCHEMA)
    changed.values_RV[:190, :2] += 1000
    history = refresh._remembered(live, changed)
    kept = live.steps_kept
    assert history.ids == ("s0", "s1")
    np.testing.assert_array_equal(history.length, [190, 90])
    first = history.series(0)[:, 0]
    np.testing.assert_array_equal(first > 900, np.arange(190) < 190 - kept)
