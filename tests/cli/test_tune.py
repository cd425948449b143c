from __future__ import annotations

import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gatecast.cli.building import settings as arguments_from
from gatecast.cli.main import app
from gatecast.cli.options import DataOptions, ModelOptions, NetworkOptions, TrainingOptions
from gatecast.cli.tune import _words
from gatecast.planning.settings import Settings
from gatecast.windows.scaling import Scaling

from .conftest import Run, table

TINY = ["--members", "1", "--scaling", "difference+standard", "--hidden-size", "4", "--num-layers", "1"]
TINY += ["--max-epochs", "1", "--steps-per-epoch", "2", "--batch-size", "8", "--quantiles", "0.1,0.5,0.9"]


def test_a_table_is_tuned(run: Run, tmp_path: Path) -> None:
    Path("sales.csv").write_text(table(60))
    done = run("tune", "sales.csv", "--horizon", 3, "--trials", 3, "--checkpoint", "a", "--save", "m.gatecast", *TINY)
    assert done.code == 0, done.err
    assert done.widest <= 80
    assert "trials   3: " in done.out
    assert "default settings" in done.out
    assert "Tuning helped" in done.out or "Tuning did NOT help" in done.out
    assert {path.name for path in tmp_path.iterdir()} == {"sales.csv", "a", "m.gatecast"}
    again = done.out.partition("the same settings again:")[2].partition("written:")[0]
    words = shlex.split(again.replace("\\\n", " "))
    assert words[:2] == ["gatecast", "forecast"]
    assert run(*words[1:]).code == 0
    assert run("predict", "m.gatecast", "sales.csv").code == 0


def test_json_holds_everything(run: Run) -> None:
    done = run("tune", "--example", "airline", "--horizon", 3, "--trials", 2, "--json", *TINY, "--lookback", 6)
    facts = done.json
    assert facts["command"] == "tune"
    assert len(facts["tuning"]["trials"]) == 2
    assert facts["tuning"]["settings"]["lookback"] == 6
    assert facts["repeat"].startswith("gatecast forecast --example airline --horizon 3 --lookback 6 --scaling")
    assert facts["verdict"] == facts["tuning"]["verdict"] | {"next": facts["repeat"]}


def test_without_optuna_the_table_is_not_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = run("tune", "nowhere.csv", "--horizon", 3)
    assert done.code == 2
    assert "pip install 'gatecast[tune]'" in done.err


def test_a_foreign_file_is_refused_in_one_line(run: Run) -> None:
    Path("a").write_text("something else, which must stay as it is")
    done = run("tune", "--example", "airline", "--trials", 1, "--checkpoint", "a", "--horizon", 3, *TINY)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "a cannot hold a tuning" in done.err
    assert Path("a").read_text().startswith("something else")


# ---------------------------------------------------------------- the same settings again

# Of every option a value that is not its default.
OTHERS: dict[str, Any] = {
    "horizon": 7,
    "lookback": 9,
    "scaling": Scaling.parse("log+seasonal-difference:4/2+standard"),
    "members": 2,
    "candidates": 1,
    "calendar": False,
    "bounds": "none",
    "quantiles": (0.1, 0.5, 0.9990001),
    "recursive": True,
    "time_limit": 2.5,
    "seed": 8,
    "preset": "instant",
    "network": {"hidden_size": 5, "init": "uniform"},
    "training": {"clip": None, "shuffle": False, "lr": 0.0123456789, "loss": "gaussian", "augment": 0},
}


def parsed(words: list[str]) -> Settings:
    """The settings that the words of a command give."""
    _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    groups = (bound.arguments.get(name, kind()) for name, kind in zip(
        ("model", "network", "training"), (ModelOptions, NetworkOptions, TrainingOptions), strict=True
    ))  # fmt: skip
    return Settings(**arguments_from(*groups))


@pytest.mark.parametrize("name", [*OTHERS, "all"])
def test_the_printed_command_has_every_option_that_was_given(name: str) -> None:
    assert set(OTHERS) == {field.name for field in fields(ModelOptions)} | {"network", "training"}
    all_of_a_training = {**OTHERS, "preset": "standard"}
    settings = Settings(**{"horizon": 3, **(all_of_a_training if name == "all" else {name: OTHERS[name]})})
    words = ["forecast", *_words("sales.csv", DataOptions(), settings)]
    assert words[1] == "sales.csv"
    assert parsed(words) == settings
    assert settings != Settings(3)


def test_options_that_switch_off_are_repeated(run: Run) -> None:
    Path("sales.csv").write_text(table(60))
    open_ = [word for n, word in enumerate(TINY) if "--scaling" not in TINY[max(n - 1, 0) : n + 1]]
    done = run("tune", "sales.csv", "--horizon", 3, "--trials", 1, "--candidates", 1, "--no-calendar", "--json", *open_)
    assert done.code == 0, done.err
    repeat = shlex.split(done.json["repeat"])
    assert {"--candidates", "--no-calendar"} <= set(repeat)
    again = parsed(repeat[1:])
    assert (again.candidates, again.calendar) == (1, False)
