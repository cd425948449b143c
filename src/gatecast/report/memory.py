"""What the LSTM remembers and when it lets go: its gates and its cells over one window."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.model.config import LSTMConfig
from gatecast.report.drawing import INK, axis, frame, line, moments
from gatecast.report.markup import Figure, Key, escape, numbers
from gatecast.report.training import untrained

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.model.gates import Gates
    from gatecast.report.fans import Pick

__all__ = ["memory"]

Scale = list[tuple[float, str]]

MOST_UNITS, MOST_STEPS = 64, 240
SERIES_HEIGHT, MAP_HEIGHT, GAP = 100, 120, 34
# Cividis (Nunez et al. 2018): even steps for every kind of colour vision, no extreme on white or black.
OPEN: Scale = [(0, "#00224e"), (0.25, "#414d6b"), (0.5, "#7c7b78"), (0.75, "#bcae6c"), (1, "#fee838")]
SIGNED: Scale = [(0, "#2a6fb0"), (0.25, "#8db9dc"), (0.5, "#eeeeee"), (0.75, "#eba27f"), (1, "#c2491d")]
PANELS = {
    "forget_BLD": "Forget gate: bright keeps, dark lets go",
    "input_BLD": "Input gate: bright takes in what is new",
    "output_BLD": "Output gate: bright shows what is held",
    "cell_BLD": "Cell state: what is held",
}


def memory(result: Backtest, pick: Pick) -> Figure | None:
    """Gates and cells of the first layer of the first member, over the last window of a series; None without gates."""
    fitted = result.model.fitted_
    if fitted.blend.untrained or not isinstance(fitted.plan.network, LSTMConfig):
        return None
    gates, when, truth = _activations(result, pick.series)
    forget_LD = gates["forget_BLD"]
    if len(forget_LD) < 2:
        return None
    order = np.argsort(forget_LD.mean(axis=0), kind="stable")  # drawn upwards: what remembers longest is on top
    order = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), MOST_UNITS)).astype(np.int64))]
    data: list[dict[str, Any]] = [line(when, truth, "observed", INK, 1.5, xaxis="x", yaxis="y")]
    limit = float(np.abs(gates["cell_BLD"]).max()) or 1.0
    low, high = _range([gates[name] for name in PANELS if name != "cell_BLD"])
    for k, name in enumerate(PANELS):
        signed = name == "cell_BLD"
        data.append(
            {
                "type": "heatmap", "x": when, "z": numbers(gates[name][:, order].T, 2),
                "xaxis": "x", "yaxis": f"y{k + 2}",
                "colorscale": SIGNED if signed else OPEN, "zmin": -limit if signed else low,
                "zmax": limit if signed else high,
                "showscale": False, "hovertemplate": "unit %{y}: %{z}<extra></extra>",
            }
        )  # fmt: skip
    panel = result.evaluation.panel
    target = panel.targets[0]
    name = f"{panel.ids[pick.series]} · {target}" if len(panel) > 1 else target
    unit = panel.frequency.plural(2)
    return Figure(
        "gates",
        f"Gates over the last {len(when)} {panel.frequency.plural(len(when))}: {name}",
        _finding(forget_LD, gates["input_BLD"], _labels(result, pick.series, len(when)), unit),
        _reading(result, len(order), forget_LD.shape[1]),
        data,
        _layout(name),
        [Key(f"gates, {low:g} to {high:g}", _ramp(OPEN), "ramp"),
         Key(f"cells, −{limit:.2g} to {limit:.2g}", _ramp(SIGNED), "ramp")],
    )  # fmt: skip


def _activations(result: Backtest, series: int) -> tuple[dict[str, np.ndarray], list[Any], np.ndarray]:
    """(L, D) activations by name, the times and the (L,) values of the window before the last origin of a series."""
    from gatecast.model.gates import gate_activations

    model, found = result.model, result.evaluation
    origin = int(found.origin_B[found.series_B == series].max())
    step = origin - int(found.panel.first[series])
    past = found.panel.select([series]).slice(0, step + 1)
    main = model.fitted_.main
    at = np.zeros(1, np.int64), past.stop - 1
    context_BLF, _ = main.predictor.tensors(main.reader(past).read(*at, targets=False, origins=1))
    gates: Gates = gate_activations(main.members[0].network, context_BLF)
    patch = model.plan_.network.patch
    # steps before the series begins are padding; what is folded stands at its last step
    steps = min(context_BLF.shape[1] // patch, math.ceil((step + 1) / patch), MOST_STEPS)
    arrays = {name: getattr(gates, name)[0, -steps:].cpu().numpy().astype(np.float64) for name in PANELS}
    rows = np.arange(step - (steps - 1) * patch, step + 1, patch)
    rows = np.maximum(rows, 0)
    return arrays, moments(past.frequency, past.times(0)[rows]), past.series(0)[rows, 0].astype(np.float64)


def _labels(result: Backtest, series: int, steps: int) -> list[str]:
    found, patch = result.evaluation, result.model.plan_.network.patch
    last = int(found.origin_B[found.series_B == series].max() - found.panel.first[series])
    times = found.panel.times(series)[np.maximum(np.arange(last - (steps - 1) * patch, last + 1, patch), 0)]
    return [found.panel.frequency.label(time) for time in times]


def _finding(forget_LD: np.ndarray, input_LD: np.ndarray, labels: list[str], unit: str) -> str:
    """How long units remember, and when they let go most."""
    kept_D = np.clip(np.exp(np.log(np.clip(forget_LD, 1e-6, 1)).mean(axis=0)), 1e-6, 1 - 1e-6)
    half_D = np.log(0.5) / np.log(kept_D)
    words = (
        f"A typical unit loses half of what it holds within {_steps(float(np.median(half_D)))} {unit}, "
        f"the most lasting one within {_steps(float(half_D.max()))}."
    )
    forget_L, input_L = forget_LD.mean(axis=1), input_LD.mean(axis=1)
    if np.ptp(forget_L) > 0.02:
        words += f" It lets go most at {labels[int(forget_L.argmin())]}"
        words += f" and takes in most at {labels[int(input_L.argmax())]}." if np.ptp(input_L) > 0.02 else "."
    else:
        words += " The forget gates hardly move: it forgets at an even pace, whatever comes in."
    return words


def _steps(value: float) -> str:
    return "more than 100" if value > 100 else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _reading(result: Backtest, shown: int, units: int) -> str:
    network, members = result.model.plan_.network, len(result.model.fitted_.main.members)
    assert isinstance(network, LSTMConfig)
    who = f"The first of {members} networks" if members > 1 else "The network"
    where = f", first of {network.num_layers} layers" if network.num_layers > 1 else ""
    few = f" ({shown} of {units} shown)" if shown < units else ""
    linear = " The linear part beside the LSTM is not in this picture." if network.skip else ""
    began = ""
    if untrained(result.model):
        began = " No training improved on the start here: the weights of these gates are those they began with."
    return (
        f"{who}{where}, over the window that it read before the last forecast. Each row of a map is one unit{few}; "
        f"those that remember longest are on top. At every step a unit multiplies what it holds by the forget gate, "
        f"adds what the input gate lets in, and shows as much as the output gate allows. A gate goes from 0, closed, "
        f"to 1, open.{began}{linear}"
    )


def _layout(name: str) -> dict[str, Any]:
    """Five panels below each other with one axis of time: the series, three gates, the cells."""
    titles = [f"{name}: what came in", *PANELS.values()]
    heights = [SERIES_HEIGHT, *[MAP_HEIGHT] * len(PANELS)]
    drawn = sum(heights) + GAP * (len(heights) - 1)
    layout = frame(drawn + 66, hovermode="closest", margin={"l": 40, "r": 10, "t": 26, "b": 40})
    labels, top = [], float(drawn)
    for k, (title, height) in enumerate(zip(titles, heights, strict=True)):
        domain = [max((top - height) / drawn, 0.0), top / drawn]
        blank: dict[str, Any] = {"showticklabels": False, "showgrid": False} if k else {"nticks": 4}
        layout[f"yaxis{k + 1}" if k else "yaxis"] = axis(domain=domain, **blank)
        labels.append(_panel_title(title, domain[1]))
        top -= height + GAP
    layout["xaxis"] = axis(showgrid=False, anchor=f"y{len(titles)}")
    return layout | {"annotations": labels}


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
