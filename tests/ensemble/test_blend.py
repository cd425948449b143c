"""Blends: the weights, what the experts make together, and that no future is in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.schema import Schema
from gatecast.ensemble import blending as blend_module
from gatecast.ensemble.blend import Blend, SeriesWeights, past_of
from gatecast.ensemble.blending import fit_blend
from gatecast.ensemble.expert import SmoothingExpert
from gatecast.ensemble.fitting import Procedure, Trainer
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.evaluation.blended import GATE
from gatecast.forecaster import Forecaster
from gatecast.planning.choose import candidates
from gatecast.planning.defaults import DEFAULTS
from gatecast.progress import Silent
from gatecast.statistical.exponential import exponential_smoothing

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
SEEDS = st.integers(0, 10**6)


def walks(
    panel_of: PanelOf, seed: int = 0, lengths: tuple[int, ...] = (60, 50, 40), targets: int = 1, above_zero: bool = True
) -> Panel:
    """Random walks with a small season of four steps; positive ones, or such as cross 0."""
    rng = np.random.default_rng(seed)
    walk = [rng.normal(size=(T, targets)).cumsum(axis=0) for T in lengths]
    if above_zero:
        season = [0.2 * np.sin(np.arange(T) * np.pi / 2)[:, None] for T in lengths]
        walk = [np.exp(2 + 0.05 * y + s + 0.05 * rng.normal(size=y.shape)) for y, s in zip(walk, season, strict=True)]
    return panel_of(walk, Schema(("y", "z")[:targets]))


def build(horizon: int = 3, **more: Any) -> Forecaster:
    quick = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1, "candidates": 4, "progress": False}
    return Forecaster(horizon, **quick | more)  # type: ignore[arg-type]


@cache
def fitted(panel_of: PanelOf, targets: int = 1, above_zero: bool = True) -> Forecaster:
    """A default fit; tests leave it as it is."""
    model = build().fit(walks(panel_of, 0, (60, 50, 40), targets, above_zero))
    assert untrained_of(model.fitted_.blend) > 0, "else the tests below say nothing"
    return model


def untrained_of(blend: Blend) -> float:
    """Weight of what needs no training; 0 = there is no such expert."""
    return sum(w for one, w in zip(blend.experts, blend.weights, strict=True) if not isinstance(one, TrainedCandidate))


def shape_of(model: Forecaster) -> tuple[int, float]:
    """Number of trained candidates, and weight of what needs no training."""
    return len(model.fitted_.candidates), untrained_of(model.fitted_.blend)


@cache
def several(panel_of: PanelOf, above_zero: bool = True) -> Forecaster:
    """The same with three trained candidates, whatever the validation fold said."""
    model = build(refit=False).fit(walks(panel_of, 0, above_zero=above_zero))
    others = [
        build(scaling=text, refit=False).fit(walks(panel_of, 0, above_zero=above_zero))
        for text in ("difference+standard", "standard")
    ]
    experts = [*(m.fitted_.main for m in [model, *others]), SmoothingExpert(3, model.fitted_.season)]
    blend = Blend(tuple(experts), (0.3, 0.2, 0.1, 0.4))
    model.fitted_ = replace(model.fitted_, blend=blend)
    return model


def everywhere(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Series and origins (B,) of all windows of 3 steps with 20 steps before them."""
    pairs = [(n, r) for n in range(len(panel)) for r in range(int(panel.first[n]) + 19, int(panel.stop[n]) - 3)]
    series_B, origin_B = np.array(pairs).T
    return series_B, origin_B


# ---------------------------------------------------------------- forecasts


