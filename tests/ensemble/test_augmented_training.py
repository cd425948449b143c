"""Made-up copies are trained and nothing else: not validated on, not counted, not saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster
from gatecast.training.config import TrainingConfig
from gatecast.training.members import train_members
from gatecast.windows.augment import augmented

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")


def fitted(panel: Panel, copies: int, scaling: str = "difference+standard", **training: Any) -> Forecaster:
    quick = {"max_epochs": 2, "steps_per_epoch": 2, "augment": copies, **training}
    return Forecaster(2, scaling=scaling, members=1, training=quick, progress=False).fit(panel)


def waves(panel_of: PanelOf, lift: float = 0.0) -> Panel:
    rng = np.random.default_rng(0)
    return panel_of([50 + lift + np.sin(np.arange(90) / 3) * 9 + rng.normal(size=90) for _ in range(2)])


def test_copies_are_windows_of_the_training_and_of_nothing_else(
    panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, int | None]] = []

    def noted(job: Any, *rest: Any) -> Any:
        fold = None if job.fold is None else sum(len(batch.context_BLF) for batch in job.fold)
        seen.append((len(job.source.reader.panel), len(job.source.index), fold))
        return train_members(job, *rest)

    monkeypatch.setattr("gatecast.ensemble.fitting.train_members", noted)
    panel = waves(panel_of)
    for copies in (0, 2):
        fitted(panel, copies)
    (few, windows, held), (all_, all_windows, _), *more = seen
    assert more == [(3 * few, 3 * windows, held), (3 * all_, 3 * all_windows, None)]


def test_copies_change_the_weights_and_the_seed_repeats_them(panel_of: PanelOf) -> None:
    panel = waves(panel_of)
    plain, moved, again = (fitted(panel, copies).predict().values for copies in (0, 1, 1))
    assert (moved == again).all()
    assert (plain != moved).any()
    assert np.isfinite(moved).all()


def test_the_factors_come_from_the_seed_of_the_training(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def noted(panel: Panel, copies: int, seed: int, *rest: Any) -> Panel:
        seen.append((copies, seed))
        return augmented(panel, copies, seed, *rest)

    monkeypatch.setattr("gatecast.ensemble.fitting.augmented", noted)
    fitted(waves(panel_of), 1, seed=7)
    assert set(seen) == {(1, 7)}


def test_statistics_are_those_of_the_series(panel_of: PanelOf) -> None:
    panel = waves(panel_of)
    plain, moved = (fitted(panel, copies, "fitted+standard").fitted_.main for copies in (0, 1))
    assert plain.statistics is not None
    assert moved.statistics is not None
    assert plain.ids == moved.ids == panel.ids
    assert moved.statistics.tolist() == plain.statistics.tolist()


def test_another_panel_is_trained_with_copies_of_its_own(panel_of: PanelOf) -> None:
    model = fitted(waves(panel_of), 1)
    model.refit_on(waves(panel_of, lift=5.0))
    assert np.isfinite(model.predict().values).all()
    assert model.plan_.training.augment == 1


def test_what_copies_do_not_suit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"augment = -1 \(at least 0\)"):
        TrainingConfig(augment=-1)
    with pytest.raises(ConfigError, match=r"augment = 1 \(0 with a loss of counts"):
        TrainingConfig(augment=1, loss="negative-binomial")
