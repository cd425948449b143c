"""Shapes of files: the table is found, junk is left out and told, row numbers go, keys are recognised."""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gatecast.data.tables.reading import read
from gatecast.errors import PanelError

Write = Callable[..., Path]
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(60)]
BODY = "".join(f"{day},{i}\n" for i, day in enumerate(DAYS))
PLAIN = "date,y\n" + BODY

# name -> (text, what a note says)
FOUND: dict[str, tuple[str | bytes, str]] = {
    "a title and an empty line": ("Category: All categories\n\n" + PLAIN, "row 1 ('Category: All categories')"),
    "two comments": ("# station 17\n# units: mm\n" + PLAIN, "rows 1, 2"),
    "comments in the body": (PLAIN.replace("2024-01-09,8\n", "# calibrated\n2024-01-09,8\n"), "with a comment"),
    "a title": ("Monthly report\n" + PLAIN, "row 1 ('Monthly report')"),
    "a padded title": ("Report 2024,,\n,,\ndate,y,\n" + BODY.replace("\n", ",\n"), "row 1 ('Report 2024')"),
    "names in a comment": ("# made by a logger\n#date,y\n" + BODY, "row 1"),
    "units": ("date,y\n,[kWh]\n" + BODY, "with units"),
    "units in words": ("date,y\nday,kWh\n" + BODY, "with units"),
    "a total": (PLAIN + "Total,1770\n", "row 62 ('Total, 1770') below the table"),
    "a German total": (PLAIN + "Summe,1770\n", "below the table"),
    "a source": (PLAIN + "\nSource: our own\n", "row 63 ('Source: our own')"),
    "totals within": (PLAIN.replace("2024-02-01,", "Total January,465\n2024-02-01,"), "'Total January'"),
    "a semicolon declared": ("sep=;\n" + PLAIN.replace(",", ";"), ""),
    "a comma at the end of rows": ("date,y\n" + BODY.replace("\n", ",\n"), ""),
    "a comma at the end of all": (PLAIN.replace("\n", ",\n"), ""),
    "tabs": (PLAIN.replace(",", "\t"), ""),
    "old line ends": (PLAIN.replace("\n", "\r"), ""),
    "Windows line ends": (PLAIN.replace("\n", "\r\n"), ""),
    "empty lines": ("\n\n" + PLAIN.replace("2024-01-09", "\n2024-01-09"), ""),
    "quotes": ('"date","y"\n' + "".join(f'"{d}","{i}"\n' for i, d in enumerate(DAYS)), ""),
    "UTF-16": (PLAIN.encode("utf-16"), ""),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-le"), ""),
    "UTF-16 from the other end": (PLAIN.encode("utf-16-be"), ""),
    "a mark of UTF-8": (b"\xef\xbb\xbf" + PLAIN.encode(), ""),
    "names of rows as R writes them": ("date,y\n" + "".join(f"r{i},{r}\n" for i, r in enumerate(BODY.split())), ""),
}


@pytest.mark.parametrize("name", FOUND)
def test_the_table_is_found(csv: Write, name: str) -> None:
    text, told = FOUND[name]
    panel = read(csv(text), target="y")
    assert panel.describe() == "y · 1 series · 60 days, 2024-01-01 to 2024-02-29"
    assert panel.series(0)[:, 0].tolist() == list(range(60))
    assert told in "; ".join(map(str, panel.notes))


def test_windows_1252(csv: Write) -> None:
    panel = read(csv(("date,Umsatz €\n" + BODY).encode("cp1252")), target="Umsatz €")
    assert panel.targets == ("Umsatz €",)
    assert "Windows-1252" in str(panel.notes[0])


def test_ragged_rows_are_told(csv: Write) -> None:
    long = csv(PLAIN.replace("2024-01-05,4", "2024-01-05,x,4"))
    with pytest.raises(PanelError, match=r"no row for 2024-01-05.*row 6 with 3 fields in place of 2 is left out"):
        read(long)
    assert np.isnan(read(long, gaps="missing").series(0)[4, 0])
    short = read(csv(PLAIN.replace("2024-01-05,4", "2024-01-05")))
    assert "row 6 with 1 of 2 fields" in str(short.notes[0])
    assert np.isnan(short.series(0)[4, 0])


def test_decimal_commas_without_quotes_are_no_row_names(csv: Write) -> None:
    with pytest.raises(PanelError, match="decimal commas without quotes"):
        read(csv("date,y\n" + BODY.replace("\n", ",5\n")))


