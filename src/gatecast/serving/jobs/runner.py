"""The queue of jobs: one runs at a time, in a process of its own; what the last service left undone goes on.

queued ──▶ running ──▶ done | failed
   │          ├──▶ cancelled
   └──────────┘ the service ended: queued again, and its checkpoint is there at the next start
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gatecast.data.tables.databases.address import Address
from gatecast.errors import GatecastError
from gatecast.serving.jobs.databases import TABLE, address_of, question
from gatecast.serving.jobs.process import QUERY, FailedError, Order, Worker
from gatecast.serving.limits import Limits
from gatecast.serving.problems import Problem, of_error
from gatecast.serving.store.job_rows import (
    CANCELLED,
    FAILED,
    QUEUED,
    RUNNING,
    FileRow,
    JobRow,
)
from gatecast.serving.store.store import Store

__all__ = ["Jobs"]

LOG = logging.getLogger("gatecast.serving")
SECONDS_BETWEEN = 1.0  # of two times that progress is written to the store
Publish = Callable[[str, dict[str, Any]], None]


class Jobs:
    """Runs the jobs of a store, one after the other.

    Args:
        store: has them.
        limits: of time and memory.
        keep: takes the model of a finished job into use: name, file.
        publish: hears of every change: id, event.
        databases: those that a job may ask, by name.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        keep: Callable[[str, bytes], Any],
        publish: Publish,
        databases: Mapping[str, Address] | None = None,
    ) -> None:
        self._store, self._limits, self._keep, self._publish = store, limits, keep, publish
        self._databases = dict(databases or {})
        self._worker = Worker(limits.memory, alone=True)
        self._asker = Worker(limits.memory, alone=False, asks=True)
        self._wake, self._closing = threading.Event(), False
        self._lock = threading.Lock()
        self._current: str | None = None
        self._cancelled: str | None = None
        self._written = 0.0
        self._progress: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._run, name="gatecast-jobs", daemon=True)

    def start(self) -> None:
        """Take up what the last service left, and begin."""
        for job in self._store.jobs.requeue():
            self._store.jobs.log(job, {"event": "resumed"})
        self._sweep()
        self._thread.start()
        self._worker.start()

    def _sweep(self) -> None:
        """Drop folders of jobs that are no more."""
        folder = self._store.folder
        known = self._store.jobs.ids()
        for one in folder.iterdir() if folder.is_dir() else ():
            if one.is_dir() and one.name.startswith("job-") and one.name not in known:
                shutil.rmtree(one, ignore_errors=True)

    def wake(self) -> None:
        """A job was put into the queue."""
        self._wake.set()

    @property
    def running(self) -> str | None:
        """The job that runs."""
        return self._current

    @property
    def progress(self) -> dict[str, Any]:
        """How far it is."""
        return self._progress

    def cancel(self, job: str) -> bool:
        """End a job; whether it had not ended yet."""
        if self._store.jobs.change(job, only=(QUEUED,), state=CANCELLED, ended=time.time()):
            self._ended(job, CANCELLED)
            return True
        with self._lock:
            if self._current != job:
                return False
            self._cancelled = job
        self._asker.end("The job was cancelled.")
        self._worker.end("The job was cancelled.")
        return True

    def close(self) -> None:
        """End what runs; its checkpoint stays, and the next start goes on there."""
        self._closing = True
        self._wake.set()
        self._asker.end("The service has ended.")
        self._worker.end("The service has ended.")
        if self._thread.is_alive():
            self._thread.join()
        self._asker.close()
        self._worker.close()

    # ---------------------------------------------------------------- on its own thread

    def _run(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                job = self._store.jobs.next()
                if job is None:
                    self._wake.wait()
                else:
                    self._do(job)
            except Exception as error:  # the store is away: it may come back
                LOG.error(
                    "the queue of jobs has stopped for a moment", extra={"facts": {"error": type(error).__name__}}
                )
                self._wake.wait(2.0)

    def _do(self, job: JobRow) -> None:
        with self._lock:
            self._current, self._cancelled = job.id, None
        begun = {"state": RUNNING, "attempts": job.attempts + 1, "started": job.started or time.time()}
        if not self._store.jobs.change(job.id, only=(QUEUED,), **begun):
            return
        self._say(job.id, {"event": "started", "attempt": job.attempts + 1})
        folder = self._store.folder / job.id
        try:
            order = self._order(job, folder)
            made = self._worker.run(
                order, self._limits.job_seconds, lambda word, value: self._hear(job.id, word, value)
            )
            self._finish(job, made, folder)
        except FailedError as failed:
            self._failed(job.id, failed.problem)
        except Problem as problem:
            self._failed(job.id, {"status": problem.status_code, "detail": problem.detail, "remedy": problem.remedy})
        except GatecastError as error:
            found = of_error(error)
            self._failed(job.id, {"status": 422, "detail": found.detail, "remedies": found.remedies})
        finally:
            with self._lock:
                self._current = None
            self._progress = {}
            if not self._closing:
                shutil.rmtree(folder, ignore_errors=True)

    def _order(self, job: JobRow, folder: Path) -> Order:
        """The job with its files in its folder."""
        folder.mkdir(parents=True, exist_ok=True)
        name = TABLE
        for file in self._store.jobs.files(job.id, "input"):
            held = self._store.jobs.file(job.id, "input", file.name)
            assert held is not None
            (folder / held.name).write_bytes(held.content)
            name = held.name
        request = {key: value for key, value in job.request.items() if key != "file"}
        shown = str(job.request.get("file") or job.request.get("database"))
        if request.get("query") is not None and not (folder / name).exists():  # a job that goes on keeps its rows
            self._ask(job, folder, shown)
        if request.get("model") is not None:
            content = self._store.models.content(request["model"])
            if content is None:
                raise FailedError({"status": 404, "detail": "The model of this job was deleted."})
            (folder / "model").write_bytes(content)
        return Order(job.kind, folder, name, shown, request, self._limits.unpacked, self._limits.table_rows)

    def _ask(self, job: JobRow, folder: Path, shown: str) -> None:
        """Put what the query of a job finds into its folder."""
        self._hear(job.id, "progress", {"stage": "asking the database", "done": 0, "of": 0, "figures": {}})
        asked = question(address_of(self._databases, job.request["database"]), job.request["query"])
        part = f"asked-{TABLE}"
        order = Order(QUERY, folder, part, shown, asked, self._limits.unpacked, self._limits.table_rows)
        try:
            self._asker.run(order, self._limits.job_seconds, lambda *_: None)
        finally:
            self._asker.close()  # it knew a password
        if self._cancelled == job.id:
            raise FailedError({"status": 422, "detail": "The job was cancelled."})
        (folder / part).replace(folder / TABLE)

    def _hear(self, job: str, word: str, value: Any) -> None:
        if word != "progress":
            return
        new_stage = value["stage"] != self._progress.get("stage")
        self._progress = value
        self._publish(job, {"event": "progress", **value})
        now = time.monotonic()
        if new_stage or now - self._written > SECONDS_BETWEEN:
            self._written = now
            self._store.jobs.change(job, only=(RUNNING,), progress=value)
        if new_stage:
            self._store.jobs.log(job, {"event": "stage", "stage": value["stage"]})

    def _finish(self, job: JobRow, made: dict[str, Any], folder: Path) -> None:
        result = made["result"]
        files = [_file(folder / one["name"], one["media_type"]) for one in made["artifacts"]]
        name = job.request.get("name") or job.request.get("model")
        if made["live"] and name:
            self._keep(name, (folder / "live").read_bytes())
            result["kept_as"] = name
        if self._store.jobs.finish(job.id, result, files):
            self._ended(job.id, "done")

    def _failed(self, job: str, problem: dict[str, Any]) -> None:
        if self._cancelled == job:
            self._store.jobs.change(job, only=(RUNNING,), state=CANCELLED, ended=time.time())
            self._ended(job, CANCELLED)
        elif self._closing:
            self._store.jobs.change(job, only=(RUNNING,), state=QUEUED)
            self._say(job, {"event": "paused"})
        else:
            body = Problem(
                problem["status"],
                problem["detail"],
                where="job",
                remedy=problem.get("remedy", ""),
                remedies=problem.get("remedies", []),
            ).body(job)
            self._store.jobs.change(job, only=(RUNNING,), state=FAILED, ended=time.time(), problem=body)
            self._ended(job, FAILED)

    def _ended(self, job: str, state: str) -> None:
        self._say(job, {"event": "ended", "state": state})

    def _say(self, job: str, line: dict[str, Any]) -> None:
        self._store.jobs.log(job, line)
        self._publish(job, line)


def _file(path: Path, media_type: str) -> FileRow:
    content = path.read_bytes()
    return FileRow(path.name, media_type, len(content), content)
