"""The tails that the weights of a blend come from: how many, what is trained for them, and what they say together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.forecaster import Forecaster
from gatecast.progress import Progress
from gatecast.selection.choose import structures
from gatecast.selection.probe import SMALL
from gatecast.training import blend as blend_module
from gatecast.training.blend import Blend, fit_blend
from gatecast.training.ensemble import Ensemble, Trainer, pooled
from gatecast.training.tails import Tail, before_tail, joined, measured, tails_of
from gatecast.training.weights import mean_error

PanelOf = Callable[..., Panel]
Change = Callable[[int, Ensemble], Ensemble]
pytestmark = pytest.mark.usefixtures("one_thread")


def walk(panel_of: PanelOf, *lengths: int, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    return panel_of([rng.normal(size=steps).cumsum() for steps in lengths])


def watched(monkeypatch: pytest.MonkeyPatch, change: Change = lambda _, ensemble: ensemble) -> list[tuple[int, ...]]:
    """Lengths of the series that each first training was given; what it gives back may be changed."""
    seen: list[tuple[int, ...]] = []
    true = Trainer.validated

    def validated(self: Trainer, panel: Panel, *, budget: float = 1.0) -> Ensemble | None:
        seen.append(tuple(panel.length.tolist()))
        ensemble = true(self, panel, budget=budget)
        return None if ensemble is None else change(len(seen), ensemble)

    monkeypatch.setattr(Trainer, "validated", validated)
    return seen


def blend_of(panel: Panel, horizon: int = 2, most: int = 2) -> Blend:
    quick: dict[str, Any] = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1, "progress": False}
    plans = structures(panel, Forecaster(horizon, **quick)._wishes(math.inf))[:most]
    assert len(plans) == most
    return fit_blend(plans, panel, None, quantiles=(0.1, 0.5, 0.9), refit=False)


def measured_by(monkeypatch: pytest.MonkeyPatch) -> list[Tail]:
    """All tails that a fit measures."""
    tails: list[Tail] = []

    def noted(*given: Any) -> Tail | None:
        if (tail := measured(*given)) is not None:
            tails.append(tail)
        return tail

    monkeypatch.setattr(blend_module, "measured", noted)
    return tails


def joined_by(monkeypatch: pytest.MonkeyPatch) -> list[Tail]:
    """The tails whose errors say what the weights are."""
    tails: list[Tail] = []

    def noted(given: list[Tail]) -> Tail:
        tails.extend(given)
        return joined(given)

    monkeypatch.setattr(blend_module, "joined", noted)
    return tails


def test_every_structure_is_trained_for_three_tails_of_small_data(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watched(monkeypatch)
    blend_of(walk(panel_of, 100, 60))
    assert seen == [(100, 60), (100, 60), (80, 48), (80, 48), (64, 39), (64, 39)], "without a fifth, and again"


def test_large_data_have_one_tail(panel_of: PanelOf) -> None:
    assert tails_of(walk(panel_of, SMALL)) == 1
    assert tails_of(walk(panel_of, SMALL - 1)) == 3


def test_no_training_sees_less_than_half_of_the_data(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched(monkeypatch)
    blend_of(walk(panel_of, 60), horizon=20)
    assert seen == [(60,), (60,), (40,)], "it would learn from 20 steps to forecast 20"
    seen.clear()
    blend_of(walk(panel_of, 60), horizon=16)
    assert seen == [(60,), (60,), (44,), (44,)], "28 steps are left"


def test_all_tails_say_what_the_weights_are(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = walk(panel_of, 100, 60)
    tails = measured_by(monkeypatch)
    blend = blend_of(panel)
    whole = joined(tails)
    assert len(tails) == 3
    assert [error for _, error in blend.errors[:-1]] == [mean_error(e, whole.weight_B) for e in whole.error_KBHC]


def test_what_comes_after_a_tail_does_not_matter_to_it(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The errors on the third tail are the same bytes whatever the data do later."""
    found = measured_by(monkeypatch)
    panel = walk(panel_of, 100)
    plans = structures(
        panel, Forecaster(2, training={"max_epochs": 1, "steps_per_epoch": 2}, members=1)._wishes(math.inf)
    )
    changed = replace(panel, values_RV=np.where(np.arange(100)[:, None] < 64, panel.values_RV, 7.0))
    for data in (panel, changed):
        fit_blend(plans[:2], data, None, quantiles=(0.5,), refit=False)
    assert len(found) == 6
    first, second = found[2], found[5]
    assert first.error_KBHC.tobytes() == second.error_KBHC.tobytes()
    assert found[0].error_KBHC.tobytes() != found[3].error_KBHC.tobytes()


