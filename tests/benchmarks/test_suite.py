"""The suite: what it may see, what it scores, and what its figures mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.accuracy.__main__ import main
from benchmarks.accuracy.sets import data_folder
from benchmarks.suite.scoring import LEVELS, run, scored
from benchmarks.suite.table import interval, rows
from benchmarks.suite.tasks import SETS, Task, tasks

import gatecast as gc


def task_of(values: list[np.ndarray], horizon: int = 2, season: int = 1, origins: int = 2) -> Task:
    ids = np.repeat([f"s{n}" for n in range(len(values))], [len(x) for x in values])
    steps = np.concatenate([np.arange(len(x)) for x in values])
    table = {"unique_id": ids, "ds": steps, "y": np.concatenate(values)}
    import polars as pl

    return Task("made up", "made up", gc.read(pl.DataFrame(table), dtype=np.float64), horizon, season, origins)


def test_a_fit_sees_nothing_of_what_is_scored() -> None:
    task = task_of([np.arange(20.0), np.arange(30.0)])
    assert task.history.length.tolist() == [16, 26]


def test_the_best_naive_forecast_has_one_and_its_ratio_is_that_of_errors() -> None:
    task = task_of([np.arange(20.0)])  # the drift is never wrong, so errors are compared with a small number
    walk = np.random.default_rng(0).normal(size=40).cumsum()
    task = task_of([walk], origins=1)
    series_B, origin_B = np.array([0]), np.array([37])
    last = np.full((1, 2, 1, len(LEVELS)), walk[37])
    error = {"last": np.abs(walk[38:] - walk[37]).mean()}
    slope = (walk[37] - walk[0]) / 37
    error["drift"] = np.abs(walk[38:] - walk[37] - slope * np.array([1, 2])).mean()
    score = scored(task, series_B, origin_B, last, 1.5)
    best = min(error.values())
    assert score.mase == pytest.approx(error["last"] / best)
    assert score.wql == pytest.approx(error["last"] / best), "all deciles alike: twice the pinball loss is the error"
    assert (score.held_80, score.held_95, score.points, score.seconds) == (0, 0, 2, 1.5)


def test_intervals_are_held_and_scored() -> None:
    walk = np.random.default_rng(0).normal(size=40).cumsum()
    task = task_of([walk], origins=1)
    values = np.broadcast_to(np.linspace(-50, 50, len(LEVELS)), (1, 2, 1, len(LEVELS)))
    score = scored(task, np.array([0]), np.array([37]), values, 0)
    assert score.held_80 == score.held_95 == 1
    assert score.msis == pytest.approx(100 / np.abs(np.diff(walk[:38])).mean())


def test_a_set_is_the_geometric_mean_of_its_tasks() -> None:
    task = task_of([np.random.default_rng(3).normal(size=40).cumsum()])
    score = run(task, {"preset": "instant"})
    row = rows({"a": [score, score]})["a"]
    assert row["mase"] == pytest.approx(score.mase)
    assert row["seconds"] == pytest.approx(2 * score.seconds)
    low, high = interval([0.5, 0.7, 0.9])
    assert 0.5 <= low < 0.68 < high <= 0.9


def test_no_test_file_is_opened(tmp_path: Path) -> None:
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}")
    for file in folder.iterdir():
        if "test" not in file.name:
            (tmp_path / file.name).symlink_to(file)
    seen = {task.set: task for task in tasks(list(SETS), tmp_path)}
    assert list(seen) == list(SETS)
    for task in seen.values():
        assert (task.history.length >= 8).all(), task.name
        assert (task.history.length < task.panel.length).all()


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATECAST_DATA", str(Path(__file__).parent))  # airline is in the package
    assert main(["suite", "--inner", "--set", "airline", "--setting", "preset=instant"]) == 0
    printed = capsys.readouterr().out
    assert "MASE / naive" in printed
    assert "airline" in printed
