"""Charts of our own for pages: lines and bands over time, drawn as SVG by plain JavaScript (``chart.js``).

Data in, SVG out; 15 kB, no library. Colours come from the style sheet ``chart.css``, on the variables of ``page.css``.
"""

from __future__ import annotations

from importlib import resources

__all__ = ["chart_script", "chart_style"]


def chart_script() -> str:
    """JavaScript that defines ``Chart``; how it is called stands at its top."""
    return _text("chart.js")


def chart_style() -> str:
    """The style sheet of charts."""
    return _text("chart.css")


def _text(name: str) -> str:
    return (resources.files(__name__) / name).read_text("utf-8")
