"""One model for each group on the command line: fit, info, predict, evaluate, and what refuses such a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from .conftest import HEAD, TINY, Run

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
    export = run("export", saved, "m.onnx")
    assert (export.code, export.err.count("\n")) == (2, 1)
    assert "model of one group" in export.err
