"""The training of the gate: lessons from seed and index, a schedule, and going on from a file as one in one go."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from gatecast.nn.kernels import load
from gatecast.nn.threads import kernels_use
from gatecast.pretrained import lessons
from gatecast.pretrained.bank import EXPERTS
from gatecast.pretrained.gate import LEVELS, GateSizes
from gatecast.pretrained.lessons import STEPS_JUDGED, Lesson, lesson_of, lesson_plan
from gatecast.pretrained.synthetic import series
from gatecast.pretrained.training import MOST, Recipe, Training, loss_of
from gatecast.pretrained.weights import NEWEST, gate_named

from .gates import SMALL, shaken

pytestmark = pytest.mark.skipif(load() is None, reason="the kernels are not built")

ROOT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(seed=3, sizes=SMALL, warm_up=4)


@pytest.fixture(autouse=True)
def tiny_lessons(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.setattr(lessons, "SERIES", 8)


def gone_on(training: Training, steps: int) -> list[float]:
    """Losses of the next steps."""
    return [training.learn(lesson_of(training.recipe.seed, training.step)) for _ in range(steps)]


def raw(training: Training, folder: Path) -> bytes:
    """All that a training is, as the bytes of its file."""
    path = folder / "raw.safetensors"
    training.save(path)
    return path.read_bytes()


def stopped(training: Training, folder: Path) -> Training:
    """The same one, through a file."""
    path = folder / "state.safetensors"
    training.save(path)
    return Training.load(path)


# ---------------------------------------------------------------- lessons


def raw_lesson(lesson: Lesson) -> dict[str, bytes]:
    bank = lesson.bank
    arrays = {
        "forecast": bank.forecast_BHK, "error": bank.error_BK2, "channel": bank.channel_BTC,
        "truth": lesson.truth_BH, "scale": lesson.scale_B, "ahead": lesson.ahead_H,
    }  # fmt: skip
    return {name: array.tobytes() for name, array in arrays.items()} | {"season": bytes([lesson.season])}


def test_a_lesson_is_a_function_of_seed_and_index() -> None:
    first = [raw_lesson(lesson_of(1, index)) for index in range(6)]
    with kernels_use(3):
        again = [raw_lesson(lesson_of(1, index)) for index in reversed(range(6))]
    assert again[::-1] == first
    assert len({lesson["truth"] for lesson in first}) == 6
    assert raw_lesson(lesson_of(2, 0))["truth"] != first[0]["truth"]


def test_lessons_are_of_one_shape_and_finite() -> None:
    seasons = set()
    for index in range(40):
        lesson = lesson_of(0, index)
        count, ahead = len(lesson.scale_B), len(lesson.ahead_H)
        assert 0 < count <= 8
        assert 1 <= ahead <= STEPS_JUDGED
        assert (np.diff(lesson.ahead_H) > 0).all()
        assert lesson.ahead_H[0] >= 1
        assert lesson.bank.forecast_BHK.shape[:2] == lesson.truth_BH.shape == (count, ahead)
        assert len(lesson.bank.error_BK2) == len(lesson.bank.channel_BTC) == len(lesson.bank.step_B) == count
        assert np.isfinite(lesson.truth_BH).all()
        assert np.isfinite(lesson.bank.channel_BTC).all()
        assert (lesson.scale_B > 1e-3).all()
        seasons.add(lesson.season)
    assert len(seasons) > 4


def test_seed_and_index_decide_what_the_series_are_too(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = lesson_plan(1, 0)
    monkeypatch.setattr(lessons, "lesson_plan", lambda seed, index: plan)
    made = [raw_lesson(lesson_of(seed, index))["channel"] for seed in (1, 2) for index in (0, 1)]
    assert len(set(made)) == 4


@pytest.mark.parametrize("index", range(6))
def test_forecasts_and_truths_are_of_the_steps_that_are_named(index: int) -> None:
    lesson, plan = lesson_of(4, index), lesson_plan(4, index)
    values_BT = series(4, index, plan.count, plan.steps + plan.horizon, plan.seasons)
    bank = lesson.bank
    row_B = np.array([np.flatnonzero(values_BT[:, plan.steps - 1] == last)[0] for last in bank.last_B])
    truth_BH = values_BT[row_B][:, plan.steps - 1 + lesson.ahead_H]
    np.testing.assert_allclose(bank.restored(lesson.truth_BH[..., None])[..., 0], truth_BH)
    drift_BH = bank.forecast_BHK[..., EXPERTS.index("drift")]
    np.testing.assert_allclose(drift_BH, drift_BH[:, :1] * lesson.ahead_H / lesson.ahead_H[0], rtol=1e-3, atol=1e-4)


def test_series_that_hardly_move_or_run_away_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(seed: int, index: int, count: int, steps: int, seasons: tuple[int, ...]) -> np.ndarray:
        values_BT = np.random.default_rng(0).standard_normal((count, steps)).cumsum(1)
        values_BT[0] = 5.0
        values_BT[1, -1] = 1e9
        return values_BT

    monkeypatch.setattr(lessons, "series", given)
    plan = lesson_plan(0, 0)
    lesson = lesson_of(0, 0)
    expected_BT = given(0, 0, plan.count, plan.steps + plan.horizon, ())
    np.testing.assert_array_equal(lesson.bank.last_B, expected_BT[2:, plan.steps - 1])


def test_the_scale_is_that_of_the_past_more_than_of_the_future() -> None:
    past_BT = np.array([[0.0, 1, 0, 1, 0, 1], [0.0, 1, 0, 1, 0, 1]])
    future_BH = np.array([[0.0, 2], [1.0, 1]])
    np.testing.assert_allclose(lessons._scale(past_BT, future_BH, 1), [1.0, np.sqrt(1 / 2)])
    np.testing.assert_allclose(lessons._scale(past_BT, 8 + future_BH, 2), 0)  # it was never wrong


# ---------------------------------------------------------------- loss


def naive_loss(quantiles_BHQ: np.ndarray, lesson: Lesson) -> float:
    of_series = []
    for b, scale in enumerate(lesson.scale_B):
        of_steps = []
        for h, truth in enumerate(lesson.truth_BH[b]):
            pinball = [
                2 * (level * (truth - q) if truth >= q else (1 - level) * (q - truth))
                for level, q in zip(LEVELS, quantiles_BHQ[b, h], strict=True)
            ]
            of_steps.append((abs(truth - quantiles_BHQ[b, h, LEVELS.index(0.5)]) + np.mean(pinball)) / 2)
        of_series.append(min(np.mean(of_steps) / max(scale, 0.05), MOST))
    return float(np.mean(of_series))


@pytest.mark.parametrize("size", [0.05, 1.0])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_the_loss_is_half_the_absolute_error_and_half_the_pinball_losses(size: float, scale: float) -> None:
    gate = shaken(0, size)
    for index in range(5):
        whole = lesson_of(0, index)
        lesson = replace(whole, scale_B=scale * whole.scale_B, truth_BH=scale * whole.truth_BH)
        bank = lesson.bank
        arrays = (bank.forecast_BHK, bank.error_BK2, bank.channel_BTC, lesson.ahead_H)
        with torch.no_grad():
            quantiles_BHQ = gate(*map(torch.from_numpy, arrays), lesson.season).quantiles_BHQ.numpy()
            assert loss_of(gate, lesson).item() == pytest.approx(naive_loss(quantiles_BHQ, lesson), rel=1e-4)


def test_the_loss_of_a_lesson_falls() -> None:
    training = Training(Recipe(sizes=SMALL, warm_up=1, rate=1e-2))
    lesson = lesson_of(0, 1)
    losses = [training.learn(lesson) for _ in range(30)]
    assert losses[-1] < 0.95 * losses[0]
    assert np.isfinite(losses).all()


# ---------------------------------------------------------------- the schedule


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    training = Training(Recipe(sizes=SMALL, rate=0.8, warm_up=4))
    rates = []
    for step in range(12):
        training.step = step
        if step == 7:
            training.cool(4)
        rates.append(training.rate)
    assert rates == pytest.approx([0.2, 0.4, 0.6, *[0.8] * 4, 0.7, 0.5, 0.3, 0.1, 0])


def test_a_step_is_taken_at_the_rate_of_the_schedule() -> None:
    training = Training(RECIPE)
    for expected in (1, 2, 3, 4, 4):
        gone_on(training, 1)
        assert training.optimizer.param_groups[0]["lr"] == pytest.approx(RECIPE.rate * expected / 4)


# ---------------------------------------------------------------- the start


def test_it_begins_with_weights_that_are_there_and_leaves_them_as_they_are(tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in gate_named(NEWEST).state_dict().items()}
    training = Training(Recipe(start=NEWEST, sizes=SMALL, warm_up=1))
    assert training.gate.sizes == gate_named(NEWEST).sizes
    assert all(torch.equal(value, before[name]) for name, value in training.gate.state_dict().items())
    gone_on(training, 1)
    assert not torch.equal(training.gate.mix.weight, before["mix.weight"])
    assert all(torch.equal(value, before[name]) for name, value in gate_named(NEWEST).state_dict().items())
    assert raw(stopped(training, tmp_path), tmp_path) == raw(training, tmp_path)


# ---------------------------------------------------------------- stopped and continued


def test_the_seed_decides_and_torch_draws_nothing(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(77)
        before = torch.get_rng_state()
        one = Training(RECIPE)
        gone_on(one, 2)
        assert torch.equal(torch.get_rng_state(), before)
    other = Training(RECIPE)
    gone_on(other, 2)
    assert raw(other, tmp_path) == raw(one, tmp_path)
    third = Training(Recipe(seed=4, sizes=SMALL, warm_up=4))
    assert not torch.equal(third.gate.mix.weight, Training(RECIPE).gate.mix.weight)


@pytest.mark.parametrize("at", [0, 1, 3, 6])
def test_one_that_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path, at: int) -> None:
    whole, first = Training(RECIPE), Training(RECIPE)
    losses = gone_on(whole, 6)
    begun = gone_on(first, at)
    second = stopped(first, tmp_path)
    assert second.recipe == RECIPE
    assert begun + gone_on(second, 6 - at) == losses
    assert raw(second, tmp_path) == raw(whole, tmp_path)


@pytest.mark.parametrize("at", [3, 4, 5])
def test_one_that_was_stopped_while_it_cooled_too(tmp_path: Path, at: int) -> None:
    whole, first = Training(RECIPE), Training(RECIPE)
    gone_on(whole, 3)
    whole.cool(3)
    losses = gone_on(whole, 3)
    gone_on(first, 3)
    first.cool(3)
    begun = gone_on(first, at - 3)
    second = stopped(first, tmp_path)
    assert (second.step, second.cooled_from, second.cooling) == (at, 3, 3)
    assert begun + gone_on(second, 6 - at) == losses
    assert raw(second, tmp_path) == raw(whole, tmp_path)
    assert second.rate == 0


def test_a_copy_cools_and_the_training_goes_on(tmp_path: Path) -> None:
    whole, first = Training(RECIPE), Training(RECIPE)
    gone_on(whole, 6)
    gone_on(first, 3)
    copy = stopped(first, tmp_path)
    copy.cool(2)
    gone_on(copy, 2)
    gone_on(first, 3)
    assert raw(first, tmp_path) == raw(whole, tmp_path)


def test_nothing_but_its_file_is_left(tmp_path: Path) -> None:
    training = Training(RECIPE)
    gone_on(training, 1)
    stopped(training, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


# ---------------------------------------------------------------- the command


def command(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    module = "benchmarks.pretrained.train"
    sizes = ("--hidden", "8", "--mixing", "8", "--nice", "0")
    return subprocess.Popen([sys.executable, "-m", module, str(folder), *sizes, *options], cwd=ROOT)


def finished(process: subprocess.Popen[bytes]) -> None:
    assert process.wait(timeout=300) == 0


def step_of(folder: Path) -> int:
    lines = (folder / "log.csv").read_text().splitlines()
    return int(lines[-1].split(",")[0])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def has_children(process: subprocess.Popen[bytes]) -> bool:
    return bool(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's list of child processes")
def test_the_command_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    process = command(parts)
    while not has_children(process):  # they are started after signals are listened to
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    finished(process)
    steps = str(step_of(parts) + 3)
    finished(command(parts, "--steps", steps, "--seed", "9", "--rate", "0.5"))  # its own settings stay
    finished(command(whole, "--steps", steps))
    assert digest(parts / "state.safetensors") == digest(whole / "state.safetensors")
    assert Training.load(whole / "state.safetensors").recipe.sizes == GateSizes(8, 8)
    finished(command(parts, "--cool", "2"))
    with safe_open(parts / "gate.safetensors", "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F16"}  # noqa: SIM118 -- no mapping
    assert digest(parts / "state.safetensors") == digest(whole / "state.safetensors")
