"""``gatecast backtest``: what it prints, writes, refuses and keeps."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatecast.forecaster import Forecaster

from .conftest import HEAD, Run, table

QUICK = ["--horizon", 3, "--origins", 4, "--rivals", "none"]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every panel that is trained on."""
    seen: list[Any] = []
    fit = Forecaster.fit

    def watched(self: Forecaster, data: Any, validation: Any | None = None, **more: Any) -> Forecaster:
        seen.append(data)
        return fit(self, data, validation, **more)

    monkeypatch.setattr(Forecaster, "fit", watched)
    return seen


def test_a_backtest_on_one_screen(run: Run, sales: Path, tiny: list[str]) -> None:
    result = run("backtest", sales, *QUICK, "--refit", 3, "--window", "sliding", *tiny)
    assert (result.code, result.err) == (0, "")
    assert result.widest <= 80
    lines = result.out.splitlines()
    assert lines[0] == "sales · 1 series · 40 months, 2020-01 to 2023-04"
    assert "origins  4, 3 months apart; trained 2 times" in lines
    assert any(line.startswith("chosen   lookback ") for line in lines)
    assert any(line.startswith("took     ") and line.endswith("s of them LSTM") for line in lines)
    for word in ("MASE", "sMAPE", "80 % covers", "gatecast LSTM", "repeat last", "seasonal naive", "better than"):
        assert word.lower() in result.out.lower(), word


def test_json_holds_everything(run: Run, sales: Path, trained: list[Any], tiny: list[str]) -> None:
    result = run("backtest", sales, *QUICK, "--refit", 3, "--window", "sliding", "--stride", 2, "--json", *tiny)
    assert (result.code, result.err) == (0, "")
    found = result.json
    parts = {"data", "model", "seconds", "backtest", "evaluation", "verdict", "files"}
    assert set(found) == HEAD | parts
    made = found["backtest"] | found["evaluation"]
    assert (made["origins"], made["planned"], made["stride"], made["refit"], made["window"]) == (4, 4, 2, 3, "sliding")
    assert [fold["origins"] for fold in made["folds"]] == [[0, 3], [3, 4]]
    assert [fold["steps"] for fold in made["folds"]] == [31, 31] == [panel.total for panel in trained]
    assert {"lstm", "naive", "seasonal_naive"} <= set(made["scores"])
    assert {"mase", "smape", "coverage_80"} <= set(made["scores"]["lstm"])
    assert {name: part for name, part in found["verdict"].items() if name != "next"} == made["verdict"]
    assert made["rivals"] == made["notes"] == made["left_out"] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--refit", 0], {"refit": False, "warm": False, "adaptive": False}),
        (["--refit", 1, "--warm", "--adaptive"], {"refit": 1, "warm": True, "adaptive": True}),
        (["--stride", 5, "--season", 6], {"stride": 5, "season": 6, "window": "expanding"}),
        (["--rivals", "auto_ets, mstl"], {"rivals": ("auto_ets", "mstl")}),
        (["--rivals", "auto"], {"rivals": "auto"}),
        (["--rivals", "none", "--checkpoint", "bt"], {"rivals": (), "checkpoint": Path("bt")}),
        (["--window", "sliding"], {"window": "sliding", "origins": 8, "rivals": "auto"}),
        ([], {"origins": 8, "stride": None}),
    ],
)
def test_options_reach_the_backtest(
    run: Run, sales: Path, monkeypatch: pytest.MonkeyPatch, words: list[Any], expected: dict[str, Any]
) -> None:
    def stop(model: Forecaster, data: Any, **settings: Any) -> None:
        found = {key: settings[key] for key in expected}
        assert found == expected
        assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]
        raise KeyboardInterrupt

    monkeypatch.setattr("gatecast.backtesting.backtest.backtest", stop)
    assert run("backtest", sales, "--horizon", 3, *words).code == 130


def test_as_many_origins_as_leave_half_for_training(run: Run, sales: Path, tiny: list[str]) -> None:
    result = run("backtest", sales, "--horizon", 17, "--rivals", "none", *tiny)
    assert "origins  4, 1 month apart; trained once" in result.out


def test_a_page_and_a_picture_are_written(run: Run, sales: Path, tmp_path: Path, tiny: list[str]) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed: it is in the extra report")
    result = run("backtest", sales, *QUICK, "--report", "page.html", "--plot", "p.png", "--json", *tiny)
    assert result.code == 0, result.err
    assert result.err == "written: page.html\nwritten: p.png\n"
    assert (tmp_path / "page.html").read_text().lower().startswith("<!doctype html>")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.png", "page.html", "sales.csv"]


# ---------------------------------------------------------------- refused before any training


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rivals", "autoets"], "no such rival: 'autoets' (did you mean 'auto_ets'?)"),
        (["--rivals", "auto_ets,nonsense"], "no such rival: 'nonsense'. There are auto_ets, auto_theta"),
        (["--report", "x.txt"], "--report x.txt has an unknown kind. It ends in .html"),
        (["--report", "nowhere/x.html"], "the folder 'nowhere' does not exist"),
        (["--plot", "x.pn"], "--plot x.pn has an unknown kind (did you mean '.png'?)"),
        (["--refit", -1], "--refit must be 0 or a number of origins; got -1"),
        (["--origins", 0], "origins must be at least 1; got 0"),
        (["--stride", 0], "stride must be at least 1; got 0"),
        (["--season", 0], "season must be at least 1; got 0"),
        (["--window", "slidin"], "sliding"),
        (["--origins", 60], "no series has more than"),
    ],
)
def test_what_cannot_be_is_refused_before_any_training(
    run: Run, sales: Path, tmp_path: Path, trained: list[Any], words: list[Any], told: str
) -> None:
    result = run("backtest", sales, "--horizon", 3, *words)
    assert (result.code, trained) == (2, [])
    assert told in result.err
    assert result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]


