"""A training that was stopped goes on as if it had never been: the same weights, history and best epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Schema
from gatecast.model.config import LSTMConfig
from gatecast.model.heads import make_head
from gatecast.model.lstm import LSTMNetwork
from gatecast.nn import kernels
from gatecast.training import batch
from gatecast.training.batch import TensorBatch, WindowSource
from gatecast.training.config import TrainingConfig
from gatecast.training.device import computing
from gatecast.training.engine import Engine, TorchEngine
from gatecast.training.loop import Record, train
from gatecast.training.native import NativeEngine
from gatecast.training.state import TrainingState
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.index import WindowIndex
from gatecast.windows.reader import WindowReader
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing
from gatecast.windows.spans import Spans

EPOCHS = 7
LEVELS = (0.1, 0.5, 0.9)
CPU = torch.device("cpu")
needs_kernels = pytest.mark.skipif(kernels.load() is None, reason=f"the extension is not there: {kernels.reason()}")
ENGINES = [pytest.param("native", marks=needs_kernels), "torch", "a head that the kernels do not serve"]


@dataclass
class Task:
    """A training of two layers with dropout, whose parts can be made anew at any time."""

    panel: Panel
    engine: str
    config: TrainingConfig

    def fresh(self, seed: int = 0) -> Engine:
        """An engine with a network of its own; torch's random numbers stand elsewhere with each seed."""
        torch.manual_seed(seed)
        unserved = self.engine.startswith("a head")
        head = make_head("gaussian" if unserved else "pinball", LEVELS)
        network = LSTMNetwork(LSTMConfig(hidden_size=5, num_layers=2, dropout=0.4, skip=2), 2, 2, 1, head.raws)
        made = NativeEngine(network, head, self.config, 1) if self.engine == "native" else None
        return made or TorchEngine(network, head, self.config)

    def source(self) -> WindowSource:
        """Windows of all steps but the last 20."""
        cut_N = self.panel.length - 20
        return self._windows(Spans(8, 2, False, 3).all_windows(self.panel.slice(0, cut_N)))

    def validation(self) -> list[TensorBatch]:
        tail = Spans(8, 2, False, 3).tail_windows(self.panel, self.panel.length - 20)
        return list(self._windows(tail).spread(100))

    def _windows(self, index: WindowIndex) -> WindowSource:
        covariates = CovariateScale.fit(self.panel, True)
        reader = WindowReader(self.panel, Scaling.parse("difference+standard"), Framing(8, 2), covariates)
        config = self.config
        return WindowSource(reader, index, config.batch_size, config.shuffle, config.steps_per_epoch, CPU)

    def run(self, engine: Engine, **more: Any) -> Record:
        held = self.validation() if self.config.validation else None
        return train(engine, self.source(), self.config, validation=None if held is None else lambda: held, **more)


def wave() -> Panel:
    rng = np.random.default_rng(0)
    rows = (5 * np.sin(np.arange(90) / 3) + rng.normal(size=90)).astype(np.float32)[:, None]
    zero, all_, static = np.zeros(1, np.int64), np.array([90]), np.zeros((1, 0), np.float32)
    return Panel(rows, zero, all_, ("a",), np.ones(1, np.int64), Frequency("step"), Schema(("y",)), static)


def task(engine: str = "torch", **training: Any) -> Task:
    usual = {"max_epochs": EPOCHS, "batch_size": 16, "lr": 0.02, "seed": 3, "patience": None}
    return Task(wave(), engine, TrainingConfig(**usual | training))


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    with computing(0):
        yield


def outcome(engine: Engine, record: Record) -> dict[str, Any]:
    """All that a training gives but for the time that it took, as values that can be compared to the bit."""
    history = [{name: repr(value) for name, value in row.items() if name != "seconds"} for row in record.history]
    found = {field.name: repr(getattr(record, field.name)) for field in fields(Record) if field.name != "history"}
    return found | {"history": history, "weights": engine.parameters.copy().numpy().tobytes()}


def whole(of: Task) -> tuple[dict[str, Any], list[TrainingState]]:
    """What a training in one go gives, and where it stood after each epoch."""
    engine, states = of.fresh(), list[TrainingState]()
    record = of.run(engine, keep=states.append)
    return outcome(engine, record), states


def resumed(of: Task, state: TrainingState) -> dict[str, Any]:
    """What comes of a state with another network, other windows and other random numbers at hand."""
    engine = of.fresh(seed=99)
    return outcome(engine, of.run(engine, resume=state))


