"""Reading tables: kinds of files and frames, what is inferred, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.tables.numbers import choose_dtype
from gatecast.data.tables.reading import read, read_covariates
from gatecast.errors import ConfigError, CovariateError, GatecastError, PanelError


@pytest.fixture
def csv(tmp_path: Path) -> Any:
    def write(text: str | bytes, name: str = "sales.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


DAYS = "date,y\n2019-01-01,1\n2019-01-02,2\n2019-01-03,4\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (DAYS, "a.csv"),
        (b"\xef\xbb\xbf" + DAYS.encode(), "a.csv"),
        (DAYS.encode("utf-16"), "a.csv"),
        (gzip.compress(DAYS.encode(), mtime=0), "a.csv.gz"),
        (DAYS.replace(",", "\t"), "a.tsv"),
        (DAYS.replace(",", "|"), "a.txt"),
        ("Datum;y\n01.01.2019;1,0\n02.01.2019;2\n03.01.2019;4\n", "a.csv"),
        ("date,y\n1/1/2019 12:00 AM,1\n1/2/2019 12:00 AM,2\n1/3/2019 12:00 AM,4\n1/13/2019,\n", "a.csv"),
        ('[{"ds":"2019-01-01","y":1},{"ds":"2019-01-02","y":2},{"ds":"2019-01-03","y":4}]', "a.json"),
        ('{"ds":"2019-01-01","y":1}\n{"ds":"2019-01-02","y":2}\n{"ds":"2019-01-03","y":4}', "a.jsonl"),
    ],
)
def test_kinds_of_files(csv: Any, text: str | bytes, name: str) -> None:
    panel = read(csv(text, name), gaps="missing").slice(0, 3)
    assert panel.describe().endswith("1 series · 3 days, 2019-01-01 to 2019-01-03")
    assert panel.series(0).ravel().tolist() == [1, 2, 4]
    assert panel.values_RV.dtype == np.float32


@pytest.mark.parametrize(
    ("times", "text", "first"),
    [
        (("1949-01", "1949-02", "1949-03"), "M", "1949-01-01"),
        (("1949", "1950", "1951"), "12M", "1949-01-01"),
        (("2019Q1", "2019Q2", "2019Q3"), "3M", "2019-01-01"),
        (("13/02/2019", "14/02/2019", "15/02/2019"), "D", "2019-02-13"),
        (("02/13/2019", "02/14/2019", "02/15/2019"), "D", "2019-02-13"),
        (("01/10/2019", "01/11/2019", "01/12/2019", "01/01/2020"), "M", "2019-10-01"),
        (("31.01.2019", "28.02.2019", "31.03.2019"), "ME", "2019-01-31"),
        (("Jan-19", "Feb-19", "Mar-19"), "M", "2019-01-01"),
        (("2024-01-04", "2024-01-05", "2024-01-08"), "B", "2024-01-04"),
        (("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z", "2024-01-01T02:00:00Z"), "h[UTC]", "2024-01-01"),
        (("2024-01-01T00:00+02:00", "2024-01-01T00:15+02:00"), "15min[UTC]", "2023-12-31T22:00"),
    ],
)
def test_dates_in_text(csv: Any, times: tuple[str, ...], text: str, first: str) -> None:
    panel = read(csv("date,v\n" + "".join(f"{time},1\n" for time in times)))
    assert panel.starts[0] == np.datetime64(first, "us")
    assert panel.length.tolist() == [len(times)]
    assert panel.frequency.to_text() == text


def test_day_or_month_first_is_asked_for(csv: Any) -> None:
    path = csv("date,y\n01/01/2019,1\n01/02/2019,2\n01/03/2019,3\n")
    with pytest.raises(PanelError, match="day_first="):
        read(path)
    assert read(path, day_first=True).frequency.to_text() == "M"
    assert read(path, day_first=False).frequency.to_text() == "D"


def test_wide_long_and_plain_tables() -> None:
    days = pd.date_range("2024", periods=4)
    wide = read(pd.DataFrame({"a": [np.nan, 1, 2, 3], "b": [4.0, 5, 6, np.nan]}, index=days))
    assert (wide.ids, wide.length.tolist(), wide.targets) == (("a", "b"), [3, 3], ("y",))
    both = read(pd.DataFrame({"a": [1.0, 2], "b": [3.0, 4], "day": days[:2]}), target=["a", "b"])
    assert both.series(0).tolist() == [[1, 3], [2, 4]]
    plain = read(pl.DataFrame({"v": [5, 6]}))
    assert plain.times(0).tolist() == [1, 2]
    long = read(pl.DataFrame({"shop": ["x", "x", "w", "w"], "ds": [2, 1, 1, 2], "v": [1, 2, 3, 4]}))
    assert (long.ids, long.target_RC.ravel().tolist()) == (("x", "w"), [2, 1, 3, 4])
    assert long.names == ("shop", "ds")


def test_all_problems_at_once_with_rows_and_file(csv: Any) -> None:
    rows = [
        "2019-01-01,1",
        "2019-01-02,n/a",
        "2019-01-03,inf",
        "2019-01-03,3",
        "soon,3",
        ",4",
        "2019-01-07,2",
        "2019-01-08,2",
    ]
    with pytest.raises(PanelError) as caught:
        read(csv("date,y\n" + "\n".join(rows) + "\n"))
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "'n/a' in column 'y', row 3 of sales.csv",
        "'inf' in column 'y', row 4",
        "series 'y' has 2 rows for 2019-01-03 (rows 4 and 5 of sales.csv). One row per series and time is allowed",
        "'soon' in column 'date', row 6",
        "row 7 of sales.csv without a time",
        "no row for 2019-01-04 to 2019-01-06 (3 days)",
    ):
        assert part in message


def test_rows_off_the_grid(csv: Any) -> None:
    days = "".join(f"2019-01-{day:02},1\n" for day in range(1, 20)) + "2019-01-20 05:00,1\n"
    with pytest.raises(
        PanelError, match=r"1 of 20 rows are off the grid.*05:00:00 in series 'y' \(row 21 of sales.csv\)"
    ):
        read(csv("date,y\n" + days))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        ("date,y\n", "no rows"),
        ("date,y\n2019-01-01,5\n", "frequency="),
        ("1949-01,112\n1949-02,118\n", "Add a header row"),
        ("date,y,z\n2019-01-01,1\n2019-01-02,1,2,3\n", "cannot be read"),
        ("a,b\nx,y\n", "unclear"),
        ("date,other,y\n2019-01-01,2019-01-01,1\n", "frequency="),
        ("start,other,y\n2019-01-01,2019-01-01,1\n", "Pass time="),
        ("id,date,a,b\nx,2019-01-01,1,2\nz,2019-01-01,1,2\n", "could all be the target"),
        ("id,date,y\nx,2019-01-01,1\n,2019-01-02,1\n", "without a name"),
        ("id,y\nx,1\nz,2\n", "Pass time="),
    ],
)
def test_refused_tables(csv: Any, text: str, match: str) -> None:
    with pytest.raises(PanelError, match=match):
        read(csv(text))


@pytest.mark.parametrize("source", [5, [1.0], "/no/such.csv", ".", pd.DataFrame(), "x.xlsx"])
def test_refused_sources(source: object) -> None:
    with pytest.raises(PanelError):
        read(source)


def test_damaged_parquet_and_unknown_arguments(csv: Any) -> None:
    with pytest.raises(PanelError, match="cannot be read"):
        read(csv("no parquet", "a.parquet"))
    with pytest.raises(PanelError, match="did you mean 'date'"):
        read(csv(DAYS), time="datee")
    with pytest.raises(ConfigError):
        read(csv(DAYS), gaps="fill")  # type: ignore[arg-type]
    with pytest.raises(PanelError, match="whole numbers"):
        read(csv(DAYS), frequency="step")


COVARIATES = pl.DataFrame(
    {
        "unique_id": ["a", "a", "b", "b"],
        "ds": [1, 2, 1, 2],
        "y": [1.0, 2.0, 3.0, None],
        "promo": [True, False, False, True],
        "kind": ["W", "A", "U", "W"],
        "region": ["n", "n", "s", "s"],
    }
)


def test_covariates_are_encoded_and_remembered() -> None:
    panel = read(COVARIATES, future=["promo", "kind"], static="region")
    assert panel.future_RF.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1]]
    assert panel.static_NS.tolist() == [[1, 0], [0, 1]]
    assert panel.length.tolist() == [2, 2]  # the row without a target stays: its covariates are known
    imposed = read(COVARIATES, future="kind", categories={"kind": ("W", "A", "U", "X")})
    assert imposed.schema.future[0].width == 4
    with pytest.raises(CovariateError, match="unknown categories 'U'"):
        read(COVARIATES, future="kind", categories={"kind": ("W", "A")})
    with pytest.raises(CovariateError, match="within series 'a', 'b'"):
        read(COVARIATES, static="kind", target="y")


def test_future_covariates_by_table_and_by_constant() -> None:
    panel = read(COVARIATES, future=["promo", "kind"])
    ahead = read_covariates(
        pl.DataFrame({"unique_id": ["b", "b"], "ds": [3, 4], "promo": [0, 1], "kind": ["A", "A"]}), panel
    )
    assert (ahead.ids, ahead.values_RV.tolist()) == (("b",), [[0, 1, 0, 0], [1, 1, 0, 0]])
    constant = read_covariates({"promo": 1, "kind": "U"}, panel, horizon=3)
    assert constant.length.tolist() == [3, 3]
    assert constant.starts.tolist() == [3, 3]
    assert constant.values_RV[0].tolist() == [1, 0, 1, 0]
    with pytest.raises(CovariateError, match=r"missing future covariates: 'promo' \(did you mean 'prom'\?\), 'kind'"):
        read_covariates(pl.DataFrame({"unique_id": ["b"], "ds": [3], "prom": [0]}), panel)
    with pytest.raises(CovariateError, match="unknown categories 'Z'"):
        read_covariates({"promo": 1, "kind": "Z"}, panel, horizon=3)
    with pytest.raises(ConfigError, match="horizon="):
        read_covariates({"promo": 1, "kind": "U"}, panel)


def test_gaps_are_filled_when_asked() -> None:
    table = pl.DataFrame({"ds": [1, 2, 3, 6, 7], "y": [1, 2, 3, 6, 7], "x": [1, 2, 3, 6, 7]})
    panel = read(table, target="y", past="x", gaps="missing")
    assert np.array_equal(panel.values_RV[:, 0], [1, 2, 3, np.nan, np.nan, 6, 7], equal_nan=True)
    assert np.isnan(panel.past_RP[3:5]).all()


@pytest.mark.parametrize(("level", "step", "kind"), [(1e8, 1, "float64"), (1e6, 1, "float32"), (100.1, 0.1, "float32")])
def test_precision_is_chosen_by_the_changes(level: float, step: float, kind: str) -> None:
    value_R1 = (level + step * np.arange(50))[:, None]
    assert np.dtype(choose_dtype(value_R1, np.array([0]))).name == kind
    assert read(pl.DataFrame({"y": value_R1[:, 0]})).values_RV.dtype == kind


@settings(max_examples=40)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    series = np.repeat([f"s{n}" for n in range(len(lengths))], lengths)
    steps = np.concatenate([np.arange(length) for length in lengths])
    table = pd.DataFrame({"unique_id": series, "ds": steps, "y": rng.normal(size=len(series))})
    shuffled = read(table.sample(frac=1, random_state=seed), frequency="step")
    panel = read(table, frequency="step")
    for name in panel.ids:
        assert np.array_equal(panel.series(name), shuffled.series(name))


@settings(max_examples=150)
@given(st.text(alphabet='date,y;\n"0123456789-/.: nax', max_size=120))
def test_no_text_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text)
    try:
        read(path)
    except GatecastError as error:
        assert "\n" not in str(error)  # noqa: PT017  most texts are refused, some are tables


def test_benchmark_files(shared_data: Path) -> None:
    expected = {
        "m4_weekly_train.parquet": (359, "step"),
        "m3_monthly_train.parquet": (1428, "M"),
        "m3_yearly_train.parquet": (645, "12M"),
        "etth1.parquet": (7, "h"),
        "airline-passengers.csv": (1, "M"),
    }
    found = {name: read(shared_data / name) for name in expected}
    assert {name: (len(panel), panel.frequency.to_text()) for name, panel in found.items()} == expected
