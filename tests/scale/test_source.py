"""Sources: what one pass over the files finds, the sample of a fit, forecasts and scores shard by shard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.engines.engines import QUICK, SOME

import gatecast as gc
from gatecast.cli.main import main
from gatecast.data.scan.sample import sampled
from gatecast.errors import ConfigError, ModelFileError, PanelError, WindowError

H, N, T = 3, 30, 40


def table(series: int = N, steps: int = T, begin: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(begin)
    values = random.normal(50, 5, (series, steps)) * (1 + np.arange(series)[:, None] % 7)
    return pl.DataFrame({
        "shop": np.repeat([f"s{begin + n:04d}" for n in range(series)], steps),
        "day": np.tile(np.arange("2024-01-01", steps, dtype="datetime64[D]") if False else days(steps), series),
        "sales": values.ravel(),
    })  # fmt: skip


def days(steps: int) -> np.ndarray:
    return np.datetime64("2024-01-01") + np.arange(steps)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of thirty series each."""
    files = tmp_path / "sales"
    files.mkdir()
    for k in range(2):
        table(begin=k * N).write_parquet(files / f"{k}.parquet")
    return files


def scan(folder: Path, **more: Any) -> gc.PanelSource:
    return gc.scan(folder / "*.parquet", series="shop", time="day", target="sales", **{"shard_rows": 400, **more})


def model(**more: Any) -> gc.Forecaster:
    return gc.Forecaster(H, **{**QUICK, **more})


# ---------------------------------------------------------------- scan


def test_one_pass_finds_what_reading_all_finds(folder: Path) -> None:
    source = scan(folder)
    whole = gc.read(str(folder), series="shop", time="day", target="sales")
    assert (len(source), source.rows, source.together) == (len(whole), whole.total, True)
    assert (source.schema, source.frequency) == (whole.schema, whole.frequency)
    parts = list(source.panels())
    assert len(parts) == len(source.shards) == 6
    assert sum((part.ids for part in parts), ()) == whole.ids
    np.testing.assert_array_equal(np.concatenate([part.values_RV for part in parts]), whole.values_RV)


def test_series_that_are_scattered_over_files_are_gathered(tmp_path: Path) -> None:
    whole = table(10)
    for k, part in enumerate((whole.filter(pl.col("day") < days(20)[-1]), whole.filter(pl.col("day") >= days(20)[-1]))):
        part.write_parquet(tmp_path / f"{k}.parquet")
    source = scan(tmp_path, shard_rows=100)
    assert not source.together
    assert (len(source), source.rows, len(source.shards)) == (10, 400, 4)
    np.testing.assert_array_equal(
        np.concatenate([p.values_RV for p in source.panels()]).ravel(), whole["sales"].cast(pl.Float32)
    )


@pytest.mark.parametrize("given", ["nowhere/*.parquet", ["nowhere.parquet"]])
def test_files_that_are_not_there_are_named(given: Any) -> None:
    with pytest.raises(PanelError, match="nowhere"):
        gc.scan(given)


@pytest.mark.parametrize("given", ["", None, 3, []])
def test_a_source_without_a_name_is_not_the_working_folder(
    given: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(PanelError, match="names no Parquet files"):
        gc.scan(given)


@pytest.mark.parametrize("steps", [-1, 1.5, "x", True])
def test_steps_to_hold_back_are_a_number_of_steps(steps: Any, folder: Path) -> None:
    instant = gc.Forecaster(horizon=4, preset="instant", progress=False)
    with pytest.raises(ConfigError, match="held_back must be a whole number of steps"):
        instant.fit(scan(folder), held_back=steps)


def test_steps_of_a_panel_are_not_held_back_in_silence(folder: Path) -> None:
    instant, panel = (
        gc.Forecaster(horizon=4, preset="instant", progress=False),
        gc.read(folder, series="shop", target="sales"),
    )
    for model in (instant, gc.GroupedForecaster(instant, "shop")):
        with pytest.raises(ConfigError, match="held_back is of a source"):
            model.fit(panel, held_back=4)


# ---------------------------------------------------------------- fit


def test_a_sample_is_seeded_and_has_the_same_share_of_all_strata(folder: Path) -> None:
    table(60, 20, begin=100).write_parquet(folder / "2.parquet")
    source = scan(folder)
    limit = 90 * 1800  # half of the rows
    chosen, sample = sampled(source, limit, seed=0, least=5)
    again, _ = sampled(source, limit, seed=0, least=5)
    other, _ = sampled(source, limit, seed=1, least=5)
    assert chosen.equals(again)
    assert not chosen.equals(other)
    assert sample.rows <= 1800
    share = (chosen["rows"] == T).mean()
    assert isinstance(share, float)
    assert abs(share - 0.5) < 0.1, "half of the series are long"
    assert abs(float(np.median(chosen["size"])) / float(np.median(source.index["size"])) - 1) < 0.3
    with pytest.raises(WindowError, match="steps"):
        sampled(source, limit, 0, least=99)


def test_a_fit_says_what_it_saw(folder: Path) -> None:
    made = model().fit(scan(folder), memory_limit=90 * 20 * T)
    assert made.sample_.series == 20
    assert "20 of 60 series" in made.sample_.describe()
    assert made.fitted_.record.series == 20
    with pytest.raises(ConfigError, match="memory_limit"):
        model().fit(scan(folder), memory_limit="much")


# ---------------------------------------------------------------- predict


@pytest.fixture
def fitted(folder: Path) -> gc.Forecaster:
    return model().fit(scan(folder))


def forecasts(written: gc.WrittenForecast) -> pl.DataFrame:
    return written.scan().collect()


@pytest.mark.parametrize(("engine", "workers"), [("serial", 1), *SOME])
def test_forecasts_of_all_shards_are_those_of_the_panel(
    folder: Path, fitted: gc.Forecaster, tmp_path: Path, engine: str, workers: int
) -> None:
    source = scan(folder)
    whole = fitted.predict(gc.read(str(folder), series="shop", time="day", target="sales")).to_frame("polars")
    serial = fitted.clone(fitted=True).set_params(engine="serial").predict(source, output=tmp_path / "serial")
    written = fitted.set_params(engine=engine, workers=workers).predict(source, output=tmp_path / "out")
    assert (written.series, written.forecast, written.problems, written.rows) == (60, 60, 0, 60 * H)
    manifests = [json.loads((one.path / "manifest.json").read_text()) for one in (written, serial)]
    assert manifests[0] == manifests[1], "the same bytes on every engine"
    assert_frame_equal(forecasts(written), whole, rel_tol=1e-5)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"forecast", "problems", "_shards", "_gatecast.json", "manifest.json", "_SUCCESS"}


