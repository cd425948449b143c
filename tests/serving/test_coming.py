"""The rows to come: written as the data write them, so that they can go back as future covariates."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the service needs the extra serve")

import httpx
import numpy as np

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.serving.models.coming import MOST, coming_rows
from gatecast.serving.models.histories import future_of
from gatecast.workflow import known_future

Columns = dict[str, list[Any]]
STEPS, AHEAD, HORIZON = 24, 2, 3
PRICE = [round(1 + 0.1 * k, 1) for k in range(STEPS + AHEAD)]
KIND = ["fair" if k % 5 == 0 else "plain" for k in range(STEPS + AHEAD)]
UNITS = [float(k) for k in range(STEPS)] + [None] * AHEAD


def days(form: str = "D") -> list[str]:
    return [str(day) for day in np.datetime64("2024-01-01", form) + np.arange(STEPS + AHEAD)]


TIMES: dict[str, tuple[Columns, list[str]]] = {
    "days": ({"day": days()}, ["day"]),
    "hours": ({"at": [f"{hour}:00" for hour in days("h")]}, ["at"]),
    "steps": ({"step": list(range(7, 7 + STEPS + AHEAD))}, ["step"]),
    "two columns": (
        {"year": [2001 + k // 12 for k in range(STEPS + AHEAD)], "month": [k % 12 + 1 for k in range(STEPS + AHEAD)]},
        ["year", "month"],
    ),
    "quarters": ({"quarter": [f"{2001 + k // 4}-Q{k % 4 + 1}" for k in range(STEPS + AHEAD)]}, ["quarter"]),
}


def panel_with(times: Columns, named: list[str]) -> Panel:
    table = {**times, "price": PRICE, "kind": KIND, "units": UNITS}
    return gc.read(table, time=named, target="units", future=["price", "kind"])


@pytest.mark.parametrize("shape", TIMES)
def test_rows_go_back_as_they_came(shape: str) -> None:
    panel = panel_with(*TIMES[shape])
    told = json.loads(json.dumps(coming_rows(panel, HORIZON)))
    assert told["keys"][-len(TIMES[shape][1]) :] == TIMES[shape][1]
    assert [row["price"] for row in told["rows"]] == [*PRICE[STEPS:], PRICE[-1]]
    assert [row["kind"] for row in told["rows"]] == [*KIND[STEPS:], KIND[-1]]
    assert sorted(told["filled"]) == [[AHEAD, "kind"], [AHEAD, "price"]]
    assert known_future(panel, HORIZON, future_of(told["rows"])) is not None  # complete, at the right times


def test_two_series_each_have_their_own_rows(shop_table: Columns) -> None:
    panel = gc.read(shop_table, series="shop", time="day", target="units", future="price")
    told = coming_rows(panel, 2)
    assert told["columns"] == [{"name": "price", "categories": None}]
    assert [(row["shop"], row["day"]) for row in told["rows"]] == [
        (shop, day) for shop in ("north", "south") for day in ("2024-03-01", "2024-03-02")
    ]
    many = coming_rows(panel, MOST)
    assert (many["rows"], many["keys"]) == ([], ["shop", "day"])


def test_a_look_tells_them_for_a_horizon(client: httpx.Client, shop_table: Columns) -> None:
    lines = [",".join(shop_table), *(",".join(map(str, row)) for row in zip(*shop_table.values(), strict=True))]
    asked = {"read": json.dumps({"target": ["units"], "future": ["price"]}), "horizon": "5"}
    told = client.post("/v1/look", files={"file": ("shop.csv", "\n".join(lines))}, data=asked).json()
    assert [row["day"] for row in told["coming"]["rows"][:5]] == [f"2024-03-{day:02d}" for day in range(1, 6)]
    assert len(told["coming"]["filled"]) == 10


def test_a_series_tells_what_its_forecast_waits_for(client: httpx.Client, shop_table: Columns) -> None:
    assert client.post("/v1/observe", json={"model": "shop", "rows": shop_table}).status_code == 200
    found = client.get("/v1/series/north", params={"model": "shop"}).json()
    assert found["forecast"] == []
    assert "'price' is missing for 2024-03-01..2024-03-04 in 'north'" in found["waits"]
    rows = [{name: row[name] for name in ("shop", "day", "price")} for row in found["coming"]["rows"]]
    assert client.post("/v1/observe", json={"model": "shop", "rows": rows}).json()["counts"] == {"ahead": 4}
    found = client.get("/v1/series/north", params={"model": "shop"}).json()
    assert found["waits"] is None
    assert found["coming"] == {
        "keys": ["shop", "day"],
        "columns": [{"name": "price", "categories": None}],
        "rows": rows,
        "filled": [],
    }
    asked = {"model": "shop", "series": ["north"], "future": rows}
    assert found["forecast"] == client.post("/v1/forecast", json=asked).json()["forecast"]


def test_a_job_shows_what_was_observed_and_held_out(client: httpx.Client, airline: Columns) -> None:
    lines = ["ds,y", *(f"{a},{b}" for a, b in zip(*airline.values(), strict=True))]
    request = {"kind": "forecast", "horizon": 6, "settings": {"preset": "instant"}, "origins": 2}
    answer = client.post(
        "/v1/jobs", files={"file": ("air.csv", "\n".join(lines))}, data={"request": json.dumps(request)}
    )
    job = answer.json()["id"]
    with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        list(stream.iter_lines())
    result = client.get(f"/v1/jobs/{job}").json()["result"]
    (seen,), (held,) = result["observed"], result["held_out"]
    assert seen["value"] == airline["Passengers"]
    assert seen["time"][-1] == "1960-12"
    assert held["time"] == [f"1960-{month:02d}" for month in range(7, 13)]
    panel = gc.read(airline, time="ds", target="Passengers")
    made = gc.evaluate(gc.Forecaster(6, preset="instant", progress=False), panel, origins=2)
    np.testing.assert_allclose(held["forecast"], made.point_BHC[-1, :, 0], rtol=1e-5)
