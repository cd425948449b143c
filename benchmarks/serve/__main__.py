"""Forecasts and rows a second, and how long they take: ``python -m benchmarks.serve``.

One model with all defaults, trained on the airline data; every request has a history of 144 months of its own. The load
comes from wrk. Nothing is cached: no two requests of a run have the same history.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import gatecast as gc
from benchmarks.serve.load import Load, require_wrk
from benchmarks.serve.servers import Server, ours, plain

CONNECTIONS = (1, 16, 64)
HISTORIES, BATCHES = 20_000, 4_000
SERIES = 64  # that rows are observed of


def main() -> None:
    """Print the tables, and write them as JSON where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve")
    parser.add_argument("--seconds", type=float, default=8, help="of each load")
    parser.add_argument("--store", default="bench.db", help="of the service")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    given = parser.parse_args()
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="gatecast-bench-") as name:
        folder = Path(name)
        model = _model(folder)
        found = _forecasts(model, folder, given.seconds, given.store)
        _print(found)
    if given.output is not None:
        facts = {"date": datetime.date.today().isoformat(), "cores": os.cpu_count(), "load": os.getloadavg()}
        given.output.write_text(json.dumps({**facts, **found}, indent=1))


def _model(folder: Path) -> Path:
    path = folder / "airline.gatecast"
    panel = gc.load_example("airline")
    gc.Forecaster(horizon=12, time_limit=60, progress=False).fit(panel).save(path)
    return path


def _forecasts(model: Path, folder: Path, seconds: float, store: str) -> dict[str, Any]:
    bodies, followed, rows = folder / "bodies", folder / "followed", folder / "rows"
    _write_histories(bodies)
    followed.write_text("".join(json.dumps({"model": "airline", "series": f"s{n}"}) + "\n" for n in range(SERIES)))
    _write_rows(rows)
    found: dict[str, Any] = {}
    for name, threads in (("plain", None), ("plain, one thread", 1)):
        with plain(model, folder, threads) as server:
            found[name] = _loads(server, Load(f"{server.base}/v1/forecast", bodies, folder), seconds)
    with ours(model, folder, store) as server:
        base = server.base
        load = Load(f"{base}/v1/forecast", bodies, folder)
        found["gatecast serve"] = _loads(server, load, seconds)
        top = found["gatecast serve"][f"{CONNECTIONS[-1]}"]["rate"]
        found["at half of the top rate"] = vars(load.run(CONNECTIONS[-1], 2 * seconds, top / 2))
        found["rows observed"] = _observed(Load(f"{base}/v1/observe", rows, folder), seconds)
        found["followed series"] = _loads(server, Load(f"{base}/v1/forecast", followed, folder), seconds)
    return found


def _loads(server: Server, load: Load, seconds: float) -> dict[str, dict[str, float]]:
    load.run(4, 2)  # to warm up
    found = {}
    for connections in CONNECTIONS:
        before = server.cpu()
        told = load.run(connections, seconds)
        found[f"{connections}"] = {**vars(told), "cpu": 1000 * (server.cpu() - before) / (told.rate * seconds)}
    return found


def _observed(load: Load, seconds: float) -> dict[str, float]:
    """Each request has one row of each series: the next month."""
    told = load.run(1, seconds)
    return {**vars(told), "rows": told.rate * SERIES}


def _write_histories(path: Path) -> None:
    panel = gc.load_example("airline")
    months = [str(time)[:10] for time in panel.times(0)]
    values_T = panel.series(0)[:, 0].astype(np.float64)
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for _ in range(HISTORIES):
            own_T = values_T * rng.uniform(0.5, 2) * (1 + 0.02 * rng.standard_normal(len(values_T)))
            history = {"ds": months, "Passengers": np.round(own_T, 1).tolist()}
            file.write(json.dumps({"model": "airline", "history": history}) + "\n")


def _write_rows(path: Path) -> None:
    rng = np.random.default_rng(1)
    month = np.datetime64("1900-01")
    with path.open("w") as file:
        for step in range(BATCHES):
            values = (100 + 20 * np.sin(step / 6) + rng.standard_normal(SERIES)).round(2).tolist()
            columns = {"unique_id": [f"s{n}" for n in range(SERIES)], "ds": [f"{month + step}-01"] * SERIES}
            file.write(json.dumps({"model": "airline", "rows": {**columns, "Passengers": values}}) + "\n")


def _print(found: dict[str, Any]) -> None:
    print("| service | connections | requests / s | p50 ms | p99 ms | cpu ms a request | wrong |")
    print("|---|---|---|---|---|---|---|")
    for name in ("plain", "plain, one thread", "gatecast serve", "followed series"):
        for connections, told in found[name].items():
            print(_line(name, connections, told))
    print(_line("gatecast serve, half of its top rate", str(CONNECTIONS[-1]), found["at half of the top rate"]))
    rows = found["rows observed"]
    print(f"\nrows observed, {SERIES} a request, one connection: {rows['rows']:,.0f} rows / s, "
          f"p50 {rows['p50']:.1f} ms, p99 {rows['p99']:.1f} ms, {rows['wrong']} wrong")  # fmt: skip
    most = f"{CONNECTIONS[-1]}"
    mine = found["gatecast serve"][most]
    for name in ("plain", "plain, one thread"):
        gain, work = mine["rate"] / found[name][most]["rate"], found[name][most]["cpu"] / mine["cpu"]
        print(f"at {most} connections, beside {name}: {gain:.1f} times the throughput, 1 / {work:.1f} of the work")


def _line(name: str, connections: str, told: dict[str, float]) -> str:
    cpu = f"{told['cpu']:.2f}" if "cpu" in told else ""
    rate, p50, p99, wrong = (told[key] for key in ("rate", "p50", "p99", "wrong"))
    return f"| {name} | {connections} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {cpu} | {wrong} |"


if __name__ == "__main__":
    main()