def test_series_with_a_problem_are_set_aside(folder: Path, fitted: gc.Forecaster, tmp_path: Path) -> None:
    bad = table(5, begin=200).with_row_index()
    bad = bad.filter(~((pl.col("shop") == "s0202") & (pl.col("index") % 7 == 3))).drop("index")
    bad.write_parquet(folder / "2.parquet")
    written = fitted.predict(scan(folder), output=tmp_path / "out")
    assert (written.forecast, written.problems, written.rows) == (64, 1, 64 * H)
    assert written.problem_table()["series"].to_list() == ["s0202"]
    assert written.problem_table()["kind"].to_list() == ["failed"]
    assert "s0202" not in forecasts(written)["shop"].to_list()


def test_what_is_done_is_not_done_again_and_nothing_else_goes_on_there(
    folder: Path, fitted: gc.Forecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = scan(folder), tmp_path / "out"
    first = fitted.predict(source, output=out)
    before = {path.name: path.read_bytes() for path in (out / "forecast").iterdir()}
    (out / "_SUCCESS").unlink()
    (out / "_shards" / "000002.json").unlink()
    (out / "forecast" / "part-000002.parquet").unlink()
    stamps = {path.name: path.stat().st_mtime_ns for path in (out / "forecast").iterdir()}
    assert fitted.predict(source, output=out) == first
    assert {path.name: path.read_bytes() for path in (out / "forecast").iterdir()} == before
    assert all((out / "forecast" / name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())
    with pytest.raises(ConfigError, match="another"):
        model(seed=5).fit(source).predict(source, output=out)
    (out / "forecast" / "part-000001.parquet").write_bytes(b"damaged")
    with pytest.raises(ModelFileError, match="not as it was written"):
        fitted.predict(source, output=out)


PREDICT = """
import sys, gatecast as gc
source = gc.scan(sys.argv[1], series="shop", time="day", target="sales", shard_rows=40)
gc.load(sys.argv[2]).predict(source, output=sys.argv[3])
"""


def test_a_run_that_is_killed_goes_on_without_a_row_lost_or_doubled(
    folder: Path, fitted: gc.Forecaster, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "m.gatecast")
    words = [sys.executable, "-c", PREDICT, str(folder), str(tmp_path / "m.gatecast"), str(tmp_path / "out")]
    process = subprocess.Popen(words)
    shards = tmp_path / "out" / "_shards"
    while process.poll() is None and len(list(shards.glob("*.json")) if shards.exists() else []) < 5:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out" / "_SUCCESS").exists(), "it was killed on its way"
    written = fitted.predict(scan(folder, shard_rows=40), output=tmp_path / "out")
    assert forecasts(written).group_by("shop").len()["len"].to_list() == [H] * 60
    assert forecasts(written).equals(forecasts(fitted.predict(scan(folder, shard_rows=40), output=tmp_path / "whole")))
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["rows"] == 60 * H


def test_a_source_needs_a_folder_and_a_panel_none(folder: Path, fitted: gc.Forecaster, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="output"):
        fitted.predict(scan(folder))
    with pytest.raises(ConfigError, match="output"):
        fitted.predict(output=tmp_path / "out")


# ---------------------------------------------------------------- evaluate


def test_streamed_scores_are_those_of_all_series_at_once(folder: Path) -> None:
    source = scan(folder)
    made = model()
    scores = gc.evaluate(made, source, origins=2)
    whole = gc.read(str(folder), series="shop", time="day", target="sales")
    expected = gc.evaluate(made, whole, origins=2).scores
    assert scores.table.keys() == expected.table.keys()
    for name, row in expected.table.items():
        for metric, value in row.items():
            if metric in scores.table[name]:
                assert scores.table[name][metric] == pytest.approx(value, rel=1e-7, nan_ok=True), (name, metric)
    assert (scores.series, scores.windows, scores.origins) == (60, 120, 2)
    assert scores.baselines == expected.baselines
    assert scores.counts == expected.counts
    assert scores.verdict in str(scores)
    assert json.loads(json.dumps(scores.to_dict()))["series"] == 60


def test_short_series_are_named_and_the_others_scored(folder: Path, fitted: gc.Forecaster) -> None:
    table(4, 4, begin=300).write_parquet(folder / "2.parquet")
    scores = gc.evaluate(model(), scan(folder))
    assert scores.series == 60
    assert [(one[0], one[1]) for one in scores.problems] == [(f"s{n:04d}", "short") for n in range(300, 304)]


def test_what_was_seen_is_not_scored(folder: Path, fitted: gc.Forecaster) -> None:
    with pytest.raises(ConfigError, match="trained on"):
        gc.evaluate(fitted, scan(folder))


# ---------------------------------------------------------------- command line


def test_the_commands_do_the_same(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pattern, saved = str(folder / "*.parquet"), str(tmp_path / "m.gatecast")
    tiny = ["--hidden-size", "4", "--max-epochs", "2", "--members", "1", "--candidates", "1", "--horizon", "3"]
    limit = ["--memory-limit", "100KB", "--engine", "serial"]
    assert main(["fit", pattern, "--series", "shop", "--save", saved, *tiny, *limit]) == 0
    assert "of 60 series" in capsys.readouterr().out
    assert main(["predict", saved, pattern, "--output", str(tmp_path / "out"), "--workers", "1"]) == 0
    assert "60 of 60 series, 180 rows" in capsys.readouterr().out
    assert main(["evaluate", pattern, "--series", "shop", *tiny, *limit]) == 0
    assert "Over 60 series" in capsys.readouterr().out
    assert main(["predict", saved, pattern, "--output", str(tmp_path / "out2"), "--header", "1"]) == 2


# ---------------------------------------------------------------- URLs


def test_forecasts_go_to_a_url_as_into_a_folder(folder: Path, fitted: gc.Forecaster, tmp_path: Path) -> None:
    gap = pl.int_range(pl.len()) != 7
    table(2, begin=400).filter(gap).write_parquet(folder / "2.parquet")  # the first one has a gap
    fitted.set_params(engine="threads", workers=2)
    here = fitted.predict(scan(folder), output=tmp_path / "out")
    url = f"memory://gatecast-{tmp_path.name}"
    there = fitted.predict(scan(folder), output=url)
    assert (there.path, there.rows, there.problems) == (url, here.rows, 1)
    assert forecasts(there).equals(forecasts(here))
    assert there.problem_table().equals(here.problem_table())
    assert fitted.predict(scan(folder), output=url) == there, "what is done is found"
    with pytest.raises(ConfigError, match="another"):
        fitted.predict(scan(folder, shard_rows=90), output=url)

    from fsspec import filesystem

    memory = filesystem("memory")
    base = f"/gatecast-{tmp_path.name}"
    assert {Path(path).name for path in memory.ls(base, detail=False)} == {
        path.name for path in (tmp_path / "out").iterdir()
    }
    memory.pipe_file(f"{base}/forecast/part-000001.parquet", b"damaged")
    with pytest.raises(ModelFileError, match=r"memory://.*part-000001\.parquet is not as it was written"):
        fitted.predict(scan(folder), output=url)


def test_a_run_into_a_url_goes_on(folder: Path, fitted: gc.Forecaster, tmp_path: Path) -> None:
    from fsspec import filesystem

    url, memory = f"memory://on-{tmp_path.name}", filesystem("memory")
    first = fitted.predict(scan(folder), output=url)
    base = f"/on-{tmp_path.name}"
    for name in ("_SUCCESS", "_shards/000002.json", "forecast/part-000002.parquet"):
        memory.rm_file(f"{base}/{name}")
    before = memory.created(f"{base}/forecast/part-000001.parquet")
    assert fitted.predict(scan(folder), output=url) == first
    assert memory.created(f"{base}/forecast/part-000001.parquet") == before
    assert memory.exists(f"{base}/forecast/part-000002.parquet")


@pytest.mark.parametrize("url", ["nowhere://bucket/out", "s3://bucket/out"])
def test_a_url_without_a_driver_is_told_in_one_line(
    folder: Path, fitted: gc.Forecaster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)  # as if it were not installed
    with pytest.raises(ConfigError, match=r"nothing here reads \w+:// .*Install fsspec and its driver") as caught:
        fitted.predict(scan(folder), output=url)
    assert "\n" not in str(caught.value)
