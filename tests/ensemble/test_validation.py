"""The validation folds that the weights come from: how many, what is trained for them, what they say together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.ensemble import blending as blend_module
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.blending import fit_blend
from gatecast.ensemble.expert import smoothing_beside
from gatecast.ensemble.fitting import Procedure, Trainer, pooled
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.ensemble.validation import FoldErrors, before_fold, fold_errors, joined
from gatecast.ensemble.weights import mean_error
from gatecast.forecaster import Forecaster
from gatecast.planning.choose import candidates
from gatecast.progress import Listener, Silent

PanelOf = Callable[..., Panel]
Change = Callable[[int, TrainedCandidate], TrainedCandidate]
pytestmark = pytest.mark.usefixtures("one_thread")


def walk(panel_of: PanelOf, *lengths: int, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    return panel_of([rng.normal(size=steps).cumsum() for steps in lengths])


def watched(monkeypatch: pytest.MonkeyPatch, change: Change = lambda _, trained: trained) -> list[tuple[int, ...]]:
    """Lengths of the series that each first training was given; what it gives back may be changed."""
    seen: list[tuple[int, ...]] = []
    true = Trainer.validated

    def validated(self: Trainer, panel: Panel, *, budget: float = 1.0) -> TrainedCandidate | None:
        seen.append(tuple(panel.length.tolist()))
        trained = true(self, panel, budget=budget)
        return None if trained is None else change(len(seen), trained)

    monkeypatch.setattr(Trainer, "validated", validated)
    return seen


def blend_of(panel: Panel, horizon: int = 2, most: int = 2, listener: Listener | None = None) -> Blend:
    quick: dict[str, Any] = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1, "progress": False}
    plans = candidates(panel, Forecaster(horizon, candidates=most, **quick).settings)
    assert len(plans) == most
    return fit_blend(plans, panel, None, Procedure((0.1, 0.5, 0.9), listener or Silent()), refit=False)


def measured_by(monkeypatch: pytest.MonkeyPatch) -> list[FoldErrors]:
    """The errors on all folds that a fit looks at."""
    folds: list[FoldErrors] = []

    def noted(*given: Any) -> FoldErrors | None:
        if (errors := fold_errors(*given)) is not None:
            folds.append(errors)
        return errors

    monkeypatch.setattr(blend_module, "fold_errors", noted)
    return folds


def joined_by(monkeypatch: pytest.MonkeyPatch) -> list[FoldErrors]:
    """The folds whose errors say what the weights are."""
    folds: list[FoldErrors] = []

    def noted(given: list[FoldErrors]) -> FoldErrors:
        folds.extend(given)
        return joined(given)

    monkeypatch.setattr(blend_module, "joined", noted)
    return folds


def test_every_candidate_is_trained_for_three_folds_of_small_data(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watched(monkeypatch)
    blend_of(walk(panel_of, 100, 60))
    assert seen == [(100, 60), (100, 60), (80, 48), (80, 48), (64, 39), (64, 39)], "without a fifth, and again"


def test_no_training_sees_less_than_half_of_the_data(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched(monkeypatch)
    blend_of(walk(panel_of, 60), horizon=20)
    assert seen == [(60,), (60,)], "one of the two would learn from 20 steps to forecast 20"
    seen.clear()
    blend_of(walk(panel_of, 60), horizon=16)
    assert seen == [(60,), (60,), (44,), (44,)], "28 steps are left"


def test_all_folds_say_what_the_weights_are(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = walk(panel_of, 100, 60)
    folds = measured_by(monkeypatch)
    blend = blend_of(panel)
    whole = joined(folds)
    assert len(folds) == 3
    assert [error for _, error in blend.errors[:-1]] == [mean_error(e, whole.weight_B) for e in whole.error_KBHC]


def test_what_comes_after_a_fold_does_not_matter_to_it(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The errors on the third fold are the same bytes whatever the data do later."""
    found = measured_by(monkeypatch)
    panel = walk(panel_of, 100)
    quick: dict[str, Any] = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1}
    plans = candidates(panel, Forecaster(2, **quick).settings)
    changed = replace(panel, values_RV=np.where(np.arange(100)[:, None] < 64, panel.values_RV, 7.0))
    for data in (panel, changed):
        fit_blend(plans[:2], data, None, Procedure((0.5,)), refit=False)
    assert len(found) == 6
    first, second = found[2], found[5]
    assert first.error_KBHC.tobytes() == second.error_KBHC.tobytes()
    assert found[0].error_KBHC.tobytes() != found[3].error_KBHC.tobytes()


