"""Screens take the width that the terminal has, within bounds, and 80 columns where nothing says how wide it is."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from gatecast.cli.printing import Screen

NOW = ["--preset", "instant"]
SHOPS = ("Hamburg Altona", "Berlin Mitte", "Oslo")


@pytest.fixture
def shops(tmp_path: Path) -> str:
    begin = dt.date(2024, 1, 1)
    rows = [f"{begin + dt.timedelta(d)},{s},{900 + 13 * d + 90 * (d % 7)}" for s in SHOPS for d in range(60)]
    (tmp_path / "shops.csv").write_text("\n".join(["day,shop,sales", *rows]) + "\n")
    return "shops.csv"


@pytest.mark.parametrize(("width", "beside"), [(80, 1), (140, 2), (400, 2)])
def test_more_rows_stand_beside_each_other(run: Run, sales: Path, monkeypatch, width: int, beside: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = run("forecast", sales.name, *NOW, "--horizon", 16)
    assert shown.widest <= min(width, 140)
    head = next(line for line in shown.out.splitlines() if line.startswith("month "))
    assert head.count("month ") == beside
    assert ("4 more values" in shown.out) == (beside == 1)
    assert ("MAE" in shown.out) == (width > 80)
    assert "RMSE" in shown.out


def test_the_next_series_stands_beside_the_first(run: Run, shops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    lines = run("forecast", shops, *NOW, "--target", "sales", "--horizon", 5).out.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("series "))
    assert [name.strip() for name in lines[place].split("series ")[1:]] == list(SHOPS[:2])
    assert lines[place + 1].count("forecast") == 2
    assert "... 5 more values" in lines[place + 7]


@pytest.mark.parametrize(("width", "examples"), [(90, 2), (140, 5)])
def test_look_shows_as_many_examples_as_fit(run: Run, tmp_path: Path, monkeypatch, width: int, examples: int) -> None:
    rows = "".join(f"2024-01-{d:02};{1000 + d};{'x' * 14}{d}\n" for d in range(1, 20))
    (tmp_path / "t.csv").write_text(f"date;a long name of a column;words\n{rows}")
    monkeypatch.setenv("COLUMNS", str(width))
    shown = run("look", "t.csv", "--target", "a long name of a column")
    assert shown.widest <= width
    line = next(line for line in shown.out.splitlines() if line.startswith("date "))
    assert line.count("2024-") == examples


def test_a_pipe_has_80_columns_and_a_terminal_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _=0: os.terminal_size((120, 40)))
    monkeypatch.setenv("TERM", "xterm")
    assert Screen().width == 80
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert Screen().width == 120
