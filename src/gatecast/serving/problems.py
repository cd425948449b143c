"""Errors as answers: problem+json (RFC 9457) that says what is wrong, where, what the limit is, and what to do.

{"type": "urn:gatecast:problem:body-too-large", "title": "The body is too large.", "status": 413,
 "detail": "...", "where": "body", "limit": 16777216, "remedy": "...", "remedies": [], "instance": "urn:request:..."}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gatecast.errors import GatecastError, ModelFileError, TrainingError

__all__ = ["MEDIA_TYPE", "Problem", "ProblemBody", "busy", "documented", "of_error", "of_validation", "response"]

MEDIA_TYPE = "application/problem+json"
SHOWN, LOOKED_AT = 5, 50  # mistakes in a body: told, and at most looked at
CHOICES = ("bool", "int", "float", "str", "constrained-str", "constrained-int")  # of a cell, in pydantic's words

# status -> (last part of the type, title)
KINDS = {
    400: ("bad-request", "The request cannot be read."),
    401: ("no-token", "A token is needed."),
    403: ("not-allowed", "This is not allowed."),
    404: ("not-found", "There is nothing here."),
    405: ("method-not-allowed", "This method is not known here."),
    408: ("too-slow", "The request took too long to arrive."),
    409: ("conflict", "This contradicts what is there."),
    413: ("too-large", "The request is too large."),
    415: ("media-type", "This kind of content is not read here."),
    422: ("not-usable", "What was given cannot be used."),
    429: ("too-many", "There are too many requests."),
    500: ("failed", "Something went wrong here."),
    503: ("busy", "The service cannot answer now."),
    504: ("took-too-long", "The answer took too long."),
}


class ProblemBody(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(examples=["urn:gatecast:problem:too-large"])
    title: str = Field(examples=["The request is too large."])
    status: int = Field(examples=[413])
    detail: str = Field(examples=["The body has more than 16,777,216 bytes."])
    where: str = Field(description="The part of the request that is meant.", examples=["body"])
    limit: int | float | None = Field(description="The limit that was passed, if one was.", examples=[16777216])
    remedy: str = Field(description="What helps.", examples=["Send fewer rows at a time."])
    remedies: list[dict[str, Any]] = Field(description="Settings that help, as data: setting, of, value.")
    instance: str = Field(description="The id of the request, as in the log.", examples=["urn:request:5f0c2b1e9a"])


PLAINER = {  # words of the library that are meant for its users, not for those of the service
    "Value error, Expected UploadFile, received: <class 'str'>": "a file is wanted here, sent with its name",
}


class Problem(HTTPException):
    """An error that a client gets.

    Args:
        status: of HTTP; it decides the title.
        detail: what is wrong, in a sentence.
        where: the part of the request.
        limit: the limit that was passed.
        remedy: what helps.
        remedies: settings that help, as data.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        where: str = "",
        limit: float | None = None,
        remedy: str = "",
        remedies: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.where, self.limit, self.remedy, self.remedies = where, limit, remedy, list(remedies)

    def body(self, request_id: str = "") -> dict[str, Any]:
        """As JSON has it."""
        slug, title = KINDS.get(self.status_code, KINDS[500])
        return {
            "type": f"urn:gatecast:problem:{slug}",
            "title": title,
            "status": self.status_code,
            "detail": self.detail,
            "where": self.where,
            "limit": self.limit,
            "remedy": self.remedy,
            "remedies": self.remedies,
            "instance": f"urn:request:{request_id}",
        }


def busy(
    detail: str,
    seconds: int,
    *,
    where: str = "",
    limit: float | None = None,
    remedy: str = "Ask again in a moment.",
    headers: dict[str, str] | None = None,
) -> Problem:
    """What cannot be answered now, and may be ``seconds`` later."""
    headers = {"Retry-After": str(seconds), **(headers or {})}
    return Problem(503, detail, where=where, limit=limit, remedy=remedy, headers=headers)


def response(problem: Problem, request_id: str) -> Response:
    """The answer of a problem."""
    headers = {**(problem.headers or {}), "Cache-Control": "no-store"}
    return Response(to_json(problem.body(request_id)), problem.status_code, headers, MEDIA_TYPE)


def of_error(error: GatecastError, where: str = "body") -> Problem:
    """What the package refuses, as an answer; the remedies go along as data."""
    status = 500 if isinstance(error, TrainingError) else 422
    where = "model" if isinstance(error, ModelFileError) else where
    return Problem(status, str(error), where=where, remedy=_in_words(error), remedies=error.remedies)


def _in_words(error: GatecastError) -> str:
    """The first remedy that says its value.

    >>> from gatecast.errors import PanelError, Setting
    >>> _in_words(PanelError("a row is missing. Give ", Setting("gaps", "missing", of="read"), "."))
    'Set gaps of read to missing.'
    """
    found = next((one for one in error.remedies if "value" in one), None)
    return f"Set {found['setting']} of {found['of']} to {found['value']}." if found else ""


def of_validation(error: ValidationError | Any) -> Problem:
    """All that does not fit the schema: the first places in words."""
    found = _errors_of(error)[:LOOKED_AT]
    placed = [(_place(one["loc"]), PLAINER.get(one["msg"], one["msg"])) for one in found]
    # where one of several shapes was meant, the one that fits furthest is
    deep = [(place, text) for place, text in placed if not any(other.startswith(f"{place}.") for other, _ in placed)]
    every = list(dict.fromkeys(f"{place}: {text}" for place, text in deep))
    told = every[:SHOWN]
    more = " and more" if len(every) > SHOWN else ""
    syntax = any(one["type"] in ("json_invalid", "json_type") for one in found)
    detail = f"{'; '.join(told)}{more}."[:2000]
    where = deep[0][0] if deep else "body"
    return Problem(400 if syntax else 422, detail, where=where, remedy="The shapes are described in /openapi.json.")


def _errors_of(error: Any) -> list[Any]:
    """What pydantic or FastAPI found, without what was given."""
    if isinstance(error, ValidationError):
        return list(error.errors(include_url=False, include_context=False, include_input=False))
    return list(error.errors())


def _place(loc: Sequence[Any]) -> str:
    """The place in a body; what only names a choice of shapes is left out.

    >>> _place(("history", "dict[str,list[float]]", "units", 3, "float"))
    'history.units.3'
    """
    parts = [str(part) for part in loc if not any(mark in str(part) for mark in "[(") and part not in CHOICES]
    return ".".join(parts)[:200] or "body"


def documented(*codes: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of these errors."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        code: {"description": KINDS[code][1], "content": {MEDIA_TYPE: {"schema": schema}}} for code in sorted(codes)
    }
