"""The candidates to blend: which there are, in which order, and what of the past they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.planning import choose as choosing
from gatecast.planning import variants
from gatecast.planning.choose import candidates, choose
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.probe import Probe
from gatecast.planning.settings import Settings
from gatecast.planning.variants import best_variant
from gatecast.training.config import TrainingConfig
from gatecast.windows.reference import Seasonal, Smooth
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

PanelOf = Callable[..., Panel]
FREE = Settings(3)


def seasonal(panel_of: PanelOf, period: int = 6, steps: int = 90, noise: float = 1.0, level: float = 30.0) -> Panel:
    rng = np.random.default_rng(0)
    shape = rng.normal(size=period) * 3
    return panel_of([level + shape[np.arange(steps) % period] + noise * rng.normal(size=steps) for _ in range(2)])


def probes(*told: tuple[str, float]) -> list[Probe]:
    return [Probe(Scaling.parse(text), 8, 1, error=error) for text, error in told]


def names(found: list[Probe]) -> list[str]:
    return [one.scaling.describe() for one in found]


# ---------------------------------------------------------------- which ones


def test_the_best_of_each_base_comes_first_then_its_twin_in_logarithms() -> None:
    ordered = probes(
        ("log+difference", 1.0),
        ("difference", 1.01),
        ("log+difference+standard", 1.02),
        ("seasonal-difference:4", 1.1),
        ("seasonal-difference:4/2", 1.2),
        ("log+seasonal-difference:4", 1.3),
        ("seasonal-difference:7", 1.35),
    )
    assert names(choosing._different(ordered)) == [
        "log+difference",
        "seasonal-difference:4",
        "seasonal-difference:4/2",
        "seasonal-difference:7",
        "difference",
        "log+seasonal-difference:4",
    ]


def test_what_is_clearly_worse_than_the_best_is_left_out() -> None:
    worse = DEFAULTS.search.clearly_worse
    ordered = probes(("difference", 1.0), ("smooth:1/0.2/0.2", worse * 0.99), ("seasonal-difference:4", worse * 1.01))
    assert names(choosing._different(ordered)) == ["difference", "smooth:1/0.2/0.2"]


def test_no_base_counts_only_where_it_is_the_best() -> None:
    last, free, other = probes(("difference", 1.0), ("standard", 1.1), ("log+standard", 1.2))
    assert choosing._different([last, free]) == [last]
    assert choosing._different([free, last, other]) == [free, last]
    assert choosing._different([free]) == [free]


def test_an_error_that_nobody_knows_is_no_reason_to_leave_out() -> None:
    unknown = Probe(Scaling.parse("last"), 8, 1)
    assert choosing._different([unknown]) == [unknown]


def test_candidates_differ_and_the_first_is_the_choice(panel_of: PanelOf) -> None:
    panel = seasonal(panel_of)
    plans = candidates(panel, FREE)
    assert 2 < len(plans) <= DEFAULTS.search.most_trained
    assert len({plan.scaling for plan in plans}) == len(plans)
    assert plans[0] == choose(panel, FREE)
    assert {plan.season for plan in plans} == {6}, "one season for all"
    assert {plan.framing.horizon for plan in plans} == {3}
    errors = dict(plans[0].candidates)
    told = [
        errors[f"lookback {p.framing.lookback - p.framing.training_origins + 1} · {p.scaling.describe()}"]
        for p in plans
    ]
    assert max(told) <= DEFAULTS.search.clearly_worse * told[0]


def test_the_main_season_of_the_data_is_that_of_candidates_with_another_one(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "seasonal_periods", lambda panel, defaults: (6, 12))
    plans = candidates(seasonal(panel_of), FREE)
    assert 12 in {plan.scaling.season for plan in plans}
    assert {plan.season for plan in plans} == {6}
    given = candidates(seasonal(panel_of), replace(FREE, scaling=Scaling.parse("seasonal-difference:12")))
    assert [plan.season for plan in given] == [12]


def test_there_are_no_more_candidates_than_asked_for(panel_of: PanelOf) -> None:
    panel = seasonal(panel_of, steps=60)
    every = candidates(panel, FREE)
    assert len(every) > 2
    for most in (1, 2):
        assert candidates(panel, replace(FREE, candidates=most)) == every[:most]


@pytest.mark.parametrize(
    ("changed", "blends"),
    [
        ({}, True),
        ({"candidates": 2}, True),
        ({"candidates": 1}, False),
        ({"scaling": Scaling.parse("last")}, False),
        ({"lookback": 8}, False),
        ({"network": LSTMConfig()}, False),
        ({"network": {"hidden_size": 4}}, True),
        ({"recursive": True}, False),
        ({"training": {"loss": "negative-binomial"}}, False),
        ({"training": TrainingConfig(loss="negative-binomial")}, False),
        ({"training": TrainingConfig(loss="mae")}, True),
        ({"training": {"loss": "mae"}, "members": 2}, True),
    ],
    ids=str,
)
def test_only_what_is_left_open_is_blended(panel_of: PanelOf, changed: dict[str, Any], blends: bool) -> None:
    asked = replace(FREE, **changed)
    assert asked.blends is blends
    panel = seasonal(panel_of, steps=45)
    panel = replace(panel, values_RV=np.rint(panel.values_RV))
    assert (len(candidates(panel, asked)) > 1) is blends


# ---------------------------------------------------------------- means of two seasons


# ---------------------------------------------------------------- variants


def depth_of(scaling: Scaling) -> int:
    assert isinstance(scaling.reference, Seasonal)
    return scaling.reference.depth


def alpha_of(scaling: Scaling) -> float:
    assert isinstance(scaling.reference, Smooth)
    return scaling.reference.alpha


def test_noise_asks_for_a_mean_of_several_seasons(panel_of: PanelOf) -> None:
    scaling = Scaling.parse("seasonal-difference:12+standard")
    found = best_variant(seasonal(panel_of, 12, steps=240), scaling, 4, 3)
    assert isinstance(found.reference, Seasonal)
    assert found.reference.depth > 1
    assert replace(found, reference=Seasonal(12)) == scaling


def test_a_season_without_noise_needs_no_mean(panel_of: PanelOf) -> None:
    scaling = Scaling.parse("seasonal-difference:6+standard")
    assert best_variant(seasonal(panel_of, noise=0.0), scaling, 12, 3) == scaling


def test_a_level_under_noise_is_followed_slowly_and_one_that_jumps_fast(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    scaling, jumps = Scaling.parse("smooth:1/0.2/0.2+standard"), np.where(np.arange(300) % 40 < 20, 0, 15)
    calm = best_variant(panel_of([rng.normal(size=300) for _ in range(3)]), scaling, 2, 3)
    wild = best_variant(panel_of([rng.normal(size=300).cumsum() + jumps for _ in range(3)]), scaling, 2, 3)
    assert alpha_of(calm) < 0.2 < alpha_of(wild)
    assert replace(wild, reference=Smooth(1, 0.2, 0.2)) == scaling


@pytest.mark.parametrize("text", ["last", "standard", "log+difference+standard"])
def test_other_bases_have_no_variant(panel_of: PanelOf, text: str) -> None:
    assert best_variant(seasonal(panel_of), Scaling.parse(text), 12, 3) == Scaling.parse(text)


@pytest.mark.parametrize("text", ["seasonal-difference:6", "smooth:6/0.3/0.2"])
def test_the_given_one_stays_where_nothing_can_be_checked(panel_of: PanelOf, text: str) -> None:
    assert best_variant(seasonal(panel_of, steps=7), Scaling.parse(text), 2, 3) == Scaling.parse(text)


@pytest.mark.parametrize(
    ("errors", "depth"),
    [
        ({1: 1.0, 2: DEFAULTS.variants.worth * 1.01, 3: 1.0}, 1),
        ({1: 1.0, 2: DEFAULTS.variants.worth * 0.99, 3: 1.0}, 2),
        ({1: 1.0, 2: 0.9, 3: 0.8}, 3),
        ({1: 1.0, 2: np.nan, 3: 0.8}, 3),
        ({1: np.nan, 2: np.nan, 3: np.nan}, 1),
    ],
)
def test_a_variant_has_to_be_clearly_better(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, errors: dict[int, float], depth: int
) -> None:
    asked = []

    def told(panel: Panel, scaling: Scaling, framing: Framing, *_: object) -> float:
        asked.append(depth_of(scaling))
        assert (framing.lookback, framing.horizon) == (12, 3)
        return errors[depth_of(scaling)]

    monkeypatch.setattr(variants, "quick_error", told)
    # 30 steps hold 5 seasons: seven of them cannot be averaged
    assert best_variant(seasonal(panel_of, steps=30), Scaling.parse("seasonal-difference:6"), 12, 3) == Scaling(
        reference=Seasonal(6, depth)
    )
    assert asked == [1, 2, 3]


def test_the_gain_of_a_season_is_tried_only_where_there_is_one(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, float]] = []

    def told(panel: Panel, scaling: Scaling, framing: Framing, *_: object) -> float:
        assert isinstance(scaling.reference, Smooth)
        alpha, gamma = scaling.reference.alpha, scaling.reference.gamma
        asked.append((alpha, gamma))
        return 1.0 - 0.2 * (alpha == 0.4) - 0.2 * (gamma == 0.2)

    monkeypatch.setattr(variants, "quick_error", told)
    best = best_variant(seasonal(panel_of), Scaling.parse("smooth:6/0.2/0.4"), 12, 3)
    assert best.reference == Smooth(6, 0.4, 0.2)
    assert asked[-2:] == [(0.4, 0.4), (0.4, 0.2)], "with the best gain of the level"
    asked.clear()
    best_variant(seasonal(panel_of), Scaling.parse("smooth:1/0.2/0.4"), 12, 3)
    assert {gamma for _, gamma in asked} == {0.4}


# ---------------------------------------------------------------- history


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("standard", 12 + 2 + 3),
        ("difference", 12 + 2 + 3),
        ("seasonal-difference:6", 12 + 12 + 3),
        ("seasonal-difference:6/3", 12 + 24 + 3),
        ("smooth:6/0.2/0.2", None),
        ("difference+standard+fitted", None),
        ("category-difference:kind/2", None),
    ],
)
def test_what_a_candidate_reads_of_the_past(panel_of: PanelOf, text: str, steps: int | None) -> None:
    kind = np.eye(2)[np.arange(90) % 2]
    tables = [np.column_stack([y, kind]) for y in seasonal(panel_of).values_RV.reshape(2, 90)]
    panel = panel_of(tables, Schema(("y",), future=(Column("kind", ("a", "b")),)))
    plan = choose(panel, replace(FREE, lookback=12, scaling=Scaling.parse(text)))
    assert plan.history_needed == steps


@pytest.mark.parametrize("text", ["standard", "difference+standard", "seasonal-difference:6/3+standard"])
@pytest.mark.usefixtures("one_thread")
def test_the_history_that_is_needed_is_enough(panel_of: PanelOf, text: str) -> None:
    panel = seasonal(panel_of)
    model = Forecaster(
        3, scaling=text, members=1, progress=False, training={"max_epochs": 1, "steps_per_epoch": 2}
    ).fit(panel)
    needed = model.plan_.history_needed
    assert needed is not None
    assert needed < 90
    enough = panel.slice(90 - needed, panel.length)
    told = [model.forecast_from(one, np.arange(2), one.stop - 1) for one in (panel, enough)]
    assert told[0] == pytest.approx(told[1], rel=1e-6)
