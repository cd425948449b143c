"""kill -9 while rows stream in and a training runs: ``python -m benchmarks.serve.kills --store URL --times 50``.

Clients send rows, each with a key of its own, and send again what was not answered. In the end every acknowledged row
has to be in the store once, the live model has to know it, and every job has to be done with the outcome of one that
nobody disturbed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sqlalchemy import select

import gatecast as gc
from benchmarks.serve.servers import free_port
from gatecast.serving.store.store import open_store
from gatecast.serving.store.tables import OBSERVED

__all__ = ["Outcome", "killed"]

SOON = 0.1  # seconds from the first checkpoint of a job to a kill
FIT = {"kind": "fit", "horizon": 6, "settings": {"candidates": 1, "members": 1,
       "training": {"max_epochs": 2000, "patience": 2000}}}  # fmt: skip
MONTH = np.datetime64("1900-01")


@dataclass
class Outcome:
    """What a run of kills found.

    Args:
        kills: of the service.
        acknowledged: rows.
        lost: acknowledged rows that are not there.
        doubled: rows that are there more than once.
        jobs: that were begun.
        undone: of these, those that did not end well.
        resumed: of these, those that were begun more than once.
        different: of these, those whose model is another one than without a kill.
    """

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    jobs: int = 0
    undone: int = 0
    resumed: int = 0
    different: int = 0

    @property
    def sound(self) -> bool:
        """Nothing is lost, doubled or undone."""
        return not (self.lost or self.doubled or self.undone or self.different)


@dataclass
class Service:
    """The service as a process that can be killed."""

    store: str
    folder: Path
    model: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    up: threading.Event = field(default_factory=threading.Event)

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin, and wait until it answers."""
        code = "import sys; from gatecast.cli.main import main; sys.exit(main())"
        words = [sys.executable, "-c", code, "serve", str(self.model), "--port", str(self.port), "--store", self.store]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(words, cwd=self.folder, stdout=log, stderr=log)
        for _ in range(1200):
            try:
                if httpx.get(f"{self.base}/v2/health/ready", timeout=5).status_code == 200:
                    self.up.set()
                    return
            except httpx.TransportError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(f"the service ended with {self.process.returncode}; see {self.folder}/server.log")
            time.sleep(0.05)
        raise SystemExit("the service does not answer")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.up.clear()
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as it wants to be ended."""
        self.up.clear()
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)


class Client(threading.Thread):
    """Sends the rows of one series, one or a few at a time; what was not answered is sent again."""

    def __init__(self, service: Service, series: str, ending: threading.Event, pause: float) -> None:
        super().__init__(daemon=True)
        self.service, self.series, self.ending, self.pause = service, series, ending, pause
        self.acknowledged: list[int] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        """Until it is told to end; the last request is answered before."""
        step, rng = 0, random.Random(self.series)
        with httpx.Client(base_url=self.service.base, timeout=20) as client:
            while not self.ending.is_set():
                steps = list(range(step, step + rng.choice((1, 1, 1, 7))))
                self._sent(client, steps)
                self.acknowledged += steps
                step = steps[-1] + 1
                time.sleep(self.pause)

    def _sent(self, client: httpx.Client, steps: list[int]) -> None:
        rows = [
            {"unique_id": self.series, "ds": f"{MONTH + t}-01", "Passengers": 100.0 + t % 12 + t / 1000} for t in steps
        ]
        while True:
            self.service.up.wait()
            try:
                headers = {"Idempotency-Key": f"{self.series}-{steps[0]}"}
                answer = client.post("/v1/observe", json={"model": "airline", "rows": rows}, headers=headers)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                if answer.json()["counts"] != {"new": len(steps)}:
                    self.wrong.append(answer.text[:300])
                return
            if answer.status_code != 503:
                self.wrong.append(answer.text[:300])
            time.sleep(0.05)


def killed(
    store: str, folder: Path, times: int, seconds: tuple[float, float] = (0.3, 2.0), clients: int = 6, pause: float = 0
) -> Outcome:
    """Kill a service again and again.

    Args:
        store: of the service, empty.
        folder: to work in.
        times: kills.
        seconds: shortest and longest time between a start and a kill.
        clients: that send rows.
        pause: seconds between two requests of a client.
    """
    service = Service(store, folder, _model(folder))
    service.start()
    table = _table()
    wanted = _job_done(service, _job(service, table))
    jobs, ending, outcome, rng = list[str](), threading.Event(), Outcome(), random.Random(0)
    sending = [Client(service, f"series-{n}", ending, pause) for n in range(clients)]
    for client in sending:
        client.start()
    for k in range(times):
        wait = rng.uniform(*seconds)
        if k % 5 == 0:
            jobs.append(_job(service, table))
            _wait_for_checkpoint(service, jobs[-1])
            wait = min(wait, SOON)  # a fast machine would end the training before it
        time.sleep(wait)
        service.kill()
        outcome.kills += 1
        service.start()
    time.sleep(0.5)
    ending.set()
    for client in sending:
        client.join(60)
    done = [_job_done(service, job) for job in jobs]
    outcome.jobs, outcome.undone = len(done), sum(one["state"] != "done" for one in done)
    outcome.resumed = sum(one["attempts"] > 1 for one in done)
    model = _artifact(service, wanted)
    outcome.different = sum(_artifact(service, one) != model for one in done if one["state"] == "done")
    steps = _steps(service)
    service.stop()
    _count(outcome, store, sending, steps)
    return outcome


def _count(outcome: Outcome, store: str, sending: list[Client], steps: dict[str, int]) -> None:
    opened = open_store(store)
    with opened.rows._engine.connect() as connection:
        asked = select(OBSERVED.c.series, OBSERVED.c.time).where(OBSERVED.c.kind == "new")
        found = Counter((series, str(when)[:7]) for series, when in connection.execute(asked))
    opened.close()
    for client in sending:
        if client.wrong:
            raise SystemExit(f"a wrong answer: {client.wrong[0]}")
        outcome.acknowledged += len(client.acknowledged)
        outcome.lost += sum(found[client.series, str(MONTH + t)] < 1 for t in client.acknowledged)
        outcome.lost += steps.get(client.series, 0) != len(client.acknowledged)
    outcome.doubled = sum(count > 1 for count in found.values()) + max(sum(found.values()) - outcome.acknowledged, 0)


def _steps(service: Service) -> dict[str, int]:
    """Steps of each series that the live model knows."""
    listed = httpx.get(f"{service.base}/v1/series", params={"model": "airline", "limit": 1000}, timeout=60).json()
    return {one["series"]: one["steps"] for one in listed["series"]}


def _job(service: Service, table: bytes) -> str:
    files, data = {"file": ("table.csv", table)}, {"request": json.dumps(FIT)}
    answer = httpx.post(f"{service.base}/v1/jobs", files=files, data=data, timeout=60)
    answer.raise_for_status()
    found: str = answer.json()["id"]
    return found


def _wait_for_checkpoint(service: Service, job: str) -> None:
    """So that there is something to go on from."""
    work = Path(f"{service.store}-jobs") if "://" not in service.store else service.folder / "gatecast-jobs"
    for _ in range(300):
        if list((work / job).glob("checkpoint/training-*")):
            return
        if httpx.get(f"{service.base}/v1/jobs/{job}", timeout=60).json()["state"] not in ("queued", "running"):
            return
        time.sleep(0.05)


def _job_done(service: Service, job: str) -> dict[str, Any]:
    for _ in range(6000):
        found: dict[str, Any] = httpx.get(f"{service.base}/v1/jobs/{job}", timeout=60).json()
        if found["state"] not in ("queued", "running"):
            return found
        time.sleep(0.05)
    return found


def _artifact(service: Service, job: dict[str, Any]) -> bytes:
    return httpx.get(service.base + job["artifacts"][0]["href"], timeout=60).content


def _model(folder: Path) -> Path:
    path = folder / "airline.gatecast"
    small: dict[str, Any] = {"candidates": 1, "members": 1, "training": {"max_epochs": 2}}
    gc.Forecaster(horizon=6, progress=False, **small).fit(gc.load_example("airline")).save(path)
    return path


def _table() -> bytes:
    panel = gc.load_example("airline")
    lines = zip(panel.times(0), panel.series(0)[:, 0], strict=True)
    return ("ds,Passengers\n" + "".join(f"{str(when)[:10]},{value}\n" for when, value in lines)).encode()


def main() -> int:
    """Print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve.kills")
    parser.add_argument("--store", help="an empty store; a file of SQLite by default")
    parser.add_argument("--times", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatecast-kills-") as name:
        folder = Path(name)
        outcome = killed(given.store or os.fspath(folder / "kills.db"), folder, given.times)
    print(", ".join(f"{name} {value}" for name, value in vars(outcome).items()))
    return 0 if outcome.sound else 1


if __name__ == "__main__":
    sys.exit(main())
