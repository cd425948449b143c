"""Numbers of other habits: the whole column is the evidence, the guilty cell is named and not its neighbours."""

from __future__ import annotations

import datetime as dt
import decimal
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gatecast as gc
from gatecast.data.tables.reading import read
from gatecast.errors import CovariateError, PanelError

Write = Callable[..., Path]
NAN = float("nan")


def table(cells: Sequence[str], sep: str = ",", head: str = "y") -> str:
    rows = [f'{dt.date(2024, 1, 1) + dt.timedelta(days=i)}{sep}"{cell}"' for i, cell in enumerate(cells)]
    return f"date{sep}{head}\n" + "\n".join(rows) + "\n"


# name -> (cells, separator of the file, numbers)
READ: dict[str, tuple[list[str], str, list[float]]] = {
    "German thousands": (["900", "937", "974", "1.011", "1.048"], ";", [900, 937, 974, 1011, 1048]),
    "German thousands and decimals": (["900,5", "1.011", "1.048,25"], ";", [900.5, 1011, 1048.25]),
    "German millions": (["1.234.567", "999.000"], ",", [1234567, 999000]),
    "decimal commas": (["12,3", "13,45", "14,345"], ",", [12.3, 13.45, 14.345]),
    "decimal commas of three digits": (["0,345", "1,346", "2,347"], ",", [0.345, 1.346, 2.347]),
    "decimals of three digits": (["1.234", "1.345", "2"], ",", [1.234, 1.345, 2]),
    "English thousands": (["987", "1,234", "1,500"], ",", [987, 1234, 1500]),
    "English thousands and decimals": (["987.5", "1,234.25"], ",", [987.5, 1234.25]),
    "Indian money": (["₹100", "₹250.50"], ",", [100, 250.5]),
    "Swiss": (["1'234.50", "999.00", "12’000.00"], ",", [1234.5, 999, 12000]),
    "French": (["1 234,5", "1\u00a0999,0", "3\u202f000,25", "3,5"], ";", [1234.5, 1999, 3000.25, 3.5]),
    "euros": (["€1,461.50", "€1,000.00"], ",", [1461.5, 1000]),
    "euros behind": (["5,50 €", "1.006,00 €"], ";", [5.5, 1006]),
    "dollars below zero": (["-$5.50", "$6.00", "$-7.25"], ",", [-5.5, 6, -7.25]),
    "reais": (["R$ 1.234,50", "R$ 10,00"], ";", [1234.5, 10]),
    "francs": (["CHF 1'000", "CHF 20"], ",", [1000, 20]),
    "percent": (["12 %", "13.5%"], ",", [12, 13.5]),
    "thousands and millions": (["1.2K", "950", "3M", "1bn"], ",", [1200, 950, 3e6, 1e9]),
    "German millions in words": (["1,5 Mio", "2 Mrd"], ";", [1.5e6, 2e9]),
    "accounting": (["(120)", "130", "(1,250.50)"], ",", [-120, 130, -1250.5]),
    "minus behind": (["12-", "13", "14.5-"], ",", [-12, 13, -14.5]),
    "a real minus": (["−5", "5"], ",", [-5, 5]),
    "full-width digits": (["１２", "１３"], ",", [12, 13]),
    "exponents": (["1e5", "2.5E-3"], ",", [1e5, 0.0025]),
    "signs": (["+5", " 6 ", "-7"], ",", [5, 6, -7]),
    "question marks": (["?", "1", "2"], ",", [NAN, 1, 2]),
    "marks of spreadsheets": (["1", "#N/A", "#DIV/0!", "4"], ",", [1, NAN, NAN, 4]),
    "marks of statistics": (["1", "..", "N/A", ".", "3"], ",", [1, NAN, NAN, NAN, 3]),
    "true and false": (["TRUE", "FALSE", "true"], ",", [1, 0, 1]),
}


@pytest.mark.parametrize("name", READ)
def test_habits(csv: Write, name: str) -> None:
    cells, sep, numbers = READ[name]
    panel = read(csv(table(cells, sep)), dtype=np.float64)
    np.testing.assert_array_equal(panel.series(0)[:, 0], numbers)
    beside = pl.DataFrame({"ds": range(len(cells)), "y": 1.0, "x": cells})
    past = read(beside, target="y", past="x", decimal="," if sep == ";" else None)
    assert past.past_RP.shape[1] == 1


