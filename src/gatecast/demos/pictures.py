"""The pictures of a demo: each prediction at its own time, truth against prediction, the loss."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gatecast.backtesting.result import Evaluation
from gatecast.data.panel import Panel
from gatecast.forecasts.plots import loss_chart, split_chart, truth_chart
from gatecast.training.loop import Row

__all__ = ["draw"]


def draw(
    folder: Path | None,
    system: str,
    panel: Panel,
    split: int,
    spans: Mapping[str, Evaluation],
    history: list[Row],
) -> None:
    """Write NAME-TARGET.png for every target column, NAME-truth.png and NAME-loss.png.

    Args:
        folder: where to; None = draw nothing.
        system: the demo's name.
        panel: the one series.
        split: step at which the test part begins.
        spans: "train" and "test", say -> one-step forecasts.
        history: of the training.
    """
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    times_T, frequency = panel.times(0), panel.frequency
    for c, target in enumerate(panel.targets):
        parts = {name: (span.times_BH[:, 0], span.point_BHC[:, 0, c]) for name, span in spans.items()}
        split_chart(
            times_T, panel.series(0)[:, c], parts, times_T[split], title=f"{system}: {target}", label=target,
            frequency=frequency, path=folder / f"{system}-{target}.png",
        )  # fmt: skip
    test = spans["test"]
    truth_BHC = np.asarray(test.scores.truth_BHC)
    truth_chart(truth_BHC, test.point_BHC, title=f"{system}: test part", path=folder / f"{system}-truth.png")
    loss_chart(history, folder / f"{system}-loss.png", f"{system}: loss by epoch")
