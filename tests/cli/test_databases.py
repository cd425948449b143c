"""Databases on the command line: queries in, forecasts out once, and no password anywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.cli.conftest import TINY, Run, table

import gatecast as gc

pytest.importorskip("adbc_driver_manager", reason="the extra sql is not installed")
pytest.importorskip("duckdb", reason="the extra sql is not installed")

QUERY = "select month, sales from shop order by month"
FORECAST = ["--horizon", "3", "--preset", "instant"]


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        yield server.url(server.database())
    else:
        yield f"{request.param}:///{tmp_path}/shop.{request.param}"


def filled(path: Path, rows: int = 40) -> str:
    """A database of SQLite with the table "shop"."""
    lines = [line.split(",") for line in table(rows).splitlines()[1:]]
    with sqlite3.connect(path) as connection:
        connection.execute("drop table if exists shop")
        connection.execute("create table shop (month text, sales real)")
        connection.executemany("insert into shop values (?, ?)", lines)
    connection.close()
    return f"sqlite:///{path}"


def rows_of(address: str) -> pl.DataFrame:
    from gatecast.data.tables.shapes.sources import load

    return load(address).frame


def test_a_query_forecasts_as_its_file_does(run: Run, sales: Path, tmp_path: Path) -> None:
    by_file = run("forecast", sales, *FORECAST, "--json").json
    shop = filled(tmp_path / "shop.db")
    by_query = run("forecast", shop, "--query", QUERY, *FORECAST, "--json")
    assert by_query.code == 0, by_query.err
    assert by_query.json["forecast"] == by_file["forecast"]
    assert f"'{QUERY}'" in by_query.json["verdict"]["next"]
    of_files = run("forecast", "--query", f"from '{sales}'", *FORECAST, "--json")
    assert of_files.json["forecast"] == by_file["forecast"]
    shown = run("look", f"{shop}#shop")
    assert shown.code == 0
    assert f"{shop}: 40 rows" in shown.out


def test_forecasts_are_appended_once(run: Run, store: str, sales: Path, tmp_path: Path) -> None:
    place = f"{store}#made_forecasts"
    for _ in range(2):
        done = run("forecast", sales, *FORECAST, "--output", place, "--save", "first.gatecast", "--json")
        assert done.code == 0, done.err
    assert done.json["files"][0].endswith("#made_forecasts")
    assert rows_of(place).height == 3
    done = run("predict", "first.gatecast", sales, "--output", place)
    assert rows_of(place).height == 3
    (tmp_path / "newer.csv").write_text(table(41))
    Path("first.gatecast").rename("second.gatecast")
    assert run("predict", "second.gatecast", "newer.csv", "--output", place).code == 0
    rows = rows_of(place).sort("model", "month").with_columns(pl.col("origin", "month", "created").cast(pl.String))
    assert rows["model"].to_list() == ["first"] * 3 + ["second"] * 3
    assert [text[:10] for text in rows["origin"]] == ["2023-04-01"] * 3 + ["2023-05-01"] * 3
    assert [text[:10] for text in rows["month"]][:2] == ["2023-05-01", "2023-06-01"]
    assert all(text.startswith("20") for text in rows["created"])
    expected = gc.load("second.gatecast").predict(gc.read("newer.csv"))
    np.testing.assert_allclose(rows["sales"].to_numpy()[3:], expected.values[0, :, 0], rtol=1e-6)


def test_a_forecast_of_other_series_is_kept(store: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    two = {"a": rng.normal(size=30), "b.'\"x": rng.normal(size=30)}
    frame = pl.concat(
        pl.DataFrame({"store": [name] * 30, "step": range(1, 31), "y": values}) for name, values in two.items()
    )
    model = gc.Forecaster(2, preset="instant").fit(gc.read(frame))
    place = f"{store}#kept"
    model.predict(gc.read(frame)).to_database(place, "m")
    model.predict(gc.read(frame.filter(pl.col("store") == "a"), series="store")).to_database(place, "m")
    found = rows_of(place)
    assert found.height == 4
    assert found["origin"].to_list() == [30] * 4
    assert set(found["store"]) == set(two)


def test_a_table_of_another_kind_is_left_alone(run: Run, store: str, sales: Path) -> None:
    run("forecast", sales, *FORECAST, "--output", f"{store}#kept")
    other = sales.with_name("other.csv")
    other.write_text(table().replace("sales", "units"))
    done = run("forecast", other, *FORECAST, "--output", f"{store}#kept")
    assert done.code == 2
    assert "lacks the columns 'units'" in done.err
    assert rows_of(f"{store}#kept").height == 3


def test_a_data_column_that_is_in_the_way_is_named(run: Run, store: str, sales: Path) -> None:
    sales.write_text(table().replace("sales", "origin"))
    done = run("forecast", sales, *FORECAST, "--output", f"{store}#kept")
    assert done.code == 2
    assert "'origin' is a column of the data" in done.err


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("sqlite:///shop.db", "names no table"), ("duckdb://#kept", "keeps nothing"),
        ("sqlite:///nowhere/shop.db#kept", "nowhere/shop.db"), ("sqlite:/shop.db#kept", "one slash"),
        ("postgresql://me:s3cret@127.0.0.1:1/x#kept", "onnection refused"),
        ("redis://me:s3cret@h#kept", "no known kind"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said_before_the_work(run: Run, sales: Path, output: str, said: str) -> None:
    done = run("forecast", sales, *FORECAST, "--output", output)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "s3cret" not in done.err


def test_no_password_is_shown_or_kept(run: Run, postgres: Any, tmp_path: Path) -> None:
    name = postgres.database()
    postgres.run("create table shop (month date, sales real)", name)
    months = "select date '2020-01-01' + n * interval '1 month', 100 + n + n % 12 from generate_series(0, 39) n"
    postgres.run(f"insert into shop {months}", name)
    url = postgres.url(name)
    told = ""
    words = ["--query", QUERY, "--output", f"{url}#made", "--save", "m.gatecast", "--report", "m.html"]
    for more in ([], ["--json"]):
        done = run("forecast", url, *FORECAST, *words, *more)
        assert done.code == 0, done.err
        told += done.out + done.err
    for wrong in (["look", url], ["look", url, "--query", "selec"], ["look", url, "--nonsense", url], ["nonsense", url],
                  ["forecast", f"{url}/x", "--json"], ["predict", "m.gatecast", url], ["fit", url, "--save", "x/y"],
                  ["tune", f"{url}#shop", "--horizon", "3", "--trials", "1", *TINY[:2], "--time-limit", "1"],
                  ["evaluate", f"{url}#shop", *FORECAST]):  # fmt: skip
        done = run(*wrong)
        told += done.out + done.err
    for secret in ("p@ss", "p%40ss", "w:rd", "w%3Ard"):
        assert secret not in told
        assert secret not in Path("m.html").read_text()
        assert secret.encode() not in Path("m.gatecast").read_bytes()
    assert f"postgresql://owner@127.0.0.1:{postgres.port}/{name}" in told
    assert postgres.run("select count(*) from made", name) == "3"


def test_future_covariates_come_from_a_table(run: Run, tmp_path: Path) -> None:
    months = [f"20{20 + n // 12}-{n % 12 + 1:02d}-01" for n in range(43)]
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table shop (month text, sales real, price real)")
        connection.execute("create table prices (month text, price real)")
        known = [(month, 100 + n, n % 5) for n, month in enumerate(months)]
        connection.executemany("insert into shop values (?, ?, ?)", known[:40])
        connection.executemany("insert into prices values (?, ?)", [(month, price) for month, _, price in known[40:]])
    connection.close()
    shop = f"sqlite:///{tmp_path}/shop.db"
    words = ["--target", "sales", "--future-columns", "price", "--horizon", "3", *TINY]
    done = run("forecast", f"{shop}#shop", *words, "--future", f"{shop}#prices")
    assert done.code == 0, done.err