NOTED = {
    "1.011": ["900", "974", "1.011"],
    "€1,461.50": ["€1,461.50", "€5.00"],
    "12 %": ["12 %", "13 %"],
    "1.2K": ["1.2K", "900"],
    "(5)": ["(5)", "6"],
    "?": ["?", "6", "7"],
}


@pytest.mark.parametrize("cell", NOTED)
def test_what_is_not_obvious_is_told(csv: Write, cell: str) -> None:
    notes = [str(note) for note in read(csv(table(NOTED[cell], ";"))).notes]
    assert len(notes) == 1
    assert repr(cell) in notes[0]
    assert "'y'" in notes[0]


WRONG: dict[str, tuple[list[str], str, str, int]] = {
    "a dash among decimal commas": ([*(f"{50 + i},10" for i in range(60))], ";", "-", 7),
    "a word among decimal commas": ([*(f"{50 + i},10" for i in range(60))], ";", "closed", 12),
    "a word among thousands": ([*(f"1.{100 + i}" for i in range(40)), "900"], ";", "viel", 3),
    "two commas": ([*(f"{5 + i}.5" for i in range(20))], ",", "1,2,3", 4),
    "a range": ([*(f"{5 + i}" for i in range(20))], ",", "1-2", 4),
    "another currency": ([*(f"€{5 + i}" for i in range(20))], ",", "$7", 9),
    "a number without percent": ([*(f"{5 + i} %" for i in range(20))], ",", "0.5", 9),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_guilty_cell_is_named_alone(csv: Write, name: str) -> None:
    cells, sep, bad, at = WRONG[name]
    cells = [*cells[:at], bad, *cells[at + 1 :]]
    for chosen in ({}, {"target": "Preis"}):
        with pytest.raises(PanelError) as caught:
            read(csv(table(cells, sep, "Preis")), **chosen)
        told = str(caught.value)
        assert told.startswith(f"{bad!r} in column 'Preis', row {at + 2} of t.csv is no number")
        assert told.count(", row ") == 1


def test_a_dash_may_be_missing_or_zero(csv: Write) -> None:
    path = csv(table(["1", "-", "3"]))
    with pytest.raises(PanelError, match="pass na='-'; if for zero, write 0"):
        read(path)
    np.testing.assert_array_equal(read(path, na="-").series(0)[:, 0], [1, NAN, 3])
    other = csv(table(["1", "-999", "closed", "4"]))
    np.testing.assert_array_equal(read(other, na=["-999", "closed"]).series(0)[:, 0], [1, NAN, NAN, 4])


ASKED = {
    "commas": (["12,345", "13,346", "14,347"], ",", ","),
    "commas beside semicolons": (["1,599", "1,609", "1,589"], ";", ","),
    "dots where dates have dots": (["1.234", "1.345", "1.456"], ";", "."),
}


@pytest.mark.parametrize("name", ASKED)
def test_thousands_or_decimals(csv: Write, name: str) -> None:
    cells, sep, sign = ASKED[name]
    rows = [f'{i + 1:02}.01.2024{sep}"{cell}"' for i, cell in enumerate(cells)]
    path = csv(f"date{sep}y\n" + "\n".join(rows) + "\n")
    with pytest.raises(PanelError, match="Pass decimal="):
        read(path)
    other = "." if sign == "," else ","
    assert read(path, decimal=sign).series(0)[0, 0] == np.float32(cells[0].replace(sign, "."))
    assert read(path, decimal=other).series(0)[0, 0] == float(cells[0].replace(sign, ""))
    with pytest.raises(gc.errors.ConfigError, match="decimal"):
        read(path, decimal=";")  # type: ignore[arg-type]


def test_other_columns_are_evidence(csv: Write) -> None:
    rows = "".join(f'2024-01-{i:02},"{i},345",{i}.5\n' for i in range(1, 9))
    assert read(csv("date,y,other\n" + rows), target="y").series(0)[0, 0] == 1345


SAME: dict[str, Callable[[pd.Series], Any]] = {
    "decimal of Arrow": lambda y: y.astype(pd.ArrowDtype(pa.decimal128(9, 2))),
    "decimals of Python": lambda y: pd.Series([decimal.Decimal(str(v)) for v in y], dtype=object),
    "floats of Arrow": lambda y: y.astype("float64[pyarrow]"),
    "nullable floats": lambda y: y.astype("Float64"),
    "mixed whole and float": lambda y: pd.Series([int(v) if v == int(v) else v for v in y], dtype=object),
    "texts": lambda y: y.astype(str),
}


@pytest.mark.parametrize("name", SAME)
def test_kinds_of_numbers_in_frames(name: str) -> None:
    y = pd.Series([i / 10 for i in range(60)])
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=60), "y": SAME[name](y)})
    for chosen in ({}, {"target": "y"}):
        np.testing.assert_allclose(read(frame, **chosen).series(0)[:, 0], y, atol=1e-6)


