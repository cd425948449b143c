"""What the screens say of a blend: its parts with their weights, and why; and the option that bounds it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gatecast.ensemble.blend import Blend
from gatecast.ensemble.expert import SmoothingExpert
from gatecast.forecaster import load

QUICK = ["--members", "1", "--max-epochs", "1", "--steps-per-epoch", "1", "--quantiles", "0.1,0.5,0.9"]
ERRORS = (("lookback 12 · last", 5.0), ("exponential smoothing", 4.5), ("blend", 4.0))


@pytest.fixture
def blended(fitted: Path, tmp_path: Path) -> Path:
    """A model file with the one candidate of ``fitted`` twice, and an exponential smoothing."""
    model = load(fitted)
    experts = (model.fitted_.main, model.fitted_.main, SmoothingExpert(model.horizon, model.fitted_.season))
    model.fitted_ = replace(model.fitted_, blend=Blend(experts, (0.555, 0.25, 0.195), ERRORS))
    model.save(tmp_path / "blended.gatecast")
    return tmp_path / "blended.gatecast"


@pytest.mark.parametrize("words", [("info",), ("evaluate", "later.csv", "--model")], ids=["info", "evaluate"])
def test_a_blend_is_shown_part_by_part(words: tuple[str, ...], run, blended: Path, tmp_path: Path, make_table) -> None:
    (tmp_path / "later.csv").write_text(make_table(49))
    result = run(*words, blended.name)
    assert result.code == 0, result.err
    assert result.widest <= 80
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    at = next(
        n for n, line in enumerate(lines) if line.endswith("a blend of 2 candidates and an exponential smoothing")
    )
    weights = [line.split()[0] for line in lines[at + 1 : at + 8] if line.startswith("0.")]
    assert weights == ["0.56", "0.25", "0.19"], "they add up to 1"
    assert "0.19 exponential smoothing" in lines
    assert "blend was 20 % better than the best candidate alone." in " ".join(lines)
    assert " lookback " in lines[at + 1]


def test_a_blend_as_json(run, blended: Path, fitted: Path) -> None:
    told = run("info", blended, "--json").json["blend"]
    assert [expert["weight"] for expert in told["experts"]] == [0.555, 0.25, 0.195]
    assert told["experts"][-1]["name"] == "exponential smoothing"
    assert told["errors"] == [list(pair) for pair in ERRORS]


def test_one_candidate_alone_is_no_blend(run, fitted: Path, sales: Path, tiny: list[str]) -> None:
    assert "blend" not in run("info", fitted).out
    result = run("forecast", sales, "--horizon", 3, *tiny)
    assert "blend" not in result.out
    alone = run("forecast", sales, "--horizon", 3, "--candidates", 1, "--json", *QUICK).json["model"]
    assert alone["blend"]["experts"] == [{"weight": 1.0, "name": alone["chosen"]}]


def test_candidates_are_compared_and_those_that_forecast_are_shown(run, sales: Path, tmp_path: Path) -> None:
    result = run("fit", sales, "--horizon", 3, "--candidates", 2, "--save", "two.gatecast", "--json", *QUICK)
    assert result.code == 0, result.err
    blend = result.json["model"]["blend"]
    compared = [name for name, _ in blend["errors"]]
    assert 3 <= len(compared) <= 4, "at most two candidates, the smoothing and the blend"
    assert compared[-2:] == ["pretrained gate", "blend"]
    assert sum(expert["weight"] for expert in blend["experts"]) == pytest.approx(1)
    assert load(tmp_path / "two.gatecast").candidates == 2
    assert json.dumps(run("info", "two.gatecast", "--json").json["blend"]["errors"]) == json.dumps(blend["errors"])


def test_no_candidates_are_too_few(run, sales: Path) -> None:
    result = run("forecast", sales, "--horizon", 3, "--candidates", 0)
    assert result.code != 0
    assert "candidates must be at least 1; got 0" in result.err
