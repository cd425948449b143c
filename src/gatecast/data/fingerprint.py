"""A fingerprint of data: equal where forecasts come out the same."""

from __future__ import annotations

import hashlib

import numpy as np

from gatecast.data.panel import Panel

__all__ = ["digest"]


def digest(panel: Panel) -> str:
    """SHA-256 of all that the forecasts depend on."""
    found = hashlib.sha256()
    for n in range(len(panel)):
        found.update(np.ascontiguousarray(panel.values_RV[panel.rows(n)]).tobytes())
    found.update(np.ascontiguousarray(panel.static_NS).tobytes())
    found.update(np.ascontiguousarray(panel.starts).tobytes())
    found.update("\x00".join((*panel.ids, panel.frequency.to_text(), repr(panel.schema))).encode())
    return found.hexdigest()
