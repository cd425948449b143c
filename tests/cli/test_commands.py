"""Every command through ``main``: exit codes, screens of 80 columns, and one strict JSON object."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

import gatecast
from gatecast.cli.main import main

from .conftest import HEAD

FORECAST_KEYS = {"series", "target", "time", "forecast", "quantiles"}


# ---------------------------------------------------------------- forecast


def test_forecast_shows_data_choice_score_verdict_and_intervals(run, sales: Path, tiny: list[str]) -> None:
    result = run("forecast", sales, "--horizon", 3, *tiny)
    assert (result.code, result.err) == (0, "")
    assert result.widest <= 80
    assert result.out.startswith("sales · 1 series · 40 months, 2020-01 to 2023-04\nchosen   lookback ")
    assert "\ntrained  " in result.out
    for word in ("gatecast LSTM", "seasonal naive", "repeat last", "better than", "80 % interval"):
        assert word.lower() in result.out.lower()
    last = result.out.splitlines()[-3:]
    assert [line.split()[0] for line in last] == ["2023-05", "2023-06", "2023-07"]
    assert all(" .. " in line for line in last)


def test_forecast_as_json(run, sales: Path, tiny: list[str]) -> None:
    result = run("forecast", sales, "--horizon", 3, "--json", *tiny)
    assert (result.code, result.err) == (0, "")
    found = result.json
    parts = {"data", "model", "evaluation", "verdict", "used", "forecast", "guarded", "bounded", "late", "files"}
    assert set(found) == HEAD | parts
    assert (found["command"], found["data"]["series"], found["data"]["rows"]) == ("forecast", 1, 40)
    assert {"lstm", "naive", "seasonal_naive"} <= set(found["evaluation"]["scores"])
    assert {"mse", "rmse", "mae"} <= set(found["evaluation"]["scores"]["lstm"])
    (part,) = found["forecast"]
    assert set(part) == FORECAST_KEYS
    assert part["time"] == ["2023-05", "2023-06", "2023-07"]
    low, middle, high = (part["quantiles"][level] for level in ("0.1", "0.5", "0.9"))
    assert part["forecast"] == middle
    assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))


def test_the_horizon_is_chosen_and_said(run, sales: Path, tiny: list[str]) -> None:
    result = run("forecast", sales, *tiny)
    assert result.code == 0
    assert "horizon  6 months (change it with --horizon)" in result.out


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_forecast_writes_a_table(run, sales: Path, tmp_path: Path, tiny: list[str], kind: str) -> None:
    output = tmp_path / f"out.{kind}"
    result = run("forecast", sales, "--horizon", 15, "--output", output, *tiny)
    assert result.code == 0, result.err
    assert "more values" not in result.out
    reader = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl": pl.read_ndjson}[kind]
    frame = reader(output)
    assert frame.height == 15
    assert frame.columns == ["unique_id", "month", "sales", "sales_q0.1", "sales_q0.5", "sales_q0.9"]
    assert str(frame["month"][0]).startswith("2023-05-01")
    assert str(frame["month"][14]).startswith("2024-07-01")


def test_long_forecasts_are_cut_and_say_so(run, sales: Path, tiny: list[str]) -> None:
    result = run("forecast", sales, "--horizon", 27, *tiny)
    assert result.out.splitlines()[-1] == "... 3 more values: --output FILE"


def test_where_nothing_can_be_held_out_the_forecast_says_so(run, tmp_path: Path, make_table, tiny: list[str]) -> None:
    (tmp_path / "short.csv").write_text(make_table(10))
    result = run("forecast", "short.csv", "--horizon", 6, *tiny)
    assert result.code == 0, result.err
    assert "nothing was checked" in result.out
    assert result.widest <= 80
    found = run("forecast", "short.csv", "--horizon", 6, "--json", *tiny).json
    assert (found["evaluation"], found["verdict"]["outcome"]) == (None, "undecided")
    assert found["verdict"]["reason"] == "nothing held out"


def test_several_targets_and_series_fit_into_80_columns(run, tmp_path: Path, tiny: list[str]) -> None:
    names = [f"a rather long name of a column, number {k}" for k in range(5)]
    rows = [
        {
            "shop": f"the shop with the longest name in all of town {s}",
            "ds": t,
            **dict.fromkeys(names, 1000000000.0 + t * s),
        }
        for s in range(3)
        for t in range(30)
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "wide.parquet")
    targets = [word for name in names for word in ("--target", name)]
    result = run("forecast", "wide.parquet", "--series", "shop", "--horizon", 3, *targets, *tiny)
    assert result.code == 0, result.err
    assert result.widest <= 80, result.out


def test_future_covariates_as_constants_and_as_a_table(run, tmp_path: Path, tiny: list[str]) -> None:
    lines = [f"{k},{100 + 10 * (k % 7 > 4)},{'WE'[k % 7 > 4]}" for k in range(42)]
    (tmp_path / "days.csv").write_text("\n".join(["day,units,kind", *lines]))
    (tmp_path / "ahead.csv").write_text("day,kind\n42,W\n43,W\n44,E\n")
    words = ["forecast", "days.csv", "--horizon", 3, "--target", "units", "--future-columns", "kind", *tiny]
    assert run(*words, "--future", "kind=W").code == 0
    table = run(*words, "--future", "ahead.csv", "--json")
    assert table.code == 0, table.err
    assert table.json["forecast"][0]["time"] == [42, 43, 44]


# ---------------------------------------------------------------- fit, predict, evaluate, info


def test_fit_then_predict_gives_the_same_forecast_as_forecast_does(run, sales: Path, fitted: Path) -> None:
    first = run("predict", fitted, sales, "--json")
    again = run("predict", fitted, sales, "--json")
    assert (first.code, first.err) == (0, "")
    assert first.json["forecast"] == again.json["forecast"]
    assert first.json["forecast"][0]["time"] == ["2023-05", "2023-06", "2023-07"]
    screen = run("predict", fitted, sales)
    assert screen.code == 0
    assert screen.widest <= 80
    assert "2023-07" in screen.out


def test_fit_as_json(run, sales: Path, tiny: list[str]) -> None:
    result = run("fit", sales, "--horizon", 3, "--save", "m.gatecast", "--plot", "loss.png", "--json", *tiny)
    assert result.code == 0
    assert result.err == "written: m.gatecast\nwritten: loss.png\n"
    assert set(result.json) == HEAD | {"data", "model", "history", "files"}
    assert result.json["files"] == ["m.gatecast", "loss.png"]
    assert result.json["history"][0]["epoch"] == 1
    assert Path("loss.png").read_bytes().startswith(b"\x89PNG")


def test_options_of_network_and_training_reach_the_model(run, sales: Path) -> None:
    words = ["--hidden-size", 3, "--num-layers", 2, "--lr", 0.5, "--clip", "none", "--no-shuffle", "--max-epochs", 1]
    result = run("fit", sales, "--horizon", 3, "--save", "m.gatecast", "--members", 1, "--seed", 7, *words)
    assert result.code == 0, result.err
    chosen = run("info", "m.gatecast", "--json").json["chosen"]
    assert (chosen["network"]["hidden_size"], chosen["network"]["num_layers"]) == (3, 2)
    training = chosen["training"]
    assert (training["lr"], training["clip"], training["shuffle"], training["seed"]) == (0.5, None, False, 7)
    assert chosen["network"]["readout"] == chosen["framing"]["training_origins"] > 1
    assert (training["batch_size"], training["steps_per_epoch"]) == (32, 10)


def test_evaluate_trains_on_the_earlier_part(run, sales: Path, tiny: list[str]) -> None:
    result = run("evaluate", sales, "--horizon", 3, "--origins", 2, "--stride", 1, "--plot", "b.png", *tiny)
    assert result.code == 0, result.err
    assert result.widest <= 80
    assert "over 2 origins of 3 months" in result.out.replace("\n", " ")
    assert Path("b.png").exists()
    found = run("evaluate", sales, "--horizon", 3, "--json", *tiny).json
    assert set(found) == HEAD | {"data", "model", "evaluation", "verdict", "left_out", "files"}
    assert found["evaluation"]["origins"] == 3


def test_evaluate_scores_a_saved_model(run, fitted: Path, tmp_path: Path, make_table) -> None:
    (tmp_path / "later.csv").write_text(make_table(49))
    result = run("evaluate", "later.csv", "--model", fitted, "--json")
    assert result.code == 0, result.err
    assert "lstm" in result.json["evaluation"]["scores"]


def test_info(run, fitted: Path) -> None:
    machine = run("info")
    assert machine.code == 0
    assert machine.widest <= 80
    assert f"gatecast      {gatecast.__version__}" in machine.out
    told = set(run("info", "--json").json)
    assert told >= {"gatecast", "python", "torch", "device", "threads", "kernels", "examples"}
    model = run("info", fitted)
    assert model.code == 0
    assert "targets       sales" in model.out
    assert run("info", fitted, "--json").json["targets"] == ["sales"]


def test_info_names_the_instruction_sets_of_the_kernels(run, monkeypatch: pytest.MonkeyPatch) -> None:
    extension = SimpleNamespace(variant=lambda: "avx2", variants=lambda: ("avx512", "avx2", "portable"))
    monkeypatch.setattr("gatecast.nn.kernels.load", lambda: extension)
    assert "kernels       avx2 (also avx512, portable)\n" in run("info").out
    assert run("info", "--json").json["kernels"] == {
        "variant": "avx2",
        "variants": ["avx512", "avx2", "portable"],
        "reason": None,
    }


def test_info_says_why_there_are_no_kernels(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.nn.kernels.load", lambda: None)
    monkeypatch.setattr("gatecast.nn.kernels.reason", lambda: "not built (install a compiler)")
    assert "kernels       not built (install a compiler); torch's nn.LSTM serves\n" in run("info").out
    assert run("info", "--json").json["kernels"] == {
        "variant": None,
        "variants": [],
        "reason": "not built (install a compiler)",
    }


# ---------------------------------------------------------------- demo


def test_demo_hands_over_its_options(run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    class Outcome(SimpleNamespace):
        def __str__(self) -> str:
            return "a table"

        def to_dict(self) -> dict[str, Any]:
            return {"system": "airline", "rmse": float("nan")}

    def fake(name: str, **options: Any) -> Outcome:
        seen.update(options, name=name)
        return Outcome()

    monkeypatch.setattr("gatecast.demos.run", fake, raising=False)
    result = run("demo", "airline", "--as-published", "--lookback", 4, "--seed", 3, "--json")
    assert (result.code, result.json["demo"]) == (0, {"system": "airline", "rmse": None})
    assert seen == {"name": "airline", "as_published": True, "lookback": 4, "seed": 3, "data": None, "plot": None}
    assert run("demo", "airline").out == "a table\n"
    monkeypatch.setattr("gatecast.demos.compare", fake)
    assert run("demo", "airline", "--compare").out == "a table\n"
    assert run("demo", "airline", "--compare", "--plot", "both.png").out == "a table\nwritten: both.png\n"
    assert run("demo", "airline", "--plot", "pictures").out == "a table\nwritten: pictures\n"
    assert "as_published" not in seen or seen["as_published"] is False
    assert "leave --as-published out" in run("demo", "airline", "--compare", "--as-published").err
    assert "unknown kind" in run("demo", "airline", "--compare", "--plot", "both.txt").err


# ---------------------------------------------------------------- interrupts


def test_ctrl_c_keeps_what_was_reached(run, sales: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from gatecast.training.loop import Loop

    whole = Loop.epoch
    calls = []

    def interrupted(self: Loop) -> Any:
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return whole(self)

    monkeypatch.setattr(Loop, "epoch", interrupted)
    tiny[tiny.index("--max-epochs") + 1] = "9"
    result = run("forecast", sales, "--horizon", 3, *tiny)
    assert result.code == 130, result.err
    assert "interrupted, the best so far is kept" in result.out
    assert "2023-07" in result.out


def test_ctrl_c_before_training(run, sales: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gatecast.data.tables.reading.read", interrupted)
    result = run("forecast", sales)
    assert (result.code, result.out) == (130, "")
    assert result.err.count("\n") == 1


def test_help_and_version(run) -> None:
    for words in (["--help"], ["forecast", "--help"], ["fit", "--help"], ["demo", "-h"], ["info", "--help"], []):
        result = run(*words)
        assert (result.code, result.err) == (0, "")
        assert result.widest <= 80
        assert result.out.startswith("Usage: gatecast")
    assert run("--version").out == f"gatecast {gatecast.__version__}\n"


def test_main_takes_the_words_of_the_process(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["gatecast", "info", "--json"])
    assert main() == 0
    assert json.loads(capsys.readouterr().out)["command"] == "info"


@pytest.mark.parametrize("option", ["--patience", "--steps-per-epoch", "--augment"])
def test_none_is_taken_where_the_help_says_so(run, sales: Path, tiny: list[str], option: str) -> None:
    quick = [word for n, word in enumerate(tiny) if option not in tiny[max(n - 1, 0) : n + 1]]
    words = ["fit", sales, "--horizon", 3, "--save", "m.gatecast", option, "none", *quick]
    assert run(*words, "--time-limit", 2).code == 0
    wrong = run("fit", sales, "--save", "m.gatecast", option, "two")
    assert (wrong.code, "takes a whole number or none; got 'two'" in wrong.err) == (2, True)
    other = run("fit", sales, "--save", "m.gatecast", "--batch-size", "none")
    assert (other.code, "takes a whole number; got 'none'" in other.err) == (2, True)


def test_a_saved_model_is_scored_on_what_came_later(run, fitted: Path, tmp_path: Path, make_table) -> None:
    (tmp_path / "later.csv").write_text(make_table(49))
    shown = run("evaluate", "later.csv", "--model", fitted)
    assert "scored   what came after the training: 3 origins of 3 months" in shown.out
    assert "40 months up to 2023-04 were seen in training and are not scored." in " ".join(shown.out.split())
    (tmp_path / "same.csv").write_text(make_table(40))
    refused = run("evaluate", "same.csv", "--model", fitted)
    assert (refused.code, "trained until 2023-04, and the table has nothing after it" in refused.err) == (2, True)
    assert "until 2023-04" in run("info", fitted).out


def test_files_are_whole_although_nobody_reads(tmp_path: Path, sales: Path) -> None:
    words = ["forecast", str(sales), "--horizon", "3", "--preset", "instant", "--output", "o.csv"]
    command = [sys.executable, "-m", "gatecast", *words]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path, check=False, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    assert pl.read_csv(tmp_path / "o.csv").height == 3


def test_covariates_that_the_instant_preset_passes_over_are_named(run, tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 3, 20), eager=True)
    file = tmp_path / "shop.csv"
    pl.DataFrame({"day": days, "units": range(len(days)), "promo": [0, 1] * (len(days) // 2)}).write_csv(file)
    given = ["--target", "units", "--future-columns", "promo", "--future", "promo=1", "--preset", "instant"]
    told = " ".join(run("forecast", file, "--horizon", 4, *given).out.split())
    assert "unread promo: the pretrained gate reads no covariates; --preset fast trains a model that does" in told
    assert "unread" not in run("forecast", file, "--horizon", 4, *given[:2], *given[6:]).out
