"""How long a candidate trains the second time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.ensemble import fitting
from gatecast.ensemble.fitting import Procedure, Trainer
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.forecaster import Forecaster
from gatecast.model.heads import make_head
from gatecast.planning.defaults import DEFAULTS
from gatecast.progress import Silent
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import Record
from gatecast.training.member import Job, Member
from gatecast.training.members import train_members

PanelOf = Callable[..., Panel]
AS_GOOD = DEFAULTS.training.as_good
pytestmark = pytest.mark.usefixtures("one_thread")


@cache
def fitted(panel_of: PanelOf) -> Forecaster:
    """Two members, validated alone; tests leave it as it is."""
    training = {"max_epochs": 6, "steps_per_epoch": 2}
    return Forecaster(
        3, scaling="difference+standard", members=2, training=training, refit=False, progress=False
    ).fit(panel(panel_of))  # fmt: skip


def panel(panel_of: PanelOf, seed: int = 0) -> Panel:
    return panel_of([np.random.default_rng(seed).normal(size=60).cumsum()])


def with_errors(trained: TrainedCandidate, *errors: Sequence[float], best: Sequence[int] = (0, 0)) -> TrainedCandidate:
    network = trained.members[0].network
    members = [
        Member(network, Record(validation=list(row), best_epoch=epoch))
        for row, epoch in zip(errors, best, strict=False)
    ]
    return replace(trained, members=tuple(members))


# ---------------------------------------------------------------- common epoch


@pytest.mark.parametrize(
    ("errors", "epoch"),
    [
        ([[5, 4, 3, 2, 1]], 4),
        ([[1, 2, 3]], 0),
        ([[5, 1, 1 + AS_GOOD * 0.9, 2]], 2),
        ([[5, 1, 1 + AS_GOOD * 1.1, 2]], 1),
        ([[5, 1, 3, 1 + AS_GOOD * 0.9, 9]], 3),
        ([[5, 1, 4], [5, 4, 2]], 1),
        ([[5, 1, 4], [9, 4, 1.01]], 2),
        ([[5, 2, 1, 0.5], [5, 2, 3]], 2),
        ([[math.nan, 3, math.inf, 2, 4]], 3),
        ([[0.0, 0.0, 0.1]], 1),
        ([[math.inf, math.inf]], 0),
        ([[math.nan, math.nan]], 0),
    ],
)
def test_the_last_epoch_that_is_nearly_the_best_is_common(
    panel_of: PanelOf, errors: list[list[float]], epoch: int
) -> None:
    assert with_errors(fitted(panel_of).fitted_.main, *errors).common_epoch == epoch


def likely(trained: TrainedCandidate) -> TrainedCandidate:
    return replace(trained, head=make_head("gaussian", (0.1, 0.5, 0.9)))


@pytest.mark.parametrize(
    ("errors", "epoch"),
    [
        ([-1, -2, -2 + AS_GOOD * 0.9, -1], 2),
        ([-1, -2, -2 + AS_GOOD * 1.1, -1], 1),
        ([3, 2, 2 + AS_GOOD * 1.1, 4], 1),  # of 2, a share would be twice as much
        ([1, 0, -0.1], 2),
        ([math.nan, math.nan], 0),
    ],
)
def test_of_a_likelihood_an_epoch_is_nearly_the_best_by_a_difference(
    panel_of: PanelOf, errors: list[float], epoch: int
) -> None:
    assert with_errors(likely(fitted(panel_of).fitted_.main), errors).common_epoch == epoch


def test_without_validation_the_longest_training_counts(panel_of: PanelOf) -> None:
    assert with_errors(fitted(panel_of).fitted_.main, [], [], best=(3, 5)).common_epoch == 5


# ---------------------------------------------------------------- the second training


def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int | None, list[TrainingConfig]]]:
    """(last epoch, settings of the members) of every training."""
    seen: list[tuple[int | None, list[TrainingConfig]]] = []

    def told(job: Job, trainings: Sequence[TrainingConfig], *words: Any) -> list[Member]:
        seen.append((job.until, list(trainings)))
        return train_members(job, trainings, *words)

    monkeypatch.setattr(fitting, "train_members", told)
    return seen


def trainer(model: Forecaster, **more: Any) -> Trainer:
    return Trainer(model.plan_, Procedure(model.quantiles), **more)


@pytest.mark.parametrize(("errors", "epoch"), [([5, 4, 1, 3, 3, 3, 3], 2), ([1, 4, 5, 3, 3, 3, 3], 0)])
def test_the_second_training_is_the_first_one_up_to_its_best_epoch(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, errors: list[float], epoch: int
) -> None:
    model, seen = fitted(panel_of), watched(monkeypatch)
    before = with_errors(model.fitted_.main, errors, errors)
    again = trainer(model).repeat(panel(panel_of), before)
    ((until, trainings),) = seen
    assert until == epoch
    assert [replace(training, seed=0) for training in trainings] == [replace(model.plan_.training, seed=0)] * 2
    assert [member.record for member in again.members] == [member.record for member in before.members]


def test_a_warm_training_keeps_its_own_schedule(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = fitted(panel_of), watched(monkeypatch)
    before = with_errors(model.fitted_.main, [5, 4, 1, 3, 3, 3, 3])
    trainer(model, warm=True).repeat(panel(panel_of), before)
    ((until, trainings),) = seen
    assert until is None
    assert {training.max_epochs for training in trainings} == {6}


def test_an_interrupted_second_training_leaves_the_first(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted(panel_of)
    before = model.fitted_.main

    def run(self: Trainer, *_: Any, **__: Any) -> TrainedCandidate:
        return replace(with_errors(before, [0.0]), interrupted=True)

    monkeypatch.setattr(Trainer, "run", run)
    assert trainer(model).repeat(panel(panel_of), before) == replace(before, interrupted=True)


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_a_stop_at_any_time_of_the_second_training_leaves_the_first(panel_of: PanelOf, epochs: int) -> None:
    class Stopping(Silent):
        def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Any = None) -> None:
            if done >= epochs:
                self.stop.set()

    listener = Stopping()
    if not epochs:
        listener.stop.set()
    model = fitted(panel_of)
    before = with_errors(model.fitted_.main, *[[5, 4, 3, 2, 1]] * 2)
    after = Trainer(model.plan_, Procedure(model.quantiles, listener)).repeat(panel(panel_of), before)
    assert after == replace(before, interrupted=True)


@pytest.mark.parametrize(("epochs", "members", "kept"), [(1, 2, True), (3, 2, False), (4, 1, False), (4, 0, True)])
def test_half_a_training_is_the_least_that_replaces_the_first(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch, epochs: int, members: int, kept: bool
) -> None:
    """Of four epochs and two members; the epoch that the time limit ended does not count."""
    model = fitted(panel_of)
    before = with_errors(model.fitted_.main, *[[5, 4, 3, 2, 1]] * 2)
    three = replace(before, members=before.members * 2)
    record = Record(best_epoch=epochs, out_of_time=True)
    again = replace(before, members=(Member(before.members[0].network, record),) * max(members, 1))
    monkeypatch.setattr(Trainer, "run", lambda *_, **__: again)
    first = before if members else three
    after = trainer(model).repeat(panel(panel_of), first)
    assert (after is first) is kept