@pytest.mark.parametrize("above_zero", [True, False])
def test_a_blend_is_the_mean_of_its_candidates_moved_towards_the_smoothing(panel_of: PanelOf, above_zero: bool) -> None:
    model, panel = several(panel_of, above_zero), walks(panel_of, 5, above_zero=above_zero)
    series_B, origin_B = everywhere(panel)
    past, known_N = past_of(panel, series_B, origin_B)
    blend, middle = model.fitted_.blend, 2
    each = [Blend((one,)).forecast(past, series_B, origin_B, known_N) for one in blend.trained]
    *weights, smoothing = blend.weights
    mean_BHCQ = np.average(np.stack(each).astype(np.float64), axis=0, weights=weights)
    together = blend.forecast(past, series_B, origin_B, known_N)
    smooth_BHC = exponential_smoothing(panel.target_RC, panel.first[series_B], origin_B, 3, model.plan_.season)
    wanted_BHC = (1 - smoothing) * mean_BHCQ[..., middle] + smoothing * smooth_BHC
    assert together[..., middle] == pytest.approx(wanted_BHC, rel=1e-4, abs=1e-4)
    positive_BHC = (mean_BHCQ > 0).all(axis=-1) & (wanted_BHC > 0)
    assert positive_BHC.all() if above_zero else 0.05 < positive_BHC.mean() < 0.95
    factor_BHC = wanted_BHC / mean_BHCQ[..., middle]
    moved_BHCQ = mean_BHCQ + (wanted_BHC - mean_BHCQ[..., middle])[..., None]
    expected = np.where(positive_BHC[..., None], mean_BHCQ * factor_BHC[..., None], moved_BHCQ)
    assert together == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert (np.diff(together, axis=-1) >= 0).all()
    assert (together[positive_BHC] > 0).all()


