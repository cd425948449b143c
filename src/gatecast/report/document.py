"""The shell of a page: head, style sheets, scripts, and the file. Pages make no request and need no other file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from gatecast.errors import ConfigError
from gatecast.report.markup import escape

__all__ = ["document", "own_text", "write_page"]

# What the browser may do with the page: draw it. Not even a mistake can make a request.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def document(
    heading: str, body: str, *, data: str, scripts: Sequence[str], styles: Sequence[str] = (), skip: tuple[str, str]
) -> str:
    """A whole page as text.

    Args:
        heading: its title.
        body: HTML of its content.
        data: element that holds the data of its scripts, of ``markup.data_element``.
        scripts: JavaScript, each in an element of its own.
        styles: style sheets beside that of all pages.
        skip: identifier and name of the section that readers of the keyboard may jump to.
    """
    style = "\n".join([own_text("gatecast.report", "page.css"), *styles])
    scripted = "\n".join(f"<script>\n{script}</script>" for script in scripts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Gatecast">
<title>{escape(heading)}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#{skip[0]}">Skip to {escape(skip[1])}</a>
<main>
{body}
</main>
{data}
{scripted}
</body>
</html>
"""


def own_text(package: str, name: str) -> str:
    """A style sheet or script that lies beside the code."""
    return (resources.files(package) / name).read_text("utf-8")


def write_page(text: str, path: str | os.PathLike[str]) -> None:
    """Write a page. Raises ConfigError where the file cannot be written."""
    try:  # what is no Unicode, such as bytes in the name of a file, becomes "?"
        Path(path).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"the report cannot be written to {os.fspath(path)!r}: {error.strerror}.") from error
