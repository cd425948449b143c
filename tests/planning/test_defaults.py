"""The numbers of the default procedure: each has a reason, each can be replaced, and none is looked up elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster
from gatecast.model.heads import SIDE_WEIGHT
from gatecast.planning.choose import candidates
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.plan import Plan
from gatecast.planning.settings import Settings, field_docs

PanelOf = Callable[..., Panel]
THEMES = {theme.name: getattr(DEFAULTS, theme.name) for theme in fields(Defaults)}


def walks(panel_of: PanelOf, steps: int = 90) -> Panel:
    rng = np.random.default_rng(0)
    return panel_of([30 + rng.normal(size=steps).cumsum() for _ in range(2)])


@pytest.mark.parametrize("theme", [Defaults, *map(type, THEMES.values())], ids=lambda theme: theme.__name__)
def test_every_number_has_a_doc(theme: type) -> None:
    assert list(field_docs(theme)) == [field.name for field in fields(theme)]
    assert all(len(told) > 10 for told in field_docs(theme).values())


def test_a_path_replaces_one_number_and_nothing_else() -> None:
    for theme, numbers in THEMES.items():
        for field in fields(numbers):
            path, other = f"{theme}.{field.name}", "another value"
            changed = DEFAULTS.changed({path: other})
            assert changed.changes() == {path: other}
            assert changed == replace(DEFAULTS, **{theme: replace(numbers, **{field.name: other})})
    assert DEFAULTS.changes() == {}


def test_what_json_makes_of_changes_gives_the_same() -> None:
    changed = DEFAULTS.changed({"season.weeks": ((12, 84),), "variants.depths": (), "weights.few_spans": 5})
    assert DEFAULTS.changed(json.loads(json.dumps(changed.changes()))) == changed
    assert repr(changed) == f"Defaults({changed.changes()})"


@pytest.mark.parametrize(
    ("path", "hint"),
    [("weights.sharpnes", "did you mean 'weights.sharpness'"), ("weights", "no 'weights'"), ("", "no ''")],
)
def test_an_unknown_path_is_told(path: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        DEFAULTS.changed({path: 1})


def test_the_kernels_know_the_weight_of_the_levels() -> None:
    assert DEFAULTS.training.side_weight == SIDE_WEIGHT


def alphas(plans: list[Plan]) -> list[float | None]:
    """The gain of the level of each plan whose reference is a smoothing."""
    return [getattr(plan.scaling.reference, "alpha", None) for plan in plans]


@pytest.mark.parametrize(
    ("changes", "of"),
    [
        ({"search.most_trained": 2}, len),
        ({"search.clearly_worse": 1.0}, len),
        ({"search.logarithms": False}, lambda plans: [plan.scaling.log for plan in plans]),
        ({"search.smooth_references": False}, lambda plans: [type(plan.scaling.reference) for plan in plans]),
        ({"search.level_gain": 0.3, "variants.level_gains": ()}, alphas),
        ({"season.otherwise": 5, "search.long_lookback": 9}, lambda plans: plans[0].framing.lookback),
        ({"season.longest": 4}, lambda plans: plans[0].framing.lookback),
        ({"search.lookback_share": 0.1}, lambda plans: plans[0].framing.lookback),
        ({"linear.skips": (2,)}, lambda plans: [plan.network.skip for plan in plans]),
        ({"linear.penalties": (7.0,)}, lambda plans: plans[0].penalty),
        ({"linear.cuts": (0.7, 0.9)}, lambda plans: plans[0].spread),
        ({"samples.start": 9}, lambda plans: plans[0].spread),
        ({"samples.check": 9}, lambda plans: plans[0].spread),
        ({"sizes.small": 10}, lambda plans: (plans[0].network.hidden_size, plans[0].training.lr)),
        ({"sizes.tiny": 10}, lambda plans: plans[0].training.max_epochs),
        ({"sizes.many": 10}, lambda plans: plans[0].members),
        ({"sizes.windows": 30}, lambda plans: plans[0].framing.training_origins),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_numbers_reach_the_choice(panel_of: PanelOf, changes: dict[str, Any], of: Callable[[Any], Any]) -> None:
    panel = walks(panel_of)
    usual, changed = (candidates(panel, Settings(3), DEFAULTS.changed(paths)) for paths in ({}, changes))
    assert of(usual) != of(changed)
    assert candidates(panel, Settings(3), DEFAULTS.changed(DEFAULTS.changes())) == usual


def test_numbers_reach_the_forecaster(panel_of: PanelOf) -> None:
    panel, changed = walks(panel_of), DEFAULTS.changed({"sizes.hidden": (3, 4, 5)})
    model = Forecaster(3, defaults=changed)
    assert model.plan_for(panel).network.hidden_size == 3
    assert model.clone().defaults is changed
    assert Forecaster(3).defaults is DEFAULTS
