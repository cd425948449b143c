"""What a loss of counts asks of its data: whole numbers from 0 on, and a scaling that is linear."""

from __future__ import annotations

import numpy as np

from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, PanelError, listed
from gatecast.windows.scaling import Scaling

__all__ = ["require_counts"]


def require_counts(loss: str, panel: Panel, scaling: Scaling | None = None) -> None:
    """Check what is to be trained with a loss of counts.

    Raises:
        ConfigError: the scaling takes logarithms.
        PanelError: a target is negative or fractional (all such series are named).
    """
    if scaling is not None and scaling.log:
        raise ConfigError(
            f"loss {loss!r} needs a scaling without logarithm; got {scaling.describe()!r}. "
            "Leave the log out, or use the loss pinball."
        )
    wrong_RC = np.isfinite(panel.target_RC) & ((panel.target_RC < 0) | (panel.target_RC != np.rint(panel.target_RC)))
    if not wrong_RC.any():
        return
    wrong_before_R = np.concatenate([[0], np.cumsum(wrong_RC.any(axis=1))])
    wrong = np.flatnonzero(wrong_before_R[panel.stop] > wrong_before_R[panel.first])
    if len(wrong):
        row = int(panel.first[wrong[0]] + np.flatnonzero(wrong_RC[panel.rows(int(wrong[0]))].any(axis=1))[0])
        value = panel.target_RC[row][wrong_RC[row]][0]
        raise PanelError(
            f"loss {loss!r} needs counts, whole numbers from 0 on; there are others, such as {value:g}, in "
            f"{listed([repr(panel.ids[n]) for n in wrong], 3)} ({len(wrong):,} of {len(panel):,} series). "
            "Use the loss pinball or student-t."
        )
