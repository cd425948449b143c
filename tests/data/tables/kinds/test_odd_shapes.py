"""Shapes, clocks and spreadsheets that generated tables found: each reads as it is meant, or is refused in one line."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np
import pytest
from tests.data.tables.kinds.made_tables import ods_of, xlsx_of

from gatecast.data.tables.reading import read
from gatecast.errors import PanelError

DAYS = [f"2024-01-{day:02}" for day in range(1, 13)]
BOOKS = {"xlsx": xlsx_of, "ods": ods_of}


def of_text(text: str, **options: Any) -> Any:
    return read(io.BytesIO(text.encode()), **options)


def of_rows(kind: str, rows: list[list[Any]], **options: Any) -> Any:
    return read(io.BytesIO(BOOKS[kind](rows)), **options)


@pytest.mark.parametrize("cells", [("true", "false", "n/a"), ("TRUE", "FALSE", ""), ("True", "False", "?")])
def test_truths_beside_marks_for_missing_values(cells: tuple[str, str, str]) -> None:
    text = "date,y\n" + "".join(f"{day},{cells[k % 3]}\n" for k, day in enumerate(DAYS))
    np.testing.assert_array_equal(of_text(text).series(0)[:3, 0], [1, 0, np.nan])


@pytest.mark.parametrize("first", ["1.2K", "USD 12.50", "12,5 kr", "0.4 Mio", "true"])
def test_a_row_of_words_and_amounts_is_no_row_of_names(first: str) -> None:
    head = "store;item;" + ";".join(f"Jan {day}, 2024" for day in range(1, 6))
    rows = "".join(f"north;tea{k};" + ";".join([first] * 5) + "\n" for k in range(3))
    panel = of_text(f"{head}\n{rows}", series=["store", "item"])
    assert len(panel) == 3
    assert panel.total == 15


@pytest.mark.parametrize("stores", [("007", "008"), (7, 8)])
@pytest.mark.parametrize("kind", BOOKS)
def test_rows_of_turned_tables_are_told_apart_by_codes_too(kind: str, stores: tuple[Any, Any]) -> None:
    rows = [[store, item, *range(5)] for store in stores for item in ("tea", "milk")]
    panel = of_rows(kind, [["store", "item", *DAYS[:5]], *rows])
    assert panel.names[0] == "store · item"
    assert panel.ids[0] == f"{stores[0]} · tea"


def test_only_the_guilty_cell_of_a_turned_table_is_named() -> None:
    text = f"KPI,{','.join(DAYS[:5])}\nshare,1 %,2 %,3 %,4 %,5 %\ncount,1,2,x,4,5\nprice,€1.50,€2.50,n/a,€4.50,€5.50\n"
    with pytest.raises(PanelError, match=r"^'x' in column 'value', row 3 of the stream is no number\. Correct"):
        of_text(text)
    told = [str(note) for note in of_text(text.replace("x", "3")).notes]
    assert "'n/a' is no number: taken as missing" in told


@pytest.mark.parametrize("title", [[["Report", "of May"], ["North"], []], [["Report", "of May"], []], [[], ["Report"]]])
@pytest.mark.parametrize("names", [["a", "b"], ["024", "014"]])
@pytest.mark.parametrize("kind", BOOKS)
def test_an_empty_row_ends_a_title_block(kind: str, names: list[str], title: list[list[Any]]) -> None:
    rows = [[day, k, k * 2] for k, day in enumerate(DAYS)]
    if len(title) == 2 and names[0] == "024" and title[0]:
        pytest.skip("a row of a title that is as long as the names, and names of digits: nothing tells which")
    panel = of_rows(kind, [*title, ["date", *names], *rows, [], ["Source: the till"], ["Not audited"]])
    assert panel.ids == tuple(names)
    assert panel.total == 24


@pytest.mark.parametrize("kind", BOOKS)
def test_rows_are_counted_as_people_see_them(kind: str) -> None:
    with pytest.raises(PanelError, match="'x' in column 'y', row 15 of"):
        of_rows(kind, [[], [], ["date", "y"], *([day, 1.5] for day in DAYS[:-1]), [DAYS[-1], "x"]])


@pytest.mark.parametrize("kind", BOOKS)
def test_texts_of_a_spreadsheet_may_have_thousands_with_dots(kind: str) -> None:
    cells = ["1.234.567", "1.872", "2.549", "258", "1.011", "275"]
    panel = of_rows(kind, [["date", "y"], *([day, cell] for day, cell in zip(DAYS, cells, strict=False))])
    assert panel.series(0)[:, 0].tolist() == [1234567, 1872, 2549, 258, 1011, 275]
    numbers = [1.234, 1.872, 2.549, 258, 1.011, "n/a"]
    panel = of_rows(kind, [["date", "y"], *([day, cell] for day, cell in zip(DAYS, numbers, strict=False))])
    np.testing.assert_allclose(panel.series(0)[:5, 0], numbers[:5])


@pytest.mark.parametrize("kind", BOOKS)
def test_whole_numbers_of_a_spreadsheet_name_series(kind: str) -> None:
    rows = [[store, day, 1.5] for store in (4124, 2630) for day in DAYS]
    with pytest.raises(PanelError, match=r"Pass series='store'"):
        of_rows(kind, [["store", "date", "y"], *rows], target="y")
    panel = of_rows(kind, [["store", "date", "y"], *rows], target="y", series="store")
    assert panel.to_frame("polars")["store"].to_list()[0] == 4124


@pytest.mark.parametrize("kind", BOOKS)
def test_empty_columns_of_a_spreadsheet_say_nothing(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        of_rows(kind, [["date", "y", "z"], *([day, 1.5, "NULL"] for day in DAYS)], target="y")
        of_rows(kind, [["KPI", *DAYS], *(["a", "", *range(11)] for _ in range(1))])
    assert not caplog.records


def test_names_with_quotes_and_ends_of_lines_stay() -> None:
    names = ('five "inch"', "two\nlines", "a;b")
    head = ";".join('"' + name.replace('"', '""') + '"' for name in names)
    text = f"date;{head}\n" + "".join(f"{day};1;2;3\n" for day in DAYS)
    assert of_text(text).ids == names
    keyed = "name,date,y\n" + "".join(f'"a|b|\n|{k}",{day},1\n' for k in "cd" for day in DAYS)
    assert of_text(keyed).ids == ("a|b|\n|c", "a|b|\n|d")


@pytest.mark.parametrize("sep", [";", "|", "\t"])
def test_decimal_commas_below_a_title_separate_nothing(sep: str) -> None:
    rows = "".join(f"{day}{sep}{k},44{sep}86,{k:02}\n" for k, day in enumerate(DAYS))
    assert of_text(f'Report\n\nmonth{sep}"a,\nb"{sep}c\n{rows}').ids == ("a,\nb", "c")
    rows = "".join(f"north{sep}2015年{k}月{sep}-1.546,{k:02} €\n" for k in range(1, 13))
    assert of_text(f"Report\n\nstore{sep}month{sep}y0\n{rows}").targets == ("y0",)


@pytest.mark.parametrize("declared", ["sep=\t", '"sep=\t"', "sep=\\t"])
def test_a_tab_may_be_declared(declared: str) -> None:
    panel = of_text(f"{declared}\n\tdate\ty\n" + "".join(f"{k}\t{day}\t{k},5\n" for k, day in enumerate(DAYS)))
    assert panel.targets == ("y",)
    assert panel.total == 12
    assert not [note for note in panel.notes if "sep" in str(note)]


def test_row_numbers_without_a_name_are_no_series() -> None:
    text = "sep=|\n|month|a|b\n" + "".join(f"{k}|2005.{k:02}|{k * 3}|{k * 5}\n" for k in range(1, 10))
    assert of_text(text).ids == ("a", "b")
    quoted = '"date","a","b",""\n' + "".join(f'"{day}","1","2",""\n' for day in DAYS)
    assert of_text(quoted).ids == ("a", "b")


@pytest.mark.parametrize("first", ["09.07.30", "13.07.30", "28.02.31"])
def test_dates_with_dots_and_short_years_are_no_clocks(first: str) -> None:
    day, month, year = first.split(".")
    text = "date;y\n" + "".join(f"{int(day) + k:02}.{month}.{year};{k}\n" for k in range(1 if month == "02" else 10))
    text += "01.03.31;1\n02.03.31;1\n03.03.31;1\n" if month == "02" else ""
    assert str(of_text(text, day_first=True).times(0)[0])[:10] == f"20{year}-{month}-{day}"


def test_times_of_day_without_their_dates_are_refused() -> None:
    for cells in (["00:00", "01:00", "02:00"], ["00.00.00", "01.00.00", "02.00.00"]):
        with pytest.raises(PanelError, match=r"holds times of day, such as '00[.:]00.*Add the date, drop the column"):
            read({"time": cells, "y": [1, 2, 3]})


@pytest.mark.parametrize("clock", [" 12:00 AM", "T00:00", " 00:00:00"])
def test_days_of_weeks_have_hours(clock: str) -> None:
    cells = [f"2028-W16-{day}{clock}" for day in range(1, 8)]
    assert read({"time": cells, "y": range(7)}).describe() == "y · 1 series · 7 days, 2028-04-17 to 2028-04-23"


def test_months_after_a_point_may_be_names_of_columns() -> None:
    panel = read({"store": ["a", "b"], **{f"1998.{month:02}": [month, 2 * month] for month in range(8, 13)}})
    assert panel.describe() == "value · 2 series · 5 months, 1998-08 to 1998-12"


def test_weeks_of_one_and_two_digits_keep_their_form() -> None:
    weeks = [f"Week {week}, 2024" for week in range(10, 4, -1)]
    frame = read({"week": weeks, "y": range(6)}).to_frame("polars")
    assert frame["week"].to_list() == weeks[::-1]


def test_what_stands_beside_series_and_is_none_is_told() -> None:
    text = "date,a,b,promo\n" + "".join(
        f"{day},{k},{k * 2},{'true' if k % 2 else 'false'}\n" for k, day in enumerate(DAYS)
    )
    panel = of_text(text)
    assert panel.ids == ("a", "b")
    assert "column 'promo' holds no numbers and is left out" in [str(note) for note in panel.notes]


@pytest.mark.parametrize("count", [5, 12])
def test_keys_are_found_where_an_hour_repeats(count: int) -> None:
    hours = [f"2024-10-27 {hour:02}:00" for hour in (0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10)[:count]]
    rows = [(store, item, hour, 1.5) for store in "ab" for item in "cd" for hour in hours]
    table = {
        name: list(cells) for name, cells in zip(("store", "item", "time", "y"), zip(*rows, strict=True), strict=True)
    }
    with pytest.raises(PanelError, match=r"Pass series=\('store', 'item'\)"):
        read(table)
    assert len(read(table, series=["store", "item"])) == 4


NO_TABLES = {
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "no text, as pictures"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(200) + b"text,text\n" * 9, "no text, as pictures"),
    "a page": (
        b"<!DOCTYPE html>\n<html><body><table><tr><td>1</td></tr></table></body></html>",
        "Save its table as CSV",
    ),
    "XML": (b"\xef\xbb\xbf<?xml version='1.0'?><rows><row a='1'/></rows>", "Save its table as CSV"),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_is_called_so(name: str) -> None:
    raw, told = NO_TABLES[name]
    with pytest.raises(PanelError, match=told):
        read(io.BytesIO(raw))


def test_words_that_name_no_series_are_told() -> None:
    text = "store,date,y,promo\n" + "".join(
        f"{s},{day},{k},{'NY'[k % 5 == 0]}\n" for s in "ab" for k, day in enumerate(DAYS)
    )
    panel = of_text(text)
    assert len(panel) == 2
    assert "the series; column 'promo' has no role and is left out" in str(panel.notes[-1])
