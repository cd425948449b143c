"""What a long piece of work depends on, as plain data: so that it goes on only where it would come out the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.storage.codec import encode

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["digest", "settings_of"]


def settings_of(model: Forecaster) -> dict[str, Any]:
    """The settings as JSON; a model that was fitted before has the same as one that was not."""
    settings = {name: encode(value) for name, value in sorted(vars(model.settings).items()) if name != "progress"}
    changes = model.defaults.changes()
    return settings | ({"defaults": encode(changes)} if changes else {})


def digest(panel: Panel) -> str:
    """SHA-256 of all that the forecasts depend on."""
    found = hashlib.sha256()
    for n in range(len(panel)):
        found.update(np.ascontiguousarray(panel.values_RV[panel.rows(n)]).tobytes())
    found.update(np.ascontiguousarray(panel.static_NS).tobytes())
    found.update(np.ascontiguousarray(panel.starts).tobytes())
    found.update("\x00".join((*panel.ids, panel.frequency.to_text(), repr(panel.schema))).encode())
    return found.hexdigest()