def test_skip_and_header(csv: Write) -> None:
    path = csv("a,b\n1,2\n" + PLAIN)
    assert len(read(path, skip=2).series(0)) == 60
    assert len(read(path, header=3).series(0)) == 60
    bare = csv(BODY)
    with pytest.raises(PanelError, match="Add a header row, or pass header=0"):
        read(bare)
    assert read(bare, header=0).series(0)[3, 0] == 3
    with pytest.raises(PanelError, match="no row 99"):
        read(path, header=99)


@pytest.mark.parametrize("head", ["", "Unnamed: 0", "index", "No", "id", "row"])
def test_row_numbers_are_no_series(csv: Write, head: str) -> None:
    rows = "".join(f"{i},{day},{i % 7}\n" for i, day in enumerate(DAYS))
    assert read(csv(f"{head},date,sales\n" + rows)).ids == ("sales",)
    assert read(csv(f"{head},date,sales\n" + rows), target="sales").length.tolist() == [60]


@pytest.mark.parametrize("name", ["x", "X", "no", "row", "obs", "index"])
@pytest.mark.parametrize("first", [0, 1])
def test_all_that_there_is_to_forecast_counts_no_rows(csv: Write, name: str, first: int) -> None:
    panel = read(csv(f"date,{name}\n" + "".join(f"{day},{i + first}\n" for i, day in enumerate(DAYS))))
    assert panel.targets == (name,)
    assert panel.target_RC[:3, 0].tolist() == [first, first + 1, first + 2]


def test_x_counts_rows_where_r_writes_it(csv: Write) -> None:
    body = "".join(f"{i + 1},{day},{i % 7}\n" for i, day in enumerate(DAYS))
    assert read(csv("X,date,y\n" + body)).targets == ("y",)


def test_a_series_called_total_is_no_footer(csv: Write) -> None:
    body = "".join(f"{shop},{day},{i}\n" for i, day in enumerate(DAYS) for shop in ("a", "Total"))
    panel = read(csv("shop,date,y\n" + body), series="shop")
    assert (panel.ids, panel.length.tolist()) == (("a", "Total"), [60, 60])


def test_an_id_of_every_row_names_no_series(csv: Write) -> None:
    rows = "".join(f"A{i * 7},{day},{i % 7}\n" for i, day in enumerate(DAYS))
    panel = read(csv("id,date,sales\n" + rows), target="sales")
    assert panel.ids == ("sales",)
    assert "'id' differs in every row" in str(panel.notes[0])


def stores(*keys: str) -> str:
    pairs = [(1, 1), (1, 2), (2, 1), (2, 2)] if len(keys) > 1 else [(1,), (2,)]
    rows = [f"{d},{','.join(map(str, p))},{100 * p[0] + i % 7},FALSE" for p in pairs for i, d in enumerate(DAYS)]
    return f"date,{','.join(keys)},sales,IsHoliday\n" + "\n".join(rows) + "\n"


def test_whole_keys_are_named(csv: Write) -> None:
    for chosen in ({}, {"target": "sales"}):
        with pytest.raises(
            PanelError, match=r"each time has 2 rows, and 'store' tells them apart. Pass series='store'"
        ):
            read(csv(stores("store")), **chosen)
    with pytest.raises(PanelError, match=r"series=\('store', 'item'\)"):
        read(csv(stores("store", "item")), target="sales")
    panel = read(csv(stores("store", "item")), target="sales", series=["store", "item"])
    assert panel.ids == ("1 · 1", "1 · 2", "2 · 1", "2 · 2")
    out = panel.to_frame()
    assert out.columns == ["store", "item", "date", "sales"]
    assert out["item"].unique(maintain_order=True).to_list() == ["1", "2"]
    added = read(csv(stores("store")), target="sales", resample="sum")
    assert "'store'" in "; ".join(map(str, added.notes))


def test_words_are_keys(csv: Write) -> None:
    rows = "".join(
        f"{d},{s},{w},{i}\n" for s in "ab" for i, (d, w) in enumerate(zip(DAYS, ["dry", "wet"] * 30, strict=True))
    )
    panel = read(csv("date,store,weather,sales\n" + rows), target="sales")
    assert panel.ids == ("a", "b")
    assert "'store' tells" in str(panel.notes[0])


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
HEADS: dict[str, tuple[list[str], str, str]] = {
    "months": ([f"{m}-{y}" for y in (22, 23) for m in MONTHS], "M", "2022-01-01"),
    "months in ISO": ([f"{y}-{m:02}" for y in (2022, 2023) for m in range(1, 13)], "M", "2022-01-01"),
    "months as numbers": ([f"{y}{m:02}" for y in (2022, 2023) for m in range(1, 13)], "M", "2022-01-01"),
    "years": ([str(y) for y in range(2000, 2024)], "12M", "2000-01-01"),
    "quarters": ([f"Q{q} {y}" for y in range(2018, 2024) for q in range(1, 5)], "3M", "2018-01-01"),
    "days": ([f"{d:%d.%m.%Y}" for d in DAYS[:24]], "D", "2024-01-01"),
    "weeks": ([f"2024-W{w:02}" for w in range(1, 25)], "W", "2024-01-01"),
}


