"""What the LSTM remembers and when it lets go: its gates and its cells over one window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatecast.live.state.gates import GateWindow, gate_windows
from gatecast.model.config import LSTMConfig
from gatecast.report.drawing import INK, line, moments
from gatecast.report.gate_maps import HOW, Shades, layout, maps, order_of
from gatecast.report.markup import Figure
from gatecast.report.training import untrained

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.report.fans import Pick

__all__ = ["finding", "memory"]

MOST_STEPS = 240


def memory(result: Backtest, pick: Pick) -> Figure | None:
    """Gates and cells of the first layer of the first member, over the last window of a series; None without gates."""
    fitted = result.model.fitted_
    if fitted.blend.untrained or not isinstance(fitted.plan.network, LSTMConfig):
        return None
    found = result.evaluation
    origin = int(found.origin_B[found.series_B == pick.series].max()) - int(found.panel.first[pick.series])
    past = found.panel.select([pick.series]).slice(0, origin + 1)
    window = gate_windows(fitted, past, np.array([origin]))[0]
    window = GateWindow(*(part[-MOST_STEPS:] for part in vars(window).values()))
    if len(window) < 2:
        return None
    order, shades = order_of(window.forget_TD), Shades([window])
    when = moments(past.frequency, window.times)
    series = line(when, window.values_TC[:, 0], "observed", INK, 1.5, xaxis="x", yaxis="y")
    panel = found.panel
    target = panel.targets[0]
    name = f"{panel.ids[pick.series]} · {target}" if len(panel) > 1 else target
    return Figure(
        "gates",
        f"Gates over the last {len(window)} {panel.frequency.plural(len(window))}: {name}",
        finding(window, [panel.frequency.label(time) for time in window.times], panel.frequency.plural(2)),
        _reading(result, len(order), window.forget_TD.shape[1]),
        [series, *maps(window, when, order, shades, "x")],
        layout(f"{name}: what came in"),
        shades.keys,
    )


def finding(window: GateWindow, labels: list[str], unit: str) -> str:
    """How long units remember, and when they let go most."""
    forget_TD, input_TD = window.forget_TD, window.input_TD
    kept_D = np.clip(np.exp(np.log(np.clip(forget_TD, 1e-6, 1)).mean(axis=0)), 1e-6, 1 - 1e-6)
    half_D = np.log(0.5) / np.log(kept_D)
    words = (
        f"A typical unit loses half of what it holds within {_steps(float(np.median(half_D)))} {unit}, "
        f"the most lasting one within {_steps(float(half_D.max()))}."
    )
    forget_T, input_T = forget_TD.mean(axis=1), input_TD.mean(axis=1)
    if np.ptp(forget_T) > 0.02:
        words += f" It lets go most at {labels[int(forget_T.argmin())]}"
        words += f" and takes in most at {labels[int(input_T.argmax())]}." if np.ptp(input_T) > 0.02 else "."
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
    return f"{who}{where}{few}, over the window that it read before the last forecast. {HOW}{began}{linear}"
