"""``gatecast look``, notes on the screen, pipes and spreadsheets."""

from __future__ import annotations

import io
import sys
import zipfile

import polars as pl
import pytest
from tests.cli.conftest import TINY, table

STORES = "date,store,sales\n" + "".join(f"2024-01-{d:02},{s},{100 * s + d}\n" for s in (1, 2) for d in range(1, 20))


def test_a_table_column_by_column(run, tmp_path) -> None:
    (tmp_path / "t.csv").write_text(table())
    shown = run("look", "t.csv")
    assert shown.code == 0
    assert shown.widest <= 80
    assert "t.csv: 40 rows, 2 columns" in shown.out
    assert [line.split()[:3] for line in shown.out.splitlines()[2:4]] == [
        ["month", "dates", "time"],
        ["sales", "numbers", "target"],
    ]
    assert "next     gatecast forecast t.csv --horizon 6" in shown.out


def test_a_table_that_asks(run, tmp_path) -> None:
    (tmp_path / "t.csv").write_text(STORES)
    shown = run("look", "t.csv", "--json")
    assert shown.code == 2
    assert shown.json["problem"]["remedies"] == [{"setting": "series", "of": "read", "value": "store"}]
    assert shown.json["next"] == "gatecast look t.csv --series store"
    assert [column["holds"] for column in shown.json["columns"]] == ["dates", "numbers", "numbers"]
    again = run(*shown.json["next"].split()[1:])
    assert again.code == 0
    assert "gatecast forecast t.csv --series store --horizon" in again.out


def test_what_is_odd(run, tmp_path) -> None:
    rows = [f"{s},2024-01-{d:02},{7 if s == 'b' else d}" for s in "abc" for d in range(1, 26) if s != "c" or d < 20]
    (tmp_path / "t.csv").write_text(
        "store,date,sales\n" + "\n".join(rows).replace("a,2024-01-05,5", "a,2024-01-05,") + "\n"
    )
    odd = run("look", "t.csv", "--json").json["odd"]
    assert odd == [
        "1 of 69 values are missing",
        "1 series never change: 'b'",
        "1 series end before the others: 'c'",
    ]


def test_notes_are_on_every_screen(run, tmp_path) -> None:
    text = "Report\n\nDatum;Umsatz\n" + "".join(f"{d:02}.01.2024;{900 + 20 * d:,}\n" for d in range(1, 29))
    (tmp_path / "t.csv").write_text(text.replace(",", "."))
    shown = run("forecast", "t.csv", "--horizon", 3, *TINY)
    assert shown.code == 0
    assert "read     row 1 ('Report') before the table is left out" in shown.out
    assert "'1.000' is read as 1000, with dots between thousands (--decimal ,)" in " ".join(shown.out.split())
    notes = run("forecast", "t.csv", "--horizon", 3, "--json", *TINY).json["data"]["notes"]
    assert len(notes) == 2


def test_a_pipe(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(table().encode())))
    shown = run("forecast", "-", "--horizon", 3, "--output", "o.csv", *TINY)
    assert shown.code == 0
    assert "sales · 1 series · 40 months" in shown.out


def test_options_of_reading(run, tmp_path) -> None:
    rows = "".join(f"2024-01-{d:02},{'-' if d == 9 else d}\n" for d in range(1, 29))
    (tmp_path / "t.csv").write_text("made,by\n1,2\ndate,y\n" + rows)
    shown = run("look", "t.csv", "--skip-rows", 2, "--na", "-")
    assert shown.code == 0, shown.err
    assert "1 of 28 values are missing" in shown.out
    assert shown.out.rstrip().endswith("gatecast forecast t.csv --na - --skip-rows 2 --horizon 4")
    asked = run("look", "t.csv", "--skip-rows", 2)
    assert "pass --na -" in " ".join(asked.out.split())


