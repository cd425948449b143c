"""Which simple forecasts the pretrained gate trusts, step by step ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.report.drawing import BLUE, GREEN, GREY, VERMILION, axis, frame, line, tint
from gatecast.report.markup import Figure, Key

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.report.fans import Pick

__all__ = ["gate"]

NAMED = 6  # simple forecasts with an area of their own
COLOURS = (BLUE, VERMILION, GREEN, "#cc79a7", "#e0b000", "#5f4bb6")


def gate(result: Backtest, pick: Pick) -> Figure | None:
    """Weights of the simple forecasts after the last origin of a series; None where no gate takes part."""
    from gatecast.pretrained.bank import EXPERTS
    from gatecast.pretrained.expert import gate_in, leading

    expert = gate_in(result.model.fitted_.blend)
    if expert is None:
        return None
    found = result.evaluation
    origin = int(found.origin_B[found.series_B == pick.series].max())
    past = found.panel.select([pick.series]).slice(0, origin + 1 - int(found.panel.first[pick.series]))
    share_HK = expert.shares(past, np.zeros(1, np.int64), past.stop - 1)[0, :, 0].astype(np.float64)
    heaviest = np.argsort(-share_HK.mean(axis=0), kind="stable")[:NAMED]
    areas = [(EXPERTS[k], COLOURS[n], share_HK[:, k]) for n, k in enumerate(heaviest)]
    areas.append(("all others", GREY, np.maximum(1 - share_HK[:, heaviest].sum(axis=1), 0)))
    steps = list(range(1, len(share_HK) + 1))
    data: list[dict[str, Any]] = [
        line(steps, 100 * share_H, name, colour, 1, stackgroup="one", fillcolor=tint(colour, 0.55),
             hovertemplate="%{y:.0f} %")
        for name, colour, share_H in areas
    ]  # fmt: skip
    layout = frame(300, xaxis=axis("steps ahead", showgrid=False), yaxis=axis("weight, %", range=[0, 100]))
    return Figure(
        "gate", f"Series {found.panel.ids[pick.series]}: what the pretrained gate trusts",
        f"On average over the steps: {leading(share_HK.mean(axis=0))}.",
        "Areas add up to 100 %. The gate is an LSTM that was trained on made-up series; it reads this one and weighs "
        "simple forecasts of it anew for every step ahead.",
        data, layout, [Key(name, colour) for name, colour, _ in areas],
    )  # fmt: skip
