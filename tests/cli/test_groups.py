"""One model for each group on the command line: fit, info, predict, evaluate, and what refuses such a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from .conftest import HEAD, TINY, Run

NEED_ONE = ("check", "update", "watch")
FIT = ["--series", "region", "--series", "item", "--per", "region", "--horizon", 3, *TINY]


def table(path: Path, steps: int) -> Path:
    random, days = np.random.default_rng(5), np.datetime64("2024-01-01") + np.arange(steps)
    shops = [("north", 1), ("north", 2), ("south", 1)]
    pl.concat([
        pl.DataFrame({"region": r, "item": i, "day": days, "sales": random.normal(50, 5, 60)[:steps]}) for r, i in shops
    ]).write_csv(path)  # fmt: skip
    return path


@pytest.fixture
def saved(run: Run, tmp_path: Path) -> Path:
    assert run("fit", table(tmp_path / "t.csv", 50), *FIT, "--save", "m.gatecast").code == 0
    return tmp_path / "m.gatecast"


def test_fit_gives_every_group_its_verdict_and_info_shows_them(run: Run, tmp_path: Path) -> None:
    result = run("fit", table(tmp_path / "t.csv", 50), *FIT, "--save", "m.gatecast")
    assert result.code == 0
    assert result.out.count("origins of 3 days") == 2
    assert "group    north · " in result.out
    assert result.widest <= 80
    told = run("info", "m.gatecast").out
    assert "groups" in told
    assert "north: " in told
    assert "2 series" in told
    shown = run("info", "m.gatecast", "--json").json
    assert [one["name"] for one in shown["groups"]] == ["north", "south"]


def test_json(run: Run, tmp_path: Path) -> None:
    found = run("fit", table(tmp_path / "t.csv", 50), *FIT, "--save", "m.gatecast", "--json").json
    assert set(found) == HEAD | {"data", "groups", "files"}
    assert [set(one) for one in found["groups"]] == [{"name", "model", "verdict"}] * 2


def test_predict_and_evaluate_read_it(run: Run, saved: Path, tmp_path: Path) -> None:
    made = run("predict", saved, tmp_path / "t.csv", "--output", "out.csv")
    assert made.code == 0
    assert pl.read_csv(tmp_path / "out.csv").height == 9
    scored = run("evaluate", table(tmp_path / "later.csv", 60), "--model", saved)
    assert scored.code == 0
    assert "Over 3 series" in scored.out
    assert run("evaluate", tmp_path / "t.csv", "--model", saved).code == 2, "nothing is new there"


def test_mistakes_are_told_in_one_line(run: Run, saved: Path, tmp_path: Path) -> None:
    wrong = run("fit", tmp_path / "t.csv", *FIT[:4], "--per", "regio", "--horizon", 3, "--save", "n.gatecast")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert "--per: 'regio' is no column" in wrong.err
    assert "--static or --series" in wrong.err
    plot = run("fit", tmp_path / "t.csv", *FIT, "--plot", "p.png", "--save", "n.gatecast")
    assert (plot.code, "--plot is for one model" in plot.err) == (2, True)
    for words in (("export", saved, "m.onnx"), *((name, saved, tmp_path / "t.csv") for name in NEED_ONE)):
        refused = run(*words)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert f"a model for each of north, south, and gatecast {words[0]} takes one" in refused.err
    plot = run("evaluate", tmp_path / "t.csv", "--model", saved, "--plot", "p.png")
    assert (plot.code, "--plot is for one model" in plot.err) == (2, True)


def test_the_remedy_for_commands_that_need_one_model_works(run: Run, saved: Path, tmp_path: Path) -> None:
    code = run("check", saved, tmp_path / "t.csv").err.split("in Python: ")[1].strip().removesuffix(".")
    subprocess.run([sys.executable, "-c", f"import gatecast; {code}"], check=True, cwd=tmp_path)
    north = run("info", "one.gatecast", "--json").json
    assert (north["kind"], north["record"]["series"]) == ("forecaster", 2)


# ---------------------------------------------------------------- larger than memory


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """Nine series of 50 days, of which one alone is in the group "small"; the same with ten days more."""
    for name, steps in (("sales", 50), ("later", 60)):
        (tmp_path / name).mkdir()
        random, days = np.random.default_rng(5), np.datetime64("2024-01-01") + np.arange(steps)
        pl.concat([
            pl.DataFrame({"shop": f"s{n}", "region": region, "day": days, "sales": random.normal(50, 5, 60)[:steps]})
            for n, region in enumerate(["north"] * 4 + ["small"] + ["south"] * 4)
        ]).write_parquet(tmp_path / name / "0.parquet")  # fmt: skip
    return tmp_path


def test_a_source_of_groups_is_fitted_scored_and_forecast(run: Run, parquet: Path) -> None:
    each = ["--static", "region", "--per", "region", "--horizon", 3, "--save", "m.gatecast", *TINY]
    made = run("fit", parquet / "sales" / "*.parquet", *each, "--memory-limit", "20KB")
    assert made.code == 0, made.err
    assert made.out.count("sample   ") == 3, "of every group, however small"
    assert "small: all 1 series" in made.out
    assert made.out.count("group    ") == 3

    for engine in ("serial", "processes"):
        where = ["--memory-limit", "1MB", "--engine", engine, "--workers", 1]
        scored = run("evaluate", parquet / "later" / "*.parquet", "--model", "m.gatecast", *where)
        assert scored.code == 0, scored.err
        assert "Over 9 series" in scored.out
    seen = run("evaluate", parquet / "sales" / "*.parquet", "--model", "m.gatecast", *where)
    assert (seen.code, "trained on" in seen.err) == (2, True)
    written = run("predict", "m.gatecast", parquet / "later" / "*.parquet", "--output", "out/", "--workers", 1)
    assert (written.code, "9 of 9 series, 27 rows" in written.out) == (0, True)


def test_scores_of_groups_are_those_of_the_whole_table(run: Run, parquet: Path) -> None:
    each = ["--static", "region", "--per", "region", "--horizon", 3, "--save", "m.gatecast", *TINY]
    assert run("fit", parquet / "sales" / "0.parquet", *each).code == 0
    words = ["--model", "m.gatecast", "--origins", 2, "--json"]
    whole = run("evaluate", parquet / "later" / "0.parquet", *words).json["evaluation"]["total"]
    shards = run("evaluate", parquet / "later" / "0.parquet", *words, "--memory-limit", "1MB").json["evaluation"]
    for name, row in shards["scores"].items():
        for metric, value in row.items():
            assert value == pytest.approx(whole["scores"][name][metric], rel=1e-6), (name, metric)


def test_what_a_source_cannot_have_is_refused(run: Run, parquet: Path) -> None:
    limit = ["--horizon", 3, "--memory-limit", "1MB"]
    for command, option, file in (
        ("evaluate", "--plot", "p.png"),
        ("backtest", "--plot", "p.png"),
        ("backtest", "--report", "p.html"),
    ):
        refused = run(command, parquet / "sales" / "0.parquet", *limit, option, file)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert f"{option} is for tables that are read whole" in refused.err
    (parquet / "sales" / "0.csv").write_text("day,sales\n2024-01-01,1\n")
    cut = (parquet / "sales" / "0.parquet").read_bytes()[:-9]
    (parquet / "sales" / "1.parquet").write_bytes(cut)
    for pattern in ("0.csv", "*.parquet"):
        refused = run("evaluate", parquet / "sales" / pattern, *limit)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert "no Parquet, or cut short" in refused.err