@pytest.mark.parametrize("above_zero", [True, False])
def test_a_series_with_weights_of_its_own_is_forecast_by_them_and_another_by_the_common_ones(
    panel_of: PanelOf, above_zero: bool
) -> None:
    model, panel = several(panel_of, above_zero), walks(panel_of, 5, above_zero=above_zero)
    series_B, origin_B = everywhere(panel)
    past, known_N = past_of(panel, series_B, origin_B)
    known = panel.ids[:2][::-1]
    weight_NE = np.array([[0.0, 0.7, 0.1, 0.2], [0.0, 0.0, 0.0, 1.0]], np.float32)
    common = model.fitted_.blend
    asked = (past, series_B, origin_B, known_N)
    got = replace(common, own=SeriesWeights(known, weight_NE)).forecast(*asked)
    for n in range(len(panel)):
        alike = common
        if panel.ids[n] in known:
            alike = replace(common, weights=tuple(weight_NE[known.index(panel.ids[n])].tolist()))
        np.testing.assert_allclose(got[series_B == n], alike.forecast(*asked)[series_B == n], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("above_zero", [True, False])
def test_paths_have_about_the_quantiles_of_the_forecast(panel_of: PanelOf, above_zero: bool) -> None:
    model, panel = several(panel_of, above_zero), walks(panel_of, 5, above_zero=above_zero)
    quantiles_NHCQ = model.predict(panel).values_NHCQ
    paths_NSHC = model.sample(panel, paths=2000, seed=1).values_NSHC
    width_NHC = quantiles_NHCQ[..., 3] - quantiles_NHCQ[..., 1]
    for q, level in ((1, 0.1), (2, 0.5), (3, 0.9)):
        apart_NHC = np.abs(np.quantile(paths_NSHC, level, axis=1) - quantiles_NHCQ[..., q])
        assert (apart_NHC < 0.12 * width_NHC).all()
    if above_zero:
        assert (paths_NSHC > 0).all()


@pytest.mark.parametrize("targets", [1, 2])
def test_a_forecast_does_not_depend_on_which_other_series_are_asked_for(panel_of: PanelOf, targets: int) -> None:
    model, panel = fitted(panel_of, targets), walks(panel_of, 5, (40, 37, 60, 25), targets)
    together = model.predict(panel).values_NHCQ
    for asked in ([0], [3, 1], [2, 0, 3]):
        assert model.predict(panel.select(asked)).values_NHCQ == pytest.approx(together[asked], rel=1e-5)


def test_the_same_seed_gives_the_same_bytes(panel_of: PanelOf) -> None:
    panel = walks(panel_of, targets=2)
    models = [fitted(panel_of, 2), build().fit(panel), build(seed=1).fit(panel)]
    first, same, other = (model.predict().values_NHCQ.tobytes() for model in models)
    assert first == same != other


# ---------------------------------------------------------------- no future


@pytest.mark.parametrize(("targets", "above_zero"), [(1, True), (2, True), (1, False)])
@pytest.mark.parametrize("put", [np.nan, np.inf, 1e30, -5.0])
def test_nothing_after_the_origin_changes_a_forecast_of_a_blend(
    panel_of: PanelOf, targets: int, above_zero: bool, put: float
) -> None:
    model, panel = fitted(panel_of, targets, above_zero), walks(panel_of, 5, (30, 24, 27), targets, above_zero)
    series_B, origin_B = np.array([0, 1, 2]), panel.first + np.array([12, 20, 17])
    before = model.forecast_from(panel, series_B, origin_B)
    changed = panel.values_RV.copy()
    for origin, stop in zip(origin_B, panel.stop, strict=True):
        changed[origin + 1 : stop] = put
    after = model.forecast_from(replace(panel, values_RV=changed), series_B, origin_B)
    assert before.tobytes() == after.tobytes()
    earlier = panel.values_RV.copy()
    earlier[origin_B] *= 1.1
    assert (model.forecast_from(replace(panel, values_RV=earlier), series_B, origin_B) != before).any(axis=(1, 2)).all()


def test_neither_weights_nor_networks_know_what_lies_behind_the_panel(panel_of: PanelOf) -> None:
    whole, found = walks(panel_of, targets=2), []
    cut_N = whole.length - [9, 5, 7]
    for put in (1.0, np.nan, 1e30):
        values_RV = whole.values_RV.copy()
        for first, cut, stop in zip(whole.first, cut_N, whole.stop, strict=True):
            values_RV[first + cut : stop] = put
        model = build().fit(replace(whole, values_RV=values_RV).slice(0, cut_N))
        blend = model.fitted_.blend
        found.append((blend.weights, untrained_of(blend), blend.errors, model.predict().values_NHCQ.tobytes()))
    assert found[0] == found[1] == found[2]
    assert found[0][1] > 0


# ---------------------------------------------------------------- fits


def test_the_experts_stand_in_the_order_of_their_weights_and_add_up(panel_of: PanelOf) -> None:
    blend = build().fit(walks(panel_of, 6, above_zero=False)).fitted_.blend
    weights = list(blend.weights[: len(blend.trained)])
    assert len(weights) > 1
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) + untrained_of(blend) == pytest.approx(1)
    names = [name for name, _ in blend.errors]
    assert {one.plan.describe_candidate() for one in blend.trained} <= set(names)
    assert names[0] != blend.main.plan.describe_candidate(), "else the order says nothing"
    assert names[-2:] == [GATE, "blend"]


@pytest.mark.parametrize("refit", [True, False])
def test_hardly_any_time_leaves_one_candidate_that_forecasts(panel_of: PanelOf, refit: bool) -> None:
    model = build(time_limit=1e-6, refit=refit, training={"max_epochs": 10**6}).fit(walks(panel_of))
    assert len(model.fitted_.candidates) == 1
    assert np.isfinite(model.predict().values_NHCQ).all()