def test_an_unknown_rival_is_told_before_the_table_is_read(run: Run) -> None:
    assert "no such rival" in run("backtest", "nowhere.csv", "--rivals", "nonsense").err


def test_without_plotly_the_table_is_not_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    result = run("backtest", "nowhere.csv", "--rivals", "none", "--report", "x.html")
    assert result.code == 2
    assert "pip install 'gatecast[report]'" in result.err


def test_without_statsforecast_a_note_says_so(
    run: Run, sales: Path, monkeypatch: pytest.MonkeyPatch, tiny: list[str]
) -> None:
    monkeypatch.setattr("gatecast.statistical.rivals.rivals_installed", lambda: False)
    result = run("backtest", sales, "--horizon", 3, "--origins", 2, *tiny)
    assert result.code == 0
    assert "pip install 'gatecast[rivals]'" in result.out.replace("\n", " ")
    assert run("backtest", sales, "--rivals", "auto_ets").code == 2


# ---------------------------------------------------------------- stopped, and resumed


def test_ctrl_c_keeps_finished_folds_and_the_folder_goes_on(
    run: Run, sales: Path, tmp_path: Path, trained: list[Any], monkeypatch: pytest.MonkeyPatch, tiny: list[str]
) -> None:
    words = ["backtest", sales, *QUICK, "--refit", 1, "--json", *tiny]
    whole = run(*words).json
    trained.clear()
    fit = Forecaster.fit

    def stopping(self: Forecaster, data: Any, validation: Any | None = None, **more: Any) -> Forecaster:
        model = fit(self, data, validation, **more)
        if len(trained) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return model

    with monkeypatch.context() as patch:
        patch.setattr(Forecaster, "fit", stopping)
        part = run(*words, "--checkpoint", "bt")
    assert part.code == 130
    assert part.err == "Interrupted: 2 of 4 origins are scored.\n"
    assert (part.json["backtest"]["origins"], part.json["backtest"]["planned"]) == (2, 4)
    trained.clear()
    done = run(*words, "--checkpoint", "bt")
    assert (done.code, done.err, len(trained)) == (0, "", 2)
    assert done.json["evaluation"]["scores"] == whole["evaluation"]["scores"]
    trained.clear()
    other = run(*words, "--checkpoint", "bt", "--seed", 3)
    assert (other.code, other.json["error"]["kind"], trained) == (2, "ConfigError", [])
    assert "bt holds another backtest (settings differ)" in other.err
    assert other.err.count("\n") == 1


def test_after_ctrl_c_no_rival_is_fitted(
    run: Run, sales: Path, monkeypatch: pytest.MonkeyPatch, tiny: list[str]
) -> None:
    fit = Forecaster.fit

    def stopping(self: Forecaster, data: Any, validation: Any | None = None, **more: Any) -> Forecaster:
        model = fit(self, data, validation, **more)
        os.kill(os.getpid(), signal.SIGINT)
        return model

    def fitted(*_: Any, **__: Any) -> None:
        raise AssertionError("rivals take a minute")

    monkeypatch.setattr(Forecaster, "fit", stopping)
    monkeypatch.setattr("gatecast.backtesting.backtest.rival_forecasts", fitted)
    monkeypatch.setattr("gatecast.backtesting.backtest.worthwhile_at", lambda *_, **__: (("auto_ets",), ""))
    part = run("backtest", sales, "--horizon", 3, "--origins", 4, "--refit", 1, *tiny)
    assert part.code == 130
    assert "Interrupted: the statistical rivals are left out." in part.out


def test_ctrl_c_in_the_first_fold(run: Run, sales: Path, monkeypatch: pytest.MonkeyPatch, tiny: list[str]) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Forecaster, "fit", stopped)
    result = run("backtest", sales, *QUICK, *tiny)
    assert (result.code, result.err) == (130, "error: interrupted before there was anything to show.\n")


def test_ctrl_c_inside_the_only_training(
    run: Run, sales: Path, monkeypatch: pytest.MonkeyPatch, tiny: list[str]
) -> None:
    fit = Forecaster.fit

    def cut(self: Forecaster, data: Any, validation: Any | None = None, **more: Any) -> Forecaster:
        fitted = fit(self, data, validation, **more).fitted_
        self.fitted_ = replace(fitted, record=replace(fitted.record, interrupted=True))
        return self

    monkeypatch.setattr(Forecaster, "fit", cut)
    result = run("backtest", sales, *QUICK, *tiny)
    assert result.code == 130
    assert "Interrupted: the last training was cut short; its forecasts are scored." in result.out
    assert "gatecast LSTM" in result.out


def test_short_series_are_named(run: Run, tmp_path: Path, tiny: list[str]) -> None:
    rows = table(40).splitlines()[1:]
    text = "shop,month,sales\n" + "".join(f"long,{row}\n" for row in rows)
    (tmp_path / "shops.csv").write_text(text + "".join(f"brief,{row}\n" for row in rows[-9:]))
    result = run("backtest", "shops.csv", "--series", "shop", *QUICK, "--stride", 3, *tiny)
    assert result.code == 0, result.err
    assert "1 of 2 series are too short and left out: brief." in result.out.replace("\n", " ")
