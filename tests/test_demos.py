"""The five reference systems: parity with what was measured on the published settings, and Gatecast's own way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import gatecast
from gatecast import demos
from gatecast.demos.result import DemoResult
from gatecast.errors import ConfigError


def rmse(result: DemoResult, span: str = "test", method: str = "lstm") -> float:
    return result.scores[span][method]["rmse"]


def test_every_demo_is_short() -> None:
    folder = Path(gatecast.__file__).parent / "demos"
    for name in demos.SYSTEMS:
        assert len((folder / f"{name.replace('-', '_')}.py").read_text().splitlines()) <= 60, name


def test_sin_to_cos_as_published() -> None:
    result = demos.run("sin-to-cos", as_published=True, seed=0)
    assert result.details["last_loss"] < 1e-4
    assert result.details["epochs"] < 3_000
    # the weights are those whose loss was below the limit, not those one update later
    assert rmse(result, "train") ** 2 < 1e-4
    assert rmse(result) < 0.03


def test_sin_to_cos_our_way(tmp_path: Path) -> None:
    result = demos.run("sin-to-cos", plot=tmp_path / "new")
    assert rmse(result) <= 0.005
    assert rmse(result) < min(rmse(result, method="naive"), rmse(result, method="seasonal_naive"))
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"sin-to-cos.png", "sin-to-cos-loss.png"}
    assert max(map(len, str(result).splitlines())) <= 80


def test_airline_our_way() -> None:
    result = demos.run("airline")
    assert rmse(result) <= 20
    assert rmse(result) < rmse(result, method="seasonal_naive") < rmse(result, method="naive")
    assert "Better than seasonal naive" in result.verdict
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert {"system", "as_published", "seed", "train_seconds", "scores"} <= set(plain)
    assert set(plain["scores"]["test"]["lstm"]) == {"mse", "rmse", "mae"}


@pytest.mark.slow
def test_noisy_sine_as_published() -> None:
    result = demos.run("noisy-sine", as_published=True, seed=0)
    assert 1.04 <= result.details["floor_ratio"] <= 1.12


@pytest.mark.slow
def test_airline_as_published_at_look_back_1() -> None:
    result = demos.run("airline", as_published=True, lookback=1)
    assert 92 <= rmse(result) <= 106
    assert result.verdict.startswith("NOT better than seasonal naive")


@pytest.mark.slow
def test_sine_our_way() -> None:
    assert rmse(demos.run("sine")) <= 0.001


@pytest.mark.slow
def test_ridership_as_published(shared_data: Path) -> None:
    published = demos.run("ridership", as_published=True, data=shared_data / "ridership.tgz")
    assert 24_500 <= published.scores["validation"]["lstm"]["mae"] <= 29_000
    assert 115_000 <= published.scores["test"]["lstm"]["mae"] <= 215_000


@pytest.mark.slow
def test_ridership_our_way(shared_data: Path) -> None:
    ours = demos.run("ridership", data=shared_data / "ridership.tgz")
    assert ours.scores["validation"]["lstm"]["mae"] <= 26_000
    assert ours.scores["test"]["lstm"]["mae"] <= 25_000
    assert set(ours.details["next_day"]) == {"bus", "rail"}


def test_both_ways_are_scored_on_the_same_targets(tmp_path: Path) -> None:
    both = demos.compare("sin-to-cos", plot=tmp_path / "both.png")
    scores = both.scores["test"]
    assert list(scores)[:2] == ["published", "own"]
    assert scores["published"] == pytest.approx(both.published.scores["test"]["lstm"])
    assert scores["own"] == pytest.approx(both.own.scores["test"]["lstm"])
    assert scores["naive"] == pytest.approx(both.own.scores["test"]["naive"])
    assert (tmp_path / "both.png").stat().st_size > 10_000
    assert "LSTM as published" in str(both)
    assert max(map(len, str(both).splitlines())) <= 120
    plain = json.loads(json.dumps(both.to_dict(), allow_nan=False))
    assert plain["scores"]["test"]["own"]["rmse"] == scores["own"]["rmse"]


def test_targets_that_only_one_way_has_are_left_out() -> None:
    both = demos.compare("sin-to-cos")
    span = both.published.spans["test"]
    shorter = replace(
        span,
        times_T=span.times_T[3:],
        truth_TC=span.truth_TC[3:],
        forecasts={name: values_TC[3:] for name, values_TC in span.forecasts.items()},
    )
    cut = replace(both, published=replace(both.published, spans={"test": shorter})).spans["test"]
    assert cut.times_T.tolist() == shorter.times_T.tolist()
    assert cut.truth_TC.tolist() == shorter.truth_TC.tolist()
    assert cut.forecasts["published"].tolist() == shorter.forecasts["lstm"].tolist()
    assert cut.forecasts["own"].tolist() == both.own.spans["test"].forecasts["lstm"][3:].tolist()


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="did you mean 'noisy-sine'"):
        demos.run("noisy-sin")
    with pytest.raises(ConfigError, match="lookback belongs to the demo 'airline'"):
        demos.run("sine", lookback=4)
    with pytest.raises(ConfigError, match="data belongs to the demo 'ridership'"):
        demos.run("sine", data=Path("x.tgz"))
    with pytest.raises(ConfigError, match="look-backs are 1 and 4"):
        demos.run("airline", as_published=True, lookback=2)