def test_a_stop_in_an_earlier_fold_keeps_the_later_ones(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, listener = walk(panel_of, 100), Silent()

    def stopped(number: int, trained: TrainedCandidate) -> TrainedCandidate:
        if number == 5:
            listener.stop.set()
        return replace(trained, interrupted=number == 5)

    seen = watched(monkeypatch, stopped)
    folds = joined_by(monkeypatch)
    blend = blend_of(panel, listener=listener)
    assert len(seen) == 5
    assert len(folds) == 2
    assert blend.interrupted
    assert not any(one.interrupted for one in blend.trained)


def test_without_time_there_is_one_fold(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched(monkeypatch)
    panel = walk(panel_of, 100)
    quick: dict[str, Any] = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1}
    plans = candidates(panel, Forecaster(2, **quick).settings)[:2]
    blend = fit_blend(plans, panel, None, Procedure((0.5,)), refit=False, deadline=time.monotonic())
    assert seen == [(100,)]
    assert len(blend.errors) == 3


def test_a_fold_whose_training_ran_out_of_time_does_not_count(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(number: int, trained: TrainedCandidate) -> TrainedCandidate:
        trained.members[0].record.out_of_time = number == 4
        return trained

    seen = watched(monkeypatch, late)
    folds = joined_by(monkeypatch)
    blend_of(walk(panel_of, 100))
    assert (len(seen), len(folds)) == (4, 1)


def test_windows_of_all_folds_weigh_alike(panel_of: PanelOf) -> None:
    panel = walk(panel_of, 100)
    model = Forecaster(1, scaling="difference+standard", members=1, training={"max_epochs": 1}, progress=False)
    model.fit(panel)
    both = (panel, before_fold(panel, model.plan_))
    folds = [
        errors
        for data in both
        if (errors := fold_errors([model.fitted_.main], smoothing_beside(model.fitted_.main), data))
    ]
    whole = joined(folds)
    assert [len(fold.series_B) for fold in folds] == [20, 16]
    assert whole.error_KBHC.shape == (2, 36, 1, 1)
    assert whole.span_N.tolist() == [36.0]
    expected = np.concatenate([folds[0].weight_B * 20, folds[1].weight_B * 16]) / 36
    np.testing.assert_allclose(whole.weight_B, expected)


# ---------------------------------------------------------------- intervals


def trained_twice(panel_of: PanelOf, steps: int = 150) -> tuple[Forecaster, list[tuple[TrainedCandidate, Panel]]]:
    """One plan trained twice, with the panels whose ends it was validated on."""
    panel = walk(panel_of, steps, seed=3)
    model = Forecaster(
        2, scaling="difference+standard", members=1, training={"max_epochs": 2}, refit=False, progress=False
    ).fit(panel)
    before = before_fold(panel, model.plan_)
    earlier = Trainer(model.plan_, Procedure(model.quantiles)).validated(before)
    assert earlier is not None
    return model, [(model.fitted_.main, panel), (earlier, before)]


def test_intervals_of_one_fold_are_those_of_its_training(panel_of: PanelOf) -> None:
    model, folds = trained_twice(panel_of)
    again = pooled(folds[:1], model.quantiles).calibration
    np.testing.assert_array_equal(again.stretch_HQ, model.fitted_.main.calibration.stretch_HQ)


def test_intervals_are_fitted_to_all_folds(panel_of: PanelOf) -> None:
    """Errors that were ten times as large on the earlier fold widen them; the networks stay."""
    model, folds = trained_twice(panel_of)
    (first, panel), (earlier, before) = folds
    plain = pooled(folds, model.quantiles)
    wild = before.values_RV.copy()
    wild[96:120] += 40 * np.random.default_rng(0).choice([-1.0, 1.0], (24, 1))
    wider = pooled([(first, panel), (earlier, replace(before, values_RV=wild))], model.quantiles)
    assert plain.members is first.members
    assert plain.calibration.stretch_HQ is not None
    assert wider.calibration.stretch_HQ is not None
    assert not np.array_equal(plain.calibration.stretch_HQ, first.calibration.stretch_HQ)
    assert (wider.calibration.stretch_HQ[:, 0] > plain.calibration.stretch_HQ[:, 0]).all()


def test_a_blend_of_small_data_has_the_intervals_of_all_folds(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    true = blend_module.pooled

    def noted(folds: Any, *rest: Any) -> TrainedCandidate:
        seen.append([panel.total for _, panel in folds])
        return true(folds, *rest)

    monkeypatch.setattr(blend_module, "pooled", noted)
    monkeypatch.setattr(blend_module, "_blended", lambda tried, *_: Blend(tuple(tried), (0.5, 0.5)))
    alone = watched(monkeypatch)
    blend = blend_of(walk(panel_of, 100))
    assert seen == [[100, 80, 64]] * 2
    assert len(alone) == 6
    assert len(blend.trained) == 2
