"""Forecasts over HTTP: those of ``predict``, however the request is written and whoever asks at the same time."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

import gatecast as gc
from gatecast.serving.models.histories import Histories
from gatecast.workflow import forecast_facts

ARROW = "application/vnd.apache.arrow.stream"
Columns = dict[str, list[Any]]


def asked(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/forecast", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> bool:
    """Equal to six digits: a batch adds up in another order."""
    assert [(one["series"], one["target"], one["time"]) for one in found] == [
        (one["series"], one["target"], one["time"]) for one in wanted
    ]
    return all(
        np.allclose(one["quantiles"][level], other["quantiles"][level], rtol=1e-5)
        for one, other in zip(found, wanted, strict=True)
        for level in one["quantiles"]
    )


def test_a_history_gets_the_forecast_of_predict(client: httpx.Client, airline: Columns, airline_file: Path) -> None:
    wanted = forecast_facts(gc.load(airline_file).predict(airline))
    assert same(asked(client, model="airline", history=airline)["forecast"], wanted)
    rows = [dict(zip(airline, cells, strict=True)) for cells in zip(*airline.values(), strict=True)]
    assert same(asked(client, model="airline", history=rows)["forecast"], wanted)


def test_horizon_and_quantiles_cut_it(client: httpx.Client, airline: Columns) -> None:
    whole = asked(client, model="airline", history=airline)["forecast"][0]
    cut = asked(client, model="airline", history=airline, horizon=2, quantiles=[0.9, 0.1])
    assert cut["horizon"] == 2
    assert cut["forecast"][0]["time"] == whole["time"][:2]
    assert list(cut["forecast"][0]["quantiles"]) == ["0.9", "0.1"]
    assert cut["forecast"][0]["quantiles"]["0.1"] == whole["quantiles"]["0.1"][:2]


def test_requests_together_get_what_each_gets_alone(client: httpx.Client, airline: Columns, airline_file: Path) -> None:
    """Series of one name, others, rows at another time, and one that is wrong."""
    model = gc.load(airline_file)
    rng = np.random.default_rng(0)
    histories = []
    for n in range(24):
        begin = int(rng.integers(0, 60))
        values = [round(value * (1 + n / 10), 1 + n % 3) for value in airline["Passengers"][begin:]]
        own: Columns = {"ds": airline["ds"][begin:], "Passengers": values}
        if n % 3 == 1:
            own = {"unique_id": [f"shop {n}"] * len(values), **own}
        if n % 5 == 2:
            own["ds"] = [f"{day}T00:00:00" for day in own["ds"]]
        if n % 7 == 3:
            own["Passengers"][5] = None
        histories.append(own)
    histories[11]["ds"] = [*histories[11]["ds"][:-1], "2024-01-01"]
    with ThreadPoolExecutor(24) as pool:
        answers = list(
            pool.map(lambda own: client.post("/v1/forecast", json={"model": "airline", "history": own}), histories)
        )
    for n, (answer, own) in enumerate(zip(answers, histories, strict=True)):
        if n == 11:
            assert answer.status_code == 422
            assert "2023-12" in answer.json()["detail"]
        else:
            assert same(answer.json()["forecast"], forecast_facts(model.predict(own))), n


def _halves(first: str, second: str) -> list[str]:
    return [first] * 15 + [second] * 15


SHORT = {"none", "ids", "late missing", "wide digits"}
CHANGES: dict[str, Callable[[Columns], Columns]] = {
    "none": lambda one: one,
    "ids": lambda one: {**one, "unique_id": _halves("first", "second")},
    "late missing": lambda one: {**one, "Passengers": [*one["Passengers"][:-3], None, None, None]},
    "wide digits": lambda one: {**one, "Passengers": [1e8 + value for value in one["Passengers"]]},
    "numbers as names": lambda one: {**one, "unique_id": _halves("7", "007")},
    "gap": lambda one: {name: cells[:10] + cells[11:] for name, cells in one.items()},
    "text numbers": lambda one: {**one, "Passengers": list(map(str, one["Passengers"]))},
    "bool": lambda one: {**one, "Passengers": [True, *one["Passengers"][1:]]},
    "huge": lambda one: {**one, "Passengers": [10**400, *one["Passengers"][1:]]},
    "shuffled": lambda one: {name: cells[::-1] for name, cells in one.items()},
    "words": lambda one: {**one, "ds": [f"{n} months" for n in range(30)]},
    "no date": lambda one: {**one, "ds": ["2024-13-41", *one["ds"][1:]]},
    "NA": lambda one: {**one, "unique_id": ["NA"] * 30},
    "all missing": lambda one: {**one, "Passengers": [None] * 30},
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_short_way_reads_as_the_reader_does(change: str, airline: Columns, airline_file: Path) -> None:
    fitted = gc.load(airline_file).fitted_
    one = CHANGES[change]({name: list(cells[-30:]) for name, cells in airline.items()})
    histories = Histories(fitted)
    together, others = histories.read([one, one])
    if isinstance(others.get(0), Exception):
        with pytest.raises(type(others[0])):
            histories.panel(one)
        return
    wanted = histories.panel(one)
    panel = others[0] if others else together[0].panel.select(np.arange(together[0].cuts[0].stop))
    assert isinstance(panel, gc.Panel)
    if change in SHORT:
        assert together, "this should have gone the short way"
        assert len(together[0].places) == 2
        assert together[0].layouts[0].labels == wanted.labels
        assert together[0].layouts[0].names == wanted.names
    assert panel.ids == wanted.ids
    assert panel.values_RV.dtype == wanted.values_RV.dtype
    for n in range(len(panel)):
        np.testing.assert_array_equal(panel.series(n), wanted.series(n))
        np.testing.assert_array_equal(panel.times(n), wanted.times(n))


def test_future_covariates_are_read_per_request(client: httpx.Client, shop_table: Columns, shop_file: Path) -> None:
    days = [f"2024-03-0{d}" for d in range(1, 5)]
    future: Columns = {"shop": [], "day": [], "price": []}
    for shop, price in (("north", 1.0), ("south", 2.0)):
        future["shop"] += [shop] * 4
        future["day"] += days
        future["price"] += [price] * 4
    wanted = gc.load(shop_file).predict(shop_table, future=pl.DataFrame(future))
    found = asked(client, model="shop", history=shop_table, future=future)
    assert same(found["forecast"], forecast_facts(wanted))
    constant = asked(client, model="shop", history=shop_table, future={"price": 1.0})["forecast"]
    assert constant[0]["forecast"] == pytest.approx(found["forecast"][0]["forecast"], rel=1e-5)
    assert constant[1]["forecast"] != pytest.approx(found["forecast"][1]["forecast"], rel=1e-5)
    missing = client.post("/v1/forecast", json={"model": "shop", "history": shop_table})
    assert missing.status_code == 422
    assert missing.json()["remedies"] == [{"setting": "future", "of": "predict"}]


def test_a_large_request_is_made_in_pieces_and_others_are_not_kept_waiting(
    client: httpx.Client, airline: Columns
) -> None:
    ids = [f"series-{n}" for n in range(300)]
    values = [value + n for n in range(300) for value in airline["Passengers"][:36]]
    names = [name for name in ids for _ in range(36)]
    large: Columns = {"unique_id": names, "ds": airline["ds"][:36] * 300, "Passengers": values}
    with ThreadPoolExecutor(2) as pool:
        whole = pool.submit(asked, client, model="airline", history=large)
        small = pool.submit(asked, client, model="airline", history=airline)
        assert len(small.result()["forecast"]) == 1
        found = whole.result()["forecast"]
    assert [one["series"] for one in found] == ids
    alone: Columns = {name: cells[36 * 299 :] for name, cells in large.items()}
    assert same(found[-1:], asked(client, model="airline", history=alone)["forecast"])


def test_arrow_in_and_out(client: httpx.Client, airline: Columns) -> None:
    def stream(**options: Any) -> bytes:
        out = io.BytesIO()
        pl.DataFrame(airline).write_ipc_stream(out, **options)
        return out.getvalue()

    headers = {"Content-Type": ARROW, "Accept": ARROW}
    plain = stream(compression="uncompressed")
    answer = client.post("/v1/forecast?model=airline", content=plain, headers=headers)
    assert answer.headers["content-type"] == ARROW
    wanted = asked(client, model="airline", history=airline)["forecast"][0]
    assert pl.read_ipc_stream(answer.content)["Passengers"].to_list() == pytest.approx(wanted["forecast"], rel=1e-5)
    for kind in ("lz4", "zstd"):
        refused = client.post("/v1/forecast?model=airline", content=stream(compression=kind), headers=headers)
        assert refused.status_code == 415
        assert "compression" in refused.json()["remedy"]
    for wrong in (plain[:100], b"\xff\xff\xff\xff" + b"\x7f" * 50, b"", b"nothing"):
        assert client.post("/v1/forecast?model=airline", content=wrong, headers=headers).status_code in (400, 422)


def test_arrow_rows_without_bytes_are_counted(client: httpx.Client) -> None:
    """A column of nulls takes no room, however long it is."""
    out = io.BytesIO()
    pl.DataFrame({"ds": pl.Series([None] * 1_000_000, dtype=pl.Null)}).write_ipc_stream(out)
    refused = client.post("/v1/forecast?model=airline", content=out.getvalue(), headers={"Content-Type": ARROW})
    assert refused.status_code == 413
    assert refused.json()["limit"] == 200_000


def test_what_is_wrong_is_told(client: httpx.Client, airline: Columns) -> None:
    def refused(status: int, **body: Any) -> dict[str, Any]:
        answer = client.post("/v1/forecast", json=body)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"] in answer.json()["instance"]
        return answer.json()

    assert "airlin" in refused(404, model="airlin", history=airline)["detail"]
    assert refused(422, model="airline", history=airline, horizon=7)["limit"] == 6
    assert refused(422, model="airline", history=airline, quantiles=[0.3])["where"] == "quantiles"
    assert refused(422, model="airline", history=airline, series="x")["where"] == "body"
    assert refused(422, model="airline", history={"ds": [1], "Passengers": []})["status"] == 422
    assert refused(422, model="airline", history={"ds": ["x"], "Passengers": [{}]})["where"] == "history.Passengers.0"
    assert "series" in refused(422, model="airline", series=["nobody"])["detail"]


def test_kserve_and_mlflow_speak_their_own_words(client: httpx.Client, airline: Columns) -> None:
    wanted = asked(client, model="airline", history=airline)["forecast"][0]
    one = {"type": "univariate_time_series", "name": "a", "series": airline["Passengers"], "frequency": "month",
           "start_timestamp": "1949-01-01"}  # fmt: skip
    body = {"model": "airline", "inputs": [one, {**one, "name": "b"}], "options": {"horizon": 2, "quantiles": [0.1]}}
    answer = client.post("/v1/timeseries/forecast", json=body).json()
    content = answer["outputs"][0]["content"]
    assert answer["status"] == "completed"
    assert [(made["name"], made["start_timestamp"]) for made in content] == [
        ("a", "1961-01-01T00:00:00"), ("b", "1961-01-01T00:00:00"),
    ]  # fmt: skip
    assert content[1]["mean_forecast"] == pytest.approx(wanted["forecast"][:2], rel=1e-5)
    assert content[0]["quantiles"]["0.1"] == pytest.approx(wanted["quantiles"]["0.1"][:2], rel=1e-5)
    split = {"columns": list(airline), "data": [list(row) for row in zip(*airline.values(), strict=True)]}
    told = client.post("/invocations", json={"dataframe_split": split, "params": {"model": "airline"}}).json()
    assert [row["forecast"] for row in told["predictions"]] == pytest.approx(wanted["forecast"], rel=1e-5)
    assert client.post("/invocations", json={"dataframe_split": split}).json()["where"] == "params.model"
    assert client.get("/ping").status_code == 200
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
