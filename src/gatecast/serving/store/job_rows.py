"""Jobs in the store: what was asked, how far it is, what came of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, delete, func, insert, select, update

from gatecast.serving.store.tables import JOB_FILES, JOB_LOG, JOBS

__all__ = ["CANCELLED", "DONE", "ENDED", "FAILED", "QUEUED", "RUNNING", "FileRow", "JobRow", "JobRows"]

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)
MOST_LINES = 2_000


@dataclass(frozen=True)
class FileRow:
    """A file of a job."""

    name: str
    media_type: str
    size: int
    content: bytes = b""


@dataclass(frozen=True)
class JobRow:
    """A job.

    Args:
        id: names it.
        kind: "forecast", "fit", ...
        state: "queued", "running", "done", "failed" or "cancelled".
        request: what was asked.
        owner: name of the token that asked.
        attempts: how often it was begun.
        progress: stage, done, of, figures.
        problem: why it failed, as problem+json has it.
        result: what came of it.
        created, started, ended: seconds since 1970.
    """

    id: str
    kind: str
    state: str
    request: dict[str, Any]
    owner: str
    attempts: int
    progress: dict[str, Any]
    problem: dict[str, Any] | None
    result: dict[str, Any] | None
    created: float
    started: float | None
    ended: float | None


class JobRows:
    """Jobs with their files and logs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, job: JobRow, files: list[FileRow], keep: int) -> None:
        """Put a job into the queue; of the finished ones the oldest give way where there are more than ``keep``."""
        with self._engine.begin() as connection:
            connection.execute(insert(JOBS).values(**_written(job)))
            for file in files:
                connection.execute(insert(JOB_FILES).values(job=job.id, role="input", **vars(file)))
            ended = select(JOBS.c.id).where(JOBS.c.state.in_(ENDED)).order_by(JOBS.c.created.desc())
            old = [row[0] for row in connection.execute(ended.offset(keep))]
            _drop(connection, old)

    def get(self, job: str) -> JobRow | None:
        """One job."""
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(select(JOBS).where(JOBS.c.id == job)).one_or_none()
        return None if found is None else _read(found)

    def all(self, limit: int) -> list[JobRow]:
        """The newest jobs, without their results."""
        columns = [column for column in JOBS.c if column.name != "result"]
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(select(*columns).order_by(JOBS.c.created.desc()).limit(limit)).all()
        return [_read(row) for row in found]

    def count(self, state: str) -> int:
        """Jobs in a state."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return int(connection.execute(select(func.count()).where(JOBS.c.state == state)).scalar_one())

    def next(self) -> JobRow | None:
        """The job that has waited longest."""
        asked = select(JOBS).where(JOBS.c.state == QUEUED).order_by(JOBS.c.created).limit(1)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(asked).one_or_none()
        return None if found is None else _read(found)

    def change(self, job: str, *, only: tuple[str, ...] = (), **values: Any) -> bool:
        """Change fields of a job; whether it is there and in one of the states of ``only``."""
        texts = {"progress", "problem", "result"}
        written = {name: json.dumps(value) if name in texts else value for name, value in values.items()}
        asked = update(JOBS).where(JOBS.c.id == job).values(**written)
        with self._engine.begin() as connection:
            return bool(connection.execute(asked.where(JOBS.c.state.in_(only)) if only else asked).rowcount)

    def finish(self, job: str, result: dict[str, Any], files: list[FileRow]) -> bool:
        """Keep what came of a running job, all or nothing."""
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(JOBS)
                .where(JOBS.c.id == job, JOBS.c.state == RUNNING)
                .values(state=DONE, ended=time.time(), result=json.dumps(result))
            )
            if not changed.rowcount:
                return False
            connection.execute(delete(JOB_FILES).where(JOB_FILES.c.job == job, JOB_FILES.c.role == "artifact"))
            for file in files:
                connection.execute(insert(JOB_FILES).values(job=job, role="artifact", **vars(file)))
            return True

    def requeue(self) -> list[str]:
        """Jobs that ran when the last process ended wait again; their ids."""
        with self._engine.begin() as connection:
            found = [row[0] for row in connection.execute(select(JOBS.c.id).where(JOBS.c.state == RUNNING))]
            connection.execute(update(JOBS).where(JOBS.c.id.in_(found)).values(state=QUEUED))
        return found

    def remove(self, job: str) -> None:
        """Drop a job with all of its files."""
        with self._engine.begin() as connection:
            _drop(connection, [job])

    def ids(self) -> set[str]:
        """Ids of all jobs."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return {row[0] for row in connection.execute(select(JOBS.c.id))}

    # ---------------------------------------------------------------- files and logs

    def files(self, job: str, role: str) -> list[FileRow]:
        """Files of a job, without their content."""
        columns = JOB_FILES.c.name, JOB_FILES.c.media_type, JOB_FILES.c.size
        asked = select(*columns).where(JOB_FILES.c.job == job, JOB_FILES.c.role == role).order_by(JOB_FILES.c.name)
        with self._engine.connect().execution_options(reading=True) as connection:
            return [FileRow(*row) for row in connection.execute(asked)]

    def file(self, job: str, role: str, name: str) -> FileRow | None:
        """One file of a job."""
        columns = JOB_FILES.c.name, JOB_FILES.c.media_type, JOB_FILES.c.size, JOB_FILES.c.content
        asked = select(*columns).where(JOB_FILES.c.job == job, JOB_FILES.c.role == role, JOB_FILES.c.name == name)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(asked).one_or_none()
        return None if found is None else FileRow(found[0], found[1], found[2], bytes(found[3]))

    def log(self, job: str, line: dict[str, Any]) -> None:
        """Add a line to the log of a job."""
        with self._engine.begin() as connection:
            place = int(connection.execute(select(func.count()).where(JOB_LOG.c.job == job)).scalar_one())
            if place < MOST_LINES:
                connection.execute(insert(JOB_LOG).values(job=job, place=place, at=time.time(), line=json.dumps(line)))

    def lines(self, job: str) -> list[dict[str, Any]]:
        """The log of a job."""
        asked = select(JOB_LOG.c.at, JOB_LOG.c.line).where(JOB_LOG.c.job == job).order_by(JOB_LOG.c.place)
        with self._engine.connect().execution_options(reading=True) as connection:
            return [{"at": at, **json.loads(line)} for at, line in connection.execute(asked)]


def _drop(connection: Any, jobs: list[str]) -> None:
    for table in (JOB_FILES, JOB_LOG):
        connection.execute(delete(table).where(table.c.job.in_(jobs)))
    connection.execute(delete(JOBS).where(JOBS.c.id.in_(jobs)))


def _written(job: JobRow) -> dict[str, Any]:
    texts = {"request": json.dumps(job.request), "progress": json.dumps(job.progress)}
    return {**vars(job), **texts, "problem": None, "result": None}


def _read(row: Row[Any]) -> JobRow:
    held = dict(row._mapping)
    read = {
        name: None if held.get(name) is None else json.loads(held[name])
        for name in ("request", "progress", "problem", "result")
    }
    return JobRow(**{**held, **read})
