"""leakage_check: silent on every scaling, head and refit policy; loud on whatever reads the future."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatecast.backtesting.leakage import leakage_check, with_other_future
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.errors import ConfigError, LeakageError, WindowError
from gatecast.forecaster import Forecaster
from gatecast.progress import listening

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")

SCHEMA = Schema(("y",), past=(Column("rain"),), future=(Column("kind", ("a", "b")),))
SCALINGS = (
    "none", "log", "difference", "seasonal-difference:4", "category-difference:kind", "standard", "mean", "last",
    "standard+fitted", "log+seasonal-difference:4/2+mean+fitted", "category-difference:kind/3+last+unit:2",
    "smooth:4/0.3/0.2+standard", "log+smooth:1/0.5/0",
)  # fmt: skip
HEADS = ("pinball", "mse", "mae", "huber", "gaussian", "student-t", "negative-binomial")
POLICIES: tuple[dict[str, Any], ...] = (
    {"refit": False, "window": "expanding"},
    {"refit": True, "window": "sliding"},
    {"refit": 2, "window": "expanding", "origins": 3},
    {"refit": True, "window": "expanding"},
    {"refit": 2, "window": "sliding", "origins": 3},
)
PAIRS = [pair for pair in product(SCALINGS, HEADS) if not (pair[0].startswith("log") and pair[1] == HEADS[-1])]
# One policy for each pair, dealt out so that every scaling and every head also meets every policy.
DEALT = [(pair, (SCALINGS.index(pair[0]) + HEADS.index(pair[1])) % len(POLICIES)) for pair in PAIRS]
# The refit policies that a pair was not dealt.
OTHERS = [(pair, k) for pair, dealt in DEALT for k in range(3) if POLICIES[k]["refit"] != POLICIES[dealt]["refit"]]


def counts(panel_of: PanelOf) -> Panel:
    """Two short series of counts with a past and a future covariate, and with gaps."""
    rng = np.random.default_rng(5)
    tables = []
    for steps in (31, 26):
        table = np.column_stack(
            [1 + rng.poisson(6, steps), rng.normal(size=steps), np.eye(2)[rng.integers(0, 2, steps)]]
        )
        table[[7, steps - 4], 0] = np.nan
        table[[11, steps - 5], 1] = np.nan
        tables.append(table)
    return panel_of(tables, SCHEMA)


def quick(kind: type[Forecaster] = Forecaster, **changes: Any) -> Forecaster:
    settings: dict[str, Any] = {
        "lookback": 8,
        "scaling": "standard",
        "network": {"hidden_size": 4, "skip": 2},
        "training": {"max_epochs": 1, "steps_per_epoch": 2, "batch_size": 16},
        "members": 1,
        "progress": False,
    }
    if "loss" in changes:
        changes["training"] = settings["training"] | {"loss": changes.pop("loss")}
    return kind(2, **settings | changes)


# ---------------------------------------------------------------- nothing leaks


def passes(panel_of: PanelOf, scaling: str, loss: str, policy: dict[str, Any]) -> None:
    report = leakage_check(quick(scaling=scaling, loss=loss), counts(panel_of), **{"origins": 2, "stride": 2} | policy)
    # 2 series x origins x 2 steps x 1 target x 5 quantiles
    assert (report.series, report.forecasts) == (2, 20 * report.origins)


@pytest.mark.parametrize(("pair", "policy"), DEALT, ids=lambda x: "-".join(x) if isinstance(x, tuple) else str(x))
def test_no_scaling_and_no_head_knows_the_future(panel_of: PanelOf, pair: tuple[str, str], policy: int) -> None:
    passes(panel_of, *pair, POLICIES[policy])


def test_every_scaling_and_every_head_meets_every_policy() -> None:
    for place, names in ((0, SCALINGS), (1, HEADS)):
        assert {(pair[place], policy) for pair, policy in DEALT} >= set(product(names, range(len(POLICIES))))


@pytest.mark.slow
@pytest.mark.parametrize("policy", range(3))
def test_no_scaling_with_any_head_knows_the_future_under_any_policy(panel_of: PanelOf, policy: int) -> None:
    for pair, other in OTHERS:
        if other == policy:
            passes(panel_of, *pair, POLICIES[policy])


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        ({"scaling": "standard"}, {"refit": True, "warm": True}),
        ({"scaling": "log+difference+standard", "members": 2}, {"refit": 2, "warm": True, "window": "sliding"}),
        ({"scaling": "standard"}, {"adaptive": True, "stride": 1}),
        ({"scaling": "last", "loss": "student-t"}, {"refit": True, "adaptive": True, "warm": True}),
        ({"scaling": "difference", "recursive": True}, {"refit": 2}),
        ({"scaling": None, "network": None, "lookback": None}, {"refit": False}),
        ({"scaling": "standard", "refit": False}, {"refit": True}),
    ],
    ids=["warm", "warm sliding", "adaptive", "warm adaptive", "recursive", "chosen", "not trained again"],
)
def test_nothing_else_knows_the_future(panel_of: PanelOf, settings: dict[str, Any], policy: dict[str, Any]) -> None:
    report = leakage_check(quick(**settings), counts(panel_of), **{"origins": 3, "stride": 2} | policy)
    assert "No leak found: 60 forecast values from 3 origins of 2 series" in str(report)


def test_a_fitted_model_is_checked_as_it_is(panel_of: PanelOf) -> None:
    panel = counts(panel_of)
    model = quick().fit(panel.slice(0, panel.length - 9))
    before = model.fitted_.main
    assert leakage_check(model, panel, origins=3, stride=2, train=False).forecasts == 60
    assert model.fitted_.main is before
    with pytest.raises(ConfigError, match=r"train=False\) needs a fitted model: call fit\(\) first"):
        leakage_check(quick(), panel, train=False)


def test_statistics_of_a_series_that_training_did_not_see_end_at_its_first_origin(panel_of: PanelOf) -> None:
    panel = counts(panel_of)
    model = quick(scaling="standard+fitted").fit(replace(panel.slice(0, panel.length - 9), ids=("s0", "other")))
    leakage_check(model, panel, origins=3, stride=2, train=False)


def test_the_model_and_the_data_stay_as_they_are(panel_of: PanelOf) -> None:
    panel, model = counts(panel_of), quick()
    before = panel.values_RV.tobytes()
    leakage_check(model, panel, origins=2, refit=True)
    assert panel.values_RV.tobytes() == before
    assert not [name for name in vars(model) if name.endswith("_")]


# ---------------------------------------------------------------- planted leaks


class ScalesByAll(Forecaster):
    """Its scaler is fitted on the whole panel."""

    def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        size = np.nanmean(panel.target_RC)
        shown = panel.values_RV / np.where(np.arange(panel.values_RV.shape[1]) == 0, size, 1).astype(np.float32)
        forecast_BHCQ = super().forecast_from(replace(panel, values_RV=shown), series_B, origin_B)
        return np.asarray(forecast_BHCQ * size)


class ScalesByLastOrigin(Forecaster):
    """Its scaler is fitted on what lies before the last origin of a pass, which is too late for the others."""

    def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        known = [panel.target_RC[panel.first[n] : origin_B[series_B == n].max() + 1] for n in range(len(panel))]
        return super().forecast_from(panel, series_B, origin_B) + np.float32(np.nanmean(np.concatenate(known)))


class FitsOnTheBuffer(Forecaster):
    """Its scaler is fitted on the rows behind the slice that it was given."""

    def fit(self, data: Any, validation: Any | None = None, **more: Any) -> Self:
        self.shift_ = np.float32(np.nanmean(data.values_RV[data.stop[0] :, 0]))
        return super().fit(data, validation)

    def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        return super().forecast_from(panel, series_B, origin_B) + self.shift_


class ValidatesBehindTheCut(Forecaster):
    """Its best epoch is chosen on steps behind the slice that it was given."""

    def fit(self, data: Any, validation: Any | None = None, **more: Any) -> Self:
        return super().fit(data, validation=replace(data, length=data.length + 2))


class ReadsRainAhead(Forecaster):
    """It knows the past covariate of the day after the origin."""

    def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        rain_B = np.nan_to_num(panel.past_RP[origin_B + 1, 0])
        return np.asarray(super().forecast_from(panel, series_B, origin_B) + rain_B[:, None, None, None])


LEAK = r"the forecasts know the future: after a change of what lies behind the origin {time}, step 1 of 'y' in series "
LEAK += r"'s0' moved from \S+ to \S+ \({moved} of {all} windows moved\)\. Fit scalers, covariates"


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("kind", [ScalesByAll, FitsOnTheBuffer, ReadsRainAhead])
def test_what_reads_the_future_is_found(panel_of: PanelOf, kind: type[Forecaster], policy: dict[str, Any]) -> None:
    origins = policy.get("origins", 2)
    # 31 steps: the last origin is step 29, the others 2 steps before each other
    words = LEAK.format(time=29 - 2 * (origins - 1), moved=2, all=2)
    with pytest.raises(LeakageError, match=words):
        leakage_check(quick(kind), counts(panel_of), **{"origins": origins, "stride": 2} | policy)


def test_a_scaler_that_is_fitted_until_the_last_origin_is_found(panel_of: PanelOf) -> None:
    with pytest.raises(LeakageError, match=LEAK.format(time=25, moved=2, all=2)):
        leakage_check(quick(ScalesByLastOrigin), counts(panel_of), origins=3, stride=2)
    # with an origin to a pass it is honest
    leakage_check(quick(ScalesByLastOrigin), counts(panel_of), origins=3, stride=2, refit=True)


def test_a_validation_that_reaches_too_far_is_found(panel_of: PanelOf) -> None:
    with pytest.raises(LeakageError, match="Fit scalers, covariates and whatever else learns on what lies before"):
        leakage_check(quick(ValidatesBehindTheCut), counts(panel_of), origins=2, stride=2)


def test_a_leak_of_the_last_origin_alone_is_found(panel_of: PanelOf) -> None:
    class Late(Forecaster):
        def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
            values = super().forecast_from(panel, series_B, origin_B)
            values[-1, 1] += panel.target_RC[-1, 0]
            return values

    words = r"behind the origin 24, step 2 of 'y' in series 's1' moved from .* \(1 of 6 windows moved\)"
    with pytest.raises(LeakageError, match=words):
        leakage_check(quick(Late), counts(panel_of), origins=3, stride=2)


def test_without_training_only_the_forecasts_are_checked(panel_of: PanelOf) -> None:
    panel = counts(panel_of)
    for kind, leaks in ((ScalesByAll, True), (ReadsRainAhead, True), (FitsOnTheBuffer, False)):
        model = quick(kind).fit(panel.slice(0, panel.length - 9))
        if leaks:
            with pytest.raises(LeakageError, match="know the future"):
                leakage_check(model, panel, origins=3, stride=2, train=False)
        else:
            leakage_check(model, panel, origins=3, stride=2, train=False)


# ---------------------------------------------------------------- refused, stopped


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        ({"origins": 0}, ConfigError, "origins must be at least 1"),
        ({"window": "slide"}, ConfigError, "window='slide' is unknown"),
        ({"refit": -1}, ConfigError, "refit must be False, True or a number"),
        ({"origins": 9, "stride": 9}, WindowError, "no series has more than 75 steps, which 9 origins of 2 steps"),
    ],
)
def test_what_cannot_be_checked_is_told(
    panel_of: PanelOf, wrong: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        leakage_check(quick(), counts(panel_of), **wrong)


@pytest.mark.parametrize("call", [2, 3])
def test_half_a_check_says_nothing(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    trained = []
    fit = Forecaster.fit

    def stopped(self: Forecaster, data: Any, validation: Any | None = None, **more: Any) -> Forecaster:
        trained.append(data)
        if len(trained) == call:
            listening(self.progress).stop.set()  # as Ctrl-C does
        return fit(self, data, validation)

    monkeypatch.setattr(Forecaster, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        leakage_check(quick(), counts(panel_of), origins=2, stride=2, refit=True)
    assert len(trained) == call


def test_a_training_that_was_cut_short_says_nothing(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = Forecaster.fit

    def cut(self: Forecaster, data: Any, validation: Any | None = None, **more: Any) -> Forecaster:
        learned = fit(self, data, validation).fitted_
        self.fitted_ = replace(learned, record=replace(learned.record, interrupted=True))
        return self

    monkeypatch.setattr(Forecaster, "fit", cut)
    with pytest.raises(KeyboardInterrupt):
        leakage_check(quick(), counts(panel_of), origins=2, stride=2)


# ---------------------------------------------------------------- the other future

NUMBERS = st.one_of(st.integers(-4, 4), st.floats(-1e6, 1e6, width=32), st.just(np.nan))


@given(arrays(np.float32, (9, 5), elements=NUMBERS), st.integers(0, 8))
def test_after_the_origin_every_target_and_past_covariate_is_another(
    panel_of: PanelOf, values_TV: np.ndarray, origin: int
) -> None:
    schema = Schema(("y", "z"), past=(Column("rain"),), future=(Column("kind", ("a", "b")),))
    panel = panel_of([values_TV, values_TV], schema)
    other = with_other_future(panel, np.array([origin, 9 + 3]))
    for n, last in enumerate((origin, 3)):
        before, after = (one.values_RV[panel.rows(n)] for one in (panel, other))
        np.testing.assert_array_equal(after[: last + 1], before[: last + 1])
        np.testing.assert_array_equal(after[:, 3:], before[:, 3:])
        old, new = before[last + 1 :, :3], after[last + 1 :, :3]
        np.testing.assert_array_equal(np.isnan(new), np.isnan(old))
        known = ~np.isnan(old)
        assert (new[known] != old[known]).all()
        assert (new[known & (old > 0)] > 0).all()
        whole = np.all((old == np.rint(old)) | ~known, axis=0)
        assert (new == np.rint(new))[:, whole][known[:, whole]].all()
    assert (other.schema, other.ids, panel.values_RV[0].tobytes()) == (schema, panel.ids, values_TV[0].tobytes())
