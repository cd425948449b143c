"""A fit that was killed goes on where it stood, and its model is that of a fit in one go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import gatecast as gc
from gatecast.errors import ConfigError, ModelFileError
from gatecast.storage import checkpoint
from gatecast.storage.checkpoint import FitFolder
from gatecast.training.state import TrainingState

QUICK: dict[str, Any] = {"max_epochs": 5, "steps_per_epoch": 3, "batch_size": 16}
SETTINGS: dict[str, dict[str, Any]] = {
    "blend": {"candidates": 2, "members": 2, "training": QUICK},
    "plateau": {"candidates": 1, "training": QUICK | {"schedule": "plateau", "plateau_patience": 1}},
    "torch": {"network": {"num_layers": 2, "dropout": 0.3}, "members": 2, "training": QUICK | {"loss": "gaussian"}},
    "augmented": {"candidates": 2, "members": 1, "training": QUICK | {"augment": 1}},
}


@pytest.fixture(autouse=True)
def _every_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)


def panel() -> gc.Panel:
    rng, steps = np.random.default_rng(0), np.arange(80)
    wave = [10 * k + 3 * np.sin(steps * 2 * np.pi / 7) + rng.normal(0, 1, 80) for k in (1, 5)]
    return gc.read(pl.DataFrame({"step": steps, "a": wave[0], "b": wave[1]}), wide=True)


def model(name: str = "blend", **more: Any) -> gc.Forecaster:
    return gc.Forecaster(4, **{"progress": False, **SETTINGS[name], **more})


def bytes_of(fitted: gc.Forecaster, path: Path) -> bytes:
    """The model file."""
    fitted.save(path)
    return path.read_bytes()


@dataclass
class Stopping:
    """A listener that asks for the end after so many epochs."""

    after: int
    stop: threading.Event = field(default_factory=threading.Event)

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        self.after -= 1
        if self.after <= 0:
            self.stop.set()

    def end(self) -> None:
        pass


@pytest.mark.parametrize("name", SETTINGS)
def test_stopped_anywhere_it_is_a_fit_in_one_go(name: str, tmp_path: Path) -> None:
    wanted = bytes_of(model(name).fit(panel()), tmp_path / "whole")
    folder = tmp_path / "work"
    for after in (1, 4):
        assert model(name, progress=Stopping(after)).fit(panel(), checkpoint=folder).record_["interrupted"]
    assert bytes_of(model(name).fit(panel(), checkpoint=folder), tmp_path / "resumed") == wanted


def test_what_is_finished_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = model().fit(panel(), checkpoint=tmp_path)
    monkeypatch.setattr(FitFolder, "keep", lambda *_: pytest.fail("an epoch was trained"))
    again = model().fit(panel(), checkpoint=tmp_path)
    assert np.array_equal(first.predict().values_NHCQ, again.predict().values_NHCQ)


def test_a_second_training_on_everything_goes_on_too(tmp_path: Path) -> None:
    data = panel()
    begun = model().fit(data.slice(0, data.length - 4))
    wanted = bytes_of(begun.clone(fitted=True).refit_on(data), tmp_path / "whole")
    stopped = begun.clone(fitted=True)
    stopped.progress = Stopping(1)
    assert stopped.refit_on(data, checkpoint=tmp_path / "work").record_["interrupted"]
    again = begun.clone(fitted=True).refit_on(data, checkpoint=tmp_path / "work")
    assert bytes_of(again, tmp_path / "resumed") == wanted


@pytest.mark.parametrize(
    ("change", "word"), [({"seed": 1}, "settings differ"), ({"candidates": 1}, "settings differ"), ({}, "data differ")]
)
def test_another_fit_is_refused_with_what_differs(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    model().fit(panel(), checkpoint=tmp_path)
    data = panel() if change else panel().slice(0, panel().length - 1)
    with pytest.raises(ConfigError, match=word):
        model(**change).fit(data, checkpoint=tmp_path)


def test_a_damaged_state_is_named_with_its_remedy(tmp_path: Path) -> None:
    model().fit(panel(), checkpoint=tmp_path)
    path = next(tmp_path.glob("training-*"))
    path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    with pytest.raises(ModelFileError, match=f"{path.name} cannot be read: .* Delete it"):
        model().fit(panel(), checkpoint=tmp_path)


def test_a_state_comes_back_to_the_bit(tmp_path: Path) -> None:
    state = TrainingState(
        np.random.default_rng(5).bit_generator.state, torch.randn(7), torch.randn(7), 3, 9, plateau=0.1 + 0.2,
        memory={"draws": torch.arange(5, dtype=torch.uint8), "rate": torch.zeros(2)}, errors=[1.0, float("nan")],
        history=[{"epoch": 1, "lr": 1e-3}], row={"epoch": 3.0},
    )  # fmt: skip
    folder = FitFolder(tmp_path)
    folder.keep("ab" * 32, state)
    found = FitFolder(tmp_path).read("ab" * 32)
    assert found is not None
    assert repr(found) == repr(state)
    assert np.array_equal(found.generator().random(3), state.generator().random(3))


def test_states_wait_for_some_seconds_unless_they_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 60.0)
    folder, state = FitFolder(tmp_path), TrainingState({}, torch.zeros(1), torch.zeros(1))
    folder.keep("a" * 64, state)
    assert folder.read("a" * 64) is None
    folder.flush()
    assert folder.read("a" * 64) is not None


KILLED = """
import os, random, signal, sys, time
import gatecast as gc
from gatecast.storage import checkpoint
sys.path.insert(0, sys.argv[1])
import test_checkpoint as tests
checkpoint.SECONDS, folder, kills = 0.0, sys.argv[2], int(sys.argv[3])
draw = random.Random(0)
while True:
    child = os.fork()
    if not child:
        tests.model().fit(tests.panel(), checkpoint=folder).save(sys.argv[2] + ".model")
        os._exit(0)
    if kills:
        time.sleep(draw.uniform(0.02, 0.5))
        os.kill(child, signal.SIGKILL)
        kills -= os.waitpid(child, 0)[1] == signal.SIGKILL
    elif os.waitpid(child, 0)[1] == 0:
        break
    else:
        sys.exit(1)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Callable[[int], Path]:
    """Runs a fit that is killed so many times at random moments, each time in a new process; the model at the end."""

    def run(kills: int) -> Path:
        command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path / "work"), str(kills)]
        subprocess.run(command, check=True, timeout=300, env=os.environ)
        return tmp_path / "work.model"

    return run


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_killed_at_any_moment_it_is_a_fit_in_one_go(killed: Callable[[int], Path], tmp_path: Path) -> None:
    wanted = bytes_of(model().fit(panel()), tmp_path / "whole")
    assert bytes_of(gc.load(killed(20)), tmp_path / "resumed") == wanted
    assert json.loads((tmp_path / "work" / "fit.json").read_text())["gatecast"] == gc.__version__