def test_no_candidate_is_begun_after_half_of_the_time(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, begun = walks(panel_of), stopping_in(monkeypatch, Silent(), 0)
    plans = candidates(panel, build().settings)
    assert len(plans) > 1
    blend = fit_blend(plans, panel, None, Procedure((0.1, 0.5, 0.9)), refit=True, deadline=time.monotonic())
    assert begun == [1]
    assert [one.plan for one in blend.trained] == plans[:1]


def test_a_stop_in_the_second_candidate_keeps_the_first(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training returns what it has, which the blend may use; no third candidate and no refit follows."""
    listener = Silent()
    begun = stopping_in(monkeypatch, listener, 2)
    model = build(progress=listener).fit(walks(panel_of, targets=2))
    assert begun == [1, 2]
    assert 1 <= len(model.fitted_.candidates) <= 2
    assert len(model.fitted_.blend.errors) == 4, "two candidates, the smoothing and the blend"
    assert np.isfinite(model.predict().values_NHCQ).all()


def stopping_in(monkeypatch: pytest.MonkeyPatch, listener: Silent, at: int, *, when: str = "during") -> list[int]:
    """A stop before, during or after the steps of a training; gives the list of the trainings begun."""
    true = Trainer.validated
    begun: list[int] = []

    def validated(self: Trainer, panel: Panel, *, budget: float = 1.0) -> TrainedCandidate | None:
        begun.append(len(begun) + 1)
        if len(begun) == at and when == "before":
            listener.stop.set()
        trained = true(self, panel, budget=budget)
        if len(begun) == at:
            listener.stop.set()
        return replace(trained, interrupted=len(begun) == at and when != "after") if trained is not None else None

    monkeypatch.setattr(Trainer, "validated", validated)
    return begun


@pytest.mark.parametrize("steps", [5, 7])
def test_without_a_validation_fold_there_is_one_candidate_and_the_gate(panel_of: PanelOf, steps: int) -> None:
    model = build().fit(walks(panel_of, lengths=(steps, steps)))
    assert (*shape_of(model), model.fitted_.blend.errors) == (1, DEFAULTS.weights.untrained, ())
    assert np.isfinite(model.predict().values_NHCQ).all()


@pytest.mark.parametrize("targets", [1, 2])
def test_gaps_in_the_validation_fold_are_left_out(panel_of: PanelOf, targets: int) -> None:
    panel = walks(panel_of, lengths=(60, 60), targets=targets)
    values_RV = panel.values_RV.copy()
    values_RV[50:55] = values_RV[110:114] = np.nan
    values_RV[57, 0] = np.nan
    model = build().fit(replace(panel, values_RV=values_RV))
    assert untrained_of(model.fitted_.blend) > 0
    assert np.isfinite([error for _, error in model.fitted_.blend.errors]).all()
    assert np.isfinite(model.predict().values_NHCQ).all()


def test_a_validation_panel_of_its_own_leaves_one_candidate(panel_of: PanelOf) -> None:
    model = build().fit(walks(panel_of), walks(panel_of, 1))
    assert shape_of(model) == (1, 0.0)


@pytest.mark.parametrize(
    "fixed",
    [
        {"candidates": 1},
        {"scaling": "difference+standard"},
        {"lookback": 8},
        {"recursive": True},
        {"training": {"max_epochs": 1, "steps_per_epoch": 2, "loss": "negative-binomial"}},
    ],
    ids=str,
)
def test_what_is_fixed_leaves_one_candidate(panel_of: PanelOf, fixed: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    model = build(**fixed).fit(panel_of([rng.poisson(9, T) for T in (36, 30)]))
    assert shape_of(model) == (1, 0.0)


@pytest.mark.parametrize("warm", [False, True])
def test_training_on_other_data_keeps_the_weights(panel_of: PanelOf, warm: bool) -> None:
    before = fitted(panel_of, 2).fitted_.blend
    model = fitted(panel_of, 2).clone(fitted=True).refit_on(walks(panel_of, 7, targets=2), warm=warm)
    after = model.fitted_.blend
    assert [one.plan for one in after.trained] == [one.plan for one in before.trained]
    assert (after.weights, after.errors) == (before.weights, before.errors)
    assert untrained_of(after) == untrained_of(before) > 0
    for old, new in zip(before.trained, after.trained, strict=True):
        assert state(old) != state(new)


def test_recalibration_changes_the_calibrations_alone(panel_of: PanelOf) -> None:
    before = fitted(panel_of, 2).fitted_.blend
    newer = replace(walks(panel_of, 9, (80, 80), targets=2), ids=("new", "newer"))
    model = fitted(panel_of, 2).clone(fitted=True).recalibrate(newer)
    after = model.fitted_.blend
    assert (after.weights, after.errors, after.own) == (before.weights, before.errors, before.own)
    assert untrained_of(after) == untrained_of(before) > 0
    for old, new in zip(before.trained, after.trained, strict=True):
        assert old.plan == new.plan
        assert state(old) == state(new)
        kept, stretch = old.calibration.stretch_HQ, new.calibration.stretch_HQ
        assert kept is not None
        assert stretch is not None
        assert not np.allclose(kept, stretch)
    medians = [one.predict().values_NHCQ[..., 2] for one in (fitted(panel_of, 2), model)]
    assert medians[0] == pytest.approx(medians[1], rel=1e-5)


def state(trained: TrainedCandidate) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for member in trained.members for p in member.network.parameters())


# ---------------------------------------------------------------- known defects: take the mark off once mended


def test_a_target_that_a_series_never_had_is_forecast_all_the_same(panel_of: PanelOf) -> None:
    panel = walks(panel_of, lengths=(60, 60), targets=2)
    values_RV = panel.values_RV.copy()
    values_RV[:60, 1] = np.nan
    holes = replace(panel, values_RV=values_RV)
    assert np.isfinite(build(candidates=1).fit(holes).predict().values_NHCQ).all()
    assert np.isfinite(build().fit(holes).predict().values_NHCQ).all()


def test_a_series_that_begins_with_a_long_gap_is_fitted_without_a_warning(panel_of: PanelOf) -> None:
    panel = walks(panel_of, lengths=(60, 60))
    values_RV = panel.values_RV.copy()
    values_RV[:52] = np.nan
    assert np.isfinite(build().fit(replace(panel, values_RV=values_RV)).predict().values_NHCQ).all()


def test_a_stop_is_told_though_its_candidate_gets_no_weight(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Silent()
    stopping_in(monkeypatch, listener, 2)
    monkeypatch.setattr(blend_module, "common_weights", lambda error_KBHC, *_: np.eye(len(error_KBHC))[0])
    model = build(progress=listener).fit(walks(panel_of))
    assert len(model.fitted_.candidates) == 1
    assert model.record_["interrupted"]


@pytest.mark.parametrize(("at", "when", "kept"), [(1, "after", [1]), (2, "before", [1, 2])])
def test_a_stop_outside_the_steps_of_a_training_keeps_the_first(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, at: int, when: str, kept: list[int]
) -> None:
    listener = Silent()
    begun = stopping_in(monkeypatch, listener, at, when=when)
    model = build(progress=listener).fit(walks(panel_of))
    assert begun == kept
    assert len(model.fitted_.blend.errors) == at + 2, "what was trained, the smoothing and the blend"
    assert len(model.fitted_.candidates) <= at
    assert model.fitted_.blend.errors[0][0] in {one.describe() for one in model.fitted_.candidates}
    assert model.record_["interrupted"]
    assert np.isfinite(model.predict().values_NHCQ).all()


def test_a_stop_in_the_training_on_everything_ends_all_of_it(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, listener = [], Silent()

    def repeat(self: Trainer, panel: Panel, before: TrainedCandidate) -> TrainedCandidate:
        begun.append(1)
        listener.stop.set()
        return replace(before, interrupted=True)

    monkeypatch.setattr(Trainer, "repeat", repeat)
    all_stay = DEFAULTS.changed({"weights.least": 0.0, "weights.nearly": 99.0})
    model = build(progress=listener, defaults=all_stay).fit(walks(panel_of, targets=2))
    assert model.record_["interrupted"]
    assert len(model.fitted_.candidates) > 1
    assert len(begun) == 1
