"""Bodies of requests: JSON by its shape, Arrow as a table; uploads as files."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request, UploadFile
from pydantic import BaseModel, ValidationError

from gatecast.serving.jobs.unpacked import KINDS, kind_of
from gatecast.serving.limits import Limits
from gatecast.serving.problems import Problem, of_validation

__all__ = [
    "ARROW",
    "body_of",
    "given_as_json",
    "json_or_arrow",
    "media_type",
    "shown_name",
    "table_name",
    "upload_bytes",
    "uploaded",
]

ARROW = "application/vnd.apache.arrow.stream"
Shape = TypeVar("Shape", bound=BaseModel)
LARGE = 256 * 1024  # bytes; more are read by another thread


def media_type(request: Request) -> str:
    """What the body is, without parameters; JSON where nothing is said."""
    return request.headers.get("content-type", "application/json").split(";")[0].strip().lower()


async def body_of(request: Request, shape: type[Shape]) -> Shape:
    """A body of JSON in this shape. Raises Problem for all that does not fit."""
    if media_type(request) != "application/json":
        raise Problem(
            415,
            f"The body has to be application/json; got {media_type(request)[:80]!r}.",
            where="header Content-Type",
            remedy="Send JSON.",
        )
    raw = await request.body()
    if len(raw) > LARGE:
        return await asyncio.to_thread(_read, raw, shape)
    return _read(raw, shape)


def _read(raw: bytes, shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate_json(raw)
    except ValidationError as error:
        raise of_validation(error) from None


def given_as_json(text: str, shape: type[Shape], where: str) -> Shape:
    """A field of a form that holds JSON."""
    try:
        return shape.model_validate_json(text or "{}")
    except ValidationError as error:
        found = of_validation(error)
        found.where = f"{where}.{found.where}"
        raise found from None


def json_or_arrow(shape: type[BaseModel], *examples: str) -> dict[str, Any]:
    """What OpenAPI says of a body that is JSON of this shape, or a table in Arrow's stream format."""
    schema = {"$ref": f"#/components/schemas/{shape.__name__}"}
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if examples:
        content[ARROW] = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": content}}


def shown_name(upload: UploadFile) -> str:
    """The name of an uploaded file for messages: it is never a path.

    Anything but letters, digits and plain marks is left out.
    """
    base = re.split(r"[\\/]", upload.filename or "")[-1]
    return re.sub(r"[^\w. ()+-]", "", base)[:80] or "table.csv"


async def upload_bytes(upload: UploadFile, limits: Limits) -> bytes:
    """All of an uploaded file. Raises Problem where it is too large, or empty."""
    if upload.size is not None and upload.size > limits.upload:
        raise Problem(
            413,
            f"The file has more than {limits.upload:,} bytes.",
            where="file",
            limit=limits.upload,
            remedy="Upload fewer rows, or raise the limit upload.",
        )
    content = await upload.read()
    if not content:
        raise Problem(422, "The file is empty.", where="file", remedy="Upload a table with a header.")
    return content


def table_name(upload: UploadFile) -> str:
    """The name of an uploaded table on this machine. Raises Problem for a kind that is not read."""
    if not (upload.filename or "").strip():
        remedy = "Send the name of the file too, such as filename=sales.csv."
        raise Problem(422, "The file has no name, which would say what it is.", where="file", remedy=remedy)
    kind = kind_of(upload.filename or "")
    if not kind:
        raise Problem(
            422,
            "The end of the file's name does not say what it is.",
            where="file",
            remedy=f"Name it with one of {', '.join(KINDS)}, each also with .gz.",
        )
    return f"table{kind}"


@asynccontextmanager
async def uploaded(upload: UploadFile, limits: Limits) -> AsyncIterator[tuple[Path, str, str]]:
    """A folder with the uploaded table, its name there, and what the client calls it."""
    name = table_name(upload)
    content = await upload_bytes(upload, limits)
    with tempfile.TemporaryDirectory(prefix="gatecast-") as folder:
        await asyncio.to_thread(Path(folder, name).write_bytes, content)
        yield Path(folder), name, shown_name(upload)
