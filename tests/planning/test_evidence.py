"""How much the validation folds can tell, and how many candidates are trained for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.planning.choose import candidates, choose
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.evidence import fold_count, measured_weight, worth_training
from gatecast.planning.settings import Settings

PanelOf = Callable[..., Panel]
USUAL = DEFAULTS.weights


def walks(panel_of: PanelOf, *steps: int) -> Panel:
    rng = np.random.default_rng(0)
    return panel_of([30 + rng.normal(size=count).cumsum() for count in steps])


def test_what_was_measured_counts_more_with_the_spans_and_nothing_after_one() -> None:
    assert measured_weight(np.array([1.0])) == measured_weight(np.ones(1000)) == 0
    assert measured_weight(np.array([0.5])) == 0
    one = [measured_weight(np.array([spans])) for spans in (1.0, 2, 3, 10, 100, 10_000)]
    many = [measured_weight(np.full(count, 3.0)) for count in (1, 5, 50, 5000)]
    for values in (one, many):
        assert (np.diff(values) > 0).all()
        assert 0 <= min(values) <= max(values) < 1


def test_what_was_measured_counts_as_much_as_is_asked_for() -> None:
    spans_N = np.array([3.0, 4.0])
    assert 0 < measured_weight(spans_N) < 1
    found = [measured_weight(spans_N, replace(USUAL, few_spans=few)) for few in (0.0, 1e12)]
    assert found == pytest.approx([1 - 1 / 3.5, 0], abs=1e-9)


def test_large_data_have_one_fold(panel_of: PanelOf) -> None:
    small = DEFAULTS.sizes.small
    for steps, count in ((small, 1), (small - 1, 3)):
        panel = walks(panel_of, steps)
        assert fold_count(choose(panel, Settings(6)), panel) == count


def test_a_heavy_training_is_done_once(panel_of: PanelOf) -> None:
    """A horizon of 336 steps with a linear part of 336 took minutes: three networks on three folds."""
    panel = walks(panel_of, 400)
    light, heavy = (choose(panel, Settings(30), DEFAULTS.changed({"sizes.heavy": most})) for most in (10**9, 30))
    assert (light.members, heavy.members) == (3, 1)
    assert fold_count(light, panel, DEFAULTS.changed({"sizes.heavy": 10**9})) == 3
    assert fold_count(heavy, panel, DEFAULTS.changed({"sizes.heavy": 30})) == 1


@pytest.mark.parametrize(("steps", "series"), [(40, 1), (400, 1), (4000, 1), (40, 150), (400, 20)])
def test_as_many_candidates_are_trained_as_the_folds_can_tell_apart(panel_of: PanelOf, steps: int, series: int) -> None:
    panel, most = walks(panel_of, *[steps] * series), DEFAULTS.search.most_trained
    plan = choose(panel, Settings(6))
    folds = 3 if steps * series < DEFAULTS.sizes.small else 1
    spans_N = (panel.length - plan.cut(panel)) / 6 * folds
    assert worth_training(plan, panel) == 1 + round(measured_weight(spans_N) * (most - 1))
    assert worth_training(plan, panel, DEFAULTS.changed({"weights.few_spans": 1e12})) == 1


def test_a_number_that_was_asked_for_is_trained_whatever_the_folds_can_tell(panel_of: PanelOf) -> None:
    panel = walks(panel_of, 30)
    assert len(candidates(panel, Settings(6))) == 1
    assert len(candidates(panel, Settings(6, candidates=3))) == 3
