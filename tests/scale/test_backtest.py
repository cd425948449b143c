"""Backtests of sources: the scores of a panel, a shard at a time; what is done is not done again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.engines.engines import QUICK, SOME

import gatecast as gc
from gatecast.cli.main import main
from gatecast.errors import ConfigError, TrainingError, WindowError
from gatecast.progress import Silent

SERIAL: dict[str, Any] = QUICK | {"engine": "serial"}
ROLLING: dict[str, Any] = {"origins": 3, "refit": 2, "progress": False}
N, T = 6, 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, random = tmp_path_factory.mktemp("sales"), np.random.default_rng(2)
    table = pl.DataFrame({
        "shop": np.repeat([f"s{n}" for n in range(N)], T),
        "day": np.tile(np.datetime64("2024-01-01") + np.arange(T), N),
        "sales": random.normal(50, 5, N * T),
    })  # fmt: skip
    short = table.filter(pl.col("shop") == "s0").head(5).with_columns(pl.lit("short").alias("shop"))
    pl.concat([table, short]).write_parquet(path / "0.parquet")
    return path


def scan(folder: Path) -> gc.PanelSource:
    return gc.scan(folder, series="shop", time="day", target="sales", shard_rows=80)


def model(**more: Any) -> gc.Forecaster:
    return gc.Forecaster(3, **{**SERIAL, **more})


@pytest.fixture(scope="module")
def whole(folder: Path) -> gc.Backtest:
    panel = gc.read(str(folder), series="shop", time="day", target="sales")
    return gc.backtest(model(), panel, **ROLLING)


@pytest.mark.parametrize("window", ["expanding", "sliding"])
def test_scores_with_refits_are_those_of_the_panel(folder: Path, whole: gc.Backtest, window: Any) -> None:
    made = gc.backtest(model(), scan(folder), window=window, **ROLLING)
    panel = gc.read(str(folder), series="shop", time="day", target="sales")
    expected = whole if window == "expanding" else gc.backtest(model(), panel, window=window, **ROLLING)
    for name, row in expected.scores.table.items():
        for metric, value in row.items():
            if metric in made.scores.table[name]:
                assert made.scores.table[name][metric] == pytest.approx(value, rel=1e-6, nan_ok=True), (name, metric)
    assert [one.fold for one in made.folds] == [one.fold for one in expected.folds]
    assert (made.scores.series, made.scores.windows, made.stride) == (N, 3 * N, expected.stride)
    assert made.scores.counts == expected.scores.counts
    assert made.scores.problems == [("short", "short", "fewer than 11 steps")]
    assert "trained 2 times on 6 of 7 series" in str(made)
    assert json.loads(json.dumps(made.to_dict()))["folds"][1]["origins"] == [2, 3]


@pytest.mark.parametrize(("engine", "workers"), SOME)
def test_every_engine_gives_the_same_scores(folder: Path, engine: str, workers: int) -> None:
    def made(**where: Any) -> tuple[Any, Any]:
        tested = gc.backtest(model(**where), scan(folder), origins=2, refit=1, progress=False)
        return tested.scores.parts, gc.evaluate(model(**where), scan(folder)).parts

    assert made(engine=engine, workers=workers) == made()


def test_refits_change_the_scores(folder: Path, whole: gc.Backtest) -> None:
    """Else the test above could not fail."""
    once = gc.backtest(model(), scan(folder), origins=3, progress=False)
    assert once.scores.table["lstm"]["mae"] != pytest.approx(whole.scores.table["lstm"]["mae"], rel=1e-6)


def test_what_is_done_is_not_done_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = gc.backtest(model(), scan(folder), checkpoint=tmp_path, **ROLLING)
    shards = sorted(next(tmp_path.glob("scores-*")).glob("*.json"))
    assert len(shards) == len(scan(folder).shards)
    stamps = [path.stat().st_mtime_ns for path in shards[1:]]
    shards[0].unlink()
    monkeypatch.setattr(gc.Forecaster, "fit", lambda *_, **__: pytest.fail("no training is left"))
    again = gc.backtest(model(), scan(folder), checkpoint=tmp_path, **ROLLING)
    assert again.scores.to_dict() == first.scores.to_dict()
    assert [path.stat().st_mtime_ns for path in shards[1:]] == stamps
    with pytest.raises(ConfigError, match="another backtest"):
        gc.backtest(model(seed=1), scan(folder), checkpoint=tmp_path, **ROLLING)


def test_a_stop_says_how_to_go_on(folder: Path, tmp_path: Path) -> None:
    class Stops(Silent):
        def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Any = None) -> None:
            if stage == "backtest · fold" and done == 2:
                self.stop.set()

    with pytest.raises(TrainingError, match=r"of 2 trainings\. The same call goes on there"):
        gc.backtest(model(), scan(folder), checkpoint=tmp_path, **{**ROLLING, "progress": Stops()})


def test_what_a_source_cannot_have_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="no adaptive intervals and no rivals"):
        gc.backtest(model(), scan(folder), adaptive=True)  # type: ignore[call-overload]
    with pytest.raises(WindowError, match="no series"):
        gc.backtest(model(), scan(folder), origins=50, stride=3, progress=False)


def test_the_command_does_the_same(folder: Path, whole: gc.Backtest, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["backtest", str(folder / "*.parquet"), "--horizon", "3", "--origins", "3", "--refit", "2"]
    tiny = ["--hidden-size", "4", "--max-epochs", "2", "--steps-per-epoch", "4", "--members", "1", "--candidates", "1"]
    assert main([*words, *tiny, "--memory-limit", "1MB", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["evaluation"]
    assert found["scores"]["lstm"]["mae"] == pytest.approx(whole.scores.table["lstm"]["mae"], rel=1e-6)
    assert main([*words, *tiny, "--memory-limit", "1MB", "--adaptive"]) == 2
    assert "--adaptive and --rivals" in capsys.readouterr().err
