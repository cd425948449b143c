"""Times: every usual spelling is read, two readings are told apart or asked for, none is dropped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gatecast.data.tables.reading import read, read_covariates
from gatecast.errors import GatecastError, PanelError

Write = Callable[..., Path]
START = dt.datetime(2024, 1, 1)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
EPOCH = 1_704_067_200  # 2024-01-01
MONTHS_DE = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November"]
MONTHS_FR = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
MONTHS_ES = ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre"]


def hours(count: int = 30) -> list[dt.datetime]:
    return [dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(count)]


def days(count: int = 20) -> list[dt.date]:
    return [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(count)]


# name -> (column, cells, frequency, first time)
READ: dict[str, tuple[str, Sequence[Any], str, str]] = {
    "ISO weeks": ("week", [f"2024-W{w:02}" for w in range(1, 20)], "W", "2024-01-01"),
    "ISO weeks over a year of 53": ("week", ["2020-W52", "2020-W53", "2021-W01", "2021-W02"], "W", "2020-12-21"),
    "weeks in words": ("week", [f"Week {w}, 2024" for w in range(1, 20)], "W", "2024-01-01"),
    "German weeks": ("Woche", [f"KW {w} 2024" for w in range(1, 20)], "W", "2024-01-01"),
    "weeks as numbers": ("week", [202401 + w for w in range(12)], "W", "2024-01-01"),
    "week with a dash": ("week", [f"2024-{w:02}" for w in range(1, 30)], "W", "2024-01-01"),
    "days of weeks": ("date", [f"2024-W01-{d}" for d in range(1, 8)], "D", "2024-01-01"),
    "months as numbers": ("month", [202301 + i for i in range(12)], "M", "2023-01-01"),
    "months over years": ("month", [y * 100 + m for y in (2020, 2021) for m in range(1, 13)], "M", "2020-01-01"),
    "months with M": ("period", [f"2020M{m:02}" for m in range(1, 13)], "M", "2020-01-01"),
    "months after a slash": ("month", [f"{m:02}/2023" for m in range(1, 13)], "M", "2023-01-01"),
    "months in German": ("Monat", [f"{m} 2024" for m in MONTHS_DE], "M", "2024-01-01"),
    "months in French": ("mois", [f"{m} 2024" for m in MONTHS_FR], "M", "2024-01-01"),
    "months in Spanish": ("mes", [f"{m} de 2024" for m in MONTHS_ES], "M", "2024-01-01"),
    "months in Chinese": ("date", [f"2024年{m}月" for m in range(1, 13)], "M", "2024-01-01"),
    "decimal months": ("time", [round(1749 + (m + 0.5) / 12, 3) for m in range(24)], "M", "1749-01-01"),
    "decimal quarters": ("date", [1960 + q / 4 for q in range(12)], "3M", "1960-01-01"),
    "quarters": ("quarter", [f"{2015 + q // 4}Q{q % 4 + 1}" for q in range(12)], "3M", "2015-01-01"),
    "quarters first": ("quarter", [f"Q{q % 4 + 1} {2015 + q // 4}" for q in range(12)], "3M", "2015-01-01"),
    "quarters as numbers": ("quarter", [20151 + q // 4 * 10 + q % 4 for q in range(12)], "3M", "2015-01-01"),
    "quarters in German": ("Quartal", [f"{q % 4 + 1}. Quartal {2015 + q // 4}" for q in range(12)], "3M", "2015-01-01"),
    "short quarters": ("date", [f"{q % 4 + 1}Q{15 + q // 4}" for q in range(12)], "3M", "2015-01-01"),
    "half years": ("half", [f"H{h % 2 + 1} {2015 + h // 2}" for h in range(8)], "6M", "2015-01-01"),
    "Halbjahre": ("Zeitraum", [f"{h}. Halbjahr {y}" for y in (2015, 2016) for h in (1, 2)], "6M", "2015-01-01"),
    "fiscal years with a dash": ("year", [f"{2000 + i}-{i + 1:02}" for i in range(12)], "12M", "2000-01-01"),
    "fiscal years with a slash": ("year", [f"{2000 + i}/{i + 1:02}" for i in range(20)], "12M", "2000-01-01"),
    "fiscal years in full": ("season", [f"{2000 + i}/{2001 + i}" for i in range(12)], "12M", "2000-01-01"),
    "FY": ("period", [f"FY{i:02}" for i in range(10, 22)], "12M", "2010-01-01"),
    "years as numbers": ("Jahr", list(range(1950, 2000)), "12M", "1950-01-01"),
    "days as spreadsheets count": ("Datum", list(range(45292, 45320)), "D", "2024-01-01"),
    "hours as spreadsheets count": ("date", [45292 + h / 24 for h in range(48)], "h", "2024-01-01"),
    "months as spreadsheets count": ("month", [45292, 45323, 45352, 45383, 45413, 45444], "M", "2024-01-01"),
    "seconds since 1970": ("timestamp", [EPOCH + 3600 * i for i in range(30)], "h", "2024-01-01"),
    "milliseconds since 1970": ("time", [(EPOCH + 60 * i) * 1000 for i in range(30)], "min", "2024-01-01"),
    "microseconds since 1970": ("time", [(EPOCH + 60 * i) * 10**6 for i in range(30)], "min", "2024-01-01"),
    "nanoseconds since 1970": ("time", [(EPOCH + 86400 * i) * 10**9 for i in range(30)], "D", "2024-01-01"),
    "float seconds since 1970": ("time", [EPOCH + 0.5 * i for i in range(1, 30)], "500ms", "2024-01-01T00:00:00.5"),
    "YYYYMMDD": ("date", [f"{d:%Y%m%d}" for d in days()], "D", "2024-01-01"),
    "YYYYMMDDHH": ("date", [int(f"{h:%Y%m%d%H}") for h in hours()], "h", "2024-01-01"),
    "two digits, year first": ("date", [f"24-01-{i:02}" for i in range(1, 32)], "D", "2024-01-01"),
    "two digits, day first": ("date", [f"{d:%d/%m/%y}" for d in days()], "D", "2024-01-01"),
    "month in words": ("date", [f"{d:%d-%b-%Y}" for d in days()], "D", "2024-01-01"),
    "American words": ("date", [f"{d:%B %d, %Y}" for d in days()], "D", "2024-01-01"),
    "French words": ("date", ["1er janvier 2024", "2 janvier 2024", "3 janvier 2024"], "D", "2024-01-01"),
    "Chinese": ("date", [f"2024年1月{i}日" for i in range(1, 20)], "D", "2024-01-01"),
    "RFC 2822": ("date", [f"{d:%a, %d %b %Y} 00:00:00 +0000" for d in days()], "D[UTC]", "2024-01-01"),
    "C's own": ("date", [f"{h:%a %b %d %H:%M:%S %Y}" for h in hours()], "h", "2024-01-01"),
    "UTC in letters": ("time", [f"{h} UTC" for h in hours()], "h[UTC]", "2024-01-01"),
    "am and pm": ("time", [f"{h:%m/%d/%Y %I:%M %p}" for h in hours(24 * 14)], "h", "2024-01-01"),
    "24:00": ("time", ["01.01.2024 22:00", "01.01.2024 23:00", "01.01.2024 24:00"], "h", "2024-01-01T22:00"),
    "spans": ("MTU", [f"{h:%d.%m.%Y %H:00} - {h + HOUR:%d.%m.%Y %H:00}" for h in hours()], "h", "2024-01-01"),
    "spans of clocks": ("time", [f"{h:%Y-%m-%d %H:00}-{h + HOUR:%H:00}" for h in hours()], "h", "2024-01-01"),
    "hours alone": ("time", [f"{h:%Y-%m-%d %H}" for h in hours()], "h", "2024-01-01"),
    "days of the year": ("date", [f"2024-{i:03}" for i in range(1, 20)], "D", "2024-01-01"),
}  # fmt: skip


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("name", READ)
def test_spellings(csv: Write, name: str, newest_first: bool) -> None:
    column, cells, frequency, first = READ[name]
    rows = [f'"{cell}",{n}' for n, cell in enumerate(cells)]
    panel = read(csv(f"{column},sales\n" + "\n".join(rows[::-1] if newest_first else rows) + "\n"))
    assert panel.frequency.to_text() == frequency
    assert panel.starts[0] == np.datetime64(first, "us")
    assert panel.series(0)[:, 0].tolist() == list(range(len(cells)))
    again = read(pl.DataFrame({column: cells, "sales": range(len(cells))}))
    assert (again.frequency, again.starts[0]) == (panel.frequency, panel.starts[0])


KEPT = {
    "quarters": [f"{2015 + q // 4}Q{q % 4 + 1}" for q in range(9)],
    "quarters first": [f"Q{q % 4 + 1} {2015 + q // 4}" for q in range(9)],
    "weeks": [f"2024-W{w:02}" for w in range(1, 20)],
    "weeks in words": [f"Week {w}, 2024" for w in range(1, 20)],
    "months as numbers": [202301 + i for i in range(12)],
    "fiscal years": [f"{2000 + i}/{i + 1:02}" for i in range(12)],
    "half years": [f"{2015 + h // 2}-H{h % 2 + 1}" for h in range(8)],
    "years": list(range(1990, 2020)),
    "days": days(),
    "YYYYMMDD": [int(f"{d:%Y%m%d}") for d in days()],
}


@pytest.mark.parametrize("name", KEPT)
def test_labels_keep_their_form(name: str) -> None:
    cells = KEPT[name]
    column = "week" if "week" in name else "year" if "year" in name else "date"
    panel = read(pl.DataFrame({column: cells, "y": range(len(cells))}))
    assert panel.to_frame()[column].to_list() == cells


def test_two_readings_are_asked_for(csv: Write) -> None:
    for first in ("01-01-19", "01/01/2019"):
        cells = [first[:3] + f"{i:02}" + first[5:] for i in range(1, 9)]
        with pytest.raises(PanelError, match=r"may be .*day_first=True or day_first=False"):
            read(csv("date,y\n" + "".join(f"{cell},1\n" for cell in cells)))
    both = csv("date,y\n" + "".join(f"01-{i:02}-19,{i}\n" for i in range(1, 9)))
    with pytest.raises(PanelError, match="year_first=True"):
        read(both)
    assert read(both, day_first=True).frequency.to_text() == "M"
    assert read(both, day_first=False).frequency.to_text() == "D"


def test_the_reading_taken_is_told(csv: Write) -> None:
    panel = read(csv("date,y\n" + "".join(f"24-01-{i:02},{i}\n" for i in range(1, 20))))
    assert [str(note) for note in panel.notes] == [
        "column 'date': '24-01-01' is read as 2024-01-01, the year first (year_first=True)"
    ]
    assert not read(csv("date,y\n2024-01-01,1\n2024-01-02,2\n")).notes


@pytest.mark.parametrize(
    ("head", "cells"),
    [
        ("Monat", [f"Monat {i}" for i in range(2000, 2020)]),
        ("week", [f"Kampagne {chr(65 + i)}" for i in range(20)]),
        ("period", [f"P-{i}-x" for i in range(20)]),
        ("order date", ["soon", "later"] * 5),
        ("what", [f"x{i}" for i in range(20)]),
        ("Zeit", ["morgens", "abends"] * 5),
    ],
)
def test_no_time_is_dropped(csv: Write, head: str, cells: list[str]) -> None:
    path = csv(f"{head},x\n" + "".join(f"{cell},{n}\n" for n, cell in enumerate(cells)))
    with pytest.raises(PanelError, match=f"{head!r}.*cannot be read"):
        read(path, target="x")


def test_a_model_names_the_next_week(csv: Write) -> None:
    weeks = [dt.date(2022, 1, 3) + dt.timedelta(weeks=i) for i in range(120)]
    rows = ["{}-W{:02},{}".format(*day.isocalendar()[:2], 100 + 5 * i) for i, day in enumerate(weeks)]
    panel = read(csv("week,sales\n" + "\n".join(reversed(rows)) + "\n"), target="sales")
    assert panel.series(0)[:3, 0].tolist() == [100, 105, 110]
    assert panel.describe().endswith("2022-W01 to 2024-W16")


INDEXES: dict[str, Any] = {
    "texts": pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d"),
    "dates": [d.date() for d in pd.date_range("2024-01-01", periods=60)],
    "times": pd.date_range("2024-01-01", periods=60),
    "months": pd.period_range("2024-01", periods=60, freq="M"),
    "quarters in text": [f"{2000 + q // 4}Q{q % 4 + 1}" for q in range(60)],
    "years": np.arange(1950, 2010),
}


@pytest.mark.parametrize("name", INDEXES)
def test_unnamed_indexes(name: str) -> None:
    panel = read(pd.DataFrame({"y": np.arange(60) + 100.0}, index=INDEXES[name])[::-1])
    assert panel.series(0)[:2, 0].tolist() == [100, 101]
    assert panel.frequency.unit != "step"


@pytest.mark.parametrize("freq", ["M", "Q", "W", "D", "Y", "h"])
def test_periods(freq: str) -> None:
    frame = pd.DataFrame({"ds": pd.period_range("2015-01-01", periods=60, freq=freq), "y": np.arange(60.0)})
    for chosen in ({}, {"target": "y"}, {"time": "ds", "target": "y"}):
        panel = read(frame, **chosen)
        assert panel.length.tolist() == [60]
        assert panel.times(0)[0] == frame["ds"].dt.to_timestamp()[0].to_datetime64()
    indexed = read(frame.set_index("ds"))
    assert indexed.frequency == read(frame).frequency


def columns(times: list[dt.datetime], **formats: str) -> str:
    rows = [",".join([*(f"{t:{form}}" for form in formats.values()), str(n)]) for n, t in enumerate(times)]
    return ",".join([*formats, "load"]) + "\n" + "\n".join(rows) + "\n"


MONTHS = [dt.datetime(2010 + i // 12, i % 12 + 1, 1) for i in range(60)]
SEVERAL: dict[str, tuple[str, str]] = {
    "date and clock": (columns(hours(), Date="%d/%m/%Y", Time="%H:%M:%S").replace(",", ";"), "h"),
    "date and short clock": (columns(hours(), Datum="%Y-%m-%d", Uhrzeit="%H:%M"), "h"),
    "date and hour": (columns(hours(), date="%Y-%m-%d", hour="%H"), "h"),
    "year and month": (columns(MONTHS, Year="%Y", Month="%m"), "M"),
    "year and month in words": (columns(MONTHS, year="%Y", month="%b"), "M"),
    "year, month, day": (columns([START + DAY * i for i in range(50)], Jahr="%Y", Monat="%m", Tag="%d"), "D"),
    "year to hour": (columns(hours(), year="%Y", month="%m", day="%d", hour="%H"), "h"),
    "year and week": (columns([START + DAY * 7 * i for i in range(50)], year="%G", week="%V"), "W"),
}  # fmt: skip


@pytest.mark.parametrize("name", SEVERAL)
def test_times_in_several_columns(csv: Write, name: str) -> None:
    text, frequency = SEVERAL[name]
    panel = read(csv(text), target="load")
    assert panel.frequency.to_text() == frequency
    assert len(panel) == 1
    assert panel.series(0)[:, 0].tolist() == list(range(text.count("\n") - 1))
    sep = ";" if ";" in text else ","
    given = [line.split(sep) for line in text.splitlines()]
    out = panel.to_frame()
    for k, column in enumerate(given[0][:-1]):
        if column in out.columns:
            assert out[column].cast(pl.String).to_list() == [row[k] for row in given[1:]]


def test_hours_from_1_to_24(csv: Write) -> None:
    rows = "".join(f"2024-01-{1 + i // 24:02},{i % 24 + 1},{i}\n" for i in range(96))
    panel = read(csv("date,hour,load\n" + rows), target="load")
    assert panel.describe() == "load · 1 series · 96 hours, 2024-01-01 00:00 to 2024-01-04 23:00"


def test_columns_that_make_no_time(csv: Write) -> None:
    with pytest.raises(PanelError, match="make no time together"):
        read(csv("a,b,y\n1,2,3\n4,5,6\n"), time=["a", "b"], target="y")


def test_future_dates_follow_the_history() -> None:
    frame = pd.DataFrame({"ds": pd.date_range("2023-01-01", periods=120), "y": 1.0, "promo": 0})
    panel = read(frame, target="y", future="promo")
    ahead = pd.DataFrame({"ds": pd.date_range("2023-05-01", periods=7).strftime("%d/%m/%Y"), "promo": 0})
    assert read_covariates(ahead, panel).describe().endswith("7 days, 2023-05-01 to 2023-05-07")


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (pd.offsets.Day(), "D"),
        (pd.Timedelta("1D"), "D"),
        (dt.timedelta(days=1), "D"),
        (np.timedelta64(24, "h"), "D"),
        (pd.offsets.MonthEnd(), "ME"),
    ],
)
def test_frequencies_as_objects(step: Any, text: str) -> None:
    freq = "ME" if text == "ME" else "D"
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-31", periods=20, freq=freq), "y": range(20)})
    assert read(frame, frequency=step).frequency.to_text() == text


@pytest.mark.parametrize("step", [0, -1, 2.5, True, "x", dt.timedelta(0), [1]])
def test_what_is_no_frequency(step: Any) -> None:
    with pytest.raises(GatecastError):
        read(pd.DataFrame({"ds": range(9), "y": range(9)}), frequency=step)


@pytest.mark.parametrize("form", ["{y}-{d:03}", "{y}{d:03}"])
def test_day_366_is_one_of_leap_years(csv: Write, form: str) -> None:
    def table(year: int) -> Path:
        return csv("date,y\n" + "".join(f"{form.format(y=year, d=day)},{day}\n" for day in range(330, 367)))

    panel = read(table(2024))
    assert panel.frequency.label(panel.times(0)[-1]) == "2024-12-31"
    if "-" in form:
        with pytest.raises(PanelError):
            read(table(2023))
    else:  # as whole numbers they are steps
        assert read(table(2023)).frequency.unit == "step"


def test_prices_are_no_times_of_day(csv: Write) -> None:
    days = [f"{dt.date(2024, 1, 1) + dt.timedelta(days=i)}" for i in range(20)]
    prices = "".join(f"{day},{5 + i % 9}.{10 + 2 * i},{i % 3}.{30 - i}\n" for i, day in enumerate(days))
    assert read(csv("date,bread,milk\n" + prices)).ids == ("bread", "milk")
    clocks = "".join(f"{days[0]},{i:02}.00,{5 + i}.5\n" for i in range(20))
    assert read(csv("date,Uhrzeit,y\n" + clocks), target="y").frequency.name == "hour"