@pytest.mark.parametrize("wide", [None, True])
@pytest.mark.parametrize("name", HEADS)
def test_times_as_columns_are_turned(csv: Write, name: str, wide: bool | None) -> None:
    heads, frequency, first = HEADS[name]
    rows = [["KPI", *heads]]
    rows += [[kpi, *(str(base + 5 * i) for i in range(24))] for kpi, base in (("Revenue", 400), ("Orders", 90))]
    text = "\n".join(map(",".join, rows)) + "\n"
    for source in (csv(text), pl.read_csv(io.StringIO(text)), pd.read_csv(io.StringIO(text)).set_index("KPI")):
        panel = read(source, wide=wide)
        assert panel.ids == ("Revenue", "Orders")
        assert panel.frequency.to_text() == frequency
        assert panel.starts[0] == np.datetime64(first, "us")
        assert panel.series("Orders")[:3, 0].tolist() == [90, 95, 100]
        assert "each row is a series" in str(panel.notes[0])


def test_each_row_of_a_turned_table_has_its_own_numbers(csv: Write) -> None:
    text = 'KPI;2021;2022;2023\nUmsatz;"1.100";"900";"1.300"\nQuote;"12,5 %";"13 %";"14 %"\nSumme;1;2;3\n'
    panel = read(csv(text))
    assert panel.series("Umsatz")[:, 0].tolist() == [1100, 900, 1300]
    assert panel.series("Quote")[:, 0].tolist() == [12.5, 13, 14]
    assert panel.ids == ("Umsatz", "Quote")
    assert read(csv(text), target="Quote").ids == ("Quote",)


@pytest.mark.parametrize("store", ["", "north,"])
def test_hours_side_by_side(csv: Write, store: str) -> None:
    heads = f"{'store,' if store else ''}date,{','.join(f'{h:02}:00' for h in range(24))}\n"
    rows = "".join(f"{store}{d},{','.join(str(24 * i + h) for h in range(24))}\n" for i, d in enumerate(DAYS))
    panel = read(csv(heads + rows))
    assert panel.describe() == "value · 1 series · 1,440 hours, 2024-01-01 00:00 to 2024-02-29 23:00"
    assert panel.series(0)[:, 0].tolist() == list(range(24 * 60))
    assert "times of day" in str(panel.notes[0])


def test_several_header_rows(csv: Write) -> None:
    text = "date,north,,south,\n,sales,stock,sales,stock\n" + "".join(f"{d},1,2,3,4\n" for d in DAYS)
    assert read(csv(text)).ids == ("north sales", "north stock", "south sales", "south stock")


JSON: dict[str, Any] = {
    "records": [{"ds": str(d), "y": i} for i, d in enumerate(DAYS)],
    "columns": {"ds": [str(d) for d in DAYS], "y": list(range(60))},
    "columns by row": {"ds": {str(i): str(d) for i, d in enumerate(DAYS)}, "y": {str(i): i for i in range(60)}},
    "split": {"columns": ["ds", "y"], "data": [[str(d), i] for i, d in enumerate(DAYS)]},
    "within data": {"data": [{"ds": str(d), "y": i} for i, d in enumerate(DAYS)], "count": 60},
    "rows": [["ds", "y"], *([str(d), i] for i, d in enumerate(DAYS))],
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", JSON)
def test_json(csv: Write, name: str, indent: int | None) -> None:
    panel = read(csv(json.dumps(JSON[name], indent=indent), "t.json"))
    assert panel.describe() == "y · 1 series · 60 days, 2024-01-01 to 2024-02-29"


def test_pipes_folders_and_patterns(csv: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PLAIN.encode())))
    assert len(read("-").series(0)) == 60
    assert len(read(io.BytesIO(PLAIN.encode())).series(0)) == 60
    half = "date,y\n" + BODY[: len(BODY) // 2].rsplit("\n", 1)[0] + "\n"
    csv(half, "a-1.csv")
    csv("date,y\n" + PLAIN.removeprefix(half), "a-2.csv")
    whole = read(tmp_path / "a-*.csv")
    assert whole.series(0)[:, 0].tolist() == list(range(60))
    assert "2 files are read" in str(whole.notes[0])
    (tmp_path / "shops").mkdir()
    for shop in ("north", "south"):
        csv(PLAIN, f"shops/{shop}.csv")
    assert read(tmp_path / "shops").ids == ("north", "south")
    csv("when,x\n2024-01-01,1\n", "shops/west.csv")
    with pytest.raises(PanelError, match=r"west.csv has the columns 'when', 'x'"):
        read(tmp_path / "shops")


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        (PLAIN.encode("utf-16")[:-1], "t.csv", "UTF-16 that ends within a character"),
        (b"\x1f\x8b" + b"junk" * 9, "t.csv.gz", "cannot be read"),
        (b"plain", "t.csv.gz", "not compressed"),
        ("date,y,y\n2024-01-01,1,2\n", "t.csv", "several columns 'y'"),
        ("{", "t.json", "cannot be read"),
        ('{"a": 1, ', "t.jsonl", "cannot be read"),
        (b"PAR1" * 9, "t.parquet", "cannot be read"),
        ("date,y\n" + '"' * 9 + "\n" + "x" * (1 << 21), "t.csv", "cannot be read|unclear|no numbers|called like"),
    ],
)
def test_damaged_files_are_one_line(csv: Write, text: str | bytes, name: str, told: str) -> None:
    with pytest.raises(PanelError, match=told) as caught:
        read(csv(text, name))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 4100


