"""Optimisers and learning rates move as they are defined."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.errors import ConfigError
from gatecast.training.config import MOST_COPIES, TrainingConfig
from gatecast.training.schedule import LearningRate, make_optimizer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_optimizers_move_as_defined(kind: str, decay: float) -> None:
    """Three steps against the update rules written out."""
    config = TrainingConfig(optimizer=kind, lr=0.1, momentum=0.8, weight_decay=decay)  # type: ignore[arg-type]
    values = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = make_optimizer(values, config)
    x, first, second, speed = [1.0, -2.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
    for step, gradient in enumerate([[0.5, -1.0], [0.1, 2.0], [-0.3, 0.0]], 1):
        values.grad = torch.tensor(gradient)
        optimizer.step()
        for n, g in enumerate(gradient):
            if kind == "adamw":
                x[n] -= 0.1 * decay * x[n]
            else:
                g += decay * x[n]  # noqa: PLW2901
            if kind == "sgd":
                speed[n] = 0.8 * speed[n] + g
                x[n] -= 0.1 * speed[n]
                continue
            first[n] = 0.9 * first[n] + 0.1 * g
            second[n] = 0.999 * second[n] + 0.001 * g * g
            mean, square = first[n] / (1 - 0.9**step), second[n] / (1 - 0.999**step)
            x[n] -= 0.1 * mean / (math.sqrt(square) + 1e-8)
        assert values.tolist() == pytest.approx(x, rel=1e-4)


def rates(schedule: str, steps: int, **more: float) -> list[float]:
    rate = LearningRate(TrainingConfig(schedule=schedule, lr=0.2, **more), steps)  # type: ignore[arg-type]
    return [rate.at(step) for step in range(steps + 1)]


def test_constant_stays() -> None:
    assert set(rates("constant", 9)) == {0.2}


def test_cosine_falls_to_zero() -> None:
    found = rates("cosine", 10)
    assert found[0] == 0.2
    assert found[5] == pytest.approx(0.1)
    assert found[10] == pytest.approx(0)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for rate in found:
        assert rate == pytest.approx(torchs.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        torchs.step()


def test_one_cycle_rises_and_falls() -> None:
    found = rates("one-cycle", 100)
    assert found[0] == pytest.approx(0.2 * 0.04)
    assert found[30] == pytest.approx(0.2)
    assert found[100] == pytest.approx(0)
    assert all(a < b for a, b in pairwise(found[:31]))
    assert all(a > b for a, b in pairwise(found[30:]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([1.0, 0.99995, 0.999, 0.9, 0.5, 2.0]), max_size=20), st.integers(1, 3))
def test_plateau_is_that_of_torch(errors: list[float], patience: int) -> None:
    config = TrainingConfig(schedule="plateau", lr=0.2, plateau_patience=patience, plateau_factor=0.5)
    rate = LearningRate(config, 100)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
    torchs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=patience, factor=0.5)
    for error in errors:
        rate.after_epoch(error)
        torchs.step(error)
        assert rate.at(3) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_plateau_without_validation_stays() -> None:
    rate = LearningRate(TrainingConfig(schedule="plateau", lr=0.2, plateau_patience=1), 10)
    for _ in range(9):
        rate.after_epoch(None)
    assert rate.at(9) == 0.2


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr": 0.0},
        {"validation": 1.0},
        {"plateau_factor": 1.0},
        {"clip": 0.0},
        {"batch_size": 0},
        {"max_epochs": -1},
        {"steps_per_epoch": 0},
        {"patience": 0},
        {"log_every": 0},
        {"augment": -1},
        {"augment": MOST_COPIES + 1},
    ],
)
def test_settings_out_of_range_are_told(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TrainingConfig(**wrong)  # type: ignore[arg-type]
