"""What a long piece of work depends on, as plain data: so that it goes on only where it would come out the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatecast.storage.codec import encode

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["settings_of"]


def settings_of(model: Forecaster) -> dict[str, Any]:
    """The settings as JSON; a model that was fitted before has the same as one that was not."""
    settings = {name: encode(value) for name, value in sorted(vars(model.settings).items()) if name != "progress"}
    changes = model.defaults.changes()
    return settings | ({"defaults": encode(changes)} if changes else {})