SETTINGS: dict[str, dict[str, Any]] = {
    "one cycle": {},
    "cosine, sgd, mae": {"schedule": "cosine", "optimizer": "sgd", "monitor": "mae", "track_mae": True},
    "plateau": {"schedule": "plateau", "plateau_patience": 1, "plateau_factor": 0.5, "lr": 1e-6},  # too slow to improve
    "patience": {"schedule": "constant", "patience": 3, "lr": 0.2, "max_epochs": 60},
    "steps of random windows": {"steps_per_epoch": 3, "schedule": "constant", "log_every": 3},
    "the last weights": {"restore_best": False, "weight_decay": 0.1},
    "no validation": {"validation": 0.0},
    "in order": {"shuffle": False, "optimizer": "adam", "clip": None},
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_resumed_after_any_epoch_it_is_a_training_in_one_go(engine: str, settings: dict[str, Any]) -> None:
    of = task(engine, **settings)
    wanted, states = whole(of)
    assert [state.epoch for state in states] == list(range(1, len(states) + 1))
    assert len(states) == EPOCHS or 3 < len(states) < 60
    for state in states[:: -(-len(states) // 7)] + states[-2:]:
        assert resumed(of, state) == wanted, f"resumed after epoch {state.epoch}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [16, 100], ids=["several steps", "one step"])
def test_resumed_where_the_loss_is_low_enough(engine: str, batch_size: int) -> None:
    """Of one step the loss is that of the weights before: these come back, and so they do after a resumption."""
    free = task(engine, schedule="constant", batch_size=batch_size, validation=0.0, log_every=10)
    limit = whole(free)[1][4].row["train_loss"] * 1.0001  # type: ignore[index]
    of = replace(free, config=replace(free.config, stop_below=limit))
    wanted, states = whole(of)
    assert 3 <= len(states) < EPOCHS
    for state in states:
        assert resumed(of, state) == wanted, f"resumed after epoch {state.epoch}"


def test_the_settings_above_do_what_their_names_say() -> None:
    """Else the tests above would pass with a rate that never falls, a patience that never ends and the like."""
    _, states = whole(task("torch", **SETTINGS["plateau"]))
    assert states[0].factor == 1 > states[-1].factor
    assert any(state.stalled for state in states)
    _, states = whole(task("torch", **SETTINGS["patience"]))
    assert any(1 < state.best_epoch < state.epoch for state in states), "the best weights are not the last ones"
    first, second = (whole(task("torch", seed=seed))[0]["weights"] for seed in (0, 1))
    assert first != second
    dropped = task("torch").fresh()
    dropped.network.train()
    one, two = (dropped.network(task().validation()[0].context_BLF)[0] for _ in range(2))
    assert not torch.equal(one, two), "dropout draws anew"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("epoch", range(EPOCHS))
def test_a_training_that_is_stopped_within_an_epoch_goes_on_from_its_beginning(
    monkeypatch: pytest.MonkeyPatch, engine: str, epoch: int
) -> None:
    monkeypatch.setattr(batch, "RUN_BYTES", 1)  # a stop is seen after every batch
    of = task(engine)
    wanted, _ = whole(of)
    asked, states = 0, list[TrainingState]()
    steps = of.source().steps()

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > epoch * steps + steps // 2

    record = of.run(of.fresh(), stop=stop, keep=states.append)
    assert record.interrupted
    assert steps > 3
    assert len(states) == epoch
    if states:
        assert resumed(of, states[-1]) == wanted


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_survives_as_plain_arrays_and_text(engine: str) -> None:
    of = task(engine, schedule="plateau", plateau_patience=1)
    wanted, states = whole(of)
    for state in states[::3]:
        assert resumed(of, read(*written(state))) == wanted


def written(state: TrainingState) -> tuple[str, dict[str, np.ndarray]]:
    """A state as JSON and arrays, as a file holds it."""
    parts = vars(state)
    tensors = {name: part for name, part in parts.items() if isinstance(part, Tensor)}
    tensors |= {f"memory.{name}": part for name, part in state.memory.items()}
    plain = {name: part for name, part in parts.items() if name != "memory" and not isinstance(part, Tensor)}
    return json.dumps(plain), {name: tensor.numpy().copy() for name, tensor in tensors.items()}


def read(text: str, arrays: Mapping[str, np.ndarray]) -> TrainingState:
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    memory = {name.removeprefix("memory."): part for name, part in tensors.items() if name.startswith("memory.")}
    named = {name: part for name, part in tensors.items() if not name.startswith("memory.")}
    return TrainingState(**json.loads(text), **named, memory=memory)


def test_a_state_is_a_value_that_no_training_changes() -> None:
    of = task()
    engine, states = of.fresh(), list[tuple[TrainingState, str]]()

    def said(state: TrainingState) -> str:
        text, arrays = written(state)
        return text + "".join(array.tobytes().hex() for array in arrays.values())

    of.run(engine, keep=lambda state: states.append((state, said(state))))
    for state, before in states:
        assert said(state) == before, "the training went on"
    state, before = states[2]
    first = resumed(of, state)
    assert said(state) == before, "it was resumed"
    assert resumed(of, state) == first


def test_a_finished_training_stays_finished() -> None:
    of = task(log_every=3)
    wanted, states = whole(of)
    assert resumed(of, states[-1]) == wanted
    engine = of.fresh()
    record = of.run(engine, resume=states[-1], stop=lambda: True)
    assert outcome(engine, record) == wanted, "no step is left that a stop could end"


def test_a_resumed_training_that_is_stopped_at_once_tells_its_last_epoch() -> None:
    of = task(log_every=5)
    _, states = whole(of)
    record = of.run(of.fresh(), resume=states[2], stop=lambda: True)
    assert record.interrupted
    assert [row["epoch"] for row in record.history] == [1, 3]


def test_the_schedule_that_is_resumed_is_that_of_all_epochs() -> None:
    of = task(schedule="cosine")
    _, states = whole(of)
    later = replace(of, config=replace(of.config, max_epochs=2 * EPOCHS))
    assert resumed(later, states[3]) != resumed(of, states[3])


def test_the_time_spent_is_told_from_the_beginning() -> None:
    of = task()
    _, states = whole(of)
    states[2].seconds = 1000.0
    record = of.run(of.fresh(), resume=states[2])
    assert [row["seconds"] > 1000 for row in record.history] == [False] * 3 + [True] * (EPOCHS - 3)