def test_spreadsheets(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel", reason="spreadsheets need fastexcel (the extra excel)")
    writer = pytest.importorskip("xlsxwriter", reason="a spreadsheet to read is made by xlsxwriter")
    book = writer.Workbook(tmp_path / "t.xlsx", {"default_date_format": "dd.mm.yyyy"})
    book.add_worksheet("empty")
    sheet = book.add_worksheet("data")
    sheet.write(0, 0, "Report")
    sheet.write_row(2, 0, ["date", "store", "sales"])
    for i, day in enumerate(DAYS):
        sheet.write_datetime(3 + i, 0, dt.datetime.combine(day, dt.time()))
        sheet.write_row(3 + i, 1, ["north", 1.234 + i])
    sheet.write_row(3 + len(DAYS), 0, ["Total", "", 99])
    book.close()
    panel = read(tmp_path / "t.xlsx", target="sales")
    assert panel.describe() == "sales · 1 series · 60 days, 2024-01-01 to 2024-02-29"
    assert panel.series(0)[1, 0] == np.float32(2.234)
    assert "sheet 'data'" in str(panel.notes[0])


def test_a_sheet_is_chosen_by_name_or_number(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel", reason="spreadsheets need fastexcel (the extra excel)")
    writer = pytest.importorskip("xlsxwriter", reason="a spreadsheet to read is made by xlsxwriter")
    with writer.Workbook(tmp_path / "t.xlsx") as book:
        for n, name in enumerate(["north", "south", "1", "empty"]):
            sheet = book.add_worksheet(name)
            for row in range(20 if name != "empty" else 0):
                sheet.write_row(row, 0, [row, 100 * n + row] if row else ["step", "y"])
    by = {wanted: read(tmp_path / "t.xlsx", sheet=wanted) for wanted in ("south", 2, "2", "1")}
    assert {wanted: float(panel.values_RV[0, 0]) for wanted, panel in by.items()} == {
        "south": 101, 2: 101, "2": 101, "1": 201,
    }  # fmt: skip
    assert by["south"].notes == ()
    for wanted, said in (("sout", "did you mean 'south'"), (5, "no sheet 5"), ("empty", "sheet 'empty' of t.xlsx is")):
        with pytest.raises(PanelError, match=said):
            read(tmp_path / "t.xlsx", sheet=wanted)
    (tmp_path / "t.csv").write_text("step,y\n1,2\n")
    with pytest.raises(PanelError, match="sheet goes with a spreadsheet"):
        read(tmp_path / "t.csv", sheet=1)


@pytest.mark.parametrize("first", ["", "n/a"])
@pytest.mark.parametrize("form", ["Q{} 2020", "May {} 2020"])
def test_a_first_row_of_words_with_a_missing_value_is_no_name(csv: Write, form: str, first: str) -> None:
    rows = [f"north;tea;{form.format(k)};{first if k == 1 else k}" for k in range(1, 5)]
    panel = read(csv("Report\n\nstore;item;date;y\n" + "\n".join(rows) + "\n"), target="y")
    np.testing.assert_array_equal(panel.series(0)[:, 0], [np.nan, 2, 3, 4])


def test_times_in_words_may_be_a_second_row_of_names(csv: Write) -> None:
    text = "Report\n\n;Sales;Sales;Sales\nstore;Q1 2020;Q2 2020;Q3 2020\nnorth;5;6;7\nsouth;8;9;10\n"
    with pytest.raises(PanelError, match="'store', 'Sales Q1 2020', 'Sales Q2 2020'"):
        read(csv(text))
