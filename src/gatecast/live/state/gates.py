"""What the LSTM of a model remembered over the windows that it read: gates and cells, step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gatecast.data.panel import Panel
from gatecast.ensemble.fitted import Fitted
from gatecast.model.gates import gate_activations

__all__ = ["GateWindow", "gate_windows"]


@dataclass(frozen=True, eq=False)
class GateWindow:
    """Gates and cells of the first layer of an LSTM over the window before a forecast, T steps of D units.

    Args:
        times: (T,) of the steps; of several that the network folds into one, the last.
        values_TC: what was observed there; NaN = missing.
        input_TD: input gate, 0 (closed) to 1 (open): how much of what is new is taken in.
        forget_TD: forget gate, 0 (lets go) to 1 (keeps).
        output_TD: output gate, 0 to 1: how much of what is held is shown.
        cell_TD: what is held after each step, unbounded.
        hidden_TD: what is shown, -1 to 1.
    """

    times: np.ndarray
    values_TC: np.ndarray
    input_TD: np.ndarray
    forget_TD: np.ndarray
    output_TD: np.ndarray
    cell_TD: np.ndarray
    hidden_TD: np.ndarray

    def __len__(self) -> int:
        """Number of steps T."""
        return len(self.times)


def gate_windows(fitted: Fitted, panel: Panel, step_B: np.ndarray) -> list[GateWindow]:
    """The windows of the first member of the main candidate that end at some steps of a panel's only series.

    Steps before the series begins, which pad its first windows, are left out.

    Raises:
        ConfigError: nothing was trained, or the network is no LSTM that reads forwards.
    """
    fitted.require_trained("asked for its gates")
    main, patch = fitted.main, fitted.plan.network.patch
    origin_B = panel.first[0] + step_B
    read = main.reader(panel).read(np.zeros(len(step_B), np.int64), origin_B, targets=False, origins=1)
    context_BLF, _ = main.predictor.tensors(read)
    gates = gate_activations(main.members[0].network, context_BLF)
    arrays = [
        one.cpu().numpy().astype(np.float64)
        for one in (gates.input_BLD, gates.forget_BLD, gates.output_BLD, gates.cell_BLD, gates.hidden_BLD)
    ]
    found, times_T = [], panel.times(0)
    for b, step in enumerate(step_B.tolist()):
        steps = min(context_BLF.shape[1] // patch, math.ceil((step + 1) / patch))
        rows = np.maximum(np.arange(step - (steps - 1) * patch, step + 1, patch), 0)
        values_TC = panel.series(0)[rows].astype(np.float64)
        found.append(GateWindow(times_T[rows], values_TC, *(array[b, -steps:] for array in arrays)))
    return found
