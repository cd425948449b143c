"""Lines, bands and frames for plotly.js, as plain data: one palette and one quiet look for all figures.

Colours have to be read on white and on black. What should be as dark as text is drawn in ``INK``, a colour that the
style sheet replaces by the ink of the theme (``page.css``); all others have enough contrast with both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gatecast.data.frequency import Frequency, to_wall
from gatecast.report.markup import Key, escape, numbers

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "GRID",
    "INK",
    "VERMILION",
    "axis",
    "band",
    "end_labels",
    "frame",
    "line",
    "moments",
    "steps_axis",
    "times_axis",
    "tint",
]

INK = "rgb(1, 2, 3)"
# After the palette of Okabe and Ito, which colour-blind readers can tell apart.
BLUE, VERMILION, GREEN, GREY = "#3a86c8", "#d55e00", "#0f9d77", "#8c8c8c"
GRID = "rgba(128, 128, 128, 0.22)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
LABEL_GAP = 0.075  # of the axis, between two labels at the ends of lines


def tint(colour: str, share: float) -> str:
    """A colour that lets so much of itself be seen.

    >>> tint("#3a86c8", 0.2)
    'rgba(58, 134, 200, 0.2)'
    """
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {share:g})"


def frame(height: int = 320, **changes: Any) -> dict[str, Any]:
    """A layout without box, background and legend."""
    return {
        "height": height,
        "margin": {"l": 48, "r": 14, "t": 12, "b": 42},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": GREY},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "#20262c", "bordercolor": "#20262c", "font": {"color": "#ffffff", "size": 13}},
        "xaxis": axis(showgrid=False),
        "yaxis": axis(),
        **changes,
    }


def axis(title: str = "", **changes: Any) -> dict[str, Any]:
    """An axis with pale lines; its title is escaped here."""
    named = {"title": {"text": escape(title), "standoff": 8, "font": {"size": 13}}} if title else {}
    return {"gridcolor": GRID, "zeroline": False, "automargin": True, "ticks": "", "nticks": 7, **named, **changes}


def line(x: Any, y: Any, name: str, colour: str, width: float = 2, **changes: Any) -> dict[str, Any]:
    """One line; ``x`` as plain data."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": numbers(y),
        "name": escape(name),
        "line": {"color": colour, "width": width},
        **changes,
    }


def band(x: Sequence[Any], low: Any, high: Any, colour: str) -> dict[str, Any]:
    """The area between two lines; where both are None the area ends, and another one begins."""
    outline_x: list[Any] = []
    outline_y: list[Any] = []
    for begin, end in _runs(low):
        outline_x += [*x[begin:end], *reversed(x[begin:end]), None]
        outline_y += [*low[begin:end], *reversed(high[begin:end]), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": outline_x[:-1],
        "y": outline_y[:-1],
        "fill": "toself",
        "fillcolor": colour,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _runs(values: Sequence[Any]) -> list[tuple[int, int]]:
    """Begin and end of each stretch without None."""
    edges = np.flatnonzero(np.diff(np.array([False, *(value is not None for value in values), False]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def moments(frequency: Frequency, times: np.ndarray) -> list[Any]:
    """Times as plotly reads them: local, as dates where there is no time of day; whole numbers for plain steps."""
    if frequency.unit == "step":
        return [int(time) for time in np.ravel(times)]
    if frequency.stores_utc and frequency.timezone is not None:
        times = to_wall(np.asarray(times), frequency.timezone)
    stamps = np.ravel(np.asarray(times, "datetime64[s]"))
    days = stamps.astype("datetime64[D]")
    plain = bool((days == stamps).all())
    return [str(time) for time in (days if plain else stamps)]


def steps_axis(title: str, last: int) -> dict[str, Any]:
    """An axis of whole numbers from 1 on, without room behind the last one."""
    pad = 0.02 * max(last - 1, 1)
    ticks = {"dtick": 1} if last <= 12 else {"nticks": 13}
    return axis(title, showgrid=False, range=[1 - pad, last + pad], tickformat="d", **ticks)


def times_axis(title: str, times: Sequence[Any]) -> dict[str, Any]:
    """An axis from the first time to the last one, with a little room at both ends."""
    if isinstance(times[0], int):
        pad = 0.02 * max(times[-1] - times[0], 1)
        return axis(title, showgrid=False, range=[times[0] - pad, times[-1] + pad])
    ends = np.array([times[0], times[-1]], "datetime64[s]")
    pad = np.timedelta64(max(int((ends[1] - ends[0]).astype(np.int64) // 50), 1), "s")
    return axis(title, showgrid=False, range=[str(ends[0] - pad), str(ends[1] + pad)])


def end_labels(ends: Sequence[tuple[Any, float, Key]], low: float, high: float) -> list[dict[str, Any]]:
    """Names at the right ends of lines, moved apart where they would touch, inside the picture.

    Args:
        ends: x, y and name of each end.
        low: lower end of the axis.
        high: upper end of it.
    """
    gap = LABEL_GAP * (high - low)
    ordered = sorted(ends, key=lambda end: end[1])
    place = np.array([end[1] for end in ordered])
    for k in range(1, len(place)):
        place[k] = max(place[k], place[k - 1] + gap)
    limit = high - gap / 3
    for k in range(len(place) - 1, -1, -1):
        place[k] = min(place[k], limit)
        limit = place[k] - gap
    return [
        {
            "name": "end", "x": x, "y": float(f"{y:.6g}"), "text": escape(key.name), "showarrow": False,
            "xanchor": "left", "xshift": 8, "font": {"color": key.colour, "size": 13},
        }
        for (x, _, key), y in zip(ordered, place, strict=True)
    ]  # fmt: skip
