"""``/v1/jobs``: trainings on uploaded tables, in a queue; their progress as events, their results as files."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Query, Response, UploadFile
from fastapi.responses import StreamingResponse

from gatecast.serving.http.tokens import Token
from gatecast.serving.jobs.artifacts import MEDIA_TYPES
from gatecast.serving.jobs.databases import address_of
from gatecast.serving.jobs.requests import JobRequest
from gatecast.serving.problems import Problem, busy, documented
from gatecast.serving.routes.answers import json_response
from gatecast.serving.routes.bodies import given_as_json, shown_name, table_name, upload_bytes
from gatecast.serving.routes.service import Service, Serving, holder_of
from gatecast.serving.routes.shapes import JobAnswer, JobList, JobLog
from gatecast.serving.store.job_rows import ENDED, QUEUED, FileRow, JobRow

__all__ = ["router"]

router = APIRouter(tags=["jobs"])
ERRORS = documented(401, 403, 429, 500, 503)
JobId = Annotated[
    str, Path(pattern=r"^job-[0-9a-f]{16}$", description="Id of a job.", examples=["job-5d0f4a3c21b7e981"])
]
REQUEST = '{"kind": "forecast", "horizon": 12, "settings": {"preset": "instant"}, "name": "sales"}'

QUERY = '{"kind": "fit", "database": "shop", "query": "select day, units from sales", "name": "sales"}'


@router.post(
    "/v1/jobs",
    status_code=202,
    responses={202: {"model": JobAnswer}, **documented(400, 404, 408, 413, 415, 422), **ERRORS},
)
async def add_job(
    service: Serving,
    request: Annotated[
        str, Form(max_length=1_000_000, description="What to do: a JobRequest as JSON.", examples=[REQUEST, QUERY])
    ],
    holder: Annotated[Token, holder_of],
    file: UploadFile | None = None,
) -> Response:
    """Put a job into the queue: forecast, fit, backtest, tune or update, on an uploaded table or on a query.

    The table is CSV, TSV, JSON, JSON lines, Parquet, XLSX, XLS or ODS, each also with .gz. A query names one of the
    databases that the service was started with.
    """
    asked = given_as_json(request, JobRequest, "request")
    if asked.model is not None:
        service.desk.catalogue.row(asked.model)
    inputs = await _inputs(service, asked, file)
    held = await asyncio.to_thread(service.store.jobs.count, QUEUED)
    if held >= service.limits.queue:
        raise busy(
            f"{held:,} jobs wait already.",
            30,
            where="queue",
            limit=service.limits.queue,
            remedy="Wait for one to end, or cancel one.",
        )
    wanted = {**asked.model_dump(exclude_defaults=True), "kind": asked.kind}
    if file is not None:
        wanted["file"] = shown_name(file)
    job = JobRow(
        f"job-{secrets.token_hex(8)}",
        asked.kind,
        QUEUED,
        wanted,
        holder.name,
        0,
        {},
        None,
        None,
        time.time(),
        None,
        None,
    )
    await asyncio.to_thread(service.store.jobs.add, job, inputs, service.limits.jobs)
    await asyncio.to_thread(service.store.jobs.log, job.id, {"event": "queued"})
    service.jobs.wake()
    return json_response(_facts(job, []), 202, {"Location": f"/v1/jobs/{job.id}"})


async def _inputs(service: Service, asked: JobRequest, file: UploadFile | None) -> list[FileRow]:
    """The uploaded table; none for a query. Raises Problem where there is neither, or both."""
    if asked.database is not None:
        if file is not None:
            told = "There is a file and a query."
            raise Problem(422, told, where="file", remedy="Leave out one of them.")
        address_of(service.databases, asked.database)
        return []
    if file is None:
        remedy = "Upload a table as the form's field file, or give a database and a query."
        raise Problem(422, "There is no table.", where="file", remedy=remedy)
    name, content = table_name(file), await upload_bytes(file, service.limits)
    return [FileRow(name, file.content_type or "application/octet-stream", len(content), content)]


def _facts(job: JobRow, files: list[FileRow], progress: dict[str, Any] | None = None) -> dict[str, Any]:
    artifacts = [
        {
            "name": file.name,
            "media_type": file.media_type,
            "bytes": file.size,
            "href": f"/v1/jobs/{job.id}/artifacts/{file.name}",
        }
        for file in files
    ]
    return {**vars(job), "progress": progress or job.progress, "artifacts": artifacts}


async def _job(service: Service, job: str) -> JobRow:
    found = await asyncio.to_thread(service.store.jobs.get, job)
    if found is None:
        raise Problem(404, "There is no such job.", where="job", remedy="GET /v1/jobs lists the newest ones.")
    return found


@router.get("/v1/jobs", responses={200: {"model": JobList}, **documented(422), **ERRORS})
async def jobs(service: Serving, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Response:
    """The newest jobs, without their results."""
    found = await asyncio.to_thread(service.store.jobs.all, limit)
    return json_response({"jobs": [_facts(job, [], _progress(service, job.id)) for job in found]})


def _progress(service: Service, job: str) -> dict[str, Any] | None:
    return service.jobs.progress if service.jobs.running == job else None


@router.get("/v1/jobs/{job}", responses={200: {"model": JobAnswer}, **documented(404, 422), **ERRORS})
async def one_job(service: Serving, job: JobId) -> Response:
    """A job with its result: forecast, scores, verdict, and files to download."""
    found = await _job(service, job)
    files = await asyncio.to_thread(service.store.jobs.files, job, "artifact")
    return json_response(_facts(found, files, _progress(service, job)))


@router.delete("/v1/jobs/{job}", status_code=204, responses={**documented(404, 422), **ERRORS})
async def cancel_job(service: Serving, job: JobId) -> Response:
    """Cancel a job that waits or runs; drop one that has ended, with its files."""
    found = await _job(service, job)
    if found.state in ENDED or not await asyncio.to_thread(service.jobs.cancel, job):
        await asyncio.to_thread(service.store.jobs.remove, job)
    return Response(status_code=204)


@router.get("/v1/jobs/{job}/log", responses={200: {"model": JobLog}, **documented(404, 422), **ERRORS})
async def job_log(service: Serving, job: JobId) -> Response:
    """What happened with a job, a line each."""
    await _job(service, job)
    return json_response({"lines": await asyncio.to_thread(service.store.jobs.lines, job)})


@router.get(
    "/v1/jobs/{job}/events", responses={200: {"content": {"text/event-stream": {}}}, **documented(404, 422), **ERRORS}
)
async def job_events(service: Serving, job: JobId) -> StreamingResponse:
    """Server-sent events: "progress" (stage, done, of, figures), "started", "paused", and "ended" (state)."""
    topic = f"job {job}"
    queue = service.hub.listen(topic)
    try:
        found = await _job(service, job)
    except BaseException:
        service.hub.leave(topic, queue)
        raise
    now = _progress(service, job) or found.progress
    first = [{"event": "state", "state": found.state}, *([{"event": "progress", **now}] if now else [])]
    if found.state in ENDED:
        first.append({"event": "ended", "state": found.state})
    return StreamingResponse(
        service.hub.stream(topic, queue, first), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


@router.get(
    "/v1/jobs/{job}/artifacts/{name}",
    response_class=Response,
    responses={
        200: {"content": {kind.split(";")[0]: {} for kind in MEDIA_TYPES.values()}},
        **documented(404, 422),
        **ERRORS,
    },
)
async def artifact(
    service: Serving, job: JobId, name: Annotated[str, Path(max_length=64, examples=["forecast.csv"])]
) -> Response:
    """A file of a job."""
    found = await asyncio.to_thread(service.store.jobs.file, job, "artifact", name)
    if found is None:
        raise Problem(404, "There is no such file.", where="name", remedy="GET the job: it lists its artifacts.")
    shown = "inline" if found.media_type == "image/png" else "attachment"
    headers = {"Content-Disposition": f'{shown}; filename="{found.name}"', "Content-Security-Policy": "sandbox"}
    return Response(found.content, headers=headers, media_type=found.media_type)
