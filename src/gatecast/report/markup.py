"""Pieces of HTML: text made harmless, tables, figures with their words."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = [
    "Figure",
    "Key",
    "Row",
    "data_element",
    "data_script",
    "escape",
    "figure",
    "folded",
    "numbers",
    "paragraph",
    "section",
    "table",
]

DIGITS = 4  # of the range of what is drawn: finer than a pixel


@dataclass(frozen=True)
class Key:
    """One entry of a figure's key: a name and how it is drawn ("line", "thin", "band", "box", "ramp" of colours)."""

    name: str
    colour: str
    kind: str = "line"


@dataclass(frozen=True)
class Figure:
    """A figure as plotly.js takes it, and the words around it.

    Args:
        name: identifier on the page, of letters, digits and "-".
        title: what is shown.
        finding: what is seen, in a sentence.
        reading: how to read it.
        data: traces.
        layout: layout.
        key: names of what is drawn; on wide screens labels at the lines take its place where ``labelled``.
        labelled: lines carry their names.
        numbers: a table of the same numbers, as HTML.
        frames: of a film.
    """

    name: str
    title: str
    finding: str
    reading: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    key: Sequence[Key] = ()
    labelled: bool = False
    numbers: str = ""
    frames: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Row:
    """One row of a table: its heading, its cells; bold cells by position; a class for the whole row."""

    head: str
    cells: Sequence[str]
    bold: frozenset[int] = field(default_factory=frozenset)
    kind: str = ""


def escape(text: object) -> str:
    """Text that can stand anywhere in HTML, and in plotly's labels, which know some tags; "5 %" stays on one line.

    >>> escape("<b>")
    '&lt;b&gt;'
    """
    return html.escape(str(text), quote=True).replace(" %", "\u00a0%")


def paragraph(text: str, kind: str = "") -> str:
    """Plain text as a paragraph; nothing where there is no text."""
    return f"<p{_class(kind)}>{escape(text)}</p>" if text else ""


def section(name: str, title: str, *parts: str) -> str:
    """A section with its heading, the parts below each other."""
    inner = "\n".join(part for part in parts if part)
    heading = f'<h2 id="{name}-title">{escape(title)}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-title">\n{heading}\n{inner}\n</section>'


def table(heads: Sequence[str], rows: Sequence[Row], caption: str, kind: str = "") -> str:
    """A table in a box that scrolls by itself where it is too wide; row heads on the left, the caption above."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "\n".join(_row(row) for row in rows)
    name = escape(caption)
    return (
        f'<p class="caption">{name}</p>\n<div class="scroll" tabindex="0" role="region" aria-label="{name}">\n'
        f'<table{_class(kind)} aria-label="{name}">\n'
        f"{f'<thead><tr>{top}</tr></thead>' if any(heads) else ''}\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def folded(summary: str, inner: str) -> str:
    """Something that opens when asked for, and on paper."""
    return f'<details class="words"><summary>{escape(summary)}</summary>\n{inner}\n</details>'


def figure(one: Figure) -> str:
    """The place of a figure: heading, finding, key, drawing, how to read it, numbers."""
    name, alt = one.name, escape(f"{one.title}. {one.finding}")
    entries = "".join(
        f'<li><span class="swatch {k.kind}" style="--colour:{k.colour}"></span>{escape(k.name)}</li>' for k in one.key
    )
    key = f'<ul class="key{" narrow" if one.labelled else ""}" aria-hidden="true">{entries}</ul>' if entries else ""
    below = f"<details><summary>The numbers</summary>{one.numbers}</details>" if one.numbers else ""
    height = int(one.layout["height"])
    return (
        f'<figure id="{name}">\n<h3>{escape(one.title)}</h3>\n{paragraph(one.finding, "finding")}\n{key}\n'
        f'<div class="plot" id="{name}-plot" role="img" aria-label="{alt}" style="min-height:{height}px"></div>\n'
        f"<figcaption>{escape(one.reading)}</figcaption>\n{below}\n</figure>"
    )


def data_script(figures: Sequence[Figure]) -> str:
    """All figures' data in an element that no browser runs."""
    return data_element("figures", {f"{one.name}-plot": _drawn(one) for one in figures})


def data_element(name: str, content: Any) -> str:
    """Data as JSON in an element that no browser runs; "<" is written so that none can end it."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" id="{name}">{text}</script>'


def numbers(values: Any, digits: int = DIGITS) -> Any:
    """Numbers for a drawing: rounded to some digits of their range; None for what is not finite.

    >>> numbers([1.23456789, float("nan"), 3.0])
    [1.2346, None, 3.0]
    """
    array = np.asarray(values, dtype=np.float64)
    finite = array[np.isfinite(array)]
    spread = float(np.ptp(finite)) if len(finite) else 0.0
    size = spread or (float(np.abs(finite).max()) if len(finite) else 0.0)
    places = digits - math.floor(math.log10(size)) if size > 0 else 0
    return _plain(np.round(array, places).tolist())


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if math.isfinite(value) else None


def _drawn(one: Figure) -> dict[str, Any]:
    frames = {"frames": list(one.frames)} if one.frames else {}
    return {"data": one.data, "layout": one.layout, **frames}


def _row(row: Row) -> str:
    cells = "".join(
        f"<td>{f'<strong>{escape(cell)}</strong>' if n in row.bold else escape(cell)}</td>"
        for n, cell in enumerate(row.cells)
    )
    return f'<tr{_class(row.kind)}><th scope="row">{escape(row.head)}</th>{cells}</tr>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