def test_ctrl_c_in_an_earlier_tail_keeps_the_later_ones(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = walk(panel_of, 100)
    seen = watched(monkeypatch, lambda number, ensemble: replace(ensemble, interrupted=number == 5))
    tails = joined_by(monkeypatch)
    blend = blend_of(panel)
    assert len(seen) == 5
    assert len(tails) == 2
    assert blend.interrupted
    assert not any(part.ensemble.interrupted for part in blend.parts)


def test_without_time_there_is_one_tail(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched(monkeypatch)
    panel = walk(panel_of, 100)
    quick: dict[str, Any] = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1}
    plans = structures(panel, Forecaster(2, **quick)._wishes(math.inf))[:2]
    blend = fit_blend(plans, panel, None, quantiles=(0.5,), refit=False, deadline=time.monotonic())
    assert seen == [(100,)]
    assert len(blend.errors) == 3


def test_a_tail_whose_training_ran_out_of_time_does_not_count(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(number: int, ensemble: Ensemble) -> Ensemble:
        ensemble.members[0].record.out_of_time = number == 4
        return ensemble

    seen = watched(monkeypatch, late)
    tails = joined_by(monkeypatch)
    blend_of(walk(panel_of, 100))
    assert (len(seen), len(tails)) == (4, 1)


def test_windows_of_all_tails_weigh_alike(panel_of: PanelOf) -> None:
    panel = walk(panel_of, 100)
    model = Forecaster(1, scaling="difference+standard", members=1, training={"max_epochs": 1}, progress=False)
    model.fit(panel)
    candidates = [(model.plan_, model.ensemble_)]
    tails = [tail for part in (panel, before_tail(panel, model.plan_)) if (tail := measured(candidates, part))]
    whole = joined(tails)
    assert [len(tail.series_B) for tail in tails] == [20, 16]
    assert whole.error_KBHC.shape == (2, 36, 1, 1)
    assert whole.span_N.tolist() == [36.0]
    expected = np.concatenate([tails[0].weight_B * 20, tails[1].weight_B * 16]) / 36
    np.testing.assert_allclose(whole.weight_B, expected)


# ---------------------------------------------------------------- intervals


def judged_twice(panel_of: PanelOf, steps: int = 150) -> tuple[Forecaster, list[tuple[Ensemble, Panel]]]:
    """Ensembles of one plan with the panels whose tails they were validated on."""
    panel = walk(panel_of, steps, seed=3)
    model = Forecaster(
        2, scaling="difference+standard", members=1, training={"max_epochs": 2}, refit=False, progress=False
    ).fit(panel)
    before = before_tail(panel, model.plan_)
    earlier = Trainer(model.plan_, model.quantiles, math.inf, Progress(False)).validated(before)
    assert earlier is not None
    return model, [(model.ensemble_, panel), (earlier, before)]


def test_intervals_of_one_tail_are_those_of_its_training(panel_of: PanelOf) -> None:
    model, judged = judged_twice(panel_of)
    again = pooled(model.plan_, judged[:1], model.quantiles).calibration
    np.testing.assert_array_equal(again.stretch_HQ, model.ensemble_.calibration.stretch_HQ)


def test_intervals_are_fitted_to_all_tails(panel_of: PanelOf) -> None:
    """Errors that were ten times as large on the earlier tail widen them; the networks stay."""
    model, judged = judged_twice(panel_of)
    (first, panel), (earlier, before) = judged
    plain = pooled(model.plan_, judged, model.quantiles)
    wild = before.values_RV.copy()
    wild[96:120] += 40 * np.random.default_rng(0).choice([-1.0, 1.0], (24, 1))
    wider = pooled(model.plan_, [(first, panel), (earlier, replace(before, values_RV=wild))], model.quantiles)
    assert plain.members is first.members
    assert plain.calibration.stretch_HQ is not None
    assert wider.calibration.stretch_HQ is not None
    assert not np.array_equal(plain.calibration.stretch_HQ, first.calibration.stretch_HQ)
    assert (wider.calibration.stretch_HQ[:, 0] > plain.calibration.stretch_HQ[:, 0]).all()


def test_a_blend_of_small_data_has_the_intervals_of_all_tails(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    true = blend_module.pooled

    def noted(plan: Any, judged: Any, quantiles: Any) -> Ensemble:
        seen.append([panel.total for _, panel in judged])
        return true(plan, judged, quantiles)

    monkeypatch.setattr(blend_module, "pooled", noted)
    monkeypatch.setattr(blend_module, "_blended", lambda tried, *_: Blend(tuple(tried)))
    alone = watched(monkeypatch)
    blend = blend_of(walk(panel_of, 100))
    assert seen == [[100, 80, 64]] * 2
    assert len(alone) == 6
    assert len(blend.parts) == 2
