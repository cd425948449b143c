"""Members of an ensemble, side by side or one after the other."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gatecast.errors import TrainingError
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.nn import kernels
from gatecast.progress import Listener, Silent
from gatecast.training.config import TrainingConfig
from gatecast.training.member import Job

needs_kernels = pytest.mark.skipif(kernels.load() is None, reason=f"the extension is not there: {kernels.reason()}")


def panel() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = np.sin(0.3 * np.arange(90)) + 0.1 * rng.normal(size=90)
    return pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=90), "y": y})


def model(members: int, listener: Listener | None = None, **training: Any) -> Forecaster:
    settings = TrainingConfig(**({"max_epochs": 4, "batch_size": 16, "seed": 3} | training))
    return Forecaster(
        horizon=2, lookback=8, scaling="standard", network=LSTMConfig(hidden_size=8), training=settings,
        members=members, progress=listener or False,
    )  # fmt: skip


def weights(fitted: Forecaster) -> list[bytes]:
    return [
        b"".join(p.detach().numpy().tobytes() for p in member.network.parameters())
        for member in fitted.fitted_.main.members
    ]


@pytest.fixture(autouse=True)
def _two_threads() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_members_side_by_side_are_those_trained_one_by_one() -> None:
    several = weights(model(3).fit(panel()))
    assert len(set(several)) == 3
    assert several == weights(model(3).fit(panel())), "same seed, same bytes"
    torch.set_num_threads(1)
    assert several == weights(model(3).fit(panel())), "small networks use one thread each way"


@needs_kernels
def test_members_run_at_the_same_time_and_leave_torch_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    train, seen, together_now = Job.train, set(), threading.Barrier(2, timeout=20)

    def watched(self: Job, *words: Any, **named: Any) -> Any:
        seen.add(threading.get_ident())
        together_now.wait()  # passes only where two members are in training
        return train(self, *words, **named)

    monkeypatch.setattr(Job, "train", watched)
    model(2).fit(panel())
    assert len(seen) == 2
    assert threading.get_ident() not in seen
    assert torch.get_num_threads() == 2


@needs_kernels
def test_a_stop_keeps_what_the_members_have_reached() -> None:
    class Stopping(Silent):
        def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Any = None) -> None:
            assert stage == "training · 3 members · epoch"
            self.stop.set()

    fitted = model(3, Stopping(), max_epochs=10**6).fit(panel())
    assert fitted.record_["interrupted"]
    assert 1 <= len(fitted.fitted_.main.members) <= 2, "the third had not begun"
    assert sum(len(member.record.history) for member in fitted.fitted_.main.members) >= 1
    assert np.isfinite(fitted.predict().values).all()


@needs_kernels
def test_an_error_in_one_member_stops_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    train = Job.train

    def failing(self: Job, network: Any, training: TrainingConfig, **named: Any) -> Any:
        if training.seed != 3:
            raise TrainingError("the loss became nan")
        return train(self, network, training, **named)

    monkeypatch.setattr(Job, "train", failing)
    begun = time.monotonic()
    with pytest.raises(TrainingError, match="loss became"):
        model(3, max_epochs=10**6).fit(panel())
    assert time.monotonic() - begun < 20
    assert torch.get_num_threads() == 2


def test_a_deadline_gives_each_wave_its_share() -> None:
    fitted = model(4, max_epochs=10**6)
    fitted.time_limit = 0.6
    begun = time.monotonic()
    fitted.fit(panel())
    assert time.monotonic() - begun < 6
    assert 1 <= len(fitted.fitted_.main.members) <= 4
    assert not math.isnan(float(fitted.predict().values.sum()))