def test_forecasts_keep_the_form_of_the_table(run, tmp_path) -> None:
    rows = "".join(f"{2010 + q // 4}Q{q % 4 + 1},{q}\n" for q in range(40))
    (tmp_path / "t.csv").write_text("quarter,y\n" + rows)
    shown = run("forecast", "t.csv", "--horizon", 2, "--output", "o.csv", *TINY)
    assert pl.read_csv(tmp_path / "o.csv")["quarter"].to_list() == ["2020Q1", "2020Q2"]
    assert "2020Q1" in shown.out


def test_spreadsheets_out(run, tmp_path) -> None:
    pytest.importorskip("xlsxwriter", reason="spreadsheets are written by xlsxwriter (the extra excel)")
    pytest.importorskip("fastexcel", reason="spreadsheets are read by fastexcel (the extra excel)")
    (tmp_path / "t.csv").write_text(table())
    assert run("forecast", "t.csv", "--horizon", 3, "--output", "o.xlsx", *TINY).code == 0
    assert pl.read_excel(tmp_path / "o.xlsx").height == 3


def test_names_in_a_spreadsheet_are_text(run, tmp_path) -> None:
    pytest.importorskip("xlsxwriter", reason="spreadsheets are written by xlsxwriter (the extra excel)")
    names = ["=1+1", "https://example.org", "plain"]
    rows = [f'"{name}",{line}' for name in names for line in table().splitlines()[1:]]
    (tmp_path / "t.csv").write_text("store,month,sales\n" + "\n".join(rows))
    done = run("forecast", "t.csv", "--horizon", 3, "--preset", "instant", "--output", "o.xlsx")
    assert done.code == 0, done.err
    with zipfile.ZipFile(tmp_path / "o.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
    assert pl.read_excel(tmp_path / "o.xlsx")["store"].to_list()[::3] == names


def test_more_rows_than_a_sheet_holds_are_refused_before_the_training(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("gatecast.cli.files.MOST_ROWS", 4)
    (tmp_path / "t.csv").write_text(table())
    words = ["--preset", "instant", "--output", "o.xlsx"]
    assert run("forecast", "t.csv", "--horizon", 4, *words, "--save", "m.gatecast").code == 0
    for command in (["forecast", "t.csv", "--horizon", 5, *words], ["predict", "m.gatecast", "t.csv", *words[2:]]):
        monkeypatch.setattr("gatecast.cli.files.MOST_ROWS", 3)
        done = run(*command)
        assert done.code == 2
        assert "a sheet holds 3 rows" in done.err


def test_a_table_whose_target_is_not_clear(run, tmp_path) -> None:
    """What is clear is said; a column of names rules out that each column is a series."""
    rows = [f"{s},2024-01-{d:02},{d},{d % 3}" for s in "ab" for d in range(1, 20)]
    (tmp_path / "t.csv").write_text("shop,day,units,price\n" + "\n".join(rows) + "\n")
    shown = run("look", "t.csv", "--json")
    assert [column["role"] for column in shown.json["columns"]] == ["series", "time", "target?", "target?"]
    assert shown.json["next"] == "gatecast look t.csv --target units"
    assert "wide" not in str(shown.json["problem"])
    assert run(*shown.json["next"].split()[1:]).code == 0
    (tmp_path / "t.csv").write_text("a,b\n1,2\n2,3\n3,4\n")
    assert "--wide" in run("look", "t.csv").out


def test_columns_that_are_series_and_dates_of_which_one_is_the_time(run, tmp_path) -> None:
    rows = [f"2024-01-{d:02},2024-02-{d:02},{d},{d % 3}" for d in range(1, 20)]
    (tmp_path / "t.csv").write_text("order,ship,sales,price\n" + "\n".join(rows) + "\n")
    assert run("look", "t.csv", "--json").json["next"] == "gatecast look t.csv --time order"
    told = "each of 2 columns was taken for a series of its own"
    assert told in str(run("look", "t.csv", "--time", "order", "--json").json["odd"])
    assert told not in str(run("look", "t.csv", "--time", "order", "--target", "sales", "--json").json["odd"])
