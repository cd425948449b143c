"""Is a saved model still what it was, and does it get better by newer data?"""

from __future__ import annotations

import json

import numpy as np
import pytest

import gatecast as gc
from gatecast.backtesting.newer.check import FEWEST_WINDOWS
from gatecast.cli.main import main
from gatecast.errors import ConfigError, WindowError

SEASON = 12
CHEAP = {"candidates": 1, "members": 1, "training": {"max_epochs": 4}, "progress": False}


def yearly(steps: int, seed: int = 0, noise: float = 1.0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(scale=noise, size=steps)
    return 50 + 10 * np.sin(2 * np.pi * np.arange(steps) / SEASON) + drawn


def found(made: gc.Check) -> dict[str, str]:
    return {finding.name: finding.verdict for finding in made.findings}


@pytest.fixture(scope="module")
def model() -> gc.Forecaster:
    return gc.Forecaster(4, preset="instant").fit(yearly(160)[:120])


def test_nothing_new_is_nothing_known(model: gc.Forecaster) -> None:
    made = gc.check(model, yearly(160)[:120])
    assert found(made) == {"age": "fine", "error": "unknown", "coverage": "unknown", "drift": "unknown"}
    assert made.verdict == "unknown"


def test_a_model_that_still_holds_is_fine(model: gc.Forecaster) -> None:
    made = gc.check(model, yearly(160))
    assert made.verdict == "fine"
    assert found(made)["drift"] == "fine"
    assert made.evaluation.scores.origins == 10 >= FEWEST_WINDOWS
    assert "coverage" in str(made)


def test_errors_far_above_those_of_the_training_are_noticed(model: gc.Forecaster) -> None:
    values = yearly(160)
    values[120:] += np.random.default_rng(9).normal(scale=30, size=40)
    made = gc.check(model, values)
    assert found(made)["error"] == "off"
    assert made.verdict == "off"
    assert made.findings[1].figures["growth"] > 3


def test_intervals_that_no_longer_cover_are_noticed() -> None:
    fixed = gc.Forecaster(4, lookback=12, scaling="standard+fitted", **CHEAP).fit(yearly(160)[:120])
    values = yearly(160)
    values[120:] += 40
    made = gc.check(fixed, values)
    assert found(made)["coverage"] == "off"
    assert found(made)["drift"] == "off"


def test_a_model_on_many_times_its_data_is_old(model: gc.Forecaster) -> None:
    assert found(gc.check(model, yearly(300)))["age"] == "off"


def test_series_that_it_does_not_know_are_counted(model: gc.Forecaster) -> None:
    panel = gc.read({"id": ["a"] * 40 + ["b"] * 40, "ds": [*range(40)] * 2, "y": np.r_[yearly(40), yearly(40, 1)]})
    fitted = gc.Forecaster(4, preset="instant").fit(panel.select(["a"]).slice(0, 30))
    made = gc.check(fitted, panel)
    assert "1 of 2 series are new to it" in made.findings[0].words
    assert made.findings[0].figures["unknown"] == 1


@pytest.fixture
def files(tmp_path, model: gc.Forecaster):
    model.save(tmp_path / "m.gatecast")
    values = yearly(160)
    values[120:] += np.random.default_rng(9).normal(scale=30, size=40)
    for name, part in (("good", yearly(160)), ("bad", values)):
        rows = "\n".join(f"{n},{value}" for n, value in enumerate(part))
        (tmp_path / f"{name}.csv").write_text(f"ds,y\n{rows}\n")
    return tmp_path


@pytest.mark.parametrize(("name", "code", "verdict"), [("good", 0, "fine"), ("bad", 3, "off")])
def test_the_command_has_an_exit_code(files, capsys, name: str, code: int, verdict: str) -> None:
    assert main(["check", str(files / "m.gatecast"), str(files / f"{name}.csv"), "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code
    assert told["check"]["verdict"] == verdict
    assert set(told["check"]) == {"verdict", "age", "error", "coverage", "drift", "left_out"}
    assert told["next"].split()[1] == ("update" if code else "predict")


# ---------------------------------------------------------------- update


@pytest.fixture(scope="module")
def trained() -> gc.Forecaster:
    """A model of another season's shape than what comes after it."""
    return gc.Forecaster(4, lookback=12, scaling="standard", seed=1, **CHEAP).fit(yearly(72, noise=3.0))


def other_shape(steps: int) -> np.ndarray:
    new = 50 + 10 * np.sign(np.sin(2 * np.pi * np.arange(steps) / SEASON + 2))
    return np.r_[yearly(72, noise=3.0), new[72:] + np.random.default_rng(3).normal(size=steps - 72)]


def test_a_model_that_learns_from_newer_data_is_kept(trained: gc.Forecaster, tmp_path) -> None:
    before = trained.predict().values.copy()
    made = gc.update(trained, other_shape(240))
    assert made.better
    assert made.errors[1] < made.errors[0]
    assert made.model.fitted_.birth.lineage[-1].until == trained.fitted_.birth.describe(trained.fitted_.frequency)
    np.testing.assert_array_equal(trained.predict().values, before)
    made.model.save(tmp_path / "a.gatecast")
    again = gc.load(tmp_path / "a.gatecast")
    assert again.fitted_.birth.lineage == made.model.fitted_.birth.lineage
    np.testing.assert_array_equal(again.predict(other_shape(240)).values, made.model.predict().values)


def test_a_model_that_gets_no_better_stays(trained: gc.Forecaster) -> None:
    noise = np.r_[yearly(72, noise=3.0), np.random.default_rng(5).normal(50, 30, size=12)]
    made = gc.update(trained, noise)
    if not made.better:  # noise decides; either way the word and the figures agree
        assert made.model is trained
        assert "stays as it was" in str(made)
    assert made.better == (made.errors[1] < made.errors[0])


def test_too_little_is_new_is_said(trained: gc.Forecaster) -> None:
    with pytest.raises(WindowError, match="has 3 steps after it"):
        gc.update(trained, other_shape(75))


def test_what_was_not_trained_cannot_be_trained_further(model: gc.Forecaster) -> None:
    with pytest.raises(ConfigError, match="instant preset cannot be trained further"):
        gc.update(model, yearly(160))


def test_the_command_writes_only_what_is_asked_for(trained: gc.Forecaster, tmp_path, capsys) -> None:
    path, table = tmp_path / "m.gatecast", tmp_path / "t.csv"
    trained.save(path)
    table.write_text("ds,y\n" + "\n".join(f"{n},{value}" for n, value in enumerate(other_shape(240))) + "\n")
    held = path.read_bytes()
    assert main(["update", str(path), str(table)]) == 0
    assert "--save" in capsys.readouterr().out
    assert path.read_bytes() == held
    assert main(["update", str(path), str(table), "--save", str(path)]) == 0
    assert path.read_bytes() != held
    assert main(["info", str(path)]) == 0
    assert "further than" in capsys.readouterr().out
