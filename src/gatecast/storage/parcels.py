"""A training as a task for another process: the panel and the networks as files, all else as JSON.

order ──▶ work/panel-3f..  (raw values, mapped into memory, never copied)   ──▶ train ──▶ work/result-9c..safetensors
          work/before-7a..safetensors
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatecast.data.fingerprint import digest
from gatecast.data.panel import Panel
from gatecast.engines.executor import Executor, Serial
from gatecast.engines.options import EngineOptions
from gatecast.engines.pools import pool_of
from gatecast.engines.remote import Remote
from gatecast.ensemble.fitting import Procedure
from gatecast.ensemble.orders import Order, Training, slot
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.plan import Plan
from gatecast.progress import Silent
from gatecast.storage.candidates import read_candidate, write_candidate
from gatecast.storage.checkpoint import FitFolder
from gatecast.storage.codec import decode, encode
from gatecast.storage.mapped import map_panel, write_panel
from gatecast.training.device import side_by_side

__all__ = ["TrainingParcel", "executor_of", "train"]

SHARED = "GATECAST_WORK"  # a folder that all workers of a cluster see; without it one of this machine


def executor_of(running: EngineOptions) -> Executor:
    """Where the trainings of a fit run."""
    if running.engine == "serial":
        return Serial()
    if running.engine == "threads":
        return side_by_side(running.workers)
    pool = pool_of(running)
    return Remote(pool, {Training: TrainingParcel}, side_by_side(pool.workers))


class TrainingParcel:
    """How ``Training`` travels.

    Args:
        job: what its orders share.
    """

    task = "storage.parcels:train"

    def __init__(self, job: Training) -> None:
        self.procedure = job.procedure
        self.work = Path(tempfile.mkdtemp(prefix="gatecast-", dir=os.environ.get(SHARED)))
        self._panels: dict[int, str] = {}
        self._packed = self._done = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._pass_stop_on, daemon=True).start()

    def pack(self, order: Order) -> str:
        """The order as JSON; what is large goes into files."""
        procedure, left = self.procedure, slot(order.deadline, order.turns) - time.monotonic()
        folder = procedure.checkpoint.folder if isinstance(procedure.checkpoint, FitFolder) else None
        told = {
            "panel": self._panel(order.panel),
            "plan": encode(order.plan),
            "quantiles": list(procedure.quantiles),
            "defaults": encode(procedure.defaults.changes()),
            "seconds": encode(left),
            "before": None if order.before is None else self._before(order.before),
            "warm": order.warm,
            "again": order.again,
            "checkpoint": None if folder is None else str(folder.resolve()),
            "work": str(self.work),
        }
        self._packed += 1
        name = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
        return json.dumps({**told, "result": f"result-{name}.safetensors"})

    def unpack(self, order: Order, answer: Any) -> TrainedCandidate | None:
        """What was trained."""
        if answer is None:
            return None
        quantiles = self.procedure.quantiles if order.before is None else order.before.quantiles
        made = read_candidate(self.work / answer, quantiles, order.panel)
        return replace(made, plan=order.plan, as_good=self.procedure.defaults.training.as_good)

    def heard(self, answer: Any) -> None:
        """One more is done."""
        with self._lock:
            self._done += 1
            self.procedure.listener.on_progress("training · candidate", self._done, self._packed)

    def close(self) -> None:
        """Nothing of it is needed any more."""
        self._ended.set()
        shutil.rmtree(self.work, ignore_errors=True)

    def _panel(self, panel: Panel) -> str:
        if id(panel) not in self._panels:
            name = f"panel-{digest(panel)[:32]}"
            write_panel(panel, self.work / name)
            self._panels[id(panel)] = name
        return self._panels[id(panel)]

    def _before(self, before: TrainedCandidate) -> str:
        name = f"before-{id(before)}.safetensors"
        write_candidate(before, self.work / name)
        return name

    def _pass_stop_on(self) -> None:
        """Workers see the file ``stop``: they may be on other machines."""
        while not self._ended.wait(0.2):
            if self.procedure.stopped:
                (self.work / "stop").touch()
                return


class _StopFile(threading.Event):
    """Set once the file is there; looked at twice a second at most."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.looked = path, 0.0

    def is_set(self) -> bool:
        if not super().is_set() and time.monotonic() - self.looked > 0.5:
            self.looked = time.monotonic()
            if self.path.exists():
                self.set()
        return super().is_set()


def train(told: dict[str, Any]) -> str | None:
    """Carry out a packed order in a worker; the name of the file with what was trained."""
    work = Path(told["work"])
    panel = map_panel(work / told["panel"])
    quantiles = tuple(told["quantiles"])
    defaults = DEFAULTS.changed(told["defaults"])
    folder = None if told["checkpoint"] is None else FitFolder(Path(told["checkpoint"]))
    listener = Silent(_StopFile(work / "stop"))
    procedure = Procedure(quantiles, listener, defaults, folder, Serial())
    plan, before = decode(Plan, told["plan"], "plan"), None
    if told["before"] is not None:
        before = read_candidate(work / told["before"], quantiles, panel)
        before = replace(before, as_good=defaults.training.as_good)
    deadline = time.monotonic() + float(told["seconds"])
    made = Training(procedure)(
        Order(plan, panel, deadline, 1, before, told["warm"], told["again"], needed=True)
    )  # fmt: skip
    if folder is not None:
        folder.flush()
    if made is None:
        return None
    write_candidate(made, work / told["result"])
    return str(told["result"])
