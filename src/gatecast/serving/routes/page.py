"""The page: files of this package, served as they are. They ask nobody but this service.

Charts, colours and an example are those of other parts: the page has them under names of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, Response

from gatecast.data.examples.airline import PASSENGERS
from gatecast.report.chart import chart_script, chart_style
from gatecast.report.document import own_text
from gatecast.serving.problems import Problem

__all__ = ["FOLDER", "router"]

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parents[1] / "page"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def _airline() -> str:
    """The passengers of the example, as a table."""
    lines = [f"{1949 + n // 12}-{n % 12 + 1:02d},{count}" for n, count in enumerate(PASSENGERS)]
    return "\n".join(["Month,Passengers", *lines, ""])


SHARED: dict[str, Callable[[], str]] = {
    "chart.js": chart_script,
    "chart.css": chart_style,
    "base.css": lambda: own_text("gatecast.report", "page.css"),
    "airline.csv": _airline,
}


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
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    if name in SHARED:
        return Response(SHARED[name](), headers=headers, media_type=KINDS[Path(name).suffix])
    found = next((path for path in FOLDER.glob("*") if path.name == name and path.suffix in KINDS), None)
    if found is None:
        raise Problem(404, "There is no such file.", where="path", remedy="The endpoints are listed in /openapi.json.")
    return Response(found.read_bytes(), headers=headers, media_type=KINDS[found.suffix])
