"""Which series a forecast is asked for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gatecast.errors import PanelError, did_you_mean, listed
from gatecast.live.memory import Memory

__all__ = ["asked"]


def asked(memory: Memory, ids: str | int | Iterable[str | int] | None) -> np.ndarray:
    """(M,) places of the series asked for; None = all that have a value. Raises PanelError for those without one."""
    if not len(memory):
        raise PanelError("no series is followed yet: observe() some rows first, or begin with a history.")
    if ids is None:
        found = np.flatnonzero(memory.observed >= 0)
        if not len(found):
            raise PanelError(f"none of the {len(memory):,} series has an observed target yet.")
        return found
    names = [str(ids)] if isinstance(ids, str) or not isinstance(ids, Iterable) else [str(name) for name in ids]
    unknown = [f"{name!r}{did_you_mean(name, memory.ids)}" for name in names if name not in memory.places]
    if unknown:
        raise PanelError(f"there is no series {listed(unknown)}; {len(memory):,} are followed.")
    places = np.array([memory.places[name] for name in names], np.int64)
    empty = [repr(memory.ids[n]) for n in places[memory.observed[places] < 0]]
    if empty or not len(places):
        told = f"no target was observed yet in {listed(empty)}." if empty else "no series was asked for."
        raise PanelError(told)
    return places
