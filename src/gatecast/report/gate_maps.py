"""Maps of gates and cells: one panel below the other, a row for each unit, a column for each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gatecast.live.state.gates import GateWindow
from gatecast.report.drawing import INK, axis, frame
from gatecast.report.markup import Key, escape, numbers

__all__ = ["HOW", "PANELS", "Shades", "layout", "maps", "order_of"]

Scale = list[tuple[float, str]]

HOW = (
    "Each row of a map is one unit; those that remember longest are on top. At every step a unit multiplies what it "
    "holds by the forget gate, adds what the input gate lets in, and shows as much as the output gate allows. A gate "
    "goes from 0, closed, to 1, open."
)
MOST_UNITS = 64
SERIES_HEIGHT, MAP_HEIGHT, GAP = 100, 120, 34
# Cividis (Nunez et al. 2018): even steps for every kind of colour vision, no extreme on white or black.
OPEN: Scale = [(0, "#00224e"), (0.25, "#414d6b"), (0.5, "#7c7b78"), (0.75, "#bcae6c"), (1, "#fee838")]
SIGNED: Scale = [(0, "#2a6fb0"), (0.25, "#8db9dc"), (0.5, "#eeeeee"), (0.75, "#eba27f"), (1, "#c2491d")]
CELL = "cell_TD"
PANELS = {
    "forget_TD": "Forget gate: bright keeps, dark lets go",
    "input_TD": "Input gate: bright takes in what is new",
    "output_TD": "Output gate: bright shows what is held",
    CELL: "Cell state: what is held",
}


class Shades:
    """The ranges of the colours: one for the three gates, and one for the cells, of all windows that are drawn.

    Args:
        windows: these.
    """

    def __init__(self, windows: Sequence[GateWindow]) -> None:
        gates = [getattr(window, name) for window in windows for name in PANELS if name != CELL]
        self.low, self.high = _range(gates)
        self.limit = max(float(np.abs(window.cell_TD).max()) for window in windows) or 1.0

    @property
    def keys(self) -> list[Key]:
        """What the colours mean."""
        return [
            Key(f"gates, {self.low:g} to {self.high:g}", _ramp(OPEN), "ramp"),
            Key(f"cells, −{self.limit:.2g} to {self.limit:.2g}", _ramp(SIGNED), "ramp"),
        ]


def order_of(forget_TD: np.ndarray) -> np.ndarray:
    """The units to draw, upwards: what remembers longest is on top; of very many some, evenly spread."""
    order = np.argsort(forget_TD.mean(axis=0), kind="stable")
    return order[np.unique(np.linspace(0, len(order) - 1, min(len(order), MOST_UNITS)).astype(np.int64))]


def maps(window: GateWindow, x: list[Any], order: np.ndarray, shades: Shades, xaxis: str) -> list[dict[str, Any]]:
    """The traces of a window, as plotly.js takes them."""
    traces = []
    for k, name in enumerate(PANELS):
        signed = name == CELL
        traces.append(
            {
                "type": "heatmap", "x": x, "z": numbers(getattr(window, name)[:, order].T, 2),
                "xaxis": xaxis, "yaxis": f"y{k + 2}", "colorscale": SIGNED if signed else OPEN,
                "zmin": -shades.limit if signed else shades.low, "zmax": shades.limit if signed else shades.high,
                "showscale": False, "hovertemplate": "unit %{y}: %{z}<extra></extra>",
            }
        )  # fmt: skip
    return traces


def layout(title: str, below: int = 66, between: int = 0) -> dict[str, Any]:
    """Five panels below each other: a series, three gates, the cells.

    Args:
        title: above the series.
        below: pixels beside the panels.
        between: further ones below the series, for an axis of its own there.
    """
    titles = [title, *PANELS.values()]
    heights = [SERIES_HEIGHT, *[MAP_HEIGHT] * len(PANELS)]
    drawn = sum(heights) + GAP * (len(heights) - 1) + between
    made = frame(drawn + below, hovermode="closest", margin={"l": 40, "r": 10, "t": 26, "b": below - 26})
    labels, top = [], float(drawn)
    for k, (text, height) in enumerate(zip(titles, heights, strict=True)):
        domain = [max((top - height) / drawn, 0.0), top / drawn]
        blank: dict[str, Any] = {"showticklabels": False, "showgrid": False} if k else {"nticks": 4}
        made[f"yaxis{k + 1}" if k else "yaxis"] = axis(domain=domain, **blank)
        labels.append(_panel_title(text, domain[1]))
        top -= height + GAP + (0 if k else between)
    made["xaxis"] = axis(showgrid=False, anchor="y" if between else f"y{len(titles)}")
    return made | {"annotations": labels}


def _range(gates: list[np.ndarray]) -> tuple[float, float]:
    """The range of nearly all values, out to tenths: one scale for the three gates, and as much contrast as they have.

    >>> _range([np.array([0.31, 0.55]), np.array([0.72])])
    (0.3, 0.8)
    """
    low, high = np.quantile(np.concatenate([one.ravel() for one in gates]), (0.01, 0.99)).tolist()
    return math.floor(10 * low) / 10, math.ceil(10 * high) / 10


def _ramp(scale: Scale) -> str:
    """The colours of a scale, for the style sheet."""
    return f"linear-gradient(90deg, {', '.join(colour for _, colour in scale)})"


def _panel_title(title: str, y: float) -> dict[str, Any]:
    return {
        "xref": "paper", "yref": "paper", "x": 0, "y": y, "xanchor": "left", "yanchor": "bottom", "showarrow": False,
        "text": escape(title), "font": {"size": 12, "color": INK}, "yshift": 2, "align": "left",
    }  # fmt: skip