def test_money_as_a_covariate_is_one_column() -> None:
    text = "day,units,revenue\n" + "".join(f'2024-01-{i:02},{i},"€{1000 + 13.37 * i:,.2f}"\n' for i in range(1, 29))
    panel = read(io.StringIO(text), target="units", past=["revenue"])
    assert panel.past_RP.shape == (28, 1)
    assert panel.past_RP[0, 0] == pytest.approx(1013.37)


def test_texts_that_are_no_numbers_are_refused_with_a_count() -> None:
    frame = pl.DataFrame({"ds": range(300), "y": 1.0, "c": [f"c{i % 150}" for i in range(300)]})
    with pytest.raises(CovariateError, match=r"'c' holds 150 different texts .* at most 100"):
        read(frame, target="y", past="c")
    assert read(frame, target="y").past_RP.shape == (300, 0)


MONTHS = ",".join(f"{name} 2024" for name in ("Jan", "Feb", "Mar", "Apr"))
CLEAR, IN_DOUBT = 'Tickets,990,"1,002",995,"1,010"', 'Revenue,"98,921","90,711","99,252","91,963"'


def test_a_row_in_doubt_is_read_as_the_other_rows_are(csv) -> None:
    panel = read(csv(f"KPI,{MONTHS}\n{CLEAR}\n{IN_DOUBT}\n"), dtype=np.float64)
    assert panel.series("Revenue")[:, 0].tolist() == [98921, 90711, 99252, 91963]
    assert panel.series("Tickets")[:, 0].tolist() == [990, 1002, 995, 1010]
    assert "row 'Revenue': '98,921' is read as 98921" in " ".join(map(str, panel.notes))


def test_rows_that_are_all_in_doubt_are_a_question(csv) -> None:
    path = csv(f"KPI,{MONTHS}\n{IN_DOUBT}\n")
    with pytest.raises(PanelError, match=r"'98,921' in row 'Revenue' may be 98921 or 98\.921") as caught:
        read(path)
    first = caught.value.remedies[0]
    panel = read(path, dtype=np.float64, **{first["setting"]: first["value"]})
    assert panel.series(0)[:, 0].tolist() == [98921, 90711, 99252, 91963]


def three(first: str, second: str) -> str:
    """Columns of decimals in two forms, and one in which every comma stands before three digits."""
    rows = [f"2024-01-{d:02}|{first}{d:02}|{second}{d:02}|{d},{100 + d}" for d in range(1, 20)]
    return "date|a|b|c\n" + "\n".join(rows) + "\n"


def test_columns_that_differ_tell_nothing_of_another(csv) -> None:
    with pytest.raises(PanelError, match=r"'1,101' in column 'c' may be 1101 or 1\.101"):
        read(csv(three("5,", "6.")), wide=True)


def test_a_column_in_doubt_is_read_as_the_others_and_told(csv) -> None:
    panel = read(csv(three("5,", "6,")), wide=True, dtype=np.float64)
    assert panel.series("c")[:2, 0].tolist() == [1.101, 2.102]
    assert "column 'c': '1,101' is read as 1.101, with a decimal comma" in map(str, panel.notes)
    panel = read(csv(three("5.", "6.")), wide=True, dtype=np.float64)
    assert panel.series("c")[:2, 0].tolist() == [1101, 2102]
    assert "column 'c': '1,101' is read as 1101, with commas between thousands (decimal='.')" in map(str, panel.notes)
