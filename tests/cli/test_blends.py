"""What the screens say of a blend: its parts with their weights, and why; and the option that bounds it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gatecast.files import load
from gatecast.training.blend import Blend

QUICK = ["--members", "1", "--max-epochs", "1", "--steps-per-epoch", "1", "--quantiles", "0.1,0.5,0.9"]
ERRORS = (("lookback 12 · last", 5.0), ("exponential smoothing", 4.5), ("blend", 4.0))


@pytest.fixture
def blended(fitted: Path, tmp_path: Path) -> Path:
    """A model file with the one structure of ``fitted`` twice, and an exponential smoothing."""
    model = load(fitted)
    part = model.blend_.parts[0]
    model.blend_ = Blend((replace(part, weight=0.555), replace(part, weight=0.25)), 0.195, ERRORS)
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
        n for n, line in enumerate(lines) if line.endswith("a blend of 2 structures and an exponential smoothing")
    )
    weights = [line.split()[0] for line in lines[at + 1 : at + 8] if line.startswith("0.")]
    assert weights == ["0.56", "0.25", "0.19"], "they add up to 1"
    assert "0.19 exponential smoothing" in lines
    assert "blend was 20 % better than the best structure alone." in " ".join(lines)
    assert " lookback " in lines[at + 1]


def test_a_blend_as_json(run, blended: Path, fitted: Path) -> None:
    told = run("info", blended, "--json").json["blend"]
    assert [part["weight"] for part in told["parts"]] == [0.555, 0.25]
    assert (told["smoothing"], told["errors"]) == (0.195, [list(pair) for pair in ERRORS])


def test_one_structure_alone_is_no_blend(run, fitted: Path, sales: Path, tiny: list[str]) -> None:
    assert "blend" not in run("info", fitted).out
    result = run("forecast", sales, "--horizon", 3, *tiny)
    assert "blend" not in result.out
    alone = run("forecast", sales, "--horizon", 3, "--structures", 1, "--json", *QUICK).json["model"]
    assert [part["weight"] for part in alone["blend"]["parts"]] == [1.0]
    assert (alone["blend"]["parts"][0]["plan"], alone["blend"]["smoothing"]) == (alone["chosen"], 0.0)


def test_structures_are_compared_and_those_that_forecast_are_shown(run, sales: Path, tmp_path: Path) -> None:
    result = run("fit", sales, "--horizon", 3, "--structures", 2, "--save", "two.gatecast", "--json", *QUICK)
    assert result.code == 0, result.err
    blend = result.json["model"]["blend"]
    compared = [name for name, _ in blend["errors"]]
    assert 3 <= len(compared) <= 4, "at most two structures, the smoothing and the blend"
    assert compared[-2:] == ["exponential smoothing", "blend"]
    assert sum(part["weight"] for part in blend["parts"]) + blend["smoothing"] == pytest.approx(1)
    assert load(tmp_path / "two.gatecast").structures == 2
    assert json.dumps(run("info", "two.gatecast", "--json").json["blend"]["errors"]) == json.dumps(blend["errors"])


def test_no_structures_are_too_few(run, sales: Path) -> None:
    result = run("forecast", sales, "--horizon", 3, "--structures", 0)
    assert result.code != 0
    assert "structures must be at least 1; got 0" in result.err
