"""Jobs: trainings on uploaded tables, in a process of their own."""

from __future__ import annotations

import gzip
import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

import gatecast as gc
from gatecast.workflow import forecast_facts

Columns = dict[str, list[Any]]
INSTANT = {"kind": "forecast", "horizon": 6, "settings": {"preset": "instant"}}
SLOW = {
    "kind": "fit",
    "horizon": 6,
    "settings": {"candidates": 1, "training": {"max_epochs": 100_000, "patience": 10**6}},
}


def csv_of(columns: Columns) -> bytes:
    return pl.DataFrame(columns).write_csv().encode()


def begun(client: httpx.Client, request: dict[str, Any], table: bytes, name: str = "table.csv") -> str:
    answer = client.post("/v1/jobs", files={"file": (name, table)}, data={"request": json.dumps(request)})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()["id"]


def events(client: httpx.Client, job: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def ended(client: httpx.Client, job: str) -> dict[str, Any]:
    for _ in events(client, job):
        pass
    return client.get(f"/v1/jobs/{job}").json()


def until(client: httpx.Client, job: str, *states: str) -> dict[str, Any]:
    for _ in range(600):
        found = client.get(f"/v1/jobs/{job}").json()
        if found["state"] in states:
            return found
        time.sleep(0.05)
    pytest.fail(f"the job is still {found['state']}")


def test_a_forecast_with_all_that_belongs_to_it(client: httpx.Client, airline: Columns) -> None:
    job = begun(client, {**INSTANT, "name": "made"}, csv_of(airline), "../../etc/Air (1).csv")
    found = ended(client, job)
    assert found["state"] == "done"
    assert found["request"]["file"] == "Air (1).csv"
    result = found["result"]
    wanted = gc.forecast(airline, 6, preset="instant")
    assert result["verdict"]["outcome"] == wanted.outcome
    assert result["forecast"][0]["forecast"] == pytest.approx(forecast_facts(wanted.forecast)[0]["forecast"].tolist())
    assert result["command"] == "gatecast forecast 'Air (1).csv' --horizon 6 --preset instant"
    assert "gc.forecast(panel, horizon=6, preset='instant')" in result["python"]
    files = {one["name"]: client.get(one["href"]) for one in found["artifacts"]}
    assert set(files) == {"forecast.csv", "forecast.parquet", "forecast.xlsx", "forecast.png", "report.html",
                          "model.gatecast"}  # fmt: skip
    assert pl.read_csv(files["forecast.csv"].content).height == 6
    assert files["forecast.png"].content.startswith(b"\x89PNG")
    assert b"<html" in files["report.html"].content[:200]
    assert files["report.html"].headers["content-disposition"].startswith("attachment")
    again = client.post("/v1/forecast", json={"model": "made", "series": "Passengers"}).json()
    assert again["forecast"][0]["forecast"] == pytest.approx(result["forecast"][0]["forecast"], rel=1e-5)
    assert [line["event"] for line in client.get(f"/v1/jobs/{job}/log").json()["lines"]][-1] == "ended"


def test_what_if_a_future_covariate_were_another(client: httpx.Client, shop_table: Columns) -> None:
    """The model of a job follows the series of its table: a forecast for other prices is one request."""
    small = {"candidates": 1, "members": 1, "training": {"max_epochs": 2}}
    read = {"series": ["shop"], "time": ["day"], "target": ["units"], "future": ["price"]}
    request = {
        "kind": "forecast",
        "horizon": 4,
        "settings": small,
        "read": read,
        "future": {"price": 1.0},
        "name": "shop2",
    }
    found = ended(client, begun(client, request, csv_of(shop_table)))
    assert found["state"] == "done", found["problem"]
    body = {"model": "shop2", "series": ["north"]}
    one = client.post("/v1/forecast", json={**body, "future": {"price": 1.0}}).json()["forecast"][0]["forecast"]
    other = client.post("/v1/forecast", json={**body, "future": {"price": 2.0}}).json()["forecast"][0]["forecast"]
    assert one == pytest.approx(found["result"]["forecast"][0]["forecast"], rel=1e-5)
    assert other != pytest.approx(one, rel=1e-5)


def test_fit_update_and_backtest(client: httpx.Client, airline: Columns) -> None:
    small = {"candidates": 1, "members": 1, "training": {"max_epochs": 2}}
    early = {name: cells[:120] for name, cells in airline.items()}
    fit = ended(client, begun(client, {"kind": "fit", "horizon": 6, "settings": small, "name": "kept"}, csv_of(early)))
    assert fit["result"]["kept_as"] == "kept"
    assert client.get("/v1/series", params={"model": "kept"}).json()["series"][0]["steps"] == 120
    update = ended(client, begun(client, {"kind": "update", "model": "kept"}, csv_of(airline)))
    assert update["state"] == "done", update["problem"]
    told = update["result"]["update"]
    assert told["better"] == (told["after"] < told["before"])
    assert update["result"]["command"] == "gatecast update kept.gatecast table.csv --save kept.gatecast"
    assert [one["name"] for one in update["artifacts"]] == ["model.gatecast"] * told["better"]
    steps = 144 if told["better"] else 120  # a model that is no better is not taken
    assert client.get("/v1/series", params={"model": "kept"}).json()["series"][0]["steps"] == steps
    request = {"kind": "backtest", "horizon": 6, "settings": {"preset": "instant"}, "origins": 3}
    backtest = ended(client, begun(client, request, csv_of(airline)))
    assert backtest["result"]["evaluation"]["origins"] == 3
    assert [one["name"] for one in backtest["artifacts"]] == ["report.html"]


def test_evaluate_and_look(client: httpx.Client, airline: Columns, shop_table: Columns) -> None:
    files = {"file": ("air.csv", csv_of(airline))}
    found = client.post("/v1/evaluate", files=files, data={"model": "airline", "origins": 2}).json()
    assert found["evaluation"]["origins"] == 2
    assert found["verdict"]["outcome"] in ("better", "undecided", "worse")
    read = json.dumps({"future": ["price"]})
    told = client.post("/v1/look", files={"file": ("s.csv", csv_of(shop_table))}, data={"read": read}).json()
    assert {one["name"]: one["role"] for one in told["columns"]} == {
        "shop": "series", "day": "time", "price": "future", "units": "target",
    }  # fmt: skip
    assert told["problem"] is None
    assert [one["series"] for one in told["series"]] == ["north", "south"]
    assert told["future_needed"] == [{"name": "price", "categories": None}]
    assert told["command"] == "gatecast forecast s.csv --future-columns price"


def test_a_table_with_problems_is_looked_at(client: httpx.Client, airline: Columns) -> None:
    gap = {name: cells[:50] + cells[51:] for name, cells in airline.items()}
    told = client.post("/v1/look", files={"file": ("gap.csv", csv_of(gap))}).json()
    assert "1953-03" in told["problem"]["message"]
    assert told["problem"]["remedies"][0]["setting"] == "gaps"
    assert len(told["head"]["ds"]) == 20
    job = ended(client, begun(client, INSTANT, csv_of(gap)))
    assert job["state"] == "failed"
    assert job["problem"]["detail"] == told["problem"]["message"]
    assert job["problem"]["remedies"] == told["problem"]["remedies"]
    assert client.get(f"/v1/jobs/{job['id']}/events").text.endswith('data: {"state":"failed"}\n\n')


def test_jobs_that_cannot_begin_are_refused(client: httpx.Client) -> None:
    def refused(request: Any, name: str = "table.csv", content: bytes = b"ds,y\n") -> dict[str, Any]:
        text = request if isinstance(request, str) else json.dumps(request)
        answer = client.post("/v1/jobs", files={"file": (name, content)}, data={"request": text})
        assert answer.status_code in (400, 404, 422), answer.text
        return answer.json()

    assert refused("{")["where"] == "request.body"
    assert "kind" in refused({})["detail"]
    assert refused({"kind": "steal"})["where"] == "request.kind"
    assert "did you mean 'seed'" in refused({"kind": "fit", "settings": {"sed": 1}})["detail"]
    assert "preset" in refused({"kind": "fit", "settings": {"preset": "quickest"}})["detail"]
    assert "names the model" in refused({"kind": "update"})["detail"]
    assert "no model" in refused({"kind": "update", "model": "nothing"})["detail"]
    assert ".csv" in refused({"kind": "fit"}, "virus.exe")["remedy"]
    assert "empty" in refused({"kind": "fit"}, content=b"")["detail"]


@pytest.mark.parametrize(
    ("part", "told"), [('; filename=""', "has no name"), ('; filename=" "', "has no name"), ("", "with its name")]
)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/look"])
def test_a_file_without_a_name_is_refused(client: httpx.Client, part: str, told: str, path: str) -> None:
    fields = f'name="file"{part}\r\n\r\ndate,y\n', 'name="request"\r\n\r\n{"kind": "fit"}'
    body = "".join(f"--b\r\nContent-Disposition: form-data; {field}\r\n" for field in fields) + "--b--\r\n"
    answer = client.post(path, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert "<class" not in answer.text


def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(client: httpx.Client, airline: Columns) -> None:
    running, waiting = (begun(client, SLOW, csv_of(airline)) for _ in range(2))
    seen = [name for name, _ in zip(events(client, running), range(4), strict=False)]
    assert {name for name, _ in seen} >= {"progress"}
    assert client.get(f"/v1/jobs/{running}").json()["progress"]["stage"]
    for job in (waiting, running):
        assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert until(client, running, "cancelled")["problem"] is None
    assert until(client, waiting, "cancelled")["attempts"] == 0
    assert ended(client, begun(client, INSTANT, csv_of(airline)))["state"] == "done"
    assert client.delete(f"/v1/jobs/{running}").status_code == 204
    assert client.get(f"/v1/jobs/{running}").status_code == 404


@pytest.mark.slow
def test_a_job_goes_on_after_a_new_start(serve: Any, store_url: str, airline: Columns) -> None:
    """A training that the end of the service interrupted has the outcome of one in one go."""
    request = {"kind": "fit", "horizon": 6, "settings": {"candidates": 1, "members": 1,
               "training": {"max_epochs": 600, "patience": 600}}}  # fmt: skip
    table = csv_of(airline)
    with serve(store_url) as client:
        whole = ended(client, begun(client, request, table))
        assert whole["state"] == "done", whole["problem"]
        model = client.get(whole["artifacts"][0]["href"]).content
        job = begun(client, request, table)
        for name, told in events(client, job):
            if name == "progress" and told["done"] > 10:
                break
        folder = client.service.store.folder / job
    assert list(folder.glob("checkpoint/training-*"))
    with serve(store_url) as client:
        found = ended(client, job)
        assert (found["state"], found["attempts"]) == ("done", 2)
        assert client.get(found["artifacts"][0]["href"]).content == model
        assert gone(folder)  # a moment after the last word of the job
        lines = [line["event"] for line in client.get(f"/v1/jobs/{job}/log").json()["lines"]]
        assert lines.index("started") < lines.index("paused") < lines.index("ended")
        assert lines[lines.index("paused") + 1] == "started"


def test_the_queue_and_its_history_have_an_end(serve: Any, tmp_path: Path, airline: Columns) -> None:
    from gatecast.serving.limits import Limits

    with serve(str(tmp_path / "s.db"), limits=Limits(queue=2, jobs=2)) as client:
        ids = [begun(client, SLOW, csv_of(airline))]
        until(client, ids[0], "running")
        ids += [begun(client, SLOW, csv_of(airline)) for _ in range(2)]
        full = client.post("/v1/jobs", files={"file": ("t.csv", b"ds,y\n1,2\n")}, data={"request": '{"kind": "fit"}'})
        assert full.status_code == 503
        assert full.json()["limit"] == 2
        for job in reversed(ids):
            client.delete(f"/v1/jobs/{job}")
        until(client, ids[0], "cancelled")
        ended(client, begun(client, INSTANT, csv_of(airline)))
        ended(client, begun(client, INSTANT, csv_of(airline)))
        assert len(client.get("/v1/jobs").json()["jobs"]) == 3


def gone(folder: Path) -> bool:
    """Whether a folder is deleted within some seconds."""
    for _ in range(100):
        if not folder.exists():
            return True
        time.sleep(0.05)
    return False


def _zip_bomb() -> bytes:
    """A spreadsheet whose one sheet unpacks to a lot."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(64):
            sheet.write(bytes(2**20))
    return out.getvalue()


def _gzip_bomb() -> bytes:
    """Bytes of which a few unpack to very many: members one after the other."""
    return gzip.compress(bytes(4 * 2**20), 9) * 16


@pytest.mark.parametrize("name", ["bomb.xlsx", "bomb.csv.gz"])
def test_files_that_unpack_without_end_are_refused(client: httpx.Client, name: str) -> None:
    content = _zip_bomb() if name.endswith("xlsx") else _gzip_bomb()
    assert len(content) < 2**21
    answer = client.post("/v1/look", files={"file": (name, content)})
    assert answer.status_code == 422
    assert "unpacks to more than" in answer.json()["detail"]


def test_a_parquet_file_of_very_many_rows_is_refused(client: httpx.Client, tmp_path: Path) -> None:
    pl.DataFrame({"y": pl.repeat(1, 400_000, eager=True)}).write_parquet(tmp_path / "rows.parquet")
    answer = client.post("/v1/look", files={"file": ("rows.parquet", (tmp_path / "rows.parquet").read_bytes())})
    assert answer.status_code == 422
    assert "400,000 rows" in answer.json()["detail"]
