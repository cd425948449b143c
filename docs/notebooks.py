"""Write a notebook of each tutorial from its page, so that both say the same.

Run as ``python docs/notebooks.py``. A test runs the same function and fails where a notebook is stale; the code itself
is run by the tests of the pages. Prose becomes cells of Markdown, Python becomes cells of code, commands become cells
that a shell runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["notebook_of", "write"]

FOLDER = Path(__file__).parent
PAGES = sorted(FOLDER.glob("tutorial-*.md"))
BLOCK = re.compile(r"(?:<!-- not run: (?P<why>.*?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```\n", re.DOTALL)


def notebook_of(page: Path) -> str:
    """The notebook of a page, as JSON of nbformat 4.5."""
    cells = list(_cells(page.read_text(encoding="utf-8")))
    for place, cell in enumerate(cells):
        cell["id"] = f"{page.stem[:48]}-{place}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _cells(text: str) -> Iterator[dict[str, Any]]:
    """Prose and code in turn."""
    at = 0
    for block in BLOCK.finditer(text):
        yield from _prose(text[at : block.start()])
        at = block.end()
        if block["kind"] == "python":
            yield _cell("code", block["text"].rstrip())
        elif block["kind"] == "console":
            yield _cell("code", _commands(block["text"], block["why"]))
        else:
            yield from _prose(block[0])
    yield from _prose(text[at:])


def _prose(text: str) -> Iterator[dict[str, Any]]:
    if text.strip():
        links = re.sub(r"\]\((?!http|#)", "](../", text.strip())
        yield _cell("markdown", links)


def _commands(text: str, why: str | None) -> str:
    """Commands of a shell; those that take long are there to be switched on."""
    mark = "# !" if why else "!"
    lines = [f"{mark}{line.removeprefix('$ ')}" for line in text.splitlines() if line.startswith("$ ")]
    return "\n".join([*([f"# {why}"] if why else []), *lines])


def _cell(kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def write() -> None:
    """Write the notebooks of all tutorials."""
    for page in PAGES:
        (FOLDER / "notebooks" / f"{page.stem}.ipynb").write_text(notebook_of(page), encoding="utf-8")


if __name__ == "__main__":
    write()
