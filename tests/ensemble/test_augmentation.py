"""When augmented series are trained: where they might help, and validation shows that they cost nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.tables.reading import read
from gatecast.ensemble import augmentation
from gatecast.ensemble.augmentation import (
    augmenting,
    least_growth,
    stable_level,
    with_augmentation,
    worth_trying,
)
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.blending import fit_blend
from gatecast.ensemble.fitting import Procedure, Trainer
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.ensemble.validation import FoldErrors
from gatecast.forecaster import Forecaster
from gatecast.planning.choose import Plan, candidates, choose
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.settings import Settings
from gatecast.progress import Silent
from gatecast.training.loop import Record
from gatecast.training.member import Member

PanelOf = Callable[..., Panel]
ONE_STEP = Settings(1)
LEVEL, PARTS = DEFAULTS.augmentation.growth, DEFAULTS.augmentation.parts
FAR = DEFAULTS.augmentation.far * DEFAULTS.alterations.levels
pytestmark = pytest.mark.usefixtures("one_thread")


def series(panel_of: PanelOf, steps: int, many: int = 1, lift: float = 1.0, rise: float = 0.0) -> Panel:
    rng = np.random.default_rng(0)
    grown = np.exp(1.2 * rise * np.arange(steps) / steps)
    panel = panel_of([(rng.random(steps) + np.sin(np.arange(steps)) / 9 + lift) * grown for _ in range(many)])
    return replace(panel, frequency=Frequency.from_text("D"))


@pytest.mark.parametrize(
    ("data", "changes", "worth"),
    [
        ({"steps": 2000}, {}, True),
        ({"steps": 1999}, {}, False),
        ({"steps": 2000, "many": 9}, {}, True),
        ({"steps": 2000, "many": 10}, {}, False),
        ({"steps": 2000, "lift": -0.5}, {}, False),
        ({"steps": 2000, "rise": FAR}, {}, False),
        ({"steps": 2000}, {"horizon": 2}, False),
        ({"steps": 2000}, {"training": {"augment": 0}}, False),
        ({"steps": 2000}, {"training": {"augment": 1}}, False),
    ],
)
def test_few_long_series_above_zero_one_step_ahead_are_worth_it(
    panel_of: PanelOf, data: dict[str, Any], changes: dict[str, Any], worth: bool
) -> None:
    panel = series(panel_of, **data)
    assert worth_trying(panel, choose(panel, replace(ONE_STEP, **changes))) == worth


def test_counts_have_no_augmented_series(panel_of: PanelOf) -> None:
    panel = panel_of([np.arange(2000.0) % 9 + 1])
    assert not worth_trying(panel, choose(panel, replace(ONE_STEP, training={"loss": "negative-binomial"})))


@pytest.mark.parametrize(
    ("apart", "stable"), [(0.9 * FAR, True), (1.1 * FAR, False), (-1.1 * FAR, False)], ids=["near", "up", "down"]
)
def test_a_level_that_was_far_away_before_is_not_stable(panel_of: PanelOf, apart: float, stable: bool) -> None:
    level = np.where(np.arange(100) < 40, 1.0, np.exp(apart))
    assert stable_level(panel_of([np.ones(100), level]), 10) == stable
    assert stable_level(panel_of([level[:49]]), 10), "a window that is not full does not count"
    odd = np.where(np.arange(100) % 10 < 4, np.exp(apart), 1.0)
    assert stable_level(panel_of([odd]), 10), "some days of a window are no level"


def test_every_target_needs_a_stable_level() -> None:
    moving = np.where(np.arange(100) < 40, 1.0, 9.0)
    for targets in ([moving, np.ones(100)], [np.ones(100), moving]):
        frame = pl.DataFrame({"t": range(100), "a": targets[0], "b": targets[1]})
        assert not stable_level(read(frame, time="t", target=["a", "b"]), 10)


def test_what_is_missing_tells_no_level(panel_of: PanelOf) -> None:
    values = np.ones(100)
    values[:25] = np.nan
    assert stable_level(panel_of([values]), 10)
    assert stable_level(panel_of([values[:8]]), 10)
    values[25] = 9.0
    assert stable_level(panel_of([values]), 10)
    values[25:30] = 9.0
    assert not stable_level(panel_of([values]), 10), "one window knows five values, all of them high"


errors = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(size=(60, 2, 1)))


@given(errors, st.floats(0.2, 5.0))
def test_a_growth_is_told_within_its_confidence(error_BHC: np.ndarray, factor: float) -> None:
    weight_B = np.linspace(1, 2, 60)
    least = least_growth(error_BHC, -factor * error_BHC, weight_B)
    loss_B = np.abs(error_BHC).mean(axis=(1, 2)) * weight_B
    growth_P = (factor - 1) * loss_B.reshape(PARTS, -1).mean(axis=1) / loss_B.mean()
    t19 = 2.093024054408263  # Student's, for 97.5 %
    expected = growth_P.mean() - t19 * growth_P.std(ddof=1) / PARTS**0.5
    assert least == pytest.approx(expected, abs=1e-9)
    assert least <= factor - 1 + 1e-9


def test_a_growth_counts_as_much_as_its_window() -> None:
    error, other = np.ones((40, 1, 1)), np.ones((40, 1, 1))
    other[::2] = 2
    assert least_growth(error, other, np.where(np.arange(40) % 2, 3.0, 1.0)) == pytest.approx(20 / 80)
    assert least_growth(error, other, np.where(np.arange(40) % 2, 1.0, 3.0)) == pytest.approx(60 / 80)


def test_luck_is_seldom_taken_for_a_growth() -> None:
    rng = np.random.default_rng(0)
    draws = [
        least_growth(np.ones((400, 1, 1)), 1 + np.repeat(rng.normal(0, 0.1, (200, 1, 1)), 2, axis=0), np.ones(400))
        for _ in range(400)
    ]
    assert np.mean(np.array(draws) > 0) < 0.05


def test_a_growth_is_unknown_where_nothing_tells_it() -> None:
    ones = np.ones((PARTS, 1, 1))
    assert least_growth(ones, ones, np.ones(PARTS)) == 0
    holes, lost = ones.copy(), ones.copy()
    holes[3] = np.nan
    holes = np.concatenate([holes, ones], axis=1)
    assert least_growth(holes, holes, np.ones(PARTS)) == 0, "an unknown truth is left out"
    lost[3] = np.nan
    assert np.isnan(least_growth(ones[1:], ones[1:], np.ones(PARTS - 1))), "too few windows"
    assert np.isnan(least_growth(0 * ones, ones, np.ones(PARTS))), "nothing was wrong"
    assert np.isnan(least_growth(ones, lost, np.ones(PARTS))), "a network that went astray"


def trained(plan: Plan, **record: Any) -> TrainedCandidate:
    """A candidate that was never trained."""
    empty: Any = None
    member = Member(empty, Record(validation=[1.0], best_epoch=0, **record))
    interrupted = bool(record.get("interrupted"))
    return TrainedCandidate(plan, (member,), empty, empty, None, ("a",), empty, empty, interrupted)


@pytest.mark.parametrize(
    ("grown", "record", "wanted"),
    [
        (-0.1, {}, 1),
        (0.9 * LEVEL, {}, 1),
        (1.1 * LEVEL, {}, None),
        (math.nan, {}, None),
        (-0.5, {"out_of_time": True}, None),
        (-0.5, {"interrupted": True}, None),
    ],
)
def test_augmented_series_stay_where_validation_shows_no_harm(
    panel_of: PanelOf,
    monkeypatch: pytest.MonkeyPatch,
    grown: float,
    record: dict[str, Any],
    wanted: int | None,
) -> None:
    panel = series(panel_of, 60)
    plan = choose(panel, ONE_STEP)
    before, other = trained(plan), trained(augmenting(plan, 1), **record)
    errors = FoldErrors(np.zeros((3, 1, 1, 1)), np.ones(1), np.zeros(1, np.int64), np.ones(1))
    asked: list[Plan] = []
    monkeypatch.setattr(augmentation, "fold_errors", lambda *given: errors)
    monkeypatch.setattr(augmentation, "least_growth", lambda *given: grown)
    got = with_augmentation(before, lambda one: asked.append(one) or other, panel)  # type: ignore[func-returns-value]
    assert asked == [augmenting(plan, 1)]
    assert got.plan == augmenting(plan, wanted)
    assert got.members is (other if wanted else before).members
    assert got.interrupted == bool(record.get("interrupted")), "a stop is not forgotten"


def test_where_nothing_was_trained_all_stays(panel_of: PanelOf) -> None:
    panel = series(panel_of, 60)
    before = trained(choose(panel, ONE_STEP))
    assert with_augmentation(before, lambda _: None, panel) is before


LONG_FROM_100 = DEFAULTS.changed({"augmentation.long": 100})


def blend_of(panel: Panel, defaults: Defaults = LONG_FROM_100, listener: Silent | None = None) -> Blend:
    quick: dict[str, Any] = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1, "progress": False}
    plans = candidates(panel, Forecaster(1, **quick).settings)[:3]
    assert len(plans) == 3
    levels = (0.1, 0.5, 0.9)
    return fit_blend(plans, panel, None, Procedure(levels, listener or Silent(), defaults), refit=True)


@pytest.mark.parametrize("level", [-1.0, 10.0])
def test_what_the_first_candidate_finds_holds_for_all(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, level: float
) -> None:
    runs: list[int | None] = []
    true = Trainer.run

    def noted(self: Trainer, *given: Any, **more: Any) -> TrainedCandidate:
        runs.append(self.plan.training.augment)
        return true(self, *given, **more)

    monkeypatch.setattr(Trainer, "run", noted)
    defaults = LONG_FROM_100.changed({"augmentation.growth": level, "validation.most_folds": 1})
    blend = blend_of(series(panel_of, 300), defaults)
    found = 1 if level > 0 else None
    assert runs[:4] == [None, 1, found, found], "the first one is trained both ways"
    assert set(runs[4:]) == {found}
    assert {one.plan.training.augment for one in blend.trained} == {found}
    assert ("augmented series" in blend.main.plan.describe()) == bool(found)


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_stop_during_the_second_look_keeps_the_first(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    true, listener = Trainer.validated, Silent()

    def stopped(self: Trainer, panel: Panel, *, budget: float = 1.0) -> TrainedCandidate | None:
        if self.plan.training.augment and when == "before":
            listener.stop.set()
        result = true(self, panel, budget=budget)
        if self.plan.training.augment and result is not None:
            listener.stop.set()
            return replace(result, interrupted=True)
        return result

    monkeypatch.setattr(Trainer, "validated", stopped)
    any_error_would_do = LONG_FROM_100.changed({"augmentation.growth": 1e9})
    blend = blend_of(series(panel_of, 300), any_error_would_do, listener)
    assert blend.interrupted
    assert len(blend.trained) == 1
    assert blend.main.plan.training.augment is None
