"""A film of the gates: what an LSTM remembers from day to day, as a page with a slider.

series over a year      ─────────────▓▓▓▓▓▓┤──────────      ▓ the window that the network reads at this moment
gates and cells         one map each, a column for each step of that window; one frame for each moment
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.backtesting.given import require_model
from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.errors import ConfigError, WindowError
from gatecast.live.state.gates import GateWindow, gate_windows
from gatecast.report.document import document, own_text, write_page
from gatecast.report.drawing import GREY, INK, VERMILION, axis, line, moments, times_axis
from gatecast.report.gate_maps import HOW, Shades, layout, maps, order_of
from gatecast.report.library import plotly_javascript, require_report_library
from gatecast.report.markup import Figure, data_script, escape, figure, numbers, paragraph, section
from gatecast.report.memory import finding

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["film"]

STEPS = 365
MOST_FRAMES = 123  # a year in steps of three days; each is a few thousand numbers of the page
MILLISECONDS = 120  # of a frame
BETWEEN = 26  # pixels, for the times below the series
CONTROLS = 104  # pixels, for the slider below the maps


def film(
    model: Forecaster,
    data: Any,
    path: str | os.PathLike[str],
    *,
    series: str | int = 0,
    steps: int = STEPS,
    frames: int = MOST_FRAMES,
) -> None:
    """Write a film of gates and cells as one self-contained HTML page: a slider moves through the last steps.

    Args:
        model: fitted, or loaded from a file. Shown is the first layer of the first network of the main candidate.
        data: a Panel, or what ``gatecast.read`` takes: the history.
        path: the file, such as "film.html"; an existing one is replaced.
        series: name or position of the series.
        steps: last steps of the series that the film goes through; fewer where there are fewer.
        frames: moments of the film at most, evenly spread over these.

    Raises:
        ConfigError: plotly is missing, nothing was trained, the network is no LSTM that reads forwards, or the file
            cannot be written.
        WindowError: the series is shorter than the window that the network reads.
        PanelError: there is no such series, or the data do not have the columns of the training.
    """
    require_report_library()
    if min(steps, frames) < 2:
        raise ConfigError(f"a film needs at least 2 steps and frames; got {steps} steps and {frames} frames.")
    require_model(model, "film")
    whole = observed_part(model.panel_of(data))
    panel = whole.select([whole.position(series)])
    fitted = model.fitted_
    fitted.require_trained("asked for its gates")
    lookback, length = fitted.plan.framing.lookback, int(panel.length[0])
    if length < lookback + 2:
        raise WindowError(f"the series has {length:,} steps; its film needs {lookback + 2:,}: the lookback and two.")
    first = max(length - steps, lookback - 1)
    at = np.unique(np.linspace(first, length - 1, min(frames, length - first)).astype(np.int64))
    windows = gate_windows(fitted, panel, at)
    labels = [panel.frequency.label(time) for time in panel.times(0)[at]]
    drawn = _figure(panel, windows, at, first, labels)
    heading = f"What the LSTM remembers: {panel.ids[0]}"
    top = f'<header>\n<p class="kind">A film of gates and cells</p>\n<h1>{escape(heading)}</h1>\n'
    about = f"{fitted.describe()}. {len(at):,} moments from {labels[0]} to {labels[-1]}."
    body = top + paragraph(about, "about") + "\n</header>\n" + section("film", "From step to step", figure(drawn))
    scripts = (plotly_javascript(), own_text("gatecast.report", "page.js"))
    write_page(document(heading, body, data=data_script([drawn]), scripts=scripts, skip=("film", "the film")), path)


def _figure(panel: Panel, windows: list[GateWindow], at: np.ndarray, first: int, labels: list[str]) -> Figure:
    lasts, shades = windows[-1], Shades(windows)
    order = order_of(np.concatenate([window.forget_TD for window in windows]))
    values_T, times_T = panel.series(0)[:, 0].astype(np.float64), moments(panel.frequency, panel.times(0))
    shown = slice(max(min(first, int(at[0]) - len(windows[0])), 0), None)
    year = line(times_T[shown], values_T[shown], "observed", GREY, 1, xaxis="x", yaxis="y")
    before = list(range(1 - len(lasts), 1))

    def moving(window: GateWindow) -> list[dict[str, Any]]:
        read = line(
            moments(panel.frequency, window.times), window.values_TC[:, 0], "read", INK, 1.8, xaxis="x", yaxis="y"
        )
        now = {**read, "x": read["x"][-1:], "y": numbers(window.values_TC[-1:, 0]), "name": "now", "mode": "markers",
               "marker": {"color": VERMILION, "size": 8}}  # fmt: skip
        return [read, now, *maps(window, before, order, shades, "x2")]

    frames = [
        {"name": str(k), "data": [_change(trace) for trace in moving(window)], "traces": list(range(1, 7))}
        for k, window in enumerate(windows)
    ]
    unit, target = panel.frequency.plural(2), panel.targets[0]
    arranged = layout(f"{target}: the thick part is what the network reads now", CONTROLS + 66, BETWEEN)
    arranged["xaxis"] = times_axis("", times_T[shown]) | {"anchor": "y", "nticks": 5}
    arranged["xaxis2"] = axis(f"{unit} before now", showgrid=False, anchor="y5")
    every = [window for window in windows if len(window) == len(lasts)]
    joined = GateWindow(*(np.concatenate([vars(window)[name] for window in every]) for name in vars(lasts)))
    return Figure(
        "gates",
        f"Gates and cells of {len(order)} units",
        finding(joined, [panel.frequency.label(time) for time in joined.times], unit),
        f"Move the slider, or play. {HOW} At every moment the network begins with an empty memory at the left edge.",
        [year, *moving(windows[0])],
        arranged | _controls(labels),
        shades.keys,
        frames=frames,
    )


def _change(trace: dict[str, Any]) -> dict[str, Any]:
    """What is another in every frame."""
    return {"z": trace["z"]} if "z" in trace else {"x": trace["x"], "y": trace["y"]}


def _controls(labels: list[str]) -> dict[str, Any]:
    """A slider over the frames, and buttons that play and stop."""
    still = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    going = {**still, "frame": {"duration": MILLISECONDS, "redraw": True}, "fromcurrent": True}
    steps = [{"label": escape(label), "method": "animate", "args": [[str(k)], still]} for k, label in enumerate(labels)]
    buttons = [
        {"label": "▶ play", "method": "animate", "args": [None, going]},
        {"label": "❚❚ stop", "method": "animate", "args": [[None], still]},
    ]
    place = {"x": 0, "xanchor": "left", "yanchor": "top", "pad": {"t": 64, "l": 0, "r": 0, "b": 0}}
    font = {"size": 13, "color": INK}
    return {
        "sliders": [
            {
                **place, "len": 1, "y": 0, "steps": steps, "active": 0, "ticklen": 0, "minorticklen": 0,
                "font": {"size": 1, "color": "rgba(0,0,0,0)"}, "bgcolor": GREY, "bordercolor": GREY,
                "currentvalue": {"prefix": "now: ", "font": font, "xanchor": "right"},
            }
        ],
        "updatemenus": [
            {
                **place, "type": "buttons", "direction": "right", "showactive": False, "y": 0, "buttons": buttons,
                "font": {"size": 13, "color": GREY}, "bgcolor": "rgba(0,0,0,0)", "bordercolor": GREY,
                "pad": {"t": 42, "l": 0, "r": 0, "b": 0},
            }
        ],
    }  # fmt: skip
