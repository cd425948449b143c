"""A tuning that was ended anywhere goes on from its folder and comes to the same. More kills: ``benchmarks.kills``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.kills.__main__ import killed
from benchmarks.kills.works import WORKS, _timeless

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.storage.checkpoint import FitFolder
from gatecast.tuning import finals

from .test_tune import is_default, run, scores_by

Tiny = Callable[..., gc.Forecaster]


def outcome(made: gc.Tuning, path: Path) -> tuple[str, bytes]:
    """All but the seconds, and the model file."""
    made.model.save(path)
    return json.dumps(_timeless(made.to_dict())), path.read_bytes()


@pytest.fixture
def winning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that finds something better, so that all steps after it are taken."""
    scores_by(monkeypatch, lambda a: 1.0 if is_default(a) else 0.5)


class EndedError(Exception):
    """As if the process had been killed."""


def ended(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The process ends before the training of this number, counted from 0, of those after the search."""
    once, count = finals.Finals._once, iter(range(100))

    def counted(*arguments: Any) -> gc.Forecaster:
        if next(count) == after:
            raise EndedError
        return once(*arguments)

    monkeypatch.setattr(finals.Finals, "_once", counted)


@pytest.mark.usefixtures("winning")
@pytest.mark.parametrize("after", [0, 1, 2])
def test_ended_in_the_comparison_it_comes_to_the_same(
    tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    whole = run(tiny(), panel)
    with monkeypatch.context() as patch:
        ended(patch, after)
        with pytest.raises(EndedError):
            run(tiny(), panel, checkpoint=tmp_path / "work")
    made = run(tiny(), panel, checkpoint=tmp_path / "work")
    assert outcome(made, tmp_path / "a") == outcome(whole, tmp_path / "b")


def test_a_finished_folder_answers_at_once(
    tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tiny(), panel, checkpoint=tmp_path / "work")
    monkeypatch.setattr(gc.Forecaster, "fit", lambda *_, **__: pytest.fail("something was trained"))
    again = run(tiny(), panel, checkpoint=tmp_path / "work")
    assert again.model.panel_.describe() == first.model.panel_.describe()
    assert outcome(again, tmp_path / "a") == outcome(first, tmp_path / "b")
    assert again.model.predict().values.tobytes() == first.model.predict().values.tobytes()


def test_where_a_training_stands_is_kept_too(
    tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: set[str] = set()
    keep = FitFolder.keep
    monkeypatch.setattr(
        FitFolder, "keep", lambda self, *state: kept.add(self.folder.relative_to(tmp_path).name) or keep(self, *state)
    )
    run(tiny(), panel, trials=2, checkpoint=tmp_path)
    assert {"trial-000-fold-0", "trial-001-fold-2", "default"} <= kept
    assert any(name.startswith("model-") for name in kept)


@pytest.mark.usefixtures("winning")
def test_more_trials_go_on_and_what_was_trained_for_others_stays_theirs(
    tiny: Tiny, panel: Panel, tmp_path: Path
) -> None:
    run(tiny(), panel, trials=1, checkpoint=tmp_path / "work")
    made = run(tiny(), panel, trials=4, checkpoint=tmp_path / "work")
    assert made.found is not None
    assert outcome(made, tmp_path / "a") == outcome(run(tiny(), panel, trials=4), tmp_path / "b")


def test_a_time_limit_is_no_setting_of_what_comes_out(tiny: Tiny, panel: Panel, tmp_path: Path) -> None:
    made = run(tiny(), panel, trials=1, time_limit=60.0, checkpoint=tmp_path / "work")
    assert made.model.time_limit is None
    made.model.save(tmp_path / "m.gatecast")
    assert gc.load(tmp_path / "m.gatecast").time_limit is None


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("work", WORKS)
def test_killed_at_any_moment_it_ends_with_the_same_bytes(work: str) -> None:
    found = killed(work, 5, small=True)
    assert found["kills"] >= 3, found
    assert found["same"] == found["rounds"] == 1
