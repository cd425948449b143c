from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from .conftest import Run, table

TINY = ["--members", "1", "--scaling", "difference+standard", "--hidden-size", "4", "--num-layers", "1"]
TINY += ["--max-epochs", "1", "--steps-per-epoch", "2", "--batch-size", "8", "--quantiles", "0.1,0.5,0.9"]


def test_a_table_is_tuned(run: Run, tmp_path: Path) -> None:
    Path("sales.csv").write_text(table(60))
    done = run("tune", "sales.csv", "--horizon", 3, "--trials", 3, "--storage", "a.db", "--save", "m.gatecast", *TINY)
    assert done.code == 0, done.err
    assert done.widest <= 80
    assert "trials   3: " in done.out
    assert "default settings" in done.out
    assert "Tuning helped" in done.out or "Tuning did NOT help" in done.out
    assert {path.name for path in tmp_path.iterdir()} == {"sales.csv", "a.db", "m.gatecast"}
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
    assert facts["verdict"] == facts["tuning"]["verdict"]


def test_without_optuna_the_table_is_not_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = run("tune", "nowhere.csv", "--horizon", 3)
    assert done.code == 2
    assert "pip install 'gatecast[tune]'" in done.err


def test_a_foreign_file_is_refused_in_one_line(run: Run) -> None:
    Path("a.db").write_text("something else, which must stay as it is")
    done = run("tune", "--example", "airline", "--trials", 1, "--storage", "a.db", "--horizon", 3, *TINY)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "no SQLite file" in done.err
    assert Path("a.db").read_text().startswith("something else")
