"""The page: files of this package, served as they are. They ask nobody but this service."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Response

from gatecast.serving.problems import Problem

__all__ = ["FOLDER", "router"]

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parents[1] / "page"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@router.get("/")
async def index() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/page/{name}")
async def file(name: str) -> Response:
    """A file of the page."""
    return _file(name)


def _file(name: str) -> Response:
    """A file by its name: one of those that are there, so that no name leads anywhere else."""
    found = next((path for path in FOLDER.glob("*") if path.name == name and path.suffix in KINDS), None)
    if found is None:
        raise Problem(404, "There is no such file.", where="path", remedy="The endpoints are listed in /openapi.json.")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return Response(found.read_bytes(), headers=headers, media_type=KINDS[found.suffix])
