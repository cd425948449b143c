"""When made-up copies are trained: where they might help, and the tail says that they cost nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.forecaster import Forecaster
from gatecast.selection.choose import Plan, Wishes, choose, structures
from gatecast.training import blend as blend_module
from gatecast.training import copies
from gatecast.training.blend import Blend, fit_blend
from gatecast.training.copies import LEVEL, copied, insured, worth_trying
from gatecast.training.counts import COUNTS
from gatecast.training.ensemble import Ensemble, Trainer
from gatecast.training.loop import Record
from gatecast.training.member import Member

PanelOf = Callable[..., Panel]
ONE_STEP = Wishes(1, None, None, None, None, None, False)
pytestmark = pytest.mark.usefixtures("one_thread")


def series(panel_of: PanelOf, steps: int, many: int = 1, lift: float = 1.0) -> Panel:
    rng = np.random.default_rng(0)
    panel = panel_of([rng.random(steps) + np.sin(np.arange(steps)) / 9 + lift for _ in range(many)])
    return replace(panel, frequency=Frequency.from_text("D"))


@pytest.mark.parametrize(
    ("given", "wishes", "worth"),
    [
        ({"steps": 2000}, {}, True),
        ({"steps": 1999}, {}, False),
        ({"steps": 2000, "many": 9}, {}, True),
        ({"steps": 2000, "many": 10}, {}, False),
        ({"steps": 2000, "lift": -0.5}, {}, False),
        ({"steps": 2000}, {"horizon": 2}, False),
        ({"steps": 2000}, {"training": {"augment": 0}}, False),
        ({"steps": 2000}, {"training": {"augment": 1}}, False),
    ],
)
def test_few_long_series_above_zero_one_step_ahead_are_worth_it(
    panel_of: PanelOf, given: dict[str, Any], wishes: dict[str, Any], worth: bool
) -> None:
    panel = series(panel_of, **given)
    assert worth_trying(panel, choose(panel, replace(ONE_STEP, **wishes))) == worth


def test_counts_have_no_made_up_copies(panel_of: PanelOf) -> None:
    panel = panel_of([np.arange(2000.0) % 9 + 1])
    assert not worth_trying(panel, choose(panel, replace(ONE_STEP, training={"loss": COUNTS})))


def trained(plan: Plan, error: float, **record: Any) -> Ensemble:
    """An ensemble that was never trained, with an error on its tail."""
    empty: Any = None
    member = Member(empty, Record(validation=[1.0], best_epoch=0, **record))
    interrupted = bool(record.get("interrupted"))
    return Ensemble((member,), empty, empty, None, ("a",), empty, empty, interrupted, error)


@pytest.mark.parametrize(
    ("error", "record", "copies_wanted"),
    [
        (1.0, {}, 1),
        (1 + 0.9 * LEVEL, {}, 1),
        (1 + 1.1 * LEVEL, {}, None),
        (math.nan, {}, None),
        (0.5, {"out_of_time": True}, None),
        (0.5, {"interrupted": True}, None),
    ],
)
def test_copies_stay_where_the_tail_does_not_mind(
    panel_of: PanelOf, error: float, record: dict[str, Any], copies_wanted: int | None
) -> None:
    plan = choose(series(panel_of, 60), ONE_STEP)
    before = trained(plan, 1.0)
    got_plan, got = insured(plan, before, lambda other: trained(other, error, **record))
    assert got_plan == copied(plan, copies_wanted)
    assert got.tail_error == (error if copies_wanted else 1.0)
    assert got.interrupted == bool(record.get("interrupted")), "a Ctrl-C is not forgotten"


def test_where_nothing_was_trained_all_stays(panel_of: PanelOf) -> None:
    plan = choose(series(panel_of, 60), ONE_STEP)
    before = trained(plan, 1.0)
    assert insured(plan, before, lambda _: None) == (plan, before)


def blend_of(panel: Panel) -> Blend:
    quick: dict[str, Any] = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1, "progress": False}
    plans = structures(panel, Forecaster(1, **quick)._wishes(math.inf))[:3]
    assert len(plans) == 3
    return fit_blend(plans, panel, None, quantiles=(0.1, 0.5, 0.9), refit=True)


@pytest.mark.parametrize("level", [-1.0, 10.0])
def test_what_the_first_structure_finds_holds_for_all(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, level: float
) -> None:
    monkeypatch.setattr(copies, "LONG", 100)
    monkeypatch.setattr(copies, "LEVEL", level)
    runs: list[int | None] = []
    true = Trainer.run

    def noted(self: Trainer, *given: Any, **more: Any) -> Ensemble:
        runs.append(self.plan.training.augment)
        return true(self, *given, **more)

    monkeypatch.setattr(Trainer, "run", noted)
    monkeypatch.setattr(blend_module, "tails_of", lambda panel: 1)
    blend = blend_of(series(panel_of, 300))
    found = 1 if level > 0 else None
    assert runs[:4] == [None, 1, found, found], "the first one is trained both ways"
    assert set(runs[4:]) == {found}
    assert {part.plan.training.augment for part in blend.parts} == {found}
    assert ("made-up copies" in blend.parts[0].plan.describe()) == bool(found)


def test_a_stop_during_the_second_look_keeps_the_first(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "LONG", 100)
    true = Trainer.validated

    def stopped(self: Trainer, panel: Panel, *, budget: float = 1.0) -> Ensemble | None:
        if self.plan.training.augment:
            raise KeyboardInterrupt
        return true(self, panel, budget=budget)

    monkeypatch.setattr(Trainer, "validated", stopped)
    blend = blend_of(series(panel_of, 300))
    assert blend.interrupted
    assert len(blend.parts) == 1
    assert blend.parts[0].plan.training.augment is None
