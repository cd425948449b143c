"""Presets: how much is trained."""

from __future__ import annotations

import numpy as np

import gatecast as gc
from gatecast.data.tables.future import observed_part
from gatecast.planning.choose import candidates
from gatecast.planning.settings import Settings


def planned(preset: str) -> list[gc.Plan]:
    step_T = np.arange(150)
    values = 50 + 10 * np.sin(step_T * np.pi / 6) + np.cumsum(np.random.default_rng(0).normal(size=(20, 150)), axis=1)
    table = {"id": np.repeat(np.arange(20), 150), "ds": np.tile(step_T, 20), "y": values.ravel()}
    return candidates(observed_part(gc.read(table)), Settings(6, preset=preset))


def test_fast_trains_one_candidate_beside_the_gate() -> None:
    fast, standard = planned("fast"), planned("standard")
    assert len(fast) == 1 < len(standard)
    assert fast[0] == standard[0]
    assert Settings(10, preset="fast").blends  # with the gate


def test_best_trains_twice_the_networks() -> None:
    best, standard = planned("best"), planned("standard")
    assert [plan.members for plan in best] == [2 * plan.members for plan in standard]


def test_what_is_asked_for_comes_before_the_preset() -> None:
    assert Settings(10, preset="fast", candidates=3).most_candidates == 3
    panel = observed_part(gc.load_example("airline"))
    assert candidates(panel, Settings(3, preset="best", members=1))[0].members == 1
