"""What a live model remembers, and the history that somebody has of the same series, as one panel.

given          ───────────────────│
remembered                  ──────────│        where both have a value it is the remembered one: it may be revised
joined         ───────────────────────│
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gatecast.data.labels import Labels
from gatecast.data.panel import Panel
from gatecast.data.rows import row_ranges
from gatecast.ensemble.fitted import Fitted
from gatecast.errors import PanelError, listed
from gatecast.live.ahead import panel_of
from gatecast.live.memory import Memory

__all__ = ["joined"]


def joined(fitted: Fitted, given: Panel, kept: Panel, most_missing: int, labels: Labels) -> Panel:
    """All series of both, with all steps of both.

    Args:
        fitted: whose columns they have.
        given: a history, of other series too.
        kept: what is remembered.
        most_missing: steps that may be missing between the two.
        labels: how series and times are written.

    Raises:
        PanelError: the steps of a series do not lie on one grid, or too many are missing between the two.
    """
    names = tuple(dict.fromkeys((*given.ids, *kept.ids)))
    places = {name: n for n, name in enumerate(names)}
    at = [np.array([places[name] for name in one.ids], np.int64) for one in (given, kept)]
    starts = np.empty(len(names), kept.starts.dtype)
    starts[at[1]], starts[at[0]] = kept.starts, given.starts
    starts[at[1]] = np.minimum(starts[at[1]], kept.starts)
    _require_one_grid(fitted, given, kept, most_missing)
    static_NS = np.empty((len(names), given.static_NS.shape[1]))
    static_NS[at[0]], static_NS[at[1]] = given.static_NS, kept.static_NS
    memory = Memory(fitted.frequency, fitted.schema.width, static_NS.shape[1])
    memory.add(list(names), starts, static_NS)
    for one, place_M in ((given, at[0]), (kept, at[1])):
        _put(memory, one, place_M)
    dtype: np.dtype[Any] = np.result_type(given.values_RV.dtype, kept.values_RV.dtype)
    return panel_of(fitted, memory, np.arange(len(names)), dtype, labels)


def _put(memory: Memory, panel: Panel, place_M: np.ndarray) -> None:
    """Write the rows of a panel over those that are there; a missing value covers none."""
    begin_M, _ = memory.frequency.position(memory.starts[place_M], panel.starts)
    series_R, step_R = np.repeat(place_M, panel.length), row_ranges(begin_M, panel.length)
    given_RV = panel.values_RV[row_ranges(panel.first, panel.length)].astype(np.float64)
    memory.write(series_R, step_R, np.where(np.isfinite(given_RV), given_RV, memory.read(series_R, step_R)))


def _require_one_grid(fitted: Fitted, given: Panel, kept: Panel, most_missing: int) -> None:
    own = {name: n for n, name in enumerate(given.ids)}
    both = [(own[name], m) for m, name in enumerate(kept.ids) if name in own]
    if not both:
        return
    n_B, m_B = np.array(both).T
    earlier_B = np.minimum(given.starts[n_B], kept.starts[m_B])
    given_B, on_given_B = fitted.frequency.position(earlier_B, given.starts[n_B])
    kept_B, on_kept_B = fitted.frequency.position(earlier_B, kept.starts[m_B])
    off = [repr(kept.ids[m]) for m in m_B[~(on_given_B & on_kept_B)]]
    if off:
        raise PanelError(f"the steps of the panel and those observed do not lie on one grid: {listed(off)}.")
    gap_B = np.maximum(kept_B - given_B - given.length[n_B], given_B - kept_B - kept.length[m_B])
    far = [repr(kept.ids[m]) for m in m_B[gap_B > most_missing]]
    if far:
        raise PanelError(
            f"more than {most_missing:,} steps are missing between the panel and what was observed: {listed(far)}. "
            "Give a longer history."
        )
